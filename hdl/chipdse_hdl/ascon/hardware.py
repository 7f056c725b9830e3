"""The hardware of `ascon`: a sequence around some rounds of the permutation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from chipdse_hdl.ascon.parameters import AsconParameters
from chipdse_hdl.ascon.permutation import (
    AEAD_IV,
    DIGEST_WORDS,
    HASH_START,
    LONG,
    ROTATIONS,
    WORD,
    round_constant,
)
from chipdse_hdl.gates.arithmetic import lanes, named


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ending:
    """What the end of a permutation does besides.

    keyed : add the key, in the first permutation and the last one
    marked : mark before text that no associated data follows
    tagged : give the tag
    """

    keyed: Signal
    marked: Signal
    tagged: Signal


class Ascon(wiring.Component):
    """Authenticated encryption or a hash function.

    Ports
    -----
    in_data : In(8 * block_bytes)   the next word, first byte in the low bits. AEAD: key, nonce,
                         associated data, text; hash: the message
    in_bytes : In(log2(block_bytes))   with `in_last`: how many of its bytes count, never all
    in_last : In(1)      the last word of the associated data, text or message; data that ends with
                         a whole word needs an empty word behind it. With the nonce: there is no
                         associated data
    in_valid : In(1)     the word is there
    in_ready : Out(1)    ... is accepted, if it is there
    decrypt : In(1)      function `both` only, with the key: the text is ciphertext
    out_data : Out(8 * block_bytes)   AEAD: a word of the other text for each word of text, bytes
                         that do not count are zero; then the tag. Hash: four words of digest
    out_valid : Out(1)   high for one cycle a word: it must be taken

    No output depends on an input of the same cycle.

    Timing
    ------
    After a word, permutation and waiting for the next one: key 0, nonce and last word of text or
    message `long_cycles`, other words of AEAD `short_cycles`, of a message `long_cycles`. Text
    accepted at edge t is answered at t + 1, the tag at ``t + 1 + long_cycles``, digest word n of
    1 to 4 at ``t + 1 + n * long_cycles``; the next message may begin with the tag, or one cycle
    after the digest.
    """

    in_data: Signal
    in_bytes: Signal
    in_last: Signal
    in_valid: Signal
    in_ready: Signal
    out_data: Signal
    out_valid: Signal

    def __init__(self, parameters: AsconParameters) -> None:
        self.parameters = p = parameters
        ports: dict[str, Any] = {
            "in_data": In(8 * p.block_bytes),
            "in_bytes": In(exact_log2(p.block_bytes)),
            "in_last": In(1),
            "in_valid": In(1),
            "in_ready": Out(1),
            "out_data": Out(8 * p.block_bytes),
            "out_valid": Out(1),
        }
        if p.function == "both":
            ports["decrypt"] = In(1)
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        start = HASH_START if p.hashes else [0] * 5
        state = [
            Signal(WORD, name=f"x{n}", init=value, reset_less=not p.hashes)
            for n, value in enumerate(start)
        ]
        accept = Signal()
        m.d.comb += accept.eq(self.in_valid & self.in_ready)
        if p.hashes:
            self._hash(m, state, accept)
        else:
            self._aead(m, state, accept)
        return m

    def _padded(self, m: Module) -> tuple[Value, Value]:
        """Which bytes of the word count, as a mask, and the padding behind them."""
        mask = Signal(len(self.in_data), name="mask", init=-1)
        padding = Signal(len(self.in_data), name="padding")
        with m.If(self.in_last):
            for n, (byte, padding_byte) in enumerate(
                zip(lanes(mask, 8), lanes(padding, 8), strict=True)
            ):
                m.d.comb += [
                    byte.eq(Mux(self.in_bytes > n, 0xFF, 0)),
                    padding_byte.eq(self.in_bytes == n),
                ]
        return mask, padding

    def _hash(self, m: Module, state: list[Signal], accept: Signal) -> None:
        p = self.parameters
        mask, padding = self._padded(m)
        ending, given = Signal(name="ending"), Signal(range(DIGEST_WORDS), name="given")
        number = Signal(range(p.long_cycles), name="number")
        valid = Signal(name="valid")
        m.d.sync += valid.eq(0)
        m.d.comb += [self.out_data.eq(state[0]), self.out_valid.eq(valid)]
        with m.FSM():
            with m.State("ABSORB"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    m.d.sync += state[0].eq(state[0] ^ (self.in_data & mask | padding))
                    m.d.sync += ending.eq(self.in_last)
                    m.next = "PERMUTE"
            with m.State("PERMUTE"):
                after, done = self._rounds(m, state, number)
                m.d.sync += Cat(state).eq(Cat(after))
                with m.If(done & ending):
                    m.d.sync += [valid.eq(1), given.eq(given + 1)]
                    with m.If(given == DIGEST_WORDS - 1):
                        m.next = "CLEAR"
                with m.Elif(done):
                    m.next = "ABSORB"
            with m.State("CLEAR"):
                m.d.sync += [word.eq(word.init) for word in state]
                m.next = "ABSORB"

    def _aead(self, m: Module, state: list[Signal], accept: Signal) -> None:
        p = self.parameters
        mask, padding = self._padded(m)
        key = [Signal(WORD, name=f"key_{n}", reset_less=True) for n in range(2)]
        decrypt: Value = Const(int(p.function == "decrypt"))
        if p.function == "both":
            decrypt = Signal(name="decrypts", reset_less=True)
        answer = Signal(128, name="answer", reset_less=True)
        valid = Signal(name="valid")
        number = Signal(range(p.long_cycles), name="number")
        skipped = p.long_cycles - p.short_cycles
        m.d.sync += valid.eq(0)
        m.d.comb += [self.out_data.eq(answer), self.out_valid.eq(valid)]

        rate, given = Cat(state[:2]), self.in_data & mask
        output_text = Signal(128, name="other")
        plain = Mux(decrypt, output_text, given)
        m.d.comb += output_text.eq(rate & mask ^ given)
        keyed, marked, tagged = (Signal(name=name) for name in ("keyed", "marked", "tagged"))
        ending = _Ending(keyed=keyed, marked=marked, tagged=tagged)

        with m.FSM():
            with m.State("KEY"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    m.d.sync += Cat(key).eq(self.in_data)
                    if p.function == "both":
                        m.d.sync += decrypt.eq(self.decrypt)
                    m.next = "NONCE"
            with m.State("NONCE"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    m.d.sync += Cat(state).eq(Cat(Const(AEAD_IV, WORD), *key, self.in_data))
                    m.d.sync += [keyed.eq(1), marked.eq(self.in_last), tagged.eq(0)]
                    m.next = "PERMUTE"
            with m.State("DATA"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    m.d.sync += rate.eq(rate ^ given ^ padding)
                    m.d.sync += [number.eq(skipped), keyed.eq(0), marked.eq(self.in_last)]
                    m.next = "PERMUTE"
            with m.State("TEXT"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    m.d.sync += [answer.eq(output_text), valid.eq(1)]
                    m.d.sync += rate.eq(rate ^ plain ^ padding)
                    m.d.sync += [number.eq(skipped), keyed.eq(0), marked.eq(0)]
                    with m.If(self.in_last):
                        m.d.sync += [state[2].eq(state[2] ^ key[0]), state[3].eq(state[3] ^ key[1])]
                        m.d.sync += [number.eq(0), keyed.eq(1), tagged.eq(1)]
                    m.next = "PERMUTE"
            with m.State("PERMUTE"):
                self._permute(m, state, number, Cat(key), ending, answer, valid)

    def _permute(
        self,
        m: Module,
        state: list[Signal],
        number: Signal,
        key: Value,
        ending: _Ending,
        answer: Signal,
        valid: Signal,
    ) -> None:
        """The state PERMUTE of AEAD: some rounds, and at the last of them what `ending` states."""
        after, done = self._rounds(m, state, number)
        mixed = Cat(after[3:]) ^ Mux(done & ending.keyed, key, 0)
        m.d.sync += Cat(state).eq(Cat(after[:3], mixed))
        with m.If(done):
            text = Signal(name="text_follows")
            with m.If(ending.marked):
                m.d.sync += state[4][-1].eq(~mixed[-1])
            with m.If(ending.tagged):
                m.d.sync += [answer.eq(mixed), valid.eq(1)]
                m.next = "KEY"
            with m.Elif(text | ending.marked):
                m.next = "TEXT"
            with m.Else():
                m.next = "DATA"
            m.d.sync += text.eq((text | ending.marked) & ~ending.tagged)

    def _rounds(self, m: Module, state: list[Signal], number: Signal) -> tuple[list[Value], Value]:
        """The state after some rounds in this cycle, and whether they are the last.

        `number` counts cycles and ends at 0; a permutation of 8 rounds starts it further on.
        """
        p = self.parameters
        done = number == p.long_cycles - 1
        m.d.sync += number.eq(Mux(done, 0, number + 1))
        after: list[Value] = list(state)
        for n in range(p.rounds_per_cycle):
            constants = [round_constant(i) for i in range(n, LONG, p.rounds_per_cycle)]
            after = _round(m, after, Array(constants)[number], f"round_{n}")
        return after, done


def _round(m: Module, x: list[Value], constant: Value, name: str) -> list[Value]:
    """One round of the permutation, as `permute` does it."""
    added = [x[0] ^ x[4], x[1], x[2] ^ x[1] ^ constant, x[3], x[4] ^ x[3]]
    a = [named(m, word, f"{name}_a{n}") for n, word in enumerate(added)]
    b = [named(m, a[n] ^ (~a[(n + 1) % 5] & a[(n + 2) % 5]), f"{name}_b{n}") for n in range(5)]
    c = [b[0] ^ b[4], b[1] ^ b[0], ~b[2], b[3] ^ b[2], b[4]]
    after = []
    for n, (value, (first_rotation, second_rotation)) in enumerate(zip(c, ROTATIONS, strict=True)):
        word = named(m, value, f"{name}_c{n}")
        after.append(word ^ word.rotate_right(first_rotation) ^ word.rotate_right(second_rotation))
    return after
