"""Figures of a study for papers: PNG, SVG or PDF, colour-blind safe, the same bytes each time."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from chipdse.errors import DesignError, InfeasibleError
from chipdse.report.figures.axes import (
    BLUE,
    ORANGE,
    PALETTE,
    Look,
    add_legend,
)
from chipdse.report.figures.beside import (
    Beside,
    history_beside,
    importance_beside,
    package_beside,
    parallel_beside,
    placement_beside,
    power_beside,
    supply_beside,
    write_beside,
)
from chipdse.report.figures.front import Points, draw_front, points_of_study, write_data
from chipdse.report.figures.parallel import draw_parallel
from chipdse.report.history import history
from chipdse.report.pictures.formats import check_suffix
from chipdse.report.quantities import StudyUnits, heading_scale, label_of, units_of_study
from chipdse.store.files import write_whole
from chipdse.store.store import Store, default_store
from chipdse.study.results.choose import knee
from chipdse.study.results.points import points_table
from chipdse.study.storage.folder import StudyFolder

PICTURES = {"placement": "placement_png", "package": "package_svg"}
"""Kinds that are pictures of a point, and where its details have them."""
PLAIN_LOOK = Look()
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
    axes: Sequence[str | None] = (),
    trial: int | None = None,
    width_in: float | None = None,
    look: Look = PLAIN_LOOK,
    data: bool = False,
) -> None:
    """Write one figure of a study.

    Parameters
    ----------
    kind : front, parallel, importance, history, power, supply, placement or package
    axes : of the front: across, up, colour; None for the objective in this place
    trial : of power, supply, placement, package: the point; default the knee
    width_in : width of the figure [inch]; default one column of a paper, two for parallel
    look : title; for the front also limits and scales of the axes
    data : also write its values and a caption beside it (`front.write_data`, `beside`)

    Raises
    ------
    DesignError : an unknown suffix, metric or trial
    InfeasibleError : the study has nothing to show
    """
    check_output(path, width_in)
    table = points_table(folder, every_metric=False)
    if any(name is not None and name not in table for name in axes):
        table = points_table(folder)
    if not table["on_front"].any():
        raise InfeasibleError(f"{folder.path} has no feasible point to draw")
    if kind in PICTURES:
        number, detail = _write_picture(kind, folder, table, trial, path)
        if data:
            write_beside(path, _picture_beside(folder, kind, number, detail))
        return
    if kind == "front":
        draw_points(points_of_study(folder, table), path, axes, width_in, look=look, data=data)
        return
    with _saved(path, width_in or (7.2 if kind == "parallel" else 3.5), kind, look) as (_, plot):
        beside = _draw_plot(plot, kind, folder, table, trial)
        if data:
            write_beside(path, beside)


def _draw_plot(
    plot: Axes, kind: str, folder: StudyFolder, table: pd.DataFrame, trial: int | None
) -> Beside:
    """Draw a figure that is no front; returns what may be written beside it."""
    source, sweep = str(folder.path), folder.sweep
    if kind == "parallel":
        draw_parallel(plot, folder, table)
        return parallel_beside(sweep, table, source)
    if kind == "importance":
        from chipdse.report.importance import importance  # loads Optuna

        importances = importance(folder)
        _importance(plot, folder, importances)
        return importance_beside(importances, source)
    if kind == "history":
        _history(plot, folder, table)
        return history_beside(sweep, table, source)
    number, detail = _detail(folder, table, trial)
    if kind == "supply":
        _supply(plot, number, detail, units_of_study(sweep))
        return supply_beside(number, detail, source)
    _power(plot, number, detail)
    return power_beside(number, detail, source)


def _picture_beside(
    folder: StudyFolder, kind: str, number: int, detail: Mapping[str, Any]
) -> Beside:
    """The values and the caption of a picture of a point."""
    if kind == "placement":
        return placement_beside(number, detail, str(folder.path))
    return package_beside(number, detail, str(folder.path), units_of_study(folder.sweep))


def draw_points(
    points: Points,
    path: Path,
    axes: Sequence[str | None] = (),
    width_in: float | None = None,
    *,
    look: Look = PLAIN_LOOK,
    data: bool = False,
) -> None:
    """Write the figure of a front; parameters and errors as of `draw`."""
    check_output(path, width_in)
    with _saved(path, width_in or 3.5, "front", look) as (figure, plot):
        draw_front(figure, plot, points, axes, look)
        if data:
            write_data(points, axes, path)


def check_output(path: Path, width_in: float | None) -> None:
    """Check the name and width of a figure.

    Raises
    ------
    DesignError : an unknown suffix, or a width [inch] outside 1 to 30
    """
    check_suffix("--output", path)
    if width_in is not None and not 1 <= width_in <= 30:
        raise DesignError(f"--width {width_in:g} must be between 1 and 30 inches")


@contextmanager
def _saved(path: Path, width_in: float, kind: str, look: Look) -> Iterator[tuple[Figure, Axes]]:
    """An empty figure with one plot, which is written after the block."""
    with plt.rc_context(_STYLE):
        height_in = width_in * (0.45 if kind == "parallel" else 0.72)
        figure, plot = plt.subplots(figsize=(width_in, height_in), layout="constrained")
        try:
            yield figure, plot
            if look.title:
                # A title of the figure would lie on the legend, which is outside the axes.
                plot.set_title(look.title, fontsize=9)
            no_date = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
            figure.savefig(path, dpi=300, metadata=no_date[path.suffix])
        except OSError as error:
            raise DesignError(f"--output {str(path)!r}: {error.strerror}") from error
        finally:
            plt.close(figure)


def _importance(
    plot: Axes, folder: StudyFolder, importances: Mapping[str, Mapping[str, float]]
) -> None:
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
            color=PALETTE[index % len(PALETTE)],
            hatch=_HATCHES[index % len(_HATCHES)],
        )
    plot.set_yticks(np.arange(len(names)) + 0.4 - height / 2, [label_of(name) for name in names])
    plot.invert_yaxis()
    plot.set_xlabel("importance (share of variance among good points)")
    add_legend(plot)


def _history(plot: Axes, folder: StudyFolder, table: pd.DataFrame) -> None:
    curve = history(folder.sweep, table)
    plot.step(curve["evaluations"], curve["hypervolume"], where="post", color=BLUE)
    plot.set_xlabel("evaluations")
    plot.set_ylabel("share of the box dominated")
    plot.set_ylim(bottom=0)
    plot.xaxis.set_major_locator(MaxNLocator(integer=True))


def _detail(
    folder: StudyFolder, table: pd.DataFrame, trial: int | None
) -> tuple[int, dict[str, Any]]:
    """The number of a trial, by default the knee, and its details."""
    from chipdse.report.page import point_of  # its libraries take a second to load

    number = knee(folder.sweep, table) if trial is None else trial
    detail = point_of(folder, table, number, Store(root=default_store()))
    if "error" in detail:
        raise DesignError(f"--trial {number}: {detail['error']}")
    if "chip" in detail:
        raise DesignError(
            "this kind of figure shows one block, and the study is of chips; 'chipdse report' "
            "shows the layers, the roofline and the floorplan of a chip"
        )
    return number, detail


def _write_picture(
    kind: str, folder: StudyFolder, table: pd.DataFrame, trial: int | None, path: Path
) -> tuple[int, dict[str, Any]]:
    """Write a picture that the report has too: placement (PNG) or package (SVG).

    Returns
    -------
    The number of the point, and its details
    """
    entry = PICTURES[kind]
    suffix = f".{entry.rpartition('_')[2]}"
    if path.suffix != suffix:
        raise DesignError(f"--output {str(path)!r} must end in {suffix} for --kind {kind}")
    number, detail = _detail(folder, table, trial)
    if detail[entry] is None:
        raise DesignError(f"trial {number} has no {kind}: its sweep file switches it off")
    try:
        write_whole(path, base64.b64decode(detail[entry]))
    except OSError as error:
        raise DesignError(f"--output {str(path)!r}: {error.strerror}") from error
    return number, detail


def _supply(plot: Axes, number: int, detail: dict[str, Any], words: StudyUnits) -> None:
    """Energy per unit of work and highest clock over the supply voltage."""
    supply = detail["supply"]
    if not supply or len(supply["vdd_v"]) < 2:
        raise DesignError(f"--trial {number}: its library has one supply voltage only")
    right = plot.twinx()
    right.spines["right"].set_visible(True)
    curves = (
        (plot, "energy_per_op_j", "energy_per_op_j", BLUE, "o-"),
        (right, "f_max_hz", "f_max_hz", ORANGE, "s:"),
    )
    for side, entry, metric, color, style in curves:
        values = np.array([math.nan if v is None else v for v in supply[entry]], dtype=float)
        heading, scale = heading_scale(metric, values.tolist(), words)
        side.plot(supply["vdd_v"], values / scale, style, c=color, ms=3, lw=1)
        side.set_ylabel(heading, color=color)
    plot.set_ylim(bottom=0)
    right.set_yscale("log")
    # Matplotlib's own labels are formulas, which `_STYLE` switches off.
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    right.yaxis.set_minor_formatter(NullFormatter())
    plot.set_xlabel(f"supply voltage of trial {number} [V]")


def _power(plot: Axes, number: int, detail: dict[str, Any]) -> None:
    from chipdse.report.page.details import SHOWN_KINDS

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
            color=PALETTE[index % len(PALETTE)],
            hatch=_HATCHES[index % len(_HATCHES)],
        )
        left += values
    plot.invert_yaxis()
    plot.set_xlabel(f"power of trial {number} [{unit}]")
    add_legend(plot)
