"""Capacitance of the wires inside a cell, from their spacing.

The wheel's `parameters/typical.spice` gives, for a line of minimum width over field oxide, the area
capacitance `ca`, and at each side, by distance to the neighbour, `cc` to the neighbour and `cf` to
the substrate. Every edge of a shape takes the values of the nearest shape it faces on its layer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

UM = 1e-6
# Names in the file: poly, li1, met1 over field; the width is the layer's minimum.
_LINES = {"poly": "mcp1f_{}_w_0_150", "li1": "mcl1f_{}_w_0_170", "met1": "mcm1f_{}_w_0_140"}
SUPPLIES = ("VPWR", "VGND")


@dataclass(frozen=True, kw_only=True)
class Line:
    """Capacitance of a line by spacing; arrays ascend in `spacing_m`."""

    area_f_per_m2: float
    spacing_m: np.ndarray
    coupling_f_per_m: np.ndarray  # one side, to the neighbour
    fringe_f_per_m: np.ndarray  # one side, to the substrate


@cache
def line(typical: Path, layer: str) -> Line:
    """One layer's coefficients from `typical.spice`."""
    text = typical.read_text()

    def values(kind: str) -> dict[float, float]:
        name = re.escape(_LINES[layer].format(kind))
        return {
            float(f"{a}.{b}") * UM: float(v)
            for a, b, v in re.findall(name + r"_s_(\d)_(\d+)\s*=\s*(\S+)", text)
        }

    area, coupling, fringe = values("ca"), values("cc"), values("cf")
    spacing = sorted(coupling)
    return Line(
        area_f_per_m2=area[spacing[0]],
        spacing_m=np.array(spacing),
        coupling_f_per_m=np.array([coupling[s] for s in spacing]),
        fringe_f_per_m=np.array([fringe[s] for s in spacing]),
    )


def capacitances(
    typical: Path, layer: str, regions: dict[str, Any], no_edge: Any, dbu_m: float
) -> dict[tuple[str, str], float]:
    """Capacitance between nets, and to the substrate (called VGND), of one layer.

    `regions` holds each net's shapes (klayout regions); edges in `no_edge` are left out.
    """
    import klayout.db as kdb

    table = line(typical, layer)
    # Boundaries between the file's spacings; beyond the last a shape counts as alone.
    limits = [*np.sqrt(table.spacing_m[:-1] * table.spacing_m[1:]), table.spacing_m[-1]]
    capacitance_f: dict[tuple[str, str], float] = {}

    def add(first: str, other: str, value: float) -> None:
        first, other = ("VGND" if n in SUPPLIES else n for n in (first, other))
        if first != other:
            key = (min(first, other), max(first, other))
            capacitance_f[key] = capacitance_f.get(key, 0.0) + value

    for net, regions_of_net in regions.items():
        if net in SUPPLIES:
            continue
        add(net, "VGND", table.area_f_per_m2 * regions_of_net.area() * dbu_m**2)
        free = regions_of_net.edges() - no_edge
        for k, limit in enumerate(limits):
            for other, shapes in regions.items():
                if other == net:
                    continue
                pairs = regions_of_net.separation_check(
                    shapes, int(round(limit / dbu_m)), metrics=kdb.Region.Projection
                )
                facing = pairs.first_edges().merged() & free
                if facing.is_empty():
                    continue
                length_m = facing.length() * dbu_m
                free = free - facing
                # each coupling is met from both nets: half from each side
                share = 1.0 if other in SUPPLIES else 0.5
                add(net, other, share * table.coupling_f_per_m[k] * length_m)
                add(net, "VGND", table.fringe_f_per_m[k] * length_m)
        alone = table.coupling_f_per_m[-1] + table.fringe_f_per_m[-1]
        add(net, "VGND", alone * free.length() * dbu_m)
    return capacitance_f
