"""A user's project may have folders called hdl, sweeps and tests, packages or not."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.support import kernels, programs

pytestmark = pytest.mark.tools
ROOT = Path(__file__).parents[2]
CHIP = '''from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Top(wiring.Component):
    """Adds up."""

    def __init__(self, width: int = 4):
        self.width = width
        super().__init__({"x": In(width), "y": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(self.y + self.x)
        return m
'''
SWEEP = """block = "hdl.my_chip:Top"
[library]
name = "sky130"
[workload]
length = 100
[hardware]
width = [2, 3]
[physical]
wires = "none"
clock_tree = false
glitches = false
[objectives]
energy_per_op_j = "minimize"
block_area_m2 = "minimize"
[search]
trials = 2
sampler = "grid"
"""
TEST = """from hdl.my_chip import Top


def test_the_users_own_folders():
    assert Top().width == 4
"""


@pytest.fixture(params=["folders", "packages"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    files = {
        "hdl/my_chip.py": CHIP,
        "sweeps/fir.toml": SWEEP,  # a shipped sweep is called so too
        "tests/test_mine.py": TEST,
        "pyproject.toml": '[project]\nname = "mine"\nversion = "1"\n',
    }
    if request.param == "packages":
        files |= {f"{folder}/__init__.py": "" for folder in ("hdl", "sweeps", "tests")}
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def run(folder: Path, *command: str, python_path: str = "", cache: Path | None = None) -> str:
    """What a command prints in a folder; the cache lies beside the folder unless one is given."""
    cache = kernels.lend(cache or folder.parent / "cache")
    environment = os.environ | {"CHIPDSE_CACHE": str(cache)}
    if python_path:
        environment["PYTHONPATH"] = python_path
    done = programs.run("-m", *command, cwd=folder, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.few_cases(1)
def test_a_projects_own_folders_are_what_is_imported(project: Path) -> None:
    assert "Adds up" in run(project, "chipdse", "blocks", "hdl.my_chip:Top")
    assert "1 passed" in run(project, "pytest", "-q", "tests", "-p", "no:cacheprovider")
    swept = ("chipdse", "sweep", "sweeps/fir.toml", "--workers", "2", "--no-report", "--json")
    assert json.loads(run(project, *swept))
    assert {path.name for path in project.iterdir()} >= {"hdl", "sweeps", "tests", "studies"}


def test_from_the_root_of_the_repository_a_block_of_another_hdl_folder(project: Path) -> None:
    """There `hdl` is a folder without a package, and the shipped blocks are `chipdse_hdl`."""
    cache = project.parent / "cache"
    found = run(ROOT, "chipdse", "blocks", "hdl.my_chip:Top", python_path=str(project), cache=cache)
    assert "Adds up" in found
    assert "mac_array" in run(ROOT, "chipdse", "blocks", cache=cache)


def test_an_installed_wheel_takes_no_name_of_a_project(
    project: Path, distributions: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "site"
    zipfile.ZipFile(distributions[".whl"]).extractall(target)  # what pip does with a wheel
    where = "import chipdse, chipdse_hdl; print(chipdse.__file__, chipdse_hdl.__file__)"
    (project / "where.py").write_text(where)
    assert run(project, "where", python_path=str(target)).count(str(target)) == 2
    found = run(project, "chipdse", "blocks", "hdl.my_chip:Top", python_path=str(target))
    assert "Adds up" in found
    assert "1 passed" in run(project, "pytest", "-q", "tests", python_path=str(target))
    (project / "sweeps" / "fir.toml").unlink()
    script = "from chipdse.study.question.shipped import find_sweep; from pathlib import Path\n"
    (project / "where.py").write_text(f"{script}print(find_sweep(Path('fir.toml')))")
    shipped = Path(run(project, "where", python_path=str(target)).strip())
    assert shipped == target / "chipdse" / "shipped_sweeps" / "fir.toml" and shipped.is_file()
