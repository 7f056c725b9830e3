"""Values of a sweep file's tables, checked as they are taken out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from chipdse.design import suggest
from chipdse.errors import DesignError


def refuse_unknown(given: Iterable[str], known: Collection[str], where: str) -> None:
    for key in given:
        if key not in known:
            raise DesignError(f"{where}: {key!r} is not known here; {suggest(key, known)}")


def table_of(data: Mapping[str, Any], key: str, path: Path) -> dict[str, Any]:
    table = data.get(key, {})
    if not isinstance(table, dict):
        raise DesignError(f"{path}: {key} = {table!r} must be a table; write [{key}]")
    return table


def whole_number(
    table: Mapping[str, Any],
    key: str,
    default: int,
    minimum: int,
    where: str,
    below: int | None = None,
) -> int:
    """A whole number of `[search]`, at least the minimum."""
    value = table.get(key, default)
    if type(value) is not int or value < minimum or (below is not None and value >= below):
        bound = f"{minimum}" if below is None else f"{minimum} and < {below}"
        raise DesignError(f"{where}: search.{key} = {value!r}; write a whole number >= {bound}")
    return value
