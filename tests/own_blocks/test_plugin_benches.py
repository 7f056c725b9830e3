"""The pytest plugin in a user's project: what it finds, and what a failure leaves."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from chipdse.cli.pytest_plugin import _references
from tests.support.own_projects import BENCH_COUNTER, run, write_project


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.py", "from chipdse_hdl.block import Block\nFANCY = Block(name='x')\n", ["a:FANCY"]),
        ("b.py", "A: Block = block.Block()\nB = C = Block()\n", ["b:A", "b:B", "b:C"]),
        ("c.py", "def f():\n    A = Block()\nB = NoBlock()\n", []),
        ("test_d.py", "A = Block()\n", []),
        ("e.py", "A = Block(\n", []),  # not Python: pytest or an import will say so
        ("f.toml", 'sources = ["f.v"]\ntop = "f"\n', ["f.toml"]),
        ("g.toml", 'block = "fir"\n[hardware]\n', []),
        ("h.toml", "sources = [", []),
    ],
)
def test_blocks_are_found_without_importing(
    tmp_path: Path, name: str, text: str, found: list[str]
) -> None:
    (tmp_path / name).write_text(text)
    assert list(_references(tmp_path / name)) == found


def test_a_block_in_a_package_has_the_packages_name(tmp_path: Path) -> None:
    inner = tmp_path / "mylib" / "dsp"
    inner.mkdir(parents=True)
    (tmp_path / "mylib" / "__init__.py").touch()
    (inner / "__init__.py").touch()
    (inner / "fast.py").write_text("FAST = Block()\n")
    assert list(_references(inner / "fast.py")) == ["mylib.dsp.fast:FAST"]


@pytest.mark.tools
def test_a_failure_leaves_its_waveform_and_its_reason(tmp_path: Path) -> None:
    wrong = BENCH_COUNTER.replace('p["STEP"]', "2")
    project = write_project(tmp_path / "project", **{"bench_counter.py": wrong})
    cache = tmp_path / "cache"
    done = run(project, "-q", "--junit-xml=results.xml", cache=cache, module="pytest")
    assert done.returncode == 1, done.stdout
    assert "failed in counts: count in cycle" in done.stdout
    waves = list((project / "waves").iterdir())
    assert len(waves) == 1 and waves[0].suffix in (".fst", ".vcd") and waves[0].stat().st_size > 100
    (case,) = ElementTree.parse(project / "results.xml").getroot().iter("testcase")
    assert case.get("name") == "counter.toml[WIDTH=8 STEP=1]"
    assert case.find("failure") is not None
    properties = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert properties["waves"] == str(waves[0])
    assert properties["simulator"].startswith(("icarus ", "verilator "))
    assert properties["parameters"] == "WIDTH=8 STEP=1"
    assert "count in cycle" in properties["log"] and properties["log"].count("\n") < 50
    # The bench passes again: the waveform of the failure is no longer in the folder.
    (project / "bench_counter.py").write_text(BENCH_COUNTER)
    (project / "waves" / "of_something_else.fst").touch()
    done = run(project, "-q", cache=cache, module="pytest")
    assert done.returncode == 0, done.stdout
    assert [file.name for file in (project / "waves").iterdir()] == ["of_something_else.fst"]


@pytest.mark.slow
def test_without_benches_nothing_is_run(tmp_path: Path) -> None:
    project = write_project(tmp_path)
    words = ["-q", "--no-benches", "--collect-only"]
    done = run(project, *words, cache=tmp_path / "cache", module="pytest")
    assert "no tests" in done.stdout and done.returncode == 5


@pytest.mark.slow
def test_named_blocks_come_beside_those_that_are_found(tmp_path: Path) -> None:
    settings = (
        "[tool.pytest.ini_options]\nchipdse_blocks = ['acme.blocks:narrow', 'counter.toml']\n"
    )
    project = write_project(tmp_path, **{"pyproject.toml": settings})
    done = run(project, "-q", "--collect-only", cache=tmp_path / "cache", module="pytest")
    assert done.stdout.count("counter.toml[WIDTH=8 STEP=1]") == 1, done.stdout
    assert done.stdout.count("acme.blocks:narrow[extra=2]") == 1, done.stdout
