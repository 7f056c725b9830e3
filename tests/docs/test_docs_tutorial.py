"""The tutorial's commands run as typed, one after another from an empty folder; so do README's.

The tutorial runs in an environment that has nothing but the wheel: as someone would have it who
installed it with pip or pipx. Its programs are forked from a process of that environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chipdse.cli import main
from tests.support import kernels, programs
from tests.support.docs_pages import ROOT, commands, listings, typed
from tests.support.wheels import install_wheel

TUTORIAL = ROOT / "docs" / "tutorial" / "tutorial.md"
CHIPS = ROOT / "docs" / "tutorial" / "chips.md"
SMALL = """hardware = { rows = 1, columns = [1, 2], operand_bits = 2, accumulator_bits = 10, \
signed = false }
workload = { length = 32, depth = 8 }"""
"""Arrays that the store of the tests has, in place of those of the second chapter."""
INSTALLS = ("python3 -m venv", "pip install")  # `installed` does that, from the wheel


@pytest.fixture(scope="module")
def installed(distributions: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment that has the wheel."""
    return install_wheel(distributions[".whl"], tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def walked(
    installed: Path, docs_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    """The tutorial, walked through: its folder, and shown against printed output."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus is not installed, and check.py runs it")
    folder = tmp_path_factory.mktemp("tutorial")
    shims = tmp_path_factory.mktemp("shims")
    programs.shim(shims, installed / "chipdse", installed / "python")
    shown: list[tuple[str, str, str]] = []
    here = folder
    for listing in listings(TUTORIAL):
        first = listing.text.partition("\n")[0]
        if found := re.fullmatch(r"# (\w+\.toml)", first):
            (here / found[1]).write_text(listing.text)
        if listing.language != "console":
            continue
        for block in re.split(r"^\$ ", listing.text, flags=re.MULTILINE)[1:]:
            line, _, output = block.partition("\n")
            if line.startswith(INSTALLS):
                continue
            done = subprocess.run(
                ["bash", "-ec", line],
                cwd=here,
                env=_environment(shims, installed, store=docs_store) | {"HOME": str(folder)},
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            shown.append((line, output, done.stdout + done.stderr))
    return {"folder": folder, "shown": shown}


def _environment(*folders: Path, store: Path) -> dict[str, str]:
    ours = str(Path(sys.executable).parent)
    others = [one for one in os.environ["PATH"].split(os.pathsep) if one != ours]
    return {
        "CHIPDSE_CACHE": str(store),
        "PATH": os.pathsep.join([*map(str, folders), *others]),
        "COLUMNS": "100",
        "OPENBLAS_NUM_THREADS": "1",  # as in tests/conftest.py
        **kernels.COARSE,
    }


@pytest.mark.tools
def test_the_environment_is_the_wheels(installed: Path, docs_store: Path, tmp_path: Path) -> None:
    """The program that walks the tutorial is not this checkout, and has brought its data."""

    def said(*words: object) -> str:
        done = subprocess.run(
            [installed / words[0], *words[1:]],
            cwd=tmp_path,
            env=_environment(installed, store=docs_store) | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    find = "import chipdse, chipdse_hdl, importlib.util as i; "
    find += "print(chipdse.__file__); print(i.find_spec('hypothesis'))"
    where, of_the_tests = said("python", "-c", find).split()
    assert Path(where).is_relative_to(installed.parent)
    assert of_the_tests == "None"  # no requirement of the wheel
    assert "mac_array" in said("chipdse", "blocks")
    verbs = "main(['library', 'list']), main(['sweep', '--list'])"
    listed = said("python", "-c", f"from chipdse.cli import main; {verbs}")
    assert "sky130" in listed and "mac_array" in listed


def without_numbers(text: str) -> set[str]:
    """The lines of an output, numbers and spacing aside."""
    lines = (re.sub(r"\d[\d.,]*(e[+-]?\d+)?", "#", line) for line in text.splitlines())
    return {" ".join(line.split()) for line in lines}


@pytest.mark.tools
def test_the_tutorial_runs(walked: dict[str, object]) -> None:
    folder = walked["folder"]
    assert isinstance(folder, Path)
    for name in ("adders.html", "front.svg", "points.csv", "chosen/netlist.v"):
        assert (folder / name).stat().st_size > 0
    assert len((folder / "points.csv").read_text().splitlines()) == 19


@pytest.mark.tools
def test_its_outputs_look_as_shown(walked: dict[str, object]) -> None:
    """Every shown line is printed, its numbers within 0.5 %."""
    shown = walked["shown"]
    assert isinstance(shown, list)
    assert look_as_shown(shown) >= 10


def look_as_shown(shown: list[tuple[str, str, str]]) -> int:
    """Compare what commands print with what the page shows; how many lines were compared.

    shown : commands, shown and printed outputs
    """
    compared = 0
    for line, expected, printed in shown:
        wanted = without_numbers(expected) - {"", "..."}
        compared += len(wanted)
        assert wanted <= without_numbers(printed), f"{line}: {wanted - without_numbers(printed)}"
        for row in filter(any, map(numbers, expected.splitlines())):
            assert any(alike(row, other) for other in map(numbers, printed.splitlines())), (
                f"{line}: no printed line has the numbers {row} within 0.5 %"
            )
    return compared


def walk_chips(
    folder: Path, capsys: pytest.CaptureFixture[str], *, small: bool
) -> list[tuple[str, str, str]]:
    """The commands of the second chapter, run in a folder: as `look_as_shown` takes them.

    small : with `SMALL` arrays, in the sweep and in the chip of the page
    """

    def adapted(text: str) -> str:
        return re.sub("hardware = .*", SMALL, text) if small else text

    if small:  # found before the one that ships
        shipped = (ROOT / "sweeps" / "edge_classifier.toml").read_text()
        (folder / "edge_classifier").write_text(
            re.sub("trials = 4", "trials = 2", adapted(shipped))
        )
    shown = []
    for listing in listings(CHIPS):
        if found := re.match(r"# (\w+\.toml)\n", listing.text):
            (folder / found[1]).write_text(adapted(listing.text))
        if listing.language != "console":
            continue
        for block in re.split(r"^\$ ", listing.text, flags=re.MULTILINE)[1:]:
            line, _, output = block.partition("\n")
            words, _, target = line.partition(" > ")
            assert main(words.split()[1:]) == 0, line
            printed = capsys.readouterr().out
            if target:
                (folder / target).write_text(printed)
            shown.append((line, output, printed))
    return shown


@pytest.mark.exhaustive
@pytest.mark.tools
def test_the_second_chapter_runs(
    warm_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its commands, on arrays that are measured already; `make test-all` runs them as they are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    assert len(walk_chips(tmp_path, capsys, small=True)) >= 4
    for name in ("chips.csv", "edge_classifier.html", "one_chip.html"):
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.tools
@pytest.mark.exhaustive
def test_the_second_chapter_prints_what_it_shows(
    docs_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIPDSE_CACHE", str(docs_store))
    assert look_as_shown(walk_chips(tmp_path, capsys, small=False)) >= 15


def numbers(line: str) -> list[float]:
    """The numbers of a line."""
    found = re.findall(r"(?<![\w.])\d[\d,]*\.?\d*", line)
    return [float(one.replace(",", "")) for one in found]


def alike(row: list[float], other: list[float]) -> bool:
    """Whether two lines have the same numbers within 0.5 %."""
    return len(row) == len(other) and all(
        abs(a - b) <= 0.005 * abs(b) for a, b in zip(row, other, strict=True)
    )


@pytest.mark.tools
def test_readme_commands_run(
    walked: dict[str, object], docs_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of README that take seconds; the study is the tutorial's."""
    study = f"{walked['folder']}/studies/which_adder"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHIPDSE_CACHE", str(docs_store))
    quick = ("blocks", "front", "plot", "export", "new")
    ran = [one for one in commands("chipdse") if one.where.startswith("README") and one.whole]
    ran = [one for one in ran if one.words[0] in quick]
    assert len(ran) >= 4
    for one in ran:
        assert main([word.replace("studies/fir", study) for word in one.words]) == 0, str(one)


def test_every_typed_line_is_looked_at() -> None:
    lines = [line for one in listings(TUTORIAL) for line in typed(one)]
    assert len(lines) >= 10 and all(line.strip() for line in lines)
