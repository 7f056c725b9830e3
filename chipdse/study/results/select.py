"""Rows and columns of a table of points that a user asks for."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from chipdse.design import suggest
from chipdse.errors import DesignError, InfeasibleError
from chipdse.units import PREFIXES

_CONDITION = re.compile(r"\s*([^\s<>=!]++)\s*+(<=|>=|==|!=|<|>|=)\s*+(\S.*)")
_NUMBER = re.compile(r"([-+]?(?>\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")
_EQUALITIES = ("=", "==", "!=")
_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A comparison of a column with a number or text.

    words : as the user wrote it, with its option
    """

    name: str
    sign: str
    value: str
    words: str


def read_condition(text: str, known: Collection[str], option: str) -> Condition:
    """A condition, e.g. ``"throughput_ops_per_s >= 1e12"`` or ``"vdd_v <= 900mV"``.

    Parameters
    ----------
    text : column, one of ``< <= > >= = !=``, and a number, a number with the unit of the column,
        or text
    known : the columns
    option : that states the condition, for messages

    Raises
    ------
    DesignError : no condition, or an unknown column
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise DesignError(
            f"{option} {text!r} is not a condition; write e.g. 'throughput_ops_per_s > 1e9'"
        )
    _check_column(match[1], known, option)
    return Condition(
        name=match[1], sign=match[2], value=match[3].strip(), words=f"{option} {text!r}"
    )


def matching(
    table: pd.DataFrame, conditions: Sequence[str], units: Mapping[str, str]
) -> pd.DataFrame:
    """The rows that satisfy every condition (`read_condition`).

    Parameters
    ----------
    units : unit of each column that has one, e.g. "J/op"

    Raises
    ------
    DesignError : no condition, an unknown column, or a value that cannot be compared with it
    InfeasibleError : no row satisfies all of them
    """
    chosen = table
    for condition in [read_condition(text, _names(table), "--where") for text in conditions]:
        column = chosen[condition.name]
        rows = chosen[satisfied(column, condition, units.get(condition.name, ""))]
        if rows.empty:
            raise InfeasibleError(f"no point satisfies {condition.words}: {_extent(column)}")
        chosen = rows
    return chosen


def sorted_by(table: pd.DataFrame, name: str, *, descending: bool = False) -> pd.DataFrame:
    """The rows by one column, smallest first, or largest first.

    Raises
    ------
    DesignError : the column is unknown
    """
    _check_column(name, _names(table), "--sort")
    key = _numbers if _numbers(table[name]).notna().any() else _as_text
    return table.sort_values(name, ascending=not descending, kind="stable", key=key)


def with_columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The table with these columns only, in this order.

    Raises
    ------
    DesignError : a column is unknown, or named twice
    """
    for name in names:
        _check_column(name, _names(table), "--columns")
        if names.count(name) > 1:
            raise DesignError(f"--columns names {name!r} twice; name it once")
    return table[list(names)]


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(str)


def _names(table: pd.DataFrame) -> list[str]:
    return list(map(str, table.columns))


def _check_column(name: str, known: Collection[str], option: str) -> None:
    if name not in known:
        raise DesignError(f"{option}: {name!r} is not a column; {suggest(name, known)}")


def satisfied(column: pd.Series[Any], condition: Condition, unit: str) -> pd.Series[Any]:
    """Which values of a column satisfy a condition.

    Raises
    ------
    DesignError : the condition's value cannot be compared with the column
    """
    numbers, value = _numbers(column), _number(condition.value, unit)
    compare = _SIGNS[condition.sign]
    if value is not None and numbers.notna().any():
        return pd.Series(compare(numbers, value) & numbers.notna(), index=column.index)
    if condition.sign in _EQUALITIES:
        return pd.Series(compare(column.map(_shown), condition.value), index=column.index)
    if numbers.notna().any():
        hint = f", or with its unit, {unit}" if unit not in ("", "-", "1") else ""
        raise DesignError(
            f"{condition.words}: {condition.value!r} is not a number; write one{hint}"
        )
    raise DesignError(f"{condition.words}: {column.name!r} has no numbers; use = or !=")


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """The numbers of a column; nan for text, Booleans and what is missing."""
    if pd.api.types.is_bool_dtype(column):
        return pd.Series(math.nan, index=column.index)
    return pd.to_numeric(column, errors="coerce")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str, unit: str) -> float | None:
    """A number, in the column's unit or with a prefix of it; None for any other text."""
    match = _NUMBER.fullmatch(text)
    if match is None or not math.isfinite(float(match[1])):
        return None
    if not match[2]:
        return float(match[1])
    for suffix in filter(None, (unit, unit.partition("/")[0])):
        prefix = match[2].removesuffix(suffix)
        if prefix != match[2] and prefix in PREFIXES:
            return float(match[1]) * PREFIXES[prefix]
    return None


def _extent(column: pd.Series[Any]) -> str:
    """What the values of a column are, for a message."""
    numbers = _numbers(column).dropna()
    if numbers.empty:
        return f"{column.name} is one of {', '.join(sorted(set(column.map(_shown)))[:10])}"
    return f"{column.name} is from {numbers.min():.4g} to {numbers.max():.4g}"
