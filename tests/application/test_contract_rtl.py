"""Whole layers, tiled through the RTL under cocotb: the mapper's counts, to the cycle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.mac_array import MacArrayParameters

from chipdse.application.arrays import ArrayColumns, tile_layers
from chipdse.application.layers import Convolution, Layer, LayerColumns
from chipdse.application.unfold import unfold_kernels, unfold_maps
from tests.application.convolution import direct
from tests.application.layer_bench import LayerWorkload
from tests.support.hdl_runs import export_verilog, run_bench

pytestmark = pytest.mark.tools

CONVOLUTION = Convolution(
    name="conv",
    input=(6, 5),
    kernel=(3, 2),
    channels=2,
    filters=5,
    stride=(2, 1),
    padding=(1, 0, 1, 1),
)
DEPTHWISE = Convolution(
    name="depthwise",
    input=(4, 5),
    kernel=(3, 3),
    channels=3,
    filters=3,
    padding=(1, 1, 1, 1),
    groups=3,
)
GEMMS = [
    Layer(name="edges", kind="gemm", m=7, n=5, k=9),
    Layer(name="shallow", kind="gemm", m=9, n=4, k=2),  # shorter than a drain
    Layer(name="single", kind="gemm", m=1, n=1, k=1),
    Layer(name="heads", kind="matmul", m=5, n=3, k=4, count=2),
]


@pytest.mark.parametrize(
    ("overlapped", "more"),
    [
        (False, {}),
        (True, {}),
        pytest.param(
            True,
            {"pipeline_stages": 2, "accumulation": "carry_save", "gating": "isolate"},
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_layers_take_what_the_mapper_says(
    overlapped: bool, more: dict[str, object], tmp_path: Path
) -> None:
    p = MacArrayParameters(
        rows=4,
        columns=3,
        operand_bits=5,
        accumulator_bits=18,
        overlapped_drain=overlapped,
        **more,  # type: ignore[arg-type]
    )
    random = np.random.default_rng(1)
    matrices: dict[str, np.ndarray] = {}
    expected: dict[str, np.ndarray] = {}
    layers = [*GEMMS]
    for layer in GEMMS:
        a = random.integers(-16, 16, (layer.count, layer.m, layer.k))
        b = random.integers(-16, 16, (layer.count, layer.k, layer.n))
        matrices |= {f"{layer.name}_a": a, f"{layer.name}_b": b}
        expected[layer.name] = a @ b
    for c in (CONVOLUTION, DEPTHWISE):
        image = random.integers(-16, 16, (c.channels, *c.input))
        weights = random.integers(-16, 16, (c.filters, c.channels // c.groups, *c.kernel))
        layer = c.layer()
        layers.append(layer)
        b = unfold_kernels(c, weights)
        matrices |= {f"{c.name}_a": unfold_maps(c, image[None])[0], f"{c.name}_b": b}
        result = direct(c, image, weights).reshape(c.groups, c.filters // c.groups, -1)
        expected[c.name] = result.transpose(0, 2, 1)
    np.savez(tmp_path / "layers.npz", **matrices)

    block = dataclasses.replace(BLOCKS["mac_array"], bench="tests.application.layer_bench")
    verilog = export_verilog(block.hardware(p), tmp_path)
    result, complaints = run_bench(block, p, LayerWorkload(folder=str(tmp_path)), verilog, tmp_path)
    assert result is not None, complaints

    assert block.contract is not None
    tiling = tile_layers(LayerColumns.of(layers), ArrayColumns.of([block.contract(p)], [1]))
    for i, layer in enumerate(layers):
        seen: dict[str, int] = result[layer.name]  # type: ignore[assignment]
        a, b = matrices[f"{layer.name}_a"], matrices[f"{layer.name}_b"]
        assert (layer.count, layer.m, layer.k, layer.n) == (*a.shape, b.shape[2]), layer.name
        assert seen["cycles"] == tiling.cycles[i], layer.name
        assert max(seen["cycles"], seen["latency_cycles"]) == tiling.latency_cycles[i], layer.name
        assert seen["reads"] == tiling.input_reads[i] + tiling.weight_reads[i], layer.name
        assert seen["writes"] == tiling.writes[i], layer.name
        got = np.load(tmp_path / f"{layer.name}_c.npy")
        assert np.array_equal(got, expected[layer.name]), layer.name
