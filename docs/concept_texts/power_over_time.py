"""Figures of docs/concepts/power_over_time.md: what masking costs, and what power reveals."""

from __future__ import annotations

from collections.abc import Iterator

from figure_values import area, energy, line, percent_less, share
from figures import Runs
from page_figures import Text


def power_over_time(runs: Runs) -> Iterator[Text]:
    """What masking costs an S-box, and what its power reveals."""
    designs = {
        (structure, shares): runs.row("masked", structure=structure, shares=shares)
        for structure, shares in (("composite", 1), ("table", 1), ("composite", 2))
    }
    for (structure, shares), row in designs.items():
        yield line(
            f"{structure}, shares = {shares}",
            ("{:,.0f}", area(row)),
            ("{:.2f}", energy(row)),
            ("{:.2f}", row["peak_power_w"] * 1e3),
            ("{:.1f}", row["max_t_first_order"]),
        )
    plain, masked = designs["composite", 1], designs["composite", 2]
    yield Text(
        words="Two shares take {:.1f} times the area and {:.1f} times the energy per byte of the "
        "same S-box without",
        values=tuple(of(masked) / of(plain) for of in (area, energy)),
    )
    table = designs["table", 1]
    yield Text(
        words="The table takes {:.0f} % less energy than the plain composite S-box, in {:.1f} "
        "times the area: glitches are {:.0f} % of its power, and {:.0f} % of the other's",
        values=(
            percent_less(energy(table), energy(plain)),
            area(table) / area(plain),
            share(table, "glitch"),
            share(plain, "glitch"),
        ),
    )
