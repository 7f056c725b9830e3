"""Temperature: closed forms, energy balance, transients, runaway."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from chipdse.errors import DesignError
from chipdse.system.models.leakage import equilibrium, leakage_curve
from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.linear_solver import factorise
from chipdse.system.thermal.mesh import mesh_lines
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Layer, Material, Rectangle, Stack, centred
from chipdse.system.thermal.transient import step_response
from tests.support.system_cases import COPPER, GREASE, SILICON, layer


def package(die_layers: Sequence[Layer], cooler: float = 0.1):
    return Stack(
        layers=(
            *die_layers,
            layer("interface", 2e-5, die_layers[0].outline.width_m, GREASE),
            layer("spreader", 1e-3, 0.03, COPPER),
            layer("sink", 6.9e-3, 0.06, COPPER, slices=3),
        ),
        cooler_resistance_k_per_w=cooler,
    )


def test_one_slab_is_the_closed_form() -> None:
    """Uniform heat in the first of two slabs: half its thickness, the other, and the cooler."""
    stack = Stack(
        layers=(
            layer("heated", 1e-3, 0.01, sources=[centred("heat", 0.01, 0.01)]),
            layer("above", 2e-3, 0.01, COPPER),
        ),
        cooler_resistance_k_per_w=0.5,
    )
    expected = 0.5e-3 / 130 / 1e-4 + 2e-3 / 400 / 1e-4 + 0.5
    for cells in (1, 7):
        assert solve(assemble(stack, cells)).average[0, 0] == approx(expected, rel=1e-10)


def test_slab_with_two_paths_splits_the_heat() -> None:
    stack = Stack(
        layers=(layer("heated", 2e-3, 0.01, sources=[centred("heat", 0.01, 0.01)]),),
        cooler_resistance_k_per_w=1.0,
        board_resistance_k_per_w=3.0,
    )
    operator = solve(assemble(stack, 3))
    half = 1e-3 / 130 / 1e-4
    up, down = operator.heat_out(np.array([8.0]))
    assert up / down == approx((3 + half) / (1 + half), rel=1e-9)
    assert up + down == approx(8.0, rel=1e-12)


def test_anisotropic_slab_conducts_through_its_thickness() -> None:
    material = Material(name="board", conductivity_w_per_mk=20.0, vertical_w_per_mk=0.3)
    stack = Stack(
        layers=(
            layer("heated", 1e-3, 0.01, sources=[centred("heat", 0.01, 0.01)]),
            layer("board", 1e-3, 0.01, material),
        ),
        cooler_resistance_k_per_w=0.1,
    )
    expected = 0.5e-3 / 130 / 1e-4 + 1e-3 / 0.3 / 1e-4 + 0.1
    assert solve(assemble(stack, 4)).average[0, 0] == approx(expected, rel=1e-10)


def spreading_series(
    source: float, side: float, thickness: float, conductivity: float, film: float
):
    """Mean rise per watt of a centred square source on a square plate cooled from the far side.

    Yovanovich, Muzychka and Culham, Spreading resistance of isoflux rectangles and strips on
    compound flux channels, J. Thermophys. Heat Transfer 13(4), 1999.
    """
    a, c = source / 2, side / 2
    total = thickness / conductivity / side**2 + 1 / film / side**2

    def phi(zeta: np.ndarray):
        t = np.tanh(zeta * thickness)
        return (zeta + film / conductivity * t) / (zeta * t + film / conductivity)

    m = np.arange(1, 400)
    delta = m * np.pi / c
    one = np.sin(a * delta) ** 2 / delta**3 * phi(delta)
    total += one.sum() / (a**2 * c**2 * conductivity)
    dm, dn = np.meshgrid(delta, delta)
    beta = np.hypot(dm, dn)
    both = np.sin(a * dm) ** 2 * np.sin(a * dn) ** 2 / (dm**2 * dn**2 * beta) * phi(beta)
    return total + both.sum() / (a**4 * c**2 * conductivity)


@pytest.mark.slow
def test_spreading_in_a_plate_is_the_series() -> None:
    """A thin heated film on a thick copper plate: the sink the package model has to get right."""
    film = 1 / (0.1 * 0.06**2)
    stack = Stack(
        layers=(
            layer("film", 1e-7, 0.016, COPPER, sources=[centred("heat", 0.016, 0.016)]),
            layer("plate", 7e-3, 0.06, COPPER, slices=8),
        ),
        cooler_resistance_k_per_w=0.1,
    )
    found = solve(assemble(stack, 24, growth=1.25)).average[0, 0]
    expected = spreading_series(0.016, 0.06, 7e-3, 400.0, film)
    assert found == approx(expected, rel=0.01)


def test_two_die_stack_is_hotter_than_side_by_side() -> None:
    side = 0.008
    low = layer("low", 5e-5, side, sources=[centred("a", side, side)])
    high = layer("high", 15e-5, side, sources=[centred("b", side, side)])
    stacked = solve(assemble(package([low, high]), 16))
    left = Rectangle(name="a", left_m=-0.0085, bottom_m=-side / 2, width_m=side, height_m=side)
    right = Rectangle(name="b", left_m=0.0005, bottom_m=-side / 2, width_m=side, height_m=side)
    wide = Layer(
        name="dies",
        thickness_m=15e-5,
        outline=centred("dies", 0.017, side),
        material=SILICON,
        sources=(left, right),
    )
    beside = solve(assemble(package([wide]), 16))
    power = np.array([20.0, 20.0])
    assert stacked.rise(power).max() > 1.3 * beside.rise(power).max()


def test_energy_leaves_as_it_came() -> None:
    spots = [
        Rectangle(
            name=f"s{i}", left_m=-0.007 + 0.004 * i, bottom_m=-0.004, width_m=0.003, height_m=0.007
        )
        for i in range(4)
    ]
    operator = solve(assemble(package([layer("die", 15e-5, 0.016, sources=spots)]), 32))
    power = np.array([1.0, 30.0, 0.0, 12.5])
    assert sum(operator.heat_out(power)) == approx(power.sum(), rel=1e-9)


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(st.floats(0, 50), min_size=2, max_size=2))
def test_powers_superpose(power) -> None:
    halves = [
        Rectangle(name=n, left_m=x, bottom_m=-0.005, width_m=0.005, height_m=0.01)
        for n, x in (("l", -0.005), ("r", 0.0))
    ]
    operator = solve(assemble(package([layer("die", 15e-5, 0.01, sources=halves)]), 6))
    alone = [operator.rise(np.array(p)) for p in ([power[0], 0.0], [0.0, power[1]])]
    assert operator.rise(np.array(power)) == approx(alone[0] + alone[1])
    assert operator.average == approx(operator.average.T)  # reciprocity
    assert (operator.peak_rise(np.array(power)) >= operator.rise(np.array(power)) - 1e-12).all()


@pytest.mark.slow
def test_finer_grids_converge() -> None:
    spot = [Rectangle(name="s", left_m=-0.005, bottom_m=0.001, width_m=0.002, height_m=0.004)]
    stack = package([layer("die", 15e-5, 0.01, sources=spot)])
    rises = [solve(assemble(stack, n)).average[0, 0] for n in (8, 16, 32)]
    assert abs(rises[2] - rises[1]) < abs(rises[1] - rises[0])
    assert rises[1] == approx(rises[2], rel=0.02)


def test_mesh_has_every_edge_and_grows_outwards() -> None:
    lines = mesh_lines([-30e-3, -8e-3, 8e-3, 30e-3], [(-8e-3, 8e-3)], 1e-3, 1.5)
    for edge in (-30e-3, -8e-3, 8e-3, 30e-3):
        assert np.abs(lines - edge).min() < 1e-12
    steps = np.diff(lines)
    assert (steps > 0).all()
    outside = steps[lines[:-1] >= 8e-3 - 1e-12]
    assert (np.diff(outside) > 0).all() and outside[0] < 2e-3


def test_a_source_outside_its_layer_is_refused() -> None:
    spot = [Rectangle(name="lost", left_m=0.004, bottom_m=0.0, width_m=0.003, height_m=0.001)]
    with pytest.raises(DesignError, match="'lost' reaches outside the outline of layer 'die'"):
        assemble(package([layer("die", 15e-5, 0.01, sources=spot)]))


def test_a_material_must_conduct() -> None:
    bad = Material(name="void", conductivity_w_per_mk=0.0)
    with pytest.raises(DesignError, match="material 'void' of layer 'die' conducts"):
        package([layer("die", 15e-5, 0.01, bad, [centred("s", 0.01, 0.01)])])


# Over time.


def slab():
    return Stack(
        layers=(layer("heated", 1e-3, 0.01, COPPER, [centred("heat", 0.01, 0.01)]),),
        cooler_resistance_k_per_w=10.0,
    )


def test_a_step_follows_the_exponential() -> None:
    network = assemble(slab(), 1)
    capacity = 3.55e6 * 1e-3 * 1e-4
    resistance = 10.0 + 0.5e-3 / 400 / 1e-4
    time_constant = resistance * capacity
    step = time_constant / 50
    found = step_response(network, np.full((100, 1), 2.0), step)[:, 0]
    times = step * np.arange(1, 101)
    expected = 2.0 * resistance * (1 - np.exp(-times / time_constant))
    assert found == approx(expected, rel=2e-4)


def test_a_step_ends_in_the_steady_state() -> None:
    spot = [Rectangle(name="s", left_m=-0.005, bottom_m=0.001, width_m=0.002, height_m=0.004)]
    network = assemble(package([layer("die", 15e-5, 0.01, sources=spot)]), 8)
    found = step_response(network, np.full((40, 1), 30.0), 100.0)[-1, 0]
    assert found == approx(30.0 * solve(network).average[0, 0], rel=1e-6)


def test_transients_need_heat_capacities_and_a_step() -> None:
    bare = Material(
        name="diamond", conductivity_w_per_mk=1800.0, heat_capacity_j_per_m3k=float("nan")
    )
    stack = Stack(
        layers=(layer("d", 1e-3, 0.01, bare, [centred("s", 0.01, 0.01)]),),
        cooler_resistance_k_per_w=1.0,
    )
    with pytest.raises(DesignError, match="no published heat capacity"):
        step_response(assemble(stack, 2), np.ones((1, 1)), 1e-3)
    with pytest.raises(DesignError, match="step_s"):
        step_response(assemble(slab(), 2), np.ones((1, 1)), 0.0)


# Leakage.


def exponential(leak_w: float, doubling_k: float):
    def leakage(rise: np.ndarray):
        value = leak_w * 2 ** (rise / doubling_k)
        return value, value * math.log(2) / doubling_k

    return leakage


def test_fixed_point_by_substitution() -> None:
    found = equilibrium(np.array([[2.0]]), np.array([[10.0]]), exponential(1.0, 30.0))
    rise = found.rise_k[0, 0]
    assert not found.runaway[0]
    assert rise == approx(2.0 * (10 + 2 ** (rise / 30)), abs=1e-5)
    assert rise < 60  # the smaller of the two fixed points


def test_runaway_is_detected_exactly_at_the_fold() -> None:
    """rise = R·L0·2^(rise/d) has solutions up to R·L0·e·ln2/d = 1, and none beyond."""
    fold = 30.0 / (math.e * math.log(2))
    below = equilibrium(np.array([[0.999 * fold]]), np.zeros((1, 1)), exponential(1.0, 30.0))
    above = equilibrium(np.array([[1.001 * fold]]), np.zeros((1, 1)), exponential(1.0, 30.0))
    assert not below.runaway[0]
    assert above.runaway[0]


@settings(max_examples=40)
@given(st.floats(0.01, 3), st.floats(0, 40), st.floats(0.01, 3), st.floats(15, 60))
def test_coupled_dies_satisfy_their_equations(
    self_k: float, power: float, leak: float, doubling: float
) -> None:
    resistance = np.array([[self_k, 0.5 * self_k], [0.5 * self_k, self_k]])
    fixed = np.array([[power, 0.3 * power]])
    leakage = exponential(leak, doubling)
    found = equilibrium(resistance, fixed, leakage)
    if found.runaway[0]:
        hotter = equilibrium(1.1 * resistance, fixed, leakage)
        assert hotter.runaway[0]
    else:
        value, _ = leakage(found.rise_k)
        assert found.rise_k == approx((fixed + value) @ resistance.T, abs=1e-4)


def test_leakage_is_log_linear_between_temperatures() -> None:
    table_c = np.array([25.0, 125.0])
    curve = leakage_curve(table_c, np.array([[1.0, 100.0]]), np.array([25.0]), np.zeros(1))
    ratio, slope = curve(np.array([[75.0]]))
    assert ratio[0, 0] == approx(10.0)
    assert slope[0, 0] == approx(10.0 * math.log(100) / 100)


def test_one_temperature_means_constant_leakage_unless_told() -> None:
    nothing = np.zeros(0), np.zeros((1, 0)), np.array([25.0])
    constant, _ = leakage_curve(*nothing, np.array([np.nan]))(np.array([[100.0]]))
    doubled, _ = leakage_curve(*nothing, np.array([20.0]))(np.array([[45.0]]))
    assert constant[0, 0] == 1.0
    assert doubled[0, 0] == approx(2.0)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("seed", range(4))
def test_solutions_are_correctly_rounded(seed: int) -> None:
    """Against elimination with whole numbers of any length, conductances within six decades."""
    rng = np.random.default_rng(seed)
    size, columns = 14, 3
    matrix = np.zeros((size, size))
    for i in range(size):
        for j in {(i + 1) % size, (i + 4) % size} - {i}:
            joint = 10 ** rng.uniform(-3, 3)
            matrix[i, j] -= joint
            matrix[j, i] -= joint
    matrix += np.diag(10 ** rng.uniform(-3, 0, size) - matrix.sum(axis=1))
    right = np.where(rng.uniform(size=(size, columns)) < 0.3, rng.uniform(size=(size, columns)), 0)
    right[0] = 1.0
    rows = [[Fraction(float(v)) for v in (*matrix[i], *right[i])] for i in range(size)]
    for step in range(size):
        rows[step] = [v / rows[step][step] for v in rows[step]]
        for i in range(size):
            if i != step:
                factor = rows[i][step]
                rows[i] = [v - factor * w for v, w in zip(rows[i], rows[step], strict=True)]
    exact = np.array([[float(v) for v in row[size:]] for row in rows])
    found = factorise(sp.csc_matrix(matrix)).solve(right)
    assert np.array_equal(found, exact)
    assert np.array_equal(factorise(sp.csc_matrix(matrix)).solve(right[:, 0]), exact[:, 0])
    # Factors of a matrix near to it lead there too; those of a distant one are replaced.
    for largest in (0.2, 5.0):
        ratio = rng.uniform(1.0, 1.0 + largest, size)
        near = factorise(sp.csc_matrix(np.sqrt(ratio)[:, None] * matrix * np.sqrt(ratio)))
        assert np.array_equal(factorise(sp.csc_matrix(matrix), near).solve(right), exact)
