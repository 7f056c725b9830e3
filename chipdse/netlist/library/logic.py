"""Boolean functions as Liberty writes them: parse, print, evaluate, truth tables.

Operators by falling precedence: ``!a`` and ``a'``; ``^``; ``*``, ``&`` and juxtaposition; ``+``
and ``|``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chipdse.arrays import Bools
from chipdse.errors import DesignError

MAX_TABLE_VARIABLES = 16  # a truth table of 65,536 rows; no library cell needs more


@dataclass(frozen=True, slots=True)
class Constant:
    """0 or 1."""

    value: bool

    def __str__(self) -> str:
        return "1" if self.value else "0"


@dataclass(frozen=True, slots=True)
class Variable:
    """A pin or an internal state, by its name in the cell."""

    name: str

    def __str__(self) -> str:
        return self.name if _PLAIN_NAME.fullmatch(self.name) else f'"{self.name}"'


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression

    def __str__(self) -> str:
        return f"!{_atom(self.operand)}"


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Expression, ...]

    def __str__(self) -> str:
        return "&".join(map(_atom, self.operands))


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Expression, ...]

    def __str__(self) -> str:
        return "|".join(map(_atom, self.operands))


@dataclass(frozen=True, slots=True)
class Xor:
    operands: tuple[Expression, ...]

    def __str__(self) -> str:
        return "^".join(map(_atom, self.operands))


Expression = Constant | Variable | Not | And | Or | Xor

_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.$]*(?:\[\d+\])?")
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][\w.$]*(?:\[\d+\])?)|\"(?P<quoted>[^\"]+)\"|(?P<constant>[01])"
    r"|(?P<operator>&&|\|\||[!~'^*&+|()]))"
)


def _atom(expression: Expression) -> str:
    plain = isinstance(expression, Constant | Variable | Not)
    return str(expression) if plain else f"({expression})"


class _Parser:
    """Recursive descent over a token list, lowest precedence first."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        self.next = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"unexpected {text[position:].strip()[:10]!r}")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind]))
            position = match.end()

    def error(self, why: str) -> DesignError:
        return DesignError(
            f"{self.text!r} is not a Boolean function: {why}; write e.g. '(A & !B) | C'"
        )

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.next] if self.next < len(self.tokens) else ("end", "")

    def parse(self) -> Expression:
        expression = self.alternatives(0)
        if self.peek()[0] != "end":
            raise self.error(f"unexpected {self.peek()[1]!r}")
        return expression

    def alternatives(self, depth: int) -> Expression:
        operands = [self.product(depth)]
        while self.peek() in (("operator", "+"), ("operator", "|"), ("operator", "||")):
            self.next += 1
            operands.append(self.product(depth))
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def product(self, depth: int) -> Expression:
        operands = [self.parity(depth)]
        while True:
            kind, text = self.peek()
            if kind == "operator" and text in ("*", "&", "&&"):
                self.next += 1
            elif not (kind in ("name", "quoted", "constant") or text in ("!", "~", "(")):
                break
            operands.append(self.parity(depth))
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def parity(self, depth: int) -> Expression:
        operands = [self.literal(depth)]
        while self.peek() == ("operator", "^"):
            self.next += 1
            operands.append(self.literal(depth))
        return operands[0] if len(operands) == 1 else Xor(tuple(operands))

    def literal(self, depth: int) -> Expression:
        if depth > 100:
            raise self.error("nested deeper than 100 levels")
        kind, text = self.peek()
        self.next += 1
        expression: Expression
        if kind in ("name", "quoted"):
            expression = Variable(text)
        elif kind == "constant":
            expression = Constant(text == "1")
        elif text in ("!", "~"):
            expression = negate(self.literal(depth + 1))
        elif text == "(":
            expression = self.alternatives(depth + 1)
            if self.peek() != ("operator", ")"):
                raise self.error("a ')' is missing")
            self.next += 1
        else:
            raise self.error(f"unexpected {text!r}" if text else "it ends too early")
        while self.peek() == ("operator", "'"):
            self.next += 1
            expression = negate(expression)
        return expression


@lru_cache(maxsize=65536)
def parse_function(text: str) -> Expression:
    """Read a Liberty Boolean function, e.g. ``(A1&A2) | !B``.

    Raises
    ------
    DesignError : not a function; the message quotes it
    """
    return _Parser(text).parse()


