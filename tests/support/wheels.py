"""The project as an index would have it, and an empty environment that it is installed into."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build_both(target: Path) -> dict[str, Path]:
    """Wheel and sdist by suffix, the wheel built from the sdist."""
    pytest.importorskip("build", reason="the package 'build' is not installed")
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", target, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return {path.suffix: path for path in target.iterdir()}


def install_wheel(wheel: Path, folder: Path) -> Path:
    """An environment with nothing but the wheel and what it requires; where its programs are."""
    python = folder / "env" / "bin" / "python"
    venv.create(folder / "env", symlinks=True)
    # What is imported is compiled then: to compile everything takes longer than to install it.
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
    done = subprocess.run([*pip, wheel], capture_output=True, text=True)
    if "No matching distribution" in done.stderr or "connection" in done.stderr.lower():
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return python.parent
