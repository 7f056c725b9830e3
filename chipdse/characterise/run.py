"""Simulate cells at corners; each (corner, cell) is one file, so a run continues where it ended."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import multiprocessing.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from chipdse.characterise import combinational, constraints, leakage, sequential
from chipdse.characterise.bench import Bench
from chipdse.characterise.cells import Cell
from chipdse.characterise.deck import Corner as BenchCorner
from chipdse.characterise.description import Corner, Description
from chipdse.characterise.functions import bench_cell
from chipdse.characterise.ngspice import SimulationError
from chipdse.characterise.simulator import settled_fo4_s, simulator, simulator_version
from chipdse.characterise.spice import Models, Netlists, SpiceCircuit
from chipdse.errors import ChipdseError, DesignError, ToolError
from chipdse.store.sources import code_of

# Near threshold a storing cell may start in the other state unless it is held there; cold, an
# edge may be later than the window that follows the inverter's delay (held, patience).
_ATTEMPTS = ((False, 1.0), (True, 1.0), (False, 3.0), (True, 3.0))
_FIRST_GUESS_S = 10e-12
_LONGER = tuple(10.0**exponent for exponent in range(7))
# Between the logarithms of the smallest and largest load: where the slowest state of the other
# inputs is looked for and input capacitance is measured.
_MIDDLE_LOAD = 1 / 3

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One cell at one corner, by their places in the description."""

    corner: int
    cell: int


