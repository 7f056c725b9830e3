"""The page of fft: which choice saves most."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from figure_values import area, energy, line, percent_less, percent_more, rate, share, span
from figures import Runs
from page_figures import Text


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
    at = {
        (radix, scaling, lines): runs.row("fft", radix=radix, scaling=scaling, delay_lines=lines)
        for radix, scaling, lines in product((2, 4), ("grow", "half"), ("shift", "memory"))
    }
    for (radix, scaling, lines), point in at.items():
        yield line(
            f"{radix}, {scaling}, {lines}",
            ("{:,.0f}", area(point)),
            ("{:.0f}", rate(point)),
            ("{:.0f}", energy(point)),
            *(("{:.0f} %", share(point, part)) for part in ("glitch", "register", "clock_tree")),
        )
    halved = [
        (at[radix, "half", lines], at[radix, "grow", lines])
        for radix, lines in product((2, 4), ("shift", "memory"))
    ]
    yield Text(
        words="take {:.0f} to {:.0f} % less energy and {:.0f} to {:.0f} % less area",
        values=tuple(
            figure
            for of in (energy, area)
            for figure in span(percent_less(of(a), of(b)) for a, b in halved)
        ),
    )
    stored = [
        (at[radix, scaling, "memory"], at[radix, scaling, "shift"])
        for radix, scaling in product((2, 4), ("grow", "half"))
    ]
    yield Text(
        words="save {:.0f} to {:.0f} % of energy for {:.0f} to {:.0f} % more area, and change "
        "speed by {:.0f} to {:+.0f} %.",
        values=(
            *span(percent_less(energy(a), energy(b)) for a, b in stored),
            *(
                f
                for of in (area, rate)
                for f in span(percent_more(of(a), of(b)) for a, b in stored)
            ),
        ),
    )
    turned = {
        scaling: [(at[4, scaling, lines], at[2, scaling, lines]) for lines in ("shift", "memory")]
        for scaling in ("grow", "half")
    }
    yield Text(
        words="saves {:.0f} to {:.0f} % of area (one multiplier of three). It saves a little "
        "energy, more together with scaling ({:.0f} to {:.0f} %; without scaling {:.0f} to {:.0f} "
        "%).",
        values=(
            *span(percent_less(area(a), area(b)) for pairs in turned.values() for a, b in pairs),
            *(
                figure
                for scaling in ("half", "grow")
                for figure in span(percent_less(energy(a), energy(b)) for a, b in turned[scaling])
            ),
        ),
    )
