"""The hardware of `noc_router`: a queue for each input, a crossbar, arbiters."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.fifo.hardware import Fifo
from chipdse_hdl.fifo.parameters import FifoParameters
from chipdse_hdl.gates.arithmetic import lanes
from chipdse_hdl.noc_router.parameters import NocRouterParameters


class NocRouter(wiring.Component):
    """The router.

    Ports
    -----
    in_data : In(ports * flit_bits)   the next flit of each input, input 0 in the low bits. Of a
                         packet's first one, the lowest bits name the output
    in_tail : In(ports)  ... is its packet's last
    in_valid : In(ports) ... is there
    in_ready : Out(ports)   flow `ready`: ... is accepted, if it is there
    in_credit : Out(ports)  flow `credit`: a place became free; there are `buffer_flits` at first
    out_data : Out(ports * flit_bits)   a flit for each receiver; a packet's first one without the
                         bits that named the output, zeros from above in their place
    out_tail : Out(ports)   ... is its packet's last
    out_valid : Out(ports)  ... is there
    out_ready : In(ports)   flow `ready`: ... is taken, if it is there
    out_credit : In(ports)  flow `credit`: the receiver, which has `buffer_flits` places and takes
                         whatever comes, has one more

    Timing
    ------
    Accepted at edge t into an empty buffer, a flit is at its output for edge t + 2, unless another
    packet has that output. One flit an input, an output and cycle.
    """

    def __init__(self, parameters: NocRouterParameters) -> None:
        self.parameters = p = parameters
        ports: dict[str, Any] = {
            "in_data": In(p.ports * p.flit_bits),
            "in_tail": In(p.ports),
            "in_valid": In(p.ports),
            "out_data": Out(p.ports * p.flit_bits),
            "out_tail": Out(p.ports),
            "out_valid": Out(p.ports),
        }
        back = "credit" if p.flow == "credit" else "ready"
        ports |= {f"in_{back}": Out(p.ports), f"out_{back}": In(p.ports)}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        buffers = self._buffers(m)
        grants = []  # by output: a bit an input
        claimed = [Signal(name=f"claimed_{i}") for i in range(p.ports)]
        for o in range(p.ports):
            wants = Signal(p.ports, name=f"wants_{o}")
            for i, buffer in enumerate(buffers):
                named = buffer.r_data[: p.port_bits] == o
                m.d.comb += wants[i].eq(buffer.r_valid & ~claimed[i] & named)
            grants.append(self._output(m, o, wants, buffers))
        for i, buffer in enumerate(buffers):
            moves = Signal(name=f"moves_{i}")
            m.d.comb += [
                moves.eq(Cat(grant[i] for grant in grants).any()),
                buffer.r_ready.eq(moves),
            ]
            with m.If(moves):
                m.d.sync += claimed[i].eq(~buffer.r_data[-1])
            if p.flow == "credit":
                freed = Signal(name=f"freed_{i}")
                m.d.sync += freed.eq(moves)
                m.d.comb += self.in_credit[i].eq(freed)
        return m

    def _buffers(self, m: Module) -> list[Fifo]:
        """A queue for each input; a word is a flit and, highest, whether it is the last one."""
        p = self.parameters
        buffers = []
        for i, data in enumerate(lanes(self.in_data, p.flit_bits)):
            buffer = Fifo(FifoParameters(width=p.flit_bits + 1, depth=p.buffer_flits))
            m.submodules[f"buffer_{i}"] = buffer
            m.d.comb += [
                buffer.w_data.eq(Cat(data, self.in_tail[i])),
                buffer.w_valid.eq(self.in_valid[i]),
            ]
            if p.flow == "ready":
                m.d.comb += self.in_ready[i].eq(buffer.w_ready)
            buffers.append(buffer)
        return buffers

    def _output(self, m: Module, o: int, wants: Value, buffers: list[Fifo]) -> Signal:
        """One output's arbiter, multiplexer and register; which input sends, a bit an input."""
        p = self.parameters
        owner = Signal(p.ports, name=f"owner_{o}")  # who is in the midst of a packet, a bit each
        grant = Signal(p.ports, name=f"grant_{o}")
        valid = Signal(name=f"valid_{o}")
        if p.flow == "credit":
            credits = Signal(range(p.buffer_flits + 1), init=p.buffer_flits, name=f"credits_{o}")
            free = credits != 0
            with m.If(grant.any() & ~self.out_credit[o]):
                m.d.sync += credits.eq(credits - 1)
            with m.If(~grant.any() & self.out_credit[o]):
                m.d.sync += credits.eq(credits + 1)
            m.d.sync += valid.eq(grant.any())
        else:
            free = ~valid | self.out_ready[o]
            with m.If(free):
                m.d.sync += valid.eq(grant.any())
        first = self._first(m, o, wants, grant & ~owner)
        has_flit = Cat(buffer.r_valid for buffer in buffers)
        with m.If(free):
            m.d.comb += grant.eq(Mux(owner.any(), owner & has_flit, first))

        flit = Signal(p.flit_bits + 1, name=f"flit_{o}")
        register = Signal(p.flit_bits + 1, name=f"register_{o}", reset_less=True)
        for i, buffer in enumerate(buffers):
            with m.If(grant[i]):
                m.d.comb += flit.eq(buffer.r_data)
        with m.If(grant.any()):
            m.d.sync += [
                register.eq(flit),
                owner.eq(Mux(flit[-1], 0, grant)),
            ]
            with m.If(~owner.any()):
                m.d.sync += register[:-1].eq(flit[:-1] >> p.port_bits)
        m.d.comb += [
            lanes(self.out_data, p.flit_bits)[o].eq(register),
            self.out_tail[o].eq(register[-1]),
            self.out_valid[o].eq(valid),
        ]
        return grant

    def _first(self, m: Module, o: int, wants: Value, won: Value) -> Value:
        """The input that is served next, a bit each."""
        p = self.parameters

        def lowest(requests: Value) -> Value:
            return requests & (-requests)[: p.ports]

        if p.arbitration == "fixed":
            return lowest(wants)
        # Those after the last winner come first: a bit for each of them.
        after = Signal(p.ports, name=f"after_{o}")
        with m.If(won.any()):
            m.d.sync += after.eq(~(won | (won - 1)))
        preferred = wants & after
        return Mux(preferred.any(), lowest(preferred), lowest(wants))
