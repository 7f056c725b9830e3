"""Which modules a stage runs is kept in the cache, and found anew when any source file differs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chipdse.cli import main
from chipdse.store import modules, source_files, sources
from chipdse.store.derived import derived_files
from chipdse.store.files import digest_file

BUILDER = "chipdse.units:show"


def forget() -> None:
    """Answer as a new process does."""
    for function in (modules.module_named, sources._files_of, sources._hash_of, sources._content):
        getattr(function, "cache_clear", lambda: None)()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    forget()
    yield tmp_path / "cache"
    monkeypatch.undo()
    forget()


def kept(cache: Path) -> list[Path]:
    return sorted((cache / "closures").glob("*.json"))


def unparsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on any parsing of a source file is an error."""

    def refuse(file: Path) -> None:
        raise AssertionError(f"{file} is parsed")

    monkeypatch.setattr(source_files, "parsed", refuse)
    forget()


def test_a_second_process_parses_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, code = sources.code_files(BUILDER), sources.code_of(BUILDER)
    assert [name for name in files if not name.startswith("chipdse.")] == []
    assert json.loads(kept(cache)[0].read_text()) == list(files)
    unparsed(monkeypatch)
    assert sources.code_files(BUILDER) == files and sources.code_of(BUILDER) == code


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "[]", '["os"]', "{"])
def test_a_damaged_answer_is_found_anew(cache: Path, content: str) -> None:
    code = sources.code_of(BUILDER)
    (file,) = kept(cache)
    whole = file.read_text()
    file.write_text(content)
    assert not next(iter(derived_files(cache))).is_whole()
    forget()
    assert sources.code_of(BUILDER) == code and file.read_text() == whole


def test_another_import_is_followed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sources.code_files(BUILDER)
    assert "chipdse.numerics" not in before
    edited = shutil.copy(before["chipdse.units"], tmp_path / "units.py")
    with edited.open("a") as file:
        file.write("\nfrom chipdse import numerics\nnumerics.anything\n")
    every = {name: source_files.package_files(name) for name in source_files.PACKAGES}
    every["chipdse"] = every["chipdse"] | {"chipdse.units": edited}
    monkeypatch.setattr(source_files, "package_files", every.__getitem__)
    forget()
    assert set(sources.code_files(BUILDER)) == {*before, "chipdse.numerics"}
    assert len(kept(cache)) == 2


def test_a_file_that_changes_meanwhile_leaves_no_answer(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = shutil.copy(sources.code_files(BUILDER)["chipdse.units"], tmp_path / "units.py")
    every = {name: source_files.package_files(name) for name in source_files.PACKAGES}
    every["chipdse"] = every["chipdse"] | {"chipdse.units": edited}
    parsed = source_files.parsed

    def editing(file: Path) -> object:
        edited.write_text(edited.read_text() + "\n# edited while it is read\n")
        return parsed(file)

    monkeypatch.setattr(source_files, "package_files", every.__getitem__)
    monkeypatch.setattr(source_files, "parsed", editing)
    forget()
    number = len(kept(cache))
    sources.code_of(BUILDER)
    assert len(kept(cache)) == number


def test_a_cache_that_cannot_be_written_costs_time_only(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = sources.code_of(BUILDER)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "file"))
    forget()
    assert sources.code_of(BUILDER) == code


def test_cache_verbs_cover_the_answers(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources.code_of(BUILDER)
    (file,) = kept(cache)
    assert main(["cache", "info", "--json"]) == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert [(row["stage"], row["count"]) for row in stages] == [("closures", 1)]
    assert main(["cache", "verify"]) == 0
    file.write_text("[]")
    assert main(["cache", "verify"]) == 1
    assert f"damaged: {file}" in capsys.readouterr().out
    os.utime(file, (1, 1))
    os.utime(digest_file(file), (1, 1))
    assert main(["cache", "prune", "--limit", "0B"]) == 0
    assert not kept(cache)
