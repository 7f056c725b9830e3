"""Reference of `noc_router` with its senders and receivers, cycle by cycle; work and cycles."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from chipdse_hdl.block import Work
from chipdse_hdl.noc_router.parameters import NocRouterParameters, NocRouterWorkload
from chipdse_hdl.noc_router.traffic import Flit, matrix, packets


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """A router's ports, a row per cycle, each a list by port; None where an output says nothing."""

    inputs: dict[str, list[list[int]]]
    outputs: dict[str, list[list[int | None]]]


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


def work(parameters: NocRouterParameters, workload: NocRouterWorkload) -> Work:
    """One flit of work has entered and left."""
    count = sum(map(len, packets(parameters, workload)[0]))
    bits = count * parameters.flit_bits
    return Work(count=count, unit="flit", input_bits=bits, output_bits=bits)


def cycles(parameters: NocRouterParameters, workload: NocRouterWorkload) -> int:
    """Clock cycles of a workload, roughly: the busiest input or output sets the pace."""
    p, shares = parameters, matrix(parameters, workload)
    inputs = shares.sum(axis=1) / np.minimum(1, workload.load * p.ports * shares.sum(axis=1))
    pace = max(inputs.max(), shares.sum(axis=0).max() / workload.service)
    return round(workload.length * float(pace)) + 2
