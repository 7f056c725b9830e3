"""Parameters and workload of `fir`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, index_bits, parameter, seed_parameter
from chipdse_hdl.gates.choices import GATING_DOC, PIPELINE_DOC


@dataclass(frozen=True, kw_only=True)
class FirParameters:
    """The parameters of the hardware."""

    taps: int = parameter(16, "number of coefficients", minimum=1, maximum=256)
    data_bits: int = parameter(12, "width of a sample, signed", minimum=2, maximum=24)
    coefficient_bits: int = parameter(12, "width of a coefficient, signed", minimum=2, maximum=24)
    form: str = parameter(
        "direct",
        "direct: delayed samples, an adder tree; transposed: delayed partial sums",
        choices=("direct", "transposed"),
    )
    samples_per_cycle: int = parameter(
        1, "samples in and out per clock cycle", minimum=1, maximum=8
    )
    pipeline_stages: int = parameter(0, PIPELINE_DOC, minimum=0, maximum=2)
    coefficients: str = parameter(
        "loadable",
        "loadable: shifted in at run time, real multipliers; fixed: `low_pass` built in, so that "
        "multipliers shrink to the additions its bits need",
        choices=("loadable", "fixed"),
    )
    folding: int = parameter(
        1, "taps that share a multiplier, one cycle each; direct form only", minimum=1, maximum=256
    )
    gating: str = parameter("none", GATING_DOC, choices=("none", "idle"))

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.folding > self.taps:
            raise ValueError(
                f"folding={self.folding} is more than there are taps; use folding <= {self.taps}"
            )
        if self.folding > 1 and (self.form != "direct" or self.samples_per_cycle > 1):
            raise ValueError(
                f"folding={self.folding} needs form='direct' and samples_per_cycle=1: a sample "
                "already takes several cycles; use them, or folding=1"
            )
        if self.output_bits > 62:
            raise ValueError(
                f"data_bits={self.data_bits} and coefficient_bits={self.coefficient_bits} make "
                f"sums of {self.output_bits} bits; use widths that add up to <= "
                f"{62 - index_bits(self.taps)}"
            )

    @property
    def output_bits(self) -> int:
        """Enough for any samples and coefficients: nothing wraps or is rounded."""
        return self.data_bits + self.coefficient_bits + index_bits(self.taps)

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts a sample to the edge at which its output can be read."""
        # Folded: one more for each further tap, and the register between products and their sum.
        return 2 + self.pipeline_stages + (self.folding if self.folding > 1 else 0)

    @property
    def multipliers(self) -> int:
        """How many there are."""
        return self.samples_per_cycle * -(-self.taps // self.folding)


@dataclass(frozen=True, kw_only=True)
class FirWorkload:
    """A signal to filter."""

    length: int = parameter(2048, "samples", minimum=1, maximum=10**7)
    signal: str = parameter(
        "speech",
        "noise: white and gaussian; tone: a sine; speech: gaussian with the correlation from "
        "sample to sample that speech has",
        choices=("noise", "tone", "speech"),
    )
    level: float = parameter(
        0.125, "root mean square, 1 is full scale; clipped", minimum=0.0, maximum=1.0
    )
    correlation: float = parameter(
        0.9, "speech: of neighbouring samples; 0 is noise", minimum=-0.999, maximum=0.999
    )
    frequency: float = parameter(0.05, "tone: cycles per sample", minimum=0.0, maximum=0.5)
    duty: float = parameter(
        1.0,
        "words per cycle, of as many as the filter takes; 1 is no pause",
        minimum=0.001,
        maximum=1.0,
    )
    seed: int = seed_parameter("samples")

    def __post_init__(self) -> None:
        check_parameters(self)
