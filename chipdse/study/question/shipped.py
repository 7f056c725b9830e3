"""The sweep files that come with the package, found by name from any folder."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path

import chipdse
from chipdse.errors import DesignError


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


def sweep_text(path: Path) -> str:
    """The text of a sweep file.

    Raises
    ------
    DesignError : the file cannot be read; where there is none, which sweep may have been meant
    """
    try:
        return path.read_text()
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise DesignError(f"{path}: not TOML: {error}") from error


def check_sweep_exists(path: Path) -> None:
    """Raise the DesignError of `sweep_text` if a sweep file does not exist; opens nothing."""
    try:
        path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DesignError:
    near = difflib.get_close_matches(path.stem, shipped_sweeps(), n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ";"
    hint = f"{meant} 'chipdse sweep --list' names those that come with the package"
    shown = f"{error.strerror}{hint if isinstance(error, FileNotFoundError) else ''}"
    return DesignError(f"sweep file {str(path)!r}: {shown}")


def check_liberty_files(files: Sequence[Path]) -> None:
    """Raise DesignError for the first of some Liberty files that does not exist."""
    for file in files:
        if not file.is_file():
            raise DesignError(f"Liberty file {str(file.absolute())!r} does not exist")


def questions() -> dict[str, str]:
    """The question of every shipped sweep, by name."""
    return {
        name: str(tomllib.loads(file.read_text("utf-8")).get("question", ""))
        for name, file in shipped_sweeps().items()
    }
