"""Figure of a front: of a study, or of any table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chipdse.arrays import Bools, Floats
from chipdse.errors import DesignError
from chipdse.report.figures.axes import (
    BLUE,
    GREY,
    MARKERS,
    ORANGE,
    PALETTE,
    VECTOR_POINTS,
    Column,
    Look,
    add_legend,
    as_groups,
    column_of,
    set_axis,
)
from chipdse.report.quantities import PLAIN, StudyUnits, label_of, units_of_study
from chipdse.store.files import write_whole
from chipdse.study.question.goals import Limit
from chipdse.study.results.csv_front import front_of_csv
from chipdse.study.results.front import is_on_front
from chipdse.study.results.text import csv_text
from chipdse.study.storage.folder import StudyFolder

STUDY = "study"
"""Column of the points of several studies: the name of each point's study."""


@dataclass(frozen=True, kw_only=True)
class Points:
    """Points to draw.

    source : the folder or the file that they come from
    table : one row per point
    on_front, infeasible : by row; other rows are feasible, or drawn nowhere if they have no values
    goals : whether each objective is minimised, by name
    limits : bounds that are drawn as lines
    words : units of the study
    """

    source: str
    table: pd.DataFrame
    on_front: Bools
    infeasible: Bools
    goals: Mapping[str, bool]
    limits: Sequence[Limit] = ()
    words: StudyUnits = PLAIN


def points_of_study(folder: StudyFolder, table: pd.DataFrame) -> Points:
    """The points of a study that have results; `table` is its `points_table`."""
    finished = table[table["state"] != "failed"].reset_index(drop=True)
    return Points(
        source=str(folder.path),
        table=finished,
        on_front=finished["on_front"].to_numpy(dtype=bool),
        infeasible=(finished["state"] == "infeasible").to_numpy(),
        goals={objective.metric: objective.minimize for objective in folder.sweep.objectives},
        limits=folder.sweep.limits,
        words=units_of_study(folder.sweep),
    )


def points_of_csv(path: Path, minimize: Sequence[str], maximize: Sequence[str]) -> Points:
    """The rows of a table, with the front of some of its columns.

    Raises
    ------
    DesignError, InfeasibleError : see `front_of_csv`
    """
    table, _ = front_of_csv(path, minimize, maximize)
    return Points(
        source=str(path),
        table=table,
        on_front=table["on_front"].to_numpy(dtype=bool),
        infeasible=np.zeros(len(table), dtype=bool),
        goals=dict.fromkeys(minimize, True) | dict.fromkeys(maximize, False),
    )


def points_of_studies(sources: Sequence[Points]) -> Points:
    """The points of several studies with the same objectives; column `study` names each point's.

    A point is on the front if it is on that of its study.

    Raises
    ------
    DesignError : the studies differ in an objective, or two have the same name
    """
    first = sources[0]
    for other in sources[1:]:
        if dict(other.goals) != dict(first.goals):
            raise DesignError(
                f"{other.source} and {first.source} have other objectives; one figure needs the "
                f"same: {', '.join(other.goals)} against {', '.join(first.goals)}"
            )
    names = [Path(source.source).absolute().name for source in sources]
    if len(set(names)) < len(names):
        raise DesignError(f"two studies are called {max(names, key=names.count)!r}; rename one")
    tables = [
        source.table.assign(**{STUDY: name}) for source, name in zip(sources, names, strict=True)
    ]
    return Points(
        source=", ".join(source.source for source in sources),
        table=pd.concat(tables, ignore_index=True),
        on_front=np.concatenate([source.on_front for source in sources]),
        infeasible=np.concatenate([source.infeasible for source in sources]),
        goals=first.goals,
        words=first.words,
    )


def names_of(points: Points, axes: Sequence[str | None]) -> list[str]:
    """Columns across, up and, where there is one, of the colours; default the objectives."""
    goals = [*points.goals, *[None] * 3]
    names = [name or goal for name, goal in zip_longest(axes, goals[:3])]
    shown = [name for name in names if name is not None]
    return shown if len(shown) > 1 else [*shown, shown[0]]


def draw_front(
    figure: Figure, plot: Axes, points: Points, axes: Sequence[str | None], look: Look
) -> None:
    """Draw points by two columns, and the front in the colours of a third.

    A third column of texts, or of few numbers, has one colour and one marker per value.
    """
    names = names_of(points, axes)
    x, y = (column_of(points.table, name, points.goals, points.words) for name in names[:2])
    front = points.on_front
    kinds = (
        ("infeasible", points.infeasible, "x", ORANGE, 12),
        ("feasible", ~points.infeasible & ~front, "o", GREY, 9),
    )
    for label, mask, marker, color, size in kinds:
        if mask.any():
            plot.scatter(
                x.values[mask],
                y.values[mask],
                s=size,
                c=color,
                marker=marker,
                lw=0.7,
                label=label,
                rasterized=bool(mask.sum() > VECTOR_POINTS),
            )
    _draw_line(plot, points, x, y)
    if len(names) > 2:
        third = column_of(points.table, names[2], points.goals, points.words)
        _draw_colored(figure, plot, points, (x, y, as_groups(third)))
    else:
        plot.plot(x.values[front], y.values[front], "D", c=BLUE, ms=4, label="front")
    _draw_limits(plot, points, x, y)
    set_axis(plot, "x", x, look)
    set_axis(plot, "y", y, look)
    add_legend(plot)


