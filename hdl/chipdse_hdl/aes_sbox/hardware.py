"""The hardware of `aes_sbox`: S-boxes between registers, and the linear rest of a round."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.aes_sbox.masked import MaskedSbox
from chipdse_hdl.aes_sbox.parameters import SBOX_RANDOM_BITS, AesSboxParameters
from chipdse_hdl.aes_sbox.sbox import SBOX
from chipdse_hdl.aes_sbox.tower import composite_sbox
from chipdse_hdl.gates.arithmetic import Flow, lanes, named
from chipdse_hdl.shares import RANDOM, share_name, share_names


class AesSbox(wiring.Component):
    """Adds a key to a word and substitutes its bytes; a round also shifts rows and mixes columns.

    Ports
    -----
    text, key : In(8 * bytes)   the word and the key, first byte in the low bits
    valid : In(1)               both count
    out : Out(8 * bytes)        the result
    out_valid : Out(1)          high for one cycle for each `valid`; `out` counts only then

    With two shares text, key and out are two ports each, ``text_share_0`` and so on, whose XOR is
    the word, and there is besides:

    random : In(random_bits)    fresh random bits, new in every cycle

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; one word per cycle.
    """

    masked_sbox = MaskedSbox

    out_valid: Value
    valid: Value

    def __init__(self, parameters: AesSboxParameters) -> None:
        self.parameters = p = parameters
        bits = 8 * p.bytes
        ports = {
            **{name: In(bits) for name in share_names("text", p.shares)},
            **{name: In(bits) for name in share_names("key", p.shares)},
            "valid": In(1),
            **{name: Out(bits) for name in share_names("out", p.shares)},
            "out_valid": Out(1),
        }
        if p.random_bits:
            ports[RANDOM] = In(p.random_bits)
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        flow = Flow(m, self.valid, p.latency_cycles, hold=True)
        states = []
        for share in range(p.shares):
            text, key = (getattr(self, share_name(n, share, p.shares)) for n in ("text", "key"))
            states.append(flow.register(text ^ key, 0, share_name("state", share, p.shares)))
        if p.shares == 1:
            boxes = [[self._sbox(m, byte, n) for n, byte in enumerate(lanes(states[0], 8))]]
        else:
            boxes = self._masked(m, states, flow.valid[0])
        for share, substituted in enumerate(boxes):
            after = substituted
            if p.unit == "round":
                after = _mix_columns(m, _shift_rows(after), share_name("mixed", share, p.shares))
            result = flow.register(
                Cat(after), p.latency_cycles - 1, share_name("result", share, p.shares)
            )
            m.d.comb += getattr(self, share_name("out", share, p.shares)).eq(result)
        m.d.comb += self.out_valid.eq(flow.valid[-1])
        return m

    def _sbox(self, m: Module, byte: Value, number: int) -> Value:
        if self.parameters.structure == "table":
            value = Array(SBOX)[byte]
        else:
            value = composite_sbox(m, byte, f"sbox_{number}")
        return named(m, value, f"substituted_{number}")

    def _masked(self, m: Module, states: Sequence[Value], valid: Value) -> list[list[Value]]:
        """The substituted bytes of each share."""
        results: list[list[Value]] = [[], []]
        for number in range(self.parameters.bytes):
            m.submodules[f"sbox_{number}"] = box = self.masked_sbox()
            m.d.comb += [
                box.valid.eq(valid),
                box.random.eq(getattr(self, RANDOM).word_select(number, SBOX_RANDOM_BITS)),
            ]
            for share, state in enumerate(states):
                byte = getattr(box, share_name("byte", share, 2))
                m.d.comb += byte.eq(state.word_select(number, 8))
                results[share].append(getattr(box, share_name("out", share, 2)))
        return results


def _shift_rows(state: Sequence[Value]) -> list[Value]:
    """ShiftRows: FIPS 197, section 5.1.2."""
    return [state[(n + 4 * (n % 4)) % 16] for n in range(16)]


def _mix_columns(m: Module, state: Sequence[Value], name: str) -> list[Value]:
    """MixColumns: FIPS 197, section 5.1.3."""
    doubled = []
    for value in state:
        high = value[7]
        doubled.append(
            Cat(high, value[0] ^ high, value[1], value[2] ^ high, value[3] ^ high, value[4:7])
        )
    result = []
    for start in range(0, 16, 4):
        for n in range(4):
            a, b, c, d = (start + (n + k) % 4 for k in range(4))
            mixed = doubled[a] ^ doubled[b] ^ state[b] ^ state[c] ^ state[d]
            result.append(named(m, mixed, f"{name}_{start + n}"))
    return result
