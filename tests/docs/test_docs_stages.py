"""The stages that the documentation and the command line list are those of the program."""

from __future__ import annotations

import importlib
import json
from types import ModuleType

import pytest

from chipdse.cli import main
from chipdse.evaluate import STAGES
from tests.support.docs_pages import ROOT


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The program that writes the reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        return importlib.import_module("generate")


def test_the_page_on_reuse_has_the_table_of_the_stages(generate: ModuleType) -> None:
    assert generate.stage_table() in (ROOT / "docs/concepts/reuse.md").read_text()


@pytest.mark.slow
def test_the_reference_has_every_stage_with_every_input(generate: ModuleType) -> None:
    page = generate.stages()
    for stage in STAGES:
        section = page.partition(f"## {stage.name}\n")[2].partition("\n## ")[0]
        assert stage.does in section
        assert all(f"| `{name}` |" in section for name in stage.inputs)


def test_the_verb_lists_every_stage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stages", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["stages"]
    assert [stage["name"] for stage in listed] == [stage.name for stage in STAGES]
    by_name = {stage["name"]: stage for stage in listed}
    assert "chipdse.netlist.layout.placer.place" in by_name["wires"]["modules"]
    assert "chipdse.netlist.layout.placer.place" not in by_name["glitches"]["modules"]
    assert by_name["simulate"]["runs_user_code"] and not by_name["synthesise"]["runs_user_code"]
    assert main(["stages"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(f"{stage.name}: {stage.does}" in lines for stage in STAGES)


def test_an_example_in_a_docstring_is_a_block_of_code(generate: ModuleType) -> None:
    page = generate.PAGES["python"]()
    assert "```pycon\n>>> evaluate_point(" in page and "\n``\n" not in page
