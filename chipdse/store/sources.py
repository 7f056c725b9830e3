"""The code that a stage's result depends on, which this module alone determines.

The code of a stage is found from the functions that build it. Every name that such a function uses
is followed to its definition, through imports, within the packages of `PACKAGES`; every module in
which a definition is found counts with its complete file. A stage therefore depends on all modules
whose functions it runs, but not on every module that the stage's module imports.

A definition that names a C file of `chipdse/kernels`, such as "placer.c", uses that file and the
headers that it includes.

Annotations are not followed, because they are not executed. `NO_PART` lists modules that store
results but compute none.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chipdse
from chipdse.errors import DesignError
from chipdse.store.closures import keep_modules, kept_modules

PACKAGES = ("chipdse", "chipdse_hdl")
"""Packages that are followed; other packages are identified by their version."""
NO_PART = ("chipdse.store", "chipdse.paths", "chipdse.errors")
"""Modules (and those below or beginning with these names) that determine where a result is stored
or how a fault is reported, but not the result itself."""

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)".*\n', re.MULTILINE)
"""A line of C that includes a header of its own folder; the group is the header's name."""
_C, _KERNELS = "C", "kernels/"
"""Stands in place of a module's name; the name beside it is then that of a C file."""

Builder = Callable[..., Any] | str

# CPython 3.11 fails if two threads parse: "AST constructor recursion depth mismatch".
_PARSING = threading.Lock()


def code_of(*builders: Builder, data: Iterable[str] = ()) -> str:
    """Hash of the code that some functions run, and of data files of the package.

    Parameters
    ----------
    builders : functions, or texts: "package.module:name", or "package.module" for everything that
        it defines
    data : files below the package's folder that this code reads, e.g. "technology/data/wires.toml"
    """
    return _hash_of(tuple(map(_named, builders)), tuple(data))


def code_files(*builders: Builder, data: Iterable[str] = ()) -> dict[str, Path]:
    """The files of `code_of`, by module name or by the name in `data`, sorted."""
    files = _files_of(tuple(map(_named, builders)))
    return dict(sorted((files | {name: _data_file(name) for name in data}).items()))


@functools.cache
def versions(*distributions: str) -> dict[str, str]:
    """Installed versions of Python distributions, by name."""
    return {name: importlib.metadata.version(name) for name in distributions}


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
    file = _kernel_files()[name]
    for header in INCLUDE.findall(file.read_text(encoding="utf-8")):
        if header not in files:
            _add_c_files(header, files)
    files[name] = file


@functools.cache
def _kernel_files() -> dict[str, Path]:
    """Every C file of the package by its name."""
    return {file.name: file for file in sorted(_data_file("kernels").glob("*.[ch]"))}


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
        path = _source(name)
        if path is None:
            raise DesignError(f"module {name!r} has no source file; name a module in a .py file")
        sources[name] = path
        waiting += [
            needed_module
            for needed_module in _needed_modules(path, name)
            if _within(needed_module, package)
        ]
    return dict(sorted(sources.items()))


def _needed_modules(file: Path, name: str) -> Iterator[str]:
    """The modules of its package that a file imports; ``from a import b`` needs ``a.b`` alone
    if ``a.b`` is a module."""
    package = name.partition(".")[0]
    for module, imported in _imports_in(file.read_text(encoding="utf-8"), str(file), name):
        inner = f"{module}.{imported}"
        yield inner if imported and _within(module, package) and _source(inner) else module


@functools.cache
def module_hash(module: str) -> str:
    """Hash of the files of `module_sources`, as they were when this process first read them."""
    return hash_named(module_sources(module))


