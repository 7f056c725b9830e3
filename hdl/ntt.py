"""The number-theoretic transform of ML-KEM (FIPS 203) and ML-DSA (FIPS 204), in place.

256 coefficients lie in banks of memory, two for each butterfly. Which bank an address belongs to is
the XOR of its digits, so that in every layer all coefficients of a cycle come from different banks
and go back to where they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hdl.arithmetic import lanes
from hdl.block import Block, Work, check_parameters, parameter

N, ADDRESS_BITS = 256, 8


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A modulus and its transform.

    modulus : q = factor * 2**digit_bits + 1
    root : zeta, of order 256 (ML-KEM, which leaves pairs) or 512 (ML-DSA)
    last_bit : butterflies pair addresses that differ in bits 7 down to this one
    scale : of the inverse transform, the number of coefficients mixed, inverted
    """

    modulus: int
    factor: int
    digit_bits: int
    root: int
    last_bit: int
    scale: int

    @property
    def bits(self) -> int:
        """Width of a coefficient."""
        return self.modulus.bit_length()

    @property
    def layers(self) -> int:
        """Layers of 128 butterflies."""
        return ADDRESS_BITS - self.last_bit

    @property
    def zetas(self) -> list[int]:
        """Powers of the root in bit-reversed order: FIPS 203 and 204, appendices A and B."""
        size = self.layers
        return [
            pow(self.root, int(f"{i:0{size}b}"[::-1], 2), self.modulus) for i in range(1 << size)
        ]


SCHEMES = {
    "ml_kem": Scheme(modulus=3329, factor=13, digit_bits=8, root=17, last_bit=1, scale=3303),
    "ml_dsa": Scheme(
        modulus=8380417, factor=1023, digit_bits=13, root=1753, last_bit=0, scale=8347681
    ),
}


