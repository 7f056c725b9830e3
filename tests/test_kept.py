"""Values that a process keeps."""

from __future__ import annotations

import pytest

from chipdse.kept import Kept


def test_the_oldest_is_forgotten() -> None:
    kept: Kept[int, int] = Kept(2)
    computed = []

    def square(key: int) -> int:
        computed.append(key)
        return key * key

    for key in (1, 2, 1, 3, 2, 1, 2):
        assert kept.value(key, lambda key=key: square(key)) == key * key
    assert computed == [1, 2, 3, 1, 2]


def test_room_is_made_before_the_value_is_computed() -> None:
    kept: Kept[str, list[str]] = Kept(1)
    kept.value("large", lambda: ["large"])

    def fails() -> list[str]:
        assert not kept._values
        raise ValueError("no value")

    with pytest.raises(ValueError, match="no value"):
        kept.value("other", fails)
    assert kept.value("large", lambda: ["again"]) == ["again"]
