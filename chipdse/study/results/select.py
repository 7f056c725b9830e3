"""Rows and columns of a table of points that a user asks for."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
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


def matching(
    table: pd.DataFrame, conditions: Sequence[str], units: Mapping[str, str]
) -> pd.DataFrame:
    """The rows that satisfy every condition, e.g. ``"throughput_ops_per_s >= 1e12"``.

    Parameters
    ----------
    conditions : column, one of ``< <= > >= = !=``, and a number or text; a number may have the
        unit of its column with a prefix, e.g. ``vdd_v <= 900mV``
    units : unit of each column that has one, e.g. "J/op"

    Raises
    ------
    DesignError : no condition, an unknown column, or a value that cannot be compared with it
    InfeasibleError : no row satisfies all of them
    """
    chosen = table
    for condition in conditions:
        match = _CONDITION.fullmatch(condition)
        if match is None:
            raise DesignError(
                f"--where {condition!r} is not a condition; write e.g. 'throughput_ops_per_s > 1e9'"
            )
        name, sign, text = match[1], match[2], match[3].strip()
        _check_column(table, name, "--where")
        rows = chosen[_compared(chosen[name], sign, text, units.get(name, ""), condition)]
        if rows.empty:
            raise InfeasibleError(
                f"no point satisfies --where {condition!r}: {_extent(chosen[name])}"
            )
        chosen = rows
    return chosen


def sorted_by(table: pd.DataFrame, name: str, *, descending: bool = False) -> pd.DataFrame:
    """The rows by one column, smallest first, or largest first.

    Raises
    ------
    DesignError : the column is unknown
    """
    _check_column(table, name, "--sort")
    key = _numbers if _numbers(table[name]).notna().any() else _as_text
    return table.sort_values(name, ascending=not descending, kind="stable", key=key)


def with_columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The table with these columns only, in this order.

    Raises
    ------
    DesignError : a column is unknown, or named twice
    """
    for name in names:
        _check_column(table, name, "--columns")
        if names.count(name) > 1:
            raise DesignError(f"--columns names {name!r} twice; name it once")
    return table[list(names)]


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map(str)


def _check_column(table: pd.DataFrame, name: str, option: str) -> None:
    if name not in table.columns:
        names = list(map(str, table.columns))
        raise DesignError(f"{option}: {name!r} is not a column; {suggest(name, names)}")


def _compared(
    column: pd.Series[Any], sign: str, text: str, unit: str, condition: str
) -> pd.Series[Any]:
    """Which values of a column satisfy one comparison."""
    numbers, value = _numbers(column), _number(text, unit)
    if value is not None and numbers.notna().any():
        return pd.Series(_SIGNS[sign](numbers, value) & numbers.notna(), index=column.index)
    if sign in _EQUALITIES:
        texts = column.map(_shown)
        return pd.Series(_SIGNS[sign](texts, text), index=column.index)
    if numbers.notna().any():
        hint = f", or with its unit, {unit}" if unit not in ("", "-", "1") else ""
        raise DesignError(f"--where {condition!r}: {text!r} is not a number; write one{hint}")
    raise DesignError(f"--where {condition!r}: {column.name!r} has no numbers; use = or !=")


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
