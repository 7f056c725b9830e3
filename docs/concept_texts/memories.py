"""Figures of docs/howto/memories.md: flip-flops or a macro."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from figure_values import area, energy, line, percent_more, span
from figures import Runs
from page_figures import Text


def memories(runs: Runs) -> Iterator[Text]:
    """Flip-flops or a macro."""

    def queue(depth: int, macro_bits: int) -> Any:
        return runs.row("memory_boundary", depth=depth, memory_macro_bits=macro_bits, vdd_v=1.5)

    depths = (17, 33, 65, 129)
    for depth in depths:
        cells, macro = queue(depth, 0), queue(depth, 512)
        yield line(
            f"{depth}",
            ("{:,.0f} µm², {} pJ", area(cells), energy(cells)),
            ("{:,.0f} µm², {} pJ", area(macro), energy(macro)),
        )
    words = boundary(runs)
    yield Text(
        words="equal at about {:.0f} words of 44 bits ({:.1f} kbit)",
        values=(words, words * 44 / 1000),
    )
    yield Text(
        words="The area of the macro is still {:.0f} % larger at 129 words.",
        values=(percent_more(area(queue(129, 512)), area(queue(129, 0))),),
    )
    bare = [
        energy(
            runs.point(
                "memory_boundary",
                synthesis={"clock_gating": 0},
                **{"depth": depth, "memory_macro_bits": 0, "vdd_v": 1.5},
            )
        )
        for depth in (17, 129)
    ]
    yield Text(
        words="flip-flops take {:.1f} to {:.1f} times the energy ({} pJ at 17 words, {} pJ at 129)",
        values=(
            *span(e / energy(queue(n, 0)) for e, n in zip(bare, (17, 129), strict=True)),
            *bare,
        ),
    )


def boundary(runs: Runs) -> float:
    """Number of words from which on a macro takes less energy than flip-flops, interpolated."""
    table = runs.table("memory_boundary").query("vdd_v == 1.5").set_index("depth").sort_index()
    saved = (
        table.query("memory_macro_bits == 0")["block_energy_per_op_j"]
        - table.query("memory_macro_bits == 512")["block_energy_per_op_j"]
    )
    return float(np.interp(0.0, saved.to_numpy(), saved.index.to_numpy()))
