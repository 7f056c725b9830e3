"""A placement as a picture: cells coloured by the module they belong to, and power by place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from chipdse.arrays import Floats, Int64s
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.metrics import BlockReport
from chipdse.netlist.layout.wires import Routes
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.modules import Modules, assign_modules
from chipdse.report.pictures.canvas import new_figure, save_figure
from chipdse.sorting import among
from chipdse.stages.analyse import Analysis, analyse_design
from chipdse.stages.build import build_hardware
from chipdse.stages.layout_power import power_map_w
from chipdse.stages.measure import measure
from chipdse.store.store import Store
from chipdse.system.power_map import mapped_temperature
from chipdse.technology.constants import Sources
from chipdse.units import show

MOST_MODULES = 12
SIZE_IN = (11.0, 5.2)
_MARGIN_IN = 0.15
_BINS, _FEWEST_BINS, _CELLS_A_BIN = 48, 8, 3
_MOST_COPIES = 64  # a die of more copies of a block is even to the eye
PALETTE = (
    "#4477aa",
    "#ee6677",
    "#228833",
    "#ccbb44",
    "#66ccee",
    "#aa3377",
    "#994455",
    "#997700",
    "#6699cc",
    "#004488",
    "#eecc66",
    "#ee99aa",
)


def draw_point(design: Design, store: Store, path: Path) -> None:
    """Draw the placement of a design that was evaluated; runs no tool the store has results of.

    Raises
    ------
    DesignError : it is not placed, or the file cannot be written
    """
    _, hardware = build_hardware(design, store)
    analysis = analyse_design(design, hardware, store)
    report, _ = measure(design, hardware, store)
    draw_analysed(design, analysis, report, path)


def draw_analysed(
    design: Design,
    analysis: Analysis,
    report: BlockReport,
    path: Path,
    size_in: tuple[float, float] = SIZE_IN,
) -> None:
    """Draw the placement of a design whose netlist was analysed, its power at the point's clock."""
    if analysis.layout.routes is None:
        raise DesignError('--placement: nothing is placed; leave out wires="none"')
    power = analysis.power
    # Energy per cycle does not depend on the clock: powers are scaled to the point's own.
    scale = report.clock_frequency_hz * float(analysis.timing.min_period_s[0])
    watts = (power.internal_w[0] + power.switching_w[0]) * scale + power.leakage_w[0]
    modules = assign_modules(analysis.timing.graph)
    routes, package = analysis.layout.routes, design.package
    warm = mapped_temperature(
        # Liberty has cells whose inner energy is negative at some slews and loads.
        np.maximum(power_map_w(routes, watts, _BINS), 0.0),
        routes.core_width_m * routes.core_height_m,
        package,
        Sources(),
        copies=min(-(-package.tiles // package.chiplets), _MOST_COPIES),
    )
    note = f"hottest spot of the die {show(warm.hotspot_k, 'K')} above an even one"
    if warm.beyond_conductivity_k > 0:
        note += ", beyond the temperatures for which silicon's conductivity is known"
    draw_placement(routes, analysis.timing.netlist, modules, watts, path, note, size_in)


def draw_placement(
    routes: Routes,
    netlist: Netlist,
    modules: Modules,
    cell_power_w: Floats,
    path: Path,
    note: str = "",
    size_in: tuple[float, float] = SIZE_IN,
) -> None:
    """Write a picture with cells by module on the left, power density on the right.

    Parameters
    ----------
    cell_power_w : [cells]
    path : .png, .svg or .pdf
    note : below the power

    Raises
    ------
    DesignError : nothing was placed, or the file cannot be written
    """
    if not len(routes.cell_x_m):
        raise DesignError('there is no placement to draw; set wires="placed"')
    figure = new_figure(size_in)
    left, right = figure.subplots(1, 2)
    _by_module(left, routes, netlist, modules)
    _by_power(figure, right, routes, cell_power_w)
    right.set_xlabel(f"µm\n{note}".rstrip())
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    # The layout keeps space for titles and legend, but none for long names and notes.
    save_figure(figure, path, bbox_inches="tight", pad_inches=_MARGIN_IN)


def _by_module(axes: Axes, routes: Routes, netlist: Netlist, modules: Modules) -> None:
    area = np.array([cell.area_m2 for cell in netlist.cells])[netlist.cell_types]
    count = np.bincount(modules.of_cell, minlength=len(modules.names))
    largest = np.argsort(-count, kind="stable")[:MOST_MODULES]
    for place, number in enumerate(largest.tolist()):
        members = np.flatnonzero(modules.of_cell == number)
        if len(members):
            label = f"{modules.names[number] or '(top)'}: {len(members)}"
            _squares(axes, routes, area, members, PALETTE[place], label)
    remaining = np.flatnonzero(~among(modules.of_cell, largest))
    if len(remaining):
        _squares(axes, routes, area, remaining, "#bbbbbb", f"others: {len(remaining)}")
    _frame(axes, routes, "cells by module (and their number)")


def _squares(
    axes: Axes, routes: Routes, area: Floats, cells: Int64s, colour: str, label: str
) -> None:
    side = np.sqrt(area[cells]) * 1e6
    corners = zip(
        routes.cell_x_m[cells] * 1e6 - side / 2,
        routes.cell_y_m[cells] * 1e6 - side / 2,
        side,
        strict=True,
    )
    patches = [Rectangle((float(x), float(y)), float(s), float(s)) for x, y, s in corners]
    axes.add_collection(PatchCollection(patches, color=colour, linewidth=0))
    axes.plot([], [], "s", color=colour, label=label)


def _by_power(figure: Figure, axes: Axes, routes: Routes, cell_power_w: Floats) -> None:
    fit = int((len(cell_power_w) / _CELLS_A_BIN) ** 0.5)
    power = power_map_w(routes, cell_power_w, min(_BINS, max(_FEWEST_BINS, fit)))
    bin_m2 = routes.core_width_m * routes.core_height_m / power.size
    extent = (0, routes.core_width_m * 1e6, 0, routes.core_height_m * 1e6)
    image = axes.imshow(power.T / bin_m2 * 1e-6, origin="lower", extent=extent, cmap="inferno")
    figure.colorbar(image, ax=axes, label="W/mm²", shrink=0.8)
    _frame(axes, routes, f"power of cells, {show(float(cell_power_w.sum()), 'W')} in all")


def _frame(axes: Axes, routes: Routes, title: str) -> None:
    axes.set_xlim(0, routes.core_width_m * 1e6)
    axes.set_ylim(0, routes.core_height_m * 1e6)
    axes.set_aspect("equal")
    axes.set_xlabel("µm")
    axes.set_title(title, fontsize=10)
