"""The hardware of `dot_product`: a multiplier in each lane, and their sum."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.dot_product.float_sum import Term, binary32, sum_of_terms, term_of
from chipdse_hdl.dot_product.formats import FloatFormat
from chipdse_hdl.dot_product.parameters import DotProductParameters
from chipdse_hdl.gates.arithmetic import Flow, delayed, lanes


class DotProduct(wiring.Component):
    """Multiplies two vectors.

    Ports
    -----
    a, b : In(lanes * operand_bits)   vectors, the first element in the low bits
    valid : In(1)                     they are to be multiplied
    result : Out(result_bits)         the sum of the products: two's complement, or binary32
    result_valid : Out(1)             high for one cycle for each `valid`; `result` counts then only

    All ports are plain words. Inputs go straight to registers (with `gating` zero also to
    detectors of zeros), outputs come from registers. Reset reaches `result_valid` and what leads
    to it.

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; one vector per cycle.
    """

    a: Signal
    b: Signal
    valid: Signal
    result: Signal
    result_valid: Signal

    def __init__(self, parameters: DotProductParameters) -> None:
        self.parameters = p = parameters
        width = p.lanes * p.operand_bits
        ports = {"a": In(width), "b": In(width), "valid": In(1)}
        super().__init__({**ports, "result": Out(p.result_bits), "result_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        flow = Flow(m, self.valid, 2 + p.pipeline_stages, hold=p.gating != "none")
        m.d.comb += self.result_valid.eq(flow.valid[-1])
        words = zip(*(lanes(word, p.operand_bits) for word in (self.a, self.b)), strict=True)
        products = [self._lane(m, *pair, flow, lane) for lane, pair in enumerate(words)]
        if p.form is None:
            total = sum(term.product for term in products)
            result = total.as_unsigned()[: p.result_bits]
        else:
            result = self._float_result(m, p.form, products, flow)
        m.d.comb += self.result.eq(flow.register(result, -1, "result_out"))
        return m

    def _lane(self, m: Module, a: Value, b: Value, flow: Flow, lane: int) -> Term:
        """One product; with `gating` zero its registers stand still for zeros, which it becomes."""
        p = self.parameters
        enable, counts = flow.enables[0], None
        if p.gating == "zero":
            counts = Signal(name=f"counts_{lane}")
            enable = Signal(name=f"loads_{lane}")
            m.d.comb += [counts.eq(_matters(p.form, a, b)), enable.eq(self.valid & counts)]
            counts = delayed(m, counts, 1, f"counted_{lane}", enable=flow.enables[0])
        a = delayed(m, a, 1, f"a_{lane}", enable=enable)
        b = delayed(m, b, 1, f"b_{lane}", enable=enable)
        term = term_of(m, p.form, a, b, lane)
        if p.pipeline_stages:
            enable = flow.enables[1]
            if counts is not None:
                enable = enable & counts
                counts = delayed(m, counts, 1, f"counted_product_{lane}", enable=flow.enables[1])
            term = term.map(lambda x, name: delayed(m, x, 1, f"{name}_{lane}", enable=enable))
        return term if counts is None else term.map(lambda x, name: Mux(counts, x, 0))

    def _float_result(
        self, m: Module, form: FloatFormat, products: list[Term], flow: Flow
    ) -> Value:
        p = self.parameters
        total = sum_of_terms(m, products, 2 * form.significand_bits, p.guard_bits)
        if p.pipeline_stages == 2:
            total = total.map(lambda x, name: flow.register(x, 2, f"{name}_registered"))
        lowest = 127 - 2 * form.bias - 2 * form.fraction_bits - p.guard_bits
        return binary32(m, total, lowest)


def _matters(form: FloatFormat | None, a: Value, b: Value) -> Value:
    """Whether a product can be anything but 0: neither is 0, or one may be no number."""
    if form is None:
        return a.any() & b.any()
    sizes = [x[:-1] for x in (a, b)]
    special = [size[form.fraction_bits :].all() for size in sizes]
    return (sizes[0].any() & sizes[1].any()) | special[0] | special[1]
