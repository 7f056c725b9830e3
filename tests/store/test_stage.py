"""A stage's record decides its key: every value, all code and all versions, and nothing else."""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import Any

import pytest

from chipdse.netlist.library.macros import macro_cells
from chipdse.store.place import Place
from chipdse.store.sources import code_of, versions
from chipdse.store.stage import Stage
from chipdse.store.store import Store


def write_square(number: int, folder: Path) -> None:
    (folder / "square.txt").write_text(str(number * number))


STAGE = Stage(
    name="square",
    does="squares a number",
    inputs={"number": "what is squared"},
    builder=write_square,
    code=(code_of,),
    cases=(macro_cells,),
    packages=("numpy",),
)


def test_a_key_has_values_code_and_versions() -> None:
    key = STAGE.key({"number": 3})
    assert key == {
        "number": 3,
        "code": code_of(write_square, code_of),
        "versions": versions("numpy"),
    }
    assert STAGE.key({"number": 3}, [macro_cells])["code"] != key["code"]
    more = dataclasses.replace(STAGE, data=("technology/data/wires.toml",))
    assert more.key({"number": 3})["code"] != key["code"]


def test_a_result_is_built_for_each_value_once(tmp_path: Path) -> None:
    store = Store(root=tmp_path)
    for number in (3, 3, 4):
        build = functools.partial(write_square, number)
        folder = STAGE.folder(store, {"number": number}, build)
        assert (folder / "square.txt").read_text() == str(number**2)
    assert store.built == ["square", "square"]


@pytest.mark.parametrize("values", [{}, {"number": 1, "other": 2}], ids=["missing", "undeclared"])
def test_a_value_that_the_record_does_not_declare_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be in both inputs and values"):
        STAGE.key(values)


def test_code_that_the_record_does_not_declare_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be declared among its cases"):
        STAGE.key({"number": 1}, [versions])
    with pytest.raises(ValueError, match="is built by"):
        STAGE.folder(Store(root=tmp_path), {"number": 1}, functools.partial(os.listdir))


def test_a_place_of_reads_is_for_stages_that_run_code_of_the_user(tmp_path: Path) -> None:
    store, build = Store(root=tmp_path), functools.partial(write_square, 1)
    with pytest.raises(ValueError, match="runs_user_code=False"):
        STAGE.folder(store, {"number": 1}, build, place=Place.of(tmp_path))
    with pytest.raises(ValueError, match="runs_user_code=True"):
        dataclasses.replace(STAGE, runs_user_code=True).folder(store, {"number": 1}, build)
