"""Where a study's trials are: a SQLite file of one driver, or a PostgreSQL that several share.

Drivers that share a study take turns (`alone`, an advisory lock of PostgreSQL) to look at it and
claim points, so no point is claimed twice and no budget overrun. While a trial is under way its
driver records Optuna's heartbeat; a trial whose heartbeat stopped is claimed again by whoever
notices. A storage that does not answer is waited for (`patiently`).
"""

from __future__ import annotations

import hashlib
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import optuna
import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage, fail_stale_trials
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
)

from chipdse.errors import DesignError, MachineError
from chipdse.study.storage.fast_reads import SqlStorage
from chipdse.study.storage.optuna_private import ALL_TABLES
from chipdse.study.storage.secrets import (
    is_cut_in_password,
    masked,
    masked_url,
    secret_arguments,
    without_secrets,
)

T = TypeVar("T")

BEAT_S, GRACE_S = 15, 90
"""A trial's driver shows that it lives so often [s]; without a sign for so long it is dead [s]."""
PATIENCE_S = 3600.0
"""A storage that does not answer for so long ends the sweep [s]."""
DAMAGED = (SQLAlchemyError, ValueError, LookupError)
"""What reading a damaged storage raises: its driver's errors, and those of its JSON, dates and
words that stand for a state or a kind of value."""

# One time zone, since heartbeats are compared; and a driver whose machine vanished lets go of its
# lock after a minute instead of PostgreSQL's two hours.
_POSTGRESQL = (
    "-c timezone=utc -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 "
    "-c tcp_keepalives_count=3"
)


@dataclass(frozen=True, kw_only=True)
class Storage:
    """An open storage.

    url : as it is kept, without a password
    shared : whether other drivers may be at work in it
    optuna : Optuna's
    """

    url: str
    shared: bool
    optuna: RDBStorage = field(repr=False)


def open_storage(url: str, folder: Path, *, is_begun: bool = False) -> Storage:
    """Open a storage.

    Parameters
    ----------
    url : ``sqlite:///FILE``, a file relative to `folder`, or ``postgresql://...``
    is_begun : it holds a study already, so that all of its tables must be there

    Raises
    ------
    DesignError : another kind, no driver for it, it does not open, or a table is missing
    """
    shown = masked_url(url)
    try:
        parsed = sqlalchemy.make_url(url)
    except (SQLAlchemyError, ValueError):  # whose texts have parts of the URL
        raise DesignError(
            # Without the sign itself: what prints a message masks all before the last one.
            f"storage {shown!r} is no URL; write postgresql://HOST/DATABASE, and in a password "
            "%40 for an at sign, %2F for / and %3F for ?"
        ) from None
    # A password with one of these signs may pass as host, database or parameter, and be shown.
    if "@" in f"{parsed.host}{parsed.database}" or is_cut_in_password(url):
        raise DesignError(
            f"storage {shown!r} has an at sign in its host or database, or an at sign or # after "
            "them; in a password write %40 for an at sign, %2F for /, %3F for ? and %23 for #"
        )
    kind = parsed.get_backend_name()
    safe_url = without_secrets(parsed).render_as_string()
    try:
        if kind == "sqlite":
            file = folder / (parsed.database or "")
            return Storage(url=safe_url, shared=False, optuna=_sqlite(file.absolute(), is_begun))
        if kind in ("postgresql", "postgres"):
            plain = without_secrets(parsed).set(drivername="postgresql+psycopg")
            opened = _postgresql(plain.render_as_string(), secret_arguments(parsed), is_begun)
            return Storage(url=safe_url, shared=True, optuna=opened)
    except ImportError as error:
        raise DesignError(
            "psycopg is not installed; for a study in PostgreSQL: pip install 'chipdse[postgresql]'"
        ) from error
    except _TablesMissing as error:
        raise DesignError(
            f"storage {masked(safe_url, url)!r} in {folder} is damaged: it lacks the "
            f"{'tables' if len(error.args) > 1 else 'table'} {', '.join(error.args)}; put a copy "
            "of it back, or sweep into a new folder"
        ) from None
    except Exception as error:  # whatever the database's own driver raises
        # Not "from error": its own text may have secrets in it.
        reason = masked(reason_of(error), url)
        advice = "; put a copy of it back, or sweep into a new folder" if kind == "sqlite" else ""
        raise DesignError(
            f"storage {masked(safe_url, url)!r} cannot be opened: {reason}{advice}"
        ) from None
    raise DesignError(
        f"storage {masked(safe_url, url)!r} is not supported; write postgresql://HOST/DATABASE, or "
        "leave it out"
    )


class _TablesMissing(Exception):
    """The names of the tables that a study needs and its storage lacks."""


def _check_tables(engine: sqlalchemy.Engine) -> None:
    """Raise _TablesMissing if there are tables of Optuna's and others are missing.

    Optuna creates what is missing, and empty parameters would pass for the study's. A storage
    without any is whole: it is an empty one, and holds no study of that name.
    """
    present = set(sqlalchemy.inspect(engine).get_table_names())
    missing = ALL_TABLES.keys() - present
    if missing and missing != ALL_TABLES.keys():
        raise _TablesMissing(*sorted(missing))


def _sqlite(file: Path, is_begun: bool) -> RDBStorage:
    # A dashboard that reads holds the file for a moment: wait for it.
    url, settings = f"sqlite:///{file}", {"connect_args": {"timeout": 60}}
    if is_begun and file.exists():
        engine = sqlalchemy.create_engine(url, **settings)
        try:
            _check_tables(engine)
        finally:
            engine.dispose()
    opened = SqlStorage(url, engine_kwargs=settings)
    _create_missing_indexes(opened.engine)
    return opened


