"""The hardware of `d2d_link`: both ends, and the wires between them."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from chipdse_hdl.d2d_link.ends import Receiver, Transmitter, receiving_ports, sending_ports
from chipdse_hdl.d2d_link.parameters import D2dLinkParameters


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
