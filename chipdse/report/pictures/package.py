"""One figure of a package: cross-section, floorplan with temperatures, cost and carbon bars."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle as Patch
from matplotlib.ticker import MaxNLocator

from chipdse.arrays import Floats, Int64s
from chipdse.report.pictures.canvas import save_plot
from chipdse.report.pictures.formats import check_suffix
from chipdse.report.pictures.package_page import LINE, MM, PAGE, STEPS, panel, place
from chipdse.report.pictures.package_parts import carbon_parts, cost_parts
from chipdse.report.pictures.package_section import (
    SECTION_WIDTH_IN,
    STACK_WIDTH_IN,
    between,
    magnified_section,
    whole_section,
    widest,
)
from chipdse.system.arrays.temperature import geometry_of, operator_for
from chipdse.system.described import Evaluation
from chipdse.system.thermal.solver import Operator
from chipdse.system.thermal.stack import Layer, Rectangle

_BARS = ("#33658a", "#86bbd8", "#758e4f", "#f6ae2d", "#f26419", "#9a8c98", "#c9ada7")
_LIFE = ("#4f5d75", "#bfc0c0")
_STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "chipdse",
}
_LEFT = 0.5
_TITLE, _AXIS = 0.3, 0.44
_MAPS, _BAR_ROW = 2.42, 0.7
_MOST_MAPS = 4
LEAST_SPAN_K = 0.01
"""Temperatures that differ by less have one colour: of tiny dies only digits beyond the fifth."""


def draw_package(evaluation: Evaluation, path: Path) -> None:
    """Write the figure; the suffix of `path` says the format (.svg, .png, .pdf)."""
    check_suffix("--plot", path)
    geometry = geometry_of(evaluation.columns, evaluation.parts.dies, 0)
    operator = operator_for(geometry, evaluation.sources).fine
    layers = operator.network.stack.layers
    package_height = SECTION_WIDTH_IN * sum(la.thickness_m for la in layers) / widest(layers)
    middle = max(1.9, LINE * (len(between(layers)) + 2))
    tall = _TITLE + package_height + _AXIS + _TITLE + middle + _AXIS + 3 * _BAR_ROW + 0.1
    with plt.rc_context(_STYLE):
        figure = plt.figure(figsize=(PAGE, tall))
        whole_section(place(figure, _LEFT, _TITLE, SECTION_WIDTH_IN, package_height), operator)
        top = 2 * _TITLE + package_height + _AXIS
        magnified_section(place(figure, _LEFT, top, STACK_WIDTH_IN, middle), operator, middle)
        _floorplan(figure, top, middle, evaluation, operator)
        _bars(figure, top + middle + _AXIS, evaluation)
        try:
            save_plot(figure, path)
        finally:
            plt.close(figure)


def colour_span(low_c: float, high_c: float) -> tuple[float, float]:
    """The temperatures at the ends of the colours [°C], at least `LEAST_SPAN_K` apart."""
    missing = max(0.0, LEAST_SPAN_K - (high_c - low_c)) / 2
    return low_c - missing, high_c + missing


def _floorplan(
    figure: Figure, top: float, room: float, evaluation: Evaluation, operator: Operator
) -> None:
    """Temperatures of every layer of dies, on one scale."""
    network = operator.network
    layers = network.stack.layers
    power = _die_powers(evaluation, operator)
    watts = dict(zip(operator.sources, power, strict=True))
    rise = operator.cell_rise(power)
    shown, ambient = _shown_slices(rise, operator), evaluation.system.package.ambient_c
    planes = [
        np.where(network.cell[z] >= 0, ambient + rise[np.maximum(network.cell[z], 0)], np.nan)
        for z in shown
    ]
    low, high = colour_span(
        min(float(np.nanmin(p)) for p in planes), max(float(np.nanmax(p)) for p in planes)
    )
    columns = min(len(shown), 2)
    rows = -(-len(shown) // columns)
    outline = layers[network.slice_layer[shown[0]]].outline
    shape = outline.height_m / outline.width_m
    gap, left = 0.25, PAGE - 0.72 - _MAPS
    wide = min((_MAPS - gap * (columns - 1)) / columns, (room - gap * (rows - 1)) / rows / shape)
    mesh: Any = None
    for i, (z, plane) in enumerate(zip(shown, planes, strict=True)):
        row, column = divmod(i, columns)
        axes = place(
            figure,
            left + column * (wide + gap),
            top + row * (wide * shape + gap),
            wide,
            wide * shape,
        )
        mesh = axes.pcolormesh(
            network.x * MM,
            network.y * MM,
            plane,
            cmap="inferno",
            vmin=low,
            vmax=high,
            rasterized=True,
        )
        _outlines(axes, layers[network.slice_layer[z]], watts, wide / outline.width_m)
        _scale_axes(axes, outline, is_left=column == 0, is_lowest=i + columns >= len(shown))
        if i == 0:
            panel(axes, "c", _map_title(evaluation, operator, shown))
    right = left + columns * wide + (columns - 1) * gap
    height = rows * wide * shape + (rows - 1) * gap
    bar = figure.colorbar(mesh, cax=place(figure, right + 0.08, top, 0.09, height))
    bar.set_label("temperature [°C]", labelpad=2)
    bar.ax.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
    bar.ax.ticklabel_format(useOffset=False)  # of a map that hardly differs: whole temperatures
    bar.outline.set_linewidth(0.6)


def _scale_axes(axes: Axes, outline: Rectangle, *, is_left: bool, is_lowest: bool) -> None:
    """Limits, steps and labels of a map; only maps at the edge of the figure have labels."""
    axes.set(
        xlim=(outline.left_m * MM, outline.right_m * MM),
        ylim=(outline.bottom_m * MM, outline.top_m * MM),
    )
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=STEPS, symmetric=True))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=STEPS, symmetric=True))
    axes.xaxis.labelpad = axes.yaxis.labelpad = 2
    axes.tick_params(labelleft=is_left, labelbottom=is_lowest)
    axes.set_xlabel("x [mm]" if is_lowest else "")
    axes.set_ylabel("y [mm]" if is_left else "")


def _map_title(evaluation: Evaluation, operator: Operator, shown: list[int]) -> str:
    powered = [la for la in operator.network.stack.layers if la.sources]
    title = "Temperature of the dies"
    if len(powered) > len(shown):
        title = f"Hottest of {len(powered)} stacked dies"
    elif len(powered) > 1:
        title = "Temperature of each stacked die"
    return title + ("" if np.isfinite(evaluation.metrics.peak_temperature_c) else ", no leakage")


def _outlines(axes: Axes, layer: Layer, watts: dict[str, float], inches_per_m: float) -> None:
    """Each die's edge, name and power, the text as large as the die allows."""
    for die in layer.sources:
        axes.add_patch(
            Patch(
                (die.left_m * MM, die.bottom_m * MM),
                die.width_m * MM,
                die.height_m * MM,
                fill=False,
                edgecolor="white",
                linewidth=0.8,
            )
        )
        text = f"{die.name}\n{watts[die.name]:.3g} W"
        longest = max(len(part) for part in text.split("\n"))
        size = min(7.5, 72 * 0.85 * inches_per_m * die.width_m / (0.62 * longest))
        if size >= 4.5:
            axes.text(
                (die.left_m + die.width_m / 2) * MM,
                (die.bottom_m + die.height_m / 2) * MM,
                text,
                ha="center",
                va="center",
                color="white",
                fontsize=size,
                bbox={"facecolor": "black", "alpha": 0.45, "linewidth": 0, "pad": 1.2},
            )


