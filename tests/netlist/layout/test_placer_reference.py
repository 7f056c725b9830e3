"""The placer: against placements of a full flow, and what must hold for any."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.annealing import full_core_row
from benchmarks.placer import shuffled
from chipdse.errors import DesignError, InfeasibleError
from chipdse.netlist.layout.placer.arrays import Charges, Pins
from chipdse.netlist.layout.placer.compiled import placer_kernel
from chipdse.netlist.layout.placer.gradient import Density, WireLength
from chipdse.netlist.layout.placer.place import FEW_CELLS, OVERFLOW, place
from chipdse.netlist.layout.placer.problem import PlacementProblem, read_problem
from tests.support.fuzzing.examples import examples

UM = 1e-6


def chain(cells: int, *, utilisation: float = 0.5, side_um: float = 2.0) -> PlacementProblem:
    """Cells in a row, each wired to the next, a port at both ends."""
    nets = np.repeat(np.arange(cells + 1), 2)
    nodes = np.stack([np.r_[cells, 0:cells], np.r_[0:cells, cells + 1]], axis=1).ravel()
    area = np.full(cells, (side_um * UM) ** 2)
    side = float(np.sqrt(area.sum() / utilisation))
    return PlacementProblem(
        pin_net=nets.astype(np.int32),
        pin_node=nodes.astype(np.int32),
        cell_area_m2=area,
        port_count=2,
        core_width_m=side,
        core_height_m=side,
        target_density=min(1.0, 1.1 * utilisation),
    )


@pytest.mark.few_cases(1)
@pytest.mark.slow
@pytest.mark.parametrize("name", ["gcd", "medium01", "aes"])
def test_wire_length_is_that_of_a_full_placer(shared: Path, name: str) -> None:
    """Half-perimeter length within 5 % of OpenROAD's own placement of the same netlist."""
    folder = shared / "reference" / "wires"
    problem, reference_m = read_problem(folder / f"{name}_nangate45.npz")
    placed = place(problem)
    assert placed.overflow < OVERFLOW
    assert placed.wire_length_m == pytest.approx(reference_m, rel=0.05)


@pytest.mark.slow
def test_full_core_is_as_short_as_annealing_makes_it() -> None:
    """Legalised and with cells exchanged; the global positions themselves overlap."""
    row = full_core_row(144)
    assert row["legal_exchanged"] == pytest.approx(1.0, abs=0.05)
    assert row["global"] < row["legal_exchanged"] <= row["legal"]


@pytest.mark.few_cases(2)
@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3, 5, 7])
def test_numbering_hardly_matters(shared: Path, seed: int) -> None:
    """The same design with cells, ports and nets numbered at random, and across for along."""
    file = shared / "reference" / "wires" / "gcd_nangate45.npz"
    problem, reference_m = read_problem(file)
    placed = place(shuffled(problem, seed))
    assert placed.overflow < OVERFLOW
    assert placed.wire_length_m == pytest.approx(reference_m, rel=0.04)


@pytest.mark.slow
@pytest.mark.parametrize(("cells", "hub"), [(600, 0), (50, 50), (600, 600)])
def test_cells_on_one_spot_come_apart(cells: int, hub: int) -> None:
    """All nets lead to one cell, or to one port: least wire is a heap, from which none moves."""
    area = np.full(cells, 4 * UM**2)
    edge = float(np.sqrt(area.sum() / 0.6))
    problem = PlacementProblem(
        pin_net=np.repeat(np.arange(cells), 2).astype(np.int32),
        pin_node=np.stack([np.arange(cells), np.full(cells, hub)], axis=1).ravel().astype(np.int32),
        cell_area_m2=area,
        port_count=1,
        core_width_m=edge,
        core_height_m=edge,
        target_density=0.7,
    )
    assert place(problem).overflow < OVERFLOW


@pytest.mark.slow
def test_compiled_and_numpy_place_alike() -> None:
    if placer_kernel() is None:
        pytest.skip("no C compiler")
    problem = chain(300)
    fast, plain = place(problem, compiled=True), place(problem, compiled=False)
    assert np.array_equal(fast.x_m, plain.x_m) and np.array_equal(fast.y_m, plain.y_m)


def test_same_seed_same_placement() -> None:
    problem = chain(100)
    assert np.array_equal(place(problem, seed=3).x_m, place(problem, seed=3).x_m)
    assert not np.array_equal(place(problem, seed=3).x_m, place(problem, seed=4).x_m)


def test_cells_lie_in_the_core_and_ports_on_its_border() -> None:
    problem = chain(200)
    placed = place(problem)
    x, y = placed.x_m, placed.y_m
    assert x[:200].min() >= 0 and x[:200].max() <= problem.core_width_m
    assert y[:200].min() >= 0 and y[:200].max() <= problem.core_height_m
    edge = np.minimum.reduce(
        [x[200:], y[200:], problem.core_width_m - x[200:], problem.core_height_m - y[200:]]
    )
    assert np.abs(edge).max() < 1e-9


@pytest.mark.slow
def test_more_utilisation_shortens_wires() -> None:
    lengths = [place(chain(400, utilisation=u)).wire_length_m for u in (0.2, 0.45, 0.8)]
    assert lengths[0] > lengths[1] > lengths[2]


pins = st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=6), min_size=1, max_size=8)


def _pins(nets: list[list[int]]) -> Pins:
    counts = [len(net) for net in nets]
    return Pins(
        net=np.repeat(np.arange(len(nets)), counts).astype(np.int32),
        node=np.concatenate(nets).astype(np.int32),
    )


