"""cocotb bench of a block that has none: random words at every input; nothing is compared.

The activity it makes stands for no workload: results that rest on it are estimates.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer

RESET_CYCLES = 4


def random_words(random: np.random.Generator, bits: int, count: int) -> list[int]:
    """Uniform numbers of any width."""
    size = -(-bits // 8)
    data = random.bytes(size * count)
    mask = (1 << bits) - 1
    words = [data[size * n : size * (n + 1)] for n in range(count)]
    return [int.from_bytes(word, "little") & mask for word in words]


@cocotb.test()  # type: ignore[untyped-decorator]
async def random_inputs(dut: Any) -> None:
    ports = json.loads(os.environ["HDL_PORTS"])
    workload = json.loads(os.environ["HDL_WORKLOAD"])
    random = np.random.default_rng(workload["seed"])
    length = workload["length"]
    words = {
        name: iter(random_words(random, bits, RESET_CYCLES + length))
        for name, bits in sorted(ports["inputs"].items())
    }
    # By index: an attribute of a handle may have a port's name, and `_a` is none.
    clock = dut[ports["clock"]]
    clock.value = 0
    # Inputs change halfway between a falling and a rising edge: registers may be clocked by either.
    cocotb.start_soon(Clock(clock, 4, unit="ns").start(start_high=False))
    reset = None if ports["reset"] is None else dut[ports["reset"]]
    if reset is not None:
        reset.value = ports["reset_level"]
    await Timer(1, unit="ns")
    inputs = [(dut[name], values) for name, values in words.items()]
    for cycle in range(RESET_CYCLES + length):
        if cycle == RESET_CYCLES and reset is not None:
            reset.value = 1 - ports["reset_level"]
        for port, values in inputs:
            port.value = next(values)
        await Timer(4, unit="ns")
    await RisingEdge(clock)
    result = {"first_cycle": RESET_CYCLES, "cycles": length}
    Path(os.environ["HDL_RESULT"]).write_text(json.dumps(result))
