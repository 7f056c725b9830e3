"""Values that a process keeps for the next time it needs them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """The values of the last keys that were computed.

    `functools.lru_cache` does the same for functions whose arguments are their keys. A key says
    all that its value follows from, so it does not matter which values are kept.

    most : values that are kept
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[Key, Value] = {}

    def value(self, key: Key, compute: Callable[[], Value]) -> Value:
        """The value of a key, computed unless it is kept; the oldest makes room for it before."""
        try:
            return self._values[key]
        except KeyError:
            pass
        for oldest in list(self._values)[: len(self._values) + 1 - self._most]:
            self._values.pop(oldest, None)  # another thread may have done so
        value = self._values[key] = compute()
        return value
