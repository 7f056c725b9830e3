"""Installed packages that a module belongs to, by name and version.

A file of a package that has a version is identified by this version, any other by its content.
"""

from __future__ import annotations

import functools
import importlib.metadata
from pathlib import Path

from chipdse.store.recording.origins import CHIPDSE, is_installed, is_standard
from chipdse.store.source_files import PACKAGES


def is_users(file: str | Path | None) -> bool:
    """Whether a module is identified by its file's content instead of its package's version."""
    if file is None or is_standard(str(file)):
        return False
    return not is_installed(str(file)) or not distribution_of(_top_of(str(file)))


def is_identified_by_content(path: str) -> bool:
    """Whether a file that was opened is not part of a package with a version, or of chipdse."""
    if path.startswith(CHIPDSE):
        return False
    return not is_installed(path) or not distribution_of(_top_of(path))


def _top_of(path: str) -> str:
    """The top-level module or package of an installed file."""
    parts = Path(path).parts
    last = max(n for n, part in enumerate(parts) if part in ("site-packages", "dist-packages"))
    return parts[last + 1].partition(".")[0] if last + 1 < len(parts) else ""


@functools.cache
def distribution_of(top: str) -> str:
    """The installed distribution that provides a top-level module, and has a version that
    identifies its content; "" if there is none."""
    if top in PACKAGES:
        return ""
    try:
        distributions = [importlib.metadata.distribution(top).metadata["Name"]]
    except (importlib.metadata.PackageNotFoundError, ValueError):
        distributions = _providers().get(top, [])
    for name in distributions[:1]:
        origin = importlib.metadata.distribution(name).read_text("direct_url.json")
        return "" if origin and '"file:' in origin else str(name)
    return ""


@functools.cache
def _providers() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())


@functools.cache
def version_of(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""
