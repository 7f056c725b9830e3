"""Estimates before layout against routed designs: a table and one JSON line.

    python -m benchmarks.routed_designs ROUTED --pdk FOLDER [--only DESIGN ...] [--levels placed]

ROUTED contains `routed_truth.csv`, further tables, `nets/` (wires of each net) and `designs/`
(routed netlists); FOLDER contains Liberty files such as `sky130hd/*tt_025C_1v80*`. The figures are
estimate / routed: median, least and most over the designs of a technology, the median and largest
error, and the rank correlation of the designs.

- "netlists", routed cells: the routed netlist without its clock buffers, with estimated wires.
- "netlists", as mapped: without hold buffers and repeaters too, so with all of layout estimated.
- "tables": the same quantities as an earlier version of chipdse estimated them.
- "sizes": formulas that need only the size of a design.
- "published metrics": final metrics of OpenROAD-flow-scripts (`orfs_metadata.csv`) beside the same
  RTL as chipdse maps it (`product_from_rtl.csv`), area with the shipped calibration, which contains
  these designs; and paths between registers where a flow states their slack.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from benchmarks.layout_estimates import areas_m2
from benchmarks.layout_tables import read_tables
from benchmarks.layout_tables import technology as layout_technology
from benchmarks.routed_estimates import (
    LEVELS,
    LIBERTY,
    Estimate,
    Technology,
    estimates_of,
    routed_power,
    technology_of,
)
from chipdse.netlist.layout.clock_tree import buffer_counts
from chipdse.netlist.layout.wires import published_length_m
from chipdse.technology.calibration import PROCESSES, calibration_of
from chipdse.technology.constants import Sources

Row = dict[str, str]
Pair = tuple[float, float]
Pairs = dict[str, list[Pair]]
"""Estimate and routed value by quantity, one pair per design."""
CLOCK = ("internal", "switching", "leakage")
RANKED = 3
"""Designs from which on a rank correlation is stated."""
LARGE = (100, 500)
"""Sinks from which on clock trees are compared by size."""
UNCERTAINTY_NS, LATE = 0.25, 1.05
"""Clock uncertainty and derating of late paths: the defaults of LibreLane for ihp-sg13g2."""
PROCESS = {"sky130hd": "sky130", "gf180mcu": "gf180"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("routed", type=Path, help="folder of the routed designs")
    parser.add_argument("--pdk", type=Path, required=True, help="folder of the Liberty files")
    parser.add_argument("--only", nargs="+", default=[], help="names of designs")
    parser.add_argument("--levels", nargs="+", default=list(LEVELS), help="of the netlists' wires")
    parser.add_argument("--details", action="store_true", help="the ratios of each design as well")
    parser.add_argument(
        "--sizes",
        type=Path,
        metavar="FILE.csv",
        help="more designs by size: the columns of a "
        "table of metadata of OpenROAD-flow-scripts (pdk, dp_cells, dp_area, wl, seq, ckbuf)",
    )
    arguments = parser.parse_args()
    truth = {(row["tech"], row["design"]): row for row in _rows(arguments.routed, "routed_truth")}
    sections: dict[str, dict[str, Pairs]] = {"netlists": {}}
    began = time.process_time()
    for file in sorted((arguments.routed / "designs").glob("*.v.gz")):
        tech, _, name = file.name.removesuffix(".v.gz").partition("__")
        if (tech, name) not in truth or (arguments.only and name not in arguments.only):
            continue
        technology = technology_of(tech, arguments.pdk)
        if isinstance(technology, str):
            print(f"{name} is left out: {technology}", file=sys.stderr)
            continue
        row = truth[tech, name]
        nets = {net["net"]: net for net in _rows(arguments.routed, f"nets/{tech}__{name}")}
        pairs = netlist_pairs(technology, file, row, nets, arguments.levels)
        for quantity, pair in pairs.items():
            by_tech = sections["netlists"].setdefault(tech, {})
            by_tech.setdefault(quantity, []).append(pair)
            if arguments.details:
                print(f"{tech} {name}: {quantity} {pair[0] / pair[1]:.3f}")
    if arguments.only and not sections["netlists"]:
        raise SystemExit(
            f"--only {' '.join(arguments.only)}: no design with a netlist has that name"
        )
    spent_s = time.process_time() - began
    if not arguments.only:
        sections["tables"] = table_pairs(arguments.routed, truth)
        sections["sizes"] = size_pairs(_sizes(arguments.routed, arguments.sizes))
        sections["published metrics"] = published_pairs(arguments.routed, arguments.pdk)
        for tech, pairs in register_pairs(arguments.routed).items():
            sections["published metrics"].setdefault(tech, {}).update(pairs)
    spreads = {
        title: {
            tech: {quantity: spread(values) for quantity, values in pairs.items()}
            for tech, pairs in by_tech.items()
        }
        for title, by_tech in sections.items()
    }
    _print(spreads)
    print(json.dumps({"benchmark": "routed_designs", "cpu_s": round(spent_s, 1), **spreads}))


def netlist_pairs(
    technology: Technology, file: Path, row: Row, nets: dict[str, Row], levels: list[str]
) -> dict[str, Pair]:
    """Estimate and routed value of one design whose netlist is there, by quantity."""
    pairs: dict[str, Pair] = {}
    period_s = float(row["period_ns"]) * 1e-9
    data_w, clock_w, total_w = _powers(row)
    spef = file.with_name(file.name.removesuffix(".v.gz") + ".spef.gz")
    if spef.is_file():
        # The table's power is that of an earlier propagation of activity.
        routed = routed_power(technology, file, spef, period_s)
        data_w, clock_w = routed.data_w, routed.clock_tree_w
        total_w = data_w + clock_w
    path_s = float(row["full_spef_crit_ns"]) * 1e-9
    for estimate in estimates_of(technology, file, period_s, float(row["util"]), levels):
        title = f"{estimate.cells}, {estimate.level}"
        pairs[f"{title}: critical path"] = estimate.critical_path_s, path_s
        if estimate.cells == "routed cells":
            pairs[f"{title}: power without clock tree"] = estimate.data_w, data_w
            for name, pair in _wires(estimate, nets).items():
                pairs[f"{title}: {name}"] = pair
        else:
            pairs[f"{title}: total power"] = estimate.data_w + estimate.clock_tree_w, total_w
            pairs[f"{title}: area"] = estimate.area_m2, float(row["area_um2"]) * 1e-12
        if estimate.clock_buffers:
            pairs[f"{title}: clock tree power"] = estimate.clock_tree_w, clock_w
            pairs["clock buffers"] = estimate.clock_buffers, float(row["clock_buffers"])
    return pairs


def _wires(estimate: Estimate, nets: dict[str, Row]) -> dict[str, Pair]:
    """Capacitance of all signal nets, of the median net, and the rank correlation of nets."""
    known = [name for name in nets if name in estimate.wire_f_of_net]
    if not known:
        return {}
    routed = np.array([float(nets[name]["spef_total_fF"]) for name in known])
    estimated = np.array([estimate.wire_f_of_net[name] for name in known]) * 1e15
    wired = routed > 0
    ratio = estimated[wired] / routed[wired]
    return {
        "wire capacitance": (float(estimated.sum()), float(routed.sum())),
        "wire capacitance of the median net": (float(np.median(ratio)), 1.0),
        "error of the median net": (float(np.median(np.abs(ratio - 1))), 1.0),
        "rank of the nets": (float(spearmanr(estimated, routed).statistic), 1.0),
        "nets that are compared": (len(known), len(nets)),
    }


def _powers(row: Row, prefix: str = "full_spef") -> tuple[float, float, float]:
    """Power [W] of a routed design: without clock tree, of the clock tree, of both."""

    def of(group: str) -> float:
        return sum(float(row[f"{prefix}_{group}_{kind}_uW"]) for kind in CLOCK) * 1e-6

    data_w, clock_w = of("sequential") + of("combinational"), of("clock")
    return data_w, clock_w, data_w + clock_w


def table_pairs(folder: Path, truth: dict[tuple[str, str], Row]) -> dict[str, Pairs]:
    """The same from the tables' columns of an earlier version, for every design they have."""
    result: dict[str, Pairs] = {}

    def add(tech: str, quantity: str, estimate: float, routed: float) -> None:
        result.setdefault(tech, {}).setdefault(quantity, []).append((estimate, routed))

    for (tech, _), row in truth.items():
        data_w, clock_w, _ = _powers(row)
        for level in ("none", "formula", "placed", "placed_true_util"):
            pre = f"product_pre_{level}"
            title = f"routed cells, {level}"
            if row.get(f"{pre}_crit_ns"):
                path = float(row[f"{pre}_crit_ns"])
                add(tech, f"{title}: critical path", path, float(row["full_spef_crit_ns"]))
                power_w = float(row[f"{pre}_uW"]) * 1e-6
                add(tech, f"{title}: power without clock tree", power_w, data_w)
            if row.get(f"{pre}_wire_fF"):
                wire = float(row[f"{pre}_wire_fF"])
                add(tech, f"{title}: wire capacitance", wire, float(row["spef_signal_fF"]))
        if row.get("product_clock_tree_uW"):
            add(tech, "clock tree: power", float(row["product_clock_tree_uW"]) * 1e-6, clock_w)
        if row.get("opensta_spef_Total_tot_uW"):
            ours, theirs = row["full_spef_total_uW"], row["opensta_spef_Total_tot_uW"]
            add(tech, "propagated activity: total power", float(ours), float(theirs))
    for row in _rows(folder, "product_from_rtl"):
        tech = {"gf180": "gf180mcu"}.get(row["library"], row["library"])
        routed = truth.get((tech, row["design"]))
        if routed is None or row["tag"] != "default":
            continue
        total_uw = float(row["placed_uW"]) + float(row["tree_uW"] or 0)
        add(tech, "from RTL: total power", total_uw * 1e-6, _powers(routed)[2])
        add(tech, "from RTL: area", float(row["area_um2"]), float(routed["area_um2"]))
        path = float(row["placed_crit_ns"])
        add(tech, "from RTL: critical path", path, float(routed["full_spef_crit_ns"]))
        length = float(row["placed_length_um"])
        add(tech, "from RTL: wire length", length, float(routed["routed_length_um"] or "nan"))
    for row in _rows(folder, "same_stimulus_power"):
        tree_w = float(row["product_tree_uW"] or 0) * 1e-6
        total_w = _powers(row, "product_placed")[2] + tree_w
        add(row["tech"], "same stimulus: total power", total_w, _powers(row, "routed_spef")[2])
    return result


