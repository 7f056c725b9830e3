"""chipdse's own exponentials, logarithms and products: against Python's decimal numbers."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from chipdse import numerics
from chipdse.netlist.layout.placer.compiled import placer_kernel
from chipdse.netlist.layout.placer.cosine import Cosine
from chipdse.netlist.layout.placer.quarter_turn import cosines
from tests.support.fuzzing.examples import examples

positive = st.floats(1e-300, 1e300)


def places_off(found: float, exact: Decimal) -> float:
    """How many last places a number is from the exact one."""
    return float(abs(Decimal(found) - exact) / Decimal(float(np.spacing(abs(float(exact))))))


def spread(low: float, high: float) -> np.ndarray:
    rng = np.random.default_rng(5)
    return rng.uniform(low, high, 300)


@pytest.mark.parametrize(
    ("function", "exact", "points", "places"),
    [
        ("exp", lambda x: x.exp(), spread(-700, 700), 0.62),
        ("exp", lambda x: x.exp(), spread(-1, 1), 0.62),
        ("expm1", lambda x: x.exp() - 1, spread(-3, 3), 3),
        ("expm1", lambda x: x.exp() - 1, spread(-1e-7, 1e-7), 1),
        ("exp2", lambda x: Decimal(2) ** x, spread(-60, 60), 1),
        ("log", lambda x: x.ln(), spread(0.4, 2.5), 0.6),
        ("log", lambda x: x.ln(), 1 + spread(-1e-9, 1e-9), 0.6),
        ("log", lambda x: x.ln(), 10 ** spread(-300, 300), 0.6),
        ("log2", lambda x: x.ln() / Decimal(2).ln(), spread(0.1, 100), 2),
    ],
)
def test_within_a_last_place(function: str, exact, points, places: float) -> None:
    with localcontext() as context:
        context.prec = 60
        found = getattr(numerics, function)(points).tolist()
        off = [
            places_off(f, exact(Decimal(x))) for f, x in zip(found, points.tolist(), strict=True)
        ]
    assert max(off) <= places


def test_powers_within_a_last_place() -> None:
    bases, exponents = 10 ** spread(-1.5, 1.5), np.flip(spread(-6, 6))
    found = numerics.power(bases, exponents)
    with localcontext() as context:
        context.prec = 60
        for f, x, y in zip(found.tolist(), bases.tolist(), exponents.tolist(), strict=True):
            assert places_off(f, Decimal(x) ** Decimal(y)) <= 0.62


def test_what_has_no_number() -> None:
    assert numerics.exp([-np.inf, -746.0, 0.0, 710.0]).tolist() == [0.0, 0.0, 1.0, np.inf]
    assert numerics.log([0.0, 1.0, np.inf]).tolist() == [-np.inf, 0.0, np.inf]
    assert np.isnan([numerics.exp(np.nan), numerics.log(-1.0), numerics.power(-1.0, 2.0)]).all()
    assert numerics.power([0.0, 0.0, 0.0], [2.0, 0.0, -1.0]).tolist() == [0.0, 1.0, np.inf]
    assert numerics.exp2([3.0, -1074.0]).tolist() == [8.0, 5e-324]
    assert numerics.log2([8.0, 2.0**-1050]).tolist() == [3.0, -1050.0]
    assert numerics.power([3.0, 2.0, 10.0], [2.0, 0.5, 5.0]).tolist() == [9.0, 2.0**0.5, 1e5]


@given(st.floats(-800, 800), positive, st.floats(-3, 3))
def test_one_number_is_what_it_is_in_a_row(x: float, base, exponent: float) -> None:
    row = np.full(9000, x)  # several blocks
    assert set(numerics.exp(row).tolist()) == {numerics.exp(x)}
    assert numerics.log(np.array([1.0, base]))[1] == numerics.log_of(base)
    assert numerics.power(base, exponent) == numerics.power_of(base, exponent)


def test_products_are_sums_from_the_first_term_on() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 5, 7)), rng.normal(size=(7, 4))
    found = numerics.matmul(a, b)
    for i, j, k in np.ndindex(2, 5, 4):
        total = 0.0
        for n in range(7):
            total += float(a[i, j, n]) * float(b[n, k])
        assert found[i, j, k] == total
    assert numerics.matmul(a, b[:, 0]) == pytest.approx(a @ b[:, 0])
    assert numerics.dot([1.0, 2.0], [3.0, 4.0]) == 11.0
    with pytest.raises(ValueError, match="do not fit"):
        numerics.matmul(a, b.T)


@pytest.mark.parametrize("shape", [(9000, 2, 3), (3, 4, 9000), (40, 1, 10), (41, 1, 10), (0, 3, 2)])
def test_products_are_the_same_for_tall_and_wide_matrices(shape) -> None:
    rows, terms, columns = shape
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(rows, terms)), rng.normal(size=(terms, columns))
    total = np.zeros((rows, columns))
    for n in range(terms):
        total = total + a[:, n : n + 1] * b[n]
    found = numerics.matmul(a, b)
    assert np.array_equal(found, total)
    assert found.flags.c_contiguous


extents = st.integers(0, 40) | st.sampled_from([255, 256, 257, 600])


@pytest.mark.tools
@given(extents, extents, extents, st.floats(0, 0.3), st.integers(0, 2**32))
@examples(200)
def test_compiled_products_are_those_of_numpy(
    rows, terms, columns, special: float, seed: int
) -> None:
    compiled = numerics.compiled_product()
    if compiled is None:
        pytest.skip("no C compiler")
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(rows, terms)), rng.normal(size=(terms, columns))
    a *= 2.0 ** rng.integers(-1060, 1000, size=a.shape)  # also subnormal
    numbers = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1e308, -1e308]
    for matrix in (a, b):
        chosen = rng.random(matrix.shape) < special * rng.integers(0, 2)
        matrix[chosen] = rng.choice(numbers, chosen.sum())
    right, found = numerics.product_with_numpy(a, b), compiled(a, b)
    assert found.shape == right.shape
    # Which of the bit patterns of "not a number" comes out is left open by the standard.
    none = np.isnan(right)
    assert np.array_equal(none, np.isnan(found))
    assert np.array_equal(right[~none].view(np.int64), found[~none].view(np.int64))


@pytest.mark.tools
def test_a_process_that_multiplies_much_goes_on_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    if numerics.compiled_product() is None:
        pytest.skip("no C compiler")
    products = numerics._Products()
    assert products.function_for(64) is numerics.product_with_numpy
    assert products.function_for(10**9) is numerics.compiled_product()
    assert products.function_for(64) is numerics.compiled_product()
    monkeypatch.setattr(numerics, "_PRODUCTS", products)
    a, b = np.arange(6.0).reshape(2, 3)[:, ::-1], np.arange(6.0).reshape(2, 3).T
    assert numerics.matmul(a, b).tolist() == [[1.0, 10.0], [10.0, 46.0]]


def test_products_do_not_warn_of_what_has_no_number() -> None:
    a = np.array([[np.inf, 1e308], [0.0, 1.0]])
    assert numerics.matmul(a, np.array([[0.0], [10.0]])).tolist()[1] == [10.0]
    assert np.isnan(numerics.matmul(a, np.array([0.0, 1e308]))[0])


def test_elimination_solves() -> None:
    rng = np.random.default_rng(4)
    matrices, x = rng.normal(size=(20, 6, 6)), rng.normal(size=(20, 6))
    matrices[:, 0, 0] = 0.0  # needs a pivot
    right = (matrices * x[:, None]).sum(axis=2)
    assert numerics.solve(matrices, right) == pytest.approx(x, rel=1e-9)


def test_cosines_are_rounded_once() -> None:
    # cos(π / 5) = (1 + √5) / 4, cos(π / 3) = 1 / 2 and cos(π / 12) = (√6 + √2) / 4, in 40 digits
    with localcontext() as context:
        context.prec = 40
        by_hand = {
            (5, 2): (1 + Decimal(5).sqrt()) / 4,
            (6, 4): Decimal("0.5"),
            (6, 1): (Decimal(6).sqrt() + Decimal(2).sqrt()) / 4,
        }
    for (count, number), exact in by_hand.items():
        assert cosines(count)[number] == float(exact)


@pytest.mark.parametrize(("count", "width"), [(8, 8), (9, 11), (30, 5), (65, 24)])
def test_cosine_transform_is_scipys_and_alike_compiled(count: int, width: int) -> None:
    rows = np.random.default_rng(count).normal(size=(count, width))
    plain = Cosine(count, None)
    forward, back = plain.forward(rows), plain.back(rows)
    assert forward == pytest.approx(scipy.fft.dct(rows, axis=0)[plain.order] / 2)
    table = scipy.fft.dct(np.eye(count), axis=0)[plain.order] / 2
    assert back == pytest.approx(table.T @ rows)
    if placer_kernel() is not None:
        fast = Cosine(count, placer_kernel())
        assert np.array_equal(fast.forward(rows), forward)
        assert np.array_equal(fast.back(rows), back)


def test_compiled_exponential_is_numerics() -> None:
    kernel = placer_kernel()
    if kernel is None:
        pytest.skip("no C compiler")
    numbers = np.concatenate([spread(-760, 760), spread(-1, 1), [0.0, -745.0, -800.0, 720.0]])
    compiled = numbers.copy()
    kernel.exponentials(compiled)
    assert compiled.tolist() == numerics.exp(numbers).tolist()
