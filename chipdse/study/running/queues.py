"""Dask workers as jobs of a batch queue, by dask-jobqueue.

What the queue wants to know is a TOML file of its own (`OPTIONS`), so that sweep files stay as they
are; what it leaves out comes from dask-jobqueue's configuration, ``~/.config/dask/jobqueue.yaml``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chipdse.design import suggest
from chipdse.errors import DesignError
from chipdse.reading import read_toml

QUEUES = {"slurm": "SLURMCluster", "pbs": "PBSCluster"}

OPTIONS: dict[str, tuple[type, str]] = {
    "queue": (str, "queue"),
    "account": (str, "account"),
    "walltime": (str, "walltime"),
    "memory": (str, "memory"),
    "cores": (int, "cores"),
    "workers_per_job": (int, "processes"),
    "prologue": (list, "job_script_prologue"),
    "directives": (list, "job_extra_directives"),
    "skip_directives": (list, "job_directives_skip"),
    "python": (str, "python"),
    "interface": (str, "interface"),
    "scratch": (str, "local_directory"),
    "logs": (str, "log_directory"),
}
"""Options of a queue: their type, and dask-jobqueue's name for them.

queue, account, walltime, memory, cores : of one job, as the queue's own program wants them
workers_per_job : points evaluated at once in a job; default one per core
prologue : shell lines before the worker starts, e.g. "module load python"
directives, skip_directives : lines for the head of the job script; ones to leave out
python : interpreter of the workers; default the driver's
interface : network of the workers, e.g. "ib0"
scratch, logs : folders on the node, and of the jobs' output
"""


def read_options(path: Path) -> dict[str, Any]:
    """A file of options, checked, in dask-jobqueue's words."""
    given = read_toml(path, f"options {str(path)!r}")
    for name, value in given.items():
        if name not in OPTIONS:
            raise DesignError(f"{path}: {name!r} is not known here; {suggest(name, OPTIONS)}")
        kind = OPTIONS[name][0]
        items = value if isinstance(value, list) else []
        if type(value) is not kind or not all(isinstance(item, str) for item in items):
            what = {str: "text", int: "a whole number", list: "a list of texts"}[kind]
            raise DesignError(f"{path}: {name} = {value!r} must be {what}")
    return {OPTIONS[name][1]: value for name, value in given.items()}


@contextmanager
def start_jobs(queue: str, workers: int, options: Path | None) -> Iterator[Any]:
    """A Dask cluster of that many workers, each job replaced when it ends.

    Raises
    ------
    DesignError : dask-jobqueue is not installed, or it lacks an option
    """
    try:
        import dask_jobqueue
    except ImportError as error:
        raise DesignError(
            f"dask-jobqueue is not installed; for --executor {queue}: pip install 'chipdse[dask]'"
        ) from error
    settings = {"cores": 1, **_configured(queue), **(read_options(options) if options else {})}
    settings.setdefault("processes", settings["cores"])
    if "memory" not in settings:
        raise DesignError(
            f'{queue}: the memory of a job is not given; write e.g. memory = "4GB" into a file '
            "and name it by --executor-options"
        )
    try:
        cluster = getattr(dask_jobqueue, QUEUES[queue])(**settings)
    except ValueError as error:
        raise DesignError(
            f"{queue}: {str(error).strip().splitlines()[0]}; put it right in --executor-options"
        ) from error
    with cluster:
        jobs = math.ceil(workers / settings["processes"])
        # As many at least as at most: a job that reached its walltime is submitted again.
        cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
        yield cluster


_SIZE = ("cores", "processes", "memory")


def _configured(queue: str) -> Mapping[str, Any]:
    """What dask-jobqueue's own configuration says of a job's size."""
    import dask

    settings = {name: dask.config.get(f"jobqueue.{queue}.{name}") for name in _SIZE}
    return {name: value for name, value in settings.items() if value is not None}
