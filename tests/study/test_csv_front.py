"""Fronts of tables that others wrote: each value in its column, or one line that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.study.results.csv_front import front_of_csv


def table(folder: Path, text: str | bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "name,delay,area\na,3,1\nb,1,3\nc,3,3\n",
        "name,delay,area\na,3,1,\nb,1,3,\nc,3,3,\n",  # a comma at the end of each line
        "\ufeffname,delay,area\r\na,3,1\r\nb,1,3\r\nc,3,3\r\n",
        'name,delay,area\n"a,\n1",3,1\nb,1,3\nc,3,3\n',
        "delay,area,on_front\n3,1,no\n1,3,no\n3,3,yes\n",
        "delay,area\n3,1\n1,3\n3,\n,3\n3,inf\n",
    ],
)
def test_values_stay_in_their_columns(tmp_path: Path, text: str) -> None:
    found, knee = front_of_csv(table(tmp_path, text), ["delay", "area"], [])
    front = found[found["on_front"]]
    assert front[["delay", "area"]].to_numpy().tolist() == [[3, 1], [1, 3]]
    assert knee in (0, 1)


def test_numbers_are_those_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = ["0.1234567890123456", "5.5511151231257827e-17", "123456789.12345679", "1e22"]
    path = table(tmp_path, "x,y\n" + "".join(f"{number},1\n" for number in numbers))
    assert main(["front", str(path), "--minimize", "y", "--maximize", "x", "--format", "csv"]) == 0
    printed = capsys.readouterr().out.splitlines()[1].split(",")[0]
    assert float(printed) == pytest.approx(1e22, rel=1e-14)
    found, _ = front_of_csv(path, ["x"], [])
    assert found["x"].tolist() == pytest.approx([float(number) for number in numbers], rel=1e-14)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2,3\n4,5,6\n", "rows with more cells than its header has names"),
        ("a,b\n1,2,3\n4,5,\n", "rows with more cells than its header has names"),
        ("a,b\n1,2\n4,5,6\n", "is not a table of comma-separated values"),
        ("a,b,a\n1,2,3\n4,5,6\n", "has 2 columns 'a'; rename or remove"),
        ("a;b\n1;2\n", "'a' is not a column"),
        ("a,b\n1.5.2,2\n", "'a' is text in"),
        ('a,b\n"1,5",2\n', "'a' is text in"),
        ("a,b\n0x10,2\n", "'a' is text in"),
        ("a,b\n,2\n", "has no row with a number in each of a"),
        ("", "is not a table of comma-separated values"),
        ("\n\n\n", "is not a table of comma-separated values"),
        (b"\xff\xfea\x00,\x00b\x00", "is not a table of comma-separated values"),
        ('a,b\n"1,2\n', "is not a table of comma-separated values"),
    ],
)
def test_other_tables_are_one_line(
    tmp_path: Path, text: str | bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path, text)
    code = main(["front", str(path), "--minimize", "a", "b"])
    error = capsys.readouterr().err
    assert code in (1, 2) and message in error and error.count("\n") == 1
    code = main(["plot", str(path), "--minimize", "a", "b", "-o", str(tmp_path / "f.svg")])
    error = capsys.readouterr().err
    assert code in (1, 2) and message in error and error.count("\n") == 1


def test_a_folder_and_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "d.csv").mkdir()
    for name in ("d.csv", "none.csv"):
        with pytest.raises(DesignError, match="is not a table of comma-separated values"):
            front_of_csv(tmp_path / name, ["a"], [])
