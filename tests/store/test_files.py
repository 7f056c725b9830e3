"""Files and folders appear complete or not at all."""

from pathlib import Path

import pytest

from chipdse.store.files import replacing, write_folder, write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    write_whole(path, "µ\n")
    write_whole(path, b"b\n")
    assert path.read_bytes() == b"b\n"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_file_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    write_whole(path, "before")
    with pytest.raises(KeyboardInterrupt), replacing(path) as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_takes_the_place_of_an_empty_one_only(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "empty", {"rtl/top.v": "module top; endmodule\n"})
    assert (tmp_path / "empty/rtl/top.v").is_file()
    with pytest.raises(OSError, match="not empty"):
        write_folder(tmp_path / "empty", {"other.v": ""})
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert (tmp_path / "empty/rtl/top.v").is_file()


def test_files_are_readable_as_the_mask_of_the_user_says(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    write_whole(tmp_path / "whole", "")
    write_folder(tmp_path / "folder", {"a": ""})
    mode = plain.stat().st_mode & 0o777
    assert (tmp_path / "whole").stat().st_mode & 0o777 == mode
    assert (tmp_path / "folder").stat().st_mode & 0o666 == mode
