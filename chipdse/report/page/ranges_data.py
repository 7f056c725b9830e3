"""Intervals and probabilities of the front, for the report's page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from chipdse.report.page.data import packed
from chipdse.study.results.ranges import PROBABILITY, Ranges, with_ranges


def ranges_data(table: pd.DataFrame, ranges: Ranges) -> dict[str, Any]:
    """What the page reads: columns of float32 in the order of the table, NaN without draws."""
    ended = with_ranges(table, ranges)
    return {
        "draws": ranges.draws,
        "probability": packed(ended[PROBABILITY], np.float32),
        "columns": {
            name: [packed(ended[f"{name}_{end}"], np.float32) for end in ("low", "high")]
            for name in map(str, table.columns)
            if f"{name}_low" in ended.columns
        },
    }
