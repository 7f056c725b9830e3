"""What is inside one chip: layers, roofline, floorplan with temperatures, energy over supply."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chipdse.application.chips import BOUNDS, LEVELS
from chipdse.application.inside.one_chip import OneChip
from chipdse.application.inside.system import link_figures
from chipdse.errors import ChipdseError
from chipdse.report.page.chip_floorplans import floorplans
from chipdse.system.each_die import each_die
from chipdse.technology.citations import cited_in

MOST_LAYERS = 60
"""So many layers are rows of the page; the others, with the least energy, are one row together."""
_OTHERS = "others"


def chip_detail(chip: OneChip) -> dict[str, Any]:
    """Everything the page shows of one chip, as JSON values in SI units.

    Raises
    ------
    ChipdseError : the network does not fit on the chip
    """
    layers, table, supplies = chip.layers(), chip.task(), chip.over_supply()
    energies = {level: float(joules[0]) for level, joules in table.energies_j.items()}
    detail: dict[str, Any] = {
        "chip": True,
        "application": _application(chip),
        "energy_j": float(table.energy_j[0]),
        "energy_error_j": chip.standard_error_j(),
        "latency_s": float(table.latency_s[0]),
        "levels": {level: joules for level, joules in energies.items() if joules},
        "layers": shown_layers(layers),
        "roofs": _roofs(chip) if layers else None,
        "supply": {
            "part": supplies.part,
            "vdd_v": supplies.vdd_v.tolist(),
            "latency_s": supplies.latency_s.tolist(),
            "energies_j": {
                level: joules.tolist()
                for level, joules in supplies.energies_j.items()
                if np.any(joules)
            },
        },
    }
    plans, evaluation = floorplans(chip)
    return detail | {
        "floorplans": plans,
        "dies": [] if chip.dies is None else [die.document() for die in each_die(evaluation)],
        "flows": link_figures(chip),
        "sources": [
            {"key": c.key, "value": c.published, "unit": c.unit, "source": c.source}
            for _, c in sorted((chip.sources.used | evaluation.sources.used).items())
        ],
        "cite": [reference.text for reference in cited_in(evaluation.sources)],
    }


def chip_detail_or_reason(chip: OneChip) -> dict[str, Any]:
    """`chip_detail`, or the reason why there is none; the report is written in both cases."""
    try:
        return chip_detail(chip)
    except ChipdseError as error:
        return {"error": str(error)}


def _application(chip: OneChip) -> str:
    """What a task is, in words."""
    application = chip.application
    does = []
    if application.network is not None:
        batch = f", batch {application.batch}" if application.batch > 1 else ""
        does.append(f"{application.network.name}{batch}")
    work = application.work
    does += [f"{number:g} operations of {part}" for part, number in work.operations.items()]
    does += [f"{number:g} x the workload of {part}" for part, number in work.runs.items()]
    return (" at the same time as " if application.overlapped else ", then ").join(does)


def shown_layers(layers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the page, in the network's order; those with the least energy are joined.

    Times of a row are those of its limits, each as if it were alone.
    """
    rows = [_layer(layer) for layer in layers]
    if len(rows) <= MOST_LAYERS:
        return rows
    by_energy = sorted(range(len(rows)), key=lambda place: -sum(rows[place]["energies_j"].values()))
    kept = sorted(by_energy[: MOST_LAYERS - 1])
    joined = [rows[place] for place in by_energy[MOST_LAYERS - 1 :]]
    total: dict[str, Any] = {
        name: sum(row[name] for row in joined)
        for name in ("macs", "latency_s", "sram_bits", "dram_bits")
    }
    for name in ("times_s", "energies_j"):
        keys = joined[0][name]
        total[name] = {key: sum(row[name][key] for row in joined) for key in keys}
    spent = {
        bound: sum(row["latency_s"] for row in joined if row["bound"] == bound) for bound in BOUNDS
    }
    total["bound"] = max(spent, key=lambda bound: spent[bound])
    total |= {"name": f"{_OTHERS} ({len(joined)})", "shape": f"{len(joined)} layers", "order": ""}
    return [*(rows[place] for place in kept), total]


def _layer(layer: Mapping[str, Any]) -> dict[str, Any]:
    count = f"{layer['count']} x " if layer["count"] > 1 else ""
    return {
        "name": layer["name"],
        "shape": f"{layer['kind']}, {count}{layer['m']} x {layer['n']} x {layer['k']}",
        "order": f"{layer['order']} stay in the buffer",
        "macs": layer["macs"],
        "latency_s": layer["latency_s"],
        "bound": layer["bound"],
        "times_s": {bound: layer[f"{bound}_s"] for bound in BOUNDS},
        "energies_j": {level: layer[f"{level}_energy_j"] for level in LEVELS},
        "sram_bits": layer["sram_read_bits"] + layer["sram_write_bits"],
        "dram_bits": layer["dram_read_bits"] + layer["dram_write_bits"],
    }


def _roofs(chip: OneChip) -> dict[str, float]:
    """The limits of the roofline; a memory that the chip does not have is left out."""
    roofs = chip.roofs()
    # The link carries the bits of the DRAM: the slower of both is one roof.
    outer = min(roofs.dram_bits_per_s, roofs.link_bits_per_s)
    memories = {"sram": roofs.sram_bits_per_s, "dram": outer}
    return {"macs_per_s": roofs.macs_per_s} | {
        f"{name}_bits_per_s": rate for name, rate in memories.items() if math.isfinite(rate)
    }
