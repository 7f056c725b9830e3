"""CORDIC: turning vectors, and finding their length and angle, by shifts and additions.

Each iteration turns by the angle whose tangent is a power of two, in one direction or the other
[1]_; vectors grow by `gain` on the way. Angles are words whose whole range is one turn.

References
----------
.. [1] J. E. Volder, IRE Trans. Electronic Computers EC-8(3), 330-334, 1959.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from chipdse_hdl.block import Block, Work, check_parameters, parameter, seed_parameter
from chipdse_hdl.gates.arithmetic import GATING_DOC, Flow, when
from chipdse_hdl.workloads.operands import duty_parameter, stream_cycles, valid_cycles


@dataclass(frozen=True, kw_only=True)
class CordicParameters:
    """What can be chosen about the hardware."""

    mode: str = parameter(
        "rotation",
        "rotation: a vector turned by an angle; vectoring: a vector's length and angle",
        choices=("rotation", "vectoring"),
    )
    data_bits: int = parameter(10, "width of a vector's part, signed", minimum=3, maximum=24)
    angle_bits: int = parameter(
        10, "width of an angle; 2**angle_bits is a turn", minimum=4, maximum=24
    )
    iterations: int = parameter(8, "one for each bit of the result, about", minimum=1, maximum=24)
    architecture: str = parameter(
        "unrolled",
        "unrolled: hardware for each iteration, a vector a cycle; iterative: one piece of hardware "
        "for all, a vector at a time",
        choices=("unrolled", "iterative"),
    )
    iterations_per_cycle: int = parameter(1, "between registers", minimum=1, maximum=24)
    gating: str = parameter("none", GATING_DOC, choices=("none", "idle"))

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.iterations % self.iterations_per_cycle:
            raise ValueError(
                f"iterations={self.iterations} is not a whole number of cycles of "
                f"iterations_per_cycle={self.iterations_per_cycle}; use a divisor of "
                f"{self.iterations}"
            )

    @property
    def guard_bits(self) -> int:
        """Places below the last of the inputs, so that iterations round without harm."""
        return ceil_log2(self.iterations) + 1

    @property
    def output_bits(self) -> int:
        """The width of a result's part: turned by 45 degrees and grown by `gain`, 2.33 times."""
        return self.data_bits + 2

    @property
    def steps(self) -> int:
        """Cycles that the iterations take."""
        return self.iterations // self.iterations_per_cycle

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts a vector to the edge at which its result can be read."""
        return self.steps + (1 if self.architecture == "unrolled" else 3)

    @property
    def interval_cycles(self) -> int:
        """From one vector to the next."""
        return 1 if self.architecture == "unrolled" else self.steps + 1

    @property
    def gain(self) -> float:
        """By what vectors grow."""
        return float(np.prod(np.sqrt(1 + 4.0 ** -np.arange(self.iterations))))

    @property
    def angles(self) -> np.ndarray:
        """What each iteration turns by, int64, with the guard bits."""
        turn = np.arctan(2.0 ** -np.arange(self.iterations)) / (2 * np.pi)
        return np.rint(turn * 2 ** (self.angle_bits + self.guard_bits)).astype(np.int64)

    @property
    def angle_error_rad(self) -> float:
        """What is left of an angle after the iterations, at most, with the table's rounding."""
        unit = 2 * np.pi / 2 ** (self.angle_bits + self.guard_bits)
        return float(np.arctan(2.0 ** -(self.iterations - 1)) + self.iterations * unit / 2)

    @property
    def rounding_error(self) -> float:
        """How far truncated shifts and the last rounding move a result, in its last place."""
        shifts = np.sqrt(2) * self.gain * self.iterations / 2**self.guard_bits
        return float(shifts + np.sqrt(0.5))


@dataclass(frozen=True, kw_only=True)
class CordicWorkload:
    """Vectors one after another."""

    length: int = parameter(512, "vectors", minimum=1, maximum=10**7)
    signal: str = parameter(
        "carrier",
        "carrier: received QPSK symbols with noise 20 dB below, on a carrier, and the angles that "
        "take it away; uniform: anything",
        choices=("carrier", "uniform"),
    )
    frequency: float = parameter(0.05, "carrier: cycles per vector", minimum=-0.5, maximum=0.5)
    duty: float = duty_parameter("; of those in which one can be taken")
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)


