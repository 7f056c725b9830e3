"""The store: built once, complete or not at all, repaired when damaged."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chipdse.errors import ToolError
from chipdse.hardware.store import Store


def write(folder: Path) -> None:
    (folder / "result.txt").write_text("42")


def test_a_stage_is_built_once(tmp_path: Path) -> None:
    store = Store(root=tmp_path)
    first = store.folder("stage", {"a": 1}, write)
    assert (first / "result.txt").read_text() == "42"
    assert store.folder("stage", {"a": 1}, write) == first
    assert store.folder("stage", {"a": 2}, write) != first
    assert store.built == ["stage", "stage"]


@pytest.mark.parametrize("damage", ["change", "remove", "manifest"])
def test_a_damaged_folder_is_built_again(tmp_path: Path, damage: str) -> None:
    store = Store(root=tmp_path)
    folder = store.folder("stage", {"a": 1}, write)
    if damage == "change":
        (folder / "result.txt").write_text("41")
    elif damage == "remove":
        (folder / "result.txt").unlink()
    else:
        (folder / "manifest.json").write_text('{"result')
    folder = store.folder("stage", {"a": 1}, write)
    assert (folder / "result.txt").read_text() == "42"
    assert store.built == ["stage", "stage"]


def test_a_failed_build_leaves_its_log_and_no_result(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "tool.log").write_text("why")
        raise ToolError("tool exited with 1", folder / "tool.log")

    store = Store(root=tmp_path)
    with pytest.raises(ToolError, match="tool exited with 1") as error:
        store.folder("stage", {"a": 1}, fail)
    assert error.value.log is not None
    assert error.value.log.read_text() == "why"
    assert str(error.value.log) in str(error.value)
    store.folder("stage", {"a": 1}, write)
    assert store.built == ["stage", "stage"]


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Store(root=tmp_path).folder("stage", {"a": 1}, interrupt)
    assert [path.suffix for path in (tmp_path / "stage").iterdir()] in ([], [".lock"])


def test_one_builder_a_key(tmp_path: Path) -> None:
    store = Store(root=tmp_path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store.folder("stage", {"a": 1}, write), range(32)))
    assert store.built == ["stage"]


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match="cannot be written"):
        Store(root=tmp_path / "file").folder("stage", {"a": 1}, write)
