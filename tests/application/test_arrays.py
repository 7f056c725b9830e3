"""Cycles, reads and writes of layers: SCALE-Sim's results, hand-worked tiles, and laws."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from chipdse_hdl.mac_array import BLOCK, MacArrayParameters, MacArrayWorkload
from chipdse_hdl.mac_array.model import cycles
from hypothesis import given
from hypothesis import strategies as st

from chipdse.application.arrays import DATAFLOWS, ArrayColumns, ideal_layers, tile_layers
from chipdse.application.layers import Layer, LayerColumns
from chipdse.application.tables import read_network


def gemm(m: int, n: int, k: int, count: int = 1) -> LayerColumns:
    return LayerColumns.of([Layer(name="g", kind="gemm", m=m, n=n, k=k, count=count)])


def arrays(p: MacArrayParameters, copies: int = 1) -> ArrayColumns:
    assert BLOCK.contract is not None
    return ArrayColumns.of([BLOCK.contract(p)], [copies])


@pytest.mark.parametrize(
    ("dataflow", "folder"), [*zip(DATAFLOWS, ["os", "ws", "is"], strict=True)], ids=DATAFLOWS
)
def test_cycles_and_accesses_are_scalesims(dataflow: str, folder: str, shared: Path) -> None:
    results = shared / "reference" / "networks" / "scalesim"
    network = read_network(str(results / "gemms.csv"))
    tiling = ideal_layers(LayerColumns.of(network.layers), 4, 4, dataflow)

    def column(report: str, name: str) -> list[float]:
        text = (results / f"gemms_4x4_{folder}" / f"{report}.csv").read_text()
        rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
        return [float(row[name]) for row in rows]

    assert tiling.cycles.tolist() == column("COMPUTE_REPORT", "Total Cycles")
    accesses = "DETAILED_ACCESS_REPORT"
    assert tiling.input_reads.tolist() == column(accesses, "SRAM IFMAP Reads")
    assert tiling.weight_reads.tolist() == column(accesses, "SRAM Filter Reads")
    if dataflow != "output_stationary":  # there SCALE-Sim counts too many (its issue 166)
        assert tiling.writes.tolist() == column(accesses, "SRAM OFMAP Writes")


# Of SCALE-Sim 3.0.0 (PyPI), in its CALC mode: cycles, reads of A and of B, writes of C.
NOT_SQUARE = {
    "output_stationary": (
        [71, 107, 283, 7, 124],
        [154, 195, 256, 6, 450],
        [88, 135, 640, 3, 90],
        None,  # it counts too many
    ),
    "weight_stationary": (
        [79, 77, 615, 18, 113],
        [154, 195, 256, 6, 450],
        [44, 45, 640, 3, 18],
        [56, 117, 110, 18, 75],
    ),
    "input_stationary": (
        [101, 109, 252, 31, 377],
        [77, 65, 64, 6, 450],
        [132, 225, 640, 6, 162],
        [56, 117, 110, 18, 75],
    ),
}


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_an_array_that_is_not_square_is_scalesims(dataflow: str) -> None:
    """Layers smaller than the array of 6 x 3, with edges, and of one row or column."""
    shapes = [(7, 4, 11), (13, 9, 5), (1, 10, 64), (6, 3, 1), (25, 1, 18)]
    layers = [Layer(name="g", kind="gemm", m=m, n=n, k=k) for m, n, k in shapes]
    tiling = ideal_layers(LayerColumns.of(layers), 6, 3, dataflow)
    cycles_, inputs, weights, writes = NOT_SQUARE[dataflow]
    assert tiling.cycles.tolist() == cycles_
    assert tiling.input_reads.tolist() == inputs
    assert tiling.weight_reads.tolist() == weights
    assert writes is None or tiling.writes.tolist() == writes


def test_tiles_by_hand() -> None:
    p = MacArrayParameters(rows=4, columns=3)
    t = tile_layers(gemm(9, 7, 10), arrays(p))
    # 3 x 3 tiles of 10 + 2 * 3 - 2 = 14 cycles; A is read once per column of tiles.
    assert (t.tiles.item(), t.cycles.item()) == (9, 126)
    assert (t.input_reads.item(), t.weight_reads.item(), t.writes.item()) == (270, 210, 63)
    # The last tile has 1 row and 1 column: 8 * 14 + 10 + 2 = 124, so the interval decides.
    assert t.latency_cycles.item() == 126
    assert t.utilisation.item() == pytest.approx(630 / (126 * 12))
    overlapped = MacArrayParameters(rows=4, columns=3, overlapped_drain=True)
    t = tile_layers(gemm(9, 7, 10), arrays(overlapped))
    assert (t.cycles.item(), t.latency_cycles.item()) == (90, 92)
    assert tile_layers(gemm(9, 7, 2), arrays(overlapped)).cycles.item() == 9 * 5


def test_copies_share_tiles_by_hand() -> None:
    p = MacArrayParameters(rows=4, columns=3)
    t = tile_layers(gemm(9, 7, 10), arrays(p, copies=4))
    assert t.cycles.item() == 3 * 14  # 9 tiles on 4 copies: one has 3
    assert t.writes.item() == 63


sizes = st.integers(1, 40)


@given(sizes, sizes, st.booleans(), st.integers(1, 5), st.integers(1, 50))
def test_one_layer_is_the_blocks_workload(
    rows: int, columns: int, overlapped: bool, products: int, depth: int
) -> None:
    p = MacArrayParameters(rows=rows, columns=columns, overlapped_drain=overlapped)
    workload = MacArrayWorkload(length=products * depth, depth=depth)
    t = tile_layers(gemm(products * rows, columns, depth), arrays(p))
    assert BLOCK.contract is not None
    assert BLOCK.contract(p).interval_cycles(depth) == p.interval_cycles(depth)
    work = BLOCK.work(p, workload)
    assert t.latency_cycles.item() == cycles(p, workload)
    assert (t.input_reads + t.weight_reads).item() * p.operand_bits == work.input_bits
    assert t.writes.item() * p.accumulator_bits == work.output_bits


@given(sizes, sizes, sizes, sizes, sizes, st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_utilisation_latency_and_traffic_are_within_their_bounds(
    m: int, n: int, k: int, rows: int, columns: int, count: int, copies: int, overlapped: bool
) -> None:
    p = MacArrayParameters(rows=rows, columns=columns, overlapped_drain=overlapped)
    t = tile_layers(gemm(m, n, k, count), arrays(p, copies))
    macs = m * n * k * count
    assert 0 < t.utilisation.item() <= 1
    assert t.latency_cycles.item() >= t.cycles.item() >= macs / (rows * columns * copies)
    assert t.input_reads.item() >= m * k * count
    assert t.weight_reads.item() >= n * k * count
    assert t.writes.item() == m * n * count
    more = tile_layers(gemm(m, n, k, count), arrays(p, copies + 1))
    assert more.cycles.item() <= t.cycles.item()
