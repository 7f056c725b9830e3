"""Replay against gate-level simulation of the same netlist: equal counts on every net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from tests.support.replay_runs import CYCLES, LIBRARIES, gates_trace, shared_run

pytestmark = pytest.mark.tools


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("family", LIBRARIES)
def test_equal_toggles_on_every_net(family: str, shared: Path) -> None:
    run = shared_run(shared, family)
    trace = gates_trace(run)
    result = run.replay(cycles=CYCLES, clock_period_s=10e-9, engine="numpy")
    gates = read_vcd_activity(trace, "bench.gates", run.netlist, clock_period_s=10e-9)
    assert result.unmapped == {}
    assert result.annotated_fraction == 1.0
    assert gates.annotated.all()
    assert gates.cycles == CYCLES == result.activity.cycles
    differing = np.flatnonzero(gates.toggles != result.activity.toggles)
    assert [run.netlist.net_names[net] for net in differing] == []
    # The dump begins and ends in the middle of a cycle: half a cycle at either end differs.
    difference = np.abs(result.activity.high_fraction - gates.high_fraction)
    assert difference.max() <= 0.5 / CYCLES + 1e-9
