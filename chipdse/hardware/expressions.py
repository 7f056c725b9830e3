"""Arithmetic and conditions over parameter names, written as text; nothing else is evaluated."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
_PLAIN = (
    *(ast.Name, ast.Load, ast.Compare, ast.BoolOp, ast.And, ast.Or),
    *(ast.BinOp, ast.UnaryOp),
)
_ALLOWED = "numbers, names, + - * / // %, comparisons, and/or/not, min, max, abs, clog2"


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

    def value(self, values: Mapping[str, Any], what: str = "expression") -> Any:
        """Its value; `values` has every name of it. DesignError where there is none."""
        try:
            return _value(self.tree, values)
        except (ArithmeticError, TypeError, ValueError) as error:
            given = ", ".join(f"{name}={values[name]!r}" for name in sorted(self.names))
            raise DesignError(f"{what} {self.text!r} has no value at {given}: {error}") from error


def parse_expression(text: str, what: str = "expression") -> Expression:
    """Read an expression; raises DesignError for anything but arithmetic and comparisons."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise DesignError(f"{what} {text!r} is not an expression; write e.g. 'a >= 2*b'") from error
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(_FUNCTIONS)
    _check(tree, text, what)
    return Expression(text=text, names=frozenset(names), tree=tree)


def _check(tree: ast.AST, text: str, what: str) -> None:
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
            raise DesignError(f"{what} {text!r} uses more than {_ALLOWED}")


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            return values[node.id]
        case ast.BinOp():
            return _BINARY[type(node.op)](_value(node.left, values), _value(node.right, values))
        case ast.UnaryOp():
            return _UNARY[type(node.op)](_value(node.operand, values))
        case ast.BoolOp():
            parts = (bool(_value(part, values)) for part in node.values)
            return all(parts) if isinstance(node.op, ast.And) else any(parts)
        case ast.Compare():
            terms = [_value(term, values) for term in (node.left, *node.comparators)]
            return all(
                _COMPARE[type(op)](left, right)
                for op, left, right in zip(node.ops, terms, terms[1:], strict=False)
            )
        case ast.Call(func=ast.Name(id=name)):
            return _FUNCTIONS[name](*(_value(argument, values) for argument in node.args))
    raise AssertionError(f"unchecked node {node!r}")