def _die_powers(evaluation: Evaluation, operator: Operator) -> Floats:
    """Power of each die; without leakage where no stable temperature exists."""
    dies = evaluation.parts.dies
    kind = np.repeat(np.arange(len(dies.names)), dies.count[0].astype(int))
    fixed = evaluation.parts.power_w[0][kind]
    return np.asarray(fixed + _leakage(evaluation, operator, fixed, kind))


def _leakage(evaluation: Evaluation, operator: Operator, fixed: Any, kind: Int64s) -> Any:
    """Leakage of each die so that it sums to the metric, by share of the reference leakage."""
    static = evaluation.parts.dies.static_w[0][kind]
    total = evaluation.metrics.leakage_power_w
    return static * (total / static.sum()) if static.sum() > 0 and np.isfinite(total) else 0 * fixed


def _shown_slices(rise: Floats, operator: Operator) -> list[int]:
    """The hottest slice of each layer of dies, top first; of many layers only the hottest one."""
    network = operator.network
    cell, layers = network.cell, network.stack.layers

    def highest(z: int) -> float:
        cells = cell[z]
        return float(rise[cells[cells >= 0]].max())

    def hottest(slices: Iterable[int]) -> int:
        return max(slices, key=highest)

    slices_of: dict[int, list[int]] = {}
    for z, layer in enumerate(network.slice_layer):
        if layers[layer].sources:
            slices_of.setdefault(int(layer), []).append(z)
    shown = [hottest(slices) for slices in slices_of.values()]
    return shown[::-1] if len(shown) <= _MOST_MAPS else [hottest(shown)]


