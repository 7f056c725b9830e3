"""Whose code a file is: Python's, an installed package's, chipdse's own or the user's.

Also which code asks for a path or a variable, by itself or through Python's modules for them.
"""

from __future__ import annotations

import genericpath
import glob
import importlib
import os
import pathlib
import posixpath
import string
import sysconfig
from pathlib import Path
from types import FrameType

_STANDARD = tuple(
    os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib")
)


_INSTALLED = ("site-packages", "dist-packages")


_PATHS = {
    "<frozen os>",
    "<frozen genericpath>",
    "<frozen posixpath>",
    *(os.__file__, genericpath.__file__, posixpath.__file__, pathlib.__file__, glob.__file__),
}


_LOOKED_UP = {
    "<frozen os>",
    "<frozen posixpath>",
    "<frozen _collections_abc>",
    *(os.__file__, posixpath.__file__, string.__file__),
    *(str(Path(os.__file__).with_name(name)) for name in ("configparser.py", "copy.py")),
    str(Path(os.__file__).parent / "collections" / "__init__.py"),
}
"""Modules of the standard library that look up for whoever calls them: paths and variables."""


IMPORTING = ("<frozen importlib", os.path.dirname(importlib.__file__) + os.sep)  # noqa: PTH120


CHIPDSE = str(Path(__file__).parents[2]) + os.sep


OURS = (*IMPORTING, CHIPDSE)


def is_standard(path: str) -> bool:
    """Whether a file belongs to Python's standard library."""
    inside = path.startswith(_STANDARD) or os.path.realpath(path).startswith(_STANDARD)
    return inside and not is_installed(path)


def is_installed(path: str) -> bool:
    """Whether a file lies where packages are installed."""
    return any(f"{os.sep}{name}{os.sep}" in path for name in _INSTALLED)


def is_code_of_user(path: str) -> bool:
    """Whether a file of code is neither Python's, nor installed, nor chipdse's own."""
    ours = path.startswith(("<", CHIPDSE))
    return not (ours or is_installed(path) or is_standard(path))


def is_asked_by_library(frame: FrameType | None) -> bool:
    """Whether the standard library, or cocotb itself, asks: their settings make no result."""
    while frame is not None and frame.f_code.co_filename in _LOOKED_UP:
        frame = frame.f_back
    if frame is None:
        return True
    file = frame.f_code.co_filename
    cocotb = is_installed(file) and f"{os.sep}cocotb" in file
    return file.startswith("<frozen") or is_standard(file) or cocotb


def asking_file(frame: FrameType | None) -> str:
    """The file of the code that asks for a path, by itself or by Python's modules for paths."""
    while frame is not None and frame.f_code.co_filename in _PATHS:
        frame = frame.f_back
    return "<none>" if frame is None else frame.f_code.co_filename


def asked_function(frame: FrameType | None) -> str:
    """The function of Python's modules for paths that the code called; "" if it called none."""
    asked = ""
    while frame is not None and frame.f_code.co_filename in _PATHS:
        asked, frame = frame.f_code.co_name, frame.f_back
    return asked
