"""ngspice in this process: load a deck once, change stimuli, run, read arrays."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from typing import Self

import numpy as np

from chipdse.errors import MachineError, ToolError

# Read when the library is loaded: its OpenMP loops cost 30 times more than they save here.
os.environ["OMP_NUM_THREADS"] = "1"


class _Complex(ctypes.Structure):
    _fields_ = [("re", ctypes.c_double), ("im", ctypes.c_double)]


class _VectorInfo(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("flags", ctypes.c_short),
        ("real", ctypes.POINTER(ctypes.c_double)),
        ("complex", ctypes.POINTER(_Complex)),
        ("length", ctypes.c_int),
    ]


_SEND = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p)
_EXIT = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_bool, ctypes.c_bool, ctypes.c_int, ctypes.c_void_p
)


class SimulationError(ToolError):
    """ngspice refused; the text contains its last lines."""


class Ngspice:
    """The one simulator of this process."""

    def __init__(self) -> None:
        path = ctypes.util.find_library("ngspice")
        if path is None:
            raise MachineError(
                "libngspice is not installed; install ngspice or libngspice0, e.g. "
                "sudo apt-get install ngspice"
            )
        self._library = ctypes.CDLL(path)
        self._library.ngGet_Vec_Info.restype = ctypes.POINTER(_VectorInfo)
        self.said: list[str] = []
        # The callbacks must outlive the library.
        self._send = _SEND(self._hear)
        self._status = _SEND(lambda text, number, user: 0)
        self._exit = _EXIT(lambda code, now, quit_, number, user: 0)
        self._library.ngSpice_Init(self._send, self._status, self._exit, None, None, None, None)
        self.command("set num_threads=1")
        self.command("set noaskquit")
        self.command("set nomoremode")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the circuit; the library itself stays in the process."""
        self.command("destroy all")
        self.command("remcirc")

    def _hear(self, text: bytes, number: int, user: object) -> int:
        self.said.append(text.decode(errors="replace"))
        return 0

    def version(self) -> str:
        """As ngspice states it, e.g. `ngspice-39`."""
        del self.said[:]
        self.command("version -s")
        for line in self.said:
            for word in line.split():
                if word.startswith("ngspice-"):
                    return word
        return "unknown"

    def command(self, text: str) -> None:
        self._library.ngSpice_Command(text.encode())

    def load(self, deck: str) -> None:
        """Replace the circuit."""
        self.command("destroy all")
        self.command("remcirc")
        lines = [line.encode() for line in deck.splitlines()] + [None]
        array = (ctypes.c_char_p * len(lines))(*lines)
        del self.said[:]
        if self._library.ngSpice_Circ(array) != 0:
            raise SimulationError("the circuit was refused: " + " | ".join(self.said[-5:]))

    def run(self, analysis: str, vectors: list[str]) -> dict[str, np.ndarray]:
        """One analysis; its vectors as copies."""
        self.command("destroy all")
        del self.said[:]
        self.command(analysis)
        result = {}
        for name in vectors:
            info = self._library.ngGet_Vec_Info(name.encode())
            if not info or info.contents.length == 0:
                raise SimulationError(f"{analysis}: no {name}: " + " | ".join(self.said[-4:]))
            result[name] = np.ctypeslib.as_array(
                info.contents.real, shape=(info.contents.length,)
            ).copy()
        trouble = [s for s in self.said if "simulation(s) aborted" in s or "imestep too small" in s]
        if trouble:
            raise SimulationError(trouble[0])
        return result

    def operating_point(self, vectors: list[str]) -> dict[str, float]:
        return {name: float(values[-1]) for name, values in self.run("op", vectors).items()}
