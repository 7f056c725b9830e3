"""Default temperatures against refinement, and conductivities that fall with temperature."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx
from scipy.integrate import quad
from scipy.optimize import brentq

from chipdse.errors import DesignError
from chipdse.records import BlockMetrics
from chipdse.system.arrays.geometry import DieOutline, Geometry, layers_of, material
from chipdse.system.described import Die, System, evaluate_described
from chipdse.system.evaluate import evaluate_system
from chipdse.system.parameters import PackageParameters
from chipdse.system.power_map import mapped_temperature
from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.hottest import hottest_points
from chipdse.system.thermal.mesh import unfolded
from chipdse.system.thermal.nested_meshes import CELLS, meshes_of
from chipdse.system.thermal.refined import refined
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Layer, Material, Rectangle, Softening, Stack, centred
from chipdse.system.thermal.symmetry import fold_of
from chipdse.technology.constants import Sources

SILICON = material("silicon", Sources())


def package(
    arrangement: str,
    areas_m2: Sequence[float],
    kinds: Sequence[int],
    cooling: str = "heatsink_forced_air",
):
    return Geometry(
        arrangement=arrangement,
        dies=tuple(
            DieOutline(name=f"die {i}", area_m2=area, kind=kind)
            for i, (area, kind) in enumerate(zip(areas_m2, kinds, strict=True))
        ),
        cooling=cooling,
        interface_material="interface_typical",
        spreader_material="copper",
        die_material="silicon",
        die_thickness_m=15e-5,
        spreader_side_m=0.03,
        sink_side_m=0.06,
    )


# Geometry and the power of each kind of die [W].
CASES = {
    "hot tile in a corner": (
        package("organic", [9e-6] * 4, [0, 1, 1, 1], "cold_plate"),
        [30.0, 3.0],
    ),
    "hot tile in the centre": (
        package("organic", [4e-6] * 9, [0, 0, 0, 0, 1, 0, 0, 0, 0]),
        [1.0, 15.0],
    ),
    "checkerboard": (package("organic", [4e-6] * 9, [0, 1] * 4 + [0]), [12.0, 1.0]),
    "two dies, the bottom one hot": (package("stack_hybrid", [5e-5, 5e-5], [0, 1]), [50.0, 5.0]),
    "a small die below a large one": (package("stack_hybrid", [4e-6, 5e-5], [0, 1]), [15.0, 5.0]),
    "one die": (package("monolithic", [1e-4], [0]), [80.0]),
    "one small die": (package("monolithic", [1e-6], [0]), [8.0]),
}


def hottest(geometry, watts, cells=CELLS):
    stack = layers_of(geometry, Sources())
    kinds = tuple(die.kind for die in geometry.dies)
    fold = fold_of(stack, kinds)
    power = np.array([watts[kinds[i]] for i in fold.sources])
    peak, error = refined(stack, fold, cells).peak_rise(power)
    return peak.max(), error[peak.argmax()]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_default_is_within_two_percent_of_the_converged_solution(case) -> None:
    geometry, watts = CASES[case]
    found, stated = hottest(geometry, watts)
    converged, left = hottest(geometry, watts, cells=2 * CELLS)
    assert left < 0.8 * stated  # the estimate itself falls as the mesh is refined
    assert found == approx(converged, rel=0.02)
    assert abs(found - converged) < stated < 0.04 * found


@pytest.mark.slow
def test_one_slice_and_even_cells_were_not() -> None:
    """What the mesh does away with: a hot tile 7 % above the converged solution."""
    geometry, watts = CASES["one small die"]
    converged, _ = hottest(geometry, watts, cells=2 * CELLS)
    stack = layers_of(geometry, Sources())
    layers = tuple(
        dataclasses.replace(la, slices=3 if la.name == "sink" else 1) for la in stack.layers
    )
    coarse = solve(assemble(dataclasses.replace(stack, layers=layers), 16))
    assert coarse.peak_rise(np.array(watts))[0] > 1.05 * converged


def test_meshes_are_nested_and_have_every_edge() -> None:
    geometry, _ = CASES["a small die below a large one"]
    stack = layers_of(geometry, Sources())
    meshes = meshes_of(stack, unfolded(2))
    edges = [
        e for la in stack.layers for r in (la.outline, *la.sources) for e in (r.left_m, r.right_m)
    ]
    for coarse, fine in (meshes.x, meshes.y):
        assert fine[::2] == approx(coarse, abs=1e-15)
        assert (np.diff(fine) > 0).all()
        assert all(np.abs(coarse - edge).min() < 1e-12 for edge in edges)
    for coarse, fine in zip(*(s.layers for s in meshes.stacks), strict=True):
        assert set(coarse.cuts) <= set(fine.cuts)
        assert sum(fine.slice_heights_m) == approx(coarse.thickness_m)


@pytest.mark.few_cases(1)
@pytest.mark.slow
@pytest.mark.parametrize("tile", [(0, 0), (2, 1)], ids=["corner", "centre"])
def test_a_hot_square_of_a_power_map(tile) -> None:
    watts = np.full((4, 4), 0.02)
    watts[tile] = 2.0
    found = mapped_temperature(watts, 4e-6, PackageParameters(), Sources())
    # The same die with the same squares, as a stack of its own, on a finer mesh.
    die = package("monolithic", [4e-6], [0])
    die = dataclasses.replace(die, interface_material=PackageParameters().interface_material)
    stack = layers_of(die, Sources())
    squares = tuple(
        Rectangle(name=f"{i} {j}", left_m=-1e-3 + i * 5e-4, bottom_m=-1e-3 + j * 5e-4,
                  width_m=5e-4, height_m=5e-4) for i in range(4) for j in range(4)
    )  # fmt: skip
    layers = tuple(
        dataclasses.replace(la, sources=squares) if la.sources else la for la in stack.layers
    )
    stack = dataclasses.replace(stack, layers=layers)
    (converged,) = hottest_points(
        stack, watts.ravel()[None], PackageParameters().ambient_c, cells=32
    )
    assert found.peak_rise_k == approx(converged.rise_k, rel=0.02)
    assert abs(found.peak_rise_k - converged.rise_k) < found.error_k + converged.error_k
    assert found.beyond_conductivity_k < 0


def test_the_error_is_in_the_result() -> None:
    block = BlockMetrics(
        area_m2=2e-8,
        dynamic_power_w=2e-3,
        leakage_power_w=1e-5,
        temperature_c=25.0,
        throughput_ops_per_s=1e9,
        io_bits_per_op=0.1,
        node_nm=130.0,
    )
    chosen = PackageParameters(arrangement="organic", chiplets=4, tiles=20000)
    result = evaluate_system(block, chosen)
    rise = result.peak_temperature_c - chosen.ambient_c
    assert 0 < result.peak_temperature_error_k < 0.04 * rise
    assert result.constraints["conductivity_table_k"] < 0


# Conductivity that falls with temperature.


def test_silicon_is_what_was_measured() -> None:
    """Glassbrenner and Slack's recommended values [W/m/K], and the fall of a quarter."""
    for kelvin, measured in ((250, 195), (300, 156), (400, 105), (500, 80), (600, 64)):
        ratio = float(SILICON.softening.ratio(np.array(float(kelvin))))
        assert SILICON.conductivity_w_per_mk / ratio == approx(measured, rel=0.05)
    at_25, at_100 = SILICON.softening.ratio(np.array([298.15, 373.15]))
    assert at_25 / at_100 == approx(0.75, abs=0.02)
    # By hand at 400 K: 0.03 + 0.624 + 0.264 = 0.918 cm K/W, so 108.9 W/m/K.
    ratio = float(SILICON.softening.ratio(np.array(400.0)))
    assert SILICON.conductivity_w_per_mk / ratio == approx(108.9, rel=1e-3)


