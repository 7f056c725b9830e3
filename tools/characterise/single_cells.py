"""Single cells that `docs/concepts/library.md` names, simulated where they differ from SkyWater's.

`inv_1` of slow transistors at 1.28 V and -40 °C, at slews and loads of the official file: are its
errors those of the models or of the inference between corners? Setup of the enable of `edfxtp_1`
of fast transistors at 1.76 V and -40 °C, at slews beyond the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chipdse.arrays import Floats
from chipdse.characterise import constraints
from chipdse.characterise.combinational import Pulses
from chipdse.characterise.sequential import Store
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary

from . import settings
from .catalogue import PREFIX
from .compare import at_one_corner, look_up, table_of
from .inputs import FOLDER
from .official import read_official
from .run import Characteriser

OFFICIAL = FOLDER / "official" / "ss_n40C_1v28.json.gz"
INVERTER, FLIP_FLOP = "inv_1", "edfxtp_1"
FLIP_FLOP_POINT = 1.76, -40.0  # supply [V], temperature [°C]; fast transistors
FASTEST_CLOCK_S = 10e-12
LOAD_F = 0.5e-15  # the smallest of the tables
ENABLE_SLEWS_S = (0.5e-9, 1.5e-9, 3e-9, 8e-9)
COLUMNS = ("rise_delay", "fall_delay", "rise_slew", "fall_slew")


@dataclass(frozen=True, kw_only=True)
class Inverter:
    """One table of the inverter [slews, loads], three times.

    name : "rise_delay", "fall_delay", "rise_slew" or "fall_slew"; the output's edge
    """

    name: str
    official_s: Floats
    simulated_s: Floats
    shipped_s: Floats


def inverter(work: Path) -> list[Inverter]:
    """The inverter at the corner, slews and loads of the official excerpt."""
    official = read_official(OFFICIAL)
    point = float(official.supply_v[0]), float(official.temperature_c[0])
    shipped = at_one_corner(resolve("sky130").load("slow").at(*point)).every_corner()
    theirs, found = official.every_corner(), []
    numbers = [_tables(library) for library in (official, shipped.library)]
    slews, loads, _ = table_of(theirs, numbers[0]["rise_delay"])
    simulated = dict(zip(COLUMNS, _simulated(work, point, slews, loads), strict=True))
    for name in COLUMNS:
        rows, columns = np.meshgrid(slews, loads, indexing="ij")
        found.append(
            Inverter(
                name=name,
                official_s=table_of(theirs, numbers[0][name])[2],
                simulated_s=simulated[name],
                shipped_s=_at(shipped, numbers[1][name], rows, columns),
            )
        )
    return found


def _tables(library: CellLibrary) -> dict[str, int]:
    """Numbers of the tables of the inverter's only arc."""
    (arc,) = np.flatnonzero(library.arcs.cell == library.index[PREFIX + INVERTER])
    return {name: int(getattr(library.arcs, name)[arc]) for name in COLUMNS}


def _at(library: OperatingLibrary, table: int, rows: Floats, columns: Floats) -> Floats:
    return look_up(library, table, rows.ravel(), columns.ravel()).reshape(rows.shape)


def _simulated(
    work: Path, point: tuple[float, float], slews: Floats, loads: Floats
) -> tuple[Floats, ...]:
    """The tables of `COLUMNS` from ngspice [slews, loads]."""
    found = np.zeros((len(COLUMNS), len(slews), len(loads)))
    with Characteriser(work) as characteriser:
        corner = characteriser.corner("slow", *point)
        bench = characteriser.bench(INVERTER, corner, settings.TIMING_MODELS["slow"])
        pulses = Pulses(bench, float(loads[-1]), float(slews[-1]))
        for row, slew_s in enumerate(slews.tolist()):
            for column, load_f in enumerate(loads.tolist()):
                for edge in pulses.pulse("A", {}, slew_s, {"Y": load_f}):
                    falls = int(not edge.output_rises["Y"])
                    found[falls, row, column] = edge.delay_s["Y"]
                    found[2 + falls, row, column] = edge.transition_s["Y"]
    return tuple(found)


def enable_setup(work: Path, slews_s: tuple[float, ...] = ENABLE_SLEWS_S) -> Floats:
    """Setup time of the enable's rising and falling edge [2, slews] at the fastest clock edge."""
    with Characteriser(work) as characteriser:
        corner = characteriser.corner("fast", *FLIP_FLOP_POINT)
        bench = characteriser.bench(FLIP_FLOP, corner, settings.TIMING_MODELS["fast"])
        store = Store(bench, 100e-15, max(slews_s))
        slews = np.array([FASTEST_CLOCK_S, *slews_s])
        (found,) = (
            limit
            for limit in constraints.constraints(store, slews, LOAD_F, sparse=True)
            if limit["pin"] == store.rule.enable and limit["type"] == "setup_rising"
        )
    return np.array([found[edge][0][1:] for edge in ("rise_s", "fall_s")])


def report(work: Path) -> Iterator[str]:
    """Both, for people."""
    yield f"{INVERTER}, slow transistors, 1.28 V, -40 C, over the official file: median (range)"
    yield f"{'output edge':<12}{'simulated here':>26}{'shipped':>26}{'shipped over simulated':>26}"
    for one in inverter(work):
        pairs = (
            (one.simulated_s, one.official_s),
            (one.shipped_s, one.official_s),
            (one.shipped_s, one.simulated_s),
        )
        yield f"{one.name:<12}" + "".join(f"{_errors(*pair):>26}" for pair in pairs)
    yield ""
    yield f"{FLIP_FLOP}, fast transistors, 1.76 V, -40 C: setup of the enable at a fast clock edge"
    yield "slew [ns]   " + "".join(f"{slew_s * 1e9:8.2f}" for slew_s in ENABLE_SLEWS_S)
    for edge, row in zip(("rising", "falling"), enable_setup(work), strict=True):
        yield f"{edge:<12}" + "".join(f"{setup_s * 1e9:8.2f}" for setup_s in row) + " ns"


def _errors(ours_s: Floats, theirs_s: Floats) -> str:
    """Relative to the value plus 10 ps, as in `compare`."""
    error = 100 * (ours_s - theirs_s) / (np.abs(theirs_s) + 10e-12)
    return f"{np.median(error):+.1f} % ({error.min():+.0f} to {error.max():+.0f})"
