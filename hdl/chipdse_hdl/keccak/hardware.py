"""The hardware of `keccak`: the sponge around some rounds of the permutation."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from chipdse_hdl.gates.arithmetic import lanes, named
from chipdse_hdl.gates.masking import cross_products
from chipdse_hdl.keccak.parameters import MODES, KeccakParameters
from chipdse_hdl.keccak.permutation import LANE, ROTATIONS, ROUND_CONSTANTS
from chipdse_hdl.shares import RANDOM, share_name, share_names


class Keccak(wiring.Component):
    """The sponge.

    Ports
    -----
    in_data : In(bus_bits)   the next bytes of the message, the first in the low bits
    in_bytes : In(log2(bus_bits / 8))   with `in_last`: how many of them count, never all
    in_last : In(1)          the message ends with this word. One that ends with a whole word
                             needs an empty word behind it
    in_valid : In(1)         the word is there
    in_ready : Out(1)        ... is accepted, if it is there
    out_data : Out(bus_bits) the next bytes of the digest
    out_valid : Out(1)       they are there
    out_ready : In(1)        they are taken
    out_last : In(1)         ... and no more are wanted: the next message begins

    With two shares ``in_data`` and ``out_data`` are two ports each, ``in_data_share_0`` and so on,
    whose XOR is the word (padding enters share 0), and there are besides:

    random : In(random_bits)   fresh random bits, new in every cycle
    random_used : Out(1)       they are used in this cycle

    No output depends on an input of the same cycle.

    Timing
    ------
    A word per cycle; the permutation takes `permutation_cycles` from the edge after a block's last
    word, during which nothing is accepted, unless there is an `input_buffer`: then that edge
    moves the buffer into the state, and the next block enters meanwhile. After the last block's
    permutation the digest leaves, a word per cycle, with another permutation after each
    `rate_words`.
    """

    cross_products = staticmethod(cross_products)

    in_bytes: Signal
    in_last: Signal
    in_valid: Signal
    in_ready: Signal
    out_valid: Signal
    out_ready: Signal
    out_last: Signal

    def __init__(self, parameters: KeccakParameters) -> None:
        self.parameters = p = parameters
        ports = {
            **{name: In(p.bus_bits) for name in share_names("in_data", p.shares)},
            "in_bytes": In(exact_log2(p.bus_bits // 8)),
            "in_last": In(1),
            "in_valid": In(1),
            "in_ready": Out(1),
            **{name: Out(p.bus_bits) for name in share_names("out_data", p.shares)},
            "out_valid": Out(1),
            "out_ready": In(1),
            "out_last": In(1),
        }
        if p.random_bits:
            ports |= {RANDOM: In(p.random_bits), "random_used": Out(1)}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        states = [
            [Signal(LANE, name=share_name(f"lane_{n}", share, p.shares)) for n in range(25)]
            for share in range(p.shares)
        ]
        rates = [Cat(state)[: p.rate_words * p.bus_bits] for state in states]
        names = share_names("buffer", p.shares) if p.input_buffer else []
        buffers = [Signal(len(rates[0]), name=name) for name in names]
        complete = Signal()  # with this edge the last word of a block comes in
        self._fill(m, buffers or rates, complete)
        squeezing = Signal()  # the message is at its end
        full, ends = Signal(name="full"), Signal(name="ends")  # the buffer; with the last block

        with m.FSM():
            with m.State("ABSORB"):
                if not buffers:
                    m.d.comb += self.in_ready.eq(1)
                    with m.If(complete):
                        m.d.sync += squeezing.eq(self.in_last)
                        m.next = "PERMUTE"
                else:
                    with m.If(full):
                        for rate, buffer in zip(rates, buffers, strict=True):
                            m.d.sync += [rate.eq(rate ^ buffer), buffer.eq(0)]
                        m.d.sync += [full.eq(0), squeezing.eq(ends)]
                        m.next = "PERMUTE"
            with m.State("PERMUTE"):
                permute = self._permute if p.shares == 1 else self._permute_shares
                done = permute(m, states)
                with m.If(done & squeezing):
                    m.next = "SQUEEZE"
                with m.Elif(done):
                    m.next = "ABSORB"
            with m.State("SQUEEZE"):
                place = Signal(range(p.rate_words), name="out_place")
                m.d.comb += self.out_valid.eq(1)
                with m.If(self.out_ready):
                    m.d.sync += place.eq(place + 1)
                    with m.If(self.out_last):
                        m.d.sync += [place.eq(0), *(Cat(state).eq(0) for state in states)]
                        m.next = "ABSORB"
                    with m.Elif(place == p.rate_words - 1):
                        m.d.sync += place.eq(0)
                        m.next = "PERMUTE"
        if buffers:  # in any state, unlike all else: the next block comes in meanwhile
            m.d.comb += self.in_ready.eq(~full)
            with m.If(complete):
                m.d.sync += [full.eq(1), ends.eq(self.in_last)]
        for name, rate in zip(share_names("out_data", p.shares), rates, strict=True):
            m.d.comb += getattr(self, name).eq(Array(lanes(rate, p.bus_bits))[place])
        return m

    def _fill(self, m: Module, targets: Sequence[Value], complete: Signal) -> None:
        """XOR padded words into their places of each share's target; padding enters share 0."""
        p = self.parameters
        suffix = MODES[p.mode][2]
        place = Signal(range(p.rate_words), name="in_place")
        accept = Signal(name="accept")
        words = [Signal(p.bus_bits, name=name) for name in share_names("padded", p.shares)]
        m.d.comb += [
            accept.eq(self.in_valid & self.in_ready),
            complete.eq(accept & (self.in_last | (place == p.rate_words - 1))),
        ]
        for name, padded in zip(share_names("in_data", p.shares), words, strict=True):
            m.d.comb += padded.eq(getattr(self, name))
        with m.If(self.in_last):
            for share, padded in enumerate(words):
                for n, byte in enumerate(lanes(padded, 8)):
                    with m.If(self.in_bytes == n):
                        m.d.comb += byte.eq(suffix if share == 0 else 0)
                    with m.Elif(self.in_bytes < n):
                        m.d.comb += byte.eq(0)
        with m.If(accept):
            m.d.sync += place.eq(Mux(complete, 0, place + 1))
            for target, padded in zip(targets, words, strict=True):
                for n, word in enumerate(lanes(target, p.bus_bits)):
                    with m.If(place == n):
                        m.d.sync += word.eq(word ^ padded)
            with m.If(self.in_last):
                # The padding's last bit, whose word may be this one.
                last_word = words[0][-1] & (place == p.rate_words - 1)
                m.d.sync += targets[0][-1].eq(~(targets[0][-1] ^ last_word))

    def _permute(self, m: Module, states: Sequence[list[Signal]]) -> Value:
        """Some rounds in this cycle; whether they are the last."""
        p = self.parameters
        state = states[0]
        step = Signal(range(p.permutation_cycles), name="step")
        done = step == p.permutation_cycles - 1
        m.d.sync += step.eq(Mux(done, 0, step + 1))
        lanes = list(state)
        for number in range(p.rounds_per_cycle):
            constants = Array(ROUND_CONSTANTS[number :: p.rounds_per_cycle])
            lanes = _round(m, lanes, constants[step], f"round_{number}")
        m.d.sync += Cat(state).eq(Cat(lanes))
        return done

    def _permute_shares(self, m: Module, states: Sequence[list[Signal]]) -> Value:
        """Half a round in this cycle, in shares; whether it is the last.

        First the products across domains enter their registers, then the state is replaced. They
        come straight from theta: the bits that it joins for one operand of chi are all others
        than those for the other operand of the same product, whatever the bit.
        """
        p = self.parameters
        step = Signal(range(p.permutation_cycles), name="step")
        done = step == p.permutation_cycles - 1
        m.d.sync += step.eq(Mux(done, 0, step + 1))
        moved = [_linear(m, state, f"linear_share_{n}") for n, state in enumerate(states)]
        lanes = [[b[n] for n in range(25)] for b in moved]
        first = [Cat(b[(x + 1) % 5 + y] for y in range(0, 25, 5) for x in range(5)) for b in lanes]
        second = [Cat(b[(x + 2) % 5 + y] for y in range(0, 25, 5) for x in range(5)) for b in lanes]
        first[0] = ~first[0]  # the complement of a value is that of one share
        used = ~step[0]
        m.d.comb += self.random_used.eq(used)
        crossed = self.cross_products(m, first, second, self.random, "product", enable=used)
        constant = Array(ROUND_CONSTANTS)[step[1:]]
        with m.If(step[0]):
            for share, state in enumerate(states):
                after = Cat(lanes[share]) ^ (first[share] & second[share]) ^ crossed[share]
                m.d.sync += Cat(state).eq(after ^ constant if share == 0 else after)
        return done


def _round(m: Module, a: list[Value], constant: Value, name: str) -> list[Value]:
    """One round of the permutation, as `permute` does it."""
    b = _linear(m, a, name)
    after = [
        named(
            m,
            b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y]),
            f"{name}_chi_{x + y}",
        )
        for y in range(0, 25, 5)
        for x in range(5)
    ]
    return [after[0] ^ constant, *after[1:]]


def _linear(m: Module, a: Sequence[Value], name: str) -> dict[int, Value]:
    """Theta, rho and pi: what is linear of a round."""

    def wire(value: Value, what: str) -> Signal:
        return named(m, value, f"{name}_{what}")

    c = [wire(a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20], f"c_{x}") for x in range(5)]
    d = [wire(c[(x - 1) % 5] ^ c[(x + 1) % 5].rotate_left(1), f"d_{x}") for x in range(5)]
    b: dict[int, Value] = {}
    for x in range(5):
        for y in range(5):
            moved = wire(a[x + 5 * y] ^ d[x], f"a_{x}_{y}").rotate_left(ROTATIONS[x + 5 * y])
            b[y + 5 * ((2 * x + 3 * y) % 5)] = moved
    return b
