"""The supply drop over a core as a picture: of the mean power, and of the worst cycle."""

from __future__ import annotations

from pathlib import Path

from chipdse.report.pictures.canvas import new_figure, save_figure
from chipdse.stages.supply_drop import SupplyDrop
from chipdse.units import show

SIZE_IN = (9.0, 4.2)


def draw_supply_drop(drop: SupplyDrop, path: Path) -> None:
    """Draw both maps with one scale.

    Parameters
    ----------
    path : .png, .svg or .pdf

    Raises
    ------
    DesignError : the file cannot be written
    """
    figure = new_figure(SIZE_IN)
    both = figure.subplots(1, 2)
    largest = max(float(drop.average_v.max()), float(drop.worst_v.max())) * 1e3
    maps = (("mean power", drop.average_v), (f"cycle {drop.cycle}", drop.worst_v))
    for axes, (name, drop_v) in zip(both, maps, strict=True):
        image = axes.imshow(
            drop_v.T * 1e3,
            origin="lower",
            extent=(0, drop.width_m * 1e6, 0, drop.height_m * 1e6),
            cmap="viridis",
            vmin=0,
            vmax=largest,
        )
        axes.set_title(f"{name}: up to {show(float(drop_v.max()), 'V')}", fontsize=10)
        axes.set_xlabel("µm")
    figure.colorbar(image, ax=both, label="drop of VDD [mV]")
    save_figure(figure, path)
