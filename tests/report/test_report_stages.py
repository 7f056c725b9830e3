"""Which stages an evaluation runs is shown on the terminal, with what each stage does."""

import re
from pathlib import Path

import pytest

from chipdse.evaluate import STAGES
from chipdse.report.terminal.stages import shown_stages
from chipdse.store.store import Store

SOURCES = Path(__file__).parents[2] / "chipdse"


def test_a_stage_is_told_when_it_is_built_and_not_when_it_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(folder: Path) -> None:
        (folder / "netlist.v").write_text("module top; endmodule\n")

    with shown_stages() as tell:
        store = Store(root=tmp_path, tell=tell)
        for cells in (1, 1, 2):
            store.folder("synthesise", {"cells": cells}, build)
    told = capsys.readouterr()
    assert told.err == "synthesise: maps the RTL to the cells of the library\n" * 2
    assert not told.out


def test_every_stage_can_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_stages() as tell:
        for stage in STAGES:
            tell(stage.name)
    expected = [f"{stage.name}: {stage.does}" for stage in STAGES]
    assert capsys.readouterr().err.splitlines() == expected


def test_every_stage_of_the_program_is_in_its_list() -> None:
    sources = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    names = re.findall(r'^[A-Z_]+ = Stage\(\n    name="([a-z-]+)"', sources, re.MULTILINE)
    assert sorted(names) == sorted(stage.name for stage in STAGES)
    assert {"elaborate", "simulate", "synthesise", "measure", "wires", "glitches"} <= set(names)


def test_no_key_is_made_anywhere_but_from_a_stage() -> None:
    calls = re.compile(r"\.folder(?:_by_reads)?\((?:\s*self\.name|\s*\")")
    files = {path.name for path in SOURCES.rglob("*.py") if calls.search(path.read_text())}
    assert files == {"stage.py"}
