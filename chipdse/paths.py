"""Where the program keeps things of the user's."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """What can be made again: stage results, parsed libraries. CHIPDSE_CACHE names another."""
    if named := os.environ.get("CHIPDSE_CACHE"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chipdse"


def config_folder() -> Path:
    """What the user has set up: added cell libraries. CHIPDSE_CONFIG names another."""
    if named := os.environ.get("CHIPDSE_CONFIG"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "chipdse"


def data_folder() -> Path:
    """What was fetched for the user: files of public cell libraries. CHIPDSE_DATA names another."""
    if named := os.environ.get("CHIPDSE_DATA"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "chipdse"
