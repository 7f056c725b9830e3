"""A test of side channels as a picture: Welch's t of every cycle, and of the number of traces."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chipdse.netlist.power.welch import THRESHOLD
from chipdse.report.pictures.canvas import new_figure, save_figure
from chipdse.stages.leakage_records import Leakage

SIZE_IN = (11.0, 3.6)
_FIRST, _SECOND = "#4477aa", "#ee6677"


def draw_leakage(result: Leakage, path: Path) -> None:
    """Draw t of every cycle on the left, its growth with the number of traces on the right.

    Parameters
    ----------
    path : .png, .svg or .pdf

    Raises
    ------
    DesignError : the file cannot be written
    """
    figure = new_figure(SIZE_IN)
    left, right = figure.subplots(1, 2, width_ratios=[2, 1])
    edges = np.arange(len(result.first_t) + 1)
    for t, color, label in (
        (result.first_t, _FIRST, "first order"),
        (result.second_t, _SECOND, "second order"),
    ):
        if not len(t):
            continue
        left.stairs(np.where(np.isfinite(t), t, np.nan), edges, color=color, label=label)
    left.axhspan(-THRESHOLD, THRESHOLD, color="#dddddd", zorder=0)
    left.set_xlabel("clock cycle")
    left.set_ylabel(f"Welch's t of {result.traces} traces")
    left.set_xlim(0, edges[-1])
    traces = [row[0] for row in result.progress]
    for place, color in ((1, _FIRST), (2, _SECOND)):
        right.plot(traces, [row[place] for row in result.progress], color=color, marker="o", ms=3)
    right.axhspan(0, THRESHOLD, color="#dddddd", zorder=0)
    right.set_xscale("log", base=2)
    right.set_ylim(bottom=0)
    right.set_xlabel("traces")
    right.set_ylabel("largest |t| of a cycle")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    save_figure(figure, path)
