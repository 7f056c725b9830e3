"""The page of fifo: move the words or the pointers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from figure_values import area, energy, f_max, line, percent_more, span
from figures import Runs
from page_figures import Text


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""

    def queue(organisation: str, depth: int, gates: int, load: float) -> Any:
        return runs.row(
            "fifo",
            **{"organisation": organisation, "depth": depth, "clock_gating": gates},
            **{"load": load, "vdd_v": 1.0},
        )

    kinds = {depth: ("ring", "prefetch", "shift") for depth in (4, 8, 16)}
    kinds = {2: ("ring", "shift")} | kinds
    for depth, organisations in kinds.items():
        for name in organisations:
            gated = queue(name, depth, 4, 0.3)
            yield line(
                f"{depth} | {name}",
                ("{:,.0f}", area(gated)),
                ("{:.0f}", f_max(gated)),
                *(
                    ("{}", energy(queue(name, depth, gates, load)))
                    for gates, load in product((0, 4), (0.3, 0.9))
                ),
            )
    spreads = [
        span(energy(queue(name, depth, 0, load)) for name in organisations)
        for depth, organisations in kinds.items()
        for load in (0.3, 0.9)
    ]
    yield Text(
        words="differ little** (by {:.0f} % at most)",
        values=(max(percent_more(high, low) for low, high in spreads),),
    )
    ring, prefetch, shift = (queue(name, 16, 4, 0.9) for name in kinds[16])
    yield Text(
        words="a shift queue takes {:.1f} times the energy of a ring",
        values=(energy(shift) / energy(ring),),
    )
    yield Text(
        words="(a shift queue takes {:.0f} % more energy at 16 words and a load of 0.3)",
        values=(
            percent_more(energy(queue("shift", 16, 4, 0.3)), energy(queue("ring", 16, 4, 0.3))),
        ),
    )
    yield Text(
        words="it is {:.0f} % faster at 16 words",
        values=(percent_more(f_max(prefetch), f_max(ring)),),
    )
