"""Sets of input states as products of literals: how a replay tests in which lanes a delay holds."""

from __future__ import annotations

import functools

from chipdse.netlist.library.logic import And, Constant, Expression, Not, Or, Variable, Xor

INVERT, BOTH, EITHER, DIFFER, ZERO, ONE = 32, 33, 34, 35, 36, 37
Cube = tuple[int, int]  # inputs that matter, as bits, and the values they must have


@functools.lru_cache(maxsize=65536)
def cover(wanted: int, allowed: int, inputs: int) -> tuple[Cube, ...]:
    """Cubes whose union holds all wanted states and none outside the allowed ones.

    Parameters
    ----------
    wanted, allowed : truth tables as bits, bit i for the state in which input j is bit j of i
    inputs : how many
    """
    everything = (1 << inputs) - 1
    cubes: list[Cube] = []
    left = wanted
    while left:
        state = (left & -left).bit_length() - 1
        care = everything
        for position in range(inputs):
            wider = care & ~(1 << position)
            if not _states(wider, state & wider, inputs) & ~allowed:
                care = wider
        cubes.append((care, state & care))
        left &= ~_states(care, state & care, inputs)
    return tuple(cubes)


@functools.lru_cache(maxsize=65536)
def _states(care: int, value: int, inputs: int) -> int:
    """The states of a cube as bits of a truth table."""
    table = 0
    for state in range(1 << inputs):
        if state & care == value:
            table |= 1 << state
    return table


def postfix(expression: Expression, names: tuple[str, ...]) -> bytes:
    """An expression as a stack machine's code: input numbers and operators."""
    match expression:
        case Variable(name):
            return bytes([names.index(name)])
        case Constant(value):
            return bytes([ONE if value else ZERO])
        case Not(operand):
            return postfix(operand, names) + bytes([INVERT])
        case And(operands) | Or(operands) | Xor(operands):
            code = {And: BOTH, Or: EITHER, Xor: DIFFER}[type(expression)]
            first, *rest = (postfix(operand, names) for operand in operands)
            return first + b"".join(operand_code + bytes([code]) for operand_code in rest)
