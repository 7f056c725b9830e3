"""Glitches of single cycles: the timed replay's counts, cycle by cycle instead of summed.

The timed replay counts by groups of 64 cycles. Here each group has one cycle, so a cycle costs as
much as 64 of them: enough for the drawn cycles of a trace, too slow for all of a long one.
"""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Int64s
from chipdse.errors import DesignError
from chipdse.netlist.activity.glitches.plan import plan_timed
from chipdse.netlist.activity.glitches.replay import (
    BINS,
    FINEST_RESOLUTION_S,
    TimedEngine,
    _engine,
)
from chipdse.netlist.activity.recording import Recording
from chipdse.netlist.activity.replay.engine_numpy import settled_values
from chipdse.netlist.activity.replay.lanes import LANES, WORDS
from chipdse.netlist.activity.replay.plan import Plan
from chipdse.netlist.timing.timing import MAX, Timing


def glitches_of_cycles(
    timing: Timing,
    recording: Recording,
    plan: Plan,
    rows: Int64s,
    *,
    resolution_s: float | None = None,
    engine: TimedEngine = "auto",
) -> Int64s:
    """Transitions [cycles, nets] of single cycles that settle again.

    Parameters
    ----------
    rows : of the recording, before the edge with which each cycle begins
    resolution_s, engine : as for `timed_replay`

    Raises
    ------
    DesignError : the recording has a row per half cycle
    """
    if recording.both_edges:
        raise DesignError("glitches of single cycles need one recorded row per clock cycle")
    if resolution_s is None:
        late = timing.arrival_s[MAX, :, 0]
        resolution_s = float(late[np.isfinite(late)].max(initial=BINS * FINEST_RESOLUTION_S)) / BINS
    timed = plan_timed(timing, plan.annotated, resolution_s, 0)
    lanes, _ = _engine(timed, engine)
    moves = np.zeros(timed.nets, dtype=bool)
    moves[timed.output], moves[timed.source] = True, True
    slot = np.where(moves, plan.slot_of_net, 0)
    glitches: Int64s = np.zeros((len(rows), timed.nets), dtype=np.int64)
    for first in range(0, len(rows), WORDS):
        part = rows[first : first + WORDS]
        # Lane 0 of each word has a cycle; the others stay in one row, so nothing moves in them.
        steps = np.full((2, LANES), part[0], dtype=np.int64)
        steps[:, 64 * np.arange(len(part))] = part, part + 1
        values = settled_values(plan, recording, steps)
        before, after = values[slot, 0], values[slot, 1]
        before[~moves] = after[~moves] = 0
        counts = np.zeros((timed.nets, WORDS), dtype=np.int64)
        functional = np.bitwise_count(before ^ after).astype(np.int64)
        lanes.replay(before, after[timed.source], counts, np.zeros(timed.nets, dtype=np.int32))
        glitches[first : first + len(part)] = (counts - functional).T[: len(part)]
    return glitches
