"""Matrices of neighbours are the sums of their entries, and what is kept of a geometry is small."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from chipdse.system.arrays.geometry import DieOutline, Geometry
from chipdse.system.arrays.temperature import operator_of
from chipdse.system.thermal.pattern import Pattern


@pytest.mark.slow
@given(pairs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30))
def test_a_pattern_is_the_matrix_of_its_entries(pairs: list[tuple[int, int]]) -> None:
    pairs = [(a, b) for a, b in pairs if a != b] or [(0, 1)]
    first, second = np.array(pairs).T
    joint = np.sqrt(np.arange(1.0, len(pairs) + 1))
    to_air = np.linspace(0.1, 0.7, 7)
    matrix = Pattern.of((first, second), 7).matrix(joint, to_air)
    dense = np.zeros((7, 7))
    for (a, b), value in zip(pairs, joint, strict=True):
        dense[a, b] -= value
        dense[b, a] -= value
    through = np.bincount(
        np.concatenate([first, second]), np.concatenate([joint, joint]), minlength=7
    )
    dense[np.arange(7), np.arange(7)] += to_air + through
    assert matrix.toarray() == pytest.approx(dense, rel=1e-13)
    assert matrix.has_canonical_format and sp.issparse(matrix)


def test_a_geometry_keeps_kilobytes() -> None:
    geometry = Geometry(
        arrangement="monolithic",
        dies=(DieOutline(name="die", area_m2=2e-5),),
        cooling="heatsink_forced_air",
        interface_material="grease",
        spreader_material="copper",
        die_material="silicon",
        die_thickness_m=150e-6,
        spreader_side_m=0.03,
        sink_side_m=0.06,
    )
    operator, _ = operator_of(geometry)
    assert len(pickle.dumps(operator)) < 5000  # with its meshes and matrices 115,000
    most = operator_of.cache_parameters()["maxsize"]
    assert most is not None and most >= 50_000  # areas of dies in a composed search
