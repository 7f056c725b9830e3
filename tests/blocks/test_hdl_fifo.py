"""The queue against its reference and its documented timing; planted faults must be noticed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chipdse_hdl.bench.testbench import check_ports
from chipdse_hdl.fifo import BLOCK, Fifo, FifoParameters, FifoWorkload
from chipdse_hdl.fifo.bench import WATCH, hard_cases, outputs, stimulus
from chipdse_hdl.fifo.model import pace, reference, words
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hdl_runs import bench_catches, bench_passes, play_in_amaranth

ORGANISATIONS = ["ring", "prefetch", "shift"]


def run(p: FifoParameters, *case: Any) -> None:
    traffic = reference(p, *case)
    check_ports(outputs(traffic), play_in_amaranth(Fifo(p), stimulus(p, traffic, True), WATCH))


def test_the_reference_gives_what_is_worked_by_hand() -> None:
    # Two places, nobody reads in the first three cycles: the third word has to wait for a place,
    # and gets it in the cycle after the first word was taken.
    seen = reference(FifoParameters(depth=2), [7, 8, 9], [0, 0, 0], [False] * 3 + [True] * 3)
    assert seen.w_ready == [1, 1, 0, 0, 1, 1]
    assert seen.r_valid == [0, 1, 1, 1, 1, 1]
    assert seen.r_data == [None, 7, 7, 7, 8, 9]


@pytest.mark.parametrize("organisation", ORGANISATIONS)
def test_latency_and_throughput(organisation: str) -> None:
    p = FifoParameters(depth=4, organisation=organisation)
    seen = reference(p, list(range(50)), [0] * 50, [True])
    assert seen.r_valid.index(1) == p.latency_cycles
    assert len(seen.r_valid) == 50 + p.latency_cycles  # one word per cycle from then on


@pytest.mark.slow
@settings(max_examples=20)
@given(st.data(), st.sampled_from(ORGANISATIONS), st.integers(3, 9), st.integers(1, 40))
def test_hardware_is_the_reference(
    data: st.DataObject, organisation: str, depth: int, width: int
) -> None:
    p = FifoParameters(width=width, depth=depth, organisation=organisation)
    count = data.draw(st.integers(1, 30))
    gaps = data.draw(st.lists(st.integers(0, 6), min_size=count, max_size=count))
    ready = [True, *data.draw(st.lists(st.booleans(), max_size=20))]
    values = words(p, FifoWorkload(length=count))
    run(p, values, gaps, ready)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("organisation", "depth"),
    [*itertools.product(ORGANISATIONS, [3, 4]), ("ring", 2), ("shift", 2)],
)
def test_hardware_is_the_reference_on_hard_cases(organisation: str, depth: int) -> None:
    p = FifoParameters(width=5, depth=depth, organisation=organisation)
    for case in hard_cases(p):
        run(p, *case)


@given(st.floats(0.05, 1), st.integers(1, 32), st.integers(0, 9))
def test_the_producer_offers_the_load_it_promises(load: float, burst: int, seed: int) -> None:
    workload = FifoWorkload(length=20_000, load=load, burst=burst, seed=seed)
    gaps, _ = pace(workload)
    assert 20_000 / (20_000 + sum(gaps)) == pytest.approx(load, rel=0.2)
    assert np.count_nonzero(gaps) <= 20_000 / burst * 1.3


def test_words_by_hand() -> None:
    p = FifoParameters(width=4)
    assert words(p, FifoWorkload(length=18, values="counter"))[-3:] == [15, 0, 1]
    sparse = words(FifoParameters(width=8), FifoWorkload(values="sparse"))
    assert np.mean(np.array(sparse) == 0) == pytest.approx(0.5, abs=0.05)


def test_impossible_parameters_and_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="every second cycle; use depth >= 3"):
        FifoParameters(depth=2, organisation="prefetch")
    with pytest.raises(ValueError, match="service=0.0 is too small"):
        FifoWorkload(service=0.0)


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("parameters", "workload"),
    [
        (FifoParameters(), FifoWorkload(length=200, service=0.3)),
        (FifoParameters(organisation="prefetch", depth=5), FifoWorkload(length=200, load=0.9)),
        (FifoParameters(organisation="shift", width=1), FifoWorkload(length=99, values="sparse")),
    ],
    ids=ORGANISATIONS,
)
def test_the_bench_passes_on_the_verilog(
    parameters: FifoParameters, workload: FifoWorkload, tmp_path: Path
) -> None:
    result = bench_passes(BLOCK, parameters, workload, tmp_path)
    assert result["cycles"] == len(
        reference(parameters, words(parameters, workload), *pace(workload)).w_data
    )


FAULTS = {
    "accepts when full": ("ring", r"assign w_ready = .*;", "assign w_ready = 1'b1;"),
    "a pointer that outlives the reset": ("ring", r"rst \? 2'h0 : ", "1'b0 ? 2'h0 : "),
    "reads the word behind": ("ring", r"r_data = store\[.*?\]", "r_data = store[port__addr]"),
    "never fetches while it is read": ("prefetch", r"_ \| r_ready", "_ | 1'b0"),
    "a word that does not move": ("shift", r"\? w_data : entry_2", "? w_data : entry_1"),
    "room that is not seen": ("shift", r"assign w_ready = .*;", "assign w_ready = ~used_1;"),
}


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize("fault", FAULTS)
def test_the_bench_catches(fault: str, tmp_path: Path) -> None:
    organisation, pattern, broken = FAULTS[fault]
    p = FifoParameters(width=4, depth=3, organisation=organisation)
    bench_catches(BLOCK, p, FifoWorkload(length=50), (pattern, broken), tmp_path)
