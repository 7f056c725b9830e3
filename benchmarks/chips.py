"""How fast known parts become chips on a network, and a large layer table is mapped.

    python -m benchmarks.chips

100,000 chips (16 arrays, up to 16 copies, six buffers, four DRAMs) on the first 20 layers of
ResNet-18, and 10,000 layers read from a CSV file and mapped onto one array. Prints one JSON line,
processor times of one core.
"""

from __future__ import annotations

import json
import time

import numpy as np
from chipdse_hdl.mac_array import BLOCK, MacArrayParameters

from chipdse.application.chips import run_task
from chipdse.application.layers import LayerColumns
from chipdse.application.memories import dram, sram_buffer
from chipdse.application.parts import Chip, Choices, Part, composed, contract_of
from chipdse.application.rows import mapped_rows
from chipdse.application.tables import read_network, read_table

CHIPS, LAYERS = 100_000, 10_000
SIDES = (4, 8, 16, 32)


def part(rows: int, columns: int) -> Part:
    """An array with round figures: how fast it is evaluated does not depend on them."""
    return Part(
        block="mac_array",
        contract=contract_of(BLOCK, MacArrayParameters(rows=rows, columns=columns)),
        clock_hz=1e8,
        mac_j=1e-11,
        leakage_w=1e-6,
        area_m2=1e-8,
    )


def chips_per_s() -> float:
    parts = [part(rows, columns) for rows in SIDES for columns in SIDES]
    buffers = [sram_buffer(1024 << power, "ihp_1p") for power in range(6, 12)]
    outers = [dram("hbm2e", units=units) for units in (1, 2, 4, 8)]
    random = np.random.default_rng(1)
    choices = Choices(
        part=random.integers(0, len(parts), CHIPS),
        copies=random.integers(1, 17, CHIPS),
        buffer=random.integers(0, len(buffers), CHIPS),
        outer=random.integers(0, len(outers), CHIPS),
    )
    layers = LayerColumns.of(read_network("resnet18").layers[:20])
    began = time.process_time()
    task = run_task(composed(parts, buffers, outers, choices), layers)
    spent_s = time.process_time() - began
    assert np.isfinite(task.energy_j).any()
    return CHIPS / spent_s


def table_s() -> float:
    header = "name,input_height,input_width,channels,filters,kernel_height,kernel_width,padding"
    lines = [f"layer{i},{14 + i % 50},28,{8 + i % 64},{16 + i % 100},3,3,1" for i in range(LAYERS)]
    text = "\n".join([header, *lines])
    began = time.process_time()
    network = read_table(text, "large", "large.csv")
    rows = mapped_rows(network, Chip(part=part(8, 8), buffer=sram_buffer(65536, "ihp_1p")))
    assert len(rows["layers"]) == LAYERS
    return time.process_time() - began


def main() -> None:
    print(json.dumps({"chips_per_s": round(chips_per_s()), "table_of_10000_layers_s": table_s()}))


if __name__ == "__main__":
    main()
