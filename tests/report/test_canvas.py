"""Writing pictures into files."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.errors import DesignError
from chipdse.report.pictures.canvas import new_figure, save_figure


@pytest.mark.parametrize("name", ["missing/picture.png", "picture.unknown"])
def test_a_picture_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(DesignError, match=f"{name} cannot be written") as refused:
        save_figure(new_figure((1.0, 1.0)), tmp_path / name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_picture_has_the_kind_of_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"picture.{kind}"
    save_figure(new_figure((1.0, 1.0)), path)
    begin = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert path.read_bytes().startswith(begin)
