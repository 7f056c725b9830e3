"""What is inside one point: power by module and kind, critical path, supply curve, package."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.design import Design
from chipdse.errors import ChipdseError, DesignError
from chipdse.evaluate import build_hardware
from chipdse.export.bundle import repeat_command
from chipdse.hardware.store import Store
from chipdse.measure import Hardware, analyse_design, corners_of, job_of, library_of, measure
from chipdse.metrics import BlockReport
from chipdse.netlist.power import GROUPS, Power
from chipdse.netlist.power_modules import assign_modules
from chipdse.netlist.timing import Timing
from chipdse.netlist.timing_paths import critical_path
from chipdse.operating import operate
from chipdse.report.package_parts import carbon_parts, cost_parts
from chipdse.report.package_picture import draw_package
from chipdse.system.system import Evaluation, evaluate_described, from_block

KINDS = ("internal_w", "switching_w", "leakage_w")
LARGEST_MODULES = 120


def point_detail(design: Design, store: Store) -> dict[str, Any]:
    """Everything the page shows of one opened point, as JSON values in SI units.

    Nothing is simulated or synthesised that the store still has.

    Raises
    ------
    ChipdseError : the point cannot be built here, for its own or the machine's reasons
    """
    _, hardware = build_hardware(design, store)
    report, block = measure(design, hardware, store)
    analysed = analyse_design(design, hardware, store)
    timing, power = analysed.timing, analysed.power
    # Energy a cycle does not depend on the clock: powers are scaled to the point's own.
    scale = report.clock_frequency_hz * float(timing.min_period_s[0])
    endpoint, path = critical_path(timing)
    found = evaluate_described(from_block(block, design.package))
    return {
        "repeat": repeat_command(design),
        "modules": _modules(timing, power, scale),
        "kinds": _kinds(power, scale, report.block_clock_tree_power_w),
        "layout": _layout_note(report),
        "critical_path_s": report.critical_path_s,
        "clock_skew_s": report.clock_skew_s,
        "endpoint": endpoint,
        "path": [
            {"pin": s.pin, "cell": s.cell, "edge": s.edge, "arrival_s": s.arrival_s} for s in path
        ],
        "supply": _over_supply(design, hardware, store, report.library_temperature_c),
        "cost_usd": cost_parts(found),
        "embodied_kgco2e": carbon_parts(found),
        "package_svg": _package_svg(found),
        "sources": [
            {"key": c.key, "value": c.published, "unit": c.unit, "source": c.source}
            for c in sorted(found.sources.used.values(), key=lambda c: c.key)
        ],
    }


def details_or_reason(design: Design, store: Store) -> dict[str, Any]:
    """`point_detail`, or why there is none: a report is written all the same."""
    try:
        return point_detail(design, store)
    except ChipdseError as error:
        return {"error": str(error)}


def _powers(power: Power, kind: str, cells: Any, scale: float) -> float:
    watts = float(getattr(power, kind)[0, cells].sum())
    return watts if kind == "leakage_w" else watts * scale


def _modules(timing: Timing, power: Power, scale: float) -> list[dict[str, Any]]:
    """Modules as a tree; each node's power includes what is below it."""
    modules = assign_modules(timing.graph)
    own = {
        name: sum(_powers(power, kind, modules.of_cell == number, scale) for kind in KINDS)
        for number, name in enumerate(modules.names)
    }
    total: dict[str, float] = {"": 0.0}
    for name, watts in own.items():
        parts = name.split(".") if name else []
        for depth in range(len(parts) + 1):
            prefix = ".".join(parts[:depth])
            total[prefix] = total.get(prefix, 0.0) + watts
    kept = sorted(total, key=lambda name: -total[name])[:LARGEST_MODULES]
    nodes = [
        {
            "id": name or "block",
            "label": name.rpartition(".")[2] or "block",
            "parent": "" if not name else name.rpartition(".")[0] or "block",
            "power_w": total[name],
        }
        for name in sorted(kept)
        if total[name] > 0
    ]
    parents = {node["parent"] for node in nodes}
    return nodes + [
        {"id": f"{name or 'block'} itself", "label": "itself", "parent": name or "block",
         "power_w": own[name]}
        for name in own
        if own[name] > 0 and (name or "block") in parents
    ]  # fmt: skip


def _kinds(power: Power, scale: float, clock_tree_w: float) -> dict[str, Any]:
    """Power by group of cells and kind; the clock tree, which only switches, as a group."""
    groups = [g for n, g in enumerate(GROUPS) if (power.group == n).any()]
    watts = [
        [_powers(power, kind, power.group == GROUPS.index(group), scale) for group in groups]
        for kind in KINDS
    ]
    if clock_tree_w > 0:
        groups.append("clock tree")
        for kind, row in zip(KINDS, watts, strict=True):
            row.append(clock_tree_w if kind == "switching_w" else 0.0)
    kinds = [kind.removesuffix("_w") for kind in KINDS]
    return {"groups": groups, "kinds": kinds, "power_w": watts}


def _layout_note(report: BlockReport) -> str:
    """What of layout is in the figures, and how much of the power it is."""
    wires = ("none", "by formula", "placed")[report.wire_level]
    parts = [f"wires {wires}"]
    if report.wire_level:
        parts[0] += f" ({report.block_wire_power_w / report.block_power_w:.0%} of the power)"
    for name, on, watts in (
        ("glitches", report.glitches_counted, report.block_glitch_power_w),
        ("clock tree", report.clock_tree_counted, report.block_clock_tree_power_w),
    ):
        parts.append(f"{name} {watts / report.block_power_w:.0%}" if on else f"no {name}")
    return "Counted: " + ", ".join(parts) + "."


def _over_supply(
    design: Design, hardware: Hardware, store: Store, temperature_c: float
) -> dict[str, list[float]]:
    """Energy per operation and highest clock at every characterised supply."""
    supplies = []
    library = library_of(design.library).load()
    for vdd_v in np.unique(library.supply_v).tolist():
        try:
            library.at([vdd_v], [temperature_c])
        except DesignError:
            continue
        supplies.append(float(vdd_v))
    pairs: list[tuple[float | None, float | None]] = [(vdd, temperature_c) for vdd in supplies]
    corners = corners_of(design, hardware, store, pairs)
    count = len(corners)
    operated = operate(
        corners,
        np.arange(count),
        np.full(count, np.nan),
        np.ones(count),
        job_of(design, hardware),
    )
    return {
        "vdd_v": supplies,
        "energy_per_op_j": operated.report["block_energy_per_op_j"].tolist(),
        "f_max_hz": operated.report["f_max_hz"].tolist(),
    }


def _package_svg(found: Evaluation) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "package.svg"
        draw_package(found, path)
        return base64.b64encode(path.read_bytes()).decode()


def used_sources(details: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every constant that any of the points used, once."""
    found = {source["key"]: source for one in details.values() for source in one.get("sources", [])}
    return [found[key] for key in sorted(found)]