def _life_title(evaluation: Evaluation, embodied: float) -> str:
    use, package = evaluation.metrics.operational_kgco2e, evaluation.system.package
    if not np.isfinite(use):
        return f"Carbon before use: {embodied:.4g} kg CO₂e; no stable temperature"
    return (
        f"Carbon in {package.life_years:g} years: {embodied:.4g} kg CO₂e embodied"
        f" + {use:.4g} kg CO₂e operation (power from {package.grid_use.replace('_', ' ').title()})"
    )


def _bars(figure: Figure, top: float, evaluation: Evaluation) -> None:
    m, package = evaluation.metrics, evaluation.system.package
    life = {"embodied": m.embodied_kgco2e, "operation": m.operational_kgco2e}
    if not np.isfinite(m.operational_kgco2e):
        del life["operation"]
    cost = (
        f"Cost of one system: {m.cost_usd:.2f} USD recurring + {m.nre_usd:.2f} USD design"
        f" (hatched; at {package.volume:,.0f} systems)"
    )
    embodied = f"Embodied carbon of one system: {m.embodied_kgco2e:.4g} kg CO₂e"
    panels = (
        ("d", cost, cost_parts(evaluation), _BARS),
        ("e", embodied, carbon_parts(evaluation), _BARS),
        ("f", _life_title(evaluation, m.embodied_kgco2e), life, _LIFE),
    )
    for row, (letter, title, parts, colours) in enumerate(panels):
        axes = place(figure, 0.15, top + row * _BAR_ROW + 0.27, 3.35, 0.17)
        left, total = 0.0, sum(parts.values())
        if not np.isfinite(total):  # e.g. no wafer holds the die: the title has the figure
            parts, total = {}, 1.0
        for colour, (name, value) in zip(colours, parts.items(), strict=False):
            if value <= 0:
                continue
            share = f"{value / total:.1%}" if value >= 5e-4 * total else "<0.1%"
            axes.barh(
                0,
                value,
                height=1.0,
                left=left,
                color=colour,
                edgecolor="white",
                linewidth=0.5,
                label=f"{name} {value:.4g} ({share})",
                hatch="/////" if letter == "d" and name.endswith("design") else None,
            )
            left += value
        axes.set(xlim=(0, total), ylim=(-0.5, 0.5), yticks=[])
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
        axes.tick_params(labelsize=7, pad=2)
        axes.spines[["top", "right", "left"]].set_visible(False)
        if left > 0:
            axes.legend(
                loc="upper left",
                bbox_to_anchor=(1.03, 1.15),
                fontsize=6.8,
                frameon=False,
                ncols=2,
                handlelength=1.0,
                handletextpad=0.4,
                columnspacing=0.9,
                labelspacing=0.2,
                borderaxespad=0,
            )
        panel(axes, letter, title)
