"""Figures of a study for papers: PNG, SVG or PDF, colour-blind safe, the same bytes each time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from chipdse.design import suggest
from chipdse.errors import DesignError, InfeasibleError
from chipdse.report.page import point_of
from chipdse.report.page.data import history, importance
from chipdse.report.page.details import SHOWN_KINDS
from chipdse.report.quantities import heading_scale, label_of, words_of
from chipdse.store.store import Store, default_store
from chipdse.study.results.choose import knee
from chipdse.study.results.points import points_table
from chipdse.study.storage.folder import StudyFolder

SUFFIXES = (".png", ".svg", ".pdf")
_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#8d99a6"
_BARS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#999999")
_HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
_STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "chipdse",
    "pdf.fonttype": 42,
    "text.parse_math": False,  # names are text: a dollar sign in one is a dollar sign
}


def draw(
    folder: StudyFolder,
    kind: str,
    path: Path,
    *,
    axes: Sequence[str] = (),
    trial: int | None = None,
    width_in: float | None = None,
) -> None:
    """Write one figure of a study.

    Parameters
    ----------
    kind : front, parallel, importance, history or power
    axes : of the front: across, up, colour; default the objectives
    trial : of power: the point; default the knee
    width_in : width of the figure [inch]; default one column of a paper, two for parallel

    Raises
    ------
    DesignError : an unknown suffix, metric or trial
    InfeasibleError : the study has nothing to show
    """
    if path.suffix not in SUFFIXES:
        raise DesignError(f"--output {str(path)!r} must end in {', '.join(SUFFIXES)}")
    if width_in is None:
        width_in = 7.2 if kind == "parallel" else 3.5
    if not 1 <= width_in <= 30:
        raise DesignError(f"--width {width_in:g} must be between 1 and 30 inches")
    table = points_table(folder)
    if not table["on_front"].any():
        raise InfeasibleError(f"{folder.path} has no feasible point to draw")
    with plt.rc_context(_STYLE):
        figure, plot = plt.subplots(
            figsize=(width_in, width_in * (0.45 if kind == "parallel" else 0.72)),
            layout="constrained",
        )
        try:
            if kind == "front":
                _front(figure, plot, folder, table, axes)
            elif kind == "parallel":
                _parallel(plot, folder, table)
            elif kind == "importance":
                _importance(plot, folder)
            elif kind == "history":
                _history(plot, folder, table)
            else:
                _power(plot, folder, table, trial)
            no_date = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
            figure.savefig(path, dpi=300, metadata=no_date[path.suffix])
        except OSError as error:
            raise DesignError(f"--output {str(path)!r}: {error.strerror}") from error
        finally:
            plt.close(figure)


def _scaled(folder: StudyFolder, table: pd.DataFrame, name: str) -> tuple[str, Any]:
    known = [str(c) for c in table.select_dtypes("number").columns]
    if name not in known:
        raise DesignError(f"{name!r} is not a number of this study; {suggest(name, known)}")
    label, scale = heading_scale(name, table[name].tolist(), words_of(folder.sweep))
    better = {
        objective.metric: "less" if objective.minimize else "more"
        for objective in folder.sweep.objectives
    }
    text = f"{label}\n{better[name]} is better" if name in better else label
    return text, table[name].to_numpy(dtype=float) / scale


def _log_if_wide(plot: Axes, axis: str, values: Any) -> None:
    finite = values[np.isfinite(values)]
    if not len(finite) or finite.min() <= 0 or finite.max() / finite.min() <= 20:
        return
    plot.set(**{f"{axis}scale": "log"})
    decades = math.log10(finite.max() / finite.min())
    ticks = LogLocator(subs=(1.0, 2.0, 5.0) if decades < 3 else (1.0,), numticks=12)
    shown = plot.xaxis if axis == "x" else plot.yaxis
    shown.set_major_locator(ticks)
    shown.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    shown.set_minor_formatter(NullFormatter())


def _legend(plot: Axes) -> None:
    """Above the axes: it hides nothing. As many columns as the figure is wide."""
    handles, labels = plot.get_legend_handles_labels()
    figure = plot.get_figure(root=True)
    assert figure is not None
    inches = 0.42 + 0.055 * max(map(len, labels))
    columns = max(1, min(len(labels), 4, int(figure.get_size_inches()[0] / inches)))
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, columnspacing=1.0)


def _front(
    figure: Figure, plot: Axes, folder: StudyFolder, table: pd.DataFrame, axes: Sequence[str]
) -> None:
    goals = [objective.metric for objective in folder.sweep.objectives]
    names = [*axes, *goals[len(axes) : 3]]
    (x_label, x), (y_label, y) = (_scaled(folder, table, name) for name in names[:2])
    front = table["on_front"].to_numpy()
    kinds = (
        ("infeasible", (table["state"] == "infeasible").to_numpy(), "x", _ORANGE, 12),
        ("feasible", (table["state"] == "feasible").to_numpy() & ~front, "o", _GREY, 9),
    )
    for label, mask, marker, color, size in kinds:
        if mask.any():
            plot.scatter(x[mask], y[mask], s=size, c=color, marker=marker, lw=0.7, label=label)
    order = np.argsort(x[front])
    if len(names) > 2:
        label, color = _scaled(folder, table, names[2])
        markers = plot.scatter(
            x[front], y[front], s=26, c=color[front], marker="D", cmap="viridis", label="front"
        )
        figure.colorbar(markers, ax=plot, label=label)
    else:
        plot.plot(x[front][order], y[front][order], "D-", c=_BLUE, ms=4, lw=0.8, label="front")
    for name, low_high, axis in ((names[0], "x", plot.axvline), (names[1], "y", plot.axhline)):
        scale = heading_scale(name, table[name].tolist(), words_of(folder.sweep))[1]
        for limit in folder.sweep.limits:
            if limit.metric == name:
                for bound in (limit.minimum, limit.maximum):
                    low, high = plot.get_xlim() if low_high == "x" else plot.get_ylim()
                    if math.isfinite(bound) and low <= bound / scale <= high:
                        axis(bound / scale, color=_ORANGE, ls="--", lw=0.8)
    _log_if_wide(plot, "x", x)
    _log_if_wide(plot, "y", y)
    plot.set_xlabel(x_label)
    plot.set_ylabel(y_label)
    _legend(plot)


def _parallel(plot: Axes, folder: StudyFolder, table: pd.DataFrame) -> None:
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
        label, scale = heading_scale(name, values.tolist(), words_of(folder.sweep))
        number = values.to_numpy(dtype=float)
        low, high = number.min(), number.max()
        columns.append((number - low) / (high - low) if high > low else np.full(len(number), 0.5))
        marks.append([(end, f"{v / scale:.4g}") for end, v in ((0.0, low), (1.0, high))])
        labels.append(label)
    lines = np.array(columns).T
    front = shown["on_front"].to_numpy()
    plot.plot(lines[~front].T, color=_GREY, lw=0.4, alpha=0.4)
    plot.plot(lines[front].T, color=_BLUE, lw=0.9, alpha=0.9)
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


def _importance(plot: Axes, folder: StudyFolder) -> None:
    importances = importance(folder)
    if not importances:
        raise InfeasibleError(f"{folder.path} has too few points to tell what matters")
    names = [
        axis.name
        for axis in folder.sweep.space.axes
        if any(axis.name in s for s in importances.values())
    ]
    height = 0.8 / len(importances)
    for index, (metric, shares) in enumerate(importances.items()):
        places = np.arange(len(names)) + index * height
        plot.barh(
            places,
            [shares.get(name, 0.0) for name in names],
            height,
            label=label_of(metric),
            color=_BARS[index % len(_BARS)],
            hatch=_HATCHES[index % len(_HATCHES)],
        )
    plot.set_yticks(np.arange(len(names)) + 0.4 - height / 2, [label_of(name) for name in names])
    plot.invert_yaxis()
    plot.set_xlabel("importance (share of variance among good points)")
    _legend(plot)


def _history(plot: Axes, folder: StudyFolder, table: pd.DataFrame) -> None:
    curve = history(folder.sweep, table)
    plot.step(curve["evaluations"], curve["hypervolume"], where="post", color=_BLUE)
    plot.set_xlabel("evaluations")
    plot.set_ylabel("share of the box dominated")
    plot.set_ylim(bottom=0)
    plot.xaxis.set_major_locator(MaxNLocator(integer=True))


def _power(plot: Axes, folder: StudyFolder, table: pd.DataFrame, trial: int | None) -> None:
    number = knee(folder.sweep, table) if trial is None else trial
    detail = point_of(folder, table, number, Store(root=default_store()))
    if "error" in detail:
        raise DesignError(f"--trial {number}: {detail['error']}")
    kinds = detail["kinds"]
    total = sum(map(sum, kinds["power_w"]))
    _, scale = heading_scale("block_power_w", [total])
    unit = heading_scale("block_power_w", [total])[0].rpartition("[")[2].rstrip("]")
    left = np.zeros(len(kinds["groups"]))
    for kind, watts in zip(kinds["kinds"], kinds["power_w"], strict=True):
        index = SHOWN_KINDS.index(kind)
        values = np.array(watts) / scale
        plot.barh(
            kinds["groups"],
            values,
            left=left,
            label=kind,
            color=_BARS[index % len(_BARS)],
            hatch=_HATCHES[index % len(_HATCHES)],
        )
        left += values
    plot.invert_yaxis()
    plot.set_xlabel(f"power of trial {number} [{unit}]")
    _legend(plot)
