"""TOML files that are too deep, too large or no text end in one line, whichever verb reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.cli import main
from chipdse.reading import LARGEST_TOML_BYTES


@pytest.mark.parametrize("verb", ["sweep", "package", "eval"])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x = " + b"[" * 100_000, "nested too deeply"),
        (b"x = " + b"1" * 5_000, "4300 digits"),
        (b"x = \xff\xfe", "can't decode"),
        (b"#" * (LARGEST_TOML_BYTES + 1), "larger than 16 MB"),
        (b"x = ", "Invalid value"),
    ],
    ids=["deep", "digits", "bytes", "large", "cut"],
)
def test_hostile_toml_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, content: bytes, why: str
) -> None:
    path = tmp_path / "hostile.toml"
    path.write_bytes(content)
    assert main([verb, str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and why in said and "hostile.toml" in said
    assert list(tmp_path.iterdir()) == [path]
