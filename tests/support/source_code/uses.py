"""Which definitions of the product lead to which, by name, without running anything."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
Definition = tuple[str, str]
"""Module and name of a function, class or constant at the top of a module."""


def module_of(path: Path) -> str:
    """``chipdse.netlist.library.cells`` for its file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "hdl" else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_in(*folders: str) -> dict[str, ast.Module]:
    """Syntax trees of all modules in folders of the repository, by the modules' names."""
    files = (file for folder in folders for file in sorted((ROOT / folder).rglob("*.py")))
    return {module_of(file): ast.parse(file.read_text(encoding="utf-8")) for file in files}


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of an expression that is nothing else; "" of others."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(names))) if isinstance(node, ast.Name) else ""


def imported(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """What the names that a module imports stand for, wherever in it they are imported."""
    names = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names |= {
                alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names
            }
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
    return names


def defined(statement: ast.stmt) -> list[str]:
    """Names that a statement at the top of a module defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        elements = [
            element
            for target in targets
            for element in (target.elts if isinstance(target, ast.Tuple) else [target])
        ]
        return [element.id for element in elements if isinstance(element, ast.Name)]
    return []


@dataclass(kw_only=True)
class Uses:
    """The graph of definitions of some modules.

    at_import : what the modules use when they are imported
    """

    modules: dict[str, ast.Module]
    statements: dict[Definition, ast.stmt] = field(default_factory=dict)
    uses: dict[Definition, set[Definition]] = field(default_factory=lambda: defaultdict(set))
    at_import: set[Definition] = field(default_factory=set)

    def __post_init__(self) -> None:
        parts = {
            module: [(statement, list(ast.walk(statement))) for statement in tree.body]
            for module, tree in self.modules.items()
        }
        self._imported = {
            module: imported(node for _, nodes in statements for node in nodes)
            for module, statements in parts.items()
        }
        for module, tree in self.modules.items():
            for statement in tree.body:
                self.statements |= {(module, name): statement for name in defined(statement)}
        for module, statements in parts.items():
            for statement, nodes in statements:
                used = set(self._used(nodes, module, self._imported[module]))
                names = defined(statement)
                for name in names:
                    self.uses[module, name] |= used
                if not names:
                    self.at_import |= used

    def used_by(self, tree: ast.Module) -> set[Definition]:
        """Definitions that other code uses."""
        nodes = list(ast.walk(tree))
        return set(self._used(nodes, "", imported(nodes)))

    def reached_from(self, start: Iterable[Definition], *, without: str) -> set[Definition]:
        """Everything that definitions lead to, but for modules whose name begins with `without`."""
        reached: set[Definition] = set()
        following = [*start, *self.at_import]
        while following:
            definition = following.pop()
            if definition not in reached and not definition[0].startswith(without):
                reached.add(definition)
                following += self.uses[definition]
        return reached

    def _used(
        self, nodes: Iterable[ast.AST], module: str, names: dict[str, str]
    ) -> Iterator[Definition]:
        for part in nodes:
            text = ""
            if isinstance(part, ast.Name):
                if (module, part.id) in self.statements:
                    yield module, part.id
                text = names.get(part.id, "")
            elif isinstance(part, ast.Attribute):
                first, _, rest = dotted(part).partition(".")
                text = f"{names[first]}.{rest}" if first in names else ""
            elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                is_place = re.fullmatch(r"[\w.]+:\w+", part.value)
                text = part.value.replace(":", ".") if is_place else ""
            if definition := self._definition(text):
                yield definition

    def _definition(self, text: str) -> Definition | None:
        """What a dotted name stands for, also where a module imports it to hand it on."""
        module, _, name = text.rpartition(".")
        if (module, name) in self.statements:
            return module, name
        further = self._imported.get(module, {}).get(name, "")
        return self._definition(further) if further else None
