"""The page of noc_router: how deep buffers should be."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from figure_values import area, energy, f_max, line, percent_less, percent_more, rate, span
from figures import Runs
from page_figures import Text


def _router(
    runs: Runs, flow: str, arbitration: str, flits: int, load: float, gates: int = 4
) -> Any:
    """A point of the sweep."""
    return runs.row(
        "noc_router",
        **{"flow": flow, "arbitration": arbitration, "buffer_flits": flits},
        **{"load": load, "clock_gating": gates},
    )


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
    router = functools.partial(_router, runs)
    yield from _table(router)
    yield from _sentences(router)


def _table(router: Callable[..., Any]) -> Iterator[Text]:
    """The table of the page."""
    kinds = [("ready", "round_robin", flits) for flits in (2, 4, 8)]
    kinds += [("ready", "fixed", flits) for flits in (2, 8)]
    kinds += [("credit", "round_robin", flits) for flits in (2, 4, 8)]
    for flow, arbitration, flits in kinds:
        light, medium, heavy = (router(flow, arbitration, flits, load) for load in (0.1, 0.3, 0.6))
        yield line(
            f"{flow} | {arbitration.replace('_', ' ')} | {flits}",
            ("{:,.0f}", area(light)),
            ("{:.0f}", f_max(light)),
            ("{:.1f}", energy(light)),
            *(("{:.2f}, {:.1f}", p["ops_per_cycle"], energy(p)) for p in (medium, heavy)),
        )


def _sentences(router: Callable[..., Any]) -> Iterator[Text]:
    """The sentences of the page."""
    two, four, eight = (
        {load: router("ready", "round_robin", flits, load) for load in (0.1, 0.3, 0.6)}
        for flits in (2, 4, 8)
    )
    yield Text(
        words="almost the same traffic ({:.0f} % less) as with eight places, for {:.0f} % less "
        "energy and {:.0f} % less area. At a load of 0.6, four places carry {:.0f} % more flits "
        "for {:.0f} % more energy per flit, and eight places another {:.0f} % for {:.0f} %.",
        values=(
            percent_less(two[0.3]["ops_per_cycle"], eight[0.3]["ops_per_cycle"]),
            percent_less(energy(two[0.3]), energy(eight[0.3])),
            percent_less(area(two[0.3]), area(eight[0.3])),
            *(
                percent_more(figure(deep[0.6]), figure(flat[0.6]))
                for deep, flat in ((four, two), (eight, four))
                for figure in (lambda point: point["ops_per_cycle"], energy)
            ),
        ),
    )
    yield Text(
        words="two, four and eight places carry {:.0f}, {:.0f} and {:.0f} million flits per "
        "*second*",
        values=tuple(rate(each[0.6]) for each in (two, four, eight)),
    )
    fixed = router("ready", "fixed", 2, 0.6)
    yield Text(
        words="**Fairness costs little**: {:.0f} % of area and {:.0f} % of frequency.",
        values=(
            percent_more(area(two[0.6]), area(fixed)),
            percent_less(f_max(two[0.6]), f_max(fixed)),
        ),
    )
    deep = router("ready", "fixed", 8, 0.6)
    yield Text(
        words="({:.2f} flits per cycle, against {:.2f})",
        values=(deep["ops_per_cycle"], eight[0.6]["ops_per_cycle"]),
    )
    bare = [energy(router("ready", "round_robin", flits, 0.1, 0)) for flits in (2, 4, 8)]
    middle = [energy(router("ready", "round_robin", flits, 0.3, 0)) for flits in (2, 8)]
    gated = [energy(each[0.1]) for each in (two, four, eight)]
    yield Text(
        words="{:.0f}, {:.0f} and {:.0f} pJ per flit for two, four and eight places at a load of "
        "0.1, and {:.0f} against {:.0f} pJ at 0.3. Gates save a factor of {:.1f} to {:.1f} at the "
        "load of 0.1.",
        values=(*bare, *middle, *span(a / b for a, b in zip(bare, gated, strict=True))),
    )
