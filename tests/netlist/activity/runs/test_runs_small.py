"""Runs by hand, exact sums of any weights, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.kernels.build import compiler
from chipdse.netlist.activity.runs.plan import plan_runs
from chipdse.netlist.activity.runs.runs import start_runs
from chipdse.netlist.activity.runs.steps import Wanted
from chipdse.netlist.activity.runs.weights import weigh
from tests.support.netlist_cases import netlist_of
from tests.support.traces.sampled_runs import pack, unpack

ENGINES = ["numpy", *(["compiled"] if compiler() else [])]
COUNTER = (
    "XOR2 next (.A(q), .B(a), .Y(d)); DFF ff (.CK(clk), .D(d), .Q(q)); INV out (.A(q), .Y(y));"
)


def lanes_of(bits: list[list[int]]) -> np.ndarray:
    """Inputs [steps, inputs, words] that are equal in all lanes but the first: there they are 0."""
    every = np.repeat(np.array(bits)[:, :, None], 512, axis=2)
    every[:, :, 0] = 0
    return pack(every)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_counter_toggles_as_by_hand(engine: str) -> None:
    # q changes after each edge before which a is 1; d = q ^ a; y = !q.
    netlist = netlist_of(COUNTER)
    plan, nets = plan_runs(netlist, "clk"), netlist.nets_by_name
    assert plan.registers == ("ff",) and list(plan.ports) == ["a", "b"]
    slots = plan.plan.slot_of_net[[nets["q"], nets["d"], nets["y"]]]
    weights = weigh(
        ["q", "d and y"], np.array([0, 1, 1], np.int32), slots, np.array([1.0, 2.0, -3.0]), bits=2
    )
    runs = start_runs(
        plan, weights, wanted=Wanted(probes=slots, watched=slots[:1]), words=1, engine=engine
    )
    given = lanes_of([[1, 0], [1, 0], [0, 0], [0, 0]])
    runs.begin(given[0], pack(np.zeros((1, 512))))
    steps = runs.advance(given[1:])
    # q: 0 1 0 0; d: 1 0 0 0; y: 1 0 1 1
    assert unpack(steps.watched)[:, 0, 1].tolist() == [1, 0, 0]
    assert (steps.sums[:, :, 1] * weights.unit).tolist() == [[1, 2 - 3], [1, -3], [0, 0]]
    assert (steps.sums[:, :, 2:] == steps.sums[:, :, 1:2]).all()
    assert not steps.sums[:, :, 0].any()
    assert steps.counts[:, :, 0].tolist() == [[511, 511, 511], [511, 0, 511], [0, 0, 0]]


@pytest.mark.parametrize("engine", ENGINES)
def test_gated_clock(engine: str) -> None:
    # The gate passes an edge where b is 1 before it; q then takes a.
    netlist = netlist_of(
        "GATE gate (.CK(clk), .EN(b), .GCK(g)); DFF ff (.CK(g), .D(a), .Q(q)); "
        "INV i (.A(q), .Y(y));"
    )
    plan = plan_runs(netlist, "clk")
    ((_, _, _, change),) = (row for row in plan.plan.clocked if row[0] == netlist.nets_by_name["g"])
    weights = weigh(
        ["pulses"], np.zeros(1, np.int32), np.array([change]), np.ones(1), is_level=np.ones(1, bool)
    )
    runs = start_runs(
        plan,
        weights,
        wanted=Wanted(watched=plan.plan.slot_of_net[[netlist.nets_by_name["q"]]]),
        words=1,
        engine=engine,
    )
    given = lanes_of([[1, 0], [1, 1], [0, 0], [0, 1], [0, 0]])
    runs.begin(given[0], pack(np.zeros((1, 512))))
    steps = runs.advance(given[1:])
    assert unpack(steps.watched)[:, 0, 1].tolist() == [0, 1, 1, 0]
    assert (steps.sums[:, 0, 1] * weights.unit).round(6).tolist() == [0, 1, 0, 1]


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="no C compiler")
@given(
    st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=300),
    st.integers(1, 32),
    st.integers(1, 3),
    st.integers(0, 2**32),
)
def test_sums_are_exact_for_any_weights(
    values: list[float], bits: int, groups: int, seed: int
) -> None:
    """Carries through all planes, blocks that are full or nearly empty, weights of either sign."""
    random = np.random.default_rng(seed)
    plan = plan_runs(netlist_of(COUNTER), "clk")
    slots = random.integers(plan.plan.base, plan.plan.slots, len(values)).astype(np.int32)
    level, group = random.integers(0, 2, len(values)) == 1, random.integers(0, groups, len(values))
    weights = weigh(
        [str(n) for n in range(groups)],
        group.astype(np.int32),
        slots,
        np.array(values),
        is_level=level,
        bits=bits,
    )
    sources = random.integers(0, 2**64, (4, 2, 8), dtype=np.uint64)
    sums = []
    for engine in ENGINES:
        runs = start_runs(plan, weights, words=1, engine=engine)
        runs.begin(sources[0], sources[1, :1])
        sums.append(runs.advance(sources[1:]).sums)
    assert (sums[0] == sums[-1]).all()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("LATCH l (.G(clk), .D(a), .Q(y));", "l (LATCH) is a latch; runs need"),
        ("DFFN ff (.CK(clk), .D(a), .Q(y));", "flip-flop ff (DFFN): its clock"),
        ("INV i (.A(nothing), .Y(y));", "y hangs on a net that nothing drives"),
    ],
)
def test_a_netlist_that_runs_cannot_follow_is_refused(body: str, message: str) -> None:
    with pytest.raises(DesignError) as raised:
        plan_runs(netlist_of(body), "clk")
    assert message in str(raised.value)


def test_weights_are_checked() -> None:
    items = (["all"], np.zeros(1, np.int32), np.ones(1, np.int32))
    with pytest.raises(DesignError, match="must be finite"):
        weigh(*items, np.array([np.nan]))
    with pytest.raises(DesignError, match="33 bits of a weight; use 1 to 32"):
        weigh(*items, np.ones(1), bits=33)


@given(st.lists(st.floats(1e-18, 1e-13), min_size=1, max_size=50))
def test_rounding_is_below_half_a_unit(values: list[float]) -> None:
    count = len(values)
    slots = np.arange(count, dtype=np.int32)
    weights = weigh(["all"], np.zeros(count, np.int32), slots, np.array(values))
    rounded = np.zeros(count)
    rounded[weights.slot] = weights.weight * weights.unit
    assert np.abs(rounded - values).max() <= 0.5001 * weights.unit
    assert weights.unit == pytest.approx(max(values) / 2**28, rel=1e-6)
