"""The project as an index would have it, and an empty environment that it is installed into."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def build_both(target: Path) -> dict[str, Path]:
    """Wheel and sdist by suffix, the wheel built from the sdist."""
    pytest.importorskip("build", reason="the package 'build' is not installed")
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", target, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return {path.suffix: path for path in target.iterdir()}


def install_wheel(wheel: Path, folder: Path) -> Path:
    """An environment with nothing but the wheel and what it requires; where its programs are.

    pip installs the wheel. Its requirements are links to the packages of this environment: to
    install and compile them again takes longer than all that the environment is for.
    """
    python = folder / "env" / "bin" / "python"
    venv.create(folder / "env", symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, "--no-deps", wheel], check=True, capture_output=True)
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    (installed,) = metadata.distributions(name="chipdse", path=[str(site)])
    for name in sorted(required(installed.requires or [])):
        link(name, site)
    return python.parent


def required(requirements: Iterable[str]) -> set[str]:
    """Names of the distributions that requirements ask for on this machine, and of theirs."""
    names: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        one = waiting.pop()
        if one.name in names or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        names.add(one.name)
        wanted = [Requirement(text) for text in metadata.requires(one.name) or []]
        extras = [{"extra": extra} for extra in one.extras or ("",)]
        waiting += [w for w in wanted if not w.marker or any(map(w.marker.evaluate, extras))]
    return names


def link(name: str, site: Path) -> None:
    """Link what a distribution has at the top of its folder of packages into another one."""
    distribution = metadata.distribution(name)
    tops = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
    for top in tops:
        if not (site / top).exists():
            (site / top).symlink_to(Path(str(distribution.locate_file(top))))
