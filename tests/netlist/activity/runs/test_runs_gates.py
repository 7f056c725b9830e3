"""Runs of a netlist against Icarus: weighted changes of every cycle, and every register."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.kernels.build import compiler
from chipdse.netlist.activity.runs.plan import RunPlan, plan_runs, recorded_state
from chipdse.netlist.activity.runs.runs import start_runs
from chipdse.netlist.activity.runs.steps import Wanted
from chipdse.netlist.activity.runs.weights import Weights, weigh
from tests.support.replay_runs import CYCLES, FIRST_CYCLE, Run, gates_trace, shared_run
from tests.support.traces.sampled_runs import Stimuli, pack, row_bits, stimuli, unpack
from tests.support.traces.vcd_cycles import changes_per_cycle

pytestmark = pytest.mark.tools
STEPS = 50


def random_weights(run: Run, plan: RunPlan, groups: int, seed: int) -> tuple[Weights, np.ndarray]:
    """A weight and a group for every net that a cell drives; the weights by net [groups, nets]."""
    random = np.random.default_rng(seed)
    slot = plan.plan.slot_of_net
    nets = np.flatnonzero((run.netlist.net_driver_pin >= 0) & (slot >= 0))
    value, group = random.uniform(1e-16, 3e-14, len(nets)), random.integers(0, groups, len(nets))
    names = [f"group {number}" for number in range(groups)]
    weights = weigh(names, group.astype(np.int32), slot[nets], value)
    by_net = np.zeros((groups, run.netlist.net_count), dtype=np.int64)
    by_net[group, nets] = np.rint(value / weights.unit)
    return weights, by_net


@pytest.fixture(
    scope="module", params=["sky130hd", pytest.param("asap7", marks=pytest.mark.exhaustive)]
)
def run(request: pytest.FixtureRequest, shared: Path) -> Run:
    return shared_run(shared, request.param)


@pytest.fixture(scope="module")
def plan(run: Run) -> RunPlan:
    return plan_runs(run.netlist, "clk", run.registers)


def sums_of(plan: RunPlan, weights: Weights, given: Stimuli, engine: str, **wanted: np.ndarray):
    runs = start_runs(
        plan, weights, wanted=Wanted(**wanted), words=given.state.shape[1] // 8, engine=engine
    )
    runs.begin(given.sources[0], given.state)
    first = runs.advance(given.sources[1:20])
    rest = runs.advance(given.sources[20:])
    return tuple(
        np.concatenate([getattr(first, name), getattr(rest, name)])
        for name in ("sums", "counts", "watched")
    )


def test_equal_to_icarus_and_to_the_recording(run: Run, plan: RunPlan) -> None:
    given = stimuli(run, plan, words=1, steps=STEPS)
    weights, by_net = random_weights(run, plan, 3, 0)
    sums, _, watched = sums_of(plan, weights, given, "numpy", watched=plan.state[:, 1].copy())
    edges = [5000 + 10_000 * cycle for cycle in range(FIRST_CYCLE, FIRST_CYCLE + CYCLES + 1)]
    changes = changes_per_cycle(gates_trace(run), "bench.gates", run.netlist, edges)
    energy = changes @ by_net.T  # [cycles, groups]
    registers = unpack(watched)
    rows = row_bits(run)
    recorded = [run.registers[name] for name in plan.registers]
    places = [run.recording.signals[r.signal].offset + r.bit for r in recorded]
    assert energy.any(axis=0).all()
    for lane in np.flatnonzero(given.is_recorded):
        begin = int(given.first[lane])
        cycles = slice(begin - FIRST_CYCLE, begin - FIRST_CYCLE + STEPS)
        assert (sums[:, :, lane] == energy[cycles]).all()
        assert (registers[:, :, lane] == rows[begin + 1 : begin + STEPS + 1, places]).all()
    others = sums[:, :, ~given.is_recorded]
    assert len(np.unique(others.sum(axis=(0, 1)))) > 200  # each run goes a way of its own


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
@pytest.mark.parametrize(("words", "groups"), [(1, 1), (2, 5), (3, 2)])
def test_engines_agree_bit_for_bit(run: Run, plan: RunPlan, words: int, groups: int) -> None:
    given = stimuli(run, plan, words=words, steps=STEPS, seed=words)
    weights, _ = random_weights(run, plan, groups, words)
    wanted = {
        "probes": np.arange(plan.plan.base, plan.plan.slots, dtype=np.int32),
        "mask": np.full(8, 0x5555_5555_5555_5555, dtype=np.uint64),
        "watched": plan.state[:, 1].copy(),
    }
    interpreted = sums_of(plan, weights, given, "numpy", **wanted)
    compiled = sums_of(plan, weights, given, "compiled", **wanted)
    for first, second in zip(interpreted, compiled, strict=True):
        assert first.dtype == second.dtype and (first == second).all() and first.any()
    # With equal weights a sum is the number of changes, which the probes count too.
    slots = wanted["probes"]
    equal = weigh(["all"], np.zeros(len(slots), np.int32), slots, np.ones(len(slots)), bits=1)
    sums, counts, _ = sums_of(plan, equal, given, "compiled", **wanted)
    assert sums[:, 0, 0::2].sum() == counts[:, :, 0].sum()
    assert sums[:, 0, 1::2].sum() == counts[:, :, 1].sum()


def test_first_state_is_read_from_the_recording(run: Run, plan: RunPlan) -> None:
    given = stimuli(run, plan, words=1, steps=STEPS)
    bits = recorded_state(plan, run.registers, run.recording, int(given.first[0]))
    assert bits.tolist() == unpack(given.state)[:, 0].tolist()


def test_asynchronous_reset_is_refused(run: Run, plan: RunPlan) -> None:
    given = stimuli(run, plan, words=1, steps=STEPS)
    bits = unpack(given.sources)
    bits[7, plan.ports["rst_n"], 100] = 0
    weights, _ = random_weights(run, plan, 1, 0)
    for engine in ("numpy", "compiled") if compiler() else ("numpy",):
        runs = start_runs(plan, weights, words=1, engine=engine)
        runs.begin(given.sources[0], given.state)
        with pytest.raises(DesignError, match="is set or reset without a clock in step 6 of a run"):
            runs.advance(pack(bits)[1:])
