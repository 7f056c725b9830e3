"""Traffic for a router of a network on chip: who sends where, when, and who pauses."""

from __future__ import annotations

from itertools import product

import numpy as np

from chipdse_hdl.noc_router.parameters import NocRouterParameters, NocRouterWorkload
from chipdse_hdl.workloads.words import word_stream

MESH, MESH_PORTS = 8, 5  # a mesh of 8 x 8; ports: own core, north, east, south, west
Flit = tuple[int, bool]  # data, whether it is the packet's last


def mesh_matrix() -> np.ndarray:
    """Share of the packets that go from each input to each output, float[input, output].

    Of the router at (3, 3) of the mesh, over all pairs of source and destination.
    """
    counts = np.zeros((MESH_PORTS, MESH_PORTS))
    local, north, east, south, west = range(MESH_PORTS)
    router = MESH // 2 - 1, MESH // 2 - 1
    for sx, sy, dx, dy in product(range(MESH), repeat=4):
        if (sx, sy) == (dx, dy):
            continue
        in_row, in_column = sy == router[1], dx == router[0]
        between_x = min(sx, dx) <= router[0] <= max(sx, dx)
        between_y = min(sy, dy) <= router[1] <= max(sy, dy)
        if not (in_row and between_x) and not (in_column and between_y):
            continue
        if in_row and sx != router[0]:
            enters = west if sx < router[0] else east
        elif sy != router[1]:
            enters = north if sy < router[1] else south
        else:
            enters = local
        if dx != router[0]:
            leaves = east if dx > router[0] else west
        elif dy != router[1]:
            leaves = south if dy > router[1] else north
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
        input_flits, waits = [], []
        for target in targets:
            input_flits += [(next(payload), n == size - 1) for n in range(size)]
            input_flits[-size] = (input_flits[-size][0] & keep | int(target), size == 1)
            waits += [int(random.geometric(1 / (1 + size * (1 / load - 1)))) - 1, *[0] * (size - 1)]
        flits.append(input_flits)
        gaps.append(waits)
    return flits, gaps


def service(parameters: NocRouterParameters, workload: NocRouterWorkload) -> list[list[bool]]:
    """Whether each receiver takes a flit, by cycle, over and over."""
    random = np.random.default_rng([workload.seed, 2])
    takes = random.random((parameters.ports, 1009)) < workload.service
    takes[:, 0] = True
    return takes.tolist()
