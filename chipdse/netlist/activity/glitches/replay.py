"""Timed replay: glitches of every net, from a recording and the delays of each instance.

Zero-delay replay gives the settled value of every net in each cycle. Here the transitions to it
are computed: 512 cycles side by side, each from its settled state before the clock edge, every cell
once with the lists of changes of its inputs. Pulses shorter than the delay of a cell disappear
(inertial delay).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Int32s, Int64s
from chipdse.errors import DesignError, ToolError
from chipdse.kernels.build import compiler, kernels
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.glitches.engine_compiled import CompiledLanes
from chipdse.netlist.activity.glitches.engine_python import PythonLanes
from chipdse.netlist.activity.glitches.plan import TimedPlan, plan_timed
from chipdse.netlist.activity.recording import Recording, RegisterBit
from chipdse.netlist.activity.replay.engine_numpy import settled_values
from chipdse.netlist.activity.replay.lanes import LANES, WORDS, Window
from chipdse.netlist.activity.replay.plan import Plan
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.activity.replay.replay import Replayed, refuse_unknown
from chipdse.netlist.timing.timing import MAX, Timing
from chipdse.units import show

TimedEngine = Literal["auto", "python", "compiled"]
SAMPLED_CYCLES = 512
BINS = 400  # of the longest path; finer changes the sums by less than 1 %
FINEST_RESOLUTION_S = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedActivity:
    """Activity with glitches; functional transitions are those that zero-delay replay counts.

    Parameters
    ----------
    functional : zero-delay activity of the whole window
    total : the same with glitches added to its toggles; for the power model
    glitch_toggles : per net, transitions within a cycle that settle again, over the window
    sampled_cycles, cycles : replayed with delays, and in the window
    group_glitches : [groups, nets] glitches of random groups of sampled cycles
    group_cycles : [groups] how many cycles each has
    latest_s : when each net last moved after the clock's edge, in the sampled cycles [s]
    engine : "python" or "compiled"
    """

    functional: Activity
    total: Activity
    glitch_toggles: Floats
    sampled_cycles: int
    cycles: int
    seed: int
    resolution_s: float
    group_glitches: Int64s
    group_cycles: Floats
    latest_s: Floats
    engine: str

    @property
    def glitch_frac(self) -> float:
        """Glitches as a fraction of all transitions, every net counting the same."""
        total = float(self.total.toggles.sum())
        return float(self.glitch_toggles.sum()) / total if total else 0.0

    def standard_error(self, weights: Floats | None = None) -> float:
        """Standard error of the weighted sum of glitches, relative to that of all transitions.

        Parameters
        ----------
        weights : per net, e.g. its capacitance; None weighs all equally

        Notes
        -----
        From the spread between groups of sampled cycles (cluster sampling without replacement,
        so it is 0 when every cycle is replayed). With 8 groups it is itself good to 27 %.
        """
        weights = np.ones(len(self.glitch_toggles)) if weights is None else weights
        weighted_toggles = numerics.dot(self.total.toggles, weights)
        used = self.group_cycles > 0
        if self.sampled_cycles >= self.cycles or not weighted_toggles:
            return 0.0
        if used.sum() < 2:
            return np.inf
        sums = numerics.matmul(self.group_glitches[used], weights)
        sizes = self.group_cycles[used]
        mean = sums.sum() / sizes.sum()
        spread = float(numerics.square(sums - mean * sizes).sum()) / (len(sizes) - 1) / len(sizes)
        share = 1 - self.sampled_cycles / self.cycles
        return float(self.cycles / sizes.mean() * np.sqrt(share * spread) / weighted_toggles)


def timed_replay(
    timing: Timing,
    recording: Recording,
    registers: Mapping[str, RegisterBit],
    replayed: Replayed,
    *,
    first_cycle: int = 0,
    cycles: int | None = None,
    sampled: int | None = SAMPLED_CYCLES,
    seed: int = 0,
    resolution_s: float | None = None,
    point: int = 0,
    engine: TimedEngine = "auto",
    plan: Plan | None = None,
) -> TimedActivity:
    """Replay cycles of a recorded run with the delays of one operating point.

    Parameters
    ----------
    timing : of the netlist; its wires, loads and slews give the delays, its clock period the time
        in which the netlist must settle
    replayed : zero-delay replay of the same window
    first_cycle, cycles : the window, as for `replay`
    sampled : cycles drawn at random from the window; None replays all of them
    seed : of the draw
    resolution_s : times are whole multiples of it [s]; None is 1/400 of the longest path, for
        sweeps at any supply; `FINEST_RESOLUTION_S` is for reports
    point : which of the operating points of `timing`
    engine : "auto" compiles a kernel where a C compiler is present; results are equal
    plan : `plan_replay` of the same netlist and layout, to save its making

    Raises
    ------
    DesignError : the recording has X in the window, or the netlist does not settle in a period
    """
    if sampled is not None and sampled < 1:
        raise DesignError(f"sampled={sampled} cycles; use 1 or more, 512 is usual")
    plan = plan or plan_replay(timing.netlist, recording, registers)
    window = _cycles_of(replayed, cycles)
    # With both edges recorded a step is half a cycle, each from its own settled state.
    steps = 2 if recording.both_edges else 1
    full_window = Window(first=steps * first_cycle, transitions=steps * window)
    refuse_unknown(recording, full_window)
    if resolution_s is None:
        resolution_s = _coarse_resolution_s(timing, point)
    timed = plan_timed(timing, plan.annotated, resolution_s, point)
    rows = full_window.first + _draw(full_window.transitions, sampled and steps * sampled, seed)
    lanes, name = _engine(timed, engine)
    high, names = timing.graph.constant == 1, timing.netlist.net_names
    groups, sizes, latest = _replay(lanes, timed, plan, recording, rows, high, names)
    latest_s = latest.astype(np.float64) * resolution_s
    _check_settled(timing, latest_s, point)
    scale = full_window.transitions / len(rows)
    glitches = (groups[0].sum(axis=0) - groups[1].sum(axis=0)) * scale
    activity = replayed.activity
    return _with_standard_error(
        TimedActivity(
            functional=activity,
            total=dataclasses.replace(activity, toggles=activity.toggles + glitches, glitches=True),
            glitch_toggles=glitches,
            sampled_cycles=len(rows) // steps,
            cycles=window,
            seed=seed,
            resolution_s=resolution_s,
            group_glitches=groups[0] - groups[1],
            group_cycles=sizes / steps,
            latest_s=latest_s,
            engine=name,
        )
    )


def _cycles_of(replayed: Replayed, cycles: int | None) -> int:
    """Cycles of the zero-delay replay; DesignError if they are not those of the window."""
    window = int(replayed.activity.cycles)
    if cycles is not None and not cycles - 1 <= window <= cycles:  # a bench may stop at an edge
        raise DesignError(
            f"the zero-delay replay covers {window} cycles and glitches are asked of {cycles}; "
            "replay the same window"
        )
    return window


def _with_standard_error(activity: TimedActivity) -> TimedActivity:
    """The activity whose total states the standard error of the drawn cycles."""
    error_frac = activity.standard_error()
    total = dataclasses.replace(activity.total, standard_error_frac=error_frac)
    return dataclasses.replace(activity, total=total)


def _coarse_resolution_s(timing: Timing, point: int) -> float:
    """The resolution for sweeps at any supply [s]: a share of the longest path."""
    late = timing.arrival_s[MAX, :, point]
    return float(late[np.isfinite(late)].max(initial=BINS * FINEST_RESOLUTION_S)) / BINS


def _draw(window: int, sampled: int | None, seed: int) -> Int64s:
    """Cycles of the window in random order."""
    count = window if sampled is None else min(window, sampled)
    return np.random.default_rng(seed).permutation(window)[:count]


def _engine(plan: TimedPlan, engine: TimedEngine) -> tuple[CompiledLanes | PythonLanes, str]:
    if engine == "python" or (engine == "auto" and compiler() is None):
        return PythonLanes(plan), "python"
    try:
        return CompiledLanes(plan, kernels()), "compiled"
    except ToolError:
        if engine == "compiled":
            raise
        return PythonLanes(plan), "python"


def _replay(
    lanes: CompiledLanes | PythonLanes,
    timed: TimedPlan,
    plan: Plan,
    recording: Recording,
    rows: Int64s,
    high: Bools,
    net_names: Sequence[str],
) -> tuple[Int64s, Int64s, Int32s]:
    """Transitions and functional transitions [2, groups, nets], cycles per group, latest [bins].

    Parameters
    ----------
    high : nets that are always 1; cells that move may read them
    net_names : for the message

    Raises
    ------
    DesignError : a net settles at another value than without delays
    """
    batches = -(-len(rows) // LANES)
    groups = np.zeros((2, batches * WORDS, timed.nets), dtype=np.int64)
    sizes = np.zeros(batches * WORDS, dtype=np.int64)
    latest = np.zeros(timed.nets, dtype=np.int32)
    moves = np.zeros(timed.nets, dtype=bool)
    moves[timed.output], moves[timed.source] = True, True
    for batch in range(batches):
        part = rows[batch * LANES : (batch + 1) * LANES]
        # Cycle i goes to lane i // 8 of group i % 8; an empty lane stays in one row: nothing moves.
        filled = np.arange(len(part))
        place = filled % WORDS * 64 + filled // WORDS
        steps = np.full((2, LANES), part[0], dtype=np.int64)
        steps[:, place] = part, part + 1
        values = settled_values(plan, recording, steps)
        slot = np.where(moves, plan.slot_of_net, 0)
        before, after = values[slot, 0], values[slot, 1]
        before[~moves] = after[~moves] = 0
        before[high] = after[high] = ~np.zeros((), dtype=before.dtype)
        counts = np.zeros((timed.nets, WORDS), dtype=np.int64)
        settled = lanes.replay(before, after[timed.source], counts, latest)
        _check_values(settled != after, net_names)
        batch_groups = slice(batch * WORDS, (batch + 1) * WORDS)
        groups[0, batch_groups] = counts.T
        groups[1, batch_groups] = np.bitwise_count(before ^ after).T
        sizes[batch_groups] = np.bincount(filled % WORDS, minlength=WORDS)
    return groups, sizes, latest


def _check_values(wrong: Bools, net_names: Sequence[str]) -> None:
    """Refuse a netlist with a net that settles at another value than without delays.

    Parameters
    ----------
    wrong : [nets, words]
    """
    if wrong.any():
        raise DesignError(
            f"net {net_names[int(np.argmax(wrong.any(axis=1)))]} settles at another value with "
            "delays than without; glitches of this netlist cannot be counted: set physical "
            "glitches = false"
        )


def _check_settled(timing: Timing, latest_s: Floats, point: int) -> None:
    """Refuse a netlist whose nets still move when the next edge comes."""
    period_s = float(timing.clock_period_s[point])
    arrival = timing.arrival_s[MAX, :, point].max(axis=0).reshape(-1, 2).max(axis=1)
    late = (latest_s > period_s) & (arrival > period_s)
    if not late.any():
        return
    net = int(np.argmax(np.where(late, latest_s, 0.0)))
    raise DesignError(
        f"net {timing.netlist.net_names[net]} still moves {show(float(latest_s[net]), 's')} after "
        f"the clock edge, and the clock period is {show(period_s, 's')}; glitches need a netlist "
        f"that settles: use a period of {show(float(arrival.max()), 's')} or more"
    )
