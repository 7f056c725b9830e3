"""Which sentences and tables of the documentation hold which figures of the stored runs.

See `docs/figures.py`. Each function gives the texts of one page, as its page words them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import block_texts
import chip_texts
import concept_texts
import mac_array_texts
from figure_values import MHZ, UM2, energy, percent_more, rate
from figures import Runs
from page_figures import Text


def tutorial(runs: Runs) -> Iterator[Text]:
    """The adders' answer; the listings are compared with what the commands print."""

    def adder(structure: str, vdd_v: float) -> Any:
        return runs.row("which_adder", structure=structure, vdd_v=vdd_v)

    yield from _one_adder(runs.point("which_adder", structure="brent_kung", vdd_v=1.4))
    table = runs.table("which_adder")
    front = table[table["on_front"]]
    yield Text(words="Pareto front: {:d} of 18 points", values=(len(front),))
    for _, point in front.iterrows():
        yield Text(
            words=f"{{:d}} {{:.4g}} {{:.4g}} {point['structure']} {point['vdd_v']:g}\n",
            values=(int(point["trial"]), energy(point), rate(point)),
        )
    kogge, brent = adder("kogge_stone", 1.4), adder("brent_kung", 1.6)
    yield Text(
        words="- **{:.0f} million additions per second.** Kogge-Stone reaches this rate at 1.4 V "
        "with {:.1f} pJ per addition. Brent-Kung needs 1.6 V and {:.1f} pJ.",
        values=(rate(kogge), energy(kogge), energy(brent)),
    )
    kogge, brent, ripple = (
        adder(*each) for each in (("kogge_stone", 1.2), ("brent_kung", 1.4), ("ripple", 1.8))
    )
    yield Text(
        words="Kogge-Stone at 1.2 V takes {:.1f} pJ. Brent-Kung at 1.4 V takes {:.1f} pJ and is "
        "faster than required. Ripple at 1.8 V takes {:.1f} pJ",
        values=(energy(kogge), energy(brent), energy(ripple)),
    )
    ripple, brent = adder("ripple", 1.0), adder("brent_kung", 1.0)
    yield Text(
        words="Ripple at 1.0 V takes {:.1f} pJ; Brent-Kung at the same supply takes {:.0f} % more.",
        values=(energy(ripple), percent_more(energy(brent), energy(ripple))),
    )
    kogge, brent = adder("kogge_stone", 1.4), adder("brent_kung", 1.4)
    yield Text(
        words="At the same supply it takes {:.0f} % more energy than Brent-Kung",
        values=(percent_more(energy(kogge), energy(brent)),),
    )


def _one_adder(point: Any) -> Iterator[Text]:
    for words, value in (
        ("block_area_m2 {:.4g} µm² measured", point["block_area_m2"] * UM2),
        ("block_cell_count {:d} measured", int(point["block_cell_count"])),
        ("critical_path_s {:.4g} ns modelled", point["critical_path_s"] * 1e9),
        ("f_max_hz {:.4g} MHz modelled", point["f_max_hz"] * MHZ),
        ("block_power_w {:.4g} µW modelled", point["block_power_w"] * 1e6),
        ("block_energy_per_op_j {:.4g} pJ/addition modelled", energy(point)),
        ("block_clock_tree_power_w {:.4g} µW modelled", point["block_clock_tree_power_w"] * 1e6),
    ):
        yield Text(words=words, values=(value,))


PAGES: dict[str, Callable[[Runs], Iterator[Text]]] = {
    "docs/tutorial/tutorial.md": tutorial,
    "docs/tutorial/mac_array.md": mac_array_texts.mac_array,
    **chip_texts.PAGES,
    **block_texts.PAGES,
    **concept_texts.PAGES,
}

SWEEPS = {
    "docs/tutorial/tutorial.md": ("which_adder",),
    "docs/tutorial/mac_array.md": ("fir", "mac_precision", "mac_array"),
    **chip_texts.SWEEPS,
    **block_texts.SWEEPS,
    **concept_texts.SWEEPS,
}
"""The sweeps that a page's figures are of."""

BENCHMARKS = {**block_texts.BENCHMARKS, **concept_texts.BENCHMARKS}
"""The benchmarks that a page's figures are of."""
