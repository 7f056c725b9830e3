"""What docstrings describe, and what there is to describe."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.M)
_NAMES = r"\*{0,2}[A-Za-z_]\w*(?:, \*{0,2}[A-Za-z_]\w*)*"
_LINE = re.compile(rf"^({_NAMES}) : ", re.M)
_OF_PARAMETERS = re.compile(rf"^({_NAMES})(?: :|:|$)", re.M)


def described(docstring: str) -> list[str]:
    """Parameters, or attributes of a record, that a docstring describes.

    In a section of parameters, or as lines ``name, name : what it is`` where there is none.
    """
    _, *parts = ("", *_SECTION.split(docstring))
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    if "Parameters" in sections:
        lines = _OF_PARAMETERS.findall(sections["Parameters"])
    else:
        lines = _LINE.findall(parts[0])
    return [name.lstrip("*") for line in lines for name in line.split(", ")]


def describable(node: Documented, tree: ast.Module) -> set[str]:
    """Parameters of a function; of a class, its attributes, and parameters of its calls."""
    if not isinstance(node, ast.ClassDef):
        return _parameters(node)
    names = set(_attributes(node))
    for base in node.bases:
        for other in tree.body:
            if isinstance(other, ast.ClassDef) and other.name == ast.unparse(base):
                names |= describable(other, tree)
    return names


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    parts = function.args
    collected = [part for part in (parts.vararg, parts.kwarg) if part]
    return {part.arg for part in (*parts.posonlyargs, *parts.args, *parts.kwonlyargs, *collected)}


def _attributes(node: ast.ClassDef) -> Iterator[str]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id
        elif isinstance(statement, ast.Assign):
            yield from (target.id for target in statement.targets if isinstance(target, ast.Name))
        elif isinstance(statement, ast.FunctionDef):
            yield statement.name
            if statement.name in ("__init__", "__new__", "__call__"):
                yield from _parameters(statement)
            for part in ast.walk(statement):
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
                    yield part.attr


def misdescribed(tree: ast.Module) -> list[str]:
    """``name: what its docstring describes and is not there`` of a module."""
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, Documented) and (docstring := ast.get_docstring(node)):
            names = described(docstring)
            missing = sorted({*names} - describable(node, tree)) if names else []
            if missing:
                wrong.append(f"{node.name}: {', '.join(missing)}")
    return wrong
