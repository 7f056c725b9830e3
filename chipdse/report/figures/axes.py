"""Axes of figures: headings, scales, limits, colours and legends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from chipdse.arrays import Floats
from chipdse.design import suggest
from chipdse.errors import DesignError
from chipdse.report.quantities import PLAIN, StudyUnits, heading_scale, label_of

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#8d99a6"
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#999999")
MARKERS = ("D", "o", "s", "^", "v", "P")
"""One per colour of the palette, for readers who cannot distinguish the colours."""
VECTOR_POINTS = 2000
"""Larger clouds of points are pixels also in SVG and PDF, which programs would open slowly."""
WIDE = 20
"""An axis is logarithmic if its largest value exceeds its smallest by this factor."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a user chooses about the axes of a front.

    title : above the figure; empty for none
    limits : lowest and highest value of axes "x" and "y", in units of the metric (SI); None leaves
        an end open
    log : which of "x" and "y" are logarithmic; None decides by their values
    """

    title: str = ""
    limits: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    log: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table, ready to draw.

    name, heading : of the column, with its unit
    scale : by which numbers were divided
    values : places on the axis; of a text or Boolean column its position in `texts`
    texts : names of the positions; empty for numbers
    """

    name: str
    heading: str
    scale: float
    values: Floats
    texts: tuple[str, ...] = ()


def column_of(
    table: pd.DataFrame, name: str, goals: Mapping[str, bool], words: StudyUnits = PLAIN
) -> Column:
    """A column by its name.

    Parameters
    ----------
    goals : whether each objective is minimised, by name

    Raises
    ------
    DesignError : there is no such column
    """
    if name not in table.columns:
        known = [str(column) for column in table.columns]
        raise DesignError(f"{name!r} is not a column of these points; {suggest(name, known)}")
    values = table[name]
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        codes, texts = pd.factorize(values.map(str), sort=True)
        return Column(
            name=name,
            heading=label_of(name),
            scale=1.0,
            values=codes.astype(float),
            texts=tuple(map(str, texts)),
        )
    heading, scale = heading_scale(name, values.tolist(), words)
    if name in goals:
        heading = f"{heading}\n{'less' if goals[name] else 'more'} is better"
    return Column(
        name=name, heading=heading, scale=scale, values=values.to_numpy(dtype=float) / scale
    )


def as_groups(column: Column, most: int = len(PALETTE)) -> Column:
    """The same column with a text per value, if its numbers have few different values."""
    numbers = sorted(set(column.values[np.isfinite(column.values)].tolist()))
    if column.texts or len(numbers) > most:
        return column
    places = {number: float(place) for place, number in enumerate(numbers)}
    return Column(
        name=column.name,
        heading=column.heading,
        scale=column.scale,
        values=np.array([places.get(value, math.nan) for value in column.values.tolist()]),
        texts=tuple(f"{number:.4g}" for number in numbers),
    )


def set_axis(plot: Axes, axis: str, column: Column, look: Look) -> None:
    """Heading, scale and limits of axis "x" or "y".

    Raises
    ------
    DesignError : a logarithmic axis of text, or of values that are not positive
    """
    plot.set(**{f"{axis}label": column.heading})
    shown = plot.xaxis if axis == "x" else plot.yaxis
    if column.texts:
        if axis in (look.log or ()) or axis in look.limits:
            raise DesignError(
                f"{column.name!r} is not a number: leave {axis} out of --log, --limits"
            )
        shown.set_ticks(range(len(column.texts)), labels=list(column.texts))
        plot.set(**{f"{axis}lim": (-0.5, len(column.texts) - 0.5)})
        return
    finite = column.values[np.isfinite(column.values)]
    positive = len(finite) > 0 and finite.min() > 0
    if look.log is None:
        logarithmic = positive and finite.max() / finite.min() > WIDE
    else:
        logarithmic = axis in look.log
    if logarithmic and not positive:
        raise DesignError(f"--log {axis}: {column.name!r} has values that are not positive")
    if logarithmic:
        _set_log(plot, axis, finite)
    if axis in look.limits:
        low, high = look.limits[axis]
        ends = [None if end is None else end / column.scale for end in (low, high)]
        if logarithmic and ends[0] is not None and ends[0] <= 0:
            raise DesignError(f"--limits {axis}={low:g}: a logarithmic axis starts above 0")
        plot.set(**{f"{axis}lim": tuple(ends)})


def _set_log(plot: Axes, axis: str, finite: Floats) -> None:
    plot.set(**{f"{axis}scale": "log"})
    decades = math.log10(finite.max() / finite.min())
    ticks = LogLocator(subs=(1.0, 2.0, 5.0) if decades < 3 else (1.0,), numticks=12)
    shown = plot.xaxis if axis == "x" else plot.yaxis
    shown.set_major_locator(ticks)
    shown.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    shown.set_minor_formatter(NullFormatter())


def add_legend(plot: Axes) -> None:
    """Write the legend above the axes, where it hides nothing."""
    handles, labels = plot.get_legend_handles_labels()
    figure = plot.get_figure(root=True)
    assert figure is not None
    inches = 0.42 + 0.055 * max(map(len, labels))
    columns = max(1, min(len(labels), 4, int(figure.get_size_inches()[0] / inches)))
    legend: Any = figure.legend
    legend(handles, labels, loc="outside upper center", ncols=columns, columnspacing=1.0)
