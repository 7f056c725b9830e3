"""The digital ends of a link between two dies: what coding and protection cost in logic.

A flit becomes a frame, the frame goes over fewer wires in several beats, wires may be inverted in
groups so that fewer of them are high or toggle, and a parity wire or a checksum tells the receiver
of errors, which may ask for what it missed. Both ends are one block, the wires between them ports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from chipdse_hdl.block import Block, Work, check_parameters, parameter, seed_parameter
from chipdse_hdl.d2d_link.ends import Receiver, Transmitter, receiving_ports, sending_ports
from chipdse_hdl.d2d_link.model import CHECKSUMS
from chipdse_hdl.workloads.words import VALUES, VALUES_DOC, word_stream


@dataclass(frozen=True, kw_only=True)
class D2dLinkParameters:
    """What can be chosen about the hardware."""

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


def flits(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> list[int]:
    """The flits of a workload."""
    return word_stream(workload.values, workload.length, parameters.flit_bits, workload.seed)


def pace(workload: D2dLinkWorkload) -> list[int]:
    """Frames without a flit before each flit."""
    random = np.random.default_rng([workload.seed, 1])
    return (random.geometric(workload.load, workload.length) - 1).tolist()


def errors(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> list[int]:
    """Which wires are wrong, by cycle, over and over: none or one."""
    random = np.random.default_rng([workload.seed, 2])
    count = 1 if workload.error_rate == 0 else 9973
    wrong = random.random(count) < workload.error_rate
    which = random.integers(0, parameters.wires, count)
    return [int(bad) << int(wire) for bad, wire in zip(wrong, which, strict=True)]


def work(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> Work:
    """A bit of work is a bit of a flit that crossed the link once."""
    bits = workload.length * parameters.flit_bits
    return Work(count=bits, unit="bit", input_bits=bits, output_bits=bits)


class D2dLink(wiring.Component):
    """Sender and receiver, and between them wires that can be seen and disturbed.

    Ports
    -----
    in_data : In(flit_bits)  the next flit
    in_valid : In(1)    ... is there
    in_ready : Out(1)   ... is accepted, if it is there: at most every `serialisation` cycles
    wires : Out(wires)  between the ends: data, inversion, parity
    flip : In(wires)    wires that the receiver sees wrong in this cycle
    out_data : Out(flit_bits)  a flit has arrived
    out_valid : Out(1)  for one cycle
    bad : Out(1)        with protection, for `serialisation` cycles: the last frame was damaged

    Both ends leave reset together and count beats alike; the training that aligns real ends, and
    the analogue parts, are not here. The wire back, which asks for a replay, is not disturbed.

    Timing
    ------
    Accepted at edge t, read at ``t + latency_cycles``; a flit every `serialisation` cycles. A
    damaged frame is dropped; with replay it and what was sent since are sent again, which costs
    `replay_frames` frames.
    """

    in_data: Signal
    in_valid: Signal
    in_ready: Signal
    wires: Signal
    flip: Signal
    out_data: Signal
    out_valid: Signal
    bad: Signal

    def __init__(self, parameters: D2dLinkParameters) -> None:
        self.parameters = p = parameters
        super().__init__(sending_ports(p) | receiving_ports(p) | {"flip": In(p.wires)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.transmitter = sender = Transmitter(self.parameters)
        m.submodules.receiver = receiver = Receiver(self.parameters)
        m.d.comb += [
            sender.in_data.eq(self.in_data),
            sender.in_valid.eq(self.in_valid),
            self.in_ready.eq(sender.in_ready),
            self.wires.eq(sender.wires),
            receiver.wires.eq(sender.wires ^ self.flip),
            self.out_data.eq(receiver.out_data),
            self.out_valid.eq(receiver.out_valid),
        ]
        if self.parameters.protection != "none":
            m.d.comb += self.bad.eq(receiver.bad)
        if self.parameters.replay:
            m.d.comb += sender.nack.eq(receiver.bad)
        return m


def cycles(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> int:
    """Clock cycles of a workload, on average."""
    p = parameters
    frames = workload.length / workload.load + 2 * p.replay_frames + 2
    if p.replay:
        damaged = 1 - (1 - workload.error_rate) ** p.serialisation
        frames *= 1 + damaged * p.replay_frames
    return round(frames * p.serialisation)


BLOCK = Block(
    name="d2d_link",
    summary="both digital ends of a link between dies: serialiser, coding, protection, replay",
    parameters=D2dLinkParameters,
    workload=D2dLinkWorkload,
    hardware=D2dLink,
    bench="chipdse_hdl.d2d_link.bench",
    work=work,
    cycles=cycles,
)
