"""Folding a symmetric package changes no temperature; what is not symmetric is not folded."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from chipdse.system.arrays.geometry import DieOutline, Geometry, layers_of
from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.mesh import folded, halved, multiplicity
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Layer, Material, Rectangle, Stack, centred
from chipdse.system.thermal.symmetry import fold_of
from chipdse.system.thermal.transient import step_response
from chipdse.technology.constants import Sources


def package(
    arrangement: str,
    kinds: tuple[int, ...],
    area_m2: float = 50e-6,
    cooling: str = "heatsink_forced_air",
):
    return Geometry(
        arrangement=arrangement,
        dies=tuple(
            DieOutline(name=f"die {i}", area_m2=area_m2 * (1 + 0.3 * kind), kind=kind)
            for i, kind in enumerate(kinds)
        ),
        cooling=cooling,
        interface_material="grease",
        spreader_material="copper",
        die_material="silicon",
        die_thickness_m=15e-5,
        spreader_side_m=0.03,
        sink_side_m=0.06,
    )


def both(geometry, cells):
    """The operator as it is, the folded one, and the fold."""
    stack = layers_of(geometry, Sources())
    fold = fold_of(stack, tuple(die.kind for die in geometry.dies))
    return solve(assemble(stack, cells)), solve(assemble(stack, cells, fold=fold)), fold


MIRRORS = {  # x, y, diagonal; the dies that stand for all
    ("monolithic", (0,)): ((True, True, True), (0,)),
    ("organic", (0, 0)): ((True, True, False), (0,)),
    ("organic", (0, 1)): ((False, True, False), (0, 1)),
    ("organic", (0, 0, 0)): ((True, False, False), (0, 2)),
    ("organic", (0, 0, 0, 1)): ((False, False, False), (0, 1, 2, 3)),
    ("silicon_interposer", (0, 0, 0, 0)): ((True, True, True), (0,)),
    ("organic", (0,) * 6): ((True, True, False), (0, 1)),
    ("organic", (0,) * 9): ((True, True, True), (0, 1, 4)),
    ("stack_hybrid", (0, 1)): ((True, True, True), (0, 1)),
}


@pytest.mark.parametrize("arrangement,kinds", MIRRORS)
def test_mirrors_are_found(arrangement: str, kinds: tuple[int, ...]) -> None:
    stack = layers_of(package(arrangement, kinds), Sources())
    fold = fold_of(stack, kinds)
    assert ((fold.x, fold.y, fold.diagonal), fold.sources) == MIRRORS[arrangement, kinds]
    assert sum(fold.copies) == len(kinds)


@settings(max_examples=12)
@given(
    st.sampled_from(sorted(MIRRORS)),
    st.floats(1e-6, 4e-4),
    st.integers(5, 9),
    st.sampled_from(["heatsink_forced_air", "cold_plate"]),
    st.lists(st.floats(0.1, 50), min_size=2, max_size=2),
)
def test_temperatures_are_those_of_the_whole_package(
    chosen, area_m2: float, cells: int, cooling: str, watts
) -> None:
    whole, fewer, fold = both(package(*chosen, area_m2, cooling), cells)
    power = np.array([watts[kind] for kind in chosen[1]])
    each = power[list(fold.sources)]
    assert fewer.sources == tuple(whole.sources[i] for i in fold.sources)
    assert fewer.rise(each) == approx(whole.rise(power)[list(fold.sources)], rel=1e-10)
    assert fewer.peak_rise(each) == approx(whole.peak_rise(power)[list(fold.sources)], rel=1e-10)
    assert fewer.heat_out(each) == approx(whole.heat_out(power), rel=1e-9)


def test_transients_of_a_folded_stack_are_the_same() -> None:
    stack = layers_of(package("organic", (0, 0)), Sources())
    copper = Material(name="c", conductivity_w_per_mk=400.0, heat_capacity_j_per_m3k=3.5e6)
    stack = dataclasses.replace(
        stack,
        layers=tuple(dataclasses.replace(la, material=copper, regions=()) for la in stack.layers),
    )
    fold = fold_of(stack, (0, 0))
    whole = step_response(assemble(stack, 8), np.full((3, 2), 5.0), 1.0)
    fewer = step_response(assemble(stack, 8, fold=fold), np.full((3, 1), 5.0), 1.0)
    assert fewer == approx(whole[:, :1], rel=1e-10)


def slab(regions=(), material=None):
    copper = Material(name="copper", conductivity_w_per_mk=400.0)
    layer = Layer(
        name="slab",
        thickness_m=1e-3,
        outline=centred("slab", 0.01, 0.01),
        material=material or copper,
        regions=tuple(regions),
        sources=(centred("heat", 0.002, 0.002),),
    )
    return Stack(layers=(layer,), cooler_resistance_k_per_w=1.0)


def test_what_lies_aside_is_not_folded() -> None:
    aside = Rectangle(name="r", left_m=0.001, bottom_m=-0.001, width_m=0.003, height_m=0.002)
    silicon = Material(name="silicon", conductivity_w_per_mk=130.0)
    fold = fold_of(slab([(aside, silicon)]), (0,))
    assert (fold.x, fold.y, fold.diagonal) == (False, True, False)
    oxide = Material(name="oxide", conductivity_w_per_mk=1.4)
    # Which of two covers the other is not looked into.
    fold = fold_of(slab([(centred("a", 0.003, 0.003), oxide), (aside, silicon)]), (0,))
    assert not (fold.x or fold.y or fold.diagonal)


def test_a_material_with_a_grain_has_no_diagonal() -> None:
    grained = Material(name="grained", conductivity_w_per_mk=20.0, lateral_y_w_per_mk=5.0)
    fold = fold_of(slab(material=grained), (0,))
    assert (fold.x, fold.y, fold.diagonal) == (True, True, False)


@given(st.integers(1, 9))
def test_halves_by_hand(cells: int) -> None:
    lines = np.linspace(-1.0, 1.0, cells + 1)
    assert multiplicity(lines, True).sum() == cells
    assert len(halved(lines, True)) - 1 == len(multiplicity(lines, True)) == (cells + 1) // 2
    assert folded(np.arange(cells, dtype=float), True).sum() == sum(range(cells))


def test_a_middle_cell_is_its_own_image() -> None:
    assert folded(np.array([1.0, 2, 3, 4, 5]), True).tolist() == [6, 6, 3]
    assert folded(np.array([1.0, 2, 3, 4]), True).tolist() == [5, 5]
