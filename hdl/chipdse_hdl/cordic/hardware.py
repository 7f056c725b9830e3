"""The hardware of `cordic`: iterations one behind another, or one after another."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.cordic.parameters import CordicParameters
from chipdse_hdl.gates.arithmetic import Flow, when

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
        signals = []
        for part, old, value in zip("xyz", vector, values, strict=True):
            signals.append(Signal(signed(len(old)), name=f"{part}_turned_{name}"))
            m.d.comb += signals[-1].eq(value)
        return signals[0], signals[1], signals[2]
