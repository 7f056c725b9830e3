"""What a single point says while its stages run."""

import re
from pathlib import Path

import pytest

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
    assert told.err == "synthesise: RTL to the library's cells\n" * 2
    assert not told.out


def test_every_stage_can_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    sources = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    stages = set(re.findall(r'store\.folder(?:_by_reads)?\("([a-z-]+)"', sources))
    assert {"elaborate", "simulate", "synthesise", "measure", "wires", "glitches"} <= stages
    with shown_stages() as tell:
        for stage in stages:
            tell(stage)
    assert len(capsys.readouterr().err.splitlines()) == len(stages)
