"""The hardware of `fir`: direct, transposed and folded."""

from __future__ import annotations

import operator
from functools import reduce

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from chipdse_hdl.fir.parameters import FirParameters
from chipdse_hdl.gates.arithmetic import Flow, delayed, lanes, pipelined_product, when
from chipdse_hdl.workloads.signals import low_pass


class Fir(wiring.Component):
    """The filter.

    Ports
    -----
    x : In(samples_per_cycle * data_bits)     samples, the earliest in the low bits
    x_valid : In(1)    accept them; while low, the filter stands still
    y : Out(samples_per_cycle * output_bits)  one output per sample, in the same order
    y_valid : Out(1)   high for one cycle for each `x_valid`; `y` holds in between
    coefficient : In(coefficient_bits)        loadable only
    load : In(1)       loadable only: accept a coefficient, h[0] first; `taps` of them fill the
                       filter. Load before the first sample, or reset afterwards
    x_ready : Out(1)   folded only: low for folding - 1 cycles after a sample; while it is low,
                       none is accepted

    Numbers are two's complement. All ports are plain words. Inputs go straight to registers,
    outputs come from registers. Reset forgets the samples so far and keeps the coefficients.

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; `samples_per_cycle` samples per cycle,
    folded one in `folding` cycles.
    """

    x: Signal
    x_valid: Signal
    y: Signal
    y_valid: Signal

    def __init__(self, parameters: FirParameters) -> None:
        self.parameters = p = parameters
        ports = {
            "x": In(p.samples_per_cycle * p.data_bits),
            "x_valid": In(1),
            "y": Out(p.samples_per_cycle * p.output_bits),
            "y_valid": Out(1),
        }
        if p.coefficients == "loadable":
            ports |= {"coefficient": In(p.coefficient_bits), "load": In(1)}
        if p.folding > 1:
            ports |= {"x_ready": Out(1)}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        coefficients = self._coefficients(m)
        if p.folding > 1:
            return self._folded(m, coefficients)
        valid = [Signal(name=f"valid_{stage}") for stage in range(1 + p.pipeline_stages)]
        for earlier, later in zip([self.x_valid, *valid], [*valid, self.y_valid], strict=True):
            m.d.sync += later.eq(earlier)

        self._enables = [*valid[:-1]] if p.gating == "idle" else [None] * p.pipeline_stages
        form = self._direct if p.form == "direct" else self._transposed
        sums = []
        for lane, total in enumerate(form(m, coefficients, valid[-1])):
            sums.append(Signal(signed(p.output_bits), name=f"sum_{lane}"))
            m.d.comb += sums[-1].eq(total)
        held = Signal.like(self.y, name="held", reset_less=True)
        # The sum of a delay line stands while the line does; partial sums move on at once.
        takes = valid[-1] if p.form == "transposed" or p.gating == "idle" else None
        with when(m, takes):
            m.d.sync += held.eq(Cat(sums))
        m.d.comb += self.y.eq(held)
        return m

    def _coefficients(self, m: Module) -> list[Value]:
        p = self.parameters
        shape = signed(p.coefficient_bits)
        if p.coefficients == "fixed":
            return [Const(int(h), shape) for h in low_pass(p.taps, p.coefficient_bits)]
        registers = [Signal(shape, name=f"h_{k}", reset_less=True) for k in range(p.taps)]
        with m.If(self.load):
            for register, source in zip(registers, [*registers[1:], self.coefficient], strict=True):
                m.d.sync += register.eq(source)
        return registers

    def _product(self, m: Module, x: Value, h: Value) -> Value:
        return pipelined_product(m, x, h, self.parameters.pipeline_stages, self._enables)

    def _direct(self, m: Module, coefficients: list[Value], valid: Value) -> list[Value]:
        """The sums of all products, from a delay line of samples."""
        p = self.parameters
        newest_first = lanes(self.x, p.data_bits, True)[::-1]
        # What the first word pushes out is never used: only the rest must start at 0.
        line = [
            Signal(signed(p.data_bits), name=f"x_{age}", reset_less=age >= p.taps - 1)
            for age in range(p.taps + p.samples_per_cycle - 1)
        ]
        with m.If(self.x_valid):
            for register, source in zip(line, newest_first + line, strict=False):
                m.d.sync += register.eq(source)
        sums = []
        for age in reversed(range(p.samples_per_cycle)):
            window = line[age : age + p.taps]
            products = [self._product(m, x, h) for x, h in zip(window, coefficients, strict=True)]
            sums.append(_tree(products))
        return sums

    def _folded(self, m: Module, coefficients: list[Value]) -> Module:
        """Each multiplier works through `folding` taps of the delay line, one per cycle."""
        p = self.parameters
        line = [
            Signal(signed(p.data_bits), name=f"x_{age}", reset_less=age >= p.taps - 1)
            for age in range(p.taps)
        ]
        tap = Signal(range(p.folding))  # whose turn it is
        busy = Signal()
        last = Signal()
        accept = Signal()
        m.d.comb += [
            last.eq(busy & (tap == p.folding - 1)),
            self.x_ready.eq(~busy | last),
            accept.eq(self.x_valid & self.x_ready),
        ]
        with m.If(accept):
            m.d.sync += [busy.eq(1), tap.eq(0)]
            for register, source in zip(line, [self.x.as_signed(), *line], strict=False):
                m.d.sync += register.eq(source)
        with m.Elif(busy):
            m.d.sync += [busy.eq(~last), tap.eq(tap + 1)]

        first = Signal()
        m.d.comb += first.eq(tap == 0)
        flow = Flow(m, busy, 1 + p.pipeline_stages, hold=p.gating == "idle", name="busy")
        self._enables = flow.enables[: p.pipeline_stages]
        turns = range(0, p.taps, p.folding)
        products = [
            self._product(
                m,
                _chosen(line[k : k + p.folding], tap),
                _chosen(coefficients[k : k + p.folding], tap),
            )
            for k in turns
        ]
        products_total = _tree(products)
        added = flow.register(products_total, -1, "products_total")
        marks = Cat(first, last)
        marks = delayed(m, marks, 1 + p.pipeline_stages, "marks")
        total = Signal(signed(p.output_bits), name="total", reset_less=True)
        new = Signal(signed(p.output_bits), name="new_total")
        m.d.comb += new.eq(Mux(marks[0], 0, total) + added)
        with when(m, flow.valid[-1] if p.gating == "idle" else None):
            m.d.sync += total.eq(new)
        held = Signal.like(self.y, name="held", reset_less=True)
        done = flow.valid[-1] & marks[1]
        with m.If(done):
            m.d.sync += held.eq(new)
        m.d.sync += self.y_valid.eq(done)
        m.d.comb += self.y.eq(held)
        return m

    def _transposed(self, m: Module, coefficients: list[Value], valid: Value) -> list[Value]:
        """The sums of the newest products and the oldest partial sums.

        For one sample: y = h[0] x + s[1], then s[k] = h[k] x + s[k + 1]. For several, that is
        done once for each, and what need not be stored is not.
        """
        p = self.parameters
        inputs = []
        for lane, sample in enumerate(lanes(self.x, p.data_bits, True)):
            register = Signal(signed(p.data_bits), name=f"x_{lane}", reset_less=True)
            with m.If(self.x_valid):
                m.d.sync += register.eq(sample)
            inputs.append(register)
        products = [[self._product(m, x, h) for h in coefficients] for x in inputs]
        # Partial sum k lacks the products of coefficients before k: what is there needs few bits.
        partial_sums: dict[int, Value] = {
            k: Signal(
                signed(p.data_bits + p.coefficient_bits + ceil_log2(p.taps - k)), name=f"s_{k}"
            )
            for k in range(1, p.taps)
        }

        def after(k: int, count: int) -> Value:
            """Partial sum k once `count` of the new samples are in."""
            terms = [
                products[i][k + count - 1 - i] for i in range(count) if k + count - 1 - i < p.taps
            ]
            if k + count in partial_sums:
                terms.append(partial_sums[k + count])
            return _tree(terms)

        with m.If(valid):
            for k, partial_sum in partial_sums.items():
                m.d.sync += partial_sum.eq(after(k, p.samples_per_cycle))
        return [after(0, lane + 1) for lane in range(p.samples_per_cycle)]


def _chosen(terms: list[Value], which: Value) -> Value:
    """The term whose turn it is; 0 where there is none."""
    chosen: Value = Const(0, terms[0].shape())
    for index, term in reversed([*enumerate(terms)]):
        chosen = Mux(which == index, term, chosen)
    return chosen


def _tree(terms: list[Value]) -> Value:
    """The sum of `terms` in a balanced tree."""
    while len(terms) > 1:
        terms = [reduce(operator.add, terms[i : i + 2]) for i in range(0, len(terms), 2)]
    return terms[0]
