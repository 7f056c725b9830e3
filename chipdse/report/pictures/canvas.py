"""An empty figure, and writing it into a file, for all pictures that Matplotlib draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from chipdse.errors import DesignError


def new_figure(size_in: tuple[float, float]) -> Figure:
    """An empty figure of a width and height [in], independent of any display."""
    figure = Figure(figsize=size_in, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path, **options: Any) -> None:
    """Write a figure as .png, .svg or .pdf; the options are those of `Figure.savefig`.

    Raises
    ------
    DesignError : the file cannot be written
    """
    try:
        figure.savefig(path, dpi=160, **options)
    except (OSError, ValueError) as error:
        raise DesignError(f"{path} cannot be written: {error}") from error


def save_plot(figure: Figure, path: Path, dpi: float = 220) -> None:
    """Write the picture that `--plot` names; an SVG has no date, so equal figures are equal files.

    Raises
    ------
    DesignError : the file cannot be written
    """
    try:
        figure.savefig(path, dpi=dpi, metadata={"Date": None} if path.suffix == ".svg" else {})
    except OSError as error:
        raise DesignError(f"--plot {str(path)!r} cannot be written: {error.strerror}") from None
