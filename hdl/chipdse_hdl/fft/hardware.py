"""The hardware of `fft`: butterflies with delay lines, and rotations behind them."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from chipdse_hdl.fft.parameters import FftParameters
from chipdse_hdl.fft.stages import Stage, twiddles

Complex = tuple[Signal, Signal]


class Fft(wiring.Component):
    """The transform.

    Ports
    -----
    x_re, x_im : In(data_bits)      a sample
    x_valid : In(1)                 accept it; while low, everything stands still
    y_re, y_im : Out(output_bits)   a result
    y_valid : Out(1)                high for one cycle for each result
    y_first : Out(1)                with `y_valid`: the result is a block's first

    Numbers are two's complement. All ports are plain words. Inputs go straight to registers,
    outputs come from registers. The first sample after reset is the first of a block. Results
    need the samples that follow to push them out.

    Timing
    ------
    The cycle after the ``latency_samples``-th sample behind a block's first has its first result,
    bit-reversed: frequencies 0, points / 2, ... One sample and one result per cycle.
    """

    x_re: Signal
    x_im: Signal
    x_valid: Signal
    y_re: Signal
    y_im: Signal
    y_valid: Signal
    y_first: Signal

    def __init__(self, parameters: FftParameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "x_re": In(p.data_bits),
                "x_im": In(p.data_bits),
                "x_valid": In(1),
                "y_re": Out(p.output_bits),
                "y_im": Out(p.output_bits),
                "y_valid": Out(1),
                "y_first": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        inputs = (self.x_re.as_signed(), self.x_im.as_signed())
        sample = self._registered(m, inputs, p.stages[0].in_bits, "x")
        late = 1  # samples since the one at the port
        for number, stage in enumerate(p.stages):
            sample = self._butterfly(m, stage, sample, late, number)
            late += stage.delay
            if p.pipeline_stages and stage.multiplies:
                sample = self._registered(m, sample, stage.bits, f"sum_{number}")
                late += 1
            sample = self._rotated(m, stage, sample, late, number)
            sample = self._registered(m, sample, stage.bits, f"turned_{number}")
            late += 1
        before = Signal(range(late), init=late - 1)  # samples until the first result
        with m.If(self.x_valid & (before != 0)):
            m.d.sync += before.eq(before - 1)
        leaves = self.x_valid & (before == 0)
        place = self._counter(m, p.points, late - 1, "place")
        m.d.sync += [self.y_valid.eq(leaves), self.y_first.eq(leaves & (place == 0))]
        m.d.comb += [self.y_re.eq(sample[0]), self.y_im.eq(sample[1])]
        return m

    def _counter(self, m: Module, count: int, late: int, name: str) -> Signal:
        """The place in its block of the sample that is `late` samples behind the port's."""
        place = Signal(range(count), name=name, init=-late % count)
        with m.If(self.x_valid):
            m.d.sync += place.eq(place + 1)
        return place

    def _registered(self, m: Module, value: tuple[Value, ...], bits: int, name: str) -> Complex:
        registers = tuple(
            Signal(signed(bits), name=f"{name}_{part}", reset_less=True) for part in ("re", "im")
        )
        with m.If(self.x_valid):
            m.d.sync += [r.eq(v) for r, v in zip(registers, value, strict=True)]
        return registers

    def _butterfly(
        self, m: Module, stage: Stage, sample: Complex, late: int, number: int
    ) -> Complex:
        """Sums of partners while the second half of a block comes, then their differences."""
        place = self._counter(m, 2 * stage.delay, late, f"place_{number}")
        outputs = []
        for part, x in zip(("re", "im"), sample, strict=True):
            name = f"{part}_{number}"
            line_in = Signal(signed(stage.bits), name=f"line_in_{name}")
            old = self._delay(m, stage, line_in, number, name)
            together = Signal(signed(stage.bits), name=f"sum_{name}")
            apart = Signal(signed(stage.bits), name=f"difference_{name}")
            out = Signal(signed(stage.bits), name=f"out_{name}")
            sums = (old + x, old - x)
            if stage.growth_bits == 0:
                sums = ((sums[0] + 1) >> 1, (sums[1] + 1) >> 1)
            m.d.comb += [
                together.eq(sums[0]),
                apart.eq(sums[1]),
                line_in.eq(Mux(place[-1], apart, x)),
                out.eq(Mux(place[-1], together, old)),
            ]
            outputs.append(out)
        return outputs[0], outputs[1]

    def _delay(self, m: Module, stage: Stage, value: Signal, number: int, name: str) -> Value:
        """`value`, `stage.delay` samples later."""
        if self.parameters.delay_lines == "shift" or stage.delay < 4:
            for place in range(stage.delay):
                register = Signal.like(value, name=f"line_{name}_{place}", reset_less=True)
                with m.If(self.x_valid):
                    m.d.sync += register.eq(value)
                value = register
            return value
        m.submodules[f"line_{name}"] = line = Memory(shape=stage.bits, depth=stage.delay, init=[])
        write, read = line.write_port(), line.read_port()
        # The oldest sample gives its place to the newest. It was read with the one before, so that
        # a register stands between the memory and the butterfly.
        place = self._counter(m, stage.delay, 0, f"pointer_{name}")
        m.d.comb += [
            read.addr.eq(place + 1),
            read.en.eq(self.x_valid),
            write.addr.eq(place),
            write.data.eq(value),
            write.en.eq(self.x_valid),
        ]
        return read.data.as_signed()

    def _rotated(
        self, m: Module, stage: Stage, sample: Complex, late: int, number: int
    ) -> tuple[Value, ...]:
        """The sample times its place's rotation."""
        if not any(stage.turns):
            return sample
        p = self.parameters
        place = self._counter(m, stage.block, late, f"turn_{number}")
        re, im = sample
        if not stage.multiplies:
            quarter = place >= 3 * stage.block // 4
            return Mux(quarter, im, re), Mux(quarter, -re, im)
        c = Signal(signed(p.twiddle_bits), name=f"cosine_{number}")
        s = Signal(signed(p.twiddle_bits), name=f"sine_{number}")
        with m.Switch(place):
            for index, (cosine, sine) in enumerate(twiddles(stage, p.twiddle_bits).T.tolist()):
                with m.Case(index):
                    m.d.comb += [c.eq(cosine), s.eq(sine)]
        shift = p.twiddle_bits - 2
        half = 1 << (shift - 1)
        return (re * c - im * s + half) >> shift, (re * s + im * c + half) >> shift