def published_pairs(folder: Path, pdk: Path) -> dict[str, Pairs]:
    """Area, wire and delay of RTL as mapped here, and as OpenROAD-flow-scripts published them.

    The published critical path is the period less the worst slack of all paths.
    """
    tables = read_tables(folder)
    result: dict[str, Pairs] = {}
    for (tech, name), row in tables.published.items():
        mapped = tables.mapped.get((tech, f"orfs_{name}"))
        files = sorted(pdk.glob(LIBERTY.get(tech, "-")))
        if mapped is None or not files:
            reason = "not mapped here" if mapped is None else f"no Liberty file is in {pdk}"
            print(f"published {tech} {name} is left out: {reason}", file=sys.stderr)
            continue
        library = layout_technology(f"{tech}={files[0]}")
        area_m2, _ = areas_m2(calibration_of(library.process), library, mapped, 0.0)
        path_ns = float(row["period_ns"]) - float(row["setup_ws_ns"])
        mapped_um2, final_um2 = float(mapped["area_um2"]), float(row["finish_area_um2"])
        length_um = float(row["route_wirelength_um"])
        pairs = {
            "area as mapped": (mapped_um2, final_um2),
            "area after layout": (area_m2 * 1e12, final_um2),
            "wire length, formula": (float(mapped["formula_length_um"]), length_um),
            "wire length, placed, before the routed factor": (
                float(mapped["placed_length_um"]),
                length_um,
            ),
            "critical path, formula": (float(mapped["formula_crit_ns"]), path_ns),
        }
        for quantity, pair in pairs.items():
            result.setdefault(tech, {}).setdefault(quantity, []).append(pair)
    return result


