"""Writes the C of the compiled replay's operations: a function for each kind.

The loop around them is `chipdse/kernels/replay.c`; what both share, `chipdse/kernels/lanes.h`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence

from chipdse.kernels.build import c_text, text_key
from chipdse.netlist.activity.replay.counts import input_sets
from chipdse.netlist.activity.replay.plan import Operation
from chipdse.netlist.library.logic import And, Constant, Expression, Not, Or, Variable, Xor

_HEADER = "lanes.h"


@functools.lru_cache(maxsize=4096)
def function_name(operation: Operation) -> str:
    """A unique C name: a hash of the function's C code and of the header before it."""
    return "f" + text_key(c_text(_HEADER) + _source(operation, "f"))


def functions_text(operations: Iterable[Operation]) -> str:
    """The C of some operations, complete: a library of their functions."""
    return c_text(_HEADER) + "".join(map(function_source, operations))


def function_source(operation: Operation) -> str:
    """C of one kind of operation: evaluate, store, count changes and ones, count input sets."""
    return _source(operation, function_name(operation))


def _source(operation: Operation, name: str) -> str:
    masks = input_sets(operation.inputs) if operation.joint else ()
    pairs = [masks[i : i + 2] for i in range(0, len(masks), 2)]
    computes = operation.expression is not None
    step = [*_evaluated(operation.expression), *_input_sets(masks, pairs)]
    # A function may ignore inputs, and a compiler warns of values that nothing reads.
    read = sorted({int(number) for number in re.findall(r"\bi(\d+)\b", " ".join(step))})
    used = dict.fromkeys(("values", "stride", "at"), computes or bool(read))
    used |= {"reads": bool(read), "first": computes, "sets": bool(pairs)}
    advance = f"c++, reads += {operation.inputs}" if read else "c++"
    lines = [
        f"/* {operation.text} */",
        f"void {name}(v8 *restrict values, int64_t stride, int64_t at, "
        "int64_t steps, int64_t count,",
        "    const int32_t *restrict reads, int64_t first, uint64_t *restrict counters, "
        "uint64_t *restrict sets)",
        "{",
        *(f"    (void){parameter};" for parameter, is_used in used.items() if not is_used),
        f"    for (int64_t c = 0; c < count; {advance}) {{",
        *(f"        const v8 *r{i} = values + reads[{i}] * stride + at;" for i in read),
    ]
    if computes:
        lines += [
            "        v8 *y = values + (first + c) * stride;",
            "        v8 old = y[stride - 1], total = {0};",
            "        y += at;",
        ]
    lines += [f"        v8 t{i} = {{0}};" for i in range(len(pairs))]
    lines.append("        for (int64_t s = 0; s < steps; s++) {")
    lines += [f"            v8 i{i} = r{i}[s];" for i in read]
    lines += [*step, "        }", "        if (counters) {"]
    if computes:
        lines.append("            counters[first + c] += sum(total);")
    for number, pair in enumerate(pairs):
        lines.append(f"            uint64_t s{number} = sum(t{number});")
        at = f"sets[c * {len(masks)} + {2 * number}"
        lines.append(f"            {at}] += s{number} & 0xFFFFFFFFull;")
        if len(pair) == 2:
            lines.append(f"            {at} + 1] += s{number} >> 32;")
    return "\n".join([*lines, "        }", "    }", "}", ""])


def _evaluated(expression: Expression | None) -> list[str]:
    """The statements that compute a step's value and count its changes and ones."""
    if expression is None:
        return []
    return [
        f"            v8 x = {_c(expression)};",
        "            y[s] = x;",
        "            total += ones_in(x ^ old) + (ones_in(x) << 32);",
        "            old = x;",
    ]


def _input_sets(masks: Sequence[int], pairs: Sequence[Sequence[int]]) -> list[str]:
    """The statements that count in a step how often all inputs of a set are 1."""
    lines = []
    for mask in masks:
        low = mask & -mask
        rest = mask ^ low
        operand = f"m{rest}" if rest & (rest - 1) else f"i{rest.bit_length() - 1}"
        lines.append(f"            v8 m{mask} = i{low.bit_length() - 1} & {operand};")
    for number, pair in enumerate(pairs):
        high = f" + (ones_in(m{pair[1]}) << 32)" if len(pair) == 2 else ""
        lines.append(f"            t{number} += ones_in(m{pair[0]}){high};")
    return lines


def _c(expression: Expression) -> str:
    match expression:
        case Variable(name):
            return name
        case Constant(value):
            return "~(v8){0}" if value else "(v8){0}"
        case Not(operand):
            return f"~{_c(operand)}"
        case And(operands):
            return "(" + " & ".join(map(_c, operands)) + ")"
        case Or(operands):
            return "(" + " | ".join(map(_c, operands)) + ")"
        case Xor(operands):
            return "(" + " ^ ".join(map(_c, operands)) + ")"
