"""The sweep files that come with the package, found by name from any folder."""

from __future__ import annotations

import tomllib
from pathlib import Path

import chipdse


def shipped_sweeps() -> dict[str, Path]:
    """Every sweep file that comes with the package, by name, e.g. ``fir``."""
    package = Path(chipdse.__file__).parent
    installed, checkout = package / "shipped_sweeps", package.parent / "sweeps"
    folder = installed if installed.is_dir() else checkout
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


def find_sweep(file: Path) -> Path:
    """The file itself; where there is none, the shipped one of that name (``fir``, ``fir.toml``).

    A name that is neither comes back as it is, for the reader to refuse.
    """
    if file.exists():
        return file
    named = file.suffix in ("", ".toml") and file.parent.name in ("", "sweeps")
    return shipped_sweeps().get(file.stem, file) if named else file


def questions() -> dict[str, str]:
    """The question of every shipped sweep, by name."""
    return {
        name: str(tomllib.loads(file.read_text("utf-8")).get("question", ""))
        for name, file in shipped_sweeps().items()
    }
