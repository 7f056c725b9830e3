"""Figures of docs/concepts/library.md: threshold flavours."""

from __future__ import annotations

from collections.abc import Iterator

from figure_values import line, percent_more
from figures import Runs
from page_figures import Text

FLAVOURS = {name: f"gt2_6t_w31_{name}_tt_0p7v25c.lib.gz" for name in ("hvt", "svt", "lvt", "ulvt")}
"""Liberty files of the flavours of `docs/concepts/library.md`."""


def library(runs: Runs) -> Iterator[Text]:
    """Threshold flavours."""
    cells, full = (
        {
            name: runs.result("flavours", library=file, level=level)
            for name, file in FLAVOURS.items()
        }
        for level in ("cells alone", "wires and glitches")
    )
    for name, row in cells.items():
        yield line(
            f"gt2n {name}",
            ("{:.0f} ps", row["critical_path_ps"]),
            ("{:.2g} µW", row["leakage_uw"]),
            ("{:.2f} G/s", row["throughput_gops_per_s"]),
            ("{:.0f} fJ", row["energy_fj_per_op"]),
        )
    high, low, last = cells["hvt"], cells["lvt"], cells["ulvt"]
    yield Text(
        words="is {:.1f} times as fast as the highest and leaks {:.0f} times as much.",
        values=(
            last["throughput_gops_per_s"] / high["throughput_gops_per_s"],
            last["leakage_uw"] / high["leakage_uw"],
        ),
    )
    yield Text(
        words="doubles leakage for {:.1f} % more speed.",
        values=(percent_more(last["throughput_gops_per_s"], low["throughput_gops_per_s"]),),
    )
    yield Text(
        words="take {:.0f}, {:.0f}, {:.0f} and {:.0f} fJ at full clock, in the same order",
        values=tuple(row["energy_fj_per_op"] for row in full.values()),
    )
