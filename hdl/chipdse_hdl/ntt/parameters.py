"""Parameters and workload of `ntt`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, index_bits, parameter, seed_parameter
from chipdse_hdl.ntt.schemes import SCHEMES, N, Scheme


@dataclass(frozen=True, kw_only=True)
class NttParameters:
    """The parameters of the hardware."""

    scheme: str = parameter("ml_kem", "modulus and transform", choices=tuple(SCHEMES))
    butterflies: int = parameter(1, "in parallel", choices=(1, 2, 4, 8))
    reduction: str = parameter(
        "montgomery",
        "of a product modulo q; montgomery: digit by digit, easy for q of this form; barrett: "
        "with an estimate of the quotient, two multiplications by constants",
        choices=("montgomery", "barrett"),
    )
    inverse: bool = parameter(False, "it can also do the inverse transform")
    pipeline_stages: int = parameter(
        0, "registers: 1 after the multiplier, 2 also after the reduction", minimum=0, maximum=2
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def ring(self) -> Scheme:
        """Modulus and transform of the scheme."""
        return SCHEMES[self.scheme]

    @property
    def lane_bits(self) -> int:
        """log2 of the coefficients read and written in a cycle."""
        return index_bits(2 * self.butterflies)

    @property
    def groups(self) -> int:
        """Cycles in which every coefficient is read once."""
        return N // (2 * self.butterflies)

    @property
    def flight_cycles(self) -> int:
        """From the cycle that reads a pair to the one that writes it."""
        return 1 + self.pipeline_stages

    @property
    def layer_cycles(self) -> int:
        """Cycles of a layer: what it reads must have been written."""
        return self.groups + self.flight_cycles

    @property
    def transform_cycles(self) -> int:
        """From the first word of one polynomial to the first of the next."""
        return 2 * self.groups + self.ring.layers * self.layer_cycles


@dataclass(frozen=True, kw_only=True)
class NttWorkload:
    """Polynomials to transform, one after another."""

    length: int = parameter(1024, "coefficients, in polynomials of 256", minimum=1, maximum=10**7)
    values: str = parameter(
        "uniform",
        "uniform: over all residues, like public matrices; noise: small, centred binomial of "
        "width 2, like secrets and errors",
        choices=("uniform", "noise"),
    )
    seed: int = seed_parameter("coefficients")

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def polynomials(self) -> int:
        """How many are transformed."""
        return -(-self.length // N)