def register_pairs(folder: Path) -> dict[str, Pairs]:
    """Critical paths of designs of which the flow states the slack between registers.

    The flow's path at the typical corner is the period less slack and clock uncertainty, over its
    derating of late paths; it contains the skew. The estimate has wires by formula and all paths.
    """
    tables = read_tables(folder)
    result: dict[str, Pairs] = {}
    for (tech, name), mapped in tables.mapped.items():
        row = tables.classes.get((tech, name), {})
        slack_ns = float(row.get("r2r_ws_ns") or "inf")
        if math.isfinite(slack_ns):
            path_ns = (float(row["period_ns"]) - slack_ns - UNCERTAINTY_NS) / LATE
            pair = (float(mapped["formula_crit_ns"]), path_ns)
            pairs = result.setdefault(tech, {})
            pairs.setdefault("critical path between registers, formula", []).append(pair)
    return result


def _sizes(folder: Path, more: Path | None) -> list[Row]:
    """Designs known by their size: tech, cells, area_um2, wire_length_um, sinks, n_clkbuf."""
    sizes = _rows(folder, "design_classes")
    if more is not None:
        names = {"pdk": "tech", "dp_cells": "cells", "dp_area": "area_um2"}
        names |= {"wl": "wire_length_um", "seq": "sinks", "ckbuf": "n_clkbuf"}
        with more.open(newline="") as table:
            rows = list(csv.DictReader(table))
        sizes += [{new: row[old] for old, new in names.items()} for row in rows]
    return sizes