def vectors(
    p: CordicParameters, workload: CordicWorkload
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, y, angle (int64, with their sign) and whether they count, for each turn to take one."""
    random = np.random.default_rng(workload.seed)
    valid = valid_cycles(random, workload.length, workload.duty)
    full, turn = 2 ** (p.data_bits - 1), 2**p.angle_bits
    if workload.signal == "uniform":
        x, y = random.integers(-full, full, (2, len(valid)))
        return x, y, random.integers(-turn // 2, turn // 2, len(valid)), valid
    symbols = random.choice([-1, 1], (2, len(valid))) + random.normal(0, 0.1, (2, len(valid)))
    phase = workload.frequency * np.arange(len(valid)) + random.random()
    carried = 0.4 * (symbols[0] + 1j * symbols[1]) * np.exp(2j * np.pi * phase)
    x, y = (np.rint(full * part).clip(-full, full - 1) for part in (carried.real, carried.imag))
    angle = (np.rint(-phase * turn).astype(np.int64) + turn // 2) % turn - turn // 2
    return x.astype(np.int64), y.astype(np.int64), angle, valid


def reference(
    p: CordicParameters, x: np.ndarray, y: np.ndarray, angle: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the hardware must output, bit for bit: x and y, or the length and the angle."""
    turn = 2 ** (p.angle_bits + p.guard_bits)
    x, y, z = (value << p.guard_bits for value in (x, y, angle))
    if p.mode == "rotation":
        turns, left = (z >= turn // 4) | (z < -turn // 4), z >= 0
        z = np.where(turns, z - np.where(left, turn // 4, -turn // 4), z)
    else:
        turns, left = x < 0, y < 0
        z = np.where(turns, np.where(left, -turn // 4, turn // 4), 0)
    x, y = (
        np.where(turns, np.where(left, -y, y), x),
        np.where(turns, np.where(left, x, -x), y),
    )
    for shift, by in enumerate(p.angles):
        left = z >= 0 if p.mode == "rotation" else y < 0
        x, y, z = (
            np.where(left, x - (y >> shift), x + (y >> shift)),
            np.where(left, y + (x >> shift), y - (x >> shift)),
            np.where(left, z - by, z + by),
        )
    half = 1 << (p.guard_bits - 1)
    second = y if p.mode == "rotation" else z
    return (x + half) >> p.guard_bits, (second + half) >> p.guard_bits


def work(parameters: CordicParameters, workload: CordicWorkload) -> Work:
    """One operation is one vector."""
    rotates = parameters.mode == "rotation"
    second = parameters.output_bits if rotates else parameters.angle_bits
    inputs = 2 * parameters.data_bits + (parameters.angle_bits if rotates else 0)
    return Work(
        count=workload.length,
        unit="vector",
        input_bits=workload.length * inputs,
        output_bits=workload.length * (parameters.output_bits + second),
    )


Vector = tuple[Value, Value, Value]


class Cordic(wiring.Component):
    """Turns vectors, or measures them.

    Ports
    -----
    x, y : In(data_bits)           a vector
    angle : In(angle_bits)         rotation only: what to turn it by
    valid : In(1)                  a vector is there
    ready : Out(1)                 iterative only: it is accepted if `valid`
    x_out : Out(output_bits)       rotation: the turned vector's; vectoring: the length
    y_out : Out(output_bits)       rotation only
    angle_out : Out(angle_bits)    vectoring only
    out_valid : Out(1)             high for one cycle for each vector; results count then only

    Numbers are two's complement, lengths are `gain` times too large. All ports are plain words.
    Inputs go straight to registers, outputs come from registers. Reset reaches `out_valid`,
    `ready` and what leads to them.

    Timing
    ------
    Accepted at edge t, read at edge ``t + latency_cycles``; a vector in ``interval_cycles``.
    """

    def __init__(self, parameters: CordicParameters) -> None:
        self.parameters = p = parameters
        ports = {"x": In(p.data_bits), "y": In(p.data_bits), "valid": In(1)}
        ports |= {"x_out": Out(p.output_bits), "out_valid": Out(1)}
        if p.mode == "rotation":
            ports |= {"angle": In(p.angle_bits), "y_out": Out(p.output_bits)}
        else:
            ports |= {"angle_out": Out(p.angle_bits)}
        if p.architecture == "iterative":
            ports |= {"ready": Out(1)}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        build = self._unrolled if p.architecture == "unrolled" else self._iterative
        flow, (x, y, z) = build(m)
        half = 1 << (p.guard_bits - 1)
        m.d.comb += self.out_valid.eq(flow.valid[-1])
        results = [(x, self.x_out)]
        results += [(y, self.y_out)] if p.mode == "rotation" else [(z, self.angle_out)]
        for number, (value, port) in enumerate(results):
            rounded = ((value + half) >> p.guard_bits)[: len(port)]
            m.d.comb += port.eq(flow.register(rounded, -1, f"result_{number}"))
        return m

    def _unrolled(self, m: Module) -> tuple[Flow, Vector]:
        p = self.parameters
        flow = Flow(m, self.valid, 1 + p.steps, hold=p.gating == "idle")
        vector = self._started(m, flow)
        for step in range(p.steps):
            if step:
                names = ("x", "y", "z")
                x, y, z = (
                    flow.register(value, step, f"{name}_{step}")
                    for name, value in zip(names, vector, strict=True)
                )
                vector = x, y, z
            first = step * p.iterations_per_cycle
            for shift in range(first, first + p.iterations_per_cycle):
                x, y, _ = vector
                shifted = x >> shift, y >> shift
                vector = self._turned(m, vector, shifted, int(p.angles[shift]), f"{shift}")
        return flow, vector

    def _iterative(self, m: Module) -> tuple[Flow, Vector]:
        """Cycle 1 loads a vector, each of the next does its iterations, then the result leaves."""
        p = self.parameters
        waits = Signal(range(p.interval_cycles))
        accept = Signal()
        m.d.comb += [self.ready.eq(waits == 0), accept.eq(self.valid & self.ready)]
        with m.If(accept):
            m.d.sync += waits.eq(p.interval_cycles - 1)
        with m.Elif(~self.ready):
            m.d.sync += waits.eq(waits - 1)

        flow = Flow(m, accept, p.latency_cycles, hold=p.gating == "idle")
        step = Signal(range(max(p.steps, 2)))
        loads = flow.valid[0]
        m.d.sync += step.eq(Mux(loads, 0, step + 1))
        state: Vector = self._state(m)
        vector = state
        for row in range(p.iterations_per_cycle):
            x, y, _ = vector
            width = len(x)
            shifted_x = Signal(signed(width), name=f"shifted_x_{row}")
            shifted_y = Signal(signed(width), name=f"shifted_y_{row}")
            by = Signal(len(vector[2]), name=f"by_{row}")
            with m.Switch(step):
                for number in range(p.steps):
                    shift = number * p.iterations_per_cycle + row
                    with m.Case(number):
                        m.d.comb += [
                            shifted_x.eq(x >> shift),
                            shifted_y.eq(y >> shift),
                            by.eq(int(p.angles[shift])),
                        ]
            vector = self._turned(m, vector, (shifted_x, shifted_y), by, f"{row}")
        started = self._started(m, flow)
        moves: Value | None = None
        if p.gating == "idle":
            moves = Signal(name="moves")
            m.d.comb += moves.eq(Cat(flow.valid[: p.steps + 1]).any())
        for register, first, later in zip(state, started, vector, strict=True):
            with when(m, moves):
                m.d.sync += register.eq(Mux(loads, first, later))
        return flow, state

    def _state(self, m: Module) -> tuple[Signal, Signal, Signal]:
        bits, turn = self._widths()
        return (
            Signal(signed(bits), name="x_state", reset_less=True),
            Signal(signed(bits), name="y_state", reset_less=True),
            Signal(signed(turn), name="z_state", reset_less=True),
        )

    def _widths(self) -> tuple[int, int]:
        """Of a vector's part and of an angle, on the way."""
        p = self.parameters
        return p.output_bits + p.guard_bits, p.angle_bits + p.guard_bits

    def _started(self, m: Module, flow: Flow) -> Vector:
        """The input, registered and turned by a quarter where the iterations would not reach."""
        p = self.parameters
        bits, turn = self._widths()
        x = flow.register(self.x, 0, "x_in").as_signed()
        y = flow.register(self.y, 0, "y_in").as_signed()
        start = [
            Signal(signed(width), name=f"{n}_start")
            for n, width in zip("xyz", (bits, bits, turn), strict=True)
        ]
        quarter = 1 << (turn - 2)
        if p.mode == "rotation":
            angle = flow.register(self.angle, 0, "angle_in").as_signed()
            turns, left = angle[-1] ^ angle[-2], ~angle[-1]
            z: Value = angle << p.guard_bits
            z = Mux(turns, Mux(left, z - quarter, z + quarter), z)
        else:
            turns, left = x[-1], y[-1]
            z = Mux(turns, Mux(left, -quarter, quarter), 0)
        m.d.comb += [
            start[0].eq(Mux(turns, Mux(left, -y, y), x) << p.guard_bits),
            start[1].eq(Mux(turns, Mux(left, x, -x), y) << p.guard_bits),
            start[2].eq(z),
        ]
        return start[0], start[1], start[2]

    def _turned(
        self, m: Module, vector: Vector, shifted: tuple[Value, Value], by: Value | int, name: str
    ) -> Vector:
        """One iteration."""
        x, y, z = vector
        left = Signal(name=f"left_{name}")
        rotates = self.parameters.mode == "rotation"
        m.d.comb += left.eq(~z[-1] if rotates else y[-1])
        values = (
            Mux(left, x - shifted[1], x + shifted[1]),
            Mux(left, y + shifted[0], y - shifted[0]),
            Mux(left, z - by, z + by),
        )
        made = []
        for part, old, value in zip("xyz", vector, values, strict=True):
            made.append(Signal(signed(len(old)), name=f"{part}_turned_{name}"))
            m.d.comb += made[-1].eq(value)
        return made[0], made[1], made[2]


def cycles(parameters: CordicParameters, workload: CordicWorkload) -> int:
    """Clock cycles of a workload, latency included."""
    turns = stream_cycles(workload.length, workload.duty)
    return turns * parameters.interval_cycles + parameters.latency_cycles


BLOCK = Block(
    name="cordic",
    summary="vectors turned and measured by shifts and additions",
    parameters=CordicParameters,
    workload=CordicWorkload,
    hardware=Cordic,
    bench="chipdse_hdl.cordic.bench",
    work=work,
    cycles=cycles,
)
