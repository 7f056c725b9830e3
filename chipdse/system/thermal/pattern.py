"""Sparse matrices of neighbours: where their entries lie, and what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipdse.arrays import Floats, Int64s

if TYPE_CHECKING:
    import scipy.sparse as sp


@dataclass(frozen=True, kw_only=True, eq=False)
class Pattern:
    """Where the entries of a symmetric matrix of neighbours lie, for several matrices of values.

    ends : pairs of neighbours; a pair may come several times, then its values are summed
    order : of all values by column and row
    first : of them, the first of each entry
    indices, starts : as of `scipy.sparse.csc_matrix`
    """

    ends: tuple[Int64s, Int64s]
    order: Int64s
    first: Int64s
    indices: Int64s
    starts: Int64s
    count: int

    @staticmethod
    def of(ends: tuple[Int64s, Int64s], count: int) -> Pattern:
        """Of pairs among some cells, and every cell by itself."""
        first, second = ends
        cells = np.arange(count)
        rows = np.concatenate([first, second, cells])
        columns = np.concatenate([second, first, cells])
        keys = columns * count + rows
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        starts_entry = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        entries = keys[starts_entry]
        return Pattern(
            ends=ends,
            order=order,
            first=starts_entry,
            indices=entries % count,
            starts=np.searchsorted(entries, np.arange(count + 1) * count),
            count=count,
        )

    def matrix(self, joint: Floats, to_air: Floats) -> sp.csc_matrix[np.float64]:
        """Conductances between cells, and of each to the air."""
        import scipy.sparse as sp  # a third of a second to load

        both = np.concatenate([joint, joint])
        through = np.bincount(np.concatenate(self.ends), both, self.count)
        values = np.concatenate([-both, to_air + through])[self.order]
        data = np.add.reduceat(values, self.first)
        indices, starts = self.indices.astype(np.int32), self.starts.astype(np.int32)
        return sp.csc_matrix((data, indices, starts), shape=(self.count, self.count))
