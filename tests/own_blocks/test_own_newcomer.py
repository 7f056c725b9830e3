"""A newcomer's path: the commands of the documentation, as typed, from nothing to a front."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chipdse.cli.new import write_starter
from chipdse.errors import DesignError
from tests.support.own_projects import run

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def commands(page: str, heading: str) -> list[list[str]]:
    """The indented command lines under a heading."""
    part = (DOCS / page).read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip() for line in part.splitlines() if line.startswith("    ")]
    return [shlex.split(line, comments=True) for line in lines]


def steps(workflow: str) -> list[list[str]]:
    """What a workflow's `run` steps type."""
    lines = [
        line.strip().removeprefix("- run: ") for line in workflow.splitlines() if "- run:" in line
    ]
    return [shlex.split(line) for line in lines]


FAULTS = {
    "dot_product": ("smoother/block.py", "products.append(product)", "products.append(~product)"),
    "component": ("smoother/block.py", "self.a + self.b", "self.a | self.b"),
    "stream": ("smoother/block.py", "~self.y_valid | self.y_ready", "self.y_ready | 1"),
    "fir": ("smoother/block.py", "total + product", "total - product"),
    "verilog": ("smoother.sv", "else if (en)", "else"),
}
"""For each kind a fault in its hardware that its bench has to see."""
TESTS = {"dot_product": 5, "component": 3, "stream": 3, "fir": 3}
"""How many tests without a simulator each kind has."""


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("like", FAULTS)
def test_each_kind_works_and_its_bench_sees_a_fault(tmp_path: Path, like: str) -> None:
    folder, cache = tmp_path / "smoother", tmp_path / "cache"
    words = ["new", "block", "smoother", "--like", like]
    assert run(tmp_path, *words, cache=cache, module="chipdse.cli").returncode == 0
    if like != "verilog":
        done = run(folder, "-q", "tests", cache=cache, module="pytest")
        assert f"{TESTS[like]} passed" in done.stdout, done.stdout
    block = "smoother.toml" if like == "verilog" else "smoother.block:BLOCK"
    simulate = ["sim", block, *(("--workload", "load=0.4") if like == "stream" else ())]
    done = run(folder, *simulate, cache=cache, module="chipdse.cli")
    assert "every output of" in done.stdout, done.stderr
    where, right, wrong = FAULTS[like]
    text = (folder / where).read_text()
    assert right in text
    (folder / where).write_text(text.replace(right, wrong))
    done = run(folder, *simulate, cache=cache, module="chipdse.cli")
    assert done.returncode == 1 and "differ" in done.stderr


@pytest.mark.tools
def test_the_documented_commands_lead_to_a_front(tmp_path: Path) -> None:
    typed = commands("howto/own_block.md", "From nothing to a front")
    assert [words[0] for words in typed[:3]] == ["chipdse", "cd", "pytest"] and len(typed) == 9
    folder, output = tmp_path, ""
    for words in typed:
        if words[0] == "cd":
            folder /= words[1]
            continue
        module = "pytest" if words[0] == "pytest" else "chipdse.cli"
        done = run(folder, *words[1:], cache=tmp_path / "cache", module=module)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        output += done.stdout
    assert "6 passed" in output  # three tests, the bench at the default and at two corners
    assert "passed: every output of smoother.block:BLOCK equals the reference" in output
    assert (folder / "studies" / "sweep" / "report.html").is_file()
    assert (folder / "smoother_knee" / "netlist.v").is_file()
    # The recipe for continuous integration: what of it needs no machine of its own.
    recipe = steps((folder / ".github" / "workflows" / "hardware.yml").read_text())
    assert [words[0] for words in recipe] == ["sudo", "pip", "pytest", "chipdse"]
    assert recipe[1][-2:] == [".", "pytest"]
    words = [*recipe[2][1:], "--chipdse-corners", "2"]
    done = run(folder, *words, cache=tmp_path / "cache", module="pytest")
    assert done.returncode == 0, done.stdout
    cases = ElementTree.parse(folder / "results.xml").getroot().iter("testcase")
    benches = [case for case in cases if "smoother.block:BLOCK[" in case.get("name", "")]
    assert len(benches) == 3 and all(case.find("properties") is not None for case in benches)
    done = run(folder, *recipe[3][1:], "--json", cache=tmp_path / "cache")
    found = json.loads(done.stdout)
    assert (found["corners_in_all"], found["corners_run"], found["failed"]) == (2, 2, 0)


def test_the_smallest_block_is_the_default(tmp_path: Path) -> None:
    written = write_starter("smoother", tmp_path / "smoother")
    smallest = write_starter("smoother", tmp_path / "smallest", "component")
    assert [file.read_bytes() for file in written] == [file.read_bytes() for file in smallest]
    lines = (tmp_path / "smoother" / "smoother" / "block.py").read_text().splitlines()
    assert len(lines) < 100
    readme = (tmp_path / "smoother" / "README.md").read_text()
    assert "--set width=16  #" in readme and "lanes" not in readme


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("like", FAULTS)
def test_the_starter_is_in_house_style(tmp_path: Path, like: str) -> None:
    write_starter("smoother", tmp_path / "smoother", like)
    for words in (["check", "--select", "E,F,I,UP,B,SIM,RET,PTH"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--line-length", "100", "."],
            cwd=tmp_path / "smoother",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_the_documented_recipe_is_the_starters() -> None:
    page = (DOCS / "howto" / "ci.md").read_text()
    shown = page.split("```yaml\n")[1].split("```")[0]
    starter = ROOT / "chipdse" / "cli" / "starter" / "hardware.yml.txt"
    assert shown == starter.read_text()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("2fast", "no name for a Python package"),
        ("class", "no name"),
        ("Mine", "small letters"),
        ("chipdse_hdl", "would hide a package"),
        ("re", "would hide a package"),
    ],
)
def test_names_that_are_none(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        write_starter(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DesignError, match="not an empty folder"):
        write_starter("smoother", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
