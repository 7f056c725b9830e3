"""Writes the C of the operations of runs: a function per kind that computes and counts nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chipdse.kernels.build import c_text
from chipdse.netlist.activity.replay.c_functions import _c as c_expression
from chipdse.netlist.activity.replay.plan import Operation

_HEADER = "lanes.h"


def function_name(number: int) -> str:
    """The C name of the function of an operation, by its place among the operations."""
    return f"operation_{number}"


def functions_text(operations: Sequence[Operation]) -> str:
    """The C of some operations, complete: a library of their functions."""
    parts = [_source(operation, function_name(n)) for n, operation in enumerate(operations)]
    return c_text(_HEADER) + "".join(parts)


def _source(operation: Operation, name: str) -> str:
    """C of one kind of operation, over `steps` independent words of lanes."""
    assert operation.expression is not None
    formula = c_expression(operation.expression)
    read = sorted({int(number) for number in re.findall(r"\bi(\d+)\b", formula)})
    unused = ["counters", "sets", "at", *([] if read else ["reads"])]
    advance = f"c++, reads += {operation.inputs}" if read else "c++"
    lines = [
        f"/* {operation.text} */",
        f"void {name}(v8 *restrict values, int64_t stride, int64_t at, int64_t steps,",
        "    int64_t count, const int32_t *restrict reads, int64_t first,",
        "    uint64_t *restrict counters, uint64_t *restrict sets)",
        "{",
        *(f"    (void){parameter};" for parameter in unused),
        f"    for (int64_t c = 0; c < count; {advance}) {{",
        *(f"        const v8 *r{i} = values + reads[{i}] * stride;" for i in read),
        "        v8 *y = values + (first + c) * stride;",
        "        for (int64_t s = 0; s < steps; s++) {",
        *(f"            v8 i{i} = r{i}[s];" for i in read),
        f"            y[s] = {formula};",
        "        }",
        "    }",
        "}",
        "",
    ]
    return "\n".join(lines)
