"""The folders in which chipdse stores the user's data."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Folder of results that can be computed again; CHIPDSE_CACHE names another folder."""
    if named := os.environ.get("CHIPDSE_CACHE"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chipdse"


def config_folder() -> Path:
    """Folder of the user's settings: added cell libraries; CHIPDSE_CONFIG names another folder."""
    if named := os.environ.get("CHIPDSE_CONFIG"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "chipdse"


def data_folder() -> Path:
    """Folder of downloaded public cell libraries; CHIPDSE_DATA names another folder."""
    if named := os.environ.get("CHIPDSE_DATA"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "chipdse"
