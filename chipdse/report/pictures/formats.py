"""Files that pictures are written into."""

from __future__ import annotations

from pathlib import Path

from chipdse.errors import DesignError

SUFFIXES = (".png", ".svg", ".pdf")


def check_suffix(option: str, path: Path) -> None:
    """Refuse a file that is no picture.

    Parameters
    ----------
    option : that names the file, for the message

    Raises
    ------
    DesignError : another suffix
    """
    if path.suffix not in SUFFIXES:
        raise DesignError(f"{option} {str(path)!r} must end in {', '.join(SUFFIXES)}")
