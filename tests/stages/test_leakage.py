"""Tests of side channels: what leaks is found, what is masked passes, for the right reason."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from chipdse.cli import main
from tests.support.traces.gadget import write_gadget

pytestmark = pytest.mark.tools
PLAIN = ["--physical", "wires=none", "clock_tree=false", "added_cells=false", "glitches=false"]
SHORT = ["--cycles", "6", "--workload", "length=40"]
SECRET = ["--secret", "x", *SHORT]


@pytest.fixture(scope="module")
def gadget(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_gadget(tmp_path_factory.mktemp("gadget")))


def outcome(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> dict:
    assert main(["leakage", *words, *PLAIN, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_masked_product_does_not_leak_in_the_first_order(
    gadget: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    masked = outcome(capsys, gadget, *SECRET, "--traces", "50000", code=0)
    assert masked["traces"] == 51200
    assert masked["max_t_first_order"] < 4.5 and masked["leaking_nets"] == []
    assert masked["traces_needed_first_order"] is None
    # Two shares together are not independent of their word.
    assert masked["max_t_second_order"] > 10
    bare = outcome(capsys, gadget, *SECRET, "--traces", "4096", "--no-masks", code=1)
    assert bare["max_t_first_order"] > 20 and bare["traces_needed_first_order"] <= 2048
    # The word is in a0 after the first edge; the product one edge later.
    assert abs(bare["first_t"][0]) > 4.5


# Without a blind, shares of the product are a0 & y and a1 & y: they tell of y, not of x.
@pytest.mark.parametrize(("flaw", "secret"), [(1, "x"), (2, "y")])
def test_flaws_are_found(
    flaw: int,
    secret: str,
    gadget: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [gadget, "--set", f"FLAW={flaw}", "--secret", secret, *SHORT, "--traces", "16384"]
    result = outcome(capsys, *words, code=1)
    assert result["max_t_nets"] > result["net_threshold"] > 4.5
    names = {net["net"] for net in result["leaking_nets"]}
    if flaw == 1:
        # Each bit of `mixed`, and of what computes it, and nothing else.
        assert {f"open[{bit}]" for bit in range(8)} <= names
        assert not any("share" in name for name in names)
        assert result["leaking_modules"] == {"": len(names)}


def test_same_result_for_any_number_of_threads_and_engine(
    gadget: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chipdse.design import Design, LibraryChoice, PhysicalOptions, find_block, make_record
    from chipdse.netlist.library.catalogue import DEFAULT
    from chipdse.stages.build import build_hardware
    from chipdse.stages.leakage import measure_leakage
    from chipdse.stages.leakage_records import LeakageTest
    from chipdse.store.store import Store, quiet

    monkeypatch.chdir(tmp_path)
    block = find_block(gadget)
    design = Design(
        block=block,
        parameters=make_record(block.parameters, {}, "gadget"),
        workload=make_record(block.workload, {}, "workload"),
        library=LibraryChoice(name=DEFAULT),
        physical=PhysicalOptions(wires="none", clock_tree=False, added_cells=False, glitches=False),
    )
    store = Store(root=tmp_path / "store", tell=quiet)
    _, hardware = build_hardware(design, store)
    test = LeakageTest(secret=("x@0-2", "y"), traces=6000, cycles=5, correlate="a0")
    results = [
        measure_leakage(design, hardware, store, test, jobs=jobs, engine=engine)
        for jobs, engine in ((1, "auto"), (3, "auto"), (2, "numpy"))
    ]
    for other in results[1:]:
        assert (other.first_t == results[0].first_t).all()
        assert (other.net_t == results[0].net_t).all()
        assert (other.correlation == results[0].correlation).all()
    # Half of a0's changes are seen in the weight of its new value, among all other registers.
    assert 0.05 < np.abs(results[0].correlation).max() < 1


def test_a_masked_product_between_registers_passes_with_glitches(
    gadget: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Products that registers keep apart from each other pass with delays, too."""
    monkeypatch.chdir(tmp_path)
    masked = outcome(capsys, gadget, *SECRET, "--traces", "10000", "--glitches", code=0)
    assert masked["traces"] == 10240 and masked["second_t"] == []
    assert masked["max_t_first_order"] < 4.5 and masked["leaking_nets"] == []
    bare = [*SECRET, "--traces", "4096", "--glitches", "--no-masks"]
    assert outcome(capsys, gadget, *bare, code=1)["max_t_first_order"] > 20
    flawed = ["--set", "FLAW=1", *SECRET, "--traces", "10000", "--glitches"]
    names = {net["net"] for net in outcome(capsys, gadget, *flawed, code=1)["leaking_nets"]}
    assert {f"open[{bit}]" for bit in range(8)} <= names


def test_files_and_text(
    gadget: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [gadget, *SECRET, "--traces", "2000", "--no-masks", "--correlate", "a0@1"]
    result = outcome(capsys, *words, "--to", "t.csv", "t.svg", code=1)
    with (tmp_path / "t.csv").open() as file:
        rows = list(csv.DictReader(file))
    for name in ("first_t", "second_t", "correlation"):
        assert [float(row[name]) for row in rows] == result[name]
    assert "second order" in (tmp_path / "t.svg").read_text()
    assert main(["leakage", *words, *PLAIN]) == 1
    text = capsys.readouterr().out
    assert "2048 traces of 6 cycles, half of them fixed; zero delay, no noise" in text
    assert "leaks; seen from 2048 traces on" in text and "correlation" in text
    assert main(["leakage", *words[:-2], *PLAIN, "--glitches", "--to", "t.csv", "t.png"]) == 1
    assert "with glitches, no noise" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--secret", "z"], "secret 'z' is no input; use one of"),
        # What stands before "@" is a port's name, or a mistaken URL with its password.
        (["--secret", "postgresql://me:pw@h/db"], "secret 'postgresql://me:***@h/db' is no input"),
        (["--secret", "x@9-3"], "secret 'x@9-3': write PORT@CYCLE or PORT@FIRST-LAST up to"),
        (["--secret", "x", "--random", "q"], "random port 'q' is no input"),
        (["--secret", "x", "--traces", "1"], "1 traces; use 2 to"),
        (["--secret", "x", "--seed", "-1"], "seed -1 is negative; use 0 or more"),
        (["--secret", "x", "--cycles", "9999"], "9999 cycles from"),
        (["--secret", "x", "--correlate", "q"], "no flip-flop stores register 'q'"),
        (["--secret", "x", "--correlate", "a0@z"], "write REGISTER or REGISTER@CYCLE"),
        (["--secret", "x", "--correlate", "a0", "--glitches"], "correlation with glitches is not"),
        (["--secret", "x", "--to", "t.vcd"], "--to 't.vcd': write .csv, .png, .svg or .pdf"),
    ],
)
def test_wrong_secrets_and_options_are_refused(
    words: list[str],
    message: str,
    gadget: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["leakage", gadget, *PLAIN, *words]) == 2
    assert message in capsys.readouterr().err
