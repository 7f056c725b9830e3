"""A stage of the flow as a record: the only place where the key of a stored result is made.

A key holds the values that a result depends on, the hash of the code that makes it and the versions
of the packages that this code calls. `chipdse.evaluate.STAGES` lists every stage.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.store.place import Place
from chipdse.store.sources import Builder, code_files, code_of, name_of, versions
from chipdse.store.store import Store

Build = Callable[[Path], None]
"""Writes a result into a new folder."""
Guard = Callable[[Build], Build]
"""Wraps a function that fills a folder, to check that its inputs stayed as its key states them."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One step of the flow whose result is stored.

    name : of the stage's folders in the store, and on the terminal
    does : what the stage does, as the rest of a sentence that begins with its name
    inputs : every value that the result depends on: its name in the key, and what it is
    builder : the function that fills the stage's folder, which is its last argument
    code : more functions whose code decides the result, e.g. those that read the builder's input
    cases : functions whose code decides the result of some designs only
    data : files of the package that the code reads, e.g. "technology/data/wires.toml"
    packages : installed packages whose versions decide the result
    runs_user_code : whether the builder runs the user's code; it then returns the inputs that this
        code read, and the result is reused only if all of them are unchanged
    """

    name: str
    does: str
    inputs: Mapping[str, str]
    builder: Callable[..., Any]
    code: tuple[Builder, ...] = ()
    cases: tuple[Builder, ...] = ()
    data: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    runs_user_code: bool = False

    def key(self, values: Mapping[str, Any], also: Iterable[Builder] = ()) -> dict[str, Any]:
        """The key under which a result is stored, as JSON values.

        Parameters
        ----------
        values : of exactly the names in `inputs`
        also : those of `cases` that apply

        Raises
        ------
        ValueError : a value is missing or not declared, or a case is not declared
        """
        also = tuple(also)
        if values.keys() != self.inputs.keys():
            differing = ", ".join(sorted(values.keys() ^ self.inputs.keys()))
            raise ValueError(f"stage {self.name}: {differing} must be in both inputs and values")
        if undeclared := [case for case in also if case not in self.cases]:
            raise ValueError(f"stage {self.name}: {undeclared} must be declared among its cases")
        key = {**values, "code": code_of(self.builder, *self.code, *also, data=self.data)}
        if self.runs_user_code and sys.flags.optimize:  # Python leaves out assertions
            key["optimize"] = sys.flags.optimize
        return key | {"versions": versions(*self.packages)} if self.packages else key

    def folder(
        self,
        store: Store,
        values: Mapping[str, Any],
        build: functools.partial[Any],
        *,
        also: Iterable[Builder] = (),
        guard: Guard | None = None,
        place: Place | None = None,
    ) -> Path:
        """The folder of the result, which `build` fills unless the store has it already.

        Parameters
        ----------
        values, also : as in `key`
        build : the stage's builder with all arguments but the folder
        guard : wraps `build`; None for a stage whose inputs cannot change while it runs
        place : where the files that the user's code reads are looked up, for a stage that runs it;
            the store checks these, so there is no guard

        Raises
        ------
        ChipdseError : what `build` raises, or as `Store.folder` and `Store.folder_by_reads`
        ValueError : as `key`; `build` is not the stage's builder; a place is missing or not needed
        """
        if build.func is not self.builder:
            raise ValueError(f"stage {self.name} is built by {self.builder}, not by {build.func}")
        if (place is not None) != self.runs_user_code:
            raise ValueError(f"stage {self.name}: runs_user_code={self.runs_user_code}, {place=}")
        key = self.key(values, also)
        if place is not None:
            return store.folder_by_reads(self.name, key, build, place)
        return store.folder(self.name, key, build if guard is None else guard(build))

    def described(self) -> dict[str, Any]:
        """The stage as JSON values: functions by module and name, `modules` all that they use."""
        return {
            "name": self.name,
            "does": self.does,
            "inputs": dict(self.inputs),
            "code": [name_of(builder) for builder in (self.builder, *self.code)],
            "cases": [name_of(builder) for builder in self.cases],
            "modules": [*code_files(self.builder, *self.code, *self.cases)],
            "data": list(self.data),
            "versions": versions(*self.packages),
            "runs_user_code": self.runs_user_code,
        }
