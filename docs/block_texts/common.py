"""What the texts of several blocks' pages share."""

from __future__ import annotations

from typing import Any

from figures import Runs

SUPPLIES = (1.8, 1.6, 1.4, 1.2, 1.0, 0.8)


def choice(runs: Runs, block: str, *options: dict[str, Any]) -> dict[str, float]:
    """A result of `benchmarks/block_choices.py`: hardware, workload and synthesis options."""
    hardware, workload, synthesis = (*options, {}, {}, {})[:3]
    return runs.result(
        "block_choices", block=block, hardware=hardware, workload=workload, synthesis=synthesis
    )
