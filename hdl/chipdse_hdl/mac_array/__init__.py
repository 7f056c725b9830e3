"""A systolic matrix multiplier: the sums stay in place, the operands flow past them.

`rows` x `columns` processing elements form C = A @ B, one step of the inner dimension per cycle.
A enters at the left and moves right, B enters at the top and moves down; each element owns one
element of C. When a product is complete its rows leave at the left, one port a row. See
docs/blocks/blocks.md for a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse_hdl.adder import add
from chipdse_hdl.block import Block, Work, check_parameters, parameter, seed_parameter
from chipdse_hdl.gates.arithmetic import PIPELINE_DOC, delayed, lanes
from chipdse_hdl.gates.network import Network
from chipdse_hdl.mac_array.element import COMMAND, Element
from chipdse_hdl.workloads.operands import SPREAD_DOC, sparsity_parameter, spread


@dataclass(frozen=True, kw_only=True)
class MacArrayParameters:
    """What can be chosen about the hardware."""

    rows: int = parameter(4, "rows of elements, and of A and C", minimum=1, maximum=64)
    columns: int = parameter(4, "columns of elements, and of B and C", minimum=1, maximum=64)
    operand_bits: int = parameter(8, "width of an element of A and B", minimum=2, maximum=16)
    accumulator_bits: int = parameter(24, "width of a sum, which wraps", minimum=4, maximum=48)
    pipeline_stages: int = parameter(0, PIPELINE_DOC, minimum=0, maximum=2)
    signed: bool = parameter(True, "two's complement operands and sums")
    overlapped_drain: bool = parameter(
        False, "a result register in each element: the next product starts while this one leaves"
    )
    accumulation: str = parameter(
        "carry_propagate",
        "carry_propagate: an adder in each element; carry_save: sums stay two words, which one "
        "adder a row makes one when they leave",
        choices=("carry_propagate", "carry_save"),
    )
    gating: str = parameter(
        "none",
        "none: operands move in every cycle; zero: zeros and idle cycles move as one bit, operands "
        "and sums hold; isolate: the multipliers' inputs hold too, in registers of their own",
        choices=("none", "zero", "isolate"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.accumulator_bits < 2 * self.operand_bits:
            raise ValueError(
                f"accumulator_bits={self.accumulator_bits} cannot hold a product of two "
                f"{self.operand_bits}-bit operands; use accumulator_bits >= {2 * self.operand_bits}"
            )

    @property
    def exact_depth(self) -> int:
        """The largest inner dimension at which no sum can wrap, whatever the operands."""
        largest_product = 2 ** (2 * self.operand_bits - 2)
        largest_sum = 2 ** (self.accumulator_bits - 1) - 1
        if not self.signed:
            largest_product = (2**self.operand_bits - 1) ** 2
            largest_sum = 2**self.accumulator_bits - 1
        return largest_sum // largest_product

    @property
    def latency_cycles(self) -> int:
        """From the edge that accepts `last` to the edge at which row 0, column 0 can be read."""
        return 2 + self.product_latency_cycles + self.carry_save

    @property
    def product_latency_cycles(self) -> int:
        """From operands at an element to their product in front of its sum."""
        return self.pipeline_stages + (self.gating == "isolate")

    @property
    def carry_save(self) -> bool:
        """Whether sums are two words until they leave."""
        return self.accumulation == "carry_save"

    @property
    def gated(self) -> bool:
        """Whether a bit beside each operand says that it counts."""
        return self.gating != "none"

    @property
    def last_latency_cycles(self) -> int:
        """The same for the last row and column: one cycle more a row, two a column."""
        return self.latency_cycles + (self.rows - 1) + 2 * (self.columns - 1)

    def interval_cycles(self, depth: int) -> int:
        """Cycles from the start of one product to the earliest start of the next."""
        drain = 2 * self.columns - 1
        return max(depth, drain) if self.overlapped_drain else depth - 1 + drain


@dataclass(frozen=True, kw_only=True)
class MacArrayWorkload:
    """Matrix products one after another, on random operands."""

    length: int = parameter(512, "steps of the inner dimension in all", minimum=1, maximum=10**7)
    depth: int = parameter(32, "inner dimension of one product", minimum=1, maximum=10**6)
    sparsity: float = sparsity_parameter("A")
    values: str = parameter(
        "uniform",
        SPREAD_DOC,
        choices=("uniform", "gaussian"),
    )
    seed: int = seed_parameter("operands")

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.length % self.depth:
            below = self.length - self.length % self.depth
            raise ValueError(
                f"length={self.length} is not a whole number of products of depth={self.depth}; "
                f"use length={below or self.depth} or another multiple of {self.depth}"
            )

    @property
    def products(self) -> int:
        """How many matrix products are formed."""
        return self.length // self.depth


def operands(
    parameters: MacArrayParameters, workload: MacArrayWorkload
) -> tuple[np.ndarray, np.ndarray]:
    """A[product, row, step] and B[product, step, column] of a workload, as int64."""
    random = np.random.default_rng(workload.seed)

    def draw(*shape: int) -> np.ndarray:
        return spread(random, workload.values, parameters.operand_bits, parameters.signed, shape)

    a = draw(workload.products, parameters.rows, workload.depth)
    b = draw(workload.products, workload.depth, parameters.columns)
    a[random.random(a.shape) < workload.sparsity] = 0
    return a, b


def reference(parameters: MacArrayParameters, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the hardware must output: A @ B, wrapped to `accumulator_bits`."""
    exact = a.astype(np.int64) @ b.astype(np.int64)
    modulus = 1 << parameters.accumulator_bits
    wrapped = exact & (modulus - 1)
    if parameters.signed:
        wrapped = np.where(wrapped >= modulus // 2, wrapped - modulus, wrapped)
    return wrapped


def work(parameters: MacArrayParameters, workload: MacArrayWorkload) -> Work:
    """One MAC is one multiplication and one addition, also when an operand is zero."""
    results = workload.products * parameters.rows * parameters.columns
    return Work(
        count=results * workload.depth,
        unit="MAC",
        input_bits=workload.length
        * (parameters.rows + parameters.columns)
        * parameters.operand_bits,
        output_bits=results * parameters.accumulator_bits,
    )


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
    c : Out(rows * accumulator_bits)  an element of C a row, row 0 in the low bits
    c_valid : Out(rows)               which of them to take; columns come in order

    Numbers are two's complement if `signed`. All ports are plain words. Every output is a
    register or a few gates behind one; every input goes straight to registers or through the
    acceptance gate. Reset reaches only what decides about `ready`, `c_valid` and the start of a
    sum: all else is written before it is used.

    Timing
    ------
    With `last` accepted at edge t, element (i, j) of C is to be read at edge
    ``t + latency_cycles + i + 2 * j``. One step a cycle; a product of depth K starts every
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

        The quickest adder: it must not set the clock period, and there is one a row.
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
            # Complete sums leave leftwards, against the commands: two cycles a column.
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


def cycles(parameters: MacArrayParameters, workload: MacArrayWorkload) -> int:
    """Clock cycles from the first operand to the last element of the last product."""
    interval = parameters.interval_cycles(workload.depth)
    return (workload.products - 1) * interval + workload.depth + parameters.last_latency_cycles


BLOCK = Block(
    name="mac_array",
    summary="systolic matrix multiplier, output stationary",
    parameters=MacArrayParameters,
    workload=MacArrayWorkload,
    hardware=MacArray,
    bench="chipdse_hdl.mac_array.bench",
    work=work,
    cycles=cycles,
)
