"""The page of a package's figure: its size, and panels at places counted in inches."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

MM, MICRO = 1e3, 1e6
PAGE = 7.2
"""Width [inches]: that of the text of a paper; the page is as high as its panels need."""
LINE = 0.14
"""Height of a line of text [inches]."""
STEPS = (1, 2, 5, 10)
"""Steps between ticks, times powers of ten."""


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place counted in inches from the page's upper left corner."""
    page = figure.get_figheight()
    return figure.add_axes((left / PAGE, 1 - (top + height) / page, width / PAGE, height / page))


def panel(axes: Axes, letter: str, title: str) -> None:
    """Write the letter and the title of a panel above it."""
    axes.set_title(f"$\\bf{{{letter}}}$  {title}", loc="left", pad=4)