def slab(thickness_m: float = 2e-3, cooler: float = 0.1):
    """A thin heated plate under a slab of silicon of 1 cm²."""
    return Stack(
        layers=(
            Layer(name="heated", thickness_m=1e-6, outline=centred("o", 0.01, 0.01),
                  material=Material(name="copper", conductivity_w_per_mk=400.0),
                  sources=(centred("heat", 0.01, 0.01),)),
            Layer(name="slab", thickness_m=thickness_m, outline=centred("o", 0.01, 0.01),
                  material=SILICON),
        ),
        cooler_resistance_k_per_w=cooler,
    )  # fmt: skip


def kirchhoff(power_w: float, ambient_c: float, thickness_m: float = 2e-3, cooler: float = 0.1):
    """Rise of the heated side: the integral of k over temperature is flux times thickness."""
    top = ambient_c + 273.15 + power_w * cooler
    flux = power_w / 1e-4
    k300 = 154.7
    resistivity = 0.03 + 1.56e-3 * 300 + 1.65e-6 * 300**2

    def k(t: float):
        return k300 * resistivity / (0.03 + 1.56e-3 * t + 1.65e-6 * t**2)

    def missing(bottom: float):
        return quad(k, top, bottom)[0] - flux * thickness_m

    plate = power_w * 0.5e-6 / 400 / 1e-4
    return brentq(missing, top, top + 400) - (ambient_c + 273.15) + plate


