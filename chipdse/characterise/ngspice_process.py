"""ngspice as a program, where its library is not installed: same interface and results."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import numpy as np

from chipdse.characterise.ngspice import SimulationError
from chipdse.errors import MachineError

_DONE = "chipdse-done"
_PATIENCE_S = 10.0


class NgspiceProcess:
    """One `ngspice -p` fed through its standard input; results come back as binary raw files."""

    def __init__(self) -> None:
        program = shutil.which("ngspice")
        if program is None:
            raise MachineError(
                "ngspice is not installed or not on PATH; install it, e.g. "
                "sudo apt-get install ngspice"
            )
        self._folder = tempfile.TemporaryDirectory(prefix="ngspice_")
        environment = {"OMP_NUM_THREADS": "1", "HOME": self._folder.name}
        try:
            self._process = subprocess.Popen(
                [program, "-p"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=self._folder.name,
                env=environment,
            )
        except OSError:
            self._folder.cleanup()
            raise
        self.said: list[str] = []
        try:
            for text in ("set noaskquit", "set num_threads=1", "set filetype=binary"):
                self.command(text)
        except SimulationError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the program, wait for it, and remove its folder; again it does nothing."""
        process = self._process
        try:
            if process.poll() is None:
                # "quit" is one more command: of an analysis that does not end it is never read.
                process.communicate("quit\n", timeout=_PATIENCE_S)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            process.kill()
        finally:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):  # the buffered text has no reader any more
                        stream.close()
            process.wait()
            self._folder.cleanup()

    def version(self) -> str:
        """As ngspice states it, e.g. `ngspice-39`."""
        self._ask("version -s")
        words = " ".join(self.said).split()
        return next((word for word in words if word.startswith("ngspice-")), "unknown")

    def command(self, text: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text + "\n")
        except OSError as error:
            raise SimulationError("ngspice ended") from error

    def _ask(self, text: str) -> None:
        """Run a command and wait until it is done."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self.command(text)
        self.command(f"echo {_DONE}")
        try:
            self._process.stdin.flush()
        except OSError as error:
            raise SimulationError("ngspice ended") from error
        self.said = []
        for line in self._process.stdout:
            if line.strip() == _DONE:
                return
            self.said.append(line.strip())
        raise SimulationError("ngspice ended: " + " | ".join(self.said[-4:]))

    def load(self, deck: str) -> None:
        """Replace the circuit."""
        file = Path(self._folder.name) / "deck.cir"
        file.write_text(deck)
        self.command("destroy all")
        self.command("remcirc")
        self._ask("source deck.cir")
        first = next((at for at, line in enumerate(self.said) if "Error" in line), None)
        if first is not None:
            lines = [line for line in self.said[first:] if line]
            raise SimulationError("the circuit was refused: " + " | ".join(lines[:4]))

    def run(self, analysis: str, vectors: list[str]) -> dict[str, np.ndarray]:
        """One analysis; its vectors."""
        file = Path(self._folder.name) / "out.raw"
        file.unlink(missing_ok=True)
        self.command("destroy all")
        self.command(analysis)
        self._ask("write out.raw " + " ".join(vectors))
        trouble = [s for s in self.said if "simulation(s) aborted" in s or "imestep too small" in s]
        if trouble or not file.is_file():
            raise SimulationError(f"{analysis}: " + " | ".join(trouble or self.said[-4:]))
        return _read_raw(file.read_bytes(), vectors)

    def operating_point(self, vectors: list[str]) -> dict[str, float]:
        return {name: float(values[-1]) for name, values in self.run("op", vectors).items()}


def _read_raw(data: bytes, vectors: list[str]) -> dict[str, np.ndarray]:
    """The wanted vectors of a binary raw file; currents are written as `v1#branch` or `i(v1)`."""
    header, _, body = data.partition(b"Binary:\n")
    lines = header.decode(errors="replace").splitlines()
    names = [line.split("\t")[2].lower() for line in lines if line.startswith("\t")]
    values = np.frombuffer(body, dtype=np.float64).reshape(-1, len(names))
    by_vector = {}
    for wanted in vectors:
        inner = wanted[2:-1] if wanted.startswith("i(") else wanted
        spelled = (wanted, f"v({wanted})", f"i({inner})", f"{inner}#branch")
        column = next((names.index(name) for name in spelled if name in names), None)
        if column is None:
            raise SimulationError(f"no {wanted} among {', '.join(names)}")
        by_vector[wanted] = values[:, column].copy()
    return by_vector
