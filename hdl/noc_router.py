"""A router of a network on chip: input buffers, a crossbar, wormhole switching.

Packets are chains of flits that stay together: the first one claims an output, the last one frees
it. Routes are computed at the source: the low bits of a head flit name the output and are shifted
out, so that the next router finds its own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from hdl.arithmetic import lanes
from hdl.block import Block, Work, check_parameters, parameter
from hdl.fifo import Fifo, FifoParameters
from hdl.words import VALUES, VALUES_DOC, word_stream

MESH, MESH_PORTS = 8, 5  # a mesh of 8 x 8; ports: own core, north, east, south, west


@dataclass(frozen=True, kw_only=True)
class NocRouterParameters:
    """What can be chosen about the hardware."""

    ports: int = parameter(5, "inputs and outputs; 5 in a mesh", minimum=2, maximum=8)
    flit_bits: int = parameter(32, "bits of a flit", minimum=8, maximum=256)
    buffer_flits: int = parameter(4, "flits each input can store", minimum=2, maximum=32)
    arbitration: str = parameter(
        "round_robin",
        "of packets that want the same output. round_robin: who won last comes last; fixed: the "
        "input with the lowest number wins",
        choices=("round_robin", "fixed"),
    )
    flow: str = parameter(
        "ready",
        "what holds a sender back. ready: a wire says that a flit would be accepted; credit: a "
        "pulse for each place that became free, counted by the sender",
        choices=("ready", "credit"),
    )

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def port_bits(self) -> int:
        """Bits that name a port."""
        return ceil_log2(self.ports)


@dataclass(frozen=True, kw_only=True)
class NocRouterWorkload:
    """Packets at all inputs, and receivers that pause."""

    length: int = parameter(2048, "flits in all, roughly", minimum=1, maximum=10**7)
    packet_flits: int = parameter(4, "flits of a packet", minimum=1, maximum=256)
    load: float = parameter(
        0.3, "flits an input and cycle that are offered", minimum=0.01, maximum=1.0
    )
    destinations: str = parameter(
        "mesh",
        "mesh: as in the middle of a mesh of 8 x 8, first along x, then along y, when everybody "
        "sends everywhere; uniform: all other ports alike; hotspot: half of the packets to port 0",
        choices=("mesh", "uniform", "hotspot"),
    )
    service: float = parameter(
        1.0, "fraction of the cycles in which a receiver takes a flit", minimum=0.05, maximum=1.0
    )
    values: str = parameter("activations", VALUES_DOC, choices=VALUES)
    seed: int = parameter(1, "of the random packets and pauses", minimum=0, maximum=2**32 - 1)

    def __post_init__(self) -> None:
        check_parameters(self)


Flit = tuple[int, bool]  # data, whether it is the packet's last


def mesh_matrix() -> np.ndarray:
    """Share of the packets that go from each input to each output, float[input, output].

    Of the router at (3, 3) of the mesh, over all pairs of source and destination.
    """
    counts = np.zeros((MESH_PORTS, MESH_PORTS))
    local, north, east, south, west = range(MESH_PORTS)
    here = MESH // 2 - 1, MESH // 2 - 1
    for sx, sy, dx, dy in product(range(MESH), repeat=4):
        if (sx, sy) == (dx, dy):
            continue
        in_row, in_column = sy == here[1], dx == here[0]
        between_x = min(sx, dx) <= here[0] <= max(sx, dx)
        between_y = min(sy, dy) <= here[1] <= max(sy, dy)
        if not (in_row and between_x) and not (in_column and between_y):
            continue
        if in_row and sx != here[0]:
            enters = west if sx < here[0] else east
        elif sy != here[1]:
            enters = north if sy < here[1] else south
        else:
            enters = local
        if dx != here[0]:
            leaves = east if dx > here[0] else west
        elif dy != here[1]:
            leaves = south if dy > here[1] else north
        else:
            leaves = local
        counts[enters, leaves] += 1
    return counts / counts.sum()


def matrix(parameters: NocRouterParameters, workload: NocRouterWorkload) -> np.ndarray:
    """Share of the packets that go from each input to each output."""
    count = parameters.ports
    if workload.destinations == "mesh":
        if count != MESH_PORTS:
            raise ValueError(
                f"destinations='mesh' needs ports={MESH_PORTS}, not {count}; use 'uniform'"
            )
        return mesh_matrix()
    shares = 1 - np.eye(count)
    if workload.destinations == "hotspot":
        shares[1:, 0] = shares[1:, 1:].sum(axis=1)  # port 0 itself sends everywhere alike
    return shares / shares.sum(axis=1, keepdims=True) / count


def packets(
    parameters: NocRouterParameters, workload: NocRouterWorkload
) -> tuple[list[list[Flit]], list[list[int]]]:
    """Each input's flits, and the cycles it pauses before each of them."""
    p, random = parameters, np.random.default_rng([workload.seed, 1])
    shares, size = matrix(p, workload), workload.packet_flits
    total = max(1, round(workload.length / size))
    payload = iter(
        word_stream(workload.values, (total + p.ports) * size, p.flit_bits, workload.seed)
    )
    flits: list[list[Flit]] = []
    gaps: list[list[int]] = []
    keep = -(1 << p.port_bits)
    for row in shares:
        share = row.sum()
        count = round(total * share)
        load = min(1.0, workload.load * share * p.ports)  # busier inputs have more to send
        targets = random.choice(p.ports, count, p=row / share) if count else []
        own, waits = [], []
        for target in targets:
            own += [(next(payload), n == size - 1) for n in range(size)]
            own[-size] = (own[-size][0] & keep | int(target), size == 1)
            waits += [int(random.geometric(1 / (1 + size * (1 / load - 1)))) - 1, *[0] * (size - 1)]
        flits.append(own)
        gaps.append(waits)
    return flits, gaps


