"""The two ends of the link `d2d_link`: what sends frames, and what receives them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.d2d_link.checksum import checksum
from chipdse_hdl.d2d_link.parameters import D2dLinkParameters
from chipdse_hdl.gates.arithmetic import lanes


def sending_ports(p: D2dLinkParameters) -> dict[str, Any]:
    """What the sender shows to its surroundings."""
    return {
        "in_data": In(p.flit_bits),
        "in_valid": In(1),
        "in_ready": Out(1),
        "wires": Out(p.wires),
    }


def receiving_ports(p: D2dLinkParameters) -> dict[str, Any]:
    """What the receiver shows to its surroundings."""
    bad = {"bad": Out(1)} if p.protection != "none" else {}
    return {"out_data": Out(p.flit_bits), "out_valid": Out(1)} | bad


class Transmitter(wiring.Component):
    """The sending end.

    Ports
    -----
    in_data : In(flit_bits)  the next flit
    in_valid : In(1)    ... is there
    in_ready : Out(1)   ... is accepted, if it is there
    wires : Out(wires)  data, then one wire per group that tells of inversion, then parity
    nack : In(1)        replay only: the frame begun `replay_frames` frames ago arrived damaged
    """

    def __init__(self, parameters: D2dLinkParameters) -> None:
        self.parameters = p = parameters
        super().__init__(sending_ports(p) | ({"nack": In(1)} if p.replay else {}))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        beat, begins = _beats(m, p, lag=0)
        fresh = Signal(init=1)
        flit = Signal(1 + p.flit_bits, name="flit")
        takes = self.in_valid & self.in_ready
        m.d.comb += [
            self.in_ready.eq(begins & fresh),
            flit.eq(Mux(takes, Cat(Const(1, 1), self.in_data), 0)),
        ]
        if p.replay:
            again = self._again(m, begins, fresh, takes)
            with m.If(~fresh):
                m.d.comb += flit.eq(again)
        padding = Const(0, p.data_wires * p.serialisation - len(flit) - p.checksum_bits)
        held = Signal(p.data_wires * p.serialisation, name="frame")
        with m.If(begins):
            m.d.sync += held.eq(Cat(flit, _checksum(p, flit), padding))

        data = Signal(p.data_wires, name="data")
        m.d.comb += data.eq(Array(lanes(held, p.data_wires))[beat])
        register = Signal(p.wires, name="wire_register")
        m.d.sync += register.eq(self._encoded(m, data, register))
        m.d.comb += self.wires.eq(register)
        return m

    def _again(self, m: Module, begins: Value, fresh: Signal, takes: Value) -> Value:
        """The frame sent `replay_frames` frames ago: each waits in a ring until it is safe."""
        p = self.parameters
        count = p.replay_frames
        m.submodules.kept = ring = memory.Memory(shape=p.flit_bits, depth=count, init=[])
        read_port = ring.read_port(domain="comb")
        write_port = ring.write_port()
        place = Signal(range(count))
        left = Signal(range(count))
        holds = Signal(count)  # which frames held a flit
        nacked = Signal()
        m.d.sync += nacked.eq(self.nack)
        m.d.comb += [
            fresh.eq(~nacked & (left == 0)),
            read_port.addr.eq(place),
            write_port.addr.eq(place),
            write_port.data.eq(self.in_data),
            write_port.en.eq(takes),
        ]
        with m.If(begins):
            m.d.sync += place.eq(Mux(place == count - 1, 0, place + 1))
            with m.If(nacked):
                m.d.sync += left.eq(count - 1)
            with m.Elif(left != 0):
                m.d.sync += left.eq(left - 1)
            with m.Else():
                m.d.sync += holds.bit_select(place, 1).eq(takes)
        held = holds.bit_select(place, 1)
        return Mux(held, Cat(Const(1, 1), read_port.data), 0)

    def _encoded(self, m: Module, data: Value, before: Value) -> Value:
        p = self.parameters
        if p.groups == 0:
            word = data
        else:
            encoded = Signal(p.data_wires, name="encoded")
            inverted = Signal(p.groups, name="inverted")
            for group in range(p.groups):
                part = slice(group * p.group_wires, min((group + 1) * p.group_wires, p.data_wires))
                counted = data[part] ^ before[part] if p.inversion == "ac" else data[part]
                many = _ones(counted) > (part.stop - part.start) // 2
                m.d.comb += [
                    inverted[group].eq(many),
                    encoded[part].eq(
                        data[part] ^ inverted[group].replicate(part.stop - part.start)
                    ),
                ]
            word = Cat(encoded, inverted)
        return Cat(word, word.xor()) if p.protection == "parity" else word


class Receiver(wiring.Component):
    """The receiving end.

    Ports
    -----
    wires : In(wires)   from the sender
    out_data : Out(flit_bits)  a flit
    out_valid : Out(1)  for one cycle: it came, and undamaged as far as one can know
    bad : Out(1)        with protection, for `serialisation` cycles: the last frame was damaged
    """

    def __init__(self, parameters: D2dLinkParameters) -> None:
        self.parameters = p = parameters
        super().__init__(receiving_ports(p) | {"wires": In(p.wires)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        captured = Signal(p.wires, name="captured")
        m.d.sync += captured.eq(self.wires)
        beat, ends = _beats(m, p, lag=2)
        data = Signal(p.data_wires, name="data")
        m.d.comb += data.eq(captured)
        for group in range(p.groups):
            part = slice(group * p.group_wires, min((group + 1) * p.group_wires, p.data_wires))
            inverted = captured[p.data_wires + group].replicate(part.stop - part.start)
            m.d.comb += data[part].eq(captured[part] ^ inverted)
        parts = []
        for n in range(p.serialisation - 1):
            parts.append(Signal(p.data_wires, name=f"part_{n}"))
            with m.If(beat == n):
                m.d.sync += parts[n].eq(data)
        frame = Signal(p.data_wires * p.serialisation, name="frame")
        m.d.comb += frame.eq(Cat(parts, data))

        word, right = frame[: 1 + p.flit_bits], Signal(name="right", init=1)
        if p.protection == "parity":
            odd = Signal()
            now = odd | captured.xor()
            m.d.sync += odd.eq(now & ~ends)
            m.d.comb += right.eq(~now)
        elif p.checksum_bits:
            received = frame[len(word) : len(word) + p.checksum_bits]
            m.d.comb += right.eq(received == _checksum(p, word))

        counts = Const(1)
        if p.protection != "none":
            bad = Signal(name="bad_register")
            if p.replay:
                discard = Signal(range(p.replay_frames))
                counts = discard == 0
                with m.If(ends & (~counts | ~right)):
                    m.d.sync += discard.eq(Mux(counts, p.replay_frames - 1, discard - 1))
            with m.If(ends):
                m.d.sync += bad.eq(~right & counts)
            m.d.comb += self.bad.eq(bad)
        arrives = Signal(name="arrives")
        m.d.comb += arrives.eq(ends & right & counts & word[0])
        out, valid = Signal(p.flit_bits, name="out", reset_less=True), Signal(name="valid")
        m.d.sync += valid.eq(arrives)
        with m.If(arrives):
            m.d.sync += out.eq(word[1:])
        m.d.comb += [self.out_data.eq(out), self.out_valid.eq(valid)]
        return m


def _beats(m: Module, p: D2dLinkParameters, lag: int) -> tuple[Value, Value]:
    """A counter of beats, `lag` cycles behind the sender's, and whether it is at the last."""
    last = p.serialisation - 1
    beat = Signal(range(p.serialisation), name="beat", init=(last - lag) % p.serialisation)
    if last:
        m.d.sync += beat.eq(beat + 1)
        return beat, beat == last
    return Const(0, 1), Const(1, 1)


def _ones(bits: Value) -> Value:
    """How many bits are high, added up in a tree."""
    terms: list[Value] = list(bits)
    while len(terms) > 1:
        terms = [sum(terms[n : n + 2], Const(0, 0)) for n in range(0, len(terms), 2)]
    return terms[0]


def _checksum(p: D2dLinkParameters, word: Value) -> Value:
    """The checksum of a word: each of its bits is the XOR of those that reach it alone."""
    reach = [checksum(p.protection, 1 << n, len(word)) for n in range(len(word))]
    return Cat(
        Cat(word[n] for n, reached in enumerate(reach) if reached >> bit & 1).xor()
        for bit in range(p.checksum_bits)
    )