def _create_missing_indexes(engine: sqlalchemy.Engine) -> None:
    """Create the indexes of tables that have none yet.

    SQLite commits each table and each index for itself, and Optuna creates indexes only with their
    table. Killed between the two, a study lacks the index that keeps its name unique, and whoever
    starts it again adds a second study of that name.
    """
    for table in ALL_TABLES.values():
        for index in table.indexes:
            index.create(engine, checkfirst=True)


def _postgresql(url: str, secrets: Mapping[str, str], is_begun: bool) -> RDBStorage:
    # Beside the URL, which errors and logs may show.
    arguments = {"options": _POSTGRESQL, "connect_timeout": 10, **secrets}
    settings: dict[str, Any] = {"pool_pre_ping": True, "connect_args": arguments}
    engine = sqlalchemy.create_engine(url, **settings)
    with warnings.catch_warnings(), _advisory_lock(engine, "tables"):  # which opening creates
        warnings.simplefilter("ignore", ExperimentalWarning)
        if is_begun:
            _check_tables(engine)
        opened = SqlStorage(
            url, engine_kwargs=settings, heartbeat_interval=BEAT_S, grace_period=GRACE_S
        )
    engine.dispose()
    weakref.finalize(opened, opened.engine.dispose)  # closes its connections
    return opened


@contextmanager
def alone(storage: Storage, study_name: str) -> Iterator[None]:
    """Hold what drivers that share a study do one at a time; ends with the driver's connection."""
    if not storage.shared:
        yield  # the study's folder has a lock of its own
        return
    with _advisory_lock(storage.optuna.engine, f"study {study_name}"):
        yield


@contextmanager
def _advisory_lock(engine: sqlalchemy.Engine, what: str) -> Iterator[None]:
    digest = hashlib.sha256(f"chipdse {what}".encode()).digest()
    key = {"key": int.from_bytes(digest[:8], signed=True)}
    at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
    with at_once.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), key)
        try:
            yield
        finally:
            if not connection.invalidated:
                connection.execute(sqlalchemy.text("SELECT pg_advisory_unlock(:key)"), key)


def give_up_stale(storage: Storage, study: optuna.Study) -> None:
    """Fail the trials whose driver records no heartbeat any more.

    No trial is failed while the server has been up for less than the grace period, because no
    driver could record a heartbeat while it was down.
    """
    if not storage.shared:
        return
    question = "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())"
    with storage.optuna.engine.connect() as connection:
        up_s = float(connection.execute(sqlalchemy.text(question)).scalar_one())
    if up_s > GRACE_S:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            fail_stale_trials(study)


def patiently(
    action: Callable[[], T],
    storage: Storage,
    say: Callable[[str], None],
    pause: Callable[[float], None] = time.sleep,
) -> T:
    """Do something with the storage, again and again while a shared one does not answer.

    Parameters
    ----------
    action : may run twice: the first run can have succeeded although its answer was lost
    say : called with a message when the wait begins, goes on and ends
    pause : waits so many seconds

    Raises
    ------
    MachineError : the storage's disk is full, it cannot be written, or it stays silent
    """
    began, pause_s = time.monotonic(), 0.5
    while True:
        try:
            result = action()
        except (StorageInternalError, SQLAlchemyError, MachineError) as raised:
            # Who reads a table of points reports a storage that is silent as the machine's fault.
            error = raised.__cause__ if isinstance(raised, MachineError) else raised
            if not isinstance(error, StorageInternalError | SQLAlchemyError):
                raise
            waited = time.monotonic() - began
            if not storage.shared or not _may_pass(error) or waited > PATIENCE_S:
                if error is not raised:
                    raise
                raise MachineError(
                    f"the study's storage {storage.url} cannot be used ({reason_of(error)}); what "
                    "is finished is safe: put that right and run the same command again"
                ) from error
            if pause_s <= 2 or waited % 60 < pause_s:
                say(f"the storage does not answer ({reason_of(error)}); waiting for it")
            pause(pause_s)
            pause_s = min(2 * pause_s, 15.0)
        else:
            if pause_s > 0.5:
                say(f"the storage answers again, after {time.monotonic() - began:.0f} s")
            return result


def _may_pass(error: BaseException) -> bool:
    """Whether it is the connection or the server, and not what was asked of it."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    return not isinstance(cause, ProgrammingError | DataError | IntegrityError)


def reason_of(error: BaseException) -> str:
    """An error of a database in its own words, one line."""
    while isinstance(error, StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


class Heartbeat:
    """Records a heartbeat for every trial that this driver evaluates, from a thread of its own."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._trials: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heartbeat:
        if self._storage.shared:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def add(self, trial: int) -> None:
        """Start with a trial, by its id; its first heartbeat is recorded before this returns."""
        if self._storage.shared:
            self._storage.optuna.record_heartbeat(trial)
            self._trials.add(trial)

    def remove(self, trial: int) -> None:
        """Stop: the trial is finished."""
        self._trials.discard(trial)

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_S):
            for trial in list(self._trials):
                try:
                    self._storage.optuna.record_heartbeat(trial)
                except (StorageInternalError, SQLAlchemyError):
                    break  # the driver itself notices and waits
        self._storage.optuna.remove_session()
