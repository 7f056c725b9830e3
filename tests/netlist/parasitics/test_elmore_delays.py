"""Elmore delays: by hand, and against the dense solution of random networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.arrays import Floats, Int64s
from chipdse.netlist.parasitics.elmore import elmore_delays_s


def delays(root: list[int], resistors: list[tuple[int, int, float]], node_f: list[float]) -> Floats:
    start, end, ohm = (np.array(column) for column in zip(*resistors, strict=True))
    ends: tuple[Int64s, Int64s] = (start.astype(np.int64), end.astype(np.int64))
    return elmore_delays_s(
        np.array(root, dtype=np.int64), *ends, ohm.astype(np.float64), np.array(node_f)
    )


def test_delays_of_a_ladder_are_those_by_hand() -> None:
    # R1 (C1 + C2) = 1 * 5; then + R2 C2 = 2 * 3.
    assert delays([0], [(0, 1, 1.0), (2, 1, 2.0)], [7.0, 2.0, 3.0]) == pytest.approx([0, 5, 11])


def test_parallel_resistors_are_one() -> None:
    # 3 parallel to 6 is 2.
    assert delays([0], [(0, 1, 3.0), (1, 0, 6.0)], [0.0, 4.0]) == pytest.approx([0, 8])


def test_a_short_joins_nodes() -> None:
    found = delays([0], [(0, 1, 0.0), (1, 2, 5.0), (2, 3, 0.0)], [1.0, 1.0, 2.0, 3.0])
    assert found == pytest.approx([0, 0, 25, 25])


def test_a_loop_by_hand() -> None:
    # A triangle of 1 ohm each, 1 F at both far nodes: by symmetry no current flows between them.
    assert delays([0], [(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)], [0.0, 1.0, 1.0]) == pytest.approx(
        [0, 1, 1]
    )
    # With 1 F at node 1 only: seen from it 1 ohm parallel to 2 ohm; node 2 has half its voltage.
    assert delays([0], [(0, 1, 1.0), (1, 2, 1.0), (2, 0, 1.0)], [0.0, 1.0, 0.0]) == pytest.approx(
        [0, 2 / 3, 1 / 3]
    )


def test_what_no_resistor_reaches_has_no_delay() -> None:
    found = delays([0], [(0, 1, 1.0), (2, 3, 1.0)], [1.0, 1.0, 1.0, 1.0])
    assert found[:2] == pytest.approx([0, 1]) and np.isnan(found[2:]).all()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12), st.integers(0, 6), st.integers(0, 1 << 30))
def test_random_networks_solve_their_equations(nodes: int, loops: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    start = np.concatenate([np.arange(1, nodes), random.integers(0, nodes, loops)])
    end = np.concatenate([[random.integers(0, k) for k in range(1, nodes)],
                          random.integers(0, nodes, loops)])  # fmt: skip
    ohm, node_f = random.uniform(1, 100, len(start)), random.uniform(0, 1, nodes)
    found = elmore_delays_s(np.array([0]), start, end.astype(np.int64), ohm, node_f)
    matrix = np.zeros((nodes, nodes))
    for a, b, r in zip(start, end, ohm, strict=True):
        if a != b:
            matrix[[a, b], [a, b]] += 1 / r
            matrix[[a, b], [b, a]] -= 1 / r
    expected = np.linalg.solve(matrix[1:, 1:], node_f[1:])
    assert found[1:] == pytest.approx(expected) and found[0] == 0
