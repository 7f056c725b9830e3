"""Parameters and workload of `multiplier`, and the error of truncated products."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.adder.parameters import STRUCTURE_DOC
from chipdse_hdl.adder.parameters import STRUCTURES as ADDERS
from chipdse_hdl.block import check_parameters, parameter, seed_parameter
from chipdse_hdl.gates.choices import COMPRESSIONS, GATING_DOC, PIPELINE_CUTS_DOC
from chipdse_hdl.workloads.operands import SPREAD_DOC, duty_parameter, sparsity_parameter


@dataclass(frozen=True, kw_only=True)
class MultiplierParameters:
    """The parameters of the hardware."""

    bits: int = parameter(8, "width of an operand", minimum=2, maximum=32)
    signed: bool = parameter(True, "two's complement operands and products")
    recoding: str = parameter(
        "none",
        "none: a partial product for each bit of b; booth: one for every two, -2 to 2 times a",
        choices=("none", "booth"),
    )
    structure: str = parameter(
        "dadda",
        "array: partial products added one after another; wallace, dadda: in a tree, as early or "
        "with as few adders as possible; operator: `*`, left to synthesis",
        choices=(*COMPRESSIONS, "operator"),
    )
    adder: str = parameter("sklansky", f"at the end: {STRUCTURE_DOC}", choices=ADDERS)
    pipeline_stages: int = parameter(0, PIPELINE_CUTS_DOC, minimum=0, maximum=8)
    truncated_bits: int = parameter(
        0, "lowest places of the product that are not built", minimum=0, maximum=31
    )
    gating: str = parameter(
        "none",
        f"{GATING_DOC}; zero: nor for a product with 0, which is 0 without multiplying",
        choices=("none", "idle", "zero"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.truncated_bits >= self.bits:
            raise ValueError(
                f"truncated_bits={self.truncated_bits} leaves too little of the product of "
                f"{self.bits}-bit operands; use truncated_bits <= {self.bits - 1}"
            )
        if self.truncated_bits and self.recoding == "booth" and not self.signed:
            raise ValueError(
                f"truncated_bits={self.truncated_bits} with recoding='booth' makes small products "
                "negative, and signed=False cannot show it; use signed=True or recoding='none'"
            )
        for name, plain in (("recoding", "none"), ("pipeline_stages", 0), ("truncated_bits", 0)):
            if self.structure == "operator" and getattr(self, name) != plain:
                raise ValueError(
                    f"{name}={getattr(self, name)!r} needs gates, and structure='operator' has "
                    f"none before synthesis; use {name}={plain!r} or another structure"
                )

    @property
    def product_bits(self) -> int:
        """The width of `product`."""
        return 2 * self.bits - self.truncated_bits

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts operands to the edge at which their product can be read."""
        return 2 + self.pipeline_stages

    @property
    def _dropped_bits(self) -> list[int]:
        """How many bits of partial products are left out in each place."""
        if self.recoding == "booth":  # a row every two places, and a one where it is negative
            return [c // 2 + 1 + (c % 2 == 0) for c in range(self.truncated_bits)]
        return [c + 1 for c in range(self.truncated_bits)]

    @property
    def correction(self) -> int:
        """What is added instead, in units of the lowest place left: their mean, rounded.

        Of uniform operands, an AND of two bits is 1 in a quarter of the cases, a bit of a Booth
        multiple, sign included, in half.
        """
        share = 2 if self.recoding == "booth" else 4
        dropped = sum(count << place for place, count in enumerate(self._dropped_bits))
        unit = share << self.truncated_bits
        return (2 * dropped + unit) // (2 * unit)

    @property
    def error_bound(self) -> int:
        """No product, times 2**truncated_bits, is further from the exact one; 0 if none is cut."""
        added = self.correction << self.truncated_bits
        dropped = sum(count << place for place, count in enumerate(self._dropped_bits))
        return max(added, dropped - added)


@dataclass(frozen=True, kw_only=True)
class MultiplierWorkload:
    """Products one after another."""

    length: int = parameter(1024, "multiplications", minimum=1, maximum=10**7)
    values: str = parameter("gaussian", SPREAD_DOC, choices=("uniform", "gaussian"))
    sparsity: float = sparsity_parameter()
    duty: float = duty_parameter()
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)
