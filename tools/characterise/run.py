"""Simulate cells at corners; every (corner, cell) is one JSON file, so a run can be continued."""

from __future__ import annotations

import json
import multiprocessing.util
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from chipdse.characterise import combinational, constraints, leakage, sequential
from chipdse.characterise.bench import Bench
from chipdse.characterise.deck import Corner
from chipdse.characterise.ngspice import SimulationError
from chipdse.characterise.simulator import settled_fo4_s, simulator

from . import catalogue, inputs, settings
from .deck import LayoutCircuit
from .inputs import model_card

# Near threshold a storing cell may start in the other state unless it is held there; cold, an
# edge may be later than the window that follows the inverter's delay (held, patience).
ATTEMPTS = ((False, 1.0), (True, 1.0), (False, 3.0), (True, 3.0))
_FO4_GUESS_S = {0.5: 500e-9, 0.6: 70e-9, 0.7: 13e-9, 0.8: 3.3e-9, 0.9: 1.2e-9, 1.0: 0.6e-9}
_LONGER = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)  # where slow transistors do not settle in that time


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
        self.simulator = simulator()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the simulator."""
        self.simulator.close()

    def bench(self, name: str, corner: Corner, models: str) -> Bench:
        return Bench(
            self.simulator,
            catalogue.cell(name),
            LayoutCircuit(
                layout=self.layouts[name],
                model_card=model_card(self.models, models),
                stress_inset_m=settings.STRESS_INSET_M,
            ),
            corner,
            self.held,
            self.patience,
        )

    def corner(self, process: str, supply_v: float, temperature_c: float) -> Corner:
        """With the delay of an inverter that drives four, its slew its own output's."""
        file = self.work / f"fo4_{corner_tag(process, supply_v, temperature_c)}.json"
        if not file.exists():
            # cold is slower, the more the lower the supply; a window too short is lengthened
            guess = _FO4_GUESS_S.get(round(supply_v, 1), 150e-12)
            write(file, {"fo4_s": self._fo4_s(process, supply_v, temperature_c, guess)})
        return Corner(
            supply_v=supply_v,
            temperature_c=temperature_c,
            fo4_s=json.loads(file.read_text())["fo4_s"],
        )

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
        file = self.work / "loads" / f"{name}.json"
        if not file.exists():
            bench = self.bench(name, self.nominal(), settings.TIMING_MODELS["typical"])
            limit = float(settings.SLEWS_S[-1])
            if bench.cell.sequential is None:
                value = combinational.largest_load_f(bench, limit)
            else:
                value = sequential.largest_load_f(bench, limit)
            write(file, {"largest_load_f": float(f"{value:.3g}")})
        return float(json.loads(file.read_text())["largest_load_f"])

    def nominal(self) -> Corner:
        """The corner at which slews and loads are chosen."""
        return self.corner("typical", settings.NOMINAL_SUPPLY_V, settings.NOMINAL_TEMPERATURE_C)

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
        found: dict[str, Any] = {
            "slews_s": slews.tolist(),
            "loads_f": loads.tolist(),
            "fo4_s": corner.fo4_s,
        }
        sparse = len(pick) == len(settings.SPARSE)
        if cell.sequential is None:
            found |= combinational.characterise(
                bench,
                slews,
                loads,
                limit,
                middle_load_f,
                sparse=sparse,
                fastest=process in settings.FASTEST_STATE,
            )
        else:
            found["constraint_slews_s"] = constraint.tolist()
            found |= sequential.characterise(bench, slews, loads, limit)
            store = sequential.Store(bench, float(loads[-1]), limit)
            found["constraints"] = constraints.constraints(
                store, constraint, float(loads[0]), sparse=sparse
            )
        found["runs"] = bench.runs
        return found

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

    def do(self, task: Task) -> str | None:
        """Make one file unless it is there; what went wrong, if anything."""
        file = task.file(self.work)
        if file.exists():
            return None
        begin = time.process_time()
        for self.held, self.patience in ATTEMPTS:
            try:
                found = self._make(task)
                break
            except Exception as error:  # recorded and reported: the run goes on
                failure = f"{task}: {type(error).__name__}: {error}"
        else:
            return failure
        found |= {
            "cell": task.cell,
            "process": task.process,
            "supply_v": task.supply_v,
            "temperature_c": task.temperature_c,
            "area_m2": self.layouts[task.cell].area_m2,
            "cpu_s": time.process_time() - begin,
        }
        write(file, found)
        return None

    def _make(self, task: Task) -> dict[str, Any]:
        made: dict[str, Any] = getattr(self, task.kind)(
            task.cell, task.process, task.supply_v, task.temperature_c
        )
        return made


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
