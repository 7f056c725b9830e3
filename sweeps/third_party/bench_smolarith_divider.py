"""cocotb bench of smolarith's dividers: every quotient and remainder of the workload."""

from __future__ import annotations

from typing import Any

import cocotb
from chipdse_hdl.bench.testbench import records
from smolarith_blocks import SIGNED, UNSIGNED, DividerParameters, Workload, operands, quotient
from smolarith_streams import packed, run_stream


@cocotb.test()
async def quotients_match(dut: Any) -> None:
    p, workload = records(DividerParameters, Workload)
    sign, pairs = SIGNED if workload.signed else UNSIGNED, operands(p.width, workload)
    outputs = await run_stream(
        dut, [packed([(sign, 2), (n, p.width), (d, p.width)]) for n, d in pairs]
    )
    for (n, d), word in zip(pairs, outputs, strict=True):
        q, r = quotient(p.width, workload.signed, n, d)
        expected = packed([(sign, 2), (q, p.width), (r, p.width)])
        assert word == expected, f"{n} / {d} gave {word:#x}, not {expected:#x}"
