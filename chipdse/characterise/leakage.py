"""Leakage of every state: an operating point, gmin out of the way."""

from __future__ import annotations

import itertools
import statistics
from typing import Any

from chipdse.characterise.bench import Bench
from chipdse.characterise.sequential import Store, next_bit, output_level
from chipdse.errors import DesignError

LEAKAGE_GMIN = 1e-18
REST = 1e5  # inverter delays
SUSPICIOUS = 10.0  # times the median of the cell's states


def _after_rest_a(store: Store, expected: int) -> float:
    """Near threshold an operating point may fall into the other stored state although started in
    the right one; then the supply current at the end of a long rest is taken (within 1 %)."""
    bench = store.bench
    stop_s = REST * store.fo4_s
    waves = bench.transient(stop_s, stop_s / 50)
    if int(waves.voltage_v[store.output][-1] > bench.corner.supply_v / 2) != expected:
        raise DesignError(
            f"cell {bench.cell.full_name} does not keep a {expected} that its function stores; "
            "correct its description or its netlist"
        )
    return float(waves.supply_a[-4:].mean())


def combinational(bench: Bench) -> list[dict[str, Any]]:
    """Power of every input state; the outputs are checked against the function."""
    cell, states = bench.cell, []
    for levels in cell.states():
        current_a, outputs = bench.static_a(levels)
        expected = {out: cell.value(out, levels) for out in cell.outputs}
        if outputs != expected:
            wrong = next(out for out in cell.outputs if outputs[out] != expected[out])
            at = " ".join(f"{pin}={level}" for pin, level in levels.items())
            raise DesignError(
                f"cell {cell.full_name}: {wrong} is {outputs[wrong]} at {at} in simulation, "
                f"{expected[wrong]} by its function {cell.functions[wrong]}; correct one of them"
            )
        states.append({"levels": levels, "power_w": current_a * bench.corner.supply_v})
    return states


def sequential(bench: Bench) -> list[dict[str, Any]]:
    """Power of every reachable (inputs, stored bit)."""
    store = Store(bench, 1e-13, 1.5e-9)
    cell, states = bench.cell, []
    for values in itertools.product((0, 1), repeat=len(cell.inputs)):
        levels = dict(zip(cell.inputs, values, strict=True))
        for stored in (0, 1):
            if next_bit(store, levels, levels, stored) != stored:
                continue  # set, reset or an open latch forbid it
            expected = output_level(store, levels, stored)
            current_a, outputs = _static_a(store, levels, stored)
            if outputs[store.output] != expected:
                current_a = _after_rest_a(store, expected)
            states.append(
                {
                    "levels": levels,
                    "stored": stored,
                    "power_w": current_a * bench.corner.supply_v,
                }
            )
    _check_metastable(store, states)
    return states


def _static_a(store: Store, levels: dict[str, int], stored: int) -> tuple[float, dict[str, int]]:
    store.bench.use_gmin(1e-15)
    store.forget()
    store.enter(levels, stored)
    store.bench.use_gmin(LEAKAGE_GMIN)
    return store.bench.static_a(levels)


def _check_metastable(store: Store, states: list[dict[str, Any]]) -> None:
    """The operating point of a loop half-way between its states is a solution too: the output is
    right, but currents flow that no rest would leave. Such states are tried again from
    a held start."""
    usual_w = statistics.median(state["power_w"] for state in states)
    suspicious = [state for state in states if state["power_w"] > SUSPICIOUS * usual_w]
    before, store.bench.held = store.bench.held, True
    for state in suspicious:
        levels, stored = state["levels"], state["stored"]
        expected = output_level(store, levels, stored)
        current_a, outputs = _static_a(store, levels, stored)
        power_w = current_a * store.bench.corner.supply_v
        if outputs[store.output] == expected and 0 < power_w < state["power_w"] / 2:
            state["power_w"] = power_w
    store.bench.held = before
