"""The digital ends of a link between two dies: what coding and protection cost in logic.

A flit becomes a frame, the frame goes over fewer wires in several beats, wires may be inverted in
groups so that fewer of them are high or toggle, and a parity wire or a checksum tells the receiver
of errors, which may ask for what it missed. Both ends are one block, the wires between them ports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hdl.arithmetic import lanes
from hdl.block import Block, Work, check_parameters, parameter
from hdl.words import VALUES, VALUES_DOC, word_stream

# Width and polynomial. CRC-8 as in SMBus and ATM; CRC-16 (x + 1)(x**15 + x + 1) as in UCIe.
CHECKSUMS = {"crc8": (8, 0x07), "crc16": (16, 0x8005)}


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
    seed: int = parameter(1, "of the random flits, pauses and errors", minimum=0, maximum=2**32 - 1)

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


def checksum(protection: str, word: int, bits: int) -> int:
    """The rest of `word`, first bit the highest, divided by the polynomial; 0 without checksum."""
    if protection not in CHECKSUMS:
        return 0
    width, polynomial = CHECKSUMS[protection]
    rest = 0
    for position in reversed(range(bits)):
        out = (rest >> (width - 1) ^ word >> position) & 1
        rest = (rest << 1) & ((1 << width) - 1) ^ out * polynomial
    return rest


def frame(parameters: D2dLinkParameters, flit: int | None) -> int:
    """A frame; without a flit it is all zero, and so are the wires."""
    if flit is None:
        return 0
    word, bits = 1 | flit << 1, 1 + parameters.flit_bits
    return word | checksum(parameters.protection, word, bits) << bits


def encode(parameters: D2dLinkParameters, data: int, before: int) -> int:
    """The wires for one beat of data, if `before` is what they were."""
    p = parameters
    mask = (1 << p.group_wires) - 1
    encoded, inverted = data, 0
    for group in range(p.groups):
        start = group * p.group_wires
        size = min(p.group_wires, p.data_wires - start)
        part = data >> start & mask
        counted = part ^ (before >> start & ((1 << size) - 1)) if p.inversion == "ac" else part
        if 2 * counted.bit_count() > size:
            encoded ^= ((1 << size) - 1) << start
            inverted |= 1 << group
    word = encoded | inverted << p.data_wires
    if p.protection == "parity":
        word |= (word.bit_count() & 1) << (p.wires - 1)
    return word


def decode(parameters: D2dLinkParameters, wires: int) -> tuple[int, bool]:
    """A beat's data, and whether its parity is right."""
    p = parameters
    data = wires & ((1 << p.data_wires) - 1)
    for group in range(p.groups):
        if wires >> (p.data_wires + group) & 1:
            start = group * p.group_wires
            size = min(p.group_wires, p.data_wires - start)
            data ^= ((1 << size) - 1) << start
    return data, p.protection != "parity" or wires.bit_count() % 2 == 0


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """A link's ports, a row a cycle. `out_data` is None where it says nothing."""

    in_data: list[int]
    in_valid: list[int]
    flip: list[int]
    in_ready: list[int]
    wires: list[int]
    bad: list[int]
    out_valid: list[int]
    out_data: list[int | None]


