"""A network on a chip as a picture: energy of each layer by level, latency and what binds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from chipdse.application.chips import BOUNDS, LEVELS
from chipdse.errors import DesignError
from chipdse.report.pictures.canvas import save_plot
from chipdse.report.pictures.formats import check_suffix

MOST_LAYERS = 60
_COLOURS = {
    "tile": "#4477aa",
    "compute": "#4477aa",
    "sram": "#228833",
    "dram": "#ee6677",
    "link": "#ccbb44",
    "leakage": "#bbbbbb",
}


def draw_layers(layers: Sequence[Mapping[str, Any]], title: str, path: Path) -> None:
    """Draw the layers of a network as `chipdse.application.rows.mapped_rows` returns them.

    Raises
    ------
    DesignError : an unknown suffix, too many layers, or the file cannot be written
    """
    check_suffix("--plot", path)
    if len(layers) > MOST_LAYERS:
        raise DesignError(f"--plot draws at most {MOST_LAYERS} layers, and there are {len(layers)}")
    figure = Figure(figsize=(9.0, 1.2 + 0.24 * len(layers)), layout="constrained")
    FigureCanvasAgg(figure)
    energy, latency = figure.subplots(1, 2, sharey=True)
    figure.suptitle(title, fontsize=9)
    _energies(energy, layers)
    _latencies(latency, layers)
    energy.set_yticks(range(len(layers)), [str(row["name"]) for row in layers], fontsize=7)
    energy.invert_yaxis()
    save_plot(figure, path)


def _energies(axes: Axes, layers: Sequence[Mapping[str, Any]]) -> None:
    left = np.zeros(len(layers))
    for level in LEVELS:
        values = np.array([row[f"{level}_energy_j"] for row in layers]) * 1e6
        if values.any():
            axes.barh(range(len(layers)), values, left=left, color=_COLOURS[level], label=level)
        left += values
    axes.set_xlabel("energy [µJ]")
    axes.legend(fontsize=7)


def _latencies(axes: Axes, layers: Sequence[Mapping[str, Any]]) -> None:
    for bound in BOUNDS:
        places = [i for i, row in enumerate(layers) if row["bound"] == bound]
        if places:
            values = [layers[i]["latency_s"] * 1e6 for i in places]
            axes.barh(places, values, color=_COLOURS[bound], label=f"bound by {bound}")
    axes.set_xlabel("latency [µs]")
    axes.legend(fontsize=7)
