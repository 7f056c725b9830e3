"""Parameters and workload of `d2d_link`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, parameter, seed_parameter
from chipdse_hdl.d2d_link.checksum import CHECKSUMS
from chipdse_hdl.workloads.words import VALUES, VALUES_DOC


@dataclass(frozen=True, kw_only=True)
class D2dLinkParameters:
    """The parameters of the hardware."""

    flit_bits: int = parameter(64, "bits of a flit", minimum=8, maximum=512)
    serialisation: int = parameter(
        4,
        "beats of a frame: so many times fewer wires, and cycles a flit",
        choices=(1, 2, 4, 8, 16),
    )
    inversion: str = parameter(
        "none",
        "of data wires in groups. dc: so that at most half are high; ac: so that at most half "
        "toggle",
        choices=("none", "dc", "ac"),
    )
    group_wires: int = parameter(
        8, "data wires inverted together, by one more wire", minimum=2, maximum=16
    )
    protection: str = parameter(
        "crc8",
        "parity: one more wire; crc8, crc16: a checksum in every frame",
        choices=("none", "parity", "crc8", "crc16"),
    )
    replay: bool = parameter(False, "frames that arrive damaged are sent again")

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.replay and self.protection == "none":
            raise ValueError(
                "replay=True with protection='none' never knows of an error; use parity or a crc"
            )

    @property
    def checksum_bits(self) -> int:
        """Bits of the checksum."""
        return CHECKSUMS[self.protection][0] if self.protection in CHECKSUMS else 0

    @property
    def data_wires(self) -> int:
        """Wires for a beat of the frame: whether it holds a flit, the flit, the checksum."""
        return -(-(1 + self.flit_bits + self.checksum_bits) // self.serialisation)

    @property
    def groups(self) -> int:
        """Wires that tell of inversion."""
        return 0 if self.inversion == "none" else -(-self.data_wires // self.group_wires)

    @property
    def wires(self) -> int:
        """All wires from the sender to the receiver."""
        return self.data_wires + self.groups + (self.protection == "parity")

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts a flit to the edge at which it can be read."""
        return self.serialisation + 3

    @property
    def replay_frames(self) -> int:
        """Frames sent before the sender knows whether the first one arrived.

        That is known `serialisation` + 4 cycles after the frame was begun.
        """
        return 1 + -(-4 // self.serialisation)


@dataclass(frozen=True, kw_only=True)
class D2dLinkWorkload:
    """Flits that come at random."""

    length: int = parameter(512, "flits", minimum=1, maximum=10**7)
    load: float = parameter(
        1.0, "fraction of the frames for which there is a flit", minimum=0.01, maximum=1.0
    )
    values: str = parameter("activations", VALUES_DOC, choices=VALUES)
    error_rate: float = parameter(
        0.0, "probability that a beat has one wire wrong", minimum=0.0, maximum=0.1
    )
    seed: int = seed_parameter("flits, pauses and errors")

    def __post_init__(self) -> None:
        check_parameters(self)
