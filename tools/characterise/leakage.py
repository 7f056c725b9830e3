"""Leakage of every state: an operating point, gmin out of the way."""

from __future__ import annotations

import itertools
from typing import Any

from .bench import Bench
from .sequential import Store, next_bit, output_level

LEAKAGE_GMIN = 1e-18


def combinational(bench: Bench) -> list[dict[str, Any]]:
    """Power of every input state; the outputs are checked against the function."""
    cell, found = bench.cell, []
    for levels in cell.states():
        current_a, outputs = bench.static_a(levels)
        expected = {out: cell.value(out, levels) for out in cell.outputs}
        if outputs != expected:
            raise ValueError(f"{cell.name} at {levels} gives {outputs}, not {expected}")
        found.append({"levels": levels, "power_w": current_a * bench.corner.supply_v})
    return found


def sequential(bench: Bench) -> list[dict[str, Any]]:
    """Power of every reachable (inputs, stored bit)."""
    store = Store(bench, 1e-13, 1.5e-9)
    cell, found = bench.cell, []
    for values in itertools.product((0, 1), repeat=len(cell.inputs)):
        levels = dict(zip(cell.inputs, values, strict=True))
        for stored in (0, 1):
            if next_bit(store, levels, levels, stored) != stored:
                continue  # set, reset or an open latch forbid it
            bench.use_gmin(1e-15)
            store.forget()
            store.enter(levels, stored)
            bench.use_gmin(LEAKAGE_GMIN)
            current_a, outputs = bench.static_a(levels)
            expected = output_level(store, levels, stored)
            if outputs[store.output] != expected:
                raise ValueError(f"{cell.name} at {levels}, {stored} gives {outputs}")
            found.append(
                {
                    "levels": levels,
                    "stored": stored,
                    "power_w": current_a * bench.corner.supply_v,
                }
            )
    return found