@given(pins, st.floats(-100, 100), st.randoms(use_true_random=False))
@examples(30)
def test_length_does_not_change_when_everything_moves(nets, shift: float, random) -> None:
    at = np.array([random.uniform(0, 50) for _ in range(10)])
    own = _pins(nets)
    assert own.spans(at + shift).sum() == pytest.approx(own.spans(at).sum(), abs=1e-9)
    # and so the pulls of the smooth length add up to nothing
    assert WireLength(own, 10, None).gradient(at, 2.0).sum() == pytest.approx(0, abs=1e-9)


def test_smooth_length_of_two_pins_by_hand() -> None:
    # Pins at 0 and d: the extent is d (1 - e^(-d/g)) / (1 + e^(-d/g)) = d tanh(d / 2g), whose
    # derivative is tanh(q) + q / cosh(q)^2 with q = d / 2g.
    d, g = 3.0, 2.0
    q = d / (2 * g)
    pull = WireLength(_pins([[0, 1]]), 2, None).gradient(np.array([0.0, d]), g)
    by_hand = np.tanh(q) + q / np.cosh(q) ** 2
    assert pull == pytest.approx([-by_hand, by_hand])


def test_density_force_is_the_slope_of_its_energy() -> None:
    """Numerical derivative of half the sum of density times potential."""
    rng = np.random.default_rng(1)
    n = 12
    charges = Charges(
        node=np.arange(n, dtype=np.int32),
        offset_x=np.zeros(n),
        offset_y=np.zeros(n),
        area=rng.uniform(0.2, 1, n),
    )
    field = Density(charges, n, (12, 10), 0.9, None)
    x, y = rng.uniform(2, 10, n), rng.uniform(2, 8, n)

    def energy(x, y):
        grid = field.spread(x, y)
        return 0.5 * float((grid * field.potential(grid)).sum())

    gx, gy = field.gradient(x, y, field.potential(field.spread(x, y)))
    for i in range(n):
        step = np.zeros(n)
        step[i] = 1e-5
        along_x = (energy(x + step, y) - energy(x - step, y)) / 2e-5
        along_y = (energy(x, y + step) - energy(x, y - step)) / 2e-5
        assert gx[i] == pytest.approx(along_x, rel=1e-4, abs=1e-7)
        assert gy[i] == pytest.approx(along_y, rel=1e-4, abs=1e-7)


@pytest.mark.slow
@given(st.integers(1, 25), st.integers(0, 3), st.floats(0.1, 0.9), st.integers(0, 2**32 - 1))
@examples(15)
def test_small_and_odd_designs_are_placed(
    cells: int, ports: int, utilisation: float, seed: int
) -> None:
    """One cell, no port, cells far larger than a bin, nets of one pin: none is special."""
    rng = np.random.default_rng(seed)
    area = rng.uniform(1, 40, cells) * UM**2
    nodes = rng.integers(0, cells + ports, 3 * cells)
    side = float(np.sqrt(area.sum() / utilisation))
    problem = PlacementProblem(
        pin_net=np.sort(rng.integers(0, cells, 3 * cells)).astype(np.int32),
        pin_node=nodes.astype(np.int32),
        cell_area_m2=area,
        port_count=ports,
        core_width_m=side,
        core_height_m=side,
        target_density=min(1.0, 1.1 * utilisation),
    )
    placed = place(problem)
    assert np.isfinite(placed.x_m).all() and np.isfinite(placed.y_m).all()
    assert placed.overflow < OVERFLOW or cells <= FEW_CELLS


def test_cells_without_wires_spread_too() -> None:
    problem = dataclasses.replace(
        chain(60), pin_net=np.zeros(0, np.int32), pin_node=np.zeros(0, np.int32)
    )
    placed = place(problem)
    assert placed.wire_length_m == 0 and placed.overflow < OVERFLOW


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": 9}, "10 areas of 9 cells"),
        ({"cells": np.array([10, 10])}, "no placement problem"),
        ({"pin_net": np.zeros((22, 1), np.int32)}, "one net and one node for each pin"),
        ({"target_density": None}, "'target_density is not a file in the archive'"),
    ],
)
def test_files_that_hold_no_problem(tmp_path: Path, change, message: str) -> None:
    problem = chain(10)
    held = {
        "cells": 10,
        "ports": 2,
        "pin_net": problem.pin_net,
        "pin_node": problem.pin_node,
        "cell_area_um2": problem.cell_area_m2 / UM**2,
        "core_width_um": problem.core_width_m / UM,
        "core_height_um": problem.core_height_m / UM,
        "target_density": problem.target_density,
    }
    file = tmp_path / "problem.npz"
    np.savez(file, **held)
    assert read_problem(file)[0].utilisation == pytest.approx(problem.utilisation)
    np.savez(file, **{k: v for k, v in (held | change).items() if v is not None})
    with pytest.raises(DesignError, match=message):
        read_problem(file)


def test_problems_that_cannot_be_placed_are_refused() -> None:
    problem = chain(10)
    with pytest.raises(InfeasibleError, match="enlarge the core"):
        dataclasses.replace(problem, core_width_m=problem.core_width_m / 3)
    with pytest.raises(DesignError, match="sorted by net"):
        dataclasses.replace(problem, pin_net=problem.pin_net[::-1].copy())
    with pytest.raises(DesignError, match="outside the 12 cells and ports"):
        dataclasses.replace(problem, pin_node=problem.pin_node + 5)
    with pytest.raises(DesignError, match="target_density"):
        dataclasses.replace(problem, target_density=1.5)
