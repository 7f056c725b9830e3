"""Setup and hold of storing cells: how close data may come to the clock, by bisection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chipdse.characterise.bench import RAMP_PER_SLEW, Waves
from chipdse.characterise.ngspice import SimulationError
from chipdse.characterise.sequential import Store

PUSH_OUT = 1.1  # 10 % more clock to output delay
SEARCH_STEPS = 9
POINTS = 60  # of a trial; more change no result
DISTURBED = 0.1  # of the supply: an output that should not move


def constraints(
    store: Store, slews_s: np.ndarray, load_f: float, *, sparse: bool = False
) -> list[dict[str, Any]]:
    """Setup and hold of data and enable, tables by (clock slew, data slew).

    Parameters
    ----------
    sparse : simulate equal slews, and the fastest clock edge with every slew of the data; of the
        other entries, the effect of the data's slew is that with the fastest clock edge
    """
    rule = store.rule
    pins = [rule.data] + ([rule.enable] if rule.enable else [])
    groups = []
    for pin in pins:
        for kind in ("setup", "hold"):
            tables: dict[str, Any] = {}
            for rises in (True, False):
                tables["rise_s" if rises else "fall_s"] = _table(
                    store, pin, kind, rises, slews_s.tolist(), load_f, sparse
                )
            falling = rule.kind == "latch"
            groups.append(
                {
                    "pin": pin,
                    "clock": rule.clock,
                    "type": f"{kind}_{'falling' if falling else 'rising'}",
                    **tables,
                }
            )
    return groups


def _table(
    store: Store,
    pin: str,
    kind: str,
    rises: bool,
    slews_s: list[float],
    load_f: float,
    sparse: bool,
) -> list[list[float]]:
    """Setup or hold by (clock slew, data slew)."""

    def limit_s(clock_s: float, slew_s: float) -> float:
        return max(
            _limit_s(store, pin, kind, rises, stored, clock_s, slew_s, load_f)
            for stored in ((0, 1) if pin == store.rule.enable else (0,))
        )

    if not sparse:
        return [[limit_s(clock, slew) for slew in slews_s] for clock in slews_s]
    first = [limit_s(slews_s[0], slew) for slew in slews_s]
    equal = [first[0], *(limit_s(slew, slew) for slew in slews_s[1:])]
    return [
        first if row == 0 else [equal[row] + other - first[row] for other in first]
        for row in range(len(slews_s))
    ]


def _limit_s(
    store: Store,
    pin: str,
    kind: str,
    rises: bool,
    enable_stored: int,
    clock_slew_s: float,
    slew_s: float,
    load_f: float,
) -> float:
    """The smallest time between the edges (50 %) at which the cell still works, by bisection.

    `enable_stored` is the bit before an edge of the enable; the data is its complement.
    """
    rule = store.rule
    ramp_c, ramp_d = clock_slew_s * RAMP_PER_SLEW, slew_s * RAMP_PER_SLEW
    unit_s = store.bench.patience * store.fo4_s
    reach = 0.5 * (ramp_c + ramp_d) + 12 * unit_s
    clock_at = 2 * reach + max(ramp_c, ramp_d)  # 50 % of the clock edge
    stop_s = clock_at + 0.5 * ramp_c + 2 * reach + 20 * unit_s
    new = int(rises)
    closing = rule.kind == "latch"  # the constrained clock edge falls
    levels = {**store.idle, rule.clock: int(closing), rule.data: 1 - new, pin: 1 - new}
    if pin == rule.enable:
        levels[rule.data], stored = 1 - enable_stored, enable_stored
    else:
        stored = _stored_before(store, kind, new)
    judge = _judge(store, pin, kind, new, stored, clock_at)

    def works(gap_s: float, reference_s: float | None) -> tuple[bool, float | None]:
        data_at = clock_at - gap_s if kind == "setup" else clock_at + gap_s
        edges = {
            rule.clock: [(clock_at - ramp_c / 2, clock_slew_s)],
            pin: [(data_at - ramp_d / 2, slew_s)],
        }
        waves = store.run(levels, stored, edges, stop_s, load_f, points=POINTS)
        return judge(waves, data_at, reference_s)

    fine, reference_s = works(reach + 4 * unit_s, None)
    if not fine:
        raise SimulationError(f"{store.cell.name} {pin} {kind}: fails with ample time")
    low, high = -reach, reach
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        if works(middle, reference_s)[0]:
            high = middle
        else:
            low = middle
    return high


def _stored_before(store: Store, kind: str, new: int) -> int:
    """The bit to start from, so that a captured value shows as an edge of the output."""
    if store.rule.kind == "flip_flop":
        return 1 - new if kind == "setup" else new
    return 1 - new  # latch, clock gate: still open, so the bit follows the old data


Judge = Callable[[Waves, float, float | None], tuple[bool, float | None]]


def _judge(store: Store, pin: str, kind: str, new: int, stored: int, clock_at: float) -> Judge:
    """What working means: the output's edge in time, or no edge where none belongs."""
    rule, supply_v = store.rule, store.bench.corner.supply_v
    out = store.output
    enabled = new if kind == "setup" else 1 - new  # DE or GATE at the clock edge

    def still(waves: Waves, data_at: float, reference_s: float | None) -> tuple[bool, None]:
        v = waves.voltage_v[out]
        return bool(np.max(np.abs(v - v[0])) < DISTURBED * supply_v), None

    def edge(rises: bool, since_data: bool) -> Judge:
        def judge(
            waves: Waves, data_at: float, reference_s: float | None
        ) -> tuple[bool, float | None]:
            from_s = data_at if since_data else clock_at
            crossing = store.edge(waves, rises, 0.0)
            last = waves.voltage_v[out][-1] / supply_v
            if crossing is None or abs(last - int(rises)) > DISTURBED:
                return False, None
            delay = crossing[0] - from_s
            return (reference_s is None or delay <= PUSH_OUT * reference_s), delay

        return judge

    if rule.kind == "flip_flop" and pin == rule.data:
        return edge(bool(new) if kind == "setup" else not new, False)
    if rule.kind == "latch":
        return edge(bool(new), True) if kind == "setup" else still
    rises = not stored if pin == rule.enable else True
    return edge(rises, False) if enabled else still
