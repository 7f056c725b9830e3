"""One figure of a library: speed, energy and leakage of an inverter over the supply."""

from __future__ import annotations

import itertools
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.library.grid import Corners
from chipdse.netlist.library.library import CellLibrary
from chipdse.report.pictures.canvas import save_plot
from chipdse.report.pictures.formats import check_suffix
from chipdse.report.pictures.library_summary import fo4, inverter_leakage_w

_STYLE = {"font.size": 8, "axes.linewidth": 0.6, "svg.fonttype": "none", "svg.hashsalt": "chipdse"}
_COLOURS = ("#33658a", "#f26419", "#758e4f", "#9a8c98", "#c1121f")


def draw_library(library: CellLibrary, name: str, path: Path) -> None:
    """Write the figure; the suffix of `path` says the format (.svg, .png, .pdf)."""
    check_suffix("--plot", path)
    with plt.rc_context(_STYLE):  # type: ignore[arg-type]
        figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.7), layout="constrained")
        colours = dict(zip(library.leakage_grid.temperatures_c, itertools.cycle(_COLOURS)))
        for temp in library.grid.temperatures_c:
            corner_supplies, fine, colour = *_supplies(library.grid, temp), colours[temp]
            line, marks = fo4(library.at(fine, temp)), fo4(library.at(corner_supplies, temp))
            for axis, quantity, scale in zip(
                axes, ("delay_s", "energy_j"), (1e12, 1e15), strict=False
            ):
                axis.plot(fine, getattr(line, quantity) * scale, color=colour)
                axis.plot(corner_supplies, getattr(marks, quantity) * scale, ".", color=colour)
        for temp, colour in colours.items():
            corner_supplies, fine = _supplies(library.leakage_grid, temp)
            for supplies, shape in ((fine, "-"), (corner_supplies, ".")):
                leakage = inverter_leakage_w(library.leakage_at(supplies, temp)) * 1e12
                label = f"{temp:g} °C" if shape == "-" else None
                axes[2].plot(supplies, leakage, shape, color=colour, label=label)
        for axis, title in zip(
            axes,
            ("FO4 delay [ps]", "energy of a rise and a fall [fJ]", "inverter leakage [pW]"),
            strict=True,
        ):
            axis.set_xlabel("supply [V]")
            axis.set_title(title)
            axis.grid(visible=True, which="major", linewidth=0.3)
        axes[0].set_yscale("log")
        axes[2].set_yscale("log")
        axes[0].legend(*axes[2].get_legend_handles_labels(), frameon=False)
        figure.suptitle(f"{name}: {marks.inverter}, fanout 4; dots are characterised", fontsize=8.5)
        try:
            save_plot(figure, path, dpi=200)
        finally:
            plt.close(figure)


def _supplies(corners: Corners, temperature_c: float) -> tuple[Floats, Floats]:
    """The supplies of a temperature, and many between them."""
    corner_supplies = np.sort(corners.supply_v[corners.temperature_c == temperature_c])
    return corner_supplies, np.unique(
        np.concatenate([corner_supplies, np.linspace(corner_supplies[0], corner_supplies[-1], 60)])
    )
