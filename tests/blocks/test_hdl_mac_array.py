"""The systolic array against values worked by hand, its reference, and its documented timing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import chipdse_hdl.mac_array.element
import chipdse_hdl.mac_array.hardware
import numpy as np
import pytest
from amaranth.hdl import Cat, Const, Module, Value
from chipdse_hdl.mac_array import MacArray, MacArrayParameters, MacArrayWorkload
from chipdse_hdl.mac_array.bench import check, check_sums_fit, hard_case, schedule, stimulus
from chipdse_hdl.mac_array.model import cycles, operands, reference, work
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing.examples import examples
from tests.support.hdl_runs import play_in_amaranth

WATCH = ["ready", "c_valid", "c"]


@st.composite
def parameters(draw: st.DrawFn, largest: int = 3) -> MacArrayParameters:
    operand_bits = draw(st.integers(2, 8))
    return MacArrayParameters(
        rows=draw(st.integers(1, largest)),
        columns=draw(st.integers(1, largest)),
        operand_bits=operand_bits,
        accumulator_bits=draw(st.integers(2 * operand_bits, 2 * operand_bits + 8)),
        pipeline_stages=draw(st.integers(0, 2)),
        signed=draw(st.booleans()),
        overlapped_drain=draw(st.booleans()),
        accumulation=draw(st.sampled_from(["carry_propagate", "carry_save"])),
        gating=draw(st.sampled_from(["none", "zero", "isolate"])),
    )


def run(p: MacArrayParameters, a: np.ndarray, b: np.ndarray, pauses: np.ndarray) -> None:
    """Play products through the hardware and check all that comes out."""
    check(p, a, b, pauses, play_in_amaranth(MacArray(p), stimulus(p, a, b, pauses), WATCH))


def test_the_reference_gives_what_is_worked_by_hand() -> None:
    p = MacArrayParameters(rows=2, columns=2)
    a, b = np.array([[[1, 2], [3, -4]]]), np.array([[[5, 6], [7, 8]]])
    # [1*5 + 2*7, 1*6 + 2*8], [3*5 - 4*7, 3*6 - 4*8]
    assert reference(p, a, b).tolist() == [[[19, 22], [-13, -14]]]


def test_reference_wraps_by_hand() -> None:
    a, b = np.array([[[-2, -2]]]), np.array([[[-2], [-2]]])
    # 4 + 4 = 8 = 0b1000: in 4 bits with a sign that is -8, in 5 bits 8.
    narrow = MacArrayParameters(operand_bits=2, accumulator_bits=4)
    assert reference(narrow, a, b).item() == -8
    assert reference(dataclasses.replace(narrow, accumulator_bits=5), a, b).item() == 8
    # 3*3 + 3*3 = 18 = 16 + 2 without a sign.
    unsigned = dataclasses.replace(narrow, signed=False)
    assert reference(unsigned, np.full((1, 1, 2), 3), np.full((1, 2, 1), 3)).item() == 2


def test_the_hardware_gives_words_worked_by_hand_in_their_cycles() -> None:
    """Words at the ports, cycle by cycle: [[1, 2], [3, -4]] @ [[5, 6], [7, 8]]."""
    p = MacArrayParameters(rows=2, columns=2, operand_bits=8, accumulator_bits=16)
    # The columns of A are (1, 3), (2, -4); the rows of B are (5, 6), (7, 8).
    words = {
        "a": [0x0301, 0xFC02] + [0] * 6,
        "b": [0x0605, 0x0807] + [0] * 6,
        "valid": [1, 1] + [0] * 6,
        "last": [0, 1] + [0] * 6,
    }
    seen = play_in_amaranth(MacArray(p), words, WATCH)
    # `last` in cycle 1, latency 2: element (i, j) in cycle 3 + i + 2 j.
    assert seen["c_valid"] == [0, 0, 0, 0b01, 0b10, 0b01, 0b10, 0]
    assert seen["ready"] == [1, 1, 0, 0, 1, 1, 1, 1]  # low for 2 * 2 - 2 cycles
    row_0, row_1 = ([word >> 16 * i & 0xFFFF for word in seen["c"]] for i in range(2))
    assert (row_0[3], row_0[5]) == (19, 22)
    assert (row_1[4], row_1[6]) == (0x10000 - 13, 0x10000 - 14)


@pytest.mark.slow
@examples(25)
@given(parameters())
def test_hardware_is_the_reference_on_hard_operands(p: MacArrayParameters) -> None:
    run(p, *hard_case(p))


@pytest.mark.slow
@examples(30)
@given(parameters(), st.data())
def test_hardware_is_the_reference_at_any_pace(p: MacArrayParameters, data: st.DataObject) -> None:
    products, depth = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 8))
    workload = MacArrayWorkload(
        length=products * depth, depth=depth, seed=data.draw(st.integers(0, 99))
    )
    pauses = data.draw(st.sampled_from([0, 1, 7])) * np.ones((products, depth), int)
    run(p, *operands(p, workload), pauses)


@pytest.mark.few_cases(8)
@pytest.mark.slow
@pytest.mark.parametrize("overlapped", [False, True])
@pytest.mark.parametrize("pipeline_stages", [0, 1, 2])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (3, 7)])
def test_hardware_is_the_reference_at_the_ends_of_its_parameters(
    size: tuple[int, int], pipeline_stages: int, overlapped: bool
) -> None:
    for bits, accumulator_bits, signed in [(2, 4, True), (16, 48, True), (16, 32, False)]:
        p = MacArrayParameters(
            rows=size[0],
            columns=size[1],
            operand_bits=bits,
            accumulator_bits=accumulator_bits,
            pipeline_stages=pipeline_stages,
            signed=signed,
            overlapped_drain=overlapped,
        )
        run(p, *hard_case(p))


@pytest.mark.few_cases(3)
@pytest.mark.slow
@pytest.mark.parametrize("accumulation", ["carry_propagate", "carry_save"])
@pytest.mark.parametrize("gating", ["none", "zero", "isolate"])
def test_every_way_to_save(gating: str, accumulation: str) -> None:
    for stages, overlapped, signed in [(0, False, True), (1, True, False), (2, False, True)]:
        p = MacArrayParameters(
            rows=2,
            columns=2,
            operand_bits=4,
            accumulator_bits=13,
            pipeline_stages=stages,
            overlapped_drain=overlapped,
            signed=signed,
            accumulation=accumulation,
            gating=gating,
        )
        run(p, *hard_case(p))


@given(parameters(), st.integers(1, 40), st.integers(1, 4))
def test_products_start_at_the_documented_interval(
    p: MacArrayParameters, depth: int, products: int
) -> None:
    accepted = schedule(p, np.zeros((products, depth), int))
    # From the second on: an overlapped first product of few steps ends early.
    intervals = np.diff(accepted[:, -1])
    assert (intervals == p.interval_cycles(depth)).all()
    workload = MacArrayWorkload(length=products * depth, depth=depth)
    finished = accepted[-1, -1] + 1 + p.last_latency_cycles
    assert cycles(p, workload) >= finished >= cycles(p, workload) - 2 * p.columns


def test_ready_is_obeyed() -> None:
    """What is offered while `ready` is low must not count, however wrong it is."""
    p = MacArrayParameters(rows=1, columns=3, accumulator_bits=16)
    words = {"a": [1] + [99] * 4 + [2], "b": [0x010101] * 6, "valid": [1] * 6, "last": [1] * 6}
    idle = {"a": 0, "b": 0, "valid": 0, "last": 0}
    words = {name: values + [idle[name]] * 8 for name, values in words.items()}
    seen = play_in_amaranth(MacArray(p), words, WATCH)
    assert seen["ready"][:7] == [1, 0, 0, 0, 0, 1, 0]
    results = [c for c, valid in zip(seen["c"], seen["c_valid"], strict=True) if valid]
    assert results == [1, 1, 1, 2, 2, 2]


def test_exact_depth_by_hand() -> None:
    # Signed 8 bits: 128 * 128 = 16384; 24 bits hold 8388607, which is 511.99 of them.
    assert MacArrayParameters(operand_bits=8, accumulator_bits=24).exact_depth == 511
    # Unsigned 2 bits: 9; 4 bits hold 15.
    assert MacArrayParameters(operand_bits=2, accumulator_bits=4, signed=False).exact_depth == 1


@given(parameters())
def test_exact_depth_is_exact(p: MacArrayParameters) -> None:
    worst = -(2 ** (p.operand_bits - 1)) if p.signed else 2**p.operand_bits - 1
    for depth, fits in ((p.exact_depth, True), (p.exact_depth + 1, False)):
        sums = np.array([[[worst * worst * depth]]])
        assert (reference(p, sums, np.array([[[1]]])) == sums).all() == fits


def test_a_workload_that_overflows_is_refused_with_the_width_it_needs() -> None:
    p = MacArrayParameters(rows=1, columns=1, operand_bits=4, accumulator_bits=8)
    a, b = np.full((1, 1, 3), -8), np.full((1, 3, 1), -8)
    # 3 * 64 = 192 needs 8 bits and a sign.
    with pytest.raises(AssertionError, match="use accumulator_bits >= 9"):
        check_sums_fit(p, a, b)
    check_sums_fit(dataclasses.replace(p, accumulator_bits=9), a, b)
    # -7 * 8 * 2 = -112 fits 8 bits; -7 * 8 * 3 = -168 needs 9.
    with pytest.raises(AssertionError, match="use accumulator_bits >= 9"):
        check_sums_fit(p, a, np.full((1, 3, 1), 7))
    check_sums_fit(p, a[..., :2], np.full((1, 2, 1), 7))


def test_work_and_words_are_counted_as_by_hand() -> None:
    p = MacArrayParameters(rows=2, columns=3, operand_bits=8, accumulator_bits=24)
    done = work(p, MacArrayWorkload(length=20, depth=5))
    assert (done.count, done.unit) == (2 * 3 * 20, "MAC")
    assert done.input_bits == 20 * (2 + 3) * 8
    assert done.output_bits == 4 * 2 * 3 * 24


@given(parameters(), st.sampled_from(["uniform", "gaussian"]), st.floats(0, 1))
def test_operands_are_in_range_sparse_and_repeatable(
    p: MacArrayParameters, values: str, sparsity: float
) -> None:
    workload = MacArrayWorkload(length=640, depth=64, sparsity=sparsity, values=values)
    a, b = operands(p, workload)
    lowest = -(2 ** (p.operand_bits - 1)) if p.signed else 0
    for matrix in (a, b):
        assert lowest <= matrix.min() <= matrix.max() < lowest + 2**p.operand_bits
    assert np.mean(a == 0) >= sparsity - 4 * np.sqrt(sparsity * (1 - sparsity) / a.size) - 1e-12
    assert all(map(np.array_equal, (a, b), operands(p, workload)))


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"accumulator_bits": 15}, "cannot hold a product of two 8-bit operands; use .* >= 16"),
        ({"rows": 0}, "rows=0 is too small; use >= 1"),
        ({"pipeline_stages": 3}, "pipeline_stages=3 is too large; use <= 2"),
        ({"operand_bits": 17}, "operand_bits=17 is too large; use <= 16"),
    ],
)
def test_impossible_parameters_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MacArrayParameters(**given_)


def test_impossible_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="length=100 .* depth=32; use length=96 or"):
        MacArrayWorkload(length=100, depth=32)
    with pytest.raises(ValueError, match="use length=32 or"):
        MacArrayWorkload(length=3, depth=32)
    with pytest.raises(ValueError, match="sparsity=1.5 is too large"):
        MacArrayWorkload(sparsity=1.5)


# Faults: each changes the hardware in one place, and the checks of the bench must notice.


def _product_forgets_a_sign(m: Module, a: Value, b: Value, stages: int, enables: Any) -> Value:
    return _real_product(m, a, b.as_unsigned(), stages, enables)


def _product_is_early(m: Module, a: Value, b: Value, stages: int, enables: Any) -> Value:
    return _real_product(m, a, b, stages - 1, enables)


def _product_drops_a_bit(m: Module, a: Value, b: Value, stages: int, enables: Any) -> Value:
    return _real_product(m, a, b, stages, enables) & ~1


_real_product = chipdse_hdl.mac_array.element.pipelined_product


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [_product_forgets_a_sign, _product_is_early, _product_drops_a_bit]
)
def test_faults_in_the_multiplier_are_caught(
    fault: Callable[..., Value], monkeypatch: pytest.MonkeyPatch
) -> None:
    p = MacArrayParameters(rows=2, columns=2, pipeline_stages=2)
    run(p, *hard_case(p))
    monkeypatch.setattr(chipdse_hdl.mac_array.element, "pipelined_product", fault)
    with pytest.raises(AssertionError, match="results differ"):
        run(p, *hard_case(p))


@pytest.mark.few_cases(2)
@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("register", ["a_1_1", "b_1_1", "command_0_0", "leaves_0_0"])
@pytest.mark.parametrize("overlapped", [False, True])
def test_a_missing_register_is_caught(
    register: str, overlapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = chipdse_hdl.mac_array.hardware.delayed
    name, stage = register.rsplit("_", 1)
    removed = []

    def one_short(m: Module, value: Value, cycles: int, chain: str, **kind: Any) -> Value:
        if chain == name and cycles == int(stage) + 1:
            removed.append(register)
            cycles -= 1
        return real(m, value, cycles, chain, **kind)

    p = MacArrayParameters(rows=3, columns=3, overlapped_drain=overlapped)
    run(p, *hard_case(p))
    monkeypatch.setattr(chipdse_hdl.mac_array.hardware, "delayed", one_short)
    with pytest.raises(AssertionError):
        run(p, *hard_case(p))
    assert removed == [register]


def _never(m: Module, value: Value, cycles: int, name: str, **kind: Any) -> Value:
    if name in ("a_counts_passed", "counts_held", "moves_passed"):
        return Const(0, len(value))
    return _real_delayed(m, value, cycles, name, **kind)


def _always(m: Module, value: Value, cycles: int, name: str, **kind: Any) -> Value:
    counts = name in ("a_counts_passed", "counts_held", "counts_0")
    return Const(1, len(value)) if counts else _real_delayed(m, value, cycles, name, **kind)


_real_delayed = chipdse_hdl.mac_array.element.delayed


@pytest.mark.slow
@pytest.mark.parametrize("fault", [_never, _always])
@pytest.mark.parametrize("gating", ["zero", "isolate"])
def test_faults_in_gating_are_caught(
    fault: Callable[..., Value], gating: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = MacArrayParameters(
        rows=2, columns=3, pipeline_stages=1, gating=gating, overlapped_drain=True
    )
    monkeypatch.setattr(chipdse_hdl.mac_array.element, "delayed", fault)
    with pytest.raises(AssertionError, match="results differ"):
        run(p, *hard_case(p))


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["no_carries", "late_carries"])
def test_faults_in_carry_save_sums_are_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    p = MacArrayParameters(rows=2, columns=2, accumulation="carry_save")
    run(p, *hard_case(p))
    real = chipdse_hdl.mac_array.element.Element._sum

    def broken(self: Any, m: Module, kept: Value, words: list[Value]) -> Value:
        total = real(self, m, kept, words)
        half = p.accumulator_bits
        return total[:half] if fault == "no_carries" else Cat(total[:half], 0, total[half:])

    monkeypatch.setattr(chipdse_hdl.mac_array.element.Element, "_sum", broken)
    with pytest.raises(AssertionError, match="results differ"):
        run(p, *hard_case(p))