def service(parameters: NocRouterParameters, workload: NocRouterWorkload) -> list[list[bool]]:
    """Whether each receiver takes a flit, by cycle, over and over."""
    random = np.random.default_rng([workload.seed, 2])
    takes = random.random((parameters.ports, 1009)) < workload.service
    takes[:, 0] = True
    return takes.tolist()


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """A router's ports, a row a cycle, each a list by port; None where an output says nothing."""

    inputs: dict[str, list[list[int]]]
    outputs: dict[str, list[list[int | None]]]


class _Model:
    """The router, its senders and its receivers, cycle by cycle."""

    def __init__(self, p: NocRouterParameters) -> None:
        self.p = p
        count = range(p.ports)
        self.buffers: list[deque[Flit]] = [deque() for _ in count]
        self.claims: list[int | None] = [None] * p.ports  # by input: the output of its packet
        self.owners: list[int | None] = [None] * p.ports  # by output: the input of its packet
        self.winners = [p.ports - 1] * p.ports  # by output: who won last
        self.registers: list[Flit | None] = [None] * p.ports
        self.credits = [p.buffer_flits] * p.ports
        self.freed = [0] * p.ports  # by input: the credit that is given back

    def grant(self, output: int, free: bool) -> int | None:
        """Which input sends to an output, if any."""
        if not free:
            return None
        owner = self.owners[output]
        if owner is not None:
            return owner if self.buffers[owner] else None
        start = self.winners[output] + 1 if self.p.arbitration == "round_robin" else 0
        for n in range(self.p.ports):
            i = (start + n) % self.p.ports
            first = self.buffers[i][0][0] if self.buffers[i] else None
            if (
                first is not None
                and self.claims[i] is None
                and first & ((1 << self.p.port_bits) - 1) == output
            ):
                return i
        return None

    def step(self, taken: list[bool], credits: list[int]) -> None:
        """One clock edge: flits leave the registers that are taken, others move into them."""
        p = self.p
        free = [
            self.credits[o] > 0 if p.flow == "credit" else self.registers[o] is None or taken[o]
            for o in range(p.ports)
        ]
        grants = [self.grant(o, free[o]) for o in range(p.ports)]
        self.freed = [0] * p.ports
        for o, i in enumerate(grants):
            if self.registers[o] is not None and (taken[o] or p.flow == "credit"):
                self.registers[o] = None
            self.credits[o] += credits[o] - (i is not None)
            if i is None:
                continue
            data, last = self.buffers[i].popleft()
            head = self.owners[o] is None
            self.registers[o] = (data >> p.port_bits if head else data), last
            self.freed[i] = 1
            if head:
                self.winners[o] = i
            self.owners[o] = None if last else i
            self.claims[i] = None if last else o


