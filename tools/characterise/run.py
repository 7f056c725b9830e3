"""Simulate cells at corners; every (corner, cell) is one JSON file, so a run can be continued.

Each file states the digest of all that it follows from (`Characteriser.key`), so that a file of
other layouts, models, settings, code or ngspice is made again instead of used.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import multiprocessing.util
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

from chipdse.characterise import combinational, constraints, leakage, sequential
from chipdse.characterise.bench import Bench
from chipdse.characterise.deck import Corner
from chipdse.characterise.ngspice import Ngspice, SimulationError
from chipdse.characterise.ngspice_process import NgspiceProcess
from chipdse.characterise.run import read
from chipdse.characterise.simulator import settled_fo4_s, simulator, simulator_version
from chipdse.store.sources import code_of

from . import catalogue, inputs, settings
from .deck import LayoutCircuit
from .inputs import model_card

# Near threshold a storing cell may start in the other state unless it is held there; cold, an
# edge may be later than the window that follows the inverter's delay (held, patience).
ATTEMPTS = ((False, 1.0), (True, 1.0), (False, 3.0), (True, 3.0))
_FO4_GUESS_S = {0.5: 500e-9, 0.6: 70e-9, 0.7: 13e-9, 0.8: 3.3e-9, 0.9: 1.2e-9, 1.0: 0.6e-9}
_LONGER = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)  # where slow transistors do not settle in that time
_CODE = {
    "inverter": ("chipdse.characterise.simulator:settled_fo4_s",),
    "load": ("chipdse.characterise.combinational", "chipdse.characterise.sequential"),
    "timing": tuple(
        f"chipdse.characterise.{m}" for m in ("combinational", "sequential", "constraints")
    ),
    "leakage": ("chipdse.characterise.leakage",),
}
"""The code of the package that simulates each kind of file."""


@dataclass(frozen=True, order=True)
class Task:
    """One file to make. `kind` is "timing" or "leakage"."""

    kind: str
    process: str
    supply_v: float
    temperature_c: float
    cell: str

    def file(self, work: Path) -> Path:
        tag = corner_tag(self.process, self.supply_v, self.temperature_c)
        return work / self.kind / tag / f"{self.cell}.json"


def corner_tag(process: str, supply_v: float, temperature_c: float) -> str:
    return f"{process}_{supply_v:.2f}V_{temperature_c:.0f}C"


def tasks(
    cells: tuple[str, ...],
    process: str,
    supplies_v: tuple[float, ...],
    temperatures_c: tuple[float, ...],
    kind: str,
) -> list[Task]:
    """In order of use: a corner at a time."""
    return [
        Task(kind, process, v, t, cell)
        for t in temperatures_c
        for v in supplies_v
        for cell in cells
    ]


class Characteriser:
    """The state of one process: a simulator, the inputs, and what corners share.

    It ends with `close`, or with the block of a ``with``.
    """

    def __init__(self, work: Path) -> None:
        self.work = work
        self.layouts, self.models = inputs.load()
        self.held, self.patience = ATTEMPTS[0]
        self._circuits: dict[tuple[str, str], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the simulator."""
        if "simulator" in self.__dict__:
            self.simulator.close()

    @cached_property
    def simulator(self) -> Ngspice | NgspiceProcess:
        """Started where the first file is missing."""
        return simulator()

    def circuit(self, name: str, models: str) -> LayoutCircuit:
        return LayoutCircuit(
            layout=self.layouts[name],
            model_card=model_card(self.models, models),
            stress_inset_m=settings.STRESS_INSET_M,
        )

    def bench(self, name: str, corner: Corner, models: str) -> Bench:
        circuit = self.circuit(name, models)
        return Bench(
            self.simulator, catalogue.cell(name), circuit, corner, self.held, self.patience
        )

    def key(self, name: str, models: str, code: Iterable[str], *what: Any) -> str:
        """Digest of all that a file of one cell follows from.

        Parameters
        ----------
        code : what simulates it: digests, or texts
        what : corner, grid and other inputs
        """
        if (name, models) not in self._circuits:
            lines = "\n".join(self.circuit(name, models).lines())
            self._circuits[name, models] = hashlib.sha256(lines.encode()).hexdigest()
        circuit, cell = self._circuits[name, models], repr(catalogue.cell(name))
        parts = [simulator_version(), circuit, cell, list(code), ATTEMPTS, *what]
        return hashlib.sha256(json.dumps(parts, default=repr).encode()).hexdigest()

    def corner_key(self, process: str, supply_v: float, temperature_c: float) -> str:
        """Of the inverter's delay at a corner."""
        code = _code("inverter", Characteriser.corner, Characteriser._fo4_s)
        models, guesses = settings.TIMING_MODELS[process], (_FO4_GUESS_S, _LONGER)
        return self.key("inv_1", models, code, supply_v, temperature_c, guesses)

    def corner(self, process: str, supply_v: float, temperature_c: float) -> Corner:
        """With the delay of an inverter that drives four, its slew its own output's."""
        file = self.work / f"fo4_{corner_tag(process, supply_v, temperature_c)}.json"
        key = self.corner_key(process, supply_v, temperature_c)
        known = read(file, key)
        if known is None:
            # cold is slower, the more the lower the supply; a window too short is lengthened
            guess = _FO4_GUESS_S.get(round(supply_v, 1), 150e-12)
            fo4_s = self._fo4_s(process, supply_v, temperature_c, guess)
            write(file, {"key": key, "fo4_s": fo4_s})
            known = json.loads(file.read_text())
        return Corner(supply_v=supply_v, temperature_c=temperature_c, fo4_s=known["fo4_s"])

    def _fo4_s(self, process: str, supply_v: float, temperature_c: float, guess_s: float) -> float:
        for factor in _LONGER:
            corner = Corner(supply_v=supply_v, temperature_c=temperature_c, fo4_s=factor * guess_s)
            bench = self.bench("inv_1", corner, settings.TIMING_MODELS[process])
            try:
                return settled_fo4_s(bench)
            except SimulationError as error:
                failure = error
        raise failure

    def largest_load_f(self, name: str) -> float:
        """Where the nominal output transition reaches the largest slew."""
        file, key = self.work / "loads" / f"{name}.json", self.load_key(name)
        known = read(file, key)
        if known is None:
            bench = self.bench(name, self.nominal(), settings.TIMING_MODELS["typical"])
            limit = float(settings.SLEWS_S[-1])
            if bench.cell.sequential is None:
                value = combinational.largest_load_f(bench, limit)
            else:
                value = sequential.largest_load_f(bench, limit)
            known = {"key": key, "largest_load_f": float(f"{value:.3g}")}
            write(file, known)
        return float(known["largest_load_f"])

    def load_key(self, name: str) -> str:
        """Of the largest load of a cell."""
        code = _code("load", Characteriser.largest_load_f)
        models, limit = settings.TIMING_MODELS["typical"], settings.SLEWS_S[-1]
        return self.key(name, models, code, limit, self.corner_key("typical", *_NOMINAL))

    def nominal(self) -> Corner:
        """The corner at which slews and loads are chosen."""
        return self.corner("typical", *_NOMINAL)

    def timing(
        self, name: str, process: str, supply_v: float, temperature_c: float
    ) -> dict[str, Any]:
        cell, corner = catalogue.cell(name), self.corner(process, supply_v, temperature_c)
        if not cell.inputs:
            return {"arcs": [], "quiet_energy_j": {}, "capacitance_f": {}}
        factor = corner.fo4_s / self.nominal().fo4_s
        slews, loads = settings.SLEWS_S * factor, settings.loads_f(self.largest_load_f(name))
        constraint = settings.CONSTRAINT_SLEWS_S * factor
        limit, middle_load_f = float(slews[-1]), float(loads[settings.MIDDLE_LOAD])
        pick = list(settings.points(process, supply_v, temperature_c))
        if len(pick) < len(slews):
            slews, loads = slews[pick], loads[pick]
            constraint = constraint[list(settings.COARSE_CONSTRAINT)]
        bench = self.bench(name, corner, settings.TIMING_MODELS[process])
        results: dict[str, Any] = {
            "slews_s": slews.tolist(),
            "loads_f": loads.tolist(),
            "fo4_s": corner.fo4_s,
        }
        sparse = len(pick) == len(settings.SPARSE)
        if cell.sequential is None:
            results |= combinational.characterise(
                bench,
                slews,
                loads,
                limit,
                middle_load_f,
                sparse=sparse,
                fastest=process in settings.FASTEST_STATE,
            )
        else:
            results["constraint_slews_s"] = constraint.tolist()
            results |= sequential.characterise(bench, slews, loads, limit)
            store = sequential.Store(bench, float(loads[-1]), limit)
            results["constraints"] = constraints.constraints(
                store, constraint, float(loads[0]), sparse=sparse
            )
        results["runs"] = bench.runs
        return results

    def leakage(
        self, name: str, process: str, supply_v: float, temperature_c: float
    ) -> dict[str, Any]:
        cell = catalogue.cell(name)
        if not cell.inputs:  # a tie cell has no transistor
            return {"states": [{"levels": {}, "power_w": 0.0}]}
        corner = self.corner(process, supply_v, temperature_c)
        bench = self.bench(name, corner, settings.LEAKAGE_MODELS[process])
        if cell.sequential is not None:
            return {"states": leakage.sequential(bench)}
        bench.use_gmin(leakage.LEAKAGE_GMIN)
        return {"states": leakage.combinational(bench)}

    def task_key(self, task: Task) -> str:
        """Of a task's file."""
        point = task.supply_v, task.temperature_c
        corner_hash = self.corner_key(task.process, *point)
        code = _code(task.kind, getattr(Characteriser, task.kind))
        if task.kind == "leakage":
            models = settings.LEAKAGE_MODELS[task.process]
            return self.key(task.cell, models, code, *point, corner_hash)
        if not catalogue.cell(task.cell).inputs:
            return self.key(task.cell, settings.TIMING_MODELS[task.process], code, *point)
        grid = [
            *(settings.SLEWS_S.tolist(), settings.CONSTRAINT_SLEWS_S.tolist()),
            *(settings.SMALLEST_LOAD_F, settings.LOADS, settings.MIDDLE_LOAD),
            *(settings.points(task.process, *point), settings.SPARSE, settings.COARSE_CONSTRAINT),
            task.process in settings.FASTEST_STATE,
        ]
        scale = corner_hash, self.corner_key("typical", *_NOMINAL), self.load_key(task.cell)
        return self.key(task.cell, settings.TIMING_MODELS[task.process], code, *point, grid, scale)

    def known(self, task: Task) -> bool:
        """Whether a task's file is there, made from these inputs."""
        return read(task.file(self.work), self.task_key(task)) is not None

    def do(self, task: Task) -> str | None:
        """Make one file unless it is there; what went wrong, if anything."""
        file = task.file(self.work)
        if self.known(task):
            return None
        begin = time.process_time()
        for self.held, self.patience in ATTEMPTS:
            try:
                results = self._make(task)
                break
            except Exception as error:  # recorded and reported: the run goes on
                failure = f"{task}: {type(error).__name__}: {error}"
        else:
            return failure
        results |= {
            "key": self.task_key(task),
            "cell": task.cell,
            "process": task.process,
            "supply_v": task.supply_v,
            "temperature_c": task.temperature_c,
            "area_m2": self.layouts[task.cell].area_m2,
            "cpu_s": time.process_time() - begin,
        }
        write(file, results)
        return None

    def _make(self, task: Task) -> dict[str, Any]:
        result: dict[str, Any] = getattr(self, task.kind)(
            task.cell, task.process, task.supply_v, task.temperature_c
        )
        return result


_NOMINAL = (settings.NOMINAL_SUPPLY_V, settings.NOMINAL_TEMPERATURE_C)


@cache
def _code(kind: str, *methods: Callable[..., Any]) -> tuple[str, ...]:
    """What simulates a kind of file: the package's code, and methods of this module."""
    return code_of(*_CODE[kind]), *map(inspect.getsource, methods)


def missing(work: Path, tasks: Iterable[Task]) -> list[Task]:
    """Those whose files are not in a folder, or were made from other inputs."""
    with Characteriser(work) as characteriser:
        return [task for task in tasks if not characteriser.known(task)]


def write(file: Path, data: dict[str, Any]) -> None:
    """Atomically, with six significant digits."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(inputs.rounded(data)))
    part.replace(file)


_worker: Characteriser | None = None


def start_worker(work: Path) -> None:
    global _worker
    _worker = Characteriser(work)
    # A pool's process ends without the interpreter's own clearing up.
    multiprocessing.util.Finalize(_worker, _worker.close, exitpriority=0)


def work_on(task: Task) -> str | None:
    assert _worker is not None
    return _worker.do(task)
