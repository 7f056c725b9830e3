"""The source files of chipdse and of the blocks: modules by name, and C files by name.

Modules are found without importing any of them.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import re
import threading
from pathlib import Path

import chipdse

PACKAGES = ("chipdse", "chipdse_hdl")
"""Packages that are followed; other packages are identified by their version."""


KERNELS = "kernels/"
"""Precedes the name of a C file among the names of modules."""
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)".*\n', re.MULTILINE)
"""A line of C that includes a header of its own folder; the group is the header's name."""


# CPython 3.11 fails if two threads parse: "AST constructor recursion depth mismatch".
_PARSING = threading.Lock()


@functools.cache
def package_files(package: str) -> dict[str, Path]:
    """Every module of a package and its file, found without importing any."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parent
    files = {}
    for file in sorted(folder.rglob("*.py")):
        parts = [package, *file.relative_to(folder).with_suffix("").parts]
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return files


def source_of(name: str) -> Path | None:
    """The source file of a module; None if it has none, or if there is no such module."""
    package = name.partition(".")[0]
    if package in PACKAGES:
        return package_files(package).get(name)
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def data_file(name: str) -> Path:
    """A file below the folder of the package."""
    return Path(chipdse.__file__).parent / name


@functools.cache
def kernel_files() -> dict[str, Path]:
    """Every C file of the package by its name."""
    return {file.name: file for file in sorted(data_file("kernels").glob("*.[ch]"))}


def c_files(name: str) -> dict[str, Path]:
    """A C file of `chipdse/kernels` and the headers that it includes, each after those it needs.

    Raises
    ------
    KeyError : a file does not exist
    """
    files: dict[str, Path] = {}
    _add_c_files(name, files)
    return files


def _add_c_files(name: str, files: dict[str, Path]) -> None:
    file = kernel_files()[name]
    for header in INCLUDE.findall(file.read_text(encoding="utf-8")):
        if header not in files:
            _add_c_files(header, files)
    files[name] = file


def every_file() -> dict[str, Path]:
    """Every file of `PACKAGES`: modules by name, C files as ``kernels/replay.c``."""
    files = {name: path for package in PACKAGES for name, path in package_files(package).items()}
    return files | {f"{KERNELS}{name}": path for name, path in kernel_files().items()}


def parsed(file: Path) -> ast.Module:
    """The syntax tree of a source file."""
    return syntax_tree(file.read_text(encoding="utf-8"), str(file))


def syntax_tree(text: str, file: str) -> ast.Module:
    """The syntax tree of the text of a source file.

    Raises
    ------
    SyntaxError : the text is not Python; the message names the file
    """
    with _PARSING:
        return ast.parse(text, file)


def hash_named(files: dict[str, Path]) -> str:
    """One hash of files and of their names, 32 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


def is_within(name: str, package: str) -> bool:
    """Whether a name is that of a package or of a module below it."""
    return name == package or name.startswith(f"{package}.")


def absolute_module(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    """Full name of the module of ``from MODULE import``, in the module of a name."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*parts, node.module] if node.module else parts)