def reference(
    parameters: NocRouterParameters,
    flits: list[list[Flit]],
    gaps: list[list[int]],
    takes: list[list[bool]],
) -> Traffic:
    """What happens in each cycle until every flit has left.

    Input i sends `flits[i]`, each after its pause; receiver o takes a flit in the cycles that
    `takes[o]` says (with credits: out of a buffer of its own, as big as the router's).
    """
    p, model, count = parameters, _Model(parameters), range(parameters.ports)
    credit = p.flow == "credit"
    back = "credit" if credit else "ready"
    names_in = ["in_data", "in_tail", "in_valid", f"out_{back}"]
    inputs: dict[str, list[list[int]]] = {name: [] for name in names_in}
    names_out = [f"in_{back}", "out_valid", "out_tail", "out_data"]
    outputs: dict[str, list[list[int | None]]] = {name: [] for name in names_out}
    sent, left = [0] * p.ports, sum(map(len, flits))
    waits = [row[0] if row else 0 for row in gaps]
    balance, stored = [p.buffer_flits] * p.ports, [0] * p.ports
    cycle = 0
    while left:
        ready = [len(model.buffers[i]) < p.buffer_flits for i in count]
        offers = [
            sent[i] < len(flits[i]) and waits[i] == 0 and (not credit or balance[i] > 0)
            for i in count
        ]
        nexts = [
            flits[i][min(sent[i], len(flits[i]) - 1)] if flits[i] else (0, False) for i in count
        ]
        wants = [takes[o][cycle % len(takes[o])] for o in count]
        shown = list(model.registers)
        returned = [int(wants[o] and stored[o] > 0) for o in count]
        inputs["in_data"].append([data for data, _ in nexts])
        inputs["in_tail"].append([int(last) for _, last in nexts])
        inputs["in_valid"].append([int(offer) for offer in offers])
        inputs[f"out_{back}"].append(returned if credit else [int(want) for want in wants])
        outputs[f"in_{back}"].append(list(model.freed) if credit else [int(r) for r in ready])
        outputs["out_valid"].append([int(flit is not None) for flit in shown])
        outputs["out_tail"].append([int(flit[1]) if flit else None for flit in shown])
        outputs["out_data"].append([flit[0] if flit else None for flit in shown])

        given = list(model.freed)
        model.step(wants, returned)
        for i in count:
            accepted = offers[i] and (credit or ready[i])
            balance[i] += given[i] - accepted
            if accepted:
                model.buffers[i].append(flits[i][sent[i]])
                sent[i] += 1
                waits[i] = gaps[i][sent[i]] if sent[i] < len(flits[i]) else 0
            elif waits[i]:
                waits[i] -= 1
            arrived = shown[i] is not None
            if credit:
                stored[i] += arrived - returned[i]
                left -= arrived
            else:
                left -= arrived and wants[i]
        cycle += 1
    return Traffic(inputs=inputs, outputs=outputs)


def work(parameters: NocRouterParameters, workload: NocRouterWorkload) -> Work:
    """One flit of work has entered and left."""
    count = sum(map(len, packets(parameters, workload)[0]))
    bits = count * parameters.flit_bits
    return Work(count=count, unit="flit", input_bits=bits, output_bits=bits)


