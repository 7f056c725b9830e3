"""What is inside one point: power by module and kind, critical path, supply curve, package."""

from __future__ import annotations

import base64
import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.arrays import Floats
from chipdse.design import Design
from chipdse.errors import ChipdseError, DesignError
from chipdse.export.bundle import repeat_command
from chipdse.metrics import METRICS, BlockReport, corner_text
from chipdse.netlist.power.modules import assign_modules
from chipdse.netlist.power.power import GROUPS, Power
from chipdse.netlist.timing.paths import critical_path
from chipdse.netlist.timing.timing import Timing
from chipdse.report.pictures.package_parts import carbon_parts, cost_parts
from chipdse.stages.analyse import Analysis, analyse_design
from chipdse.stages.build import build_hardware
from chipdse.stages.layout import measured_errors
from chipdse.stages.library import library_of
from chipdse.stages.load import Hardware
from chipdse.stages.measure import check_library, corners_of, job_of, measure
from chipdse.stages.operate import operate
from chipdse.store.store import Store
from chipdse.system.described import Evaluation, evaluate_block
from chipdse.technology.calibration import MeasuredError
from chipdse.technology.citations import cited_in

KINDS = ("internal_w", "switching_w", "leakage_w")
SHOWN_ERRORS = ("block_power_w", "block_clock_tree_power_w", "block_layout_area_m2")
CLOCK_TREE, ADDED_CELLS = "clock tree", "added by layout"
SHOWN_KINDS = (
    "inside cells",
    "in pins",
    "in wires",
    "glitches",
    CLOCK_TREE,
    ADDED_CELLS,
    "leakage",
)
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
    analysis = analyse_design(design, hardware, store)
    timing, power = analysis.timing, analysis.power
    # Energy per cycle does not depend on the clock: powers are scaled to the point's own.
    scale = report.clock_frequency_hz * float(timing.min_period_s[0])
    endpoint, path = critical_path(timing)
    evaluation = evaluate_block(block, design.package, design.constants)
    return {
        "repeat": repeat_command(design),
        # Of a guaranteed point the parts below are those of a typical chip at its clock.
        "power_w": _nominal_power_w(report),
        "modules": _modules(timing, power, scale, _added_powers(report, power)),
        "kinds": _kinds(analysis, scale, report),
        "layout": _layout_note(report, measured_errors(design)),
        "critical_path_s": 1 / report.nominal_f_max_hz,
        "layout_delay_s": report.layout_delay_s,
        "clock_skew_s": report.clock_skew_s,
        "endpoint": endpoint,
        "path": [
            {"pin": s.pin, "cell": s.cell, "edge": s.edge, "arrival_s": s.arrival_s} for s in path
        ],
        "supply": _over_supply(design, hardware, store, report.library_temperature_c),
        "cost_usd": cost_parts(evaluation),
        "embodied_kgco2e": carbon_parts(evaluation),
        "placement_png": _placement_png(design, analysis, report),
        "package_svg": _package_svg(evaluation),
        "sources": [
            {"key": c.key, "value": c.published, "unit": c.unit, "source": c.source}
            for c in sorted(evaluation.sources.used.values(), key=lambda c: c.key)
        ],
        "cite": [reference.text for reference in cited_in(evaluation.sources)],
    }


def details_or_reason(design: Design, store: Store) -> dict[str, Any]:
    """`point_detail`, or the reason why there is none; the report is written in both cases."""
    try:
        return point_detail(design, store)
    except ChipdseError as error:
        return {"error": str(error)}


def _powers(power: Power, kind: str, cells: Any, scale: float) -> float:
    watts = float(getattr(power, kind)[0, cells].sum())
    return watts if kind == "leakage_w" else watts * scale


