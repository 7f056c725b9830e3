"""The hardware of `multiplier`: partial products, a tree and an adder, between registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.adder.structures import add
from chipdse_hdl.gates.arithmetic import Flow
from chipdse_hdl.gates.compression import Row, and_rows, booth_rows, compress, dense, with_constant
from chipdse_hdl.gates.network import Network
from chipdse_hdl.multiplier.parameters import MultiplierParameters


class Multiplier(wiring.Component):
    """Multiplies two words.

    Ports
    -----
    a, b : In(bits)                operands
    valid : In(1)                  they are to be multiplied
    product : Out(product_bits)    2 * bits, less those truncated
    product_valid : Out(1)         high for one cycle for each `valid`; `product` counts then only

    Numbers are two's complement if `signed`. All ports are plain words. Inputs go straight to
    registers (with `gating` zero, `a` and `b` also to a detector of zeros that decides whether
    they load); `product` comes from registers (then with a gate behind). Reset reaches
    `product_valid` and what leads to it.

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; one product per cycle.
    """

    a: Signal
    b: Signal
    valid: Signal
    product: Signal
    product_valid: Signal

    def __init__(self, parameters: MultiplierParameters) -> None:
        self.parameters = p = parameters
        ports = {"a": In(p.bits), "b": In(p.bits), "valid": In(1)}
        super().__init__({**ports, "product": Out(p.product_bits), "product_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        stages = 2 + p.pipeline_stages
        flow = Flow(m, self.valid, stages, hold=p.gating == "idle")
        m.d.comb += self.product_valid.eq(flow.valid[-1])
        loads = flow
        if p.gating == "zero":
            counts = self.valid & self.a.any() & self.b.any()
            loads = Flow(m, counts, stages, hold=True, name="nonzero")
        a = loads.register(self.a, 0, "a_in")
        b = loads.register(self.b, 0, "b_in")
        product = loads.register(self._multiply(m, a, b, loads.enables[1:-1]), -1, "result")
        # A product with a zero left the last one where it was.
        shown = Mux(loads.valid[-1], product, 0) if p.gating == "zero" else product
        m.d.comb += self.product.eq(shown)
        return m

    def _multiply(self, m: Module, a: Signal, b: Signal, enables: list[Value | None]) -> Value:
        p = self.parameters
        if p.structure == "operator":
            exact = a.as_signed() * b.as_signed() if p.signed else a * b
            return exact.as_unsigned()[: p.product_bits]
        network = Network()
        rows = product_rows(p, network, network.inputs("a", p.bits), network.inputs("b", p.bits))
        first, second = dense(rows, p.product_bits)
        total = add(network, p.adder, first, second)[: p.product_bits]
        return Cat(network.build(m, {"a": a, "b": b}, total, enables))


def product_rows(
    p: MultiplierParameters, network: Network, a: list[int], b: list[int]
) -> list[Row]:
    """Two rows that add up to the product without its truncated places, from place 0 on."""
    make = booth_rows if p.recoding == "booth" else and_rows
    rows, constant = make(network, a, b, p.signed)
    cut = p.truncated_bits
    rows = [{place - cut: bit for place, bit in row.items() if place >= cut} for row in rows]
    constant = (constant >> cut) + p.correction
    full = with_constant(rows, constant, p.product_bits)
    return compress(network, p.structure, full, p.product_bits)
