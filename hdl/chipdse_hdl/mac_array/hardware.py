"""The hardware of `mac_array`: a grid of elements, and the sequence of commands."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.adder.structures import add
from chipdse_hdl.gates.arithmetic import delayed, lanes
from chipdse_hdl.gates.network import Network
from chipdse_hdl.mac_array.element import COMMAND, Element
from chipdse_hdl.mac_array.parameters import MacArrayParameters


class MacArray(wiring.Component):
    """Matrix products C = A @ B, output stationary.

    Ports
    -----
    a : In(rows * operand_bits)       a column of A, row 0 in the low bits
    b : In(columns * operand_bits)    a row of B, column 0 in the low bits
    valid : In(1)     `a`, `b` and `last` are the next step of the inner dimension
    last : In(1)      ... and its last: the product is complete
    ready : Out(1)    low for 2 * columns - 2 cycles after `last`. While it is low, nothing is
                      accepted, except with `overlapped_drain`: then only `last` is not
    c : Out(rows * accumulator_bits)  an element of C per row, row 0 in the low bits
    c_valid : Out(rows)               which of them to take; columns come in order

    Numbers are two's complement if `signed`. All ports are plain words. Every output is a
    register or a few gates behind one; every input goes straight to registers or through the
    acceptance gate. Reset reaches only what decides about `ready`, `c_valid` and the start of a
    sum: all else is written before it is used.

    Timing
    ------
    With `last` accepted at edge t, element (i, j) of C is to be read at edge
    ``t + latency_cycles + i + 2 * j``. One step per cycle; a product of depth K starts every
    ``interval_cycles(K)``: K + 2 * columns - 2, or max(K, 2 * columns - 1) if overlapped.
    """

    a: Signal
    b: Signal
    valid: Signal
    last: Signal
    ready: Signal
    c: Signal
    c_valid: Signal

    def __init__(self, parameters: MacArrayParameters) -> None:
        self.parameters = p = parameters
        super().__init__(
            {
                "a": In(p.rows * p.operand_bits),
                "b": In(p.columns * p.operand_bits),
                "valid": In(1),
                "last": In(1),
                "ready": Out(1),
                "c": Out(p.rows * p.accumulator_bits),
                "c_valid": Out(p.rows),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        grid = [[Element(p) for _ in range(p.columns)] for _ in range(p.rows)]
        for i, row in enumerate(grid):
            for j, element in enumerate(row):
                m.submodules[f"element_{i}_{j}"] = element

        command, leaves = self._sequence(m)
        # Row i and column j start i and j cycles late, so that partners meet at element (i, j).
        for i, operand in enumerate(lanes(self.a, p.operand_bits)):
            self._enter(m, operand, command, grid[i][0], "a", i)
        for j, operand in enumerate(lanes(self.b, p.operand_bits)):
            self._enter(m, operand, command, grid[0][j], "b", j)

        command = delayed(m, command, 1 + p.product_latency_cycles, "command")
        leaves = delayed(m, leaves, p.latency_cycles, "leaves", reset=True)
        for i, row in enumerate(grid):
            m.d.comb += [row[0].command.eq(command), self.c_valid[i].eq(leaves)]
            command = delayed(m, command, 1, f"command_{i}")
            leaves = delayed(m, leaves, 1, f"leaves_{i}", reset=True)
            # Behind the last column nothing follows: it holds, which takes no gates.
            m.d.comb += row[-1].result_next.eq(row[-1].result)
            for left, right in zip(row, row[1:], strict=False):
                _connect(m, left, right, "a", "command")
                m.d.comb += left.result_next.eq(right.result)
                if p.gated and p.overlapped_drain:
                    m.d.comb += left.result_moves_next.eq(right.result_moves)
        for upper, lower in zip(grid, grid[1:], strict=False):
            for above, below in zip(upper, lower, strict=True):
                _connect(m, above, below, "b")
        results = [self._resolved(m, row[0].result, i) for i, row in enumerate(grid)]
        m.d.comb += self.c.eq(Cat(results))
        return m

    def _enter(
        self, m: Module, operand: Value, command: Signal, element: Element, side: str, late: int
    ) -> None:
        """Registers from a port to the first element of a row or column."""
        name = f"{side}_{late}"
        if not self.parameters.gated:
            m.d.comb += getattr(element, side).eq(delayed(m, operand, late + 1, name))
            return
        counts = Signal(name=f"{name}_counts")
        m.d.comb += counts.eq(command.accumulate & operand.any())
        for stage in range(late + 1):
            operand = delayed(m, operand, 1, f"{name}_stage_{stage}", enable=counts)
            counts = delayed(m, counts, 1, f"{name}_counts_{stage}")
        m.d.comb += [
            getattr(element, side).eq(operand),
            getattr(element, f"{side}_counts").eq(counts),
        ]

    def _resolved(self, m: Module, result: Value, row: int) -> Value:
        """A result as one word: of a carry-save sum the two words' sum, a cycle later.

        The quickest adder: it must not set the clock period, and there is one per row.
        """
        bits = self.parameters.accumulator_bits
        if not self.parameters.carry_save:
            return result
        network = Network()
        words = [network.inputs(f"sum_{row}_{word}", bits) for word in range(2)]
        total = add(network, "kogge_stone", *words)[:bits]
        inputs = {f"sum_{row}_{i}": word for i, word in enumerate(lanes(result, bits))}
        return delayed(m, Cat(network.build(m, inputs, total)), 1, f"resolved_{row}")

    def _sequence(self, m: Module) -> tuple[Signal, Signal]:
        """The command for the operands at the ports, and whether a result leaves with them."""
        p = self.parameters
        remaining = Signal(range(2 * p.columns))  # cycles until the last column has left
        first = Signal(init=1)
        accept = Signal()
        ends = Signal()
        moves = Signal()
        m.d.comb += [
            self.ready.eq(remaining == 0),
            # Complete sums leave leftwards, against the commands: two cycles per column.
            moves.eq(remaining[0]),
            ends.eq(accept & self.last),
        ]
        if p.overlapped_drain:
            m.d.comb += accept.eq(self.valid & (self.ready | ~self.last))
        else:
            m.d.comb += accept.eq(self.valid & self.ready)
        with m.If(accept):
            m.d.sync += first.eq(self.last)
        with m.If(ends):
            m.d.sync += remaining.eq(2 * p.columns - 2)
        with m.Elif(~self.ready):
            m.d.sync += remaining.eq(remaining - 1)

        command = Signal(COMMAND)
        leaves = Signal()
        m.d.comb += [
            command.accumulate.eq(accept),
            command.first.eq(first),
            command.drain.eq(ends if p.overlapped_drain else moves),
            leaves.eq(ends | moves),
        ]
        return command, leaves


def _connect(m: Module, first: Element, second: Element, *names: str) -> None:
    """What an element passes on is what the next one gets."""
    for name in names:
        for port in (name, f"{name}_counts"):
            if hasattr(first, f"{port}_next"):
                m.d.comb += getattr(second, port).eq(getattr(first, f"{port}_next"))
