"""Parameters and workload of `adder`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, parameter, seed_parameter
from chipdse_hdl.gates.choices import GATING_DOC, PIPELINE_CUTS_DOC
from chipdse_hdl.workloads.operands import duty_parameter

PREFIX = ("brent_kung", "kogge_stone", "sklansky")
STRUCTURES = ("ripple", "carry_select", *PREFIX)
STRUCTURE_DOC = (
    "ripple: each carry from the one below; carry_select: groups that add for both carries; "
    "brent_kung, kogge_stone, sklansky: parallel prefix with few gates, with little fan-out, "
    "with few levels"
)


@dataclass(frozen=True, kw_only=True)
class AdderParameters:
    """The parameters of the hardware."""

    bits: int = parameter(16, "width of an operand", minimum=2, maximum=62)
    structure: str = parameter(
        "sklansky",
        f"{STRUCTURE_DOC}; operator: `+`, left to synthesis",
        choices=(*STRUCTURES, "operator"),
    )
    group_bits: int = parameter(4, "carry_select: bits of a group", minimum=1, maximum=62)
    pipeline_stages: int = parameter(0, PIPELINE_CUTS_DOC, minimum=0, maximum=8)
    gating: str = parameter("none", GATING_DOC, choices=("none", "idle"))

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.structure == "operator" and self.pipeline_stages:
            raise ValueError(
                f"pipeline_stages={self.pipeline_stages} cannot cut structure='operator', which "
                "has no gates before synthesis; use pipeline_stages=0 or another structure"
            )

    @property
    def sum_bits(self) -> int:
        """The sum's width, with the carry out."""
        return self.bits + 1

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts operands to the edge at which their sum can be read."""
        return 2 + self.pipeline_stages


@dataclass(frozen=True, kw_only=True)
class AdderWorkload:
    """Sums one after another."""

    length: int = parameter(1024, "additions", minimum=1, maximum=10**7)
    values: str = parameter(
        "uniform",
        "uniform: over the whole range; narrow: two's complement, gaussian with the square root "
        "of the range as standard deviation, so that signs fill the upper half; addresses: a "
        "running address and strides of 1 to 64",
        choices=("uniform", "narrow", "addresses"),
    )
    duty: float = duty_parameter()
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)
