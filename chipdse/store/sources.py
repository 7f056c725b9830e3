"""The code that a stage's result depends on, which this module alone determines.

The code of a stage is found from the functions that build it. Every name that such a function uses
is followed to its definition, through imports, within the packages of `PACKAGES`; every module in
which a definition is found counts with its complete file. A stage therefore depends on all modules
whose functions it runs, but not on every module that the stage's module imports.

A definition that names a C file of `chipdse/kernels`, such as "placer.c", uses that file and the
headers that it includes.

Annotations are not followed, because they are not executed. `NO_PART` of `chipdse.store.modules`
lists modules that store results but compute none.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from chipdse.store.closures import keep_modules, kept_modules
from chipdse.store.modules import C_FILE, is_followed, module_named
from chipdse.store.source_files import KERNELS, c_files, data_file, every_file, hash_named

Builder = Callable[..., Any] | str


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
    return dict(sorted((files | {name: data_file(name) for name in data}).items()))


@functools.cache
def versions(*distributions: str) -> dict[str, str]:
    """Installed versions of Python distributions, by name."""
    return {name: importlib.metadata.version(name) for name in distributions}


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
    files = _files_of(builders) | {name: data_file(name) for name in data}
    return hash_named(dict(sorted(files.items())))


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
    known = every_file()
    return {name: known[name] for name in names if name in known}


@functools.cache
def _content() -> str:
    """Hash of every file of `PACKAGES`, and of the Python that parses them."""
    files = every_file()
    return f"{hash_named(files)} {sys.implementation.cache_tag}"


def _modules_of(builders: tuple[tuple[str, str], ...]) -> set[str]:
    """The modules and C files in which the code of some builders lies, found by following names."""
    modules: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = list(builders)
    while waiting:
        name, symbol = waiting.pop()
        if name == C_FILE:
            modules |= {f"{KERNELS}{file}" for file in c_files(symbol)}
            continue
        if (name, symbol) in seen or not is_followed(name):
            continue
        seen.add((name, symbol))
        module = module_named(name)
        waiting += module.uses(symbol)
        if symbol not in module.imported:  # otherwise the module only re-exports it
            if name not in modules:
                waiting += module.uses_on_import()
            modules.add(name)
    return modules
