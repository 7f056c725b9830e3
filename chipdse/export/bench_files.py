"""The cocotb bench of an exported folder: every file it needs, and what to install for it."""

from __future__ import annotations

import ast
import dataclasses
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from chipdse.blocks.own import RANDOM_BENCH, OwnBlock
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.simulate import random_ports

_OURS = "chipdse_hdl"
"""Of this package only the modules that a bench imports are taken."""
_INSTALLED = ("site-packages", "dist-packages")


def bench_files(design: Design, rtl: Rtl) -> dict[str, str]:
    """Texts by name: the bench, what it imports, `bench.json` and `requirements.txt`.

    Modules that are installed from an index are required; those of the user's project and ours
    come along.

    Raises
    ------
    DesignError : the bench has no source file
    """
    block, bench, files = design.block, design.block.bench, {}
    sources, required = _sources(bench)
    if bench == RANDOM_BENCH:  # under a name that does not hide a chipdse installed there
        bench = bench.rpartition(".")[2]
        sources = {bench: sources[RANDOM_BENCH]}
    for module, path in sources.items():
        name = module.replace(".", "/")
        files[f"{name}/__init__.py" if _is_package(path) else f"{name}.py"] = path.read_text(
            "utf-8"
        )
    for name in list(files):
        for folder in Path(name).parents[:-1]:
            files.setdefault(f"{folder.as_posix()}/__init__.py", "")
    environment = {
        "HDL_PARAMETERS": dataclasses.asdict(design.parameters),
        "HDL_WORKLOAD": dataclasses.asdict(design.workload),
    }
    if isinstance(block, OwnBlock) and not block.is_checked:
        environment["HDL_PORTS"] = random_ports(block, rtl)
    bench_description = {"module": bench, "environment": environment}
    files["bench.json"] = json.dumps(bench_description, indent=1) + "\n"
    files["requirements.txt"] = "".join(f"{name}\n" for name in _requirements(required))
    return {f"bench/{name}": text for name, text in files.items()}


def _sources(bench: str) -> tuple[dict[str, Path], set[str]]:
    """Files by module of what comes along, and the other top-level packages it imports."""
    if _file(bench) is None:
        raise DesignError(f"module {bench!r} has no source file; name a module in a .py file")
    files: dict[str, Path] = {}
    required: set[str] = set()
    waiting = [bench]
    while waiting:
        name = waiting.pop()
        top, path = name.partition(".")[0], _file(name)
        if name in files or top in sys.stdlib_module_names:
            continue
        if top != bench.partition(".")[0] and not _comes_along(top):
            required.add(top)
        elif path is not None:
            files[name] = path
            waiting += _imported(name, path)
            if top != _OURS and "." in name:
                waiting.append(name.rpartition(".")[0])  # Python runs its package first
    return dict(sorted(files.items())), required


def _file(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    origin = spec.origin if spec is not None else None
    return Path(origin) if origin is not None and origin.endswith(".py") else None


def _is_package(path: Path) -> bool:
    return path.name == "__init__.py"


def _comes_along(top: str) -> bool:
    """Whether a top-level package is ours or of the user's project, rather than installed."""
    path = _file(top)
    return top == _OURS or (path is not None and not set(_INSTALLED) & set(path.parts))


def _imported(name: str, path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in the file."""
    package = name if _is_package(path) else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            inner = [f"{base}.{alias.name}" for alias in node.names]
            is_module = [_comes_along(base.partition(".")[0]) and _file(module) for module in inner]
            yield from (module for module, is_file in zip(inner, is_module, strict=True) if is_file)
            if not all(is_module):
                yield base


def _requirements(packages: set[str]) -> list[str]:
    """Installed distributions that provide some packages, with their versions."""
    providers = importlib.metadata.packages_distributions()
    names = {"cocotb"} | {name for package in packages for name in providers.get(package, ())}
    return [f"{name}=={importlib.metadata.version(name)}" for name in sorted(names)]
