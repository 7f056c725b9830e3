"""One system under ranges: the interval of each metric, and the most influential constants."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.system.metrics import SystemColumns
from chipdse.system.ranges.inputs import Input
from chipdse.system.ranges.statistics import interval, variance_shares

_ENDS = ("embodied_low_kgco2e", "embodied_high_kgco2e")
RANGED_METRICS = tuple(f.name for f in dataclasses.fields(SystemColumns) if f.name not in _ENDS)
"""Metrics of a system; two others are ends of a range themselves."""


def by_input(inputs: Sequence[Input], shares: Floats) -> dict[str, float]:
    """Shares above one per cent by the name of the input, the largest first."""
    order = np.argsort(-shares, kind="stable")
    return {inputs[at].name: float(shares[at]) for at in order if shares[at] > 0.01}


@dataclass(frozen=True, kw_only=True, eq=False)
class PointRanges:
    """One system under ranges: 90 % intervals of its metrics, and the main constants."""

    inputs: tuple[Input, ...]
    draws: int
    low: Mapping[str, float]
    high: Mapping[str, float]
    decisive: Mapping[str, Mapping[str, float]]

    @staticmethod
    def of(inputs: tuple[Input, ...], shares: Floats, values: Mapping[str, Floats]) -> PointRanges:
        """From the values of each metric under the draws [draws]."""
        low, high, decisive = {}, {}, {}
        for name, drawn in values.items():
            ends = interval(drawn[:, None])
            low[name], high[name] = float(ends[0][0]), float(ends[1][0])
            decisive[name] = by_input(inputs, variance_shares(shares, drawn))
        return PointRanges(inputs=inputs, draws=len(shares), low=low, high=high, decisive=decisive)
