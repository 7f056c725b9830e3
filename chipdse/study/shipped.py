"""The sweep files that come with the package, found by name from any folder."""

from __future__ import annotations

import tomllib
from pathlib import Path

import hdl


def shipped_sweeps() -> dict[str, Path]:
    """Every sweep file that comes with the package, by name, e.g. ``fir``."""
    folder = Path(hdl.__file__).parents[1] / "sweeps"  # installed side by side
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
