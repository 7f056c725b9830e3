"""Dot products of short vectors: integers exactly, small floating-point numbers by a contract.

The contract, which `reference` follows step by step:

1. Operands mean what their format says, subnormal numbers included. Products are exact.
2. E is the largest exponent of a product that is not zero, taken as the sum of its operands'
   exponents. Every product is written in units of ``2**-guard_bits`` of the last place that a
   product with exponent E has; what is below is cut off, towards zero.
3. These terms are added exactly.
4. A sum nearer to 0 than 2**-126 becomes 0. Others are rounded once, to binary32, to nearest, ties
   to even; above its largest number is infinity. A sum of 0 is +0.
5. With a NaN, infinity times 0, or infinities of both signs the result is the NaN 0x7fc00000.

So at most `lanes` units are lost before the one rounding: `alignment_error`. With guard bits for
all the exponents there are, nothing is (`exact`): that is 28 for E4M3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipdse_hdl.block import Block, Hardware
from chipdse_hdl.dot_product.model import cycles, work
from chipdse_hdl.dot_product.parameters import DotProductParameters, DotProductWorkload

if TYPE_CHECKING:
    from chipdse_hdl.dot_product.hardware import DotProduct

__all__ = ["BLOCK", "DotProduct", "DotProductParameters", "DotProductWorkload"]

HARDWARE = Hardware(module="chipdse_hdl.dot_product.hardware", name="DotProduct")
__getattr__ = (
    HARDWARE.attribute
)  # `DotProduct` is imported with Amaranth when it is first asked for

BLOCK = Block(
    name="dot_product",
    summary="sums of products in int4, int8, bf16 and fp8 (E4M3, E5M2)",
    parameters=DotProductParameters,
    workload=DotProductWorkload,
    hardware=HARDWARE,
    bench="chipdse_hdl.dot_product.bench",
    work=work,
    cycles=cycles,
)
