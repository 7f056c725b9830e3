"""A streaming fast Fourier transform: one complex sample in and out a cycle, at any pace.

A chain of butterflies, each with a delay line that brings the two halves of a block together
(single-path delay feedback, decimation in frequency [1]_). Radix 2 rotates behind every
butterfly; radix 4, written 2**2, only behind every second one: in between, only by a quarter turn,
which needs no multiplier. Results leave in bit-reversed order.

References
----------
.. [1] S. He, M. Torkelson, "A new approach to pipeline FFT processor", Proc. IPPS, 766-770, 1996.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from chipdse_hdl.block import Block, Work, check_parameters, parameter, seed_parameter
from chipdse_hdl.fft.stages import Stage, chain, twiddles
from chipdse_hdl.workloads.operands import stream_cycles, valid_cycles


@dataclass(frozen=True, kw_only=True)
class FftParameters:
    """What can be chosen about the hardware."""

    points: int = parameter(16, "samples of a transform, a power of two", minimum=4, maximum=1024)
    radix: int = parameter(
        4, "2: a multiplier behind each butterfly; 4: behind every second", choices=(2, 4)
    )
    data_bits: int = parameter(10, "width of a part of a sample, signed", minimum=2, maximum=20)
    twiddle_bits: int = parameter(
        10, "width of a part of a rotation, whose 1 is 2**(twiddle_bits - 2)", minimum=4, maximum=20
    )
    scaling: str = parameter(
        "grow",
        "grow: each butterfly adds a bit; half: each halves its results, rounded, and the width "
        "stays",
        choices=("grow", "half"),
    )
    delay_lines: str = parameter(
        "shift",
        "shift: every sample moves in every cycle; memory: samples stay, a pointer moves (lines "
        "of 4 and more)",
        choices=("shift", "memory"),
    )
    pipeline_stages: int = parameter(
        0, "1: a register also between butterflies and multipliers", minimum=0, maximum=1
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.points & (self.points - 1):
            below = 1 << (self.points.bit_length() - 1)
            raise ValueError(
                f"points={self.points} is not a power of two; use {below} or {2 * below}"
            )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The butterflies from the input on, with what each does."""
        # A turned sample is up to sqrt(2) larger than its parts.
        return chain(self.points, self.radix, self.data_bits + 1, int(self.scaling == "grow"))

    @property
    def output_bits(self) -> int:
        """The width of a part of a result."""
        return self.stages[-1].bits

    @property
    def latency_samples(self) -> int:
        """Samples that must follow a transform's first, up to and with which its first leaves."""
        return sum(stage.delay + self._registers(stage) for stage in self.stages)

    def _registers(self, stage: Stage) -> int:
        return 2 if self.pipeline_stages and stage.multiplies else 1

    @property
    def gain(self) -> float:
        """By what results are larger than those of the transform itself."""
        return 1.0 if self.scaling == "grow" else 1 / self.points

    @property
    def error_bound(self) -> float:
        """No result is further, as a complex number, from `gain` times the exact transform.

        Through each butterfly errors add, and half of the last place is lost to rounding where
        it halves; a multiplier adds as much, and the rotation's own error times the sample.
        """
        rounding = np.sqrt(0.5)
        size = np.sqrt(2) * 2 ** (self.data_bits - 1)
        error = 0.0
        for stage in self.stages:
            error, size = 2 * error, 2 * size
            if self.scaling == "half":
                error, size = error / 2 + rounding, size / 2
            if stage.multiplies:
                turn = rounding * 2.0 ** -(self.twiddle_bits - 2)
                error = error * (1 + turn) + size * turn + rounding
        return float(error)


