"""Parameters and workload of `ascon`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.ascon.permutation import LONG, SHORT, WORD
from chipdse_hdl.block import check_parameters, parameter, seed_parameter


@dataclass(frozen=True, kw_only=True)
class AsconParameters:
    """The parameters of the hardware."""

    function: str = parameter(
        "encrypt",
        "encrypt, decrypt: Ascon-AEAD128 in one direction; both: in either, message by message; "
        "hash: Ascon-Hash256",
        choices=("encrypt", "decrypt", "both", "hash"),
    )
    rounds_per_cycle: int = parameter(
        1, "rounds of the permutation in one cycle", choices=(1, 2, 3, 4, 6, 12)
    )
    shares: int = parameter(
        1,
        "2: all words and the state in two shares (domain-oriented masking, first order)",
        choices=(1, 2),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.shares > 1 and self.rounds_per_cycle > 1:
            raise ValueError(
                f"rounds_per_cycle={self.rounds_per_cycle} with shares=2: a masked round has a "
                "register in its middle and takes two cycles; use rounds_per_cycle=1"
            )
        if not self.hashes and SHORT % self.rounds_per_cycle:
            raise ValueError(
                f"rounds_per_cycle={self.rounds_per_cycle} does not divide the 8 rounds between "
                "blocks of AEAD; use 1, 2 or 4"
            )

    @property
    def hashes(self) -> bool:
        """It is a hash function."""
        return self.function == "hash"

    @property
    def block_bytes(self) -> int:
        """Bytes of a message word."""
        return 8 if self.hashes else 16

    @property
    def long_cycles(self) -> int:
        """Cycles of the permutation of 12 rounds."""
        return self._cycles(LONG)

    @property
    def short_cycles(self) -> int:
        """Cycles of the permutation of 8 rounds."""
        return self._cycles(SHORT)

    @property
    def skipped_cycles(self) -> int:
        """Cycles of the long permutation that the short one leaves out, at the start."""
        return self.long_cycles - self.short_cycles

    @property
    def random_bits(self) -> int:
        """Fresh random bits of each masked round, one for each bit of the state."""
        return 5 * WORD if self.shares > 1 else 0

    def _cycles(self, rounds: int) -> int:
        """A round in shares takes two cycles, and the first one is prepared for one."""
        return rounds // self.rounds_per_cycle if self.shares == 1 else 1 + 2 * rounds


@dataclass(frozen=True, kw_only=True)
class AsconWorkload:
    """Messages one after another, each with a nonce of its own and some associated data."""

    length: int = parameter(2048, "bytes of text of all messages", minimum=1, maximum=10**7)
    message_bytes: int = parameter(
        64, "bytes of text per message; the last one is shorter", minimum=1, maximum=10**7
    )
    associated_bytes: int = parameter(
        12, "bytes of associated data per message (a header), for AEAD", minimum=0, maximum=10**6
    )
    seed: int = seed_parameter("messages")

    def __post_init__(self) -> None:
        check_parameters(self)
