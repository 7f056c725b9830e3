"""Figures of docs/howto/chips.md: the chips that classify digits."""

from __future__ import annotations

from collections.abc import Iterator

from figures import Runs
from page_figures import Text

LEVELS = ("tile", "sram", "dram", "leakage")
GATING = ("none", "zero", "isolate")
NANO, PICO = 1e9, 1e12


def chips(runs: Runs) -> Iterator[Text]:
    """Energy per inference, the share of each level, and what a constant would have given."""
    for gating in GATING:
        row = runs.result("digits_chips", gating=gating)
        shares = [100 * row[f"{level}_j"] / row["energy_j"] for level in LEVELS]
        constant_j = row["energy_j"] * (1 + row["constant_energy_error_frac"])
        yield Text(
            words=f"| `{gating}` | {{:.0f}} | {{:.1f}} % | {{:.1f}} % | {{:.1f}} % | {{:.1f}} % | "
            "{:.0f} | {:+.1f} % |",
            values=(
                row["energy_j"] * NANO,
                *shares,
                constant_j * NANO,
                100 * row["constant_energy_error_frac"],
            ),
        )
    for layer in ("conv1", "conv2", "dense"):
        values: list[float] = []
        for gating in GATING:
            row = runs.result("digits_chips", "layers", gating=gating, name=layer)
            values += [row["mac_energy_j"] * PICO, 100 * row["constant_tile_error_frac"]]
        cells = " | ".join(["{:.1f} | {:+.0f} %"] * len(GATING))
        yield Text(words=f"| `{layer}` | {cells} |", values=tuple(values))
    constants = [
        row["constant_tile_j"] / row["macs"] * PICO
        for gating in GATING
        for row in [runs.result("digits_chips", "layers", gating=gating, name="conv1")]
    ]
    yield Text(
        words="the constants are {:.1f}, {:.1f} and {:.1f} pJ per MAC", values=tuple(constants)
    )
    dense = runs.result("digits_chips", "layers", gating="none", name="dense")
    yield Text(
        words="`dense` uses {:.0f} % of the multipliers", values=(100 * dense["utilisation"],)
    )
    yield Text(
        words="recognises {:.1f} % of 360 images",
        values=(100 * runs.benchmark("digits_chips")["test_accuracy"],),
    )
