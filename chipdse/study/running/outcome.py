"""One point, evaluated where the executor puts it, and told to Optuna where the driver is."""

from __future__ import annotations

import errno
import functools
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from chipdse.errors import ChipdseError, DesignError, MachineError
from chipdse.evaluate import evaluate
from chipdse.store.place import Read
from chipdse.store.store import Store, default_store
from chipdse.study.harvest.harvest import Harvest, TracedOf, harvest_point
from chipdse.study.harvest.measured_parts import measure_parts
from chipdse.study.question.derived import derived_columns
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.storage.code import code_here
from chipdse.study.storage.fingerprint import check_same, parts_of


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one point: its metrics or harvest, or why there is neither.

    failure : why the point could not be evaluated; None where it was

    is_stored : whether the store had all of it, so that its time says nothing of others
    reads : what the block and its bench read for it
    parts : of a chip, metrics of each part by operating point
    failed_part : the part of a chip that could not be evaluated
    """

    metrics: dict[str, float] | None
    constraints: dict[str, float] = field(default_factory=dict)
    system_evidence: str = ""
    harvest: Harvest | None = None
    failure: str | None = None
    seconds: float = 0.0
    is_stored: bool = False
    reads: frozenset[Read] = frozenset()
    parts: Mapping[str, list[dict[str, float]]] | None = None
    failed_part: str | None = None


def evaluate_point(
    sweep: Sweep, point: Point, store: Path | None, version: Mapping[str, str]
) -> Outcome:
    """Evaluate one point; a failure of its own is an outcome, all else stops the sweep.

    Parameters
    ----------
    point : where the sweep harvests, an expensive point
    store : folder of stage results; None is this machine's own
    version : parts of the driver's fingerprint, which must be the same here

    Raises
    ------
    MachineError : no point can be evaluated here
    """
    start = time.monotonic()
    code = code_here(sweep.blocks, chip=sweep.chip is not None, traced=sweep.traced is not None)
    code.check_worker()
    _check_parts(sweep, version)
    stages = Store(root=store or default_store(), check=code.check)
    try:
        outcome = _evaluated(sweep, point, stages)
    except MachineError:
        raise  # every point would fail like this one: stop, and lose none
    except (MemoryError, OSError) as error:
        raise _machine_error(error) from error
    except Exception as error:
        code.check()
        if not isinstance(error, ChipdseError):
            raise
        _check_parts(sweep, version)  # a library may have been removed meanwhile
        part = getattr(error, "part", None)
        of_part = "" if part is None else f"part {part}: "
        reason = f"{type(error).__name__}: {of_part}{error}"
        outcome = Outcome(metrics=None, failure=reason, failed_part=part)
    seconds = time.monotonic() - start
    return replace(
        outcome, seconds=seconds, is_stored=not stages.built, reads=frozenset(stages.read)
    )


def _evaluated(sweep: Sweep, point: Point, stages: Store) -> Outcome:
    """The metrics of a point, its harvest, or those of a chip's parts."""
    if sweep.chip is not None:
        return Outcome(metrics=None, parts=measure_parts(sweep.chip, point, stages))
    if sweep.harvests or sweep.replicates > 1 or sweep.traced is not None:
        harvest = harvest_point(sweep, point, stages, _traced_of(sweep, stages))
        return Outcome(metrics=None, harvest=harvest)
    metrics = evaluate(sweep.template.design(point), stages)
    values = metrics.flat()
    numbers = {**{name: x for name, x in point.items() if not isinstance(x, str)}, **values}
    derived = derived_columns(sweep.derived, numbers)
    return Outcome(
        metrics=values | {name: float(column) for name, column in derived.items()},
        constraints=metrics.constraints(),
        system_evidence=metrics.system.evidence,
    )


def _traced_of(sweep: Sweep, store: Store) -> TracedOf | None:
    """How a sweep gets its metrics of power over time; None if it names none."""
    if sweep.traced is None:
        return None
    from chipdse.stages.trace_figures import trace_figures

    traced = sweep.traced
    return lambda design, hardware: functools.partial(
        trace_figures, traced, design, hardware, store
    )


def _check_parts(sweep: Sweep, version: Mapping[str, str]) -> None:
    """Raise MachineError if points are made by other parts here than at the driver, or by none."""
    host = socket.gethostname()
    try:
        parts = parts_of(sweep)
    except DesignError as error:
        raise MachineError(
            f"a worker on {host} cannot go on: {error}; what is finished is safe: put that right "
            "and run the same command again"
        ) from error
    check_same(version, parts, host)


def _machine_error(error: MemoryError | OSError) -> MachineError:
    """What a worker lacked, as the error that stops the sweep."""
    host = socket.gethostname()
    if isinstance(error, MemoryError) or error.errno == errno.ENOMEM:
        return MachineError(
            f"the memory of {host} does not suffice for a point; what is finished is safe: use "
            "fewer --workers or a larger machine, then run the same command again"
        )
    place = f": {error.filename}" if error.filename else ""
    return MachineError(
        f"a worker on {host} cannot go on ({error.strerror or error}{place}); what is finished is "
        "safe: put that right and run the same command again"
    )