def reference(
    parameters: D2dLinkParameters, flits: Sequence[int], gaps: Sequence[int], errors: Sequence[int]
) -> Traffic:
    """What happens in each cycle, frame by frame, until the last flit has surely arrived.

    Before flit n, `gaps[n]` frames that could take it pass; `errors` says which wires are wrong in
    each cycle, over and over; before the first frame none is.
    """
    p, beats, round_trip = parameters, parameters.serialisation, parameters.replay_frames
    sent: list[int | None] = []  # by frame
    fresh: list[bool] = []
    wires, outputs, waits, damaged = [0, 0], [], [], []
    taken = discard = resend = after = 0
    wait = gaps[0]
    while after <= round_trip + 2:
        number = len(sent)
        if p.replay and number >= round_trip and damaged[number - round_trip]:
            resend = round_trip
        fresh.append(resend == 0)
        waits.append(min(taken, len(flits) - 1))
        if resend:
            resend -= 1
            sent.append(sent[number - round_trip] if number >= round_trip else None)
        elif taken < len(flits) and wait == 0:
            sent.append(flits[taken])
            taken += 1
            wait = gaps[taken] if taken < len(flits) else 0
        else:
            wait = max(wait - 1, 0)
            sent.append(None)
        # When all is sent, frames go on until no error is outstanding.
        after = 0 if taken < len(flits) or resend else after + 1

        whole, right, received = frame(p, sent[-1]), True, 0
        for beat in range(beats):
            data = whole >> beat * p.data_wires & ((1 << p.data_wires) - 1)
            wires.append(encode(p, data, wires[-1]))
            wrong = errors[(len(wires) - 1) % len(errors)]
            part, parity = decode(p, wires[-1] ^ wrong)
            received |= part << beat * p.data_wires
            right &= parity
        word = received & ((1 << (1 + p.flit_bits)) - 1)
        check = checksum(p.protection, word, 1 + p.flit_bits)
        right &= received >> (1 + p.flit_bits) & ((1 << p.checksum_bits) - 1) == check
        bad = not right and discard == 0
        damaged.append(bad)
        outputs.append(word >> 1 if right and discard == 0 and word & 1 else None)
        discard = round_trip - 1 if bad and p.replay else max(discard - 1, 0)
        after = 0 if bad else after

    cycles = len(sent) * beats
    flips = [0, 0] + [errors[cycle % len(errors)] for cycle in range(2, cycles)]
    late = [None] * p.latency_cycles
    given: list[int | None] = late + [
        value for out in outputs for value in (out, *[None] * (beats - 1))
    ]
    first = [cycle % beats == 0 for cycle in range(cycles)]
    is_bad = [0] * p.latency_cycles + [int(bad) for bad in damaged for _ in range(beats)]
    offers = [n is not None and f for n, f in zip(sent, fresh, strict=True)]
    return Traffic(
        in_data=[flits[waits[cycle // beats]] for cycle in range(cycles)],
        in_valid=[int(offers[cycle // beats] or not first[cycle]) for cycle in range(cycles)],
        flip=flips[:cycles],
        in_ready=[int(first[cycle] and fresh[cycle // beats]) for cycle in range(cycles)],
        wires=wires[:cycles],
        bad=is_bad[:cycles],
        out_valid=[int(value is not None) for value in given[:cycles]],
        out_data=given[:cycles],
    )


def work(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> Work:
    """A bit of work is a bit of a flit that crossed the link once."""
    bits = workload.length * parameters.flit_bits
    return Work(count=bits, unit="bit", input_bits=bits, output_bits=bits)


class Transmitter(wiring.Component):
    """The sending end.

    Ports
    -----
    in_data : In(flit_bits)  the next flit
    in_valid : In(1)    ... is there
    in_ready : Out(1)   ... is accepted, if it is there
    wires : Out(wires)  data, then one wire a group that tells of inversion, then parity
    nack : In(1)        replay only: the frame begun `replay_frames` frames ago arrived damaged
    """

    def __init__(self, parameters: D2dLinkParameters) -> None:
        self.parameters = p = parameters
        ports: dict[str, Any] = {
            "in_data": In(p.flit_bits),
            "in_valid": In(1),
            "in_ready": Out(1),
            "wires": Out(p.wires),
        }
        if p.replay:
            ports["nack"] = In(1)
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        beat, begins = _beats(m, p, lag=0)
        fresh = Signal(init=1)
        whole = Signal(1 + p.flit_bits, name="flit")
        takes = self.in_valid & self.in_ready
        m.d.comb += [
            self.in_ready.eq(begins & fresh),
            whole.eq(Mux(takes, Cat(Const(1, 1), self.in_data), 0)),
        ]
        if p.replay:
            again = self._again(m, begins, fresh, takes)
            with m.If(~fresh):
                m.d.comb += whole.eq(again)
        padding = Const(0, p.data_wires * p.serialisation - len(whole) - p.checksum_bits)
        held = Signal(p.data_wires * p.serialisation, name="frame")
        with m.If(begins):
            m.d.sync += held.eq(Cat(whole, _checksum(p, whole), padding))

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
        m.submodules.kept = kept = memory.Memory(shape=p.flit_bits, depth=count, init=[])
        read_port = kept.read_port(domain="comb")
        write_port = kept.write_port()
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
        ports: dict[str, Any] = {
            "wires": In(p.wires),
            "out_data": Out(p.flit_bits),
            "out_valid": Out(1),
        }
        if p.protection != "none":
            ports["bad"] = Out(1)
        super().__init__(ports)

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
        whole = Signal(p.data_wires * p.serialisation, name="frame")
        m.d.comb += whole.eq(Cat(parts, data))

        word, right = whole[: 1 + p.flit_bits], Signal(name="right", init=1)
        if p.protection == "parity":
            odd = Signal()
            now = odd | captured.xor()
            m.d.sync += odd.eq(now & ~ends)
            m.d.comb += right.eq(~now)
        elif p.checksum_bits:
            received = whole[len(word) : len(word) + p.checksum_bits]
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
        ports: dict[str, Any] = {
            "in_data": In(p.flit_bits),
            "in_valid": In(1),
            "in_ready": Out(1),
            "wires": Out(p.wires),
            "flip": In(p.wires),
            "out_data": Out(p.flit_bits),
            "out_valid": Out(1),
        }
        if p.protection != "none":
            ports["bad"] = Out(1)
        super().__init__(ports)

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
    bench="hdl.bench_d2d_link",
    work=work,
    cycles=cycles,
)