class NocRouter(wiring.Component):
    """The router.

    Ports
    -----
    in_data : In(ports * flit_bits)   the next flit of each input, input 0 in the low bits. Of a
                         packet's first one, the lowest bits name the output
    in_tail : In(ports)  ... is its packet's last
    in_valid : In(ports) ... is there
    in_ready : Out(ports)   flow `ready`: ... is accepted, if it is there
    in_credit : Out(ports)  flow `credit`: a place became free; there are `buffer_flits` at first
    out_data : Out(ports * flit_bits)   a flit for each receiver; a packet's first one without the
                         bits that named the output, zeros from above in their place
    out_tail : Out(ports)   ... is its packet's last
    out_valid : Out(ports)  ... is there
    out_ready : In(ports)   flow `ready`: ... is taken, if it is there
    out_credit : In(ports)  flow `credit`: the receiver, which has `buffer_flits` places and takes
                         whatever comes, has one more

    Timing
    ------
    Accepted at edge t into an empty buffer, a flit is at its output for edge t + 2, unless another
    packet has that output. One flit an input, an output and cycle.
    """

    def __init__(self, parameters: NocRouterParameters) -> None:
        self.parameters = p = parameters
        ports: dict[str, Any] = {
            "in_data": In(p.ports * p.flit_bits),
            "in_tail": In(p.ports),
            "in_valid": In(p.ports),
            "out_data": Out(p.ports * p.flit_bits),
            "out_tail": Out(p.ports),
            "out_valid": Out(p.ports),
        }
        back = "credit" if p.flow == "credit" else "ready"
        ports |= {f"in_{back}": Out(p.ports), f"out_{back}": In(p.ports)}
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        p = self.parameters
        buffers = self._buffers(m)
        grants = []  # by output: a bit an input
        claimed = [Signal(name=f"claimed_{i}") for i in range(p.ports)]
        for o in range(p.ports):
            wants = Signal(p.ports, name=f"wants_{o}")
            for i, buffer in enumerate(buffers):
                named = buffer.r_data[: p.port_bits] == o
                m.d.comb += wants[i].eq(buffer.r_valid & ~claimed[i] & named)
            grants.append(self._output(m, o, wants, buffers))
        for i, buffer in enumerate(buffers):
            moves = Signal(name=f"moves_{i}")
            m.d.comb += [
                moves.eq(Cat(grant[i] for grant in grants).any()),
                buffer.r_ready.eq(moves),
            ]
            with m.If(moves):
                m.d.sync += claimed[i].eq(~buffer.r_data[-1])
            if p.flow == "credit":
                freed = Signal(name=f"freed_{i}")
                m.d.sync += freed.eq(moves)
                m.d.comb += self.in_credit[i].eq(freed)
        return m

    def _buffers(self, m: Module) -> list[Fifo]:
        """A queue for each input; a word is a flit and, highest, whether it is the last one."""
        p = self.parameters
        buffers = []
        for i, data in enumerate(lanes(self.in_data, p.flit_bits)):
            buffer = Fifo(FifoParameters(width=p.flit_bits + 1, depth=p.buffer_flits))
            m.submodules[f"buffer_{i}"] = buffer
            m.d.comb += [
                buffer.w_data.eq(Cat(data, self.in_tail[i])),
                buffer.w_valid.eq(self.in_valid[i]),
            ]
            if p.flow == "ready":
                m.d.comb += self.in_ready[i].eq(buffer.w_ready)
            buffers.append(buffer)
        return buffers

    def _output(self, m: Module, o: int, wants: Value, buffers: list[Fifo]) -> Signal:
        """One output's arbiter, multiplexer and register; which input sends, a bit an input."""
        p = self.parameters
        owner = Signal(p.ports, name=f"owner_{o}")  # who is in the midst of a packet, a bit each
        grant = Signal(p.ports, name=f"grant_{o}")
        valid = Signal(name=f"valid_{o}")
        if p.flow == "credit":
            credits = Signal(range(p.buffer_flits + 1), init=p.buffer_flits, name=f"credits_{o}")
            free = credits != 0
            with m.If(grant.any() & ~self.out_credit[o]):
                m.d.sync += credits.eq(credits - 1)
            with m.If(~grant.any() & self.out_credit[o]):
                m.d.sync += credits.eq(credits + 1)
            m.d.sync += valid.eq(grant.any())
        else:
            free = ~valid | self.out_ready[o]
            with m.If(free):
                m.d.sync += valid.eq(grant.any())
        first = self._first(m, o, wants, grant & ~owner)
        there = Cat(buffer.r_valid for buffer in buffers)
        with m.If(free):
            m.d.comb += grant.eq(Mux(owner.any(), owner & there, first))

        flit = Signal(p.flit_bits + 1, name=f"flit_{o}")
        register = Signal(p.flit_bits + 1, name=f"register_{o}", reset_less=True)
        for i, buffer in enumerate(buffers):
            with m.If(grant[i]):
                m.d.comb += flit.eq(buffer.r_data)
        with m.If(grant.any()):
            m.d.sync += [
                register.eq(flit),
                owner.eq(Mux(flit[-1], 0, grant)),
            ]
            with m.If(~owner.any()):
                m.d.sync += register[:-1].eq(flit[:-1] >> p.port_bits)
        m.d.comb += [
            lanes(self.out_data, p.flit_bits)[o].eq(register),
            self.out_tail[o].eq(register[-1]),
            self.out_valid[o].eq(valid),
        ]
        return grant

    def _first(self, m: Module, o: int, wants: Value, won: Value) -> Value:
        """The input that is served next, a bit each."""
        p = self.parameters

        def lowest(requests: Value) -> Value:
            return requests & (-requests)[: p.ports]

        if p.arbitration == "fixed":
            return lowest(wants)
        # Those after the last winner come first: a bit for each of them.
        after = Signal(p.ports, name=f"after_{o}")
        with m.If(won.any()):
            m.d.sync += after.eq(~(won | (won - 1)))
        preferred = wants & after
        return Mux(preferred.any(), lowest(preferred), lowest(wants))


def cycles(parameters: NocRouterParameters, workload: NocRouterWorkload) -> int:
    """Clock cycles of a workload, roughly: the busiest input or output sets the pace."""
    p, shares = parameters, matrix(parameters, workload)
    inputs = shares.sum(axis=1) / np.minimum(1, workload.load * p.ports * shares.sum(axis=1))
    pace = max(inputs.max(), shares.sum(axis=0).max() / workload.service)
    return round(workload.length * float(pace)) + 2


BLOCK = Block(
    name="noc_router",
    summary="wormhole router of a network on chip, source routed",
    parameters=NocRouterParameters,
    workload=NocRouterWorkload,
    hardware=NocRouter,
    bench="hdl.bench_noc_router",
    work=work,
    cycles=cycles,
)