def _modules(
    timing: Timing, power: Power, scale: float, added_w: dict[str, tuple[float, float]]
) -> list[dict[str, Any]]:
    """Modules as a tree; each node's power includes what is below it.

    The clock tree and the cells that layout adds, of which no module has any, are nodes below the
    block.
    """
    modules = assign_modules(timing.graph)
    own_cells_w = {
        name: sum(_powers(power, kind, modules.of_cell == number, scale) for kind in KINDS)
        for number, name in enumerate(modules.names)
    }
    total: dict[str, float] = {"": 0.0}
    for name, watts in own_cells_w.items():
        parts = name.split(".") if name else []
        for depth in range(len(parts) + 1):
            prefix = ".".join(parts[:depth])
            total[prefix] = total.get(prefix, 0.0) + watts
    largest = sorted(total, key=lambda name: -total[name])[:LARGEST_MODULES]
    nodes: list[dict[str, Any]] = [
        {
            "id": name or "block",
            "label": name.rpartition(".")[2] or "block",
            "parent": "" if not name else name.rpartition(".")[0] or "block",
            "power_w": total[name],
        }
        for name in sorted(largest)
        if total[name] > 0
    ]
    for label, watts in ((label, sum(parts)) for label, parts in added_w.items()):
        nodes[0]["power_w"] += watts
        nodes.append({"id": f" {label}", "label": label, "parent": "block", "power_w": watts})
    parents = {node["parent"] for node in nodes}
    return nodes + [
        {
            "id": f"{name or 'block'} own",
            "label": "own cells",
            "parent": name or "block",
            "power_w": own_cells_w[name],
        }
        for name in own_cells_w
        if own_cells_w[name] > 0 and (name or "block") in parents
    ]


def _added_powers(report: BlockReport, power: Power) -> dict[str, tuple[float, float]]:
    """Dynamic power and leakage of a typical chip in what layout adds to the netlist."""
    leakage_w = report.nominal_leakage_power_w - float(power.leakage_w[0].sum())
    parts = {
        CLOCK_TREE: (report.block_clock_tree_power_w, 0.0),
        ADDED_CELLS: (report.block_added_cell_power_w, leakage_w),
    }
    counted = {CLOCK_TREE: report.clock_tree_counted, ADDED_CELLS: report.added_cells_counted}
    return {label: watts for label, watts in parts.items() if counted[label] and any(watts)}


def _kinds(analysis: Analysis, scale: float, report: BlockReport) -> dict[str, Any]:
    """Power by group of cells and kind: rows of one group each, which add up to the block's.

    Glitches are a separate kind, whatever capacitance they charge; the clock tree and the cells
    that layout adds are separate groups.
    """
    plain = analysis.plain
    groups = [g for n, g in enumerate(GROUPS) if (plain.group == n).any()]
    rows = []
    wires = _wire_powers(analysis, report.vdd_v) * scale
    for group in groups:
        cells = plain.group == GROUPS.index(group)
        internal, switching, leakage = (_powers(plain, kind, cells, scale) for kind in KINDS)
        every = sum(_powers(analysis.power, kind, cells, scale) for kind in KINDS[:2])
        in_wires = float(wires[cells].sum())
        glitches = every - internal - switching if analysis.activity.glitches else 0.0
        rows.append([internal, switching - in_wires, in_wires, glitches, 0.0, 0.0, leakage])
    for label, (dynamic, leakage) in _added_powers(report, analysis.power).items():
        groups.append(label)
        rows.append([dynamic if kind == label else 0.0 for kind in SHOWN_KINDS[:-1]] + [leakage])
    columns = [list(column) for column in zip(*rows, strict=True)]
    nonzero = [at for at, column in enumerate(columns) if any(column)]
    return {
        "groups": groups,
        "kinds": [SHOWN_KINDS[at] for at in nonzero],
        "power_w": [columns[at] for at in nonzero],
    }


def _wire_powers(analysis: Analysis, vdd_v: float) -> Floats:
    """What each cell spends to charge wires at zero delay [W], at the shortest clock period."""
    netlist, activity = analysis.timing.netlist, analysis.plain_activity
    watts = np.zeros(len(netlist.cell_types))
    if analysis.loads is None:
        return watts
    driven = np.flatnonzero(netlist.net_driver_pin >= 0)
    cell = netlist.pin_cell[netlist.net_driver_pin[driven]]
    charge = analysis.loads.power_f[driven] * activity.toggles[driven]
    energy_j = 0.5 * vdd_v**2 * charge / activity.cycles
    np.add.at(watts, cell, energy_j / float(analysis.timing.min_period_s[0]))
    return watts


