"""Dot products against independent number formats, exact sums, and the stated contract."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import chipdse_hdl.dot_product.float_sum
import chipdse_hdl.dot_product.hardware
import ml_dtypes
import numpy as np
import pytest
from amaranth.hdl import Const, Value
from chipdse_hdl.bench.pipelines import Case
from chipdse_hdl.dot_product import DotProduct, DotProductParameters, DotProductWorkload
from chipdse_hdl.dot_product.bench import case, hard_cases, stream
from chipdse_hdl.dot_product.formats import FORMATS, from_float, to_float
from chipdse_hdl.dot_product.model import alignment_error, cycles, operands, reference, work
from chipdse_hdl.dot_product.parameters import INTEGERS
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hdl_runs import play_in_amaranth

INDEPENDENT = {
    "fp8_e4m3": ml_dtypes.float8_e4m3fn,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "bf16": ml_dtypes.bfloat16,
}
ALL = (*INTEGERS, *FORMATS)


def run(p: DotProductParameters, cases: Sequence[Case]) -> None:
    """Play cases through the hardware and check all that comes out."""
    timing = stream(p)
    for one in cases:
        seen = play_in_amaranth(DotProduct(p), timing.stimulus(one), ["result_valid", "result"])
        timing.check(one, seen)


def independent(name: str, words: np.ndarray) -> np.ndarray:
    """What ml_dtypes takes words for, float64."""
    raw = np.uint16 if name == "bf16" else np.uint8
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return words.astype(raw).view(INDEPENDENT[name]).astype(np.float64)


@pytest.mark.parametrize("name", FORMATS)
def test_every_word_means_what_ml_dtypes_says(name: str) -> None:
    words = np.arange(2 ** FORMATS[name].bits)
    np.testing.assert_array_equal(to_float(FORMATS[name], words), independent(name, words))


def test_formats_by_hand() -> None:
    # OCP's tables: E4M3 ends at 1.75 * 2**8 and starts at 2**-9; E5M2 at 1.75 * 2**15 and 2**-16.
    for name, largest, smallest in (("fp8_e4m3", 0x7E, 2**-9), ("fp8_e5m2", 0x7B, 2**-16)):
        values = to_float(FORMATS[name], np.array([largest, 1]))
        assert values.tolist() == [448.0 if name == "fp8_e4m3" else 57344.0, smallest]


@pytest.mark.parametrize("name", FORMATS)
def test_numbers_are_rounded_as_ml_dtypes_rounds(name: str) -> None:
    random = np.random.default_rng(1)
    numbers = random.standard_normal(20_000) * 2.0 ** random.integers(-20, 8, 20_000)
    # Ties too: numbers half-way between neighbours.
    known = to_float(FORMATS[name], np.arange(1, 2 ** (FORMATS[name].bits - 2)))
    numbers = np.append(numbers, (known[1:] + known[:-1]) / 2)
    numbers = numbers[np.abs(numbers) < 448]  # above E4M3 saturates, where ml_dtypes has NaN
    words = from_float(FORMATS[name], numbers)
    np.testing.assert_array_equal(
        independent(name, words), numbers.astype(INDEPENDENT[name]).astype(np.float64)
    )


def test_the_reference_gives_what_is_worked_by_hand() -> None:
    # 1.5 * 1.5 + 2 * (-1) in E4M3, whose bias is 7: 1.5 is 0 0111 100, 2 is 0 1000 000.
    p = DotProductParameters(lanes=2, number_format="fp8_e4m3")
    a, b = np.array([[0b0_0111_100, 0b0_1000_000]]), np.array([[0b0_0111_100, 0b1_0111_000]])
    assert reference(p, a, b).tolist() == [0x3E800000]  # 0.25
    # Two guard bits: the products' last place is 2**-6 of 2**largest, a unit 2**-8 of it. Of
    # 1 * 1 (exponents 14 in all) and 1.125 * 2**-5 (9, so 5 places lower) 81/64 * 2**-10 ... see
    # below: 1.125 * 1.125 * 2**-4 is 81 * 2**-10; units are 2**-8: 20 of them, 1 * 2**-10 is lost.
    p = DotProductParameters(lanes=2, number_format="fp8_e4m3", guard_bits=2)
    one, small, ninth = 0b0_0111_000, 0b0_0011_001, 0b0_0111_001
    got = reference(p, np.array([[one, small]]), np.array([[one, ninth]]))
    assert got.astype(np.uint32).view(np.float32).tolist() == [1 + 20 / 256]
    assert alignment_error(p, np.array([[one, small]]), np.array([[one, ninth]])) == [2 / 256]


def exact(p: DotProductParameters, a: np.ndarray, b: np.ndarray) -> list[Fraction]:
    """The sums as fractions, from ml_dtypes' reading of the words."""
    left, right = (independent(p.number_format, words) for words in (a, b))
    return [
        sum((Fraction(x) * Fraction(y) for x, y in zip(*row, strict=True)), Fraction(0))
        for row in zip(left.tolist(), right.tolist(), strict=True)
    ]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("values", ["gaussian", "uniform"])
