"""TOML files that are too deep, too large or no text end in one line, whichever verb reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.cli import main
from chipdse.reading import LARGEST_TOML_BYTES, parse_toml, toml_text


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("verb", ["sweep", "package", "eval"])
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x = " + b"[" * 100_000, "nested too deeply"),
        (b"a" + b".a" * 50_000 + b" = 1", "nested too deeply"),
        (b'["a b" ' + b". 'a b'" * 50_000 + b"]", "nested too deeply"),
        (b"x = " + b"1" * 5_000, "4300 digits"),
        (b"x = \xff\xfe", "can't decode"),
        (b"#" * (LARGEST_TOML_BYTES + 1), "larger than 16 MB"),
        (b"x = ", "Invalid value"),
    ],
    ids=["deep", "dotted key", "dotted table", "digits", "bytes", "large", "cut"],
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


OBJECTIVES = 'block_area_m2 = "minimize"\nblock_energy_per_op_j = "minimize"\n'
LARGE = "1" + "0" * 400


@pytest.mark.parametrize(
    ("group", "line", "why"),
    [
        ("library", 'name = "sky130\\u0000"', "is not known"),
        ("library", f'name = "{"a" * 5_000}"', "is not known"),
        ("library", f'name = ["sky130", "{"a" * 5_000}"]', "is not known"),
        ("operating", f"vdd_v = {LARGE}", "vdd_v: a number of 401 digits"),
        ("operating", f"vdd_v = [-{LARGE}]", "vdd_v: a number of 401 digits"),
        ("operating", f"vdd_v = {{ min = 1, max = {LARGE}, count = 2 }}", "vdd_v"),
        ("operating", f"vdd_v = {{ min = 1, max = {LARGE}, step = 1 }}", "vdd_v"),
    ],
)
def test_hostile_values_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], group: str, line: str, why: str
) -> None:
    path = tmp_path / "hostile.toml"
    groups = {"hardware": "bits = [8, 9]", "library": 'name = "sky130"', group: line}
    text = "".join(f"[{name}]\n{content}\n" for name, content in groups.items())
    path.write_text(f'block = "adder"\n{text}[objectives]\n{OBJECTIVES}')
    assert main(["sweep", str(path), "--study", str(tmp_path / "study")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and why in said
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["a" * 1_000_000, "a" + ".a" * 99, '"' * 100_000, "-." * 90])
def test_long_words_and_short_keys_are_no_deep_ones(text: str) -> None:
    assert parse_toml(f"# {text}\nx = '{text}'\n") == {"x": text}


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    """Windows editors write one at the beginning of a file."""
    path = tmp_path / "marked.toml"
    path.write_bytes(b"\xef\xbb\xbfx = 1\r\n")
    assert parse_toml(toml_text(path)) == {"x": 1}
