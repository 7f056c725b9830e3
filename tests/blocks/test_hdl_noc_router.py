"""The router against its reference: routes, order, fairness; planted faults must be noticed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chipdse_hdl.noc_router import BLOCK, NocRouter, NocRouterParameters, NocRouterWorkload
from chipdse_hdl.noc_router.bench import check, hard_case, stimulus, watched
from chipdse_hdl.noc_router.model import Traffic, cycles, reference, work
from chipdse_hdl.noc_router.traffic import Flit, matrix, mesh_matrix, packets, service

from tests.support.hdl_runs import bench_catches, bench_passes, play_in_amaranth


def run(p: NocRouterParameters, *case: Any) -> None:
    traffic = reference(p, *case)
    check(p, traffic, play_in_amaranth(NocRouter(p), stimulus(p, traffic), watched(p)))


def arrivals(p: NocRouterParameters, traffic: Traffic) -> list[list[Flit]]:
    """What each receiver was given."""
    found: list[list[Flit]] = [[] for _ in range(p.ports)]
    taken = traffic.inputs.get("out_ready")
    for cycle, row in enumerate(traffic.outputs["out_data"]):
        for port, data in enumerate(row):
            if data is not None and (taken is None or taken[cycle][port]):
                found[port].append((data, bool(traffic.outputs["out_tail"][cycle][port])))
    return found


@pytest.mark.parametrize(
    ("flow", "arbitration"), [*itertools.product(["ready", "credit"], ["round_robin", "fixed"])]
)
def test_every_packet_arrives_whole_and_in_order(flow: str, arbitration: str) -> None:
    p = NocRouterParameters(flow=flow, arbitration=arbitration, flit_bits=16)
    flits, gaps, takes = hard_case(p)
    # Mark each packet's flits with its input, below the bits that may be shifted out.
    expected: dict[tuple[int, int], list[list[int]]] = {}
    for i, own in enumerate(flits):
        packet: list[int] = []
        for n, (_, last) in enumerate(own):
            packet.append(n << 8 | i << 4)
            if last:
                target = own[n - len(packet) + 1][0] & 7
                own[n - len(packet) + 1] = (packet[0] | target, own[n - len(packet) + 1][1])
                for k in range(1, len(packet)):
                    at = n - len(packet) + 1 + k
                    own[at] = (packet[k], own[at][1])
                head = (packet[0] | target) >> 3
                expected.setdefault((i, target), []).append([head, *packet[1:]])
                packet = []
    found: dict[tuple[int, int], list[list[int]]] = {}
    for o, given in enumerate(arrivals(p, reference(p, flits, gaps, takes))):
        words: list[int] = []
        for data, last in given:
            words.append(data)
            if last:
                found.setdefault((words[0] >> 1 & 7, o), []).append(words)
                words = []
        assert not words
    assert found == expected


def test_round_robin_is_fair_and_fixed_is_not() -> None:
    """Three inputs want output 0 all the time."""
    counts = {}
    for arbitration in ("round_robin", "fixed"):
        p = NocRouterParameters(ports=3, arbitration=arbitration, flit_bits=8)
        flits = [[(i << 2, True)] * 30 for i in range(3)]
        traffic = reference(p, flits, [[0] * 30] * 3, [[True]] * 3)
        given = [data for data, _ in arrivals(p, traffic)[0]][:30]
        counts[arbitration] = [given.count(i) for i in range(3)]
    assert counts["round_robin"] == [10, 10, 10]
    assert counts["fixed"] == [30, 0, 0]


@pytest.mark.parametrize("flow", ["ready", "credit"])
def test_latency_and_throughput(flow: str) -> None:
    p = NocRouterParameters(flow=flow, ports=2, flit_bits=8)
    flits: list[list[Flit]] = [[(1, False), *[(9, False)] * 20, (9, True)], []]
    traffic = reference(p, flits, [[0] * 22, []], [[True]] * 2)
    valid = [row[1] for row in traffic.outputs["out_valid"]]
    assert valid == [0, 0] + [1] * 22


def test_the_mesh_by_hand() -> None:
    shares = mesh_matrix()
    assert shares.sum() == pytest.approx(1)
    # Nobody turns back, and nobody turns from y to x.
    assert (np.diag(shares) == 0).all()
    assert (shares[[1, 1, 3, 3], [2, 4, 2, 4]] == 0).all()
    # Router (3, 3): 63 packets start here of 63 * 64; 3 columns to the west hold 3 of the row's
    # sources, each of which sends to 4 * 8 destinations to the east through it, out of the row.
    assert shares[4, 2] / shares[0].sum() == pytest.approx(3 * 4 * 8 / 63)


def test_uniform_and_hotspot_by_hand() -> None:
    p = NocRouterParameters(ports=4)
    uniform = matrix(p, NocRouterWorkload(destinations="uniform"))
    assert uniform[1].tolist() == pytest.approx([1 / 12, 0, 1 / 12, 1 / 12])
    hotspot = matrix(p, NocRouterWorkload(destinations="hotspot"))
    assert hotspot[1].tolist() == pytest.approx([1 / 8, 0, 1 / 16, 1 / 16])


@pytest.mark.slow
def test_packets_have_the_statistics_they_promise() -> None:
    p = NocRouterParameters()
    workload = NocRouterWorkload(length=40_000, packet_flits=2, load=0.25)
    flits, gaps = packets(p, workload)
    found = np.zeros((5, 5))
    for i, own in enumerate(flits):
        for data, last in own:
            found[i, data & 7 if not last else 0] += not last  # the head of two flits
    assert np.abs(found / found.sum() - mesh_matrix()).max() < 0.01
    offered = [len(own) / (len(own) + sum(wait)) for own, wait in zip(flits, gaps, strict=True)]
    assert offered == pytest.approx(list(0.25 * 5 * mesh_matrix().sum(axis=1)), rel=0.06)
    assert work(p, workload).count == sum(map(len, flits))


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    "p",
    [
        NocRouterParameters(ports=3, flit_bits=9, buffer_flits=2, flow="credit"),
        NocRouterParameters(ports=4, flit_bits=8, buffer_flits=3, arbitration="fixed"),
        NocRouterParameters(ports=8, flit_bits=12, buffer_flits=5),
    ],
    ids=str,
)
def test_hardware_is_the_reference(p: NocRouterParameters) -> None:
    run(p, *hard_case(p))


def test_impossible_parameters_and_workloads_are_refused() -> None:
    with pytest.raises(ValueError, match="destinations='mesh' needs ports=5, not 4; use 'uniform'"):
        matrix(NocRouterParameters(ports=4), NocRouterWorkload())
    with pytest.raises(ValueError, match="ports=9 is too large; use <= 8"):
        NocRouterParameters(ports=9)


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("parameters", "workload"),
    [
        (NocRouterParameters(), NocRouterWorkload(length=300)),
        (
            NocRouterParameters(flow="credit", arbitration="fixed", ports=4, flit_bits=16),
            NocRouterWorkload(length=200, destinations="hotspot", service=0.5, packet_flits=1),
        ),
        (
            NocRouterParameters(flow="credit", ports=2, buffer_flits=3, flit_bits=8),
            NocRouterWorkload(length=100, destinations="uniform", load=1.0),
        ),
    ],
    ids=str,
)
def test_the_bench_passes_on_the_verilog(
    parameters: NocRouterParameters, workload: NocRouterWorkload, tmp_path: Path
) -> None:
    result = bench_passes(BLOCK, parameters, workload, tmp_path)
    traffic = reference(parameters, *packets(parameters, workload), service(parameters, workload))
    assert result["cycles"] == len(traffic.inputs["in_valid"])
    assert cycles(parameters, workload) == pytest.approx(result["cycles"], rel=0.4)


FAULTS = {
    "a request that is not heard": (r"assign wants_1\[0\] = .*;", "assign wants_1[0] = 1'b0;"),
    "data taken for a route": (r"~ claimed_2", "1'b1"),
    "packets that mix": (r"owner_0 <= \w+;", "owner_0 <= 3'h0;"),
    "an arbiter that forgets": (r"after_0 <= \w+;", "after_0 <= 3'h0;"),
    "a full output that is overwritten": (r"assign grant_1 = \w+ \?", "assign grant_1 = 1'b1 ?"),
    "a route that stays in the head": (r"\{ 2'h0, flit_2\[7:2\] \}", "flit_2[7:0]"),
}


@pytest.mark.few_cases(2)
@pytest.mark.tools
@pytest.mark.parametrize("fault", FAULTS)
def test_the_bench_catches(fault: str, tmp_path: Path) -> None:
    p = NocRouterParameters(ports=3, flit_bits=8, buffer_flits=2)
    workload = NocRouterWorkload(length=20, destinations="uniform")
    bench_catches(BLOCK, p, workload, FAULTS[fault], tmp_path)