@pytest.mark.parametrize("name", FORMATS)
def test_results_are_within_the_contract_of_the_exact_sum(name: str, values: str) -> None:
    p = DotProductParameters(lanes=8, number_format=name, guard_bits=6)
    a, b, valid = operands(p, DotProductWorkload(length=400, values=values, sparsity=0.2))
    assert valid.all()
    results = reference(p, a, b).astype(np.uint32).view(np.float32)
    bounds = alignment_error(p, a, b)
    finite = 0
    for got, true, bound in zip(results, exact(p, a, b), bounds, strict=True):
        if abs(true) + Fraction(bound) >= 2**127:
            continue  # may have become infinity
        half_a_place = Fraction(float(np.spacing(np.abs(got)))) / 2
        flushed = Fraction(1, 2**126) if got == 0 else 0
        assert abs(Fraction(float(got)) - true) <= Fraction(bound) + half_a_place + flushed
        finite += 1
    assert finite > 100


def test_with_enough_guard_bits_only_the_result_is_rounded() -> None:
    """28 for E4M3, whatever the operands: the result is the nearest number to the exact sum."""
    p = DotProductParameters(lanes=4, number_format="fp8_e4m3", guard_bits=28)
    assert p.exact and not DotProductParameters(number_format="fp8_e4m3", guard_bits=27).exact
    assert DotProductParameters(number_format="int8").exact
    a, b, _ = operands(p, DotProductWorkload(length=500, values="uniform"))
    results = reference(p, a, b).astype(np.uint32).view(np.float32)
    assert results.tolist() == [float(np.float32(float(true))) for true in exact(p, a, b)]


def test_infinities_and_nans_are_those_of_the_format() -> None:
    p = DotProductParameters(lanes=2, number_format="fp8_e5m2")
    infinite, one, zero, nan, minus = 0x7C, 0x3C, 0, 0x7D, 0xFC
    for a, b, expected in [
        ((infinite, one), (one, one), 0x7F800000),
        ((minus, one), (one, one), 0xFF800000),
        ((infinite, minus), (one, one), 0x7FC00000),
        ((infinite, one), (zero, one), 0x7FC00000),
        ((nan, zero), (zero, zero), 0x7FC00000),
        ((one, one), (one, one | 0x80), 0),
    ]:
        assert reference(p, np.array([a]), np.array([b])).tolist() == [expected]
    # bf16: 2**127 * 2 is too large for binary32; 2**-100 * 2**-100 too small.
    p = DotProductParameters(lanes=1, number_format="bf16")
    huge, two, tiny = 0x7F00, 0x4000, (127 - 100) << 7
    assert reference(p, np.array([[huge]]), np.array([[two]])).tolist() == [0x7F800000]
    assert reference(p, np.array([[tiny]]), np.array([[tiny]])).tolist() == [0]


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_are_exact(name: str) -> None:
    p = DotProductParameters(lanes=5, number_format=name)
    n = 2 ** (p.operand_bits - 1)
    words = np.full((1, 5), n)
    assert reference(p, words, words).tolist() == [5 * n * n]  # every element -n
    random = np.random.default_rng(3)
    a, b = random.integers(-n, n, (2, 50, 5))
    got = reference(p, a & (2 * n - 1), b & (2 * n - 1))
    assert (got == (a * b).sum(axis=1) % 2**p.result_bits).all()