@pytest.mark.slow
@pytest.mark.parametrize("power_w", [20.0, 200.0, 500.0])
def test_a_slab_is_kirchhoffs_integral(power_w: float) -> None:
    expected = kirchhoff(power_w, 45.0)
    (found,) = hottest_points(slab(), np.array([[power_w]]), 45.0, cells=32)
    assert found.rise_k == approx(expected, rel=2e-3)
    assert found.heat_out_w == approx(power_w, rel=1e-9)


@pytest.mark.slow
def test_one_conductivity_per_die_is_close_to_one_per_cell() -> None:
    """The reduced operator against the iteration over every cell."""
    for case in ("hot tile in a corner", "one small die", "two dies, the bottom one hot"):
        geometry, watts = CASES[case]
        stack = layers_of(geometry, Sources())
        power = np.array([watts[die.kind] for die in geometry.dies])
        operator = refined(stack, unfolded(len(power)))
        rise = np.full(len(power), 30.0)
        for _ in range(20):
            excess = operator.excess(318.15 + rise)
            rise = power @ operator.average.T + excess * (power @ operator.change.T)
        peak, _ = operator.peak_rise(power, excess)
        (exact,) = hottest_points(stack, power[None], 45.0, cells=16)
        assert peak.max() == approx(exact.rise_k, rel=0.02)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.floats(1.0, 400.0), st.floats(0.0, 80.0))
def test_hotter_silicon_conducts_less(power_w: float, ambient_c: float) -> None:
    watts = np.array([[power_w], [1.1 * power_w]])
    less, more = hottest_points(slab(), watts, ambient_c)
    (warmer,) = hottest_points(slab(), watts[:1], ambient_c + 10)
    assert more.rise_k > 1.1 * less.rise_k
    assert warmer.rise_k > less.rise_k


def test_constant_conductivities_stay_exactly_linear() -> None:
    copper = Material(name="copper", conductivity_w_per_mk=400.0)
    layers = tuple(dataclasses.replace(la, material=copper) for la in slab().layers)
    stack = dataclasses.replace(slab(), layers=layers)
    operator = refined(stack, unfolded(1))
    assert operator.softening is None and not operator.change.any()
    expected = 100.0 * (0.1 + 2e-3 / 400 / 1e-4 + 0.5e-6 / 400 / 1e-4)
    for ambient_c in (0.0, 300.0):
        (point,) = hottest_points(stack, np.array([[100.0]]), ambient_c)
        assert point.rise_k == approx(expected)


def test_beyond_the_measured_range_is_a_violation() -> None:
    die = Die(name="hot", area_m2=1e-4, dynamic_power_w=1500.0, throughput_ops_per_s=1.0)
    chosen = PackageParameters(arrangement="monolithic", chiplets=1, tiles=1)
    result = evaluate_described(System(name="s", dies=(die,), package=chosen))
    over = result.metrics.mean_temperature_c + 273.15 - 600
    assert over > 0
    assert result.metrics.violations["conductivity_table_k"] == approx(over)
    assert any("conductivity of silicon" in line for line in result.complaints)


def test_one_curve_per_stack() -> None:
    other = dataclasses.replace(
        SILICON, softening=Softening(constant=1.0, linear_per_k=0.0, quadratic_per_k2=0.0)
    )
    layers = (*slab().layers, dataclasses.replace(slab().layers[1], name="other", material=other))
    with pytest.raises(DesignError, match="different softening"):
        refined(dataclasses.replace(slab(), layers=layers), unfolded(1))
