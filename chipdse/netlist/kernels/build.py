"""Compile and keep the C of replay: once per kind of cell, for this processor."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from chipdse.errors import ToolError
from chipdse.netlist.activity.replay.c_functions import (
    DRIVER,
    HEADER,
    function_name,
    function_source,
)
from chipdse.netlist.activity.replay.plan import Operation
from chipdse.paths import cache_folder
from chipdse.store.derived import note_use
from chipdse.store.files import is_as_written, note_digest, write_whole

# A fused multiply-add rounds once where NumPy rounds twice, and not every processor has it.
_ROUND_ALIKE = "-ffp-contract=off"
_FLAGS = ("-O3", "-march=native", _ROUND_ALIKE, "-shared", "-fPIC", "-std=gnu11", "-w")


@functools.cache
def compiler() -> str | None:
    """The C compiler: CC names one, else gcc, clang or cc; None if there is none."""
    named = os.environ.get("CHIPDSE_CC", os.environ.get("CC"))
    if named == "":
        return None
    choices = [named] if named else ["gcc", "clang", "cc"]
    return next((found for each in choices if (found := shutil.which(each))), None)


class Kernel:
    """Compiled functions by name; what is missing is compiled together and kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.functions: dict[str, int] = {}
        self._libraries: list[ctypes.CDLL] = []
        self._loaded: set[str] = set()

    def function(self, operation: Operation) -> int:
        """The address of an operation's function; `need` it first."""
        return self.functions[function_name(operation)]

    def need(self, operations: Iterable[Operation]) -> None:
        """Have functions for all these operations.

        Raises
        ------
        ToolError : the compiler fails
        """
        wanted = {function_name(each): each for each in operations}
        if not wanted.keys() <= self.functions.keys():
            for index in sorted(self.folder.glob("*.json")):
                self._load(index)
        missing = sorted(wanted.keys() - self.functions.keys())
        if not missing:
            return
        text = HEADER + "".join(function_source(wanted[name]) for name in missing)
        self._load(_compile(self.folder, text, missing))

    def driver(self) -> ctypes.CDLL:
        """The library with the loop around the functions."""
        return self.library("driver", HEADER + DRIVER)

    def library(self, name: str, text: str) -> ctypes.CDLL:
        """The library of some C of fixed text, compiled once.

        Raises
        ------
        ToolError : the compiler fails
        """
        key = hashlib.sha256(text.encode()).hexdigest()[:24]
        return ctypes.CDLL(str(_compiled(self.folder, f"{name}-{key}", text)))

    def _load(self, index: Path) -> None:
        if index.name in self._loaded:
            return
        try:
            names = json.loads(index.read_text())
            if not is_as_written(index.with_suffix(".so")):  # it would kill the process
                return
            note_use(index.with_suffix(".so"))
            library = ctypes.CDLL(str(index.with_suffix(".so")))
            found = {name: ctypes.cast(library[name], ctypes.c_void_p).value for name in names}
        except (OSError, ValueError, AttributeError):
            return  # damaged: what it held is compiled again
        self._loaded.add(index.name)
        self._libraries.append(library)
        self.functions |= {name: address for name, address in found.items() if address}


@functools.cache
def kernel() -> Kernel:
    """The kernel of this machine.

    Raises
    ------
    ToolError : there is no C compiler
    """
    found = compiler()
    if found is None:
        raise ToolError("no C compiler on PATH: sudo apt-get install gcc")
    version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
    about = "\n".join([found, version.split("\n")[0], _processor(), HEADER, *_FLAGS])
    key = hashlib.sha256(about.encode()).hexdigest()[:16]
    folder = cache_folder() / "kernels" / key
    folder.mkdir(parents=True, exist_ok=True)
    return Kernel(folder)


def _processor() -> str:
    """What the processor can do: machine code is kept apart by it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() + platform.machine()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def _compile(folder: Path, text: str, names: list[str]) -> Path:
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    _compiled(folder, key, text)
    index = folder / f"{key}.json"
    write_whole(index, json.dumps(names))
    return index


def _compiled(folder: Path, name: str, text: str) -> Path:
    """A shared library of some C, complete or not at all."""
    library = folder / f"{name}.so"
    if is_as_written(library):
        note_use(library)
        return library
    source = folder / f"{name}.c"
    source.write_text(text)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        made, log = Path(scratch) / "kernel.so", folder / f"{name}.log"
        command = [str(compiler()), *_FLAGS, "-o", str(made), str(source)]
        with log.open("w") as out:
            # Its temporary files beside its result: another disk that is full is no hindrance.
            places = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(Path(scratch).absolute()))
            done = subprocess.run(
                command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | places, check=False
            )
        if done.returncode:
            raise ToolError("the C compiler failed on the replay kernel; use engine='numpy'", log)
        made.replace(library)
        note_digest(library)
    return library
