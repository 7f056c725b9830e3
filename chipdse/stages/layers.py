"""Energy per MAC of each layer, from its own operands: tiles of it on the measured hardware."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from chipdse_hdl.contract import ArrayContract

from chipdse.application.parts import LAYER_ENERGY, LAYER_ERROR, contract_of
from chipdse.application.tensors import Tensors
from chipdse.application.tiles import Tiles, draw_tiles
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.stages.build import build_hardware
from chipdse.stages.measure import measure_block
from chipdse.stages.trace_figures import tile_deviation_j
from chipdse.store.store import Store


def measure_layers(design: Design, tensors: Tensors, store: Store) -> dict[str, float]:
    """Dynamic energy per MAC of each layer on a design, at its operating point.

    The tiles of a layer run through the simulated RTL, whose every result is compared with NumPy's,
    and its activity is that of its energy. Padding of edge tiles, and the cycles in which a tile
    fills and leaves the array, are included; their energy is shared by the layer's own MACs.

    Parameters
    ----------
    design : its workload is replaced

    Returns
    -------
    `LAYER_ENERGY` and `LAYER_ERROR` of each layer by its place [J]

    Raises
    ------
    DesignError : operands or sums that the array cannot hold; a block that takes no tiles
    ToolError : as `chipdse.evaluate.evaluate`
    """
    contract = contract_of(design.block, design.parameters)
    check_takes_tiles(design)
    drawn = [
        draw_tiles(tensors.operands(at), contract, layer.name)
        for at, layer in enumerate(tensors.layers)
    ]
    metrics: dict[str, float] = {}
    for at, tiles in enumerate(drawn):
        energy_j, error_j = _energy_per_mac_j(design, tiles, contract, store)
        metrics |= {LAYER_ENERGY.format(at): energy_j, LAYER_ERROR.format(at): error_j}
    return metrics


def check_takes_tiles(design: Design) -> None:
    """Raise DesignError for a block whose energy cannot follow tensors."""
    if design.block.tile_workload is None:
        raise DesignError(
            f"block {design.block.name!r} takes no operands of a layer; use mac_array, set "
            "`tile_workload` in the Block record, or leave the tensors out"
        )


def _energy_per_mac_j(
    design: Design, tiles: Tiles, contract: ArrayContract, store: Store
) -> tuple[float, float]:
    """Energy per MAC of a layer, and its standard error."""
    count, _, depth = tiles.a.shape
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tiles.npz"
        np.savez(file, a=tiles.a, b=tiles.b)
        assert design.block.tile_workload is not None
        run = dataclasses.replace(
            design, workload=design.block.tile_workload(str(file), count, depth)
        )
        _, hardware = build_hardware(run, store)
        report = measure_block(run, hardware, store)
        error_j = 0.0
        if count < tiles.total:
            interval = max(depth + contract.extra_cycles, contract.least_cycles)
            error_j = tiles.mean_error_j(tile_deviation_j(run, hardware, store, count, interval))
    dynamic_w = report.block_power_w - report.block_leakage_power_w
    per_mac_j = dynamic_w / report.block_throughput_ops_per_s
    return per_mac_j * tiles.padding_factor, error_j
