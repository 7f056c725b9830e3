"""Runs of a netlist side by side: cell-cycles per second and core, and the parts of a cycle.

Prints one JSON line: for a block at its defaults, cells, and for the compiled engine and some bits
of the weights the cell-cycles per second of processor time on one core (with every net's changes
weighted and summed per cycle and run), without weights, and with the changes of every net counted
in two classes; and the same sums with NumPy.

    python benchmarks/runs.py --block ascon
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
from chipdse_hdl import BLOCKS

from chipdse.design import Design, LibraryChoice
from chipdse.netlist.activity.recording import read_register_map
from chipdse.netlist.activity.replay.lanes import WORDS
from chipdse.netlist.activity.replay.replay import Engine
from chipdse.netlist.activity.runs.plan import RunPlan, plan_runs
from chipdse.netlist.activity.runs.runs import start_runs
from chipdse.netlist.activity.runs.steps import Wanted
from chipdse.netlist.activity.runs.weights import Weights, weigh
from chipdse.netlist.library.catalogue import DEFAULT
from chipdse.stages.build import build_hardware
from chipdse.stages.load import load
from chipdse.store.store import Store, default_store

BITS = (8, 16, 28)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--block", default="ascon", choices=sorted(BLOCKS))
    arguments.add_argument("--steps", type=int, default=100)
    arguments.add_argument("--repeat", type=int, default=3, help="the best of so many counts")
    given = arguments.parse_args()
    block = BLOCKS[given.block]
    design = Design(
        block=block,
        parameters=block.parameters(),
        workload=block.workload(),
        library=LibraryChoice(name=DEFAULT),
    )
    _, hardware = build_hardware(design, Store(root=default_store()))
    loaded = load(design.library, hardware)
    registers = read_register_map(hardware.mapped.register_map)
    plan = plan_runs(loaded.netlist, loaded.recording.clock, registers)
    cells = loaded.netlist.cell_count
    slots = np.arange(plan.plan.base, plan.plan.slots, dtype=np.int32)
    value = np.random.default_rng(0).lognormal(0, 0.5, len(slots))
    group = np.zeros(len(slots), dtype=np.int32)

    def rate(weights: Weights, wanted: Wanted | None = None, engine: Engine = "compiled") -> float:
        steps = given.steps if engine == "compiled" else 4
        return cells * max(
            _lane_steps_per_s(plan, weights, wanted, engine, steps) for _ in range(given.repeat)
        )

    nothing = weigh(["none"], group[:0], slots[:0], value[:0])
    weighted = {bits: weigh(["all"], group, slots, value, bits=bits) for bits in BITS}
    probes = Wanted(probes=slots, mask=np.full(WORDS, 0x5555_5555_5555_5555, dtype=np.uint64))
    result: dict[str, Any] = {
        "block": given.block,
        "cells": cells,
        "unit": "cell-cycles/s of processor time, one core",
        "weighted": {bits: rate(weights) for bits, weights in weighted.items()},
        "without weights": rate(nothing),
        "16 bits, nets counted": rate(weighted[16], probes),
        "numpy, 16 bits": rate(weighted[16], engine="numpy"),
    }
    print(json.dumps(result))


def _lane_steps_per_s(
    plan: RunPlan, weights: Weights, wanted: Wanted | None, engine: Engine, steps: int
) -> float:
    """Steps of a run per second of processor time."""
    runs = start_runs(plan, weights, wanted=wanted, engine=engine)
    random = np.random.default_rng(0)
    words = runs.lanes // 64
    sources = random.integers(0, 2**64, (steps, len(plan.inputs), words), dtype=np.uint64)
    state = random.integers(0, 2**64, (len(plan.registers), words), dtype=np.uint64)
    runs.begin(sources[0], state)
    began = time.process_time()
    runs.advance(sources)
    return steps * runs.lanes / (time.process_time() - began)


if __name__ == "__main__":
    main()
