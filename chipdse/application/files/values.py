"""Values of tables of a chip file, checked; `where` names the table and the key in messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chipdse.errors import DesignError

_LARGEST = 1e300  # an integer of TOML may be too large for a float


def check_known(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise DesignError for a key that is not known."""
    for key in table:
        if key not in known:
            raise DesignError(f"{where}: {key!r} is not known here; use {', '.join(known)}")


def table_in(value: Any, where: str) -> Mapping[str, Any]:
    """A table; raises DesignError where it is none."""
    if not isinstance(value, dict):
        raise DesignError(f"{where} must be a table, not {value!r}")
    return value


def several(value: Any, where: str) -> list[Any]:
    """The values of a list, or the one value; raises DesignError for an empty or nested list."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise DesignError(f"{where} is an empty list; give at least one value")
    if any(isinstance(v, list | dict) for v in values):
        raise DesignError(f"{where}={value!r} must be a value or a list of values")
    return values


def counts_in(value: Any, where: str) -> tuple[int, ...]:
    """Whole numbers above 0, one or a list; raises DesignError."""
    return tuple(count_in(v, where) for v in several(value, where))


def count_in(value: Any, where: str) -> int:
    """A whole number above 0; raises DesignError."""
    if type(value) is not int or not 1 <= value < 2**40:
        raise DesignError(f"{where}={value!r} is not a whole number above 0")
    return value


def positive_in(table: Mapping[str, Any], key: str, where: str) -> float | None:
    """A number above 0, or None where there is none; raises DesignError."""
    if key not in table:
        return None
    value = table[key]
    if type(value) not in (int, float) or not 0 < value < _LARGEST:
        raise DesignError(f"{where} {key}={value!r} is not a number above 0")
    return float(value)
