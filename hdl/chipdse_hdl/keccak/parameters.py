"""Parameters and workload of `keccak`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, parameter, seed_parameter
from chipdse_hdl.keccak.permutation import LANE, ROUNDS

# Rate [bytes], digest [bytes] (None: as long as wanted), domain suffix and first bit of padding.
MODES: dict[str, tuple[int, int | None, int]] = {
    "sha3_224": (144, 28, 0x06),
    "sha3_256": (136, 32, 0x06),
    "sha3_384": (104, 48, 0x06),
    "sha3_512": (72, 64, 0x06),
    "shake128": (168, None, 0x1F),
    "shake256": (136, None, 0x1F),
}


@dataclass(frozen=True, kw_only=True)
class KeccakParameters:
    """The parameters of the hardware."""

    mode: str = parameter("sha3_256", "function of FIPS 202", choices=tuple(MODES))
    rounds_per_cycle: int = parameter(
        1, "rounds of the permutation in one cycle", choices=(1, 2, 3, 4, 6, 8, 12, 24)
    )
    bus_bits: int = parameter(64, "width of message and digest words", choices=(16, 32, 64))
    input_buffer: bool = parameter(
        False, "a register for the next block, filled while the permutation runs"
    )
    shares: int = parameter(
        1,
        "2: message, state and digest in two shares (domain-oriented masking, first order)",
        choices=(1, 2),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.shares > 1 and self.rounds_per_cycle > 1:
            raise ValueError(
                f"rounds_per_cycle={self.rounds_per_cycle} with shares=2: a masked round has a "
                "register in its middle and takes two cycles; use rounds_per_cycle=1"
            )

    @property
    def rate_words(self) -> int:
        """Words of a block."""
        return MODES[self.mode][0] * 8 // self.bus_bits

    @property
    def permutation_cycles(self) -> int:
        """Cycles of one permutation; a round in shares takes two."""
        return self.shares * ROUNDS // self.rounds_per_cycle

    @property
    def random_bits(self) -> int:
        """Fresh random bits of each round, one for each bit of the state; none without masks."""
        return 25 * LANE if self.shares > 1 else 0

    @property
    def block_cycles(self) -> int:
        """From the start of one full block to the earliest start of the next."""
        if self.input_buffer:
            return 1 + max(self.rate_words, self.permutation_cycles)
        return self.rate_words + self.permutation_cycles


@dataclass(frozen=True, kw_only=True)
class KeccakWorkload:
    """Messages one after another, each hashed as soon as the hardware takes it."""

    length: int = parameter(4096, "bytes of all messages", minimum=1, maximum=10**7)
    message_bytes: int = parameter(
        512, "bytes per message; the last one is shorter", minimum=1, maximum=10**7
    )
    output_bytes: int = parameter(
        32, "bytes of output per message, for SHAKE only", minimum=1, maximum=10**6
    )
    seed: int = seed_parameter("messages")

    def __post_init__(self) -> None:
        check_parameters(self)