class Characteriser:
    """The state of one process: a simulator and what corners share.

    It ends with `close`, or with the block of a ``with``.

    Parameters
    ----------
    folder : of the files

    Raises
    ------
    DesignError : a cell or its netlist cannot be characterised
    """

    def __init__(self, description: Description, folder: Path) -> None:
        self.description, self.folder = description, folder
        self.netlists = Netlists(
            files=description.netlists, power=description.power, ground=description.ground
        )
        self.cells = tuple(map(bench_cell, description.cells))
        self.held, self.patience = _ATTEMPTS[0]
        self._digests: dict[tuple[Models, ...], str] = {}
        self._simulator: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the simulator."""
        if self._simulator is not None:
            self._simulator.close()

    def check(self) -> None:
        """Raise DesignError for a cell whose netlist does not fit it."""
        for cell in self.cells:
            self.circuit(cell, self.description.corners[0].models)

    def circuit(self, cell: Cell, models: tuple[Models, ...]) -> SpiceCircuit:
        """The flattened netlist of a cell."""
        return self.netlists.circuit(cell.name, (*cell.inputs, *cell.outputs), models)

    def bench(self, cell: Cell, corner: BenchCorner, models: tuple[Models, ...]) -> Bench:
        if self._simulator is None:
            self._simulator = simulator()
            for command in self.description.commands:
                self._simulator.command(command)
        circuit = self.circuit(cell, models)
        return Bench(self._simulator, cell, circuit, corner, self.held, self.patience)

    def key(self, cell: Cell, corner: Corner, what: Any) -> str:
        """Digest of all that a file follows from, the code and ngspice's version included."""
        parts = [
            code_of("chipdse.characterise.run:Characteriser"),
            simulator_version(),
            repr(cell),
            self.circuit(cell, ()).elements,
            [self._digest(models) for models in (corner.models, corner.leakage_models)],
            (corner.supply_v, corner.temperature_c),
            [(text, _files_named(text)) for text in self.description.commands],
            what,
        ]
        return hashlib.sha256(json.dumps(parts, default=repr).encode()).hexdigest()

    def _digest(self, models: tuple[Models, ...]) -> str:
        if models not in self._digests:
            digest = hashlib.sha256()
            for each in models:
                digest.update(each.section.encode())
                for path in each.files():
                    digest.update(path.read_bytes())
            self._digests[models] = digest.hexdigest()
        return self._digests[models]

    def file(self, task: Task) -> Path:
        """Where a task's results lie."""
        tag = self.description.corners[task.corner].tag
        return self.folder / tag / f"{self.cells[task.cell].name}.json"

    def task_key(self, task: Task) -> str:
        cell, corner = self.cells[task.cell], self.description.corners[task.corner]
        inverter, nominal = self._inverter, self.description.corners[0]
        shared = [self.key(inverter, each, "inverter") for each in (corner, nominal)]
        return self.key(cell, corner, [repr(self.description.grid), *shared])

    @property
    def _inverter(self) -> Cell:
        return next(cell for cell in self.cells if cell.name == self.description.inverter)

    def fo4_s(self, corner: Corner) -> float:
        """Delay of an inverter that drives four, its slew that of its output.

        Raises
        ------
        SimulationError : it does not switch
        """
        inverter = self._inverter
        key = self.key(inverter, corner, "inverter")
        file = self.folder / corner.tag / "inverter" / f"{inverter.name}.json"
        known = read(file, key)
        if known is None:
            known = {"key": key, "fo4_s": self._measured_fo4_s(inverter, corner)}
            write(file, known)
        return float(known["fo4_s"])

    def _measured_fo4_s(self, inverter: Cell, corner: Corner) -> float:
        guess_s, rounds = 0.0, 0
        for factor in _LONGER:
            guess_s = factor * _FIRST_GUESS_S
            try:
                for _ in range(3):  # windows follow the guess, and the delay the windows
                    at = BenchCorner(
                        supply_v=corner.supply_v,
                        temperature_c=corner.temperature_c,
                        fo4_s=guess_s,
                    )
                    delay_s = settled_fo4_s(self.bench(inverter, at, corner.models))
                    rounds += 1
                    if delay_s > 0 and 0.5 < guess_s / delay_s < 2:
                        return delay_s
                    guess_s = max(delay_s, _FIRST_GUESS_S / 10)
            except SimulationError as error:
                failure = str(error)
                if "refused" in failure or "ended" in failure:
                    raise
        raise SimulationError(
            f"inverter {inverter.name} does not switch at {corner.tag}; are the supply voltage and "
            "the models right?"
        )

    def loads_f(self, cell: Cell) -> np.ndarray:
        """Loads of a cell: those that are stated, or up to the load of the largest slew."""
        grid, nominal = self.description.grid, self.description.corners[0]
        if grid.loads_f is not None:
            return np.array(grid.loads_f)
        key = self.key(cell, nominal, [repr(grid), "load"])
        file = self.folder / "loads" / f"{cell.name}.json"
        known = read(file, key)
        if known is None:
            at = self._bench_corner(nominal)
            bench = self.bench(cell, at, nominal.models)
            measure = combinational if cell.sequential is None else sequential
            largest = measure.largest_load_f(bench, grid.slews_s[-1])
            if not largest > grid.smallest_load_f:
                raise DesignError(
                    f"cell {cell.name} reaches the largest slew with {largest * 1e15:.3g} fF; "
                    "enlarge the last of [grid] slews, or reduce smallest_load"
                )
            known = {"key": key, "largest_load_f": float(f"{largest:.3g}")}
            write(file, known)
        return np.geomspace(grid.smallest_load_f, known["largest_load_f"], grid.load_count)

    def _bench_corner(self, corner: Corner) -> BenchCorner:
        return BenchCorner(
            supply_v=corner.supply_v,
            temperature_c=corner.temperature_c,
            fo4_s=self.fo4_s(corner),
        )

    def measure(self, task: Task) -> dict[str, Any]:
        """Everything of one cell at one corner, leakage first: it checks the functions.

        Raises
        ------
        DesignError : the cell does not do what its function states
        SimulationError : an edge or an operating point is not found
        """
        cell, corner = self.cells[task.cell], self.description.corners[task.corner]
        at = self._bench_corner(corner)
        nominal = self.description.corners[0]
        factor = at.fo4_s / self.fo4_s(nominal)
        slews = np.array(self.description.grid.slews_s) * factor
        limit = float(slews[-1])
        states = self._leakage(cell, at, corner.leakage_models)
        loads = self.loads_f(cell)
        result: dict[str, Any] = {
            "slews_s": slews.tolist(),
            "loads_f": loads.tolist(),
            "fo4_s": at.fo4_s,
            "supply_v": corner.supply_v,
            "area_m2": self.description.cells[task.cell].area_m2,
            "states": states,
        }
        bench = self.bench(cell, at, corner.models)
        if cell.sequential is None:
            middle_f = float(loads[0] * (loads[-1] / loads[0]) ** _MIDDLE_LOAD)
            fastest = corner.process == "fast"
            return result | combinational.characterise(
                bench, slews, loads, limit, middle_f, fastest=fastest
            )
        result |= sequential.characterise(bench, slews, loads, limit)
        checked = slews[[0, -1]]
        store = sequential.Store(bench, float(loads[-1]), limit)
        result["constraint_slews_s"] = checked.tolist()
        result["constraints"] = constraints.constraints(store, checked, float(loads[0]))
        return result

    def _leakage(
        self, cell: Cell, at: BenchCorner, models: tuple[Models, ...]
    ) -> list[dict[str, Any]]:
        bench = self.bench(cell, at, models)
        if cell.sequential is not None:
            return leakage.sequential(bench)
        bench.use_gmin(leakage.LEAKAGE_GMIN)
        return leakage.combinational(bench)

    def do(self, task: Task) -> tuple[Task, str, bool]:
        """Write one file; the error's line if it failed, and whether the input is wrong."""
        failure = ""
        for self.held, self.patience in _ATTEMPTS:
            try:
                write(self.file(task), {"key": self.task_key(task), **self.measure(task)})
                return task, "", False
            except DesignError as error:
                return task, str(error), True
            except ChipdseError as error:
                failure = str(error)
                if self.cells[task.cell].sequential is None or "refused" in failure:
                    break
        return task, failure, False


