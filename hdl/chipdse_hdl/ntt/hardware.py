"""The hardware of `ntt`: butterflies between banks of memory, layer after layer."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from chipdse_hdl.gates.arithmetic import lanes, named
from chipdse_hdl.ntt.arithmetic import barrett, below, difference, half, montgomery
from chipdse_hdl.ntt.banks import Access, address, banks
from chipdse_hdl.ntt.parameters import NttParameters
from chipdse_hdl.ntt.schemes import ADDRESS_BITS


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
        width = 2 * p.butterflies * p.ring.bits
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
        place = group[: exact_log2(p.groups)]
        flight = [Access(enable=run & reads, bit=bit, place=place)]
        for stage in range(p.flight_cycles):
            flight.append(flight[-1].later(m, stage))
        results = [Signal(p.ring.bits, name=f"result_{n}") for n in range(2 * p.butterflies)]
        bank_words = banks(
            m,
            p.lane_bits,
            read=Access(enable=reads, bit=bit, place=place),
            arriving=flight[1],
            write=Access(
                enable=load | flight[-1].enable,
                bit=Mux(load, 0, flight[-1].bit),
                place=Mux(load, place, flight[-1].place),
            ),
            data=results,
        )
        results_of_pairs = []
        for n in range(p.butterflies):
            zeta = self._zeta(m, n, bit, place, inverted)
            results_of_pairs += self._butterfly(
                m, n, bank_words[2 * n], bank_words[2 * n + 1], zeta, inverted
            )
        words = lanes(self.in_data, p.ring.bits)
        for result, word, value in zip(results, words, results_of_pairs, strict=True):
            m.d.comb += result.eq(Mux(load, word, value))
        leaves = Signal(name="leaves")
        m.d.sync += leaves.eq(reads & ~run)
        m.d.comb += [self.out_data.eq(Cat(bank_words)), self.out_valid.eq(leaves)]
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
        p, first, last = self.parameters, ADDRESS_BITS - 1, self.parameters.ring.last_bit
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

    def _zeta(self, m: Module, n: int, bit: Value, place: Value, inverted: Value) -> Signal:
        """The factor of butterfly `n`, in a register: it meets what is read in the same cycle."""
        p = self.parameters
        table = p.ring.zetas
        if p.reduction == "montgomery":
            table = [zeta << 2 * p.ring.digit_bits for zeta in table]
        index = Signal(range(len(table)), name=f"index_{n}")
        with m.Switch(bit):
            for case in range(p.ring.last_bit, ADDRESS_BITS):
                with m.Case(case):
                    above = Cat(address(Const(2 * n, p.lane_bits), case, place)[case + 1 :])
                    block = Mux(inverted, ~above, above)[: len(above)]
                    m.d.comb += index.eq(Cat(block, Const(1, 1)))
        zeta = Signal(p.ring.bits, name=f"zeta_{n}", reset_less=True)
        m.d.sync += zeta.eq(Array(value % p.ring.modulus for value in table)[index])
        return zeta

    def _butterfly(
        self, m: Module, n: int, a: Value, b: Value, zeta: Value, inverted: Value
    ) -> list[Value]:
        """Both results; the inverse halves them, which in the end divides by the size."""
        p, q = self.parameters, self.parameters.ring.modulus
        reduce = montgomery if p.reduction == "montgomery" else barrett
        factor = b if not p.inverse else Mux(inverted, difference(m, b, a, q), b)
        operands = [a, b] if p.inverse else [a]
        [product, *operands] = self._stage(m, n, 1, [zeta * factor, *operands])
        reduced = named(m, reduce(m, product, p.ring), f"reduced_{n}")
        [reduced, *operands] = self._stage(m, n, 2, [reduced, *operands])
        rest = difference(m, operands[0], reduced, q)
        if not p.inverse:
            return [below(m, operands[0] + reduced, q), rest]
        total = below(m, operands[0] + Mux(inverted, operands[1], reduced), q)
        total = named(m, total, f"total_{n}")
        return [
            Mux(inverted, half(total, q), total),
            Mux(inverted, half(reduced, q), rest),
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
