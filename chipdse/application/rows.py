"""A network on one chip as rows and totals: what `chipdse map` prints."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from chipdse.application.arrays import Tiling, ideal_layers
from chipdse.application.chips import BOUNDS, LEVELS, LayerResults, run_layers
from chipdse.application.dies import LayerLinks
from chipdse.application.layers import LayerColumns, Network
from chipdse.application.parts import Chip, chip_columns
from chipdse.application.traffic import ORDERS
from chipdse.arrays import Floats
from chipdse.errors import DesignError

_ERROR = "tile_standard_error_j"


def mapped_rows(
    network: Network, chip: Chip, die_links: LayerLinks | None = None
) -> dict[str, Any]:
    """Every layer of a network on a chip, and the totals of a task.

    Parameters
    ----------
    die_links : between the dies of the chip, one row; None: it has one die

    Returns
    -------
    `layers` and `totals`: exact counts as integers, SI units in the names; energies and times only
    where the chip has a clock and measured energies

    Raises
    ------
    DesignError : a layer that no loop order fits into the buffer
    """
    layers = LayerColumns.of(network.layers)
    columns = dataclasses.replace(chip_columns([chip]), die_links=die_links)
    results = run_layers(columns, layers)
    fits = np.atleast_2d(results.traffic.fits)[0]
    if not fits.all():
        bits = chip.buffer.bits if chip.buffer else math.inf
        first = network.layers[int(np.argmin(fits))]
        raise DesignError(
            f"layer {first.name!r} does not fit: not even one double-buffered tile of "
            f"{chip.part.contract.rows} x {chip.part.contract.columns} results on "
            f"{chip.part.copies} copies fits into a buffer of {bits / 8:.0f} bytes; use a larger "
            "buffer or a smaller array"
        )
    rows = _counts(network, _first(results.tiling.__dict__))
    traffic = _first(results.traffic.__dict__)
    for row, order, reads, writes in zip(
        rows, traffic["order"], traffic["outer_reads"], traffic["outer_writes"], strict=True
    ):
        row["order"] = ORDERS[int(order)]
        row["dram_read_bits"], row["dram_write_bits"] = round(float(reads)), round(float(writes))
    for name in ("buffer_reads", "buffer_writes"):
        for row, bits in zip(rows, traffic[name], strict=True):
            row[f"sram_{name.removeprefix('buffer_')[:-1]}_bits"] = round(float(bits))
    _add_times(rows, results, chip)
    return {"layers": rows, "totals": _totals(network, rows, chip)}


def ideal_rows(network: Network, chip: Chip, dataflow: str) -> dict[str, Any]:
    """As `mapped_rows` for an ideal systolic array; cycles, reads and writes only."""
    contract = chip.part.contract
    layers = LayerColumns.of(network.layers)
    tiling = ideal_layers(layers, contract.rows, contract.columns, dataflow)
    rows = _counts(network, tiling.__dict__)
    for row in rows:
        row["bound"] = "compute"
    return {"layers": rows, "totals": _totals(network, rows, chip)}


def _first(columns: dict[str, Any]) -> dict[str, Floats]:
    """The row of the first chip of each array."""
    return {name: np.atleast_2d(column)[0] for name, column in columns.items()}


def _counts(network: Network, tiling: dict[str, Any]) -> list[dict[str, Any]]:
    columns = {
        name: np.broadcast_to(tiling[name], (len(network.layers),)).tolist()
        for name in Tiling.__dataclass_fields__
    }
    rows = []
    for i, layer in enumerate(network.layers):
        count = {name: column[i] for name, column in columns.items()}
        rows.append(
            {
                "name": layer.name,
                "kind": layer.kind,
                **{name: getattr(layer, name) for name in ("m", "n", "k", "count", "macs")},
                "tiles": round(count["tiles"]),
                "cycles": round(count["cycles"]),
                "latency_cycles": round(count["latency_cycles"]),
                "utilisation": count["utilisation"],
                "reads": round(count["input_reads"] + count["weight_reads"]),
                "input_reads": round(count["input_reads"]),
                "weight_reads": round(count["weight_reads"]),
                "writes": round(count["writes"]),
            }
        )
    return rows


def _add_times(rows: list[dict[str, Any]], results: LayerResults, chip: Chip) -> None:
    """Times, energies and the limit that binds, where they are known."""
    if math.isnan(chip.part.clock_hz):
        for row in rows:
            row["bound"] = "compute"
        return
    latency_s, bound = results.latency_s[0], np.atleast_2d(results.bound)[0]
    shape = results.latency_s.shape
    times = {name: np.broadcast_to(t, shape)[0] for name, t in results.times_s.items()}
    energies = {name: np.broadcast_to(j, shape)[0] for name, j in results.energies_j.items()}
    for i, row in enumerate(rows):
        row["bound"] = BOUNDS[int(bound[i])]
        row["latency_s"] = float(latency_s[i])
        row |= {f"{name}_s": float(times[name][i]) for name in BOUNDS}
        if not math.isnan(chip.part.mac_j):
            row |= {f"{level}_energy_j": float(energies[level][i]) for level in LEVELS}
            row["energy_j"] = sum(row[f"{level}_energy_j"] for level in LEVELS)
        if chip.part.layer_mac_j:
            row[_ERROR] = row["macs"] * chip.part.layer_error_j[i]
            row["constant_tile_j"] = float(np.atleast_2d(results.constant_tile_j)[0][i])
            row |= _errors(row)


def _errors(row: dict[str, Any]) -> dict[str, float]:
    """Energy per MAC over a layer's, or the network's, own operands, and what a constant misses."""
    missed_j = row["constant_tile_j"] - row["tile_energy_j"]
    return {
        "mac_energy_j": row["tile_energy_j"] / row["macs"],
        "constant_tile_error_frac": missed_j / row["tile_energy_j"],
        "constant_energy_error_frac": missed_j / row["energy_j"],
    }


def _totals(network: Network, rows: list[dict[str, Any]], chip: Chip) -> dict[str, Any]:
    contract = chip.part.contract
    summed = [
        name
        for name in rows[0]
        if name not in ("name", "kind", "m", "n", "k", "count", "utilisation", "order", "bound")
        and name not in ("mac_energy_j", _ERROR)
        and not name.endswith("_frac")
    ]
    totals: dict[str, Any] = {name: sum(row[name] for row in rows) for name in summed}
    totals["layers"] = len(rows)
    if chip.part.layer_mac_j:
        totals |= _errors(totals)
        # Tiles of different layers are drawn independently.
        totals[_ERROR] = math.sqrt(sum(row[_ERROR] * row[_ERROR] for row in rows))
    multipliers = contract.rows * contract.columns * chip.part.copies
    totals["utilisation"] = network.macs / (totals["cycles"] * multipliers)
    if "latency_s" in totals:
        totals["task_bound"] = _largest(rows)
    return totals


def _largest(rows: list[dict[str, Any]]) -> str:
    """The limit that binds for most of the time of a task."""
    spent = {bound: sum(r["latency_s"] for r in rows if r["bound"] == bound) for bound in BOUNDS}
    return max(spent, key=lambda bound: spent[bound])