def hash_named(files: dict[str, Path]) -> str:
    """One hash of files and of their names, 32 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


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
        found
        for module, imported in imports
        for found in ((module, f"{module}.{imported}") if imported else (module,))
    ]


@functools.lru_cache(maxsize=1024)
def _imports_in(text: str, file: str, name: str) -> tuple[tuple[str, str], ...]:
    """Module and imported name of every import in the text of a file; no name for ``import a``.

    Cached, because a sweep asks at every point whether a source file differs, and most do not.
    """
    with _PARSING:
        tree = ast.parse(text, file)
    is_package = Path(file).name == "__init__.py"
    imports: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, name, is_package)
            imports += [(base, alias.name) for alias in node.names]
    return tuple(imports)


def name_of(builder: Builder) -> str:
    """Where a builder is defined: "package.module:name", or "package.module" for all of it."""
    return ":".join(filter(None, _named(builder)))


def _named(builder: Builder) -> tuple[str, str]:
    """Module and name of a builder; no name for a whole module."""
    if isinstance(builder, str):
        module, _, name = builder.partition(":")
        return module, name
    builder = getattr(builder, "__wrapped__", builder)  # the function inside a cache
    return builder.__module__, builder.__qualname__.partition(".")[0]


@functools.cache
def _hash_of(builders: tuple[tuple[str, str], ...], data: tuple[str, ...]) -> str:
    files = _files_of(builders) | {name: _data_file(name) for name in data}
    return hash_named(dict(sorted(files.items())))


def _data_file(name: str) -> Path:
    return Path(chipdse.__file__).parent / name


@functools.cache
def _files_of(builders: tuple[tuple[str, str], ...]) -> dict[str, Path]:
    """The files of the modules in which the code of some builders lies, by module name."""
    content = _content()
    key = hashlib.sha256(f"{content} {builders}".encode()).hexdigest()[:32]
    names = kept_modules(key)
    if names is None:
        names = sorted(_modules_of(builders))
        _content.cache_clear()
        if _content() == content:  # else a file changed while it was read
            keep_modules(key, names)
    known = _every_file()
    return {name: known[name] for name in names if name in known}


def _every_file() -> dict[str, Path]:
    """Every file of `PACKAGES`: modules by name, C files as ``kernels/replay.c``."""
    files = {name: path for package in PACKAGES for name, path in _package_files(package).items()}
    return files | {f"{_KERNELS}{name}": path for name, path in _kernel_files().items()}


@functools.cache
def _content() -> str:
    """Hash of every file of `PACKAGES`, and of the Python that parses them."""
    files = _every_file()
    return f"{hash_named(files)} {sys.implementation.cache_tag}"


def _modules_of(builders: tuple[tuple[str, str], ...]) -> set[str]:
    """The modules and C files in which the code of some builders lies, found by following names."""
    modules: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = list(builders)
    while waiting:
        name, symbol = waiting.pop()
        if name == _C:
            modules |= {f"{_KERNELS}{file}" for file in c_files(symbol)}
            continue
        if (name, symbol) in seen or not _followed(name):
            continue
        seen.add((name, symbol))
        module = _module(name)
        waiting += module.uses(symbol)
        if symbol not in module.imported:  # otherwise the module only re-exports it
            if name not in modules:
                waiting += module.uses_on_import()
            modules.add(name)
    return modules


def _followed(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES and not name.startswith(NO_PART)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Module:
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
            return [(inner, "")] if _source(inner) else []
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
                if isinstance(node.value, str) and node.value in _kernel_files():
                    uses.append((_C, node.value))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = names | self._names(node)
                if isinstance(node, ast.Import):
                    used += [(alias.name, "") for alias in node.names if "." in alias.name]
        for name, attribute in dict.fromkeys(used):
            if not attribute and _followed(name) and _source(name):
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
                if _followed(alias.name)
            }
        if not isinstance(node, ast.ImportFrom):
            return {}
        base = _absolute(node, self.name, self.path.name == "__init__.py")
        if not _followed(base):
            return {}
        names = {}
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            is_module = _source(inner) is not None
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
def _module(name: str) -> _Module:
    path = _source(name)
    if path is None:
        raise DesignError(f"module {name!r} has no source file; name a module in a .py file")
    module = _Module(name=name, path=path)
    module.read(_parsed(path).body)
    return module


def _source(name: str) -> Path | None:
    package = name.partition(".")[0]
    if package in PACKAGES:
        return _package_files(package).get(name)
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


@functools.cache
def _package_files(package: str) -> dict[str, Path]:
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


def _parsed(file: Path) -> ast.Module:
    with _PARSING:
        return ast.parse(file.read_text(encoding="utf-8"), str(file))


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _absolute(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*parts, node.module] if node.module else parts)
