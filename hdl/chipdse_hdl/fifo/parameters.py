"""Parameters and workload of `fifo`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, parameter, seed_parameter
from chipdse_hdl.workloads.words import VALUES, VALUES_DOC

MOST_FLIP_FLOPS = 1 << 16  # more than anybody would build of them


@dataclass(frozen=True, kw_only=True)
class FifoParameters:
    """The parameters of the hardware."""

    width: int = parameter(32, "bits of a word", minimum=1, maximum=512)
    depth: int = parameter(16, "words it holds", minimum=2, maximum=4096)
    organisation: str = parameter(
        "ring",
        "ring: words stay, pointers move, the oldest word is selected by logic; prefetch: a ring "
        "in a memory with a clocked read port, and an output register; shift: words move up",
        choices=("ring", "prefetch", "shift"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.organisation == "prefetch" and self.depth < 3:
            raise ValueError(
                f"depth={self.depth} with organisation='prefetch' could take a word only every "
                "second cycle; use depth >= 3"
            )
        if self.organisation != "prefetch" and self.width * self.depth > MOST_FLIP_FLOPS:
            raise ValueError(
                f"width={self.width} and depth={self.depth} with "
                f"organisation={self.organisation!r} take {self.width * self.depth} flip-flops; "
                "use organisation='prefetch', whose words may lie in an SRAM macro, or at most "
                f"{MOST_FLIP_FLOPS}"
            )

    @property
    def memory_words(self) -> int:
        """Words in the memory: with prefetch the last one is in the output register."""
        return self.depth - (self.organisation == "prefetch")

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts a word into an empty queue to the edge that can take it."""
        return 2 if self.organisation == "prefetch" else 1


@dataclass(frozen=True, kw_only=True)
class FifoWorkload:
    """Words from a producer that sends in bursts to a consumer that pauses."""

    length: int = parameter(2048, "words", minimum=1, maximum=10**7)
    load: float = parameter(
        0.5, "fraction of the time in which the producer has a word", minimum=0.01, maximum=1.0
    )
    burst: int = parameter(8, "mean number of words without a gap", minimum=1, maximum=4096)
    service: float = parameter(
        0.75, "fraction of the cycles in which the consumer takes one", minimum=0.01, maximum=1.0
    )
    values: str = parameter("uniform", VALUES_DOC, choices=VALUES)
    seed: int = seed_parameter("words and pauses")

    def __post_init__(self) -> None:
        check_parameters(self)
