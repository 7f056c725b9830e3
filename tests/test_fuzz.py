"""Every reader takes mutated files with a result or with one of chipdse's own errors of one line.

A few files per reader; `python -m tests.support.fuzzing COUNT` reads many.
"""

from __future__ import annotations

import contextlib
import importlib.util
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

import chipdse
from chipdse.characterise.spice import Netlists
from chipdse.errors import ChipdseError, DesignError
from tests.support.fuzzing import Reader, fault, mutated
from tests.support.fuzzing.readers import READERS, STUDY_READERS

COUNT = 60


def faults(name: str, reader: Reader, folder: Path, count: int = COUNT) -> list[str]:
    found = []
    for number in range(count):
        file, content = mutated(random.Random(f"{name} {number}"), reader)
        place = folder / str(number)
        place.mkdir()
        if wrong := fault(reader, file, content, place):
            found.append(f"{name} {number} {file}: {wrong}")
        shutil.rmtree(place)
    return found


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", READERS)
def test_a_mutated_file_is_read_or_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "onnx" and importlib.util.find_spec("onnx") is None:
        pytest.skip("the optional package onnx is not installed")
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    assert faults(name, READERS[name](), tmp_path) == []


@pytest.mark.tools
@pytest.mark.parametrize("name", STUDY_READERS)
def test_a_damaged_study_is_read_or_refused_in_one_line(
    tmp_path: Path, warm_store: Path, name: str
) -> None:
    reader = STUDY_READERS[name](warm_store / "undisturbed")
    assert faults(name, reader, tmp_path, 20) == []


@pytest.mark.tools
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update study_user_attributes set value_json = '{'", "cannot be opened: Expecting"),
        ("update trial_user_attributes set value_json = '\n'", "cannot be read (Expecting"),
        ("update trials set datetime_start = 'yesterday'", "cannot be read (Invalid isoformat"),
    ],
)
def test_a_damaged_value_in_a_database_is_refused_in_one_line(
    tmp_path: Path, warm_store: Path, statement: str, words: str
) -> None:
    folder = Path(shutil.copytree(warm_store / "undisturbed", tmp_path / "study"))
    with contextlib.closing(sqlite3.connect(folder / "study.db")) as database, database:
        database.execute(statement)
    with pytest.raises(ChipdseError) as refused:
        chipdse.load_study(folder).points()
    assert words in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("calibration", "layout_any.toml", b"a = " + b"9" * 5000),
        ("catalogue", "mine.toml", b"files = []\nnode_nm = " + b"9" * 400),
        ("characterise", "cells.toml", b"= 1"),
        ("characterise", "cells.toml", b"name = '\xff'"),
        ("characterise", "cells.spice", b".subckt inv A Y VDD VSS\nX\n.ends\n"),
        ("characterise", "cells.spice", b".subckt inv A Y V\x1b[31mDD VSS\n.ends\n"),
        ("placement", "a.npz", b"PK\x03\x04"),
    ],
)
def test_files_that_ended_in_a_traceback(
    tmp_path: Path, name: str, file: str, content: bytes
) -> None:
    assert fault(READERS[name](), file, content, tmp_path) == ""


def test_a_cell_of_nested_subcircuits_is_limited(tmp_path: Path) -> None:
    """Two instances per level: 30 levels would have a thousand million."""
    levels = "".join(f".subckt s{n}\nx1 s{n + 1}\nx2 s{n + 1}\n.ends\n" for n in range(30))
    (tmp_path / "cells.spice").write_text(f"{levels}.subckt s30\n.ends\n")
    netlists = Netlists(files=(tmp_path / "cells.spice",), power=("VDD",), ground=("VSS",))
    with pytest.raises(DesignError, match="more than 100000 elements or is nested deeper"):
        netlists.circuit("s0", (), ())


def test_control_characters_of_a_name_are_escaped_in_messages() -> None:
    assert str(DesignError("no cell a\n\x1b[31m\x00b\u2028 at 25 °C")) == (
        r"no cell a\n\x1b[31m\x00b\u2028 at 25 °C"
    )