@dataclass(frozen=True, kw_only=True)
class FftWorkload:
    """A signal to transform, block by block."""

    length: int = parameter(512, "samples, filled up to whole blocks", minimum=1, maximum=10**7)
    signal: str = parameter(
        "ofdm",
        "ofdm: as received by radio, QPSK on every carrier, other noise 20 dB below; tones: two "
        "sines, the second 20 dB below; noise: white, gaussian",
        choices=("ofdm", "tones", "noise"),
    )
    level: float = parameter(
        0.25, "root mean square of a part, 1 is full scale; clipped", minimum=0.0, maximum=1.0
    )
    duty: float = parameter(1.0, "fraction of cycles with a sample", minimum=0.001, maximum=1.0)
    seed: int = seed_parameter("samples")

    def __post_init__(self) -> None:
        check_parameters(self)


def samples(p: FftParameters, workload: FftWorkload) -> np.ndarray:
    """The signal, int64[part, block, sample], with a block more: what follows when it is over."""
    random = np.random.default_rng(workload.seed)
    blocks = -(-workload.length // p.points) + 1 + p.latency_samples // p.points
    parts = random.standard_normal((2, blocks, p.points))
    noise = parts[0] + 1j * parts[1]
    if workload.signal == "ofdm":
        carriers = random.choice([-1, 1], (2, blocks, p.points))
        signal = np.fft.ifft(carriers[0] + 1j * carriers[1], axis=1) * np.sqrt(p.points)
        signal = signal + noise / 10
    elif workload.signal == "tones":
        time = np.arange(blocks * p.points)
        frequency, phase = random.random((2, 2))
        waves = np.exp(2j * np.pi * (np.outer(frequency, time) + phase[:, None]))
        signal = np.sqrt(2) * (waves[0] + waves[1] / 10).reshape(blocks, p.points)
    else:
        signal = noise
    full_scale = 2 ** (p.data_bits - 1)
    scaled = np.rint(workload.level * full_scale * np.stack([signal.real, signal.imag]))
    return scaled.clip(-full_scale, full_scale - 1).astype(np.int64)


def reference(p: FftParameters, x: np.ndarray) -> np.ndarray:
    """What the hardware must output: int64[part, block, result], bit for bit, in its order."""
    blocks = x.shape[1]
    for stage in p.stages:
        first, second = np.moveaxis(x.reshape(2, blocks, -1, 2, stage.delay), 3, 0)
        x = np.stack([first + second, first - second], axis=3)
        if p.scaling == "half":
            x = (x + 1) >> 1
        x = x.reshape(2, blocks, -1, stage.block)
        if stage.multiplies:
            shift = p.twiddle_bits - 2
            (re, im), (c, s) = x, twiddles(stage, p.twiddle_bits)
            turned = np.stack([re * c - im * s, re * s + im * c])
            x = (turned + (1 << (shift - 1))) >> shift
        else:
            quarter = np.array(stage.turns) > 0
            x = np.where(quarter, np.stack([x[1], -x[0]]), x)
        x = x.reshape(2, blocks, -1)
    return x


def work(parameters: FftParameters, workload: FftWorkload) -> Work:
    """One operation is one sample in, and one result out."""
    count = -(-workload.length // parameters.points) * parameters.points
    return Work(
        count=count,
        unit="sample",
        input_bits=count * 2 * parameters.data_bits,
        output_bits=count * 2 * parameters.output_bits,
    )


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
    bit-reversed: frequencies 0, points / 2, ... One sample and one result a cycle.
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
        made = []
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
            made.append(out)
        return made[0], made[1]

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


def cycles(parameters: FftParameters, workload: FftWorkload) -> int:
    """Clock cycles until the last result of the last block has left."""
    count = work(parameters, workload).count + parameters.latency_samples
    return stream_cycles(count, workload.duty) + 1


def accepted(parameters: FftParameters, workload: FftWorkload) -> np.ndarray:
    """In which cycles a sample comes, bool[cycle]."""
    count = work(parameters, workload).count + parameters.latency_samples
    return valid_cycles(np.random.default_rng(workload.seed), count, workload.duty)


BLOCK = Block(
    name="fft",
    summary="streaming fast Fourier transform, radix 2 and 2**2",
    parameters=FftParameters,
    workload=FftWorkload,
    hardware=Fft,
    bench="chipdse_hdl.fft.bench",
    work=work,
    cycles=cycles,
)
