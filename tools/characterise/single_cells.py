"""Single cells that `docs/concepts/library.md` names, simulated where they differ from SkyWater's.

`inv_1` of slow transistors at 1.28 V and -40 °C, at slews and loads of the official file: are its
errors those of the models or of the inference between corners? Setup of the enable of `edfxtp_1`
of fast transistors at 1.76 V and -40 °C, at slews beyond the tables. Falling outputs of `maj3_1`
and `xor3_1` of fast transistors at 1.95 V and 100 °C, in each state of the other inputs.
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
from chipdse.netlist.library.library import SENSES, CellLibrary, OperatingLibrary

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
STATES = {"maj3_1": "C", "xor3_1": "B"}
"""Cells whose output X falls with an input in two states of the others, by that input."""
STATES_POINT = 1.95, 100.0  # supply [V], temperature [°C]; fast transistors
STATES_SLEW_S, STATES_LOAD_F = 60e-12, 7e-15
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
    theirs, errors = official.every_corner(), []
    numbers = [_tables(library) for library in (official, shipped.library)]
    slews, loads, _ = table_of(theirs, numbers[0]["rise_delay"])
    simulated = dict(zip(COLUMNS, _simulated(work, point, slews, loads), strict=True))
    for name in COLUMNS:
        rows, columns = np.meshgrid(slews, loads, indexing="ij")
        errors.append(
            Inverter(
                name=name,
                official_s=table_of(theirs, numbers[0][name])[2],
                simulated_s=simulated[name],
                shipped_s=_at(shipped, numbers[1][name], rows, columns),
            )
        )
    return errors


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
    times_s = np.zeros((len(COLUMNS), len(slews), len(loads)))
    with Characteriser(work) as characteriser:
        corner = characteriser.corner("slow", *point)
        bench = characteriser.bench(INVERTER, corner, settings.TIMING_MODELS["slow"])
        pulses = Pulses(bench, float(loads[-1]), float(slews[-1]))
        for row, slew_s in enumerate(slews.tolist()):
            for column, load_f in enumerate(loads.tolist()):
                for edge in pulses.pulse("A", {}, slew_s, {"Y": load_f}):
                    falls = int(not edge.output_rises["Y"])
                    times_s[falls, row, column] = edge.delay_s["Y"]
                    times_s[2 + falls, row, column] = edge.transition_s["Y"]
    return tuple(times_s)


def enable_setup(work: Path, slews_s: tuple[float, ...] = ENABLE_SLEWS_S) -> Floats:
    """Setup time of the enable's rising and falling edge [2, slews] at the fastest clock edge."""
    with Characteriser(work) as characteriser:
        corner = characteriser.corner("fast", *FLIP_FLOP_POINT)
        bench = characteriser.bench(FLIP_FLOP, corner, settings.TIMING_MODELS["fast"])
        store = Store(bench, 100e-15, max(slews_s))
        slews = np.array([FASTEST_CLOCK_S, *slews_s])
        (edges,) = (
            limit
            for limit in constraints.constraints(store, slews, LOAD_F, sparse=True)
            if limit["pin"] == store.rule.enable and limit["type"] == "setup_rising"
        )
    return np.array([edges[edge][0][1:] for edge in ("rise_s", "fall_s")])


@dataclass(frozen=True, kw_only=True)
class States:
    """Delay of a falling input to the falling output X.

    simulated_s : by the levels of the other inputs, as text
    """

    cell: str
    pin: str
    simulated_s: dict[str, float]
    shipped_s: float


def states(work: Path) -> list[States]:
    """The cells of `STATES` in every state in which the output follows the input."""
    shipped = resolve("sky130").load("fast").at(*STATES_POINT)
    point, errors = at_one_corner(shipped).every_corner(), []
    with Characteriser(work) as characteriser:
        corner = characteriser.corner("fast", *STATES_POINT)
        for name, pin in STATES.items():
            bench = characteriser.bench(name, corner, settings.TIMING_MODELS["fast"])
            pulses, delays = Pulses(bench, 100e-15, 1e-9), {}
            for side in bench.cell.states(pin):
                if (
                    bench.cell.value("X", {**side, pin: 0})
                    == 0
                    < bench.cell.value("X", {**side, pin: 1})
                ):
                    _, falls = pulses.pulse(pin, side, STATES_SLEW_S, {"X": STATES_LOAD_F})
                    text = " ".join(f"{other}={level}" for other, level in side.items())
                    delays[text] = falls.delay_s["X"]
            table = _falling_table(point.library, name, pin)
            place = np.array([STATES_SLEW_S]), np.array([STATES_LOAD_F])
            shipped_s = float(look_up(point, table, *place)[0])
            errors.append(States(cell=name, pin=pin, simulated_s=delays, shipped_s=shipped_s))
    return errors


def _falling_table(library: CellLibrary, name: str, pin: str) -> int:
    """Number of the table of a falling output that follows an input."""
    arcs, cell = library.arcs, library.cell(PREFIX + name)
    start = library.pin_start[library.index[cell.name]]
    (arc,) = np.flatnonzero(
        (arcs.source == start + cell.pin_index[pin])
        & (arcs.sink == start + cell.pin_index["X"])
        & (arcs.sense == SENSES.index("positive_unate"))
    )
    return int(arcs.fall_delay[arc])


def report(work: Path) -> Iterator[str]:
    """All of them, for people."""
    yield f"{INVERTER}, slow transistors, 1.28 V, -40 C, over the official file: median (range)"
    yield f"{'output edge':<12}{'simulated here':>26}{'shipped':>26}{'shipped over simulated':>26}"
    for cell in inverter(work):
        pairs = (
            (cell.simulated_s, cell.official_s),
            (cell.shipped_s, cell.official_s),
            (cell.shipped_s, cell.simulated_s),
        )
        yield f"{cell.name:<12}" + "".join(f"{_errors(*pair):>26}" for pair in pairs)
    yield ""
    yield f"{FLIP_FLOP}, fast transistors, 1.76 V, -40 C: setup of the enable at a fast clock edge"
    yield "slew [ns]   " + "".join(f"{slew_s * 1e9:8.2f}" for slew_s in ENABLE_SLEWS_S)
    for edge, row in zip(("rising", "falling"), enable_setup(work), strict=True):
        yield f"{edge:<12}" + "".join(f"{setup_s * 1e9:8.2f}" for setup_s in row) + " ns"
    yield ""
    yield "fast transistors, 1.95 V, 100 C: input and output fall, slew 60 ps, load 7 fF [ps]"
    for each in states(work):
        delays = ", ".join(f"{v * 1e12:.0f} ({state})" for state, v in each.simulated_s.items())
        yield f"{each.cell} {each.pin}: simulated {delays}; shipped {each.shipped_s * 1e12:.0f}"


def _errors(ours_s: Floats, theirs_s: Floats) -> str:
    """Relative to the value plus 10 ps, as in `compare`."""
    error = 100 * (ours_s - theirs_s) / (np.abs(theirs_s) + 10e-12)
    return f"{np.median(error):+.1f} % ({error.min():+.0f} to {error.max():+.0f})"
