"""The test of side channels with glitches: every run is replayed with delays, cycle by cycle.

The timed replay counts the transitions of each net in groups of 64 runs. Four groups of a word have
the fixed secret and four random ones; the sums of groups are compared. Their means differ as those
of single runs do, and a sum of 64 is nearly normal, so that t grows in the same
way with the number of runs.
"""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Floats
from chipdse.design import Design
from chipdse.netlist.activity.glitches.plan import plan_timed
from chipdse.netlist.activity.glitches.replay import BINS, FINEST_RESOLUTION_S, _engine
from chipdse.netlist.activity.replay.lanes import LANES, WORDS
from chipdse.netlist.activity.runs.runs import start_runs
from chipdse.netlist.activity.runs.steps import Wanted
from chipdse.netlist.power.cycles import glitch_energy_j
from chipdse.netlist.power.welch import Moments, first_order, threshold_of
from chipdse.netlist.timing.timing import MAX, Timing
from chipdse.stages.leakage_records import Leakage, LeakageTest
from chipdse.stages.leakage_setup import set_up
from chipdse.stages.load import Hardware
from chipdse.stages.traces import unspread_energies
from chipdse.store.store import Store

_HALF = WORDS // 2


def measure_leakage_with_glitches(
    design: Design, hardware: Hardware, store: Store, test: LeakageTest
) -> Leakage:
    """Run a design's netlist with delays, with fixed and random secrets, and compare the classes.

    Raises
    ------
    DesignError : as `measure_leakage`
    """
    setup = set_up(design, hardware, store, test)
    plan, timing = setup.plan.plan, setup.analysis.timing
    timed = plan_timed(timing, plan.annotated, _resolution_s(timing), 0)
    lanes, _ = _engine(timed, "auto")
    moves = np.zeros(timed.nets, dtype=bool)
    moves[timed.output], moves[timed.source] = True, True
    slots = np.where(moves, plan.slot_of_net, 0).astype(np.int32)
    runs = start_runs(setup.plan, setup.energies.weights, wanted=Wanted(watched=slots), words=1)
    pin_j, energies = unspread_energies(setup.analysis, plan, test.depth)
    netlist, batches = timing.netlist, -(-test.traces // LANES)
    points = setup.cycles, len(energies.groups.modules) + 1
    blocks: list[Moments] = []
    nets: list[Moments] = []
    progress: list[tuple[int, float, float]] = []
    is_fixed = np.repeat(np.array([~np.uint64(0), np.uint64(0)]), _HALF)
    unit_j = float(energies.weights.unit)
    for batch in range(batches):
        random = np.random.default_rng([test.seed, batch])
        sources = setup.stimuli.draw(random, is_fixed, masked=test.masked)
        runs.begin(sources[0], np.repeat(setup.state[:, None], WORDS, axis=1))
        first = runs.values(slots)
        states = np.concatenate([first[None], runs.advance(sources[1:]).watched])
        states[:, ~moves] = 0
        counts = np.zeros((setup.cycles, timed.nets, WORDS), dtype=np.int64)
        latest = np.zeros(timed.nets, dtype=np.int32)
        for cycle in range(setup.cycles):
            before, after = states[cycle].copy(), states[cycle + 1]
            lanes.replay(before, np.ascontiguousarray(after[timed.source]), counts[cycle], latest)
        by_group = glitch_energy_j(
            netlist, energies.groups, pin_j, counts.transpose(0, 2, 1).reshape(-1, timed.nets)
        ).reshape(setup.cycles, WORDS, -1)
        energy = np.concatenate([by_group, by_group.sum(axis=2, keepdims=True)], axis=2) / unit_j
        _add(blocks, energy.transpose(0, 2, 1).reshape(-1, WORDS), batch)
        _add(nets, counts[:, setup.nets].reshape(-1, WORDS).astype(np.float64), batch)
        done = batch + 1
        if done > 1 and (done & batch == 0 or done == batches):
            largest = np.abs(first_order(*blocks[:2]).reshape(points)[:, -1]).max()
            progress.append((done * LANES, float(largest), 0.0))
    t = first_order(blocks[0], blocks[1]).reshape(points)
    net_t = first_order(nets[0], nets[1]).reshape(setup.cycles, -1)
    return Leakage(
        traces=batches * LANES,
        first_t=t[:, -1],
        second_t=np.zeros(0),
        group_t=t[:, :-1].T,
        groups=energies.groups.names,
        net_t=net_t,
        nets=setup.net_names,
        net_module=setup.net_module,
        net_threshold=threshold_of(net_t.size),
        progress=tuple(progress),
    )


def _add(classes: list[Moments], values: Floats, batch: int) -> None:
    """Add the sums of groups [points, 8] to both classes; the first batch is their reference."""
    fixed, random = values[:, :_HALF], values[:, _HALF:]
    new = [Moments.of(fixed), Moments.of(random)]
    classes[:] = new if not batch else [a + b for a, b in zip(classes, new, strict=True)]


def _resolution_s(timing: Timing) -> float:
    """That of the glitch replay."""
    late = timing.arrival_s[MAX, :, 0]
    return float(late[np.isfinite(late)].max(initial=BINS * FINEST_RESOLUTION_S)) / BINS