@dataclass(frozen=True, kw_only=True)
class NttParameters:
    """What can be chosen about the hardware."""

    scheme: str = parameter("ml_kem", "modulus and transform", choices=tuple(SCHEMES))
    butterflies: int = parameter(1, "in parallel", choices=(1, 2, 4, 8))
    reduction: str = parameter(
        "montgomery",
        "of a product modulo q; montgomery: digit by digit, easy for q of this form; barrett: "
        "with an estimate of the quotient, two multiplications by constants",
        choices=("montgomery", "barrett"),
    )
    inverse: bool = parameter(False, "it can also do the inverse transform")
    pipeline_stages: int = parameter(
        0, "registers: 1 after the multiplier, 2 also after the reduction", minimum=0, maximum=2
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def of(self) -> Scheme:
        """The scheme itself."""
        return SCHEMES[self.scheme]

    @property
    def lane_bits(self) -> int:
        """log2 of the coefficients read and written in a cycle."""
        return exact_log2(2 * self.butterflies)

    @property
    def groups(self) -> int:
        """Cycles in which every coefficient is read once."""
        return N // (2 * self.butterflies)

    @property
    def flight_cycles(self) -> int:
        """From the cycle that reads a pair to the one that writes it."""
        return 1 + self.pipeline_stages

    @property
    def layer_cycles(self) -> int:
        """Cycles of a layer: what it reads must have been written."""
        return self.groups + self.flight_cycles

    @property
    def transform_cycles(self) -> int:
        """From the first word of one polynomial to the first of the next."""
        return 2 * self.groups + self.of.layers * self.layer_cycles


@dataclass(frozen=True, kw_only=True)
class NttWorkload:
    """Polynomials to transform, one after another."""

    length: int = parameter(1024, "coefficients, in polynomials of 256", minimum=1, maximum=10**7)
    values: str = parameter(
        "uniform",
        "uniform: over all residues, like public matrices; noise: small, centred binomial of "
        "width 2, like secrets and errors",
        choices=("uniform", "noise"),
    )
    seed: int = parameter(1, "of the random coefficients", minimum=0, maximum=2**32 - 1)

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def polynomials(self) -> int:
        """How many are transformed."""
        return -(-self.length // N)


Job = tuple[list[int], bool]  # coefficients, whether the inverse is wanted


def jobs(parameters: NttParameters, workload: NttWorkload) -> list[Job]:
    """The transforms of a workload; every second one is inverse, if the hardware can."""
    random = np.random.default_rng(workload.seed)
    q, shape = parameters.of.modulus, (workload.polynomials, N)
    if workload.values == "uniform":
        values = random.integers(0, q, shape)
    else:
        values = (random.binomial(2, 0.5, shape) - random.binomial(2, 0.5, shape)) % q
    return [(row, parameters.inverse and n % 2 == 1) for n, row in enumerate(values.tolist())]


def reference(scheme: Scheme, coefficients: Sequence[int], inverse: bool) -> list[int]:
    """The transform: FIPS 203, algorithms 9 and 10; FIPS 204, algorithms 41 and 42."""
    f, q, zetas = list(coefficients), scheme.modulus, scheme.zetas
    lengths = [1 << bit for bit in range(scheme.last_bit, ADDRESS_BITS)]
    if not inverse:
        i = 1
        for length in reversed(lengths):
            for start in range(0, N, 2 * length):
                for j in range(start, start + length):
                    t = zetas[i] * f[j + length] % q
                    f[j], f[j + length] = (f[j] + t) % q, (f[j] - t) % q
                i += 1
        return f
    i = len(zetas) - 1
    for length in lengths:
        for start in range(0, N, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % q, zetas[i] * (f[j + length] - t) % q
            i -= 1
    return [value * scheme.scale % q for value in f]


def work(parameters: NttParameters, workload: NttWorkload) -> Work:
    """One NTT is one transform of 256 coefficients, forward or inverse."""
    bits = workload.polynomials * N * parameters.of.bits
    return Work(count=workload.polynomials, unit="NTT", input_bits=bits, output_bits=bits)


def lane_positions(lane_bits: int, pair_bit: int) -> list[int]:
    """Which address bit each bit of a lane's number stands for, when `pair_bit` is paired.

    Bit 0 is the pair's. Bit t has a residue of its own, ``(pair_bit + t) % lane_bits``: then the
    XOR of an address's digits differs for all lanes.
    """
    found = [pair_bit]
    for t in range(1, lane_bits):
        same = [q for q in range(ADDRESS_BITS) if (q - pair_bit - t) % lane_bits == 0]
        below = [q for q in same if q < pair_bit]
        found.append(max(below) if below else min(same))
    return found


class Ntt(wiring.Component):
    """The transform.

    Ports
    -----
    in_data : In(2 * butterflies * bits)   coefficients below q, the lowest in the low bits
    in_valid : In(1)    they are there
    in_ready : Out(1)   ... are accepted, if they are there
    inverse : In(1)     with the parameter `inverse` only, with the last word: which transform
    out_data : Out(2 * butterflies * bits) the transform's, in the same order
    out_valid : Out(1)  high for `groups` cycles: they must be taken

    Timing
    ------
    `groups` words fill the memory; ``layers * layer_cycles`` later `groups` words come out, the
    first one ``2 + layers * layer_cycles`` edges after the last one in. Then the next polynomial.
    """

    in_data: Signal
    in_valid: Signal
    in_ready: Signal
    out_data: Signal
    out_valid: Signal
    inverse: Signal

    def __init__(self, parameters: NttParameters) -> None:
        self.parameters = p = parameters
        width = 2 * p.butterflies * p.of.bits
        ports: dict[str, Any] = {
            "in_data": In(width),
            "in_valid": In(1),
            "in_ready": Out(1),
            "out_data": Out(width),
            "out_valid": Out(1),
        }
        if p.inverse:
            ports["inverse"] = In(1)
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        bit = Signal(range(ADDRESS_BITS), name="pair_bit")
        group = Signal(range(p.layer_cycles), name="group")
        inverted = Signal(name="inverted") if p.inverse else Const(0)
        load, run, reads = Signal(name="load"), Signal(name="run"), Signal(name="reads")
        self._sequence(m, bit, group, inverted, load, run, reads)

        # What was read comes back for writing some cycles later, with its place.
        here = [run & reads, bit, group[: exact_log2(p.groups)]]
        places = [here]
        for stage in range(p.flight_cycles):
            later = [
                Signal.like(value, name=f"{name}_{stage}", reset_less=name != "writes")
                for name, value in zip(("writes", "bit", "place"), here, strict=True)
            ]
            m.d.sync += [b.eq(a) for a, b in zip(places[-1], later, strict=True)]
            places.append(later)
        writes, write_bit, write_place = places[-1]

        found, results = self._memory(
            m,
            (reads, bit, here[2], places[1][1], places[1][2]),
            (load | writes, Mux(load, 0, write_bit), Mux(load, here[2], write_place)),
        )
        made = []
        for n in range(p.butterflies):
            zeta = self._zeta(m, n, bit, here[2], inverted)
            made += self._butterfly(m, n, found[2 * n], found[2 * n + 1], zeta, inverted)
        words = lanes(self.in_data, p.of.bits)
        for result, word, value in zip(results, words, made, strict=True):
            m.d.comb += result.eq(Mux(load, word, value))
        leaves = Signal(name="leaves")
        m.d.sync += leaves.eq(reads & ~run)
        m.d.comb += [self.out_data.eq(Cat(found)), self.out_valid.eq(leaves)]
        return m

    def _sequence(
        self,
        m: Module,
        bit: Signal,
        group: Signal,
        inverted: Value,
        load: Signal,
        run: Signal,
        reads: Signal,
    ) -> None:
        """Load, layer after layer, unload; `bit` is 0 outside the layers."""
        p, first, last = self.parameters, ADDRESS_BITS - 1, self.parameters.of.last_bit
        m.d.comb += load.eq(self.in_ready & self.in_valid)
        with m.FSM():
            with m.State("LOAD"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(load):
                    m.d.sync += group.eq(group + 1)
                    with m.If(group == p.groups - 1):
                        m.d.sync += [group.eq(0), bit.eq(first)]
                        if p.inverse:
                            m.d.sync += inverted.eq(self.inverse)
                            with m.If(self.inverse):
                                m.d.sync += bit.eq(last)
                        m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += [run.eq(1), reads.eq(group < p.groups)]
                m.d.sync += group.eq(group + 1)
                with m.If(group == p.layer_cycles - 1):
                    m.d.sync += [group.eq(0), bit.eq(Mux(inverted, bit + 1, bit - 1))]
                    with m.If(bit == Mux(inverted, first, last)):
                        m.d.sync += bit.eq(0)
                        m.next = "UNLOAD"
            with m.State("UNLOAD"):
                m.d.comb += reads.eq(1)
                m.d.sync += group.eq(group + 1)
                with m.If(group == p.groups - 1):
                    m.d.sync += group.eq(0)
                    m.next = "LOAD"

    def _address(self, lane: Value, bit: int, place: Value) -> list[Value]:
        """The bits of a lane's address, if address bit `bit` is paired."""
        positions = lane_positions(self.parameters.lane_bits, bit)
        free = iter(place)
        return [
            lane[positions.index(q)] if q in positions else next(free) for q in range(ADDRESS_BITS)
        ]

    def _turn(self, m: Module, bit: Value, place: Value, name: str) -> Signal:
        """The XOR of the digits of a place's address, lane 0: what lanes and banks differ by."""
        size = self.parameters.lane_bits
        turn = Signal(size, name=name)
        with m.Switch(bit):
            for case in range(ADDRESS_BITS):
                with m.Case(case):
                    address = self._address(Const(0, size), case, place)
                    m.d.comb += turn.eq(Cat(Cat(address[r::size]).xor() for r in range(size)))
        return turn

    def _memory(
        self, m: Module, read: tuple[Value, ...], write: tuple[Value, ...]
    ) -> tuple[list[Value], list[Signal]]:
        """What the lanes read (a cycle later), and what they are to write."""
        p, size, count = self.parameters, self.parameters.lane_bits, 2 * self.parameters.butterflies
        reads, read_bit, read_place, found_bit, found_place = read
        writes, write_bit, write_place = write
        results = [Signal(p.of.bits, name=f"result_{n}") for n in range(count)]
        turns = [
            self._turn(m, read_bit, read_place, "read_turn"),
            self._turn(m, write_bit, write_place, "write_turn"),
        ]
        # Lane l, its bits rotated, belongs to the bank whose number differs from it by `turn`.
        rotated = _rotate(m, results, write_bit, size, left=True, name="to_bank")
        incoming = _exchange(m, rotated, turns[1], "written")
        outgoing = []
        for bank in range(count):
            store = memory.Memory(shape=p.of.bits, depth=p.groups, init=[])
            m.submodules[f"bank_{bank}"] = store
            read_port = store.read_port()
            write_port = store.write_port()
            m.d.comb += [
                read_port.en.eq(reads),
                write_port.en.eq(writes),
                write_port.data.eq(incoming[bank]),
            ]
            for port, bit, place, turn in (
                (read_port, read_bit, read_place, turns[0]),
                (write_port, write_bit, write_place, turns[1]),
            ):
                with m.Switch(bit):
                    for case in range(ADDRESS_BITS):
                        with m.Case(case):
                            lane = (turn ^ bank).rotate_right(case % size)
                            address = self._address(lane, case, place)
                            m.d.comb += port.addr.eq(Cat(address[size:]))
            outgoing.append(read_port.data)
        found_turn = self._turn(m, found_bit, found_place, "found_turn")
        exchanged = _exchange(m, outgoing, found_turn, "exchanged")
        return _rotate(m, exchanged, found_bit, size, left=False, name="found"), results

    def _zeta(self, m: Module, n: int, bit: Value, place: Value, inverted: Value) -> Signal:
        """The factor of butterfly `n`, in a register: it meets what is read in the same cycle."""
        p = self.parameters
        table = p.of.zetas
        if p.reduction == "montgomery":
            table = [zeta << 2 * p.of.digit_bits for zeta in table]
        index = Signal(range(len(table)), name=f"index_{n}")
        with m.Switch(bit):
            for case in range(p.of.last_bit, ADDRESS_BITS):
                with m.Case(case):
                    above = Cat(self._address(Const(2 * n, p.lane_bits), case, place)[case + 1 :])
                    block = Mux(inverted, ~above, above)[: len(above)]
                    m.d.comb += index.eq(Cat(block, Const(1, 1)))
        zeta = Signal(p.of.bits, name=f"zeta_{n}", reset_less=True)
        m.d.sync += zeta.eq(Array(value % p.of.modulus for value in table)[index])
        return zeta

    def _butterfly(
        self, m: Module, n: int, a: Value, b: Value, zeta: Value, inverted: Value
    ) -> list[Value]:
        """Both results; the inverse halves them, which in the end divides by the size."""
        p, q = self.parameters, self.parameters.of.modulus
        reduce = montgomery if p.reduction == "montgomery" else barrett
        factor = b if not p.inverse else Mux(inverted, _difference(m, b, a, q), b)
        kept = [a, b] if p.inverse else [a]
        [product, *kept] = self._stage(m, n, 1, [zeta * factor, *kept])
        reduced = _wire(m, reduce(m, product, p.of), f"reduced_{n}")
        [reduced, *kept] = self._stage(m, n, 2, [reduced, *kept])
        rest = _difference(m, kept[0], reduced, q)
        if not p.inverse:
            return [_below(m, kept[0] + reduced, q), rest]
        total = _below(m, kept[0] + Mux(inverted, kept[1], reduced), q)
        total = _wire(m, total, f"total_{n}")
        return [
            Mux(inverted, _half(total, q), total),
            Mux(inverted, _half(reduced, q), rest),
        ]

    def _stage(self, m: Module, n: int, number: int, values: list[Value]) -> list[Value]:
        """The values, in registers if the pipeline has this stage."""
        if self.parameters.pipeline_stages < number:
            return values
        registers = [
            Signal(value.shape(), name=f"stage_{n}_{number}_{k}", reset_less=True)
            for k, value in enumerate(values)
        ]
        m.d.sync += [register.eq(value) for register, value in zip(registers, values, strict=True)]
        return list(registers)


def _exchange(m: Module, values: Sequence[Value], turn: Value, name: str) -> list[Value]:
    """Value ``j ^ turn`` in place j."""
    for level in range(len(turn)):
        step = [Signal.like(value, name=f"{name}_{level}_{j}") for j, value in enumerate(values)]
        m.d.comb += [
            signal.eq(Mux(turn[level], values[j ^ (1 << level)], values[j]))
            for j, signal in enumerate(step)
        ]
        values = step
    return list(values)


def _rotate(
    m: Module, values: Sequence[Value], bit: Value, size: int, *, left: bool, name: str
) -> list[Value]:
    """Values whose numbers' bits are rotated by ``bit % size``."""
    placed = [Signal.like(value, name=f"{name}_{j}") for j, value in enumerate(values)]
    with m.Switch(bit):
        for case in range(ADDRESS_BITS):
            with m.Case(case):
                for j, value in enumerate(values):
                    by = case % size
                    turned = (j << by | j >> (size - by)) & ((1 << size) - 1)
                    if left:
                        m.d.comb += placed[turned].eq(value)
                    else:
                        m.d.comb += placed[j].eq(values[turned])
    return list(placed)


def _wire(m: Module, value: Value, name: str) -> Signal:
    """`value` as a signal: what is used twice is computed once."""
    wire = Signal(value.shape(), name=name)
    m.d.comb += wire.eq(value)
    return wire


def _below(m: Module, value: Value, q: int) -> Value:
    """A value below 2 q, modulo q."""
    whole = _wire(m, value, "whole")
    less = _wire(m, whole - q, "less")
    return Mux(less < 0, whole, less)[: q.bit_length()]


def _difference(m: Module, a: Value, b: Value, q: int) -> Value:
    """a - b modulo q, of residues."""
    less = _wire(m, a - b, "difference")
    return Mux(less < 0, less + q, less)[: q.bit_length()]


def _half(value: Value, q: int) -> Value:
    """A residue divided by two modulo q, which is odd."""
    return (value >> 1) + Mux(value[0], (q + 1) // 2, 0)


def montgomery(m: Module, product: Value, scheme: Scheme) -> Value:
    """``product * 2**(-2 * digit_bits)`` modulo q, for a product of residues.

    Adding t q makes the lowest digit zero; as q is 1 modulo a digit, t is minus that digit, and
    q's other digits are its factor. After two digits the rest is below 2 q.
    """
    d = scheme.digit_bits
    for _ in range(2):
        product = _wire(m, product, "digits")
        low = product[:d]
        t = _wire(m, (-low)[:d], "t")
        times = (t << 4) - (t << 1) - t if scheme.factor == 13 else (t << 10) - t
        product = product[d:] + times[: d + scheme.factor.bit_length()] + low.any()
    return _below(m, product, scheme.modulus)


def barrett(m: Module, product: Value, scheme: Scheme) -> Value:
    """``product`` modulo q, for a product of residues.

    The quotient is estimated from the product's high bits and is at most one too small (Dhem's
    choice of bits: two more than q's on both sides).
    """
    w, q = scheme.bits, scheme.modulus
    product = _wire(m, product, "product")
    quotient = ((product >> (w - 2)) * Const((1 << (2 * w + 1)) // q)) >> (w + 3)
    return _below(m, (product - quotient * q)[: w + 1], q)


def cycles(parameters: NttParameters, workload: NttWorkload) -> int:
    """Clock cycles from the first word in to the last word out."""
    return workload.polynomials * parameters.transform_cycles + 1


BLOCK = Block(
    name="ntt",
    summary="number-theoretic transform of ML-KEM or ML-DSA, in place",
    parameters=NttParameters,
    workload=NttWorkload,
    hardware=Ntt,
    bench="hdl.bench_ntt",
    work=work,
    cycles=cycles,
)
