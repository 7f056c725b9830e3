"""Columns of metrics for tests of what is done with them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from chipdse.metrics import BlockColumns, MetricColumns
from chipdse.system.metrics import SystemColumns


def metric_columns(count: int, **given: Any) -> MetricColumns:
    """Columns with one entry per point: those given by name, zeros for the others."""

    def filled(record: type) -> dict[str, Any]:
        names = [field.name for field in dataclasses.fields(record)]
        return {name: np.array(given.get(name, np.zeros(count)), dtype=float) for name in names}

    return MetricColumns(
        block=BlockColumns(**filled(BlockColumns)), system=SystemColumns(**filled(SystemColumns))
    )
