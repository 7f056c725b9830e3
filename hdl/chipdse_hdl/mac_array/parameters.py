"""Parameters and workload of `mac_array`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chipdse_hdl.block import (
    check_parameters,
    file_parameter,
    named_file,
    parameter,
    seed_parameter,
)
from chipdse_hdl.gates.choices import PIPELINE_DOC
from chipdse_hdl.workloads.operands import SPREAD_DOC, sparsity_parameter


@dataclass(frozen=True, kw_only=True)
class MacArrayParameters:
    """The parameters of the hardware."""

    rows: int = parameter(4, "rows of elements, and of A and C", minimum=1, maximum=64)
    columns: int = parameter(4, "columns of elements, and of B and C", minimum=1, maximum=64)
    operand_bits: int = parameter(8, "width of an element of A and B", minimum=2, maximum=16)
    accumulator_bits: int = parameter(24, "width of a sum, which wraps", minimum=4, maximum=48)
    pipeline_stages: int = parameter(0, PIPELINE_DOC, minimum=0, maximum=2)
    signed: bool = parameter(True, "two's complement operands and sums")
    overlapped_drain: bool = parameter(
        False, "a result register in each element: the next product starts while this one leaves"
    )
    accumulation: str = parameter(
        "carry_propagate",
        "carry_propagate: an adder in each element; carry_save: each sum is kept as two words, "
        "which one adder per row adds when a result leaves",
        choices=("carry_propagate", "carry_save"),
    )
    gating: str = parameter(
        "none",
        "none: operands move in every cycle; zero: zeros and idle cycles move as one bit, operands "
        "and sums hold; isolate: the multipliers' inputs hold too, in registers of their own",
        choices=("none", "zero", "isolate"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.accumulator_bits < 2 * self.operand_bits:
            raise ValueError(
                f"accumulator_bits={self.accumulator_bits} cannot hold a product of two "
                f"{self.operand_bits}-bit operands; use accumulator_bits >= {2 * self.operand_bits}"
            )

    @property
    def exact_depth(self) -> int:
        """The largest inner dimension at which no sum can wrap, whatever the operands."""
        largest_product = 2 ** (2 * self.operand_bits - 2)
        largest_sum = 2 ** (self.accumulator_bits - 1) - 1
        if not self.signed:
            largest_product = (2**self.operand_bits - 1) ** 2
            largest_sum = 2**self.accumulator_bits - 1
        return largest_sum // largest_product

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts `last` to the edge at which row 0, column 0 can be read."""
        return 2 + self.product_latency_cycles + self.carry_save

    @property
    def product_latency_cycles(self) -> int:
        """From operands at an element to their product in front of its sum."""
        return self.pipeline_stages + (self.gating == "isolate")

    @property
    def carry_save(self) -> bool:
        """Whether sums are two words until they leave."""
        return self.accumulation == "carry_save"

    @property
    def gated(self) -> bool:
        """Whether a bit beside each operand says that it counts."""
        return self.gating != "none"

    @property
    def last_latency_cycles(self) -> int:
        """The same for the last row and column: one cycle more per row, two per column."""
        return self.latency_cycles + (self.rows - 1) + 2 * (self.columns - 1)

    def interval_cycles(self, depth: int) -> int:
        """Cycles from the start of one product to the earliest start of the next."""
        drain = 2 * self.columns - 1
        return max(depth, drain) if self.overlapped_drain else depth - 1 + drain


@dataclass(frozen=True, kw_only=True)
class MacArrayWorkload:
    """Matrix products one after another, on random operands or on those of a file."""

    length: int = parameter(512, "steps of the inner dimension in all", minimum=1, maximum=10**7)
    depth: int = parameter(32, "inner dimension of one product", minimum=1, maximum=10**6)
    sparsity: float = sparsity_parameter("A")
    values: str = file_parameter(
        "uniform",
        f"{SPREAD_DOC}; or a NumPy file with the integers a[product, row, step] and "
        "b[product, step, column], to which sparsity and seed do not apply",
        suffix=".npz",
        choices=("uniform", "gaussian"),
    )
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.length % self.depth:
            below = self.length - self.length % self.depth
            raise ValueError(
                f"length={self.length} is not a whole number of products of depth={self.depth}; "
                f"use length={below or self.depth} or another multiple of {self.depth}"
            )

    @property
    def products(self) -> int:
        """How many matrix products are formed."""
        return self.length // self.depth

    @property
    def file(self) -> Path | None:
        """The file with the operands; None if they are random."""
        return named_file(self, "values")
