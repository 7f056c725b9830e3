"""Arithmetic and conditions over parameter names, written as text; nothing else is evaluated.

Text may only be compared with == and !=. Length, depth and the size of every result are bounded, so
that any expression from a file costs little time and memory.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from chipdse.arrays import Floats
from chipdse.errors import DesignError

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "clog2": lambda n: max(int(n) - 1, 0).bit_length(),
}
FUNCTION_NAMES = frozenset(_FUNCTIONS)
"""Names that an expression may call and that name nothing else."""
_OF_ONE = ("abs", "clog2")
_ON_COLUMNS: dict[str, Callable[..., Any]] = {
    "min": lambda *columns: np.minimum.reduce(np.broadcast_arrays(*columns)),
    "max": lambda *columns: np.maximum.reduce(np.broadcast_arrays(*columns)),
    "abs": lambda column: np.abs(column),
    "clog2": lambda column: np.frexp(np.maximum(np.floor(column) - 1.0, 0.0))[1] * 1.0,
}
_PLAIN = (
    *(ast.Name, ast.Load, ast.Compare, ast.BoolOp, ast.And, ast.Or),
    *(ast.BinOp, ast.UnaryOp),
)
_ALLOWED = "numbers, names, + - * / // %, comparisons, and/or/not, min, max, abs, clog2"
_LONGEST, _DEEPEST = 2000, 40
_LARGEST = 1e30
"""No result may be larger: counts, areas and rates of chips are far below it."""


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A readable expression.

    text : as written, e.g. ``accumulator_bits >= 2 * operand_bits + clog2(rows)``
    names : the parameters it speaks of
    is_condition : it compares or negates something, rather than giving a number
    """

    text: str
    names: frozenset[str]
    tree: ast.expr

    @property
    def is_condition(self) -> bool:
        return isinstance(self.tree, ast.Compare | ast.BoolOp | ast.UnaryOp)

    @property
    def is_arithmetic(self) -> bool:
        """Whether it gives a number and compares no text."""
        constants = (node for node in ast.walk(self.tree) if isinstance(node, ast.Constant))
        if any(isinstance(constant.value, str) for constant in constants):
            return False
        if isinstance(self.tree, ast.UnaryOp):
            return isinstance(self.tree.op, ast.USub)
        return not self.is_condition

    def column(self, values: Mapping[str, npt.ArrayLike]) -> Floats:
        """The values of an arithmetic expression for columns of numbers, as one column.

        Comparisons give 1 and 0; a row without a finite value is nan. `values` has every name.

        Raises
        ------
        DesignError : a function has the wrong number of arguments, or a number is too large
        """
        columns = {name: np.asarray(values[name], dtype=np.float64) for name in self.names}
        try:
            with np.errstate(all="ignore"):
                result = np.asarray(_column(self.tree, columns), dtype=np.float64)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise DesignError(f"expression {_short(self.text)} has no value: {error}") from error
        return np.where(np.isfinite(result), result, np.nan)

    def value(self, values: Mapping[str, Any], what: str = "expression") -> Any:
        """Its value; DesignError where there is none, or where `values` lacks a name of it."""
        for name in sorted(self.names):
            if name not in values:
                known = ", ".join(sorted(values)) or "nothing"
                raise DesignError(
                    f"{what} {_short(self.text)} speaks of {name!r}, which has no value;"
                    f" known: {known}"
                )
        try:
            return _value(self.tree, values)
        except (ArithmeticError, TypeError, ValueError) as error:
            given = ", ".join(f"{name}={_short(values[name])}" for name in sorted(self.names))
            raise DesignError(
                f"{what} {_short(self.text)} has no value at {given}: {error}"
            ) from error


def parse_expression(text: str, what: str = "expression") -> Expression:
    """Read an expression; raises DesignError for anything but arithmetic and comparisons."""
    if len(text) > _LONGEST:
        raise DesignError(
            f"{what} {_short(text)} has {len(text)} characters; use at most {_LONGEST}"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DesignError(
            f"{what} {_short(text)} is not an expression; write e.g. 'a >= 2*b'"
        ) from error
    if _depth(tree) > _DEEPEST:
        raise DesignError(
            f"{what} {_short(text)} is nested more than {_DEEPEST} levels deep; divide it"
        )
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(_FUNCTIONS)
    _check(tree, text, what)
    return Expression(text=text, names=frozenset(names), tree=tree)


def _short(value: object) -> str:
    """A value as a message shows it, cut where it is long."""
    if isinstance(value, int) and abs(value) > _LARGEST:
        return f"a number of {value.bit_length()} bits"
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:60]}...{shown[-10:]}"