def size_pairs(designs: list[Row]) -> dict[str, Pairs]:
    """Length by formula and buffers of the clock tree, of designs known by their size alone."""
    result: dict[str, Pairs] = {}
    sources, left_out = Sources(), dict[str, str]()
    for row in designs:
        tech, cells = row["tech"], int(float(row["cells"]))
        if row["wire_length_um"]:
            length_m = published_length_m(cells, float(row["area_um2"]) * 1e-12, sources)
            for group in (tech, "all"):
                result.setdefault(group, {}).setdefault("wire length, formula", []).append(
                    (length_m * 1e6, float(row["wire_length_um"]))
                )
        sinks, buffers = (int(float(row[name] or 0)) for name in ("sinks", "n_clkbuf"))
        process = PROCESS.get(tech, tech)
        if process not in PROCESSES:
            left_out[tech] = f"clock trees of {tech} are left out: there is no calibration of it"
            continue
        estimated = sum(buffer_counts(sinks, calibration_of(process)))
        for least in LARGE:
            if sinks >= least and buffers:
                title = f"clock buffers of {least} sinks and more"
                result.setdefault(tech, {}).setdefault(title, []).append((estimated, buffers))
    for line in left_out.values():
        print(line, file=sys.stderr)
    return result


def spread(pairs: list[Pair]) -> dict[str, float]:
    """Estimate / routed over the designs of a technology, and how well it ranks them."""
    estimated, routed = np.array(pairs, dtype=np.float64).T
    known = np.isfinite(estimated) & np.isfinite(routed) & (routed != 0)
    estimated, routed = estimated[known], routed[known]
    if not len(routed):
        return {"designs": 0}
    ratio = estimated / routed
    values = {
        "median": np.median(ratio),
        "least": ratio.min(),
        "most": ratio.max(),
        "median_error": np.median(np.abs(ratio - 1)),
        "percentile_90_error": np.percentile(np.abs(ratio - 1), 90),
        "largest_error": np.abs(ratio - 1).max(),
    }
    if len(routed) >= RANKED and len(set(routed.tolist())) > 1:
        values["rank"] = spearmanr(estimated, routed).statistic
    return {"designs": len(routed)} | {name: round(float(v), 3) for name, v in values.items()}


def _print(spreads: dict[str, dict[str, dict[str, dict[str, float]]]]) -> None:
    for title, by_tech in spreads.items():
        width = max((len(name) for pairs in by_tech.values() for name in pairs), default=0)
        for tech, quantities in by_tech.items():
            print(f"\n{f'{title}, {tech}':{width}}  estimate / routed      error         rank")
            print(f"{'':{width}}  median  least  most    median most          designs")
            for name, values in quantities.items():
                print(f"{name:{width}}  " + _line(values))


def _line(values: dict[str, float]) -> str:
    if not values["designs"]:
        return "no routed value"
    shown = [f"{values[name]:6.3f}" for name in ("median", "least", "most")]
    errors = [f"{values[name]:5.1%}".rjust(6) for name in ("median_error", "largest_error")]
    rank = f"{values['rank']:5.2f}" if "rank" in values else "     "
    return " ".join([*shown, " ", *errors, " ", rank, f"{values['designs']:4}"])


def _rows(folder: Path, name: str) -> list[Row]:
    """The rows of a table; none where the file is missing."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        print(f"{path.name} is missing and left out", file=sys.stderr)
        return []
    with path.open(newline="") as table:
        return list(csv.DictReader(table))


if __name__ == "__main__":
    main()