def _layout_note(report: BlockReport, errors: Mapping[str, MeasuredError]) -> str:
    """What of layout is in the figures, and how much of the power it is."""
    wires = ("none", "by formula", "placed")[report.wire_level]
    parts = [f"wires {wires}"]
    if report.wire_level:
        parts[0] += f" ({report.block_wire_power_w / report.block_power_w:.0%} of the power)"
    for name, on, watts in (
        ("glitches", report.glitches_counted, report.block_glitch_power_w),
        ("clock tree", report.clock_tree_counted, report.block_clock_tree_power_w),
        ("cells added", report.added_cells_counted, report.block_added_cell_power_w),
    ):
        parts.append(f"{name} {watts / report.block_power_w:.0%}" if on else f"no {name}")
    compared = "; ".join(
        f"{METRICS[n]['doc']}: {errors[n].text()}" for n in SHOWN_ERRORS if n in errors
    )
    against = f" Against routed designs: {compared}." if compared else ""
    return "Counted: " + ", ".join(parts) + "." + against + _guarantee_note(report)


def _guarantee_note(report: BlockReport) -> str:
    """At which corners the figures of a guaranteed point hold; empty for a typical one."""
    if not report.guaranteed:
        return ""
    values = dataclasses.asdict(report)
    return (
        f" Guaranteed: clock ({corner_text('f_max_hz', values)}), hold slack "
        f"({corner_text('worst_hold_slack_s', values)}), leakage "
        f"({corner_text('block_leakage_power_w', values)}). Breakdown and critical path below are "
        "those of a typical chip at this clock."
    )


def _nominal_power_w(report: BlockReport) -> float:
    """Power of the block with the leakage of its stated supply, temperature and process."""
    dynamic_w = report.block_power_w - report.block_leakage_power_w
    return dynamic_w + report.nominal_leakage_power_w


def _over_supply(
    design: Design, hardware: Hardware, store: Store, temperature_c: float
) -> dict[str, list[float]]:
    """Energy per operation and highest clock at every characterised supply."""
    supplies = []
    points = []
    library = library_of(design.library).load(design.operating.process)
    for vdd_v in np.unique(library.supply_v).tolist():
        point = dataclasses.replace(
            design.operating.corner, vdd_v=vdd_v, temperature_c=temperature_c
        )
        try:
            check_library(dataclasses.replace(design, operating=point))
        except DesignError:
            continue
        supplies.append(float(vdd_v))
        points.append(point)
    corners = corners_of(design, hardware, store, points)
    count = len(corners)
    results = operate(
        corners,
        np.arange(count),
        np.full(count, np.nan),
        np.ones(count),
        job_of(design, hardware),
    )
    return {
        "vdd_v": supplies,
        "energy_per_op_j": results.report.block_energy_per_op_j.tolist(),
        "f_max_hz": results.report.f_max_hz.tolist(),
    }


def _placement_png(design: Design, analysis: Analysis, report: BlockReport) -> str | None:
    # Imported here: a report whose points are not looked into draws nothing with matplotlib.
    from chipdse.report.pictures.placement import draw_analysed

    if analysis.layout.routes is None:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "placement.png"
        draw_analysed(design, analysis, report, path, (8.0, 4.2))
        return base64.b64encode(path.read_bytes()).decode()


def _package_svg(evaluation: Evaluation) -> str:
    from chipdse.report.pictures.package import draw_package

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "package.svg"
        draw_package(evaluation, path)
        return base64.b64encode(path.read_bytes()).decode()


def used_sources(details: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every constant that any of the points used, once."""
    sources = {
        source["key"]: source for detail in details.values() for source in detail.get("sources", [])
    }
    return [sources[key] for key in sorted(sources)]


def used_publications(details: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Every publication and other source that any of the points rests on, once."""
    return sorted({text for detail in details.values() for text in detail.get("cite", [])})
