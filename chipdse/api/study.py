"""For notebooks: sweeps in a few lines, results as pandas frames (single points: `point.py`).

>>> import chipdse
>>> study = chipdse.sweep("sweeps/mac_array.toml", trials=30, workers=2)   # doctest: +SKIP
>>> study.front()[["energy_per_op_j", "cost_usd", "rows", "columns"]]      # doctest: +SKIP
"""

from __future__ import annotations

import collections
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from chipdse import __version__
from chipdse.design import Design
from chipdse.errors import DesignError, InfeasibleError, MachineError
from chipdse.store.files import check_writable, write_whole
from chipdse.store.store import Store, default_store
from chipdse.study.question.shipped import check_liberty_files, find_sweep
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep, check_libraries, read_sweep
from chipdse.study.results.points import finished_trial, front_table, points_table
from chipdse.study.storage.counted import Trial
from chipdse.study.storage.folder import StudyFolder, open_study
from chipdse.study.storage.layout import REPORT, SWEEP


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study and its results.

    folder : where it is on disk, with Optuna's own study as `folder.study`
    """

    folder: StudyFolder

    def points(self) -> pd.DataFrame:
        """Every finished point; units in the column names."""
        return points_table(self.folder)

    def front(self) -> pd.DataFrame:
        """The points that no feasible point dominates, by the first objective.

        Raises
        ------
        InfeasibleError : no point is feasible
        """
        return self.counted_front()[0]

    def counted_front(self) -> tuple[pd.DataFrame, int]:
        """`front`, and the number of finished points of the study."""
        front, count = front_table(self.folder)
        if front.empty:
            return self.front_of(self.points()), count
        return self._sorted(front), count

    def front_of(self, table: pd.DataFrame) -> pd.DataFrame:
        """`front` of a table that `points` returned; saves reading the study again.

        Parameters
        ----------
        table : as `points` returned it

        Raises
        ------
        InfeasibleError : no point is feasible
        """
        front = table[table["on_front"]]
        if front.empty:
            states = table["state"].value_counts()
            reasons = [*table["violations"].str.split("; ").explode(), *table["failure"]]
            most = collections.Counter(filter(None, reasons)).most_common(1)
            often = f", most often: {most[0][0]}" if most else ""
            raise InfeasibleError(
                f"{self.folder.path} has no feasible point ({states.get('failed', 0)} failed, "
                f"{states.get('infeasible', 0)} infeasible{often}); its points.csv has every reason"
            )
        return self._sorted(front)

    def _sorted(self, front: pd.DataFrame) -> pd.DataFrame:
        first = self.folder.sweep.objectives[0]
        return front.sort_values(first.metric, ascending=first.minimize, ignore_index=True)

    def write_report(
        self,
        path: Path | None = None,
        *,
        details: int | Sequence[int] | None = None,
        store: str | Path | None = None,
        draws: int | None = None,
        tell: Callable[[int], None] = lambda trial: None,
    ) -> Path:
        """Write the HTML report and return its path.

        Parameters
        ----------
        path : of the HTML file; default in the study's folder
        details : how many points get details (power by module, path, supply, package), or which;
            None for the knee and the best of each objective
        store : folder of stage results; default the user's cache
        draws : number of draws of the uncertain inputs, for 90 % intervals and the probability of
            being on the front; None writes neither
        tell : called with the number of each trial before its details are computed

        Raises
        ------
        DesignError : no such trial, or its ranges cannot be computed (`report_html`)
        OSError : the file cannot be written; nothing is computed then
        """
        from chipdse.report.page import report_html  # its libraries take a second to load

        path = path or self.folder.path / REPORT
        check_writable(path)  # the details of points may take minutes
        stages = Store(root=Path(store) if store is not None else default_store())
        text = report_html(self.folder, stages, details=details, draws=draws, tell=tell)
        write_whole(path, text)
        return path

    def export(self, trial: int, to: str | Path) -> list[Path]:
        """Write the files of one finished trial into a new folder (`chipdse.export.bundle`).

        Parameters
        ----------
        trial : number of the trial
        to : the folder, which is empty or does not exist

        Raises
        ------
        DesignError : no such trial, it has no result, or something changed since it was evaluated
        """
        from chipdse.export.bundle import export_point  # its libraries take a second to load
        from chipdse.study.storage.since import refuse_changed

        finished = self._finished(trial)
        metrics = finished.user_attrs["metrics"]
        refuse_changed(self.folder, "an export")
        design = self._design(finished)
        return export_point(
            design,
            metrics,
            Store(root=default_store()),
            Path(to),
            system_evidence=finished.user_attrs["system_evidence"],
        )

    def design(self, trial: int) -> tuple[Design, dict[str, float]]:
        """The design of one finished trial, and its metrics by name.

        Parameters
        ----------
        trial : number of the trial

        Raises
        ------
        DesignError : no such trial, or it has no result
        """
        finished = self._finished(trial)
        return self._design(finished), dict(finished.user_attrs["metrics"])

    def _design(self, finished: Trial) -> Design:
        plan = self.folder.sweep
        if plan.chip is not None:
            raise DesignError(
                f"{self.folder.path} is a study of chips of several parts, and this is for one "
                "block; sweep the part by itself"
            )
        return plan.template.design(plan.space.point(finished.params))

    def _finished(self, trial: int) -> Trial:
        """A finished trial that has a result."""
        match = finished_trial(self.folder, trial)
        if match is None:
            raise DesignError(
                f"{self.folder.path} has no finished trial {trial}; see 'chipdse front'"
            )
        if match.user_attrs.get("metrics") is None:
            raise DesignError(f"trial {trial} failed: {match.user_attrs.get('failure')}")
        return match


def load_study(path: str | Path) -> Study:
    """Open the folder of a study.

    Parameters
    ----------
    path : the folder, e.g. ``studies/mac_array``

    Raises
    ------
    DesignError : the folder is no study
    """
    return Study(folder=open_study(Path(path)))


def sweep(
    file: str | Path,
    *,
    study: str | Path | None = None,
    trials: int | None = None,
    time: str | None = None,
    patience: int | None = None,
    retry_failed: bool = False,
    re_evaluate: bool = False,
    workers: int | None = None,
    executor: str | Executor = "processes",
    executor_options: str | Path | None = None,
    liberty: Sequence[str | Path] = (),
    storage: str | None = None,
    sampler: str | None = None,
    start_from: str | Path | None = None,
    store: str | Path | None = None,
    report: bool = True,
    progress: bool = True,
) -> Study:
    """Run a sweep file, or continue it, and return its study.

    Parameters
    ----------
    file : a sweep file, or the name of one that comes with the package (``"fir"``)
    study : folder of the study; default ``studies/NAME`` below the current folder
    trials, sampler : instead of the sweep file's
    time : start no evaluation after this time, e.g. "2h"; instead of the sweep file's
    patience : stop after this number of trials without a better front; 0: never, whatever the
        sweep file states
    retry_failed : evaluate failed points again
    re_evaluate : where another version of the block, its bench, the library, chipdse or a tool made
        the study's points, evaluate these again; without it such a study is refused
    workers : points evaluated at once; default one per core
    executor : "processes", "dask", "dask:ADDRESS", "slurm", "pbs", or any executor of yours
        (`chipdse.study.running.executors`)
    executor_options : TOML file with the settings of a queue (`chipdse.study.running.queues`)
    liberty : Liberty files to use instead of the sweep file's library
    storage : ``postgresql://HOST/DATABASE``, which several machines may share; default a file in
        the study's folder
    start_from : folder of an earlier study of the block, whose best points a new study evaluates
        first; instead of the sweep file's
    store : folder of stage results, shared between sweeps; default each worker's cache
    report : write the HTML report when the sweep ends
    progress : show a bar on stderr

    Raises
    ------
    DesignError : a mistake in the file or the arguments, before anything runs
    """
    # Here, because a study is read without what runs one.
    from chipdse.report.terminal.progress import shown_progress
    from chipdse.study.question.durations import parse_duration
    from chipdse.study.running.budget import Budget
    from chipdse.study.running.engine import Listener, run_sweep
    from chipdse.study.running.executors import open_workers
    from chipdse.study.storage.begin import start_study

    files = tuple(Path(liberty_file).absolute() for liberty_file in liberty)
    plan = _checked_plan(Path(file), files, trials=trials, sampler=sampler)
    budget = Budget(
        trials=plan.trials,
        seconds=plan.time_s if time is None else parse_duration(time),
        patience=plan.patience if patience is None else patience or None,
    )
    path = Path(study) if study is not None else Path("studies") / plan.name
    first = _first_points(plan, path, start_from)
    held = _locked(path)
    description = {
        "liberty": [str(liberty_file) for liberty_file in files],
        "versions": tool_versions(),
    }
    shown: AbstractContextManager[Listener] = (
        shown_progress() if progress else nullcontext(Listener())
    )
    options = Path(executor_options) if executor_options is not None else None
    with held, shown as listener, open_workers(executor, workers, options) as pool:
        folder = start_study(plan, path, storage, description, re_evaluate=re_evaluate, first=first)
        run_sweep(
            folder,
            Path(store).absolute() if store is not None else None,
            budget=budget,
            workers=pool,
            retry_failed=retry_failed,
            listener=listener,
        )
    result = Study(folder=folder)
    if report:
        _write_report(result, store)
    return result


def _checked_plan(
    file: Path, liberty: tuple[Path, ...], *, trials: int | None, sampler: str | None
) -> Sweep:
    """The sweep of a file, after every check that needs no tool.

    Raises
    ------
    DesignError : a mistake in the file or the arguments
    """
    from chipdse.store.care import size_limit
    from chipdse.study.harvest.composed import check_chip
    from chipdse.study.search.samplers import check_sampler

    check_liberty_files(liberty)
    plan = read_sweep(find_sweep(file), liberty).with_search(trials=trials, sampler=sampler)
    check_libraries(plan)
    if plan.chip is not None:
        check_chip(plan)
    check_sampler(plan.sampler)
    size_limit()  # refused here, not at every point
    return plan


def _first_points(plan: Sweep, path: Path, start_from: str | Path | None) -> list[Point]:
    """The points that a new study takes from an earlier one; none if it has begun already.

    Raises
    ------
    DesignError : the earlier study cannot be used (`first_points`)
    """
    from chipdse.study.search.earlier import first_points

    if start_from is None and plan.start_from is not None:
        start_from = plan.path.parent / plan.start_from
    if start_from is None or (path / SWEEP).exists():
        return []
    if plan.chip is not None:
        raise DesignError(
            f"{plan.path} is a sweep of chips; --start-from is for sweeps of one block"
        )
    return first_points(plan, Path(start_from))


def _locked(study: Path) -> AbstractContextManager[object]:
    """The lock on the folder of a study, which one sweep at a time has.

    Raises
    ------
    DesignError : the folder cannot be made, or another sweep runs in it
    """
    from filelock import FileLock, Timeout

    if len(study.parts) > 1 and study.parts[0].endswith(":"):
        raise DesignError(
            f"--study {str(study)!r} must be a folder; give the URL of a database with --storage"
        )
    if study.exists() and not study.is_dir():
        raise DesignError(f"--study {str(study)!r} is a file; name a folder")
    try:
        study.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=study.parent).close()
    except OSError as error:
        raise DesignError(f"--study {str(study)!r} cannot be made: {error.strerror}") from error
    try:
        return FileLock(study.parent / f".{study.name}.lock").acquire(timeout=0)
    except Timeout as error:
        raise DesignError(
            f"another sweep is running in {study}; wait for it or name --study"
        ) from error


def _write_report(study: Study, store: str | Path | None) -> None:
    """Write the report of a study that has been run.

    Raises
    ------
    MachineError : the file cannot be written
    """
    try:
        study.write_report(store=store)
    except OSError as error:
        raise MachineError(
            f"the report in {study.folder.path} cannot be written ({error.strerror});"
            " the study is whole"
        ) from error


def tool_versions() -> dict[str, str]:
    """Versions of all tools and packages that affect the results."""
    from chipdse.hardware import simulators
    from chipdse.store.sources import versions

    packages = versions("amaranth", "cocotb", "numpy", "optuna", "pyosys", "scipy")
    tools = {simulator.name: simulator.version for simulator in simulators.available().values()}
    return {"chipdse": __version__, **packages, **tools}
