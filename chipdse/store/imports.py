"""The modules that a source file imports, directly or through other modules.

The blocks of chipdse and of the user are followed so: all that is imported counts. The code of
chipdse is followed more finely, by names (`chipdse.store.sources`).
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from chipdse.errors import DesignError
from chipdse.store import source_files
from chipdse.store.source_files import absolute_module, hash_named, is_within, source_of


def module_sources(module: str) -> dict[str, Path]:
    """The source files of a module and of all it imports from its top-level package.

    Modules by full name, sorted. A package's ``__init__`` is among them only when something is
    imported from it that is not a module: a list of all blocks in it does not make each block
    depend on the others.

    Raises
    ------
    DesignError : the module has no source file
    """
    package = module.partition(".")[0]
    sources: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        path = source_of(name)
        if path is None:
            raise DesignError(f"module {name!r} has no source file; name a module in a .py file")
        sources[name] = path
        waiting += [
            needed_module
            for needed_module in _needed_modules(path, name)
            if is_within(needed_module, package)
        ]
    return dict(sorted(sources.items()))


def _needed_modules(file: Path, name: str) -> Iterator[str]:
    """The modules of its package that a file imports; ``from a import b`` needs ``a.b`` alone
    if ``a.b`` is a module."""
    package = name.partition(".")[0]
    for module, imported in _imports_in(file.read_text(encoding="utf-8"), str(file), name):
        inner = f"{module}.{imported}"
        yield inner if imported and is_within(module, package) and source_of(inner) else module


@functools.cache
def module_hash(module: str) -> str:
    """Hash of the files of `module_sources`, as they were when this process first read them."""
    return hash_named(module_sources(module))


def imported_modules(file: Path, name: str) -> list[str]:
    """Full names of the modules that a source file imports, at any place in the file.

    ``from a import b`` gives both ``a`` and ``a.b``, because ``a.b`` may be a module.

    Parameters
    ----------
    name : full name of the file's module, from which relative imports start
    """
    try:
        imports = _imports_in(file.read_text(encoding="utf-8"), str(file), name)
    except (SyntaxError, UnicodeDecodeError, OSError):
        return []  # a file that cannot be parsed cannot be imported
    return [
        name
        for module, imported in imports
        for name in ((module, f"{module}.{imported}") if imported else (module,))
    ]


@functools.lru_cache(maxsize=1024)
def _imports_in(text: str, file: str, name: str) -> tuple[tuple[str, str], ...]:
    """Module and imported name of every import in the text of a file; no name for ``import a``.

    Cached, because a sweep asks at every point whether a source file differs, and most do not.
    """
    tree = source_files.syntax_tree(text, file)
    is_package = Path(file).name == "__init__.py"
    imports: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute_module(node, name, is_package)
            imports += [(base, alias.name) for alias in node.names]
    return tuple(imports)
