"""Which files a block of someone's own is made of, and where Python finds them."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_PROJECT = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


def search_folders(folder: Path) -> tuple[Path, ...]:
    """Where modules of a project are looked for: the folder, its project's root and root/src.

    The root is the nearest folder upwards that holds a project file; without one, the folder.
    """
    folder = folder.absolute()
    root = next(
        (up for up in (folder, *folder.parents) if any((up / name).exists() for name in _PROJECT)),
        folder,
    )
    found = [folder, root, root / "src"]
    return tuple(path for path in dict.fromkeys(found) if path.is_dir())


def make_importable(folder: Path) -> None:
    """Put a project's folders before all others on Python's path, as ``python -m`` does."""
    for path in reversed(search_folders(folder)):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    importlib.invalidate_caches()


def hash_files(files: Iterable[Path], more: Iterable[str] = ()) -> str:
    """One hash of the files' contents, in order, and of further texts."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    for text in more:
        digest.update(b"\0" + text.encode())
    return digest.hexdigest()[:32]


def module_hash(module: str) -> str:
    """Hash of a module, of all that its project imports for it, and of the packages they use.

    Taken once a process, like the module itself: what is edited later is not what runs.
    """
    return _hash_of(module, _origin(module.partition(".")[0]))


def module_files(module: str) -> list[Path]:
    """The files of that hash, as they are now."""
    return _closure(module)[0]


@functools.cache
def _hash_of(module: str, origin: Path | None) -> str:
    files, packages = _closure(module)
    installed = (f"{name} {version}" for name, version in _installed(packages))
    return hash_files(files, installed)


def forget_hashes() -> None:
    """Take every hash anew."""
    _hash_of.cache_clear()


def _closure(module: str) -> tuple[list[Path], set[str]]:
    """Source files of a module's project that it needs, and other top-level packages it names.

    A package counts as a whole; beside it only what is imported.
    """
    files: set[Path] = set()
    packages: set[str] = set()
    seen: set[str] = set()
    waiting = [module.partition(".")[0]]
    root: Path | None = None
    while waiting:
        name = waiting.pop()
        if name in seen or name in sys.stdlib_module_names:
            continue
        seen.add(name)
        origin = _origin(name)
        if origin is None:
            continue
        root = root or origin.parent
        if origin.parent != root or "site-packages" in origin.parts:
            packages.add(name)
            continue
        own = sorted(origin.rglob("*.py")) if origin.is_dir() else [origin]
        files |= set(own)
        for file in own:
            waiting += _imported(file)
    return sorted(files), packages


def _origin(name: str) -> Path | None:
    """The folder of a top-level package, or the file of a module; None if it is neither."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if found is None:
        return None
    for folder in found.submodule_search_locations or ():
        return Path(folder)
    origin = found.origin or ""
    return Path(origin) if origin.endswith(".py") else None


def _imported(file: Path) -> Iterator[str]:
    """Top-level names of what a file imports."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return  # it cannot be imported either
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _installed(packages: set[str]) -> list[tuple[str, str]]:
    """Installed distributions that provide these packages, with their versions."""
    providers = _providers()
    names = {name for package in packages for name in providers.get(package, ())}
    return [(name, importlib.metadata.version(name)) for name in sorted(names)]


@functools.cache
def _providers() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
