"""A parsed module: which names of which modules each of its definitions uses.

Annotations are not followed, because they are not executed.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chipdse.errors import DesignError
from chipdse.store import source_files
from chipdse.store.source_files import absolute_module

NO_PART = ("chipdse.store", "chipdse.paths", "chipdse.errors")
"""Modules (and those below or beginning with these names) that determine where a result is stored
or how a fault is reported, but not the result itself."""

C_FILE = "C"
"""Stands in place of a module's name; the name beside it is then that of a C file."""


def is_followed(name: str) -> bool:
    """Whether the names that a module uses are followed."""
    return name.partition(".")[0] in source_files.PACKAGES and not name.startswith(NO_PART)


@dataclass(frozen=True, kw_only=True, eq=False)
class Module:
    """A parsed module: its top-level names, and the module of each imported name.

    imported : by local name: (module, name in that module); the latter is empty for an imported
        module
    effects : statements other than definitions, which run when the module is imported
    """

    name: str
    path: Path
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)
    uses_by_node: dict[ast.AST, list[tuple[str, str]]] = field(default_factory=dict)

    def uses(self, symbol: str) -> list[tuple[str, str]]:
        """The names that a definition uses; without a symbol, those of all definitions."""
        if symbol in self.imported:
            return [self.imported[symbol]]
        if not symbol:
            nodes = [node for nodes in self.definitions.values() for node in nodes]
        elif symbol in self.definitions:
            nodes = self.definitions[symbol]
        else:
            inner = f"{self.name}.{symbol}"
            return [(inner, "")] if source_files.source_of(inner) else []
        return [use for node in nodes for use in self._uses_of(node)]

    def uses_on_import(self) -> list[tuple[str, str]]:
        return [use for node in self.effects for use in self._uses_of(node)]

    def _uses_of(self, tree: ast.AST) -> list[tuple[str, str]]:
        if tree in self.uses_by_node:
            return self.uses_by_node[tree]
        used: list[tuple[str, str]] = []
        uses: list[tuple[str, str]] = []
        names = self.imported
        for node in _without_annotations(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                used.append((node.value.id, node.attr))
            elif isinstance(node, ast.Name):
                used.append((node.id, ""))
            elif isinstance(node, ast.Constant):
                if isinstance(node.value, str) and node.value in source_files.kernel_files():
                    uses.append((C_FILE, node.value))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = names | self._names(node)
                if isinstance(node, ast.Import):
                    used += [(alias.name, "") for alias in node.names if "." in alias.name]
        for name, attribute in dict.fromkeys(used):
            if not attribute and is_followed(name) and source_files.source_of(name):
                uses.append((name, ""))  # "import package.module"
            elif name in names:
                module, symbol = names[name]
                uses.append((module, symbol or attribute))
            elif name in self.definitions:
                uses.append((self.name, name))
        self.uses_by_node[tree] = uses
        return uses

    def _names(self, node: ast.AST) -> dict[str, tuple[str, str]]:
        """The names that an import statement binds."""
        if isinstance(node, ast.Import):
            return {
                alias.asname or alias.name: (alias.name, "")
                for alias in node.names
                if is_followed(alias.name)
            }
        if not isinstance(node, ast.ImportFrom):
            return {}
        base = absolute_module(node, self.name, self.path.name == "__init__.py")
        if not is_followed(base):
            return {}
        names = {}
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            is_module = source_files.source_of(inner) is not None
            names[alias.asname or alias.name] = (inner, "") if is_module else (base, alias.name)
        return names

    def read(self, body: list[ast.stmt]) -> None:
        """Record the statements of the module's top level."""
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.imported.update(self._names(node))
                if isinstance(node, ast.Import):
                    self.effects.append(node)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.definitions.setdefault(node.name, []).append(node)
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    for part in ast.walk(target):
                        if isinstance(part, ast.Name):
                            self.definitions.setdefault(part.id, []).append(node)
            elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                self.read(node.orelse)
            elif isinstance(node, ast.If | ast.Try | ast.With):
                self.effects.append(node)
                self.read([child for child in ast.walk(node) if isinstance(child, _STATEMENTS)])
            elif not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
                self.effects.append(node)


_STATEMENTS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign)


def _without_annotations(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree; an attribute of a name counts as one node."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            continue
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            children = value if isinstance(value, list) else [value]
            waiting += [child for child in children if isinstance(child, ast.AST)]


@functools.cache
def module_named(name: str) -> Module:
    """A module of `PACKAGES`, parsed.

    Raises
    ------
    DesignError : the module has no source file
    """
    path = source_files.source_of(name)
    if path is None:
        raise DesignError(f"module {name!r} has no source file; name a module in a .py file")
    module = Module(name=name, path=path)
    module.read(source_files.parsed(path).body)
    return module
