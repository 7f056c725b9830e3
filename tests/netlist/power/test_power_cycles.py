"""Energy of every cycle: its sum is the power analysis, and each cycle's changes are Icarus's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipdse.kernels.build import compiler
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.power.cycles import cell_groups, cycle_energies, recorded_energy_j
from chipdse.netlist.power.modules import assign_modules
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.power.transitions import transition_energies
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from tests.support.replay_runs import CYCLES, FIRST_CYCLE, Run, gates_trace, shared_run
from tests.support.traces.vcd_cycles import changes_per_cycle

pytestmark = pytest.mark.tools
PERIOD_S = 10e-9


@pytest.fixture(scope="module", params=["sky130hd", "ihp-sg13g2"])
def run(request: pytest.FixtureRequest, shared: Path) -> Run:
    return shared_run(shared, request.param)


@pytest.mark.few_cases(1)
def test_energies_of_single_cycles_sum_to_the_power(run: Run) -> None:
    netlist = run.netlist
    timing = analyse_timing(
        build_timing_graph(netlist, "clk"), run.library.at(None, None), PERIOD_S
    )
    activity = run.replay(cycles=CYCLES, clock_period_s=PERIOD_S).activity
    energies = transition_energies(timing, activity)
    power = analyse_power(timing, activity)
    plan = plan_replay(netlist, run.recording, run.registers)
    groups = cell_groups(assign_modules(timing.graph), energies.group)
    # Switching energy: C V² / 2 per transition, summed from the dump.
    switching = cycle_energies(
        netlist, plan, energies, groups, PERIOD_S, pin_energy_j=energies.switching_j
    )
    window = {"first_cycle": FIRST_CYCLE, "cycles": CYCLES}
    traced_j = recorded_energy_j(plan, switching, run.recording, engine="numpy", **window)
    edges = [5000 + 10_000 * cycle for cycle in range(FIRST_CYCLE, FIRST_CYCLE + CYCLES + 1)]
    changes = changes_per_cycle(gates_trace(run), "bench.gates", netlist, edges)
    driven = np.flatnonzero(netlist.net_driver_pin >= 0)
    net_j = energies.switching_j[netlist.net_driver_pin[driven]]
    dumped_j = changes[:, driven] @ net_j
    assert dumped_j.min() < 0.5 * dumped_j.max()
    assert traced_j.sum(axis=1) == pytest.approx(dumped_j, rel=1e-8)
    mean_w = dumped_j.mean() / PERIOD_S
    assert mean_w == pytest.approx(float(power.switching_w.sum()), rel=1e-8)
    # All dynamic energy, by module and kind.
    every = cycle_energies(netlist, plan, energies, groups, PERIOD_S)
    total_j = recorded_energy_j(plan, every, run.recording, engine="numpy", **window)
    cell_w = (power.internal_w + power.switching_w)[0]
    by_group_w = np.bincount(groups.of_cell, cell_w)
    assert total_j.mean(axis=0) / PERIOD_S == pytest.approx(by_group_w, rel=1e-6)
    assert energies.leakage_w.sum() == pytest.approx(float(power.leakage_w.sum()), rel=1e-6)
    assert "inner.one sequential" in groups.names
    if compiler():
        compiled_j = recorded_energy_j(plan, every, run.recording, engine="compiled", **window)
        assert (compiled_j == total_j).all()
