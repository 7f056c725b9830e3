"""A placement that starts from clusters: as good as one that starts from cells, and the same on
every machine."""

import dataclasses

import numpy as np
import pytest

from benchmarks.placer import random_problem
from chipdse.netlist.layout.placer.arrays import wired_pins
from chipdse.netlist.layout.placer.clusters import CELLS_A_CLUSTER, clusters_of
from chipdse.netlist.layout.placer.compiled import placer_kernel
from chipdse.netlist.layout.placer.gradient import WireLength
from chipdse.netlist.layout.placer.place import LEAST_CLUSTERED_CELLS, OVERFLOW, place

CELLS = 2 * LEAST_CLUSTERED_CELLS


def test_clusters_are_even_and_keep_cells_ports_and_wires() -> None:
    problem = random_problem(CELLS)
    clusters = clusters_of(problem)
    area, of = clusters.problem.cell_area_m2, clusters.cluster_of
    assert np.bincount(of, problem.cell_area_m2) == pytest.approx(area)
    assert len(area) < 2 * CELLS / CELLS_A_CLUSTER
    assert area.max() < 4 * CELLS_A_CLUSTER * problem.cell_area_m2.mean()
    assert clusters.problem.port_count == problem.port_count
    assert clusters.problem.utilisation == pytest.approx(problem.utilisation)
    # A net is left out only if all of its pins are in one cluster.
    node = np.where(problem.pin_node < CELLS, 0, problem.pin_node - CELLS + len(area))
    inside = problem.pin_node < CELLS
    node[inside] = of[problem.pin_node[inside]]
    pairs = set(zip(problem.pin_net.tolist(), node.tolist(), strict=True))
    count = np.bincount([net for net, _ in pairs])
    expected = sorted(pair for pair in pairs if count[pair[0]] > 1)
    pins = zip(clusters.problem.pin_net.tolist(), clusters.problem.pin_node.tolist(), strict=True)
    assert list(pins) == expected


def test_a_chain_of_equal_cells_pairs_up() -> None:
    """All scores are equal there, and cells that all prefer the next one would pair with none."""
    problem = random_problem(CELLS)
    nets = np.repeat(np.arange(CELLS - 1), 2).astype(np.int32)
    nodes = (np.arange(2 * CELLS - 2) + 1) // 2
    chain = dataclasses.replace(
        problem,
        pin_net=nets,
        pin_node=nodes.astype(np.int32),
        cell_area_m2=np.full(CELLS, float(problem.cell_area_m2.mean())),
    )
    assert len(clusters_of(chain).problem.cell_area_m2) < 2 * CELLS / CELLS_A_CLUSTER


@pytest.mark.slow
def test_wires_are_as_short_as_from_a_start_of_cells() -> None:
    problem = random_problem(CELLS)
    flat, clustered = place(problem), place(problem, clustered=True)
    assert clustered.overflow < OVERFLOW
    assert clustered.steps < flat.steps / 2
    assert clustered.wire_length_m == pytest.approx(flat.wire_length_m, rel=0.03)


@pytest.mark.slow
def test_a_small_design_starts_from_its_cells() -> None:
    problem = random_problem(LEAST_CLUSTERED_CELLS // 10)
    assert np.array_equal(place(problem, clustered=True).x_m, place(problem).x_m)


@pytest.mark.slow
def test_a_core_without_room_for_fillers_is_placed() -> None:
    problem = random_problem(CELLS)
    full = dataclasses.replace(problem, target_density=problem.utilisation)
    assert place(full, clustered=True).overflow < OVERFLOW


@pytest.mark.slow
def test_compiled_and_numpy_place_alike() -> None:
    if placer_kernel() is None:
        pytest.skip("no C compiler")
    problem = random_problem(LEAST_CLUSTERED_CELLS)
    compiled, plain = (place(problem, clustered=True, compiled=kind) for kind in (True, False))
    assert np.array_equal(compiled.x_m, plain.x_m) and np.array_equal(compiled.y_m, plain.y_m)


@pytest.mark.parametrize("gamma", [0.01, 3.0])
def test_compiled_pulls_and_spans_are_those_of_numpy(gamma: float) -> None:
    kernel = placer_kernel()
    if kernel is None:
        pytest.skip("no C compiler")
    problem = random_problem(500)
    _, pins = wired_pins(problem.pin_net, problem.pin_node)
    at = np.random.default_rng(5).uniform(0, 30, problem.nodes)
    at[::7] = 4.0  # several pins of a net on one spot
    compiled, plain = (WireLength(pins, problem.nodes, kind) for kind in (kernel, None))
    assert np.array_equal(compiled.gradient(at, gamma), plain.gradient(at, gamma))
    assert np.array_equal(compiled.spans(at), plain.spans(at))
