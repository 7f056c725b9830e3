"""Figures of a point in the units of the pages, and rows of tables.

Shared by the files that say which texts hold which figures; see `docs/figures.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from page_figures import Text

PJ, MHZ, UM2, MEGA, KILO, TERA, PERCENT, CM2 = 1e12, 1e-6, 1e12, 1e-6, 1e-3, 1e-12, 100.0, 1e4
PJ_PER_NJ = 1e3


def energy(point: Any) -> float:
    """Of the block, per operation [pJ]."""
    return float(point["block_energy_per_op_j"]) * PJ


def rate(point: Any) -> float:
    """Million operations per second."""
    return float(point["block_throughput_ops_per_s"]) * MEGA


def area(point: Any) -> float:
    """Of the block's cells [µm²]."""
    return float(point["block_area_m2"]) * UM2


def f_max(point: Any) -> float:
    """Highest clock frequency [MHz]."""
    return float(point["f_max_hz"]) * MHZ


def share(point: Any, *parts: str) -> float:
    """Of all power of the block [%]."""
    powers = sum(float(point[f"block_{part}_power_w"]) for part in parts)
    return powers / float(point["block_power_w"]) * PERCENT


def percent_more(a: float, b: float) -> float:
    """How much more a is than b [%]."""
    return (a / b - 1) * PERCENT


def percent_less(a: float, b: float) -> float:
    """How much less a is than b [%]."""
    return -percent_more(a, b)


def span(values: Iterable[float]) -> tuple[float, float]:
    """The smallest and the largest."""
    numbers = list(values)
    return min(numbers), max(numbers)


def line(label: str, *cells: tuple[str, *tuple[float, ...]]) -> Text:
    """A row of a table: its first columns, then of each cell its words and its figures."""
    return Text(
        words=" | ".join([f"| {label}", *(words for words, *_ in cells)]) + " |",
        values=tuple(figure for _, *figures in cells for figure in figures),
    )