def _depth(tree: ast.AST) -> int:
    """Levels of an expression, counted without recursion; long chains of + count as well."""
    level, depth = [tree], 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if depth > _DEEPEST:
            break
    return depth


def _check(tree: ast.AST, text: str, what: str) -> None:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    compared = {
        id(term)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and all(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        for term in (node.left, *node.comparators)
    }
    for node in ast.walk(tree):
        ok = (
            isinstance(node, _PLAIN)
            or (isinstance(node, ast.Constant) and isinstance(node.value, int | float | str))
            or type(node) in (_BINARY | _COMPARE | _UNARY)
            or (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in _FUNCTIONS
                and not node.keywords
            )
        )
        if not ok:
            raise DesignError(f"{what} {_short(text)} uses more than {_ALLOWED}")
        if isinstance(node, ast.Name) and node.id in _FUNCTIONS and id(node) not in called:
            raise DesignError(
                f"{what} {_short(text)} has the function {node.id!r} without arguments;"
                f" write e.g. {node.id}(a)"
            )
        text_here = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if text_here and id(node) not in compared:
            raise DesignError(
                f"{what} {_short(text)} computes with text; compare it with == or != only"
            )


def _number(value: Any) -> Any:
    """The value, if it is a finite number of a size that occurs."""
    if not isinstance(value, Real):
        raise TypeError(
            f"{_short(value)} is not a number; text can be compared with == and != only"
        )
    if not -_LARGEST <= float(value) <= _LARGEST:  # an integer beyond all floats: OverflowError
        raise ArithmeticError(f"{_short(value)} is larger than {_LARGEST:g}")
    return value


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return values[node.id]
        case ast.BinOp():
            left, right = _number(_value(node.left, values)), _number(_value(node.right, values))
            return _number(_BINARY[type(node.op)](left, right))
        case ast.UnaryOp():
            return _UNARY[type(node.op)](_number(_value(node.operand, values)))
        case ast.BoolOp():
            parts = (bool(_number(_value(part, values))) for part in node.values)
            return all(parts) if isinstance(node.op, ast.And) else any(parts)
        case ast.Compare():
            terms = [_value(term, values) for term in (node.left, *node.comparators)]
            if not all(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                terms = [_number(term) for term in terms]
            return all(
                _COMPARE[type(op)](left, right)
                for op, left, right in zip(node.ops, terms, terms[1:], strict=False)
            )
        case ast.Call(func=ast.Name(id=name)):
            arguments = [_number(_value(argument, values)) for argument in node.args]
            if not arguments or (len(arguments) > 1 and name in _OF_ONE):
                expected = "one argument" if name in _OF_ONE else "arguments"
                raise TypeError(f"{name} takes {expected}, not {len(arguments)}")
            if name not in _OF_ONE and len(arguments) == 1:
                return arguments[0]
            return _number(_FUNCTIONS[name](*arguments))
    raise AssertionError(f"unchecked node {node!r}")


def _column(node: ast.expr, columns: Mapping[str, Floats]) -> Any:
    """As `_value`, for columns of numbers."""
    match node:
        case ast.Constant():
            constant: Any = node.value
            return np.float64(constant)
        case ast.Name():
            return columns[node.id]
        case ast.BinOp():
            return _BINARY[type(node.op)](_column(node.left, columns), _column(node.right, columns))
        case ast.UnaryOp(op=ast.Not()):
            return np.asarray(_column(node.operand, columns) == 0, dtype=np.float64)
        case ast.UnaryOp():
            return _UNARY[type(node.op)](_column(node.operand, columns))
        case ast.BoolOp():
            parts = [np.asarray(_column(part, columns) != 0) for part in node.values]
            joined = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return joined.reduce(np.broadcast_arrays(*parts)).astype(np.float64)
        case ast.Compare():
            terms = [_column(term, columns) for term in (node.left, *node.comparators)]
            holds = [
                np.asarray(_COMPARE[type(op)](left, right))
                for op, left, right in zip(node.ops, terms, terms[1:], strict=False)
            ]
            return np.logical_and.reduce(np.broadcast_arrays(*holds)).astype(np.float64)
        case ast.Call(func=ast.Name(id=name)):
            return _ON_COLUMNS[name](*(_column(argument, columns) for argument in node.args))
    raise AssertionError(f"unchecked node {node!r}")
