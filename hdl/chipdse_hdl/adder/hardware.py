"""The hardware of `adder`: a structure of gates between registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.adder.parameters import AdderParameters
from chipdse_hdl.adder.structures import add
from chipdse_hdl.gates.arithmetic import Flow
from chipdse_hdl.gates.network import Network


class Adder(wiring.Component):
    """Adds two words and a carry.

    Ports
    -----
    a, b : In(bits)       operands
    carry : In(1)         added in the lowest place
    valid : In(1)         `a`, `b` and `carry` are to be added
    sum : Out(bits + 1)   the sum, with the carry out on top
    sum_valid : Out(1)    high for one cycle for each `valid`; `sum` counts then and only then

    All ports are plain words; the sum is that of numbers without a sign, and its low `bits` also
    that of two's complement. Inputs go straight to registers, outputs come from registers. Reset
    reaches `sum_valid` and what leads to it.

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; one addition per cycle.
    """

    a: Signal
    b: Signal
    carry: Signal
    valid: Signal
    sum: Signal
    sum_valid: Signal

    def __init__(self, parameters: AdderParameters) -> None:
        self.parameters = p = parameters
        ports = {"a": In(p.bits), "b": In(p.bits), "carry": In(1), "valid": In(1)}
        super().__init__({**ports, "sum": Out(p.sum_bits), "sum_valid": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        flow = Flow(m, self.valid, 2 + p.pipeline_stages, hold=p.gating == "idle")
        m.d.comb += self.sum_valid.eq(flow.valid[-1])
        a = flow.register(self.a, 0, "a_in")
        b = flow.register(self.b, 0, "b_in")
        carry = flow.register(self.carry, 0, "carry_in")
        if p.structure == "operator":
            total = (a + b + carry)[: p.sum_bits]
        else:
            network = Network()
            ports = {"a": a, "b": b, "carry": carry}
            bits = [network.inputs(name, len(word)) for name, word in ports.items()]
            outputs = add(network, p.structure, bits[0], bits[1], bits[2][0], p.group_bits)
            total = Cat(network.build(m, ports, outputs, flow.enables[1:-1]))
        m.d.comb += self.sum.eq(flow.register(total, -1, "total"))
        return m
