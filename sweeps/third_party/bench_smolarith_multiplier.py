"""cocotb bench of smolarith's multipliers: every product of the workload."""

from __future__ import annotations

from typing import Any

import cocotb
from chipdse_hdl.bench.testbench import records
from smolarith_blocks import SIGNED, UNSIGNED, MultiplierParameters, Workload, operands, product
from smolarith_streams import packed, run_stream


@cocotb.test()
async def products_match(dut: Any) -> None:
    p, workload = records(MultiplierParameters, Workload)
    sign, pairs = SIGNED if workload.signed else UNSIGNED, operands(p.width, workload)
    outputs = await run_stream(
        dut, [packed([(sign, 2), (a, p.width), (b, p.width)]) for a, b in pairs]
    )
    for (a, b), word in zip(pairs, outputs, strict=True):
        expected = packed([(sign, 2), (product(p.width, a, b), 2 * p.width)])
        assert word == expected, f"{a} * {b} gave {word:#x}, not {expected:#x}"
