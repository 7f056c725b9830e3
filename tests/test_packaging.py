"""What is installed from the wheel stands alone: blocks, libraries, sweeps, from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from chipdse.study.shipped import find_sweep, questions, shipped_sweeps

ROOT = Path(__file__).parents[1]
SWEEP = """
question = "How many samples a cycle?"
block = "fir"
[hardware]
taps = 4
samples_per_cycle = [1, 2]
[workload]
length = 64
[library]
name = "sky130"
[objectives]
block_energy_per_op_j = "minimize"
block_area_m2 = "minimize"
"""


def test_shipped_sweeps_are_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = shipped_sweeps()
    assert {"mac_array", "fir"} <= set(shipped)
    assert all(questions().values()), "a shipped sweep without a question"
    monkeypatch.chdir(tmp_path)
    for name in ("fir", "fir.toml", "sweeps/fir.toml"):
        assert find_sweep(Path(name)) == shipped["fir"]
    own = tmp_path / "fir.toml"
    own.write_text("")
    assert find_sweep(Path("fir.toml")) == Path("fir.toml")
    assert find_sweep(Path("elsewhere/fir.toml")) == Path("elsewhere/fir.toml")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheel and sdist, the wheel built from the sdist as an index would."""
    pytest.importorskip("build", reason="the package 'build' is not installed")
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", target, ROOT],
        check=True,
        capture_output=True,
    )
    return {path.suffix: path for path in target.iterdir()}


@pytest.mark.tools
def test_wheel_and_sdist_carry_everything(built: dict[str, Path]) -> None:
    inside = set(zipfile.ZipFile(built[".whl"]).namelist())
    for folder in ("chipdse", "hdl", "sweeps"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to(ROOT)) in inside
    assert any(name.endswith("licenses/NOTICE") for name in inside)
    with tarfile.open(built[".gz"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "README.md", "NOTICE", "hdl/fir.py", "sweeps/fir.toml"} <= names


@pytest.mark.tools
def test_an_empty_environment_runs_it_from_any_folder(
    built: dict[str, Path], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    venv.create(tmp_path / "env", with_pip=True)
    scripts = tmp_path / "env" / "bin"
    installed = subprocess.run(
        [scripts / "pip", "install", "--quiet", built[".whl"]], capture_output=True, text=True
    )
    if "No matching distribution" in installed.stderr or "connection" in installed.stderr.lower():
        pytest.skip("the package index cannot be reached")
    assert installed.returncode == 0, installed.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "small.toml").write_text(SWEEP)

    def run(*words: str) -> str:
        done = subprocess.run(
            [scripts / "chipdse", *words],
            cwd=elsewhere,
            capture_output=True,
            text=True,
            env={"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "mac_array" in run("blocks") and "sky130" in run("library", "list")
    assert "mac_array" in run("sweep", "--list")
    assert "Pareto front" in run("sweep", "small.toml")
    assert (elsewhere / "studies" / "small" / "report.html").is_file()