def _draw_line(plot: Axes, points: Points, x: Column, y: Column) -> None:
    """Join the points of each study that are best in the two axes alone by steps.

    A step ends where the next point begins, so no value between two points is claimed.
    """
    if x.name not in points.goals or y.name not in points.goals or x.name == y.name:
        return
    signs = [1.0 if points.goals[column.name] else -1.0 for column in (x, y)]
    front = pd.Series(points.on_front)
    studies = points.table[STUDY] if STUDY in points.table else pd.Series("", index=front.index)
    names = studies.to_numpy()
    for _, of_study in front.groupby(names):
        rows = of_study.index[of_study].to_numpy()
        values = np.column_stack([x.values[rows], y.values[rows]]) * signs
        best: Floats = values[is_on_front(values)]
        best = best[np.argsort(best[:, 0], kind="stable")] * signs
        plot.plot(best[:, 0], best[:, 1], c=GREY, lw=0.8, drawstyle="steps-post", zorder=1)


def _draw_colored(
    figure: Figure, plot: Axes, points: Points, columns: tuple[Column, Column, Column]
) -> None:
    """Draw the front in the colours of the third column."""
    (x, y, third), front = columns, points.on_front
    if not third.texts:
        markers = plot.scatter(
            x.values[front],
            y.values[front],
            s=26,
            c=third.values[front],
            marker="D",
            cmap="viridis",
            label="front",
        )
        figure.colorbar(markers, ax=plot, label=third.heading)
        return
    heading = third.heading.partition("\n")[0]
    for place, text in enumerate(third.texts):
        rows = front & (third.values == place)
        if rows.any():
            plot.scatter(
                x.values[rows],
                y.values[rows],
                s=22,
                c=PALETTE[place % len(PALETTE)],
                marker=MARKERS[(place + place // len(PALETTE)) % len(MARKERS)],
                label=f"{heading} {text}",
            )


def _draw_limits(plot: Axes, points: Points, x: Column, y: Column) -> None:
    """Dashed lines at the limits that lie within the points."""
    for column, ends, line in ((x, plot.get_xlim, plot.axvline), (y, plot.get_ylim, plot.axhline)):
        for limit in points.limits:
            for bound in (limit.minimum, limit.maximum) if limit.metric == column.name else ():
                low, high = ends()
                if math.isfinite(bound) and low <= bound / column.scale <= high:
                    line(bound / column.scale, color=ORANGE, ls="--", lw=0.8)


def write_data(points: Points, axes: Sequence[str | None], picture: Path) -> tuple[Path, Path]:
    """Write the values and a caption beside a picture, and return both paths.

    ``NAME.data.csv`` has the drawn columns in SI units, the number of each point and whether it is
    feasible and on the front; ``NAME.caption.txt`` states what is drawn.

    Raises
    ------
    DesignError : the values would overwrite the table that is drawn
    """
    names = list(dict.fromkeys(names_of(points, axes)))
    table = points.table[names].copy()
    number = points.table.get("trial", points.table.index)
    table.insert(0, "trial" if "trial" in points.table else "row", number)
    table["feasible"], table["on_front"] = ~points.infeasible, points.on_front
    data, caption = (picture.with_suffix(end) for end in (".data.csv", ".caption.txt"))
    if data.absolute() == Path(points.source).absolute():
        raise DesignError(f"--data would overwrite the table {data}; name --output otherwise")
    write_whole(data, csv_text(table))
    write_whole(caption, caption_of(points, axes))
    return data, caption


def caption_of(points: Points, axes: Sequence[str | None]) -> str:
    """What the figure shows, in sentences for a paper."""
    names = [label_of(name) for name in names_of(points, axes)]
    goals = ", ".join(
        f"{label_of(name)} {'minimised' if minimize else 'maximised'}"
        for name, minimize in points.goals.items()
    )
    color = f" Colours show {names[2]}." if len(names) > 2 else ""
    total, infeasible = len(points.table), int(points.infeasible.sum())
    bounds = f" {infeasible} of them violate a limit." if infeasible else ""
    return (
        f"{names[1]} over {names[0]} of {total} points ({points.source}).{bounds} "
        f"{int(points.on_front.sum())} points are on the Pareto front ({goals}).{color}\n"
    )
