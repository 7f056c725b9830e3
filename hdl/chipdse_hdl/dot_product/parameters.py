"""Parameters and workload of `dot_product`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, index_bits, parameter, seed_parameter
from chipdse_hdl.dot_product.formats import FORMATS, FloatFormat
from chipdse_hdl.workloads.operands import duty_parameter, sparsity_parameter

INTEGERS = {"int4": 4, "int8": 8}


@dataclass(frozen=True, kw_only=True)
class DotProductParameters:
    """The parameters of the hardware."""

    lanes: int = parameter(4, "elements of a vector", minimum=1, maximum=32)
    number_format: str = parameter(
        "int8",
        "of the operands; fp8 as OCP defines it; results are exact integers, or binary32",
        choices=(*INTEGERS, *FORMATS),
    )
    guard_bits: int = parameter(
        8,
        "floating point: places below the largest product's that terms keep",
        minimum=0,
        maximum=28,
    )
    pipeline_stages: int = parameter(
        0,
        "registers: 1 behind the products, 2 (floating point) also behind the sum",
        minimum=0,
        maximum=2,
    )
    gating: str = parameter(
        "none",
        "none: registers load in every cycle; idle: only with vectors; zero: in each lane, nor for "
        "a product with 0",
        choices=("none", "idle", "zero"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.form is None and self.pipeline_stages > 1:
            raise ValueError(
                f"pipeline_stages={self.pipeline_stages} has no place for a second register with "
                f"number_format={self.number_format!r}; use pipeline_stages <= 1"
            )

    @property
    def form(self) -> FloatFormat | None:
        """The floating-point format; None: integers."""
        return FORMATS.get(self.number_format)

    @property
    def operand_bits(self) -> int:
        """The width of an operand."""
        return INTEGERS[self.number_format] if self.form is None else self.form.bits

    @property
    def result_bits(self) -> int:
        """The width of a result."""
        return 2 * self.operand_bits + index_bits(self.lanes) if self.form is None else 32

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts vectors to the edge at which their product can be read."""
        return 2 + self.pipeline_stages

    @property
    def exact(self) -> bool:
        """Whether nothing can be cut off before rounding."""
        return self.form is None or self.guard_bits >= 2 * (2**self.form.exponent_bits - 2)


@dataclass(frozen=True, kw_only=True)
class DotProductWorkload:
    """Products of vectors one after another: weights times activations."""

    length: int = parameter(512, "dot products", minimum=1, maximum=10**7)
    values: str = parameter(
        "gaussian",
        "gaussian: like trained weights and activations (integers: standard deviation an eighth of "
        "the range; floating point: 1); uniform: all words alike, but infinities and NaN",
        choices=("gaussian", "uniform"),
    )
    sparsity: float = sparsity_parameter()
    duty: float = duty_parameter()
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)
