"""The page of ntt: how many butterflies, which reduction."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from figure_values import (
    KILO,
    PJ_PER_NJ,
    area,
    energy,
    f_max,
    line,
    percent_less,
    percent_more,
    rate,
    share,
    span,
)
from figures import Runs
from page_figures import Text


def _block(runs: Runs, butterflies: int, reduction: str, stages: int, vdd_v: float = 1.8) -> Any:
    """A point of the sweep."""
    return runs.row(
        "ntt",
        **{"butterflies": butterflies, "reduction": reduction},
        **{"pipeline_stages": stages, "vdd_v": vdd_v},
    )


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
    block = functools.partial(_block, runs)
    yield from _table(block)
    yield from _sentences(block)


def _table(block: Callable[..., Any]) -> Iterator[Text]:
    """The table of the page."""
    montgomery, barrett = "montgomery", "barrett"
    kinds = [(1, montgomery, 0), (1, barrett, 0), (1, montgomery, 1)]
    kinds += [(n, name, 2) for n in (1, 2, 4) for name in (montgomery, barrett)]
    kinds += [(8, montgomery, 0), (8, montgomery, 2), (8, barrett, 2)]
    for butterflies, reduction, stages in kinds:
        point = block(butterflies, reduction, stages)
        yield line(
            f"{butterflies} | {reduction} | {stages}",
            ("{:,.0f}", area(point)),
            ("{:.0f}", f_max(point)),
            ("{:.0f}", float(point["block_throughput_ops_per_s"]) * KILO),
            ("{:.0f}", energy(point) / PJ_PER_NJ),
            ("{:.0f} %", share(point, "glitch")),
        )


def _sentences(block: Callable[..., Any]) -> Iterator[Text]:
    """The sentences of the page."""
    montgomery, barrett = "montgomery", "barrett"
    one_lane, two, four, eight = (block(n, montgomery, 2) for n in (1, 2, 4, 8))
    plain = block(1, montgomery, 0)
    yield Text(
        words="Two registers make it {:.1f} times as fast, save {:.0f} % of the energy and cost "
        "{:.0f} % of area.",
        values=(
            *(rate(one_lane) / rate(plain), percent_less(energy(one_lane), energy(plain))),
            percent_more(area(one_lane), area(plain)),
        ),
    )
    yield Text(
        words="glitches run through all of these ({:.0f} % of the energy with Barrett's",
        values=(share(block(1, barrett, 0), "glitch"),),
    )
    yield Text(
        words="Two butterflies instead of one give {:.1f} times the transforms for {:.0f} % more "
        "area and {:.0f} % less energy, and four give {:.1f} times for {:.0f} % more area and "
        "{:.0f} % less energy",
        values=tuple(
            figure
            for point in (two, four)
            for figure in (
                rate(point) / rate(one_lane),
                percent_more(area(point), area(one_lane)),
                percent_less(energy(point), energy(one_lane)),
            )
        ),
    )
    yield Text(
        words="({:.1f} times, for {:.0f} % more area)",
        values=(rate(eight) / rate(one_lane), percent_more(area(eight), area(one_lane))),
    )
    yield Text(
        words="(Barrett then takes {:.0f} % more energy)",
        values=(percent_more(energy(block(1, barrett, 0)), energy(plain)),),
    )
    pairs = [(block(n, barrett, 2), block(n, montgomery, 2)) for n in (1, 2, 4, 8)]
    yield Text(
        words="With two registers Barrett changes the frequency by {:.0f} to {:+.0f} %, is "
        "{:.0f} to {:.0f} % larger, and changes the energy by {:.0f} to {:+.0f} %.",
        values=tuple(
            figure
            for of in (rate, area, energy)
            for figure in span(percent_more(of(a), of(b)) for a, b in pairs)
        ),
    )
    low = block(4, montgomery, 2, 0.8)
    yield Text(
        words="four pipelined butterflies take {:.1f} nJ, at {:,.0f} transforms per second.",
        values=(energy(low) / PJ_PER_NJ, float(low["block_throughput_ops_per_s"])),
    )