def negate(expression: Expression) -> Expression:
    """The complement of a function, without doubled negations."""
    if isinstance(expression, Not):
        return expression.operand
    if isinstance(expression, Constant):
        return Constant(not expression.value)
    return Not(expression)


@lru_cache(maxsize=65536)
def variables(expression: Expression) -> tuple[str, ...]:
    """The variables of a function, in order of first appearance."""
    match expression:
        case Variable(name):
            return (name,)
        case Constant():
            return ()
        case Not(operand):
            return variables(operand)
        case And(operands) | Or(operands) | Xor(operands):
            return tuple(dict.fromkeys(name for operand in operands for name in variables(operand)))


def evaluate(expression: Expression, values: Mapping[str, Any], ones: Any = True) -> Any:
    """Evaluate over booleans, Boolean arrays, or words with `ones` = all ones.

    Every value must support ``& | ^`` with the others; NOT is ``^ ones``.
    """
    match expression:
        case Variable(name):
            return values[name]
        case Constant(value):
            return ones if value else ones ^ ones
        case Not(operand):
            return evaluate(operand, values, ones) ^ ones
        case And(operands):
            result = evaluate(operands[0], values, ones)
            for next_operand in operands[1:]:
                result = result & evaluate(next_operand, values, ones)
            return result
        case Or(operands):
            result = evaluate(operands[0], values, ones)
            for next_operand in operands[1:]:
                result = result | evaluate(next_operand, values, ones)
            return result
        case Xor(operands):
            result = evaluate(operands[0], values, ones)
            for next_operand in operands[1:]:
                result = result ^ evaluate(next_operand, values, ones)
            return result


def substitute(expression: Expression, replacements: Mapping[str, Expression]) -> Expression:
    """The same function with some variables replaced by functions."""
    match expression:
        case Variable(name):
            return replacements.get(name, expression)
        case Constant():
            return expression
        case Not(operand):
            return negate(substitute(operand, replacements))
        case And(operands):
            return And(tuple(substitute(operand, replacements) for operand in operands))
        case Or(operands):
            return Or(tuple(substitute(operand, replacements) for operand in operands))
        case Xor(operands):
            return Xor(tuple(substitute(operand, replacements) for operand in operands))


@lru_cache(maxsize=256)
def _columns(count: int) -> Bools:
    rows = np.arange(2**count)
    return ((rows[None, :] >> np.arange(count)[:, None]) & 1).astype(bool)


@lru_cache(maxsize=16384)
def truth_table(expression: Expression, inputs: tuple[str, ...]) -> Bools:
    """Values of a function for every combination of `inputs`: entry i has input j at bit j of i.

    Raises
    ------
    DesignError : a variable of the function is not an input, or there are too many inputs
    """
    if len(inputs) > MAX_TABLE_VARIABLES:
        raise DesignError(
            f"a function of {len(inputs)} inputs has too large a truth table; "
            f"at most {MAX_TABLE_VARIABLES} are handled"
        )
    missing = [name for name in variables(expression) if name not in inputs]
    if missing:
        raise DesignError(f"function '{expression}' names {missing[0]!r}, which is not an input")
    columns = _columns(len(inputs))
    values = dict(zip(inputs, columns, strict=True))
    result = evaluate(expression, values, np.True_)
    table = np.broadcast_to(np.asarray(result, dtype=bool), (2 ** len(inputs),)).copy()
    table.flags.writeable = False
    return table


def difference_table(expression: Expression, name: str, inputs: tuple[str, ...]) -> Bools:
    """Where the function changes when `name` does, over every combination of `inputs`."""
    low = substitute(expression, {name: Constant(False)})
    high = substitute(expression, {name: Constant(True)})
    return truth_table(Xor((low, high)), inputs)


def unateness(expression: Expression, name: str, inputs: Sequence[str]) -> str:
    """Direction in which the function changes with `name`: positive, negative, both or none."""
    keys = tuple(inputs)
    low = truth_table(substitute(expression, {name: Constant(False)}), keys)
    high = truth_table(substitute(expression, {name: Constant(True)}), keys)
    rises, falls = bool(np.any(high & ~low)), bool(np.any(low & ~high))
    if rises and falls:
        return "both"
    return "positive" if rises else "negative" if falls else "none"
