"""Figure with one axis per parameter and objective, and a line per point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from chipdse.arrays import Floats
from chipdse.report.figures.axes import BLUE, GREY, VECTOR_POINTS, WIDE, add_legend
from chipdse.report.quantities import heading_scale, label_of, units_of_study
from chipdse.study.storage.folder import StudyFolder

CLEAR_LINES = 200
"""Of more lines in a parallel figure, each is fainter."""
HEIGHTS = 300
"""Heights that a parallel figure of a large study distinguishes."""


def draw_parallel(plot: Axes, folder: StudyFolder, table: pd.DataFrame) -> None:
    """Draw the feasible points of a study; `table` is its `points_table`."""
    swept = [axis.name for axis in folder.sweep.space.axes]
    goals = [
        objective.metric for objective in folder.sweep.objectives if objective.metric not in swept
    ]
    shown = table[table["state"] == "feasible"]
    varied = [name for name in swept if shown[name].map(str).nunique() > 1]
    columns: list[Any] = []
    labels: list[str] = []
    marks: list[list[tuple[float, str]]] = []  # of each axis: height, text
    for name in [*varied, *goals]:
        values = shown[name]
        if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            codes, words = pd.factorize(values.map(str), sort=True)
            columns.append(codes / max(1, len(words) - 1))
            marks.append(
                [(place / max(1, len(words) - 1), word) for place, word in enumerate(words)]
            )
            labels.append(label_of(name))
            continue
        label, scale = heading_scale(name, values.tolist(), units_of_study(folder.sweep))
        number = values.to_numpy(dtype=float)
        columns.append(heights_of(number, logarithmic=name in goals))
        ends = ((0.0, number.min()), (1.0, number.max()))
        marks.append([(end, f"{value / scale:.4g}") for end, value in ends])
        labels.append(label)
    lines = np.array(columns).T
    front = shown["on_front"].to_numpy()
    kinds = (("feasible", ~front, GREY, 0.4, 0.4), ("front", front, BLUE, 0.9, 0.9))
    for label, chosen, color, width_pt, alpha in kinds:
        faint = alpha * min(1.0, CLEAR_LINES / max(1, int(chosen.sum())))
        _draw_lines(plot, lines[chosen], color, width_pt, faint)
        plot.plot([], [], color=color, lw=2 * width_pt, label=label)
    plot.autoscale_view()
    add_legend(plot)
    plot.set_xticks(range(len(labels)), labels, rotation=35, ha="right")
    plot.set_yticks([])
    plot.set_ylim(-0.16, 1.16)
    plot.spines["left"].set_visible(False)
    for place, texts in enumerate(marks):
        plot.plot([place, place], [0, 1], color="0.6", lw=0.5)
        beyond = 0.07 if place % 2 else 0.03  # neighbours' long texts at different heights
        for height, text in texts:
            if height in (0, 1):
                at, vertical = (-beyond, "top") if height == 0 else (1 + beyond, "bottom")
                plot.annotate(text, (place, at), ha="center", va=vertical, fontsize=6)
            elif len(texts) <= 8:
                plot.annotate(text, (place + 0.04, height), va="center", fontsize=6)
    same = [f"{label_of(name)} {shown[name].iloc[0]}" for name in swept if name not in varied]
    if same:
        plot.set_xlabel(f"The same in every point: {', '.join(same)}.", fontsize=6, wrap=True)


def heights_of(values: Floats, *, logarithmic: bool) -> Floats:
    """Places of numbers on an axis from 0 to 1.

    Parameters
    ----------
    logarithmic : whether the axis is logarithmic if its largest value is `WIDE` times its smallest
    """
    low, high = values.min(), values.max()
    if logarithmic and low > 0 and high / low > WIDE:
        values, low, high = np.log(values), math.log(low), math.log(high)
    return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)


def _draw_lines(plot: Axes, lines: Floats, color: str, width_pt: float, alpha: float) -> None:
    """Draw one line per point over the axes 0, 1, ...; heights have shape (points, axes).

    Equal pieces between two axes are drawn once, as dark as all of them. In large studies, pieces
    are equal if they differ by less than the width of a line.
    """
    is_large = len(lines) > VECTOR_POINTS
    heights = np.round(lines * HEIGHTS) / HEIGHTS if is_large else lines
    pieces, colors = [], []
    for place in range(lines.shape[1] - 1):
        ends, counts = np.unique(heights[:, place : place + 2], axis=0, return_counts=True)
        pieces += [[(place, low), (place + 1, high)] for low, high in ends.tolist()]
        colors += [(color, 1 - (1 - alpha) ** count) for count in counts.tolist()]
    drawn = LineCollection(pieces, colors=colors, linewidths=width_pt)
    drawn.set_rasterized(len(pieces) > VECTOR_POINTS)
    plot.add_collection(drawn)
