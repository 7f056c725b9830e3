"""An edit in place that keeps size and date of a file is seen: its change time differs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chipdse.design import LibraryChoice
from chipdse.errors import MachineError
from chipdse.stages.library import check_version, guarded, library_version
from chipdse.store.place import Place, file_digest
from tests.support.library_files import liberty


def edit(path: Path, old: bytes, new: bytes) -> None:
    """Replace bytes within the file, and give it the date that it had."""
    assert len(old) == len(new)
    before, content = path.stat(), path.read_bytes()
    with path.open("r+b") as file:
        file.seek(content.index(old))
        file.write(new)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        *(before.st_size, before.st_mtime_ns, before.st_ino),
    )


def test_a_source_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "rom.hex"
    file.write_text("00\n01\n")
    before = file_digest(file)
    edit(file, b"01", b"02")
    assert file_digest(file) != before
    assert Place.of(tmp_path).now("file", "rom.hex") == file_digest(file)


def test_a_library_is_read_again(tmp_path: Path) -> None:
    file = liberty(tmp_path, "tiny.lib")
    choice = LibraryChoice(files=(file,))
    before = library_version(choice)
    edit(file, b"area : 2", b"area : 9")
    assert library_version(choice).digests != before.digests
    with pytest.raises(MachineError, match="changed while it was used"):
        check_version(choice, before)


def test_a_library_edited_in_a_build_is_kept_by_no_result(tmp_path: Path) -> None:
    file = liberty(tmp_path, "tiny.lib")
    choice = LibraryChoice(files=(file,))
    build = guarded(
        choice, library_version(choice), lambda folder: edit(file, b"area : 2", b"area : 9")
    )
    with pytest.raises(MachineError, match="changed while it was used"):
        build(tmp_path)