BRANCHES = [
    DotProductParameters(
        lanes=lanes,
        number_format=name,
        pipeline_stages=min(stages, 2 if name in FORMATS else 1),
        gating=gating,
        guard_bits=guard_bits,
    )
    for name in ALL
    for lanes, stages, gating, guard_bits in [
        (1, 0, "none", 0),
        (4, 1, "zero", 8),
        (3, 2, "idle", 28),
        (2, 2, "zero", 3),
    ]
]


@pytest.mark.few_cases(6)
@pytest.mark.quick_cases(3)
@pytest.mark.parametrize("p", BRANCHES, ids=str)
def test_hardware_is_the_reference(p: DotProductParameters) -> None:
    workload = DotProductWorkload(length=30, duty=0.5, sparsity=0.3, values="uniform")
    job = case(p, *operands(p, workload))
    assert len(job.valid) + p.latency_cycles == cycles(p, workload)
    run(p, [*hard_cases(p), job])


@given(st.sampled_from(ALL), st.floats(0, 1), st.sampled_from(["gaussian", "uniform"]))
def test_operands_are_numbers(name: str, sparsity: float, values: str) -> None:
    p = DotProductParameters(number_format=name)
    a, b, _ = operands(p, DotProductWorkload(length=100, sparsity=sparsity, values=values))
    assert 0 <= min(a.min(), b.min()) <= max(a.max(), b.max()) < 2**p.operand_bits
    if p.form is not None:
        assert np.isfinite(to_float(p.form, np.append(a, b))).all()
    if sparsity == 1:
        assert not a.any()


def test_work_and_words_are_counted_as_by_hand() -> None:
    done = work(DotProductParameters(lanes=4, number_format="bf16"), DotProductWorkload(length=10))
    assert (done.count, done.unit) == (40, "MAC")
    assert (done.input_bits, done.output_bits) == (10 * 2 * 4 * 16, 10 * 32)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"number_format": "fp4"}, "number_format='fp4' is not one of 'int4', 'int8', 'fp8_e4m3'"),
        ({"pipeline_stages": 2}, "no place for a second .* use pipeline_stages <= 1"),
        ({"guard_bits": 29}, "guard_bits=29 is too large; use <= 28"),
    ],
)
def test_impossible_parameters_are_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DotProductParameters(**given_)


# Faults: each changes the hardware in one place, and the checks of the bench must notice.


def _fails(p: DotProductParameters) -> None:
    with pytest.raises(AssertionError, match="words of result differ"):
        run(p, hard_cases(p))


@pytest.mark.few_cases(1)
@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_faults_in_the_parts_of_floats_are_caught(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = DotProductParameters(lanes=2, number_format=name)
    real = chipdse_hdl.dot_product.float_sum._take_apart

    def planted(part: int, fault: Value) -> None:
        def take_apart(*given_: Any) -> tuple[Value, ...]:
            parts = list(real(*given_))
            parts[part] = fault
            return tuple(parts)

        monkeypatch.setattr(chipdse_hdl.dot_product.float_sum, "_take_apart", take_apart)

    for part, fault in ((1, Const(4, 3)), (2, Const(0, 1)), (0, Const(9, 4))):
        planted(part, fault)
        _fails(p)


@pytest.mark.few_cases(1)
@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_truncation_instead_of_rounding_is_caught(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = DotProductParameters(lanes=3, number_format=name, guard_bits=20)
    real = chipdse_hdl.dot_product.float_sum.binary32
    run(p, hard_cases(p))
    cut = lambda m, total, lowest: real(m, total, lowest) & ~1  # noqa: E731
    monkeypatch.setattr(chipdse_hdl.dot_product.hardware, "binary32", cut)
    _fails(p)
    monkeypatch.setattr(
        chipdse_hdl.dot_product.hardware, "binary32", lambda m, total, low: real(m, total, low + 1)
    )
    _fails(p)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_a_zero_that_is_not_masked_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    p = DotProductParameters(lanes=2, number_format=name, gating="zero")
    monkeypatch.setattr(chipdse_hdl.dot_product.hardware, "Mux", lambda choose, yes, no: yes)
    _fails(p)


@pytest.mark.slow
def test_an_infinity_taken_for_zero_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    p = DotProductParameters(lanes=2, number_format="bf16", gating="zero")
    monkeypatch.setattr(
        chipdse_hdl.dot_product.hardware, "_matters", lambda form, a, b: a[:-1].any() & b[:-1].any()
    )
    _fails(p)
