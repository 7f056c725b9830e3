"""Compiles C for this processor and keeps the libraries in the cache.

C of fixed text lies in the `.c` and `.h` files of this folder. Only `c_text` reads them. Its
argument must be a literal in the code: `chipdse.store.sources` finds this literal, so that the file
counts as code of every stage that uses it.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from chipdse.errors import ToolError
from chipdse.paths import cache_folder
from chipdse.store.derived import note_use
from chipdse.store.files import is_as_written, note_digest, write_whole
from chipdse.store.source_files import INCLUDE, c_files

# A fused multiply-add rounds once where NumPy rounds twice, and not every processor has it.
_ROUND_ALIKE = "-ffp-contract=off"
# GCC warns how 64-byte vectors would be passed between libraries of processors with and without
# AVX-512; only static functions have them as arguments.
_WARNINGS = ("-Wall", "-Wextra", "-Wno-psabi")
FLAGS = ("-march=native", _ROUND_ALIKE, "-shared", "-fPIC", "-std=gnu11", *_WARNINGS)
FULL = "-O3"
QUICK = "-O1"
"""For functions written for a netlist, whose C has whole vectors: higher levels compile for up to
three times as long, and the functions are no faster."""


@functools.cache
def compiler() -> str | None:
    """The C compiler: that of CHIPDSE_CC or CC, otherwise gcc, clang or cc; None if there is
    none."""
    named = os.environ.get("CHIPDSE_CC", os.environ.get("CC"))
    if named == "":
        return None
    choices = [named] if named else ["gcc", "clang", "cc"]
    return next((program for choice in choices if (program := shutil.which(choice))), None)


@functools.cache
def c_text(name: str) -> str:
    """The text of a C file of this folder, e.g. "placer.c", with its headers in place.

    Each header of this folder stands once, where the first `#include` of it is.
    """
    return "".join(INCLUDE.sub("", file.read_text()) for file in c_files(name).values())


def compile_command(
    compiler_path: str, source: Path, library: Path, level: str = FULL
) -> list[str]:
    """The command that compiles a C file to a shared library, optimised to a level."""
    return [compiler_path, level, *FLAGS, "-o", str(library), str(source), "-lm"]


class Kernels:
    """The compiled libraries in a folder of the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def library(self, file: str) -> ctypes.CDLL:
        """The library of a C file of this package, e.g. "placer.c", compiled once.

        Raises
        ------
        ToolError : the compiler fails
        """
        text = c_text(file)
        name = f"{file.removesuffix('.c')}-{text_key(text)}"
        return ctypes.CDLL(str(self.compiled(name, text)))

    def compiled(self, name: str, text: str, level: str = FULL) -> Path:
        """A shared library of some C, complete or not at all.

        Parameters
        ----------
        name : of the file in the folder, without suffix; it holds a hash of the text
        level : of optimisation, `FULL` or `QUICK`

        Raises
        ------
        ToolError : the compiler fails
        """
        library = self.folder / f"{name}.so"
        if is_as_written(library):
            note_use(library)
            return library
        source = self.folder / f"{name}.c"
        write_whole(source, text)
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            result, log = Path(scratch) / "kernel.so", self.folder / f"{name}.log"
            command = compile_command(str(compiler()), source, result, level)
            with log.open("w") as out:
                # Temporary files lie beside the result, so a full disk elsewhere does not matter.
                places = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(Path(scratch).absolute()))
                done = subprocess.run(
                    command,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=os.environ | places,
                    check=False,
                )
            if done.returncode:
                raise ToolError("the C compiler failed; CHIPDSE_CC='' does without it", log)
            result.replace(library)
            note_digest(library)
        return library


@functools.cache
def kernels() -> Kernels:
    """The compiled libraries of this machine, separate for each compiler, processor and set of
    flags.

    Raises
    ------
    ToolError : there is no C compiler
    """
    path = compiler()
    if path is None:
        raise ToolError("no C compiler on PATH: sudo apt-get install gcc")
    version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    identity = "\n".join([path, version.split("\n")[0], _processor(), FULL, QUICK, *FLAGS])
    folder = cache_folder() / "kernels" / hashlib.sha256(identity.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return Kernels(folder)


def text_key(text: str) -> str:
    """The part of a library's name that identifies its C code."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def array_of(kind: DTypeLike) -> Any:
    """The type of a C argument that is an array of this kind, its elements without gaps.

    Another array raises `ctypes.ArgumentError`.
    """
    return np.ctypeslib.ndpointer(dtype=kind, flags="C_CONTIGUOUS")


def declared(
    library: ctypes.CDLL, name: str, *arguments: Any, returns: Any = None
) -> Callable[..., Any]:
    """A function of a library that checks its arguments; `returns` is None for a C `void`."""
    function = library[name]
    function.argtypes, function.restype = arguments, returns
    return function


def _processor() -> str:
    """The features of the processor, which separate the machine code in the cache."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() + platform.machine()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
