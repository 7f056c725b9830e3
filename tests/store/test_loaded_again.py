"""A module that Python loads again has the digest of the file that was loaded last."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from chipdse.store.loaded import loaded_modules
from chipdse.store.place import digest_of
from chipdse.store.recording.notes import noted


def spec_at(place: int) -> ModuleSpec:
    """A new spec, in the memory of one that is gone if Python offers that memory."""
    others = []
    for _ in range(1000):
        spec = ModuleSpec("loaded_again", None)
        if id(spec) == place:
            return spec
        others.append(spec)
    return others[0]


def test_each_loading_has_its_own_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = 0
    for number in range(3):
        file = tmp_path / str(number) / "loaded_again.py"
        file.parent.mkdir()
        file.write_text(f"VALUE = {number}\n")
        module = ModuleType("loaded_again")
        module.__file__, module.__spec__ = str(file), spec_at(place)
        monkeypatch.setitem(sys.modules, "loaded_again", module)
        (loaded,), _ = loaded_modules(["loaded_again"], noted("test", []))
        assert loaded.digest == digest_of(file)
        place = id(module.__spec__)
        module.__spec__ = None  # nothing but the record holds it
