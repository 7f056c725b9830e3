"""Which Python files a module is made of: itself and what it imports from its own package."""

from __future__ import annotations

import ast
import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path

from chipdse.errors import DesignError

# CPython 3.11 loses count when two threads parse: "AST constructor recursion depth mismatch".
_PARSING = threading.Lock()


def module_sources(module: str) -> dict[str, Path]:
    """The source files of a module and of all it imports from its top-level package.

    Modules by full name, sorted. A package's ``__init__`` is among them only when something is
    imported from it that is not a module: a list of all blocks there does not tie them together.

    Raises
    ------
    DesignError : the module has no source file
    """
    package = module.partition(".")[0]
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        path = _source(name)
        if path is None:
            raise DesignError(f"module {name!r} has no source file; name a module in a .py file")
        found[name] = path
        with _PARSING:
            tree = ast.parse(path.read_text(), str(path))
        is_package = path.name == "__init__.py"
        waiting += [one for one in _imports(tree, name, is_package) if _within(one, package)]
    return dict(sorted(found.items()))


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _source(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _imports(tree: ast.AST, name: str, is_package: bool) -> Iterator[str]:
    """Full names of the modules that a source file imports, wherever in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, name, is_package)
            for one in node.names:
                inner = f"{base}.{one.name}"
                yield inner if _within(base, name.partition(".")[0]) and _source(inner) else base


def _absolute(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*parts, node.module] if node.module else parts)
