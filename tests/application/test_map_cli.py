"""The verb `map`: its JSON, its table, and one clear line for wrong input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chipdse.cli import main

LAYERS = "name,m,n,k,count\nfirst,9,7,10,1\nsecond,4,4,600,2\n"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["map", *words])
    out, err = capsys.readouterr()
    return code, out, err


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code, out, _ = run(capsys, *words, "--json")
    assert code == 0
    result: dict[str, Any] = json.loads(out)
    return result


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "net.csv"
    path.write_text(LAYERS)
    return str(path)


def test_rows_by_hand(capsys: pytest.CaptureFixture[str], table: str) -> None:
    result = document(capsys, table, "--part", "mac_array", "--set", "rows=4", "columns=3")
    first, second = result["layers"]
    assert {name: first[name] for name in ("m", "n", "k", "count", "cycles", "bound")} == {
        **{"m": 9, "n": 7, "k": 10, "count": 1},
        **{"cycles": 126, "bound": "compute"},  # 9 tiles of 10 + 2 * 3 - 2 cycles
    }
    assert (first["reads"], first["writes"]) == (9 * 10 * 3 + 7 * 10 * 3, 63)
    assert second["cycles"] == 2 * 2 * 604
    totals = result["totals"]
    assert totals["cycles"] == 126 + 2416
    assert totals["macs"] == 630 + 19200
    assert totals["utilisation"] == pytest.approx(19830 / (2542 * 12))
    assert "deeper than 511" in result["notes"][0]


def test_the_ideal_array_by_hand(capsys: pytest.CaptureFixture[str], table: str) -> None:
    result = document(capsys, table, "--set", "rows=4", "columns=3", "--ideal")
    # 9 folds of 10 + 4 + 3 - 2 cycles, the last one less one; 4 folds of 605.
    assert [row["cycles"] for row in result["layers"]] == [9 * 15 - 1, 4 * 605 - 1]


def test_memories_give_times_and_the_limit(capsys: pytest.CaptureFixture[str], table: str) -> None:
    words = ("--clock", "10ns", "--buffer", "16KiB", "--buffer-family", "ihp_1p", "--dram", "hbm2e")
    result = document(capsys, table, *words, "--dram-bandwidth", "1MB/s")
    first = result["layers"][0]
    assert first["bound"] == "dram"
    assert first["latency_s"] == pytest.approx((90 + 70 + 63) * 8 / 8e6)
    assert result["totals"]["task_bound"] == "dram"
    assert any("idle power of hbm2e" in note for note in result["notes"])
    assert "micron.com" in result["sources"]["memory.device_energy.hbm2e"]


def test_the_table_is_for_people(capsys: pytest.CaptureFixture[str], table: str) -> None:
    code, out, err = run(capsys, table, "--set", "rows=4", "columns=3")
    assert code == 0
    assert "first" in out and "126" in out and "cycles" in out
    assert err.startswith("note: layer 'second' is deeper than 511")


def test_shipped_networks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--list")
    assert code == 0 and "resnet8" in out.split()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no network is given"),
        (["resnet9"], "network 'resnet9' is unknown"),
        (["none.csv"], "none.csv cannot be read: No such file"),
        (["none.onnx"], "none.onnx cannot be read: No such file"),
        (["resnet8", "--part", "fir"], "block 'fir' has no contract"),
        (["resnet8", "--part", "mac_arry"], "mac_array"),
        (["resnet8", "--set", "rows=0"], "rows=0 is too small"),
        (["resnet8", "--copies", "0"], "copies=0 must be 1 or more"),
        (["resnet8", "--batch", "-1"], "batch=-1 must be 1 or more"),
        (["resnet8", "--dram", "hbm2e"], "needs a clock"),
        (["resnet8", "--dram", "ddr9", "--clock", "5ns"], "DRAM 'ddr9' is unknown"),
        (["resnet8", "--dram", "ddr5", "--clock", "5ns"], "no published energy per bit"),
        (["resnet8", "--buffer", "many"], "'many' is not a number of bytes"),
        (["resnet8", "--buffer", "64GiB", "--buffer-family", "x"], "SRAM family 'x' is unknown"),
        (["resnet8", "--buffer", "1KiB", "--set", "rows=64", "columns=64"], "does not fit"),
        (["resnet8", "--clock", "0ns"], "must be above 0"),
        (["resnet8", "--dram-energy", "6pJ"], "--dram-energy needs --dram"),
        (["resnet8", "--vdd", "1V"], "--vdd goes with --measure"),
        (["resnet8", "--ideal", "--buffer", "1MiB"], "--buffer and --ideal are both given"),
        (["resnet8", "--export", "x", "--dram", "hbm2e"], "--export needs a measured part"),
        (["resnet8", "--export", "x", "--measure"], "--export needs an outer memory"),
        (["resnet8", "--ideal", "--copies", "2"], "an ideal array is one array"),
    ],
)
def test_wrong_input_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
