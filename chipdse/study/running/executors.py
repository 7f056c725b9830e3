"""Where points are evaluated: anything that behaves as a `concurrent.futures.Executor`.

    processes       worker processes on this machine
    dask            a Dask cluster on this machine
    dask:WHERE      a running Dask scheduler: its address, or its scheduler file
    slurm, pbs      Dask workers that are jobs of that queue (dask-jobqueue)

A Dask worker needs this package and the store. The settings of a queue
(`chipdse.study.running.queues`) come from a file of options and from the
configuration of dask-jobqueue.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.errors import DesignError, MachineError
from chipdse.study.running.queues import QUEUES, start_jobs

if TYPE_CHECKING:
    from distributed import Client

KINDS = ("processes", "dask", *QUEUES)
CONNECT_S = 30
"""Longest time to wait for a Dask scheduler [s]."""
TRIES = 4
"""A point is given up after so many deaths of its worker process."""
STARTS, MOMENT_S = 20, 0.05
"""A worker process is started up to so many times more; between them is a moment."""
FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, 255)
"""Exit codes of worker processes that something else ended; 255 where nobody saw how."""
LOADED_ONCE = ("chipdse.study.running.outcome", "amaranth.lib.data", "scipy.sparse.linalg")
"""What the server process of the workers imports before it forks them: what every point needs."""
_GONE = (BrokenExecutor, CancelledError, asyncio.CancelledError, OSError)
"""Errors of an executor that no longer exists; OSErrors of a worker are MachineErrors already."""


@dataclass(frozen=True, kw_only=True)
class Workers:
    """An executor and its properties.

    executor : evaluates points
    room : returns the number of points that may be under way at once
    stop : ends the executor now, dropping what is under way
    lost : errors of a future whose worker died while the executor itself continues
    tries : number of deaths of its worker after which a point is given up
    killed : returns whether the workers that died were ended from outside, for example because
        memory was exhausted, and not by the point that they evaluated
    """

    executor: Executor
    room: Callable[[], int]
    stop: Callable[[], None]
    lost: tuple[type[BaseException], ...] = ()
    tries: int = 1
    killed: Callable[[], bool] = lambda: True


@contextmanager
def use_executor(workers: Workers) -> Iterator[Executor]:
    """The executor, for one use of it.

    Raises
    ------
    MachineError : the executor has ended (Dask's errors of a lost connection are OSErrors)
    """
    try:
        yield workers.executor
    except workers.lost:
        raise
    except _GONE as error:
        raise MachineError(
            "the executor is gone; start it again, then run the same command to go on"
        ) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "distributed":
            raise
        raise MachineError(
            f"the Dask cluster cannot go on ({type(error).__name__}: {first_line(error)}); "
            "start it again, then run the same command to go on"
        ) from error


@contextmanager
def open_workers(
    executor: str | Executor = "processes",
    workers: int | None = None,
    options: Path | None = None,
) -> Iterator[Workers]:
    """The workers of an executor, which end when the block is left.

    Parameters
    ----------
    executor : see above; or any executor, which then stays open
    workers : points under way at once; default: one per core, or per thread of a Dask scheduler
    options : TOML file of options of a queue

    Raises
    ------
    DesignError : no such executor, or an extra is not installed
    MachineError : the scheduler does not answer
    """
    if workers is not None and workers < 1:
        raise DesignError(f"workers={workers} must be at least 1")
    count = workers or os.cpu_count() or 1
    if isinstance(executor, Executor):
        yield Workers(executor=executor, room=lambda: count, stop=lambda: None)
        return
    kind, _, where = executor.partition(":")
    if kind not in KINDS or (where and kind != "dask") or executor.endswith(":"):
        raise DesignError(
            f"executor {executor!r} is unknown; use {', '.join(KINDS)} or dask:ADDRESS"
        )
    if options is not None and kind not in QUEUES:
        raise DesignError(f"options {str(options)!r} are for {' and '.join(QUEUES)} only")
    if kind == "processes":
        with _Processes(count) as processes:
            yield Workers(
                executor=processes,
                room=lambda: count,
                stop=processes.kill,
                lost=(BrokenProcessPool,),
                tries=TRIES,
                killed=processes.killed,
            )
    elif where:
        with _client(where) as client:
            yield _dask(client, workers)
    else:
        with _cluster(kind, count, options) as cluster, _client(cluster) as client:
            yield _dask(client, count)


class _Processes(Executor):
    """A process pool of one for each worker, so that a worker that dies takes one point along.

    (`ProcessPoolExecutor` gives up every point under way when one of its processes dies.)
    """

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        self._pools = [_one_process() for _ in range(count)]
        self._load = [0] * count
        self._exit_codes: list[int] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with self._lock:
            place = min(range(len(self._pools)), key=self._load.__getitem__)
            self._load[place] += 1
            future = self._submit(place, fn, *args, **kwargs)
        future.add_done_callback(lambda _: self._done(place))
        return future

    def _submit(
        self, place: int, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        """Submit to the pool of a place, or to a new one if its process has died.

        A server of workers that has just been killed can look alive for a moment; a worker that is
        started by it then ends with an EOFError or a ConnectionError.
        """
        for _ in range(STARTS):
            try:
                return self._pools[place].submit(fn, *args, **kwargs)
            except BrokenProcessPool:
                self._exit_codes += _exit_codes(self._pools[place])
            except (EOFError, ConnectionError):
                time.sleep(MOMENT_S)
            self._pools[place].shutdown(wait=False)
            self._pools[place] = _one_process()
        return self._pools[place].submit(fn, *args, **kwargs)

    def _done(self, place: int) -> None:
        with self._lock:
            self._load[place] -= 1

    def killed(self) -> bool:
        """Whether the workers that died were ended from outside."""
        with self._lock:
            codes = [*self._exit_codes, *(c for pool in self._pools for c in _exit_codes(pool))]
        return bool(codes) and all(code in FROM_OUTSIDE for code in codes)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for pool in self._pools:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def kill(self) -> None:
        """End the workers; what they were building is not in the store yet and is lost."""
        processes = [p for pool in self._pools for p in (pool._processes or {}).values()]
        self.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


def _one_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        1, _process_context(), initializer=_start_worker, initargs=(dict(os.environ),)
    )


def _process_context() -> BaseContext:
    """How workers are started: forked from a server that has imported what all of them need.

    Importing is most of what a worker's start costs, and a study may have many workers, some of
    which are started again. Beside Linux a new interpreter is safer than a fork; it is also taken
    where the temporary folder has no place for the server's socket: it is full, or its path is
    longer than that of a socket may be.
    """
    if sys.platform == "linux":
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(LOADED_ONCE))
        with suppress(OSError):
            forkserver.ensure_running()
            return context
    return multiprocessing.get_context("spawn")


def _exit_codes(pool: ProcessPoolExecutor) -> list[int]:
    """Exit codes of a pool's ended processes; of a killed one, the signal's number negated."""
    processes = list((pool._processes or {}).values())
    return [process.exitcode for process in processes if process.exitcode is not None]


def _start_worker(environment: dict[str, str]) -> None:
    """Ctrl-C is the driver's to handle; without a driver a worker ends, and with the last worker
    the server.

    environment : variables of the driver; the server of the workers has those of its own start
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    driver = multiprocessing.parent_process()

    def watch() -> None:
        if driver is not None:
            driver.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _dask(client: Client, count: int | None) -> Workers:
    from distributed.scheduler import KilledWorker

    def room() -> int:
        return count or max(1, sum(client.nthreads().values()))

    # pure=False: a point evaluated again is evaluated again. Dask itself tries a point on another
    # worker when one is lost (distributed.scheduler.allowed-failures times).
    executor = client.get_executor(pure=False)
    return Workers(
        executor=executor,
        room=room,
        stop=lambda: executor.shutdown(wait=False),
        lost=(KilledWorker,),
    )


@contextmanager
def _client(where: Any) -> Iterator[Client]:
    """Connected to a cluster, an address or a scheduler file."""
    distributed = need_dask()
    known = isinstance(where, str)
    try:
        if known and where.endswith(".json"):
            client = distributed.Client(scheduler_file=where, timeout=CONNECT_S)
        else:
            client = distributed.Client(where, timeout=CONNECT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise MachineError(
            f"no Dask scheduler answers at {where!r} ({first_line(error)}); "
            "start one: dask scheduler"
        ) from error
    with _lost_connection_untold(), client:
        yield client


@contextmanager
def _lost_connection_untold() -> Iterator[None]:
    """Without what Dask's client prints when it is closed while it looks for its lost scheduler.

    The sweep says in one line that the scheduler is gone; the traceback of the search that closing
    the client cancels says nothing more.
    """
    loggers = [logging.getLogger(name) for name in ("distributed.client", "asyncio")]

    def is_news(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, (asyncio.CancelledError, OSError))

    for logger in loggers:
        logger.addFilter(is_news)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_news)


@contextmanager
def _cluster(kind: str, count: int, options: Path | None) -> Iterator[Any]:
    distributed = need_dask()
    if kind in QUEUES:
        with start_jobs(kind, count, options) as cluster:
            yield cluster
        return
    with distributed.LocalCluster(
        n_workers=count, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster


def need_dask() -> Any:
    """The package `distributed`.

    Raises
    ------
    DesignError : it is not installed
    """
    try:
        import distributed
    except ImportError as error:
        raise DesignError(
            "Dask is not installed; for --executor dask, slurm or pbs: pip install 'chipdse[dask]'"
        ) from error
    return distributed


def first_line(error: BaseException) -> str:
    """An error's text up to its first line break, or its kind where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
