"""Parameters and workload of `noc_router`."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse_hdl.block import check_parameters, index_bits, parameter, seed_parameter
from chipdse_hdl.workloads.words import VALUES, VALUES_DOC


@dataclass(frozen=True, kw_only=True)
class NocRouterParameters:
    """The parameters of the hardware."""

    ports: int = parameter(5, "inputs and outputs; 5 in a mesh", minimum=2, maximum=8)
    flit_bits: int = parameter(32, "bits of a flit", minimum=8, maximum=256)
    buffer_flits: int = parameter(4, "flits each input can store", minimum=2, maximum=32)
    arbitration: str = parameter(
        "round_robin",
        "of packets that want the same output. round_robin: who won last comes last; fixed: the "
        "input with the lowest number wins",
        choices=("round_robin", "fixed"),
    )
    flow: str = parameter(
        "ready",
        "what holds a sender back. ready: a wire says that a flit would be accepted; credit: a "
        "pulse for each place that became free, counted by the sender",
        choices=("ready", "credit"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def port_bits(self) -> int:
        """Bits that name a port."""
        return index_bits(self.ports)


@dataclass(frozen=True, kw_only=True)
class NocRouterWorkload:
    """Packets at all inputs, and receivers that pause."""

    length: int = parameter(2048, "flits in all, roughly", minimum=1, maximum=10**7)
    packet_flits: int = parameter(4, "flits of a packet", minimum=1, maximum=256)
    load: float = parameter(
        0.3, "flits an input and cycle that are offered", minimum=0.01, maximum=1.0
    )
    destinations: str = parameter(
        "mesh",
        "mesh: as in the middle of a mesh of 8 x 8, first along x, then along y, when everybody "
        "sends everywhere; uniform: all other ports alike; hotspot: half of the packets to port 0",
        choices=("mesh", "uniform", "hotspot"),
    )
    service: float = parameter(
        1.0, "fraction of the cycles in which a receiver takes a flit", minimum=0.05, maximum=1.0
    )
    values: str = parameter("activations", VALUES_DOC, choices=VALUES)
    seed: int = seed_parameter("packets and pauses")

    def __post_init__(self) -> None:
        check_parameters(self)
