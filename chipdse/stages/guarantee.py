"""Guaranteed figures: a netlist timed with slow and fast transistors at the edges of its range.

A typical chip does not represent all chips that a foundry delivers. Each question is therefore
answered at the corner where the answer is worst:

- highest clock: slow transistors, lowest supply, the worse end of the temperature range;
- hold slack: fast transistors, highest supply, the worse end of the temperature range;
- leakage: fast transistors, highest supply, highest temperature.

The delay of a cell falls with temperature where its threshold voltage decides and rises where the
mobility decides; with both effects it has one minimum in between, so the slower end is the slowest.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.library.sigmas import check_mismatch, knows_mismatch
from chipdse.netlist.power.power import GROUPS, analyse_power
from chipdse.netlist.timing.timing import Timing
from chipdse.netlist.timing.variation import Varied, vary
from chipdse.stages.analyse import timed_at
from chipdse.stages.layout import LAYOUT_TABLES, guarded_layout, layout, physical_values
from chipdse.stages.layout_power import after_layout
from chipdse.stages.library import guarded, library_of, library_version, supply_of
from chipdse.stages.load import RUN_INPUTS, RUN_READERS, Hardware, ReplayedNetlist, load, run_values
from chipdse.stages.operate import Bounds
from chipdse.store.stage import Build, Stage
from chipdse.store.store import Store

SLOW, FAST = "slow", "fast"
BOUNDS = "bounds.json"
DEFAULT_SIGMA = 3.0
MISMATCH_TABLE = "technology/data/sky130_mismatch.npz"


@dataclass(frozen=True, kw_only=True)
class CornerRange:
    """Supplies and temperatures between which the figures of a design must hold.

    temperatures_c : the ends of the range; None are all at which the library is characterised
    """

    lowest_supply_v: float
    highest_supply_v: float
    temperatures_c: tuple[float, ...] | None

    @staticmethod
    def of(design: Design) -> CornerRange:
        """The range that the operating point of a design states."""
        operating, (vdd_v, _) = design.operating, supply_of(design)
        ends = {operating.lowest_temperature_c, operating.highest_temperature_c}
        stated = operating.corner_temperatures == "range"
        return CornerRange(
            lowest_supply_v=vdd_v * (1 - operating.supply_tolerance_frac),
            highest_supply_v=vdd_v * (1 + operating.supply_tolerance_frac),
            temperatures_c=tuple(sorted(ends)) if stated else None,
        )

    def temperatures_of(self, library: CellLibrary, supply_v: float) -> tuple[float, ...]:
        """Temperatures at which a process corner of the library is analysed at a supply, ascending.

        Raises
        ------
        DesignError : the library is not characterised there
        """
        temperatures = self.temperatures_c
        if temperatures is None:
            known = library.grid
            covered = (temp for temp in known.temperatures_c if known.covers(supply_v, temp))
            temperatures = tuple(covered) or known.temperatures_c
        library.at([supply_v], temperatures)
        return temperatures


def check_corners(design: Design, libraries: dict[str, CellLibrary]) -> None:
    """Raise DesignError unless slow and fast corners cover the range of a design."""
    corners = CornerRange.of(design)
    try:
        corners.temperatures_of(libraries[SLOW], corners.lowest_supply_v)
        corners.temperatures_of(libraries[FAST], corners.highest_supply_v)
    except DesignError as error:
        raise DesignError(
            f"view='guaranteed': {error}; change vdd_v, supply_tolerance_frac, "
            "lowest_temperature_c and highest_temperature_c, or set corner_temperatures='library'"
        ) from None


def bounds_of(design: Design, hardware: Hardware, store: Store) -> Bounds:
    """What every chip of a design's netlist keeps at its supply and temperature range.

    Raises
    ------
    DesignError : the library has no slow and fast corner, or not in this range
    """
    version = {process: library_version(design.library, process) for process in (SLOW, FAST)}
    corners = CornerRange.of(design)
    sigma = timing_sigma(design)
    values = {
        **run_values(design, hardware, SLOW),
        "fast_library": version[FAST].digests,
        "range": dataclasses.asdict(corners),
        "timing_sigma": sigma,
        "physical": physical_values(design.physical),
    }
    build = functools.partial(write_bounds, design, hardware, corners, sigma, store)

    def guard(checked: Build) -> Build:
        slow = guarded(design.library, version[SLOW], checked)
        return guarded_layout(design, version[FAST], values["physical"], slow)

    folder = GUARANTEE.folder(store, values, build, guard=guard)
    stored: dict[str, Any] = json.loads((folder / BOUNDS).read_text())
    for name in ("leakage_temperatures_c", "leakage_powers_w"):
        stored[name] = tuple(stored[name])
    return Bounds(**stored)


def timing_sigma(design: Design) -> float:
    """Standard deviations of mismatch that the clock of a design covers.

    Raises
    ------
    DesignError : they are stated, and the library's slow or fast corner has no deviations
    """
    stated, entry = design.operating.timing_sigma, library_of(design.library)
    if stated == 0:
        return 0.0
    libraries = [entry.load(process) for process in (SLOW, FAST)]
    if stated is None:
        return DEFAULT_SIGMA if all(map(knows_mismatch, libraries)) else 0.0
    for library in libraries:
        check_mismatch(library)
    return stated


def write_bounds(
    design: Design,
    hardware: Hardware,
    corners: CornerRange,
    sigma: float,
    store: Store,
    folder: Path,
) -> None:
    """Write the guaranteed figures into a folder.

    Parameters
    ----------
    sigma : standard deviations of mismatch that clock and hold slack cover
    """
    bounds = _bounds(design, hardware, corners, sigma, store)
    (folder / BOUNDS).write_text(json.dumps(dataclasses.asdict(bounds)))


GUARANTEE = Stage(
    name="guarantee",
    does="times slow and fast chips at the edges of supply and temperature, with their leakage",
    inputs={
        **RUN_INPUTS,
        "library": "hash of every file of the library's slow corner and its default one",
        "fast_library": "hash of every file of its fast corner and its default one",
        "range": "lowest and highest supply, temperatures",
        "timing_sigma": "standard deviations of mismatch that count",
        "physical": "which wires and clock tree count",
    },
    builder=write_bounds,
    code=RUN_READERS,
    data=(*LAYOUT_TABLES, MISMATCH_TABLE),
)


def _kept(timing: Timing, sigma: float) -> Varied:
    """Period and hold slack with mismatch; without it, those of the timing itself."""
    if sigma:
        return vary(timing, sigma)
    none = np.zeros(len(timing.clock_period_s))
    return Varied(
        min_period_s=timing.min_period_s,
        worst_hold_slack_s=timing.worst_hold_slack_s,
        path_mean_s=timing.min_period_s,
        path_deviation_s=none,
        near_critical=none,
    )


def _bounds(
    design: Design, hardware: Hardware, corners: CornerRange, sigma: float, store: Store
) -> Bounds:
    slow, fast = (load(design.library, hardware, process) for process in (SLOW, FAST))
    slow_c = corners.temperatures_of(slow.netlist.library, corners.lowest_supply_v)
    fast_c = corners.temperatures_of(fast.netlist.library, corners.highest_supply_v)
    laid = layout(design, hardware, store)

    def timed(loaded: ReplayedNetlist, supply_v: float, temperature_c: float) -> Timing:
        layout_at_corner = dataclasses.replace(laid, graph=loaded.graph)
        return timed_at(loaded, layout_at_corner, supply_v, temperature_c)

    at_slow = {temp: timed(slow, corners.lowest_supply_v, temp) for temp in slow_c}
    late = {temp: _kept(timing, sigma) for temp, timing in at_slow.items()}
    paths = {temp: float(varied.min_period_s[0]) for temp, varied in late.items()}
    slowest_c = max(paths, key=paths.__getitem__)
    at_fast = {temp: timed(fast, corners.highest_supply_v, temp) for temp in fast_c}
    holds = {
        temp: float(_kept(timing, sigma).worst_hold_slack_s[0]) for temp, timing in at_fast.items()
    }
    hold_c, hottest_c = min(holds, key=holds.__getitem__), fast_c[-1]
    known = fast.netlist.library.leakage_grid
    table_c = tuple(t for t in known.temperatures_c if known.covers(corners.highest_supply_v, t))
    at = fast.netlist.library.leakage_at(corners.highest_supply_v, table_c)
    power = analyse_power(
        at_fast[hottest_c],
        fast.replayed.activity,
        model=fast.model,
        leakage_at=at if len(table_c) > 1 else None,
    )
    groups = power.by_group()
    leakage = after_layout(
        laid.added, {name: float(groups[name]["leakage_w"][0]) for name in GROUPS}
    )
    leakage_powers_w = power.leakage_elsewhere_w * leakage.growth
    # A library without leakage has no table of it: it is 0 at every temperature.
    leaks = len(table_c) > 1 and bool(np.any(power.leakage_elsewhere_w))
    mismatch_s = paths[slowest_c] - float(at_slow[slowest_c].min_period_s[0])
    return Bounds(
        critical_path_s=paths[slowest_c] * laid.path_growth / (1 - laid.skew_frac),
        timing_sigma=sigma,
        mismatch_delay_s=mismatch_s * laid.path_growth / (1 - laid.skew_frac),
        near_critical_endpoints=float(late[slowest_c].near_critical[0]),
        setup_supply_v=corners.lowest_supply_v,
        setup_temperature_c=slowest_c,
        worst_hold_slack_s=holds[hold_c],
        hold_supply_v=corners.highest_supply_v,
        hold_temperature_c=hold_c,
        leakage_w=leakage.by_group_w,
        leakage_supply_v=corners.highest_supply_v,
        leakage_temperature_c=hottest_c,
        leakage_temperatures_c=table_c if leaks else (),
        leakage_powers_w=tuple(map(float, leakage_powers_w)) if leaks else (),
    )
