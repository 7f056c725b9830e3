"""Find a block of someone's own: ``package.module:attribute`` or a TOML description."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import traceback
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Block

from chipdse.blocks.imports import forget_outdated, make_importable, owner_of
from chipdse.blocks.own import OwnBlock, component_block
from chipdse.blocks.verilog import read_verilog_block
from chipdse.errors import DesignError
from chipdse.store.place import search_folders
from chipdse.store.recording.notes import watching


def is_reference(name: str) -> bool:
    """Whether a name means a block of someone's own rather than one that ships."""
    return ":" in name or name.endswith(".toml")


def find_own(reference: str, folder: str) -> Block:
    """A block by its reference.

    Parameters
    ----------
    reference : ``package.module:attribute``, where the attribute is a `chipdse_hdl.block.Block`, a
        component class or a function that returns a component; or the path of a ``.toml`` file
    folder : relative paths start here, and modules are looked for here and in its project

    Raises
    ------
    DesignError : there is no such thing, or it is no block
    """
    start = Path(folder)
    if reference.endswith(".toml"):
        return read_verilog_block((start / reference).absolute())
    module_name, _, attribute = reference.partition(":")
    target = _attribute(reference, module_name, attribute, start)
    if isinstance(target, Block):
        fields = {f.name: getattr(target, f.name) for f in dataclasses.fields(Block)}
        return OwnBlock(**(fields | {"name": reference}), folder=folder, find=find_own)
    if _is_component(target) or inspect.isfunction(target):
        return component_block(reference, start, target, find_own)
    raise DesignError(
        f"{reference!r} is a {_sort_of(target)}; name a Block record, an Amaranth component "
        "class, or a function that returns a component"
    )


def _attribute(reference: str, module_name: str, attribute: str, start: Path) -> Any:
    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise DesignError(f"{reference!r} is not package.module:attribute; e.g. mylib.blocks:fancy")
    make_importable(Path.cwd())
    make_importable(start)
    forget_outdated(module_name, start)
    try:
        with watching(owner_of(module_name, start)):
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not module_name.startswith(str(error.name)):
            raise _broken(reference, error) from error
        places = ", ".join(map(str, search_folders(start)))
        raise DesignError(
            f"{reference!r}: there is no module {error.name!r} in {places} or installed; "
            "run from the project's folder or install it"
        ) from error
    except Exception as error:  # any error that a user's module raises during its import
        raise _broken(reference, error) from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        names = [n for n, v in vars(module).items() if isinstance(v, Block) or _is_users(v)]
        known = f"; it has {', '.join(names)}" if names else ""
        raise DesignError(f"{reference!r}: {module_name} has no {attribute!r}{known}") from None


def _sort_of(value: object) -> str:
    return "class of no hardware" if inspect.isclass(value) else type(value).__name__


def _is_component(value: object) -> bool:
    from amaranth.hdl import Elaboratable  # a quarter of the start, which shipped blocks need not

    return inspect.isclass(value) and issubclass(value, Elaboratable)


def _is_users(value: object) -> bool:
    return _is_component(value) and not str(value.__module__).startswith("amaranth.")


def _broken(reference: str, error: Exception) -> DesignError:
    """What an import ran into, with the place in the user's own file."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "importlib" not in frame.filename and "chipdse" not in Path(frame.filename).parts
    ]
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return DesignError(f"{reference!r} cannot be imported: {type(error).__name__}: {error}{where}")
