"""A system described die by die, under draws of what is uncertain."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Floats
from chipdse.system.arrays.columns import PackageColumns
from chipdse.system.described import Evaluation, System, evaluate_described
from chipdse.system.ranges.draws import drawn_packages, with_value
from chipdse.system.ranges.inputs import (
    ALTERNATIVES,
    DRAWS,
    SEED,
    Draws,
    draws_of,
    inputs_of,
    sample,
)
from chipdse.system.ranges.point import RANGED_METRICS, PointRanges
from chipdse.technology.constants import Sources


def described_ranges(system: System, draws: int = DRAWS, seed: int = SEED) -> PointRanges:
    """The metrics of a described system under ranges; every draw is evaluated in full.

    Metrics that are undefined for the system, such as the energy of an operation that it does not
    state, are left out.

    Raises
    ------
    DesignError : the number of draws is too small or too large
    """
    used = dict(_under(system, Draws(count=1)).sources.used)
    for parameter, name in ALTERNATIVES:
        choice = Draws(count=1, names={parameter: ((name,), np.zeros(1, dtype=np.int64))})
        used |= _under(system, choice).sources.used
    inputs = inputs_of(used.values())
    shares = sample(inputs, draws, seed)
    rows = [_under(system, draws_of(inputs, share[None])).metrics for share in shares]
    values: dict[str, Floats] = {
        name: np.array([getattr(row, name) for row in rows]) for name in RANGED_METRICS
    }
    known = {name: column for name, column in values.items() if not np.isnan(column).all()}
    return PointRanges.of(inputs, shares, known)


def _under(system: System, draw: Draws) -> Evaluation:
    """The system under one draw."""
    given = {key: with_value(c, float(values[0])) for key, (c, values) in draw.constants.items()}
    sources = Sources.of((*system.constants, *given.values()))
    package = drawn_packages(PackageColumns.of([system.package]), draw)
    return evaluate_described(system, package=package, sources=sources)
