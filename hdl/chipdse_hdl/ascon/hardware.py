"""The hardware of `ascon`: a sequence around some rounds of the permutation."""

from __future__ import annotations

from collections.abc import Sequence
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
    WORD,
    round_constant,
)
from chipdse_hdl.ascon.rounds import half_round, one_round
from chipdse_hdl.gates.arithmetic import lanes
from chipdse_hdl.gates.masking import cross_products
from chipdse_hdl.shares import RANDOM, share_name, share_names


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
    out_valid : Out(1)   high for one cycle per word: it must be taken

    With two shares ``in_data`` and ``out_data`` are two ports each, ``in_data_share_0`` and so on,
    whose XOR is the word (constants and padding enter share 0), and there are besides:

    random : In(random_bits)   fresh random bits, new in every cycle
    random_used : Out(1)       they are used in this cycle

    No output depends on an input of the same cycle.

    Timing
    ------
    After a word, permutation and waiting for the next one: key 0, nonce and last word of text or
    message `long_cycles`, other words of AEAD `short_cycles`, of a message `long_cycles`. Text
    accepted at edge t is answered at t + 1, the tag at ``t + 1 + long_cycles``, digest word n of
    1 to 4 at ``t + 1 + n * long_cycles``; the next message may begin with the tag, or one cycle
    after the digest.
    """

    cross_products = staticmethod(cross_products)

    in_bytes: Signal
    in_last: Signal
    in_valid: Signal
    in_ready: Signal
    out_valid: Signal

    def __init__(self, parameters: AsconParameters) -> None:
        self.parameters = p = parameters
        ports: dict[str, Any] = {
            **{name: In(8 * p.block_bytes) for name in share_names("in_data", p.shares)},
            "in_bytes": In(exact_log2(p.block_bytes)),
            "in_last": In(1),
            "in_valid": In(1),
            "in_ready": Out(1),
            **{name: Out(8 * p.block_bytes) for name in share_names("out_data", p.shares)},
            "out_valid": Out(1),
        }
        if p.function == "both":
            ports["decrypt"] = In(1)
        if p.random_bits:
            ports |= {RANDOM: In(p.random_bits), "random_used": Out(1)}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        start = HASH_START if p.hashes else [0] * 5
        states = [
            [
                Signal(WORD, name=name, init=0 if share else value, reset_less=not p.hashes)
                for name, value in zip(_names("x", 5, share, p.shares), start, strict=True)
            ]
            for share in range(p.shares)
        ]
        self._words = [getattr(self, name) for name in share_names("in_data", p.shares)]
        self._answers = [getattr(self, name) for name in share_names("out_data", p.shares)]
        accept = Signal()
        m.d.comb += accept.eq(self.in_valid & self.in_ready)
        if p.hashes:
            self._hash(m, states, accept)
        else:
            self._aead(m, states, accept)
        return m

    def _padded(self, m: Module) -> tuple[Value, Value]:
        """Which bytes of the word count, as a mask, and the padding behind them."""
        bits = 8 * self.parameters.block_bytes
        mask = Signal(bits, name="mask", init=-1)
        padding = Signal(bits, name="padding")
        with m.If(self.in_last):
            for n, (byte, padding_byte) in enumerate(
                zip(lanes(mask, 8), lanes(padding, 8), strict=True)
            ):
                m.d.comb += [
                    byte.eq(Mux(self.in_bytes > n, 0xFF, 0)),
                    padding_byte.eq(self.in_bytes == n),
                ]
        return mask, padding

    def _hash(self, m: Module, states: Sequence[list[Signal]], accept: Signal) -> None:
        p = self.parameters
        mask, padding = self._padded(m)
        ending, given = Signal(name="ending"), Signal(range(DIGEST_WORDS), name="given")
        number = Signal(range(p.long_cycles), name="number")
        valid = Signal(name="valid")
        m.d.sync += valid.eq(0)
        for port, state in zip(self._answers, states, strict=True):
            m.d.comb += port.eq(state[0])
        m.d.comb += self.out_valid.eq(valid)
        with m.FSM():
            with m.State("ABSORB"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    for share, (word, state) in enumerate(zip(self._words, states, strict=True)):
                        given_word = word & mask | padding if share == 0 else word & mask
                        m.d.sync += state[0].eq(state[0] ^ given_word)
                    m.d.sync += ending.eq(self.in_last)
                    m.next = "PERMUTE"
            with m.State("PERMUTE"):
                afters, done = self._rounds(m, states, number)
                for state, after in zip(states, afters, strict=True):
                    m.d.sync += Cat(state).eq(Cat(after))
                with m.If(done & ending):
                    m.d.sync += [valid.eq(1), given.eq(given + 1)]
                    with m.If(given == DIGEST_WORDS - 1):
                        m.next = "CLEAR"
                with m.Elif(done):
                    m.next = "ABSORB"
            with m.State("CLEAR"):
                m.d.sync += [word.eq(word.init) for state in states for word in state]
                m.next = "ABSORB"

    def _aead(self, m: Module, states: Sequence[list[Signal]], accept: Signal) -> None:
        p, padded = self.parameters, self._padded(m)
        keys = [
            [Signal(WORD, name=name, reset_less=True) for name in _names("key_", 2, s, p.shares)]
            for s in range(p.shares)
        ]
        decrypt: Value = Const(int(p.function == "decrypt"))
        if p.function == "both":
            decrypt = Signal(name="decrypts", reset_less=True)
        answers = [
            Signal(128, name=name, reset_less=True) for name in share_names("answer", p.shares)
        ]
        valid = Signal(name="valid")
        number = Signal(range(p.long_cycles), name="number")
        m.d.sync += valid.eq(0)
        m.d.comb += [port.eq(word) for port, word in zip(self._answers, answers, strict=True)]
        m.d.comb += self.out_valid.eq(valid)

        rates = [Cat(state[:2]) for state in states]
        texts, with_data, with_text = self._exchanged(m, rates, padded, decrypt)
        keyed, marked, tagged = (Signal(name=name) for name in ("keyed", "marked", "tagged"))
        ending = _Ending(keyed=keyed, marked=marked, tagged=tagged)

        with m.FSM():
            with m.State("KEY"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    m.d.sync += [Cat(k).eq(word) for k, word in zip(keys, self._words, strict=True)]
                    if p.function == "both":
                        m.d.sync += decrypt.eq(self.decrypt)
                    m.next = "NONCE"
            with m.State("NONCE"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    for share, state in enumerate(states):
                        initial = Const(AEAD_IV if share == 0 else 0, WORD)
                        m.d.sync += Cat(state).eq(Cat(initial, *keys[share], self._words[share]))
                    m.d.sync += [keyed.eq(1), marked.eq(self.in_last), tagged.eq(0)]
                    m.next = "PERMUTE"
            with m.State("DATA"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    m.d.sync += [rate.eq(word) for rate, word in zip(rates, with_data, strict=True)]
                    m.d.sync += [number.eq(p.skipped_cycles), keyed.eq(0), marked.eq(self.in_last)]
                    m.next = "PERMUTE"
            with m.State("TEXT"):
                m.d.comb += self.in_ready.eq(1)
                with m.If(accept):
                    m.d.sync += [word.eq(text) for word, text in zip(answers, texts, strict=True)]
                    m.d.sync += valid.eq(1)
                    m.d.sync += [rate.eq(word) for rate, word in zip(rates, with_text, strict=True)]
                    m.d.sync += [number.eq(p.skipped_cycles), keyed.eq(0), marked.eq(0)]
                    with m.If(self.in_last):
                        for state, key in zip(states, keys, strict=True):
                            m.d.sync += state[2].eq(state[2] ^ key[0])
                            m.d.sync += state[3].eq(state[3] ^ key[1])
                        m.d.sync += [number.eq(0), keyed.eq(1), tagged.eq(1)]
                    m.next = "PERMUTE"
            with m.State("PERMUTE"):
                self._permute(m, states, number, keys, ending, answers, valid)

    def _exchanged(
        self, m: Module, rates: Sequence[Value], padded: tuple[Value, Value], decrypt: Value
    ) -> tuple[list[Signal], list[Value], list[Value]]:
        """The text that a word of text gives, and the rate with a word of data or of text in it.

        Each in all shares; padding enters share 0.
        """
        mask, padding = padded
        texts = [Signal(128, name=name) for name in share_names("other", len(rates))]
        with_data, with_text = [], []
        for share, (rate, word, text) in enumerate(zip(rates, self._words, texts, strict=True)):
            given = word & mask
            m.d.comb += text.eq(rate & mask ^ given)
            data, plain = rate ^ given, rate ^ Mux(decrypt, text, given)
            with_data.append(data ^ padding if share == 0 else data)
            with_text.append(plain ^ padding if share == 0 else plain)
        return texts, with_data, with_text

    def _permute(
        self,
        m: Module,
        states: Sequence[list[Signal]],
        number: Signal,
        keys: Sequence[list[Signal]],
        ending: _Ending,
        answers: Sequence[Signal],
        valid: Signal,
    ) -> None:
        """The state PERMUTE of AEAD: some rounds, and at the last of them what `ending` states."""
        afters, done = self._rounds(m, states, number)
        mixed = []
        for state, after, key in zip(states, afters, keys, strict=True):
            mixed.append(Cat(after[3:]) ^ Mux(done & ending.keyed, Cat(key), 0))
            m.d.sync += Cat(state).eq(Cat(after[:3], mixed[-1]))
        with m.If(done):
            text = Signal(name="text_follows")
            with m.If(ending.marked):
                m.d.sync += states[0][4][-1].eq(~mixed[0][-1])
            with m.If(ending.tagged):
                m.d.sync += [word.eq(tag) for word, tag in zip(answers, mixed, strict=True)]
                m.d.sync += valid.eq(1)
                m.next = "KEY"
            with m.Elif(text | ending.marked):
                m.next = "TEXT"
            with m.Else():
                m.next = "DATA"
            m.d.sync += text.eq((text | ending.marked) & ~ending.tagged)

    def _rounds(
        self, m: Module, states: Sequence[list[Signal]], number: Signal
    ) -> tuple[list[list[Value]], Value]:
        """The state's shares after some rounds in this cycle, and whether they are the last.

        `number` counts cycles and ends at 0; a permutation of 8 rounds starts it further on.
        """
        p = self.parameters
        done = number == p.long_cycles - 1
        m.d.sync += number.eq(Mux(done, 0, number + 1))
        if p.shares > 1:
            afters, is_used = half_round(m, states, number, done, self.random, self.cross_products)
            m.d.comb += self.random_used.eq(is_used)
            return afters, done
        after: list[Value] = list(states[0])
        for n in range(p.rounds_per_cycle):
            constants = [round_constant(i) for i in range(n, LONG, p.rounds_per_cycle)]
            after = one_round(m, after, Array(constants)[number], f"round_{n}")
        return [after], done


def _names(name: str, count: int, share: int, shares: int) -> list[str]:
    """The names of the words of a share."""
    return [share_name(f"{name}{n}", share, shares) for n in range(count)]
