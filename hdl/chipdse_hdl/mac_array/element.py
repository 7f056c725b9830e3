"""One element of the systolic multiplier `mac_array`: a multiplier and a sum."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.gates.arithmetic import delayed, lanes, pipelined_product, when
from chipdse_hdl.gates.compression import booth_rows, compress, dense, with_constant
from chipdse_hdl.gates.network import Network
from chipdse_hdl.mac_array.parameters import MacArrayParameters

# What an element does with the product in front of it; moves right, in step with A.
COMMAND = data.StructLayout(
    {
        "accumulate": 1,  # add the product to the sum
        "first": 1,  # ... and start a new sum with it
        "drain": 1,  # overlapped: the sum is complete, pass it on; else: take the right one's
    }
)


class Element(wiring.Component):
    """One multiplier and one sum.

    Ports
    -----
    All numbers are plain words: signed ports would need care in every tool downstream.
    a, b : In        operands, from the left and from above
    a_next, b_next : Out   the same one cycle later, to the right and below
    a_counts, b_counts, ..._next : gated only: the operand is new and not zero; else it is to be
        taken for zero, and stays what it was
    command : In     for the product of the operands `product_latency_cycles` ago
    command_next : Out     the same one cycle later, to the right
    result : Out     to the left; of a carry-save sum both words
    result_next : In       the right neighbour's `result`
    result_moves, result_moves_next : gated and overlapped only: `result` is new
    """

    def __init__(self, parameters: MacArrayParameters) -> None:
        self.parameters = p = parameters
        result = p.accumulator_bits * (2 if p.carry_save else 1)
        ports = {
            "a": In(p.operand_bits),
            "b": In(p.operand_bits),
            "a_next": Out(p.operand_bits),
            "b_next": Out(p.operand_bits),
            "command": In(COMMAND),
            "command_next": Out(COMMAND),
            "result": Out(result),
            "result_next": In(result),
        }
        if p.gated:
            ports |= {"a_counts": In(1), "a_counts_next": Out(1)}
            ports |= {"b_counts": In(1), "b_counts_next": Out(1)}
            if p.overlapped_drain:
                ports |= {"result_moves": Out(1), "result_moves_next": In(1)}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        m.d.comb += self.command_next.eq(delayed(m, self.command, 1, "command_passed"))
        for side in ("a", "b"):
            operand, counts = getattr(self, side), None
            if p.gated:
                counts = getattr(self, f"{side}_counts")
                passed = delayed(m, counts, 1, f"{side}_counts_passed")
                m.d.comb += getattr(self, f"{side}_counts_next").eq(passed)
            passed = delayed(m, operand, 1, f"{side}_passed", enable=counts)
            m.d.comb += getattr(self, f"{side}_next").eq(passed)

        words, counts = self._product(m)
        accumulator = Signal.like(self.result, name="accumulator", reset_less=True)
        total = Signal.like(self.result, name="total")
        partial_sum = Mux(self.command.first, 0, accumulator)
        m.d.comb += total.eq(self._sum(m, partial_sum, words))
        # A sum to which nothing is added stays; a new one must become zero.
        adds = self.command.accumulate
        if counts is not None:
            adds &= self.command.first | counts
        with m.If(adds):
            m.d.sync += accumulator.eq(total)
        if p.overlapped_drain:
            m.d.comb += self.result.eq(self._leaving(m, total))
        else:
            with m.Elif(self.command.drain):
                m.d.sync += accumulator.eq(self.result_next)
            m.d.comb += self.result.eq(accumulator)
        return m

    def _product(self, m: Module) -> tuple[list[Value], Value | None]:
        """The product, as one word or two, and whether it counts; words that do not are zero."""
        p = self.parameters
        a, b, counts = self.a, self.b, None
        enables: list[Value | None] = [None] * p.pipeline_stages
        if p.gated:
            counts = Signal(name="counts")
            m.d.comb += counts.eq(self.a_counts & self.b_counts)
            if p.gating == "isolate":
                a, b = (
                    delayed(m, x, 1, f"{name}_held", enable=counts)
                    for name, x in (("a", a), ("b", b))
                )
                counts = delayed(m, counts, 1, "counts_held")
            for stage in range(p.pipeline_stages):
                enables[stage] = counts
                counts = delayed(m, counts, 1, f"counts_{stage}")
        if p.carry_save:
            words = self._two_words(m, a, b, enables)
        else:
            a, b = (lanes(word, p.operand_bits, p.signed)[0] for word in (a, b))
            words = [pipelined_product(m, a, b, p.pipeline_stages, enables)]
        return ([Mux(counts, word, 0) for word in words] if p.gated else words), counts

    def _two_words(self, m: Module, a: Value, b: Value, enables: list[Value | None]) -> list[Value]:
        """Two words that add up to the product, as wide as the sum.

        Their sum would carry out of a product's width, so the sign is spread over all of it.
        """
        p = self.parameters
        network = Network()
        words = network.inputs("a", p.operand_bits), network.inputs("b", p.operand_bits)
        rows, constant = booth_rows(network, *words, p.signed)
        full = with_constant(rows, constant, p.accumulator_bits)
        two = dense(compress(network, "dadda", full, p.accumulator_bits), p.accumulator_bits)
        values = Cat(network.build(m, {"a": a, "b": b}, two[0] + two[1], enables[:-1]))
        if enables:
            values = delayed(m, values, 1, "product", enable=enables[-1])
        return lanes(values, p.accumulator_bits)

    def _sum(self, m: Module, partial_sum: Value, words: list[Value]) -> Value:
        """Sum so far and product: one word, or two that no carry runs through."""
        p = self.parameters
        if not p.carry_save:
            return partial_sum + words[0]
        for word in words:
            first, second = lanes(partial_sum, p.accumulator_bits)
            carries = (first & second) | (word & (first ^ second))
            partial_sum = Cat(first ^ second ^ word, 0, carries[: p.accumulator_bits - 1])
        return partial_sum

    def _leaving(self, m: Module, total: Value) -> Value:
        """The register of a result on its way to the left."""
        leaving = Signal.like(self.result, name="leaving", reset_less=True)
        moves = None
        if self.parameters.gated:
            moves = self.command.drain | self.result_moves_next
            m.d.comb += self.result_moves.eq(delayed(m, moves, 1, "moves_passed"))
        with when(m, moves):
            m.d.sync += leaving.eq(Mux(self.command.drain, total, self.result_next))
        return leaving
