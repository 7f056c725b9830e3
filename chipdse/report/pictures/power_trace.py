"""A power trace as a picture: every cycle by module and kind of cell, and the phases."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chipdse.errors import DesignError
from chipdse.report.pictures.canvas import new_figure, save_figure
from chipdse.report.pictures.placement import PALETTE
from chipdse.stages.traces import PowerTrace
from chipdse.units import show

SIZE_IN = (11.0, 4.2)
MOST_GROUPS = 8


def draw_trace(trace: PowerTrace, path: Path, cycles: slice = slice(None)) -> None:
    """Draw the power of some cycles, groups of cells above each other.

    Parameters
    ----------
    path : .png, .svg or .pdf

    Raises
    ------
    DesignError : no cycle is drawn, or the file cannot be written
    """
    numbers = np.arange(trace.cycles)[cycles]
    if not len(numbers):
        raise DesignError(f"no cycle to draw: the trace has {trace.cycles}")
    figure = new_figure(SIZE_IN)
    axes = figure.subplots()
    edges = np.append(numbers, numbers[-1] + 1)
    level_w = np.full(len(numbers), trace.leakage_w + trace.clock_tree_j / trace.clock_period_s)
    axes.stairs(level_w * 1e3, edges, fill=True, color="#bbbbbb", label="leakage, clock tree")
    powers = {name: power[cycles] for name, power in trace.by_group_w().items()}
    largest = sorted(powers, key=lambda name: -float(powers[name].sum()))
    shown = largest[:MOST_GROUPS]
    if len(largest) > MOST_GROUPS:
        rest = np.sum([powers[name] for name in largest[MOST_GROUPS:]], axis=0)
        powers, shown = {**powers, "other groups": rest}, [*shown, "other groups"]
    for number, name in enumerate(shown):
        above_w = level_w + powers[name]
        axes.stairs(
            above_w * 1e3,
            edges,
            baseline=level_w * 1e3,
            fill=True,
            color=PALETTE[number % len(PALETTE)],
            label=name,
        )
        level_w = above_w
    if trace.phase:
        phase = np.array(trace.phase)[cycles]
        for place in np.flatnonzero(np.diff(phase, prepend=phase[0] - 1)).tolist():
            axes.axvline(numbers[place], color="black", linewidth=0.6, linestyle=":")
            axes.annotate(
                trace.phase_name(int(phase[place])),
                (numbers[place], 1.0),
                xycoords=("data", "axes fraction"),
                va="bottom",
                fontsize=7,
            )
    axes.axhline(float(trace.power_w.mean()) * 1e3, color="black", linewidth=0.8)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(f"clock cycle of {show(trace.clock_period_s, 's')}")
    axes.set_ylabel("power [mW]; line: mean of the run")
    figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    save_figure(figure, path)
