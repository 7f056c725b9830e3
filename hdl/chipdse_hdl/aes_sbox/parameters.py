"""Parameters and workload of `aes_sbox`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, parameter, seed_parameter

SBOX_RANDOM_BITS = 18  # 4 + 2 + 4 + 8, for the products of its four stages


@dataclass(frozen=True, kw_only=True)
class AesSboxParameters:
    """The parameters of the hardware."""

    unit: str = parameter(
        "sbox",
        "sbox: SubBytes of one byte; round: SubBytes, ShiftRows and MixColumns of 16 bytes; both "
        "after the addition of the key",
        choices=("sbox", "round"),
    )
    structure: str = parameter(
        "composite",
        "of the S-box; composite: inversion in a tower of fields; table: 256 constants",
        choices=("composite", "table"),
    )
    shares: int = parameter(
        1,
        "2: text, key and result in two shares (domain-oriented masking, first order)",
        choices=(1, 2),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.shares > 1 and self.structure == "table":
            raise ValueError(
                'structure="table" with shares=2: a table of constants cannot be masked; use '
                'structure="composite"'
            )

    @property
    def bytes(self) -> int:
        """Bytes of a word, and S-boxes."""
        return 16 if self.unit == "round" else 1

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts a word to the edge at which its result can be read."""
        return 2 if self.shares == 1 else 10

    @property
    def random_bits(self) -> int:
        """Fresh random bits in every cycle, and for every word."""
        return SBOX_RANDOM_BITS * self.bytes if self.shares > 1 else 0


@dataclass(frozen=True, kw_only=True)
class AesSboxWorkload:
    """Random words one after another, under one key."""

    length: int = parameter(512, "words", minimum=1, maximum=10**7)
    seed: int = seed_parameter("words and key")

    def __post_init__(self) -> None:
        check_parameters(self)
