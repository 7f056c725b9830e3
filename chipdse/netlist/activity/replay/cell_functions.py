"""The compiled functions of replay's operations, kept in the cache and found by name."""

from __future__ import annotations

import ctypes
import functools
import json
from collections.abc import Iterable
from pathlib import Path

from chipdse.kernels.build import QUICK, Kernels, text_key
from chipdse.netlist.activity.replay.c_functions import function_name, functions_text
from chipdse.netlist.activity.replay.plan import Operation
from chipdse.store.derived import note_use
from chipdse.store.files import is_as_written, write_whole


class CellFunctions:
    """Compiled functions by name; what is missing is compiled together and kept."""

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels
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
        wanted = {function_name(operation): operation for operation in operations}
        if not wanted.keys() <= self.functions.keys():
            for index in sorted(self.kernels.folder.glob("*.json")):
                self._load(index)
        missing = sorted(wanted.keys() - self.functions.keys())
        if not missing:
            return
        text = functions_text(wanted[name] for name in missing)
        index = self.kernels.compiled(text_key(text), text, QUICK).with_suffix(".json")
        write_whole(index, json.dumps(missing).encode())
        self._load(index)

    def _load(self, index: Path) -> None:
        if index.name in self._loaded:
            return
        try:
            names = json.loads(index.read_text())
            if not is_as_written(index.with_suffix(".so")):  # it would kill the process
                return
            note_use(index.with_suffix(".so"))
            library = ctypes.CDLL(str(index.with_suffix(".so")))
            loaded = {name: ctypes.cast(library[name], ctypes.c_void_p).value for name in names}
        except (OSError, ValueError, AttributeError):
            return  # damaged: what it held is compiled again
        self._loaded.add(index.name)
        self._libraries.append(library)
        self.functions |= {name: address for name, address in loaded.items() if address}


@functools.cache
def cell_functions(kernels: Kernels) -> CellFunctions:
    """The functions among the compiled libraries of this machine."""
    return CellFunctions(kernels)