def _files_named(command: str) -> list[str]:
    """SHA-256 of the files that a command of ngspice names, e.g. compiled models: osdi FILE."""
    files = [Path(word.strip("\"'")) for word in command.split()]
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.is_file()]


def read(file: Path, key: str) -> dict[str, Any] | None:
    """A file's content, None if it is absent or of other inputs."""
    try:
        data: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) and data.get("key") == key else None


def write(file: Path, data: dict[str, Any]) -> None:
    """Atomically."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(data))
        part.replace(file)
    except OSError as error:
        raise DesignError(f"{file} cannot be written: {error.strerror}") from None


def simulate(description: Description, folder: Path, processes: int, tell: Tell) -> None:
    """Simulate everything that the folder does not have yet.

    Raises
    ------
    DesignError : the description does not fit the netlists or what they do
    ToolError : simulations failed; all others are done
    """
    characteriser = Characteriser(description, folder)
    characteriser.check()
    tasks = [
        Task(corner=corner, cell=cell)
        for corner in range(len(description.corners))
        for cell in range(len(description.cells))
    ]
    todo = [task for task in tasks if result(characteriser, task) is None]
    tell(f"{len(tasks)} cells at corners, {len(tasks) - len(todo)} of them known")
    failures = []
    for done, (task, failure, wrong) in enumerate(_done(characteriser, todo, processes), 1):
        name = description.cells[task.cell].name
        tell(f"{done}/{len(todo)} {name} {description.corners[task.corner].tag} {failure}".rstrip())
        if wrong:
            raise DesignError(failure)
        if failure:
            failures.append(f"{name} at {description.corners[task.corner].tag}: {failure}")
    if failures:
        raise ToolError(
            f"{len(failures)} of {len(todo)} simulations failed, the first: {failures[0]}; the "
            "others are kept"
        )


def _done(characteriser: Characteriser, tasks: list[Task], processes: int) -> Any:
    if processes == 1 or len(tasks) < 2:
        with characteriser:
            for task in tasks:
                yield characteriser.do(task)
        return
    context = multiprocessing.get_context("spawn")  # one simulator per process
    start = (characteriser.description, characteriser.folder)
    with context.Pool(min(processes, len(tasks)), _start_worker, start) as pool:
        yield from pool.imap_unordered(_work_on, tasks)
        pool.close()
        pool.join()  # each process ends its simulator; the end of the block would kill it


_worker: Characteriser | None = None


def _start_worker(description: Description, folder: Path) -> None:
    global _worker
    _worker = Characteriser(description, folder)
    # A pool's process ends without the interpreter's own clearing up.
    multiprocessing.util.Finalize(_worker, _worker.close, exitpriority=0)


def _work_on(task: Task) -> tuple[Task, str, bool]:
    assert _worker is not None
    return _worker.do(task)


def result(characteriser: Characteriser, task: Task) -> dict[str, Any] | None:
    """What was simulated for a task, None if nothing was or the inputs changed."""
    return read(characteriser.file(task), characteriser.task_key(task))
