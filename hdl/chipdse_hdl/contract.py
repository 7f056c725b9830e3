"""What a block guarantees to a mapper: cycles, operand reads and result writes of one tile.

A mapper cuts the layers of a network into tiles. Blocks without a contract carry no network.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ArrayContract:
    """Contract of an array whose sums stay in place: one tile is one matrix product C = A @ B.

    A tile has at most `rows` x `columns` results and any depth K. Step k reads one operand of A for
    each row in use and one of B for each column in use; each result is written once. Tiles start
    every ``max(K + extra_cycles, least_cycles)`` cycles. Result (i, j) can be read
    ``result_cycles + i * row_cycles + j * column_cycles`` cycles after the last step is accepted.

    Fields
    ------
    rows, columns : results of a full tile
    operand_bits, result_bits : width of an operand, and of a result as it leaves
    exact_depth : the largest depth at which no sum can wrap, whatever the operands
    signed : two's complement operands and results
    """

    rows: int
    columns: int
    operand_bits: int
    result_bits: int
    extra_cycles: int
    least_cycles: int
    result_cycles: int
    row_cycles: int
    column_cycles: int
    exact_depth: int
    signed: bool = True

    @property
    def operand_range(self) -> tuple[int, int]:
        """The smallest and the largest operand."""
        return _range(self.operand_bits, self.signed)

    @property
    def result_range(self) -> tuple[int, int]:
        """The smallest and the largest result."""
        return _range(self.result_bits, self.signed)

    def interval_cycles(self, depth: int) -> int:
        """Cycles from the start of one tile to the earliest start of the next."""
        return max(depth + self.extra_cycles, self.least_cycles)


def _range(bits: int, signed: bool) -> tuple[int, int]:
    lowest = -(2 ** (bits - 1)) if signed else 0
    return lowest, lowest + 2**bits - 1
