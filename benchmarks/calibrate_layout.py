"""Calibrations of layout from routed designs: one TOML file per process, with its errors.

    python -m benchmarks.calibrate_layout TABLES --library sky130hd=FILE.lib.gz --to FOLDER

TABLES is a folder with tables of routed designs (docs/concepts/physical.md states the columns):
`design_classes.csv` has cells and areas by class, `routed_truth.csv` the energy and the wire of the
clock trees; `product_from_rtl.csv` (area as mapped here), `same_stimulus_power.csv` (power of both
netlists with the same inputs) and `orfs_metadata.csv` (published areas) are optional. Coefficients
are medians over the designs; every error is of a design that was left out. A coefficient that no
design of a process gives is taken from the designs of all processes (`layout_any.toml`). A design
of the user needs no row: ``--design TECH=NETLIST.v,FILE.spef,CLOCK`` reads netlist and wires.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.layout_estimates import (
    areas_m2,
    parts_uw,
    power_parts_w,
    routed_parts_w,
    tree_energy_j,
)
from benchmarks.layout_tables import (
    UM2,
    Row,
    Tables,
    Technology,
    data_growths,
    design_rows,
    energy_j,
    has_tree,
    leakage_growths,
    mapped_path_ns,
    number,
    only,
    path_growths,
    published,
    read_tables,
    repair,
    routed_path_ns,
    rows_of,
    skew_of,
    technology,
    toml,
    tree_m,
)
from chipdse.netlist.layout.clock_tree import BRANCHES, CLUSTERED, buffer_counts
from chipdse.technology.calibration import ANY, LayoutCalibration, MeasuredError

REGIONS = range(4, 33)
"""Sinks per region of a clock tree that are tried."""
LEAST = 3
"""Designs from which on a coefficient is taken from a process' own designs."""
NEUTRAL = LayoutCalibration(
    process=ANY,
    designs=0,
    sinks_per_region=15.0,
    sinks_per_cluster=17.0,
    buffer_area=4.0,
    leaf_area=4.0,
    tree_wire_f_per_m=None,
    skew_frac=0.0,
    path_growth=1.0,
    logic_growth=1.0,
    hold_area=0.0,
    hold_cells=0.0,
    hold_slack_s=0.0,
    input_area=0.0,
    output_area=0.0,
    repair_frac=0.0,
    data_growth=1.0,
    leakage_growth=1.0,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path, help="folder of the tables")
    parser.add_argument("--library", action="append", required=True, metavar="TECH=FILE[,FILE]")
    parser.add_argument("--design", action="append", default=[], metavar="TECH=V,SPEF,CLOCK")
    parser.add_argument(
        "--clock-nets",
        action="append",
        default=[],
        metavar="TECH/DESIGN=N,N",
        help="sinks of each clock net of a design as mapped, where it has several",
    )
    parser.add_argument("--to", type=Path, required=True, help="folder for the TOML files")
    parser.add_argument("--skew", type=float, help="clock skew over the path, if known of more")
    parser.add_argument(
        "--hold-slack",
        action="append",
        default=[],
        metavar="PROCESS=SECONDS",
        help="as `benchmarks.remapped_designs` prints it",
    )
    parser.add_argument("--source", default="designs of the user", help="what the tables hold")
    arguments = parser.parse_args()
    tables = read_tables(arguments.tables)
    technologies = [technology(text) for text in arguments.library]
    for text in arguments.design:
        add_design(tables, technologies, text)
    for text in arguments.clock_nets:
        add_clock_nets(tables, text)
    holds = {
        name: float(value)
        for name, _, value in (text.partition("=") for text in arguments.hold_slack)
    }
    for fitted in calibrate(tables, technologies, arguments.skew):
        calibration = dataclasses.replace(fitted, hold_slack_s=holds.get(fitted.process, 0.0))
        file = arguments.to / f"layout_{calibration.process}.toml"
        file.write_text(toml(calibration, arguments.source), encoding="utf-8")
        errors = {error.quantity: error.text() for error in calibration.errors}
        print(json.dumps({"file": file.name, "errors": errors}))


def add_design(tables: Tables, technologies: Sequence[Technology], text: str) -> None:
    """Add the rows of ``TECH=NETLIST.v,FILE.spef,CLOCK`` to the tables."""
    name, _, files = text.partition("=")
    known = {tech.name: tech for tech in technologies}
    parts = files.split(",")
    if name not in known or len(parts) != 3:
        raise SystemExit(
            f"--design {text}: write TECH=NETLIST.v,FILE.spef,CLOCK, TECH as --library"
        )
    netlist, spef = map(Path, parts[:2])
    design = netlist.name.partition(".")[0]
    classes, truth = design_rows(known[name], design, netlist, spef, parts[2])
    tables.classes[name, design], tables.truth[name, design] = classes, truth


def add_clock_nets(tables: Tables, text: str) -> None:
    """Add the clock nets of ``TECH/DESIGN=N,N`` to the mapped design and the routed one."""
    name, _, nets = text.partition("=")
    tech, _, design = name.partition("/")
    rows = [t[tech, design] for t in (tables.mapped, tables.truth) if (tech, design) in t]
    if not rows or not all(count.isdigit() for count in nets.split(",")):
        raise SystemExit(f"--clock-nets {text}: write TECH/DESIGN=N,N of a design of the tables")
    for row in rows:
        row["clock_nets"] = nets.replace(",", " ")


def calibrate(
    tables: Tables, technologies: Sequence[Technology], skew: float | None
) -> list[LayoutCalibration]:
    """The calibration of every technology and that of all of them, with errors."""
    results = []
    for tech in technologies:
        complete = fit(tables, tech, technologies, skew)
        results.append(
            dataclasses.replace(complete, errors=errors(tables, tech, technologies, skew))
        )
    pooled = pool(tables, technologies, skew)
    every = [error for tech in technologies for error in others(tables, tech, technologies, skew)]
    results.append(dataclasses.replace(pooled, errors=summarise(every)))
    return results


def fit(
    tables: Tables, tech: Technology, technologies: Sequence[Technology], skew: float | None
) -> LayoutCalibration:
    """Coefficients of a technology; those of all where fewer than three designs give one."""
    return _medians(tables, tech, pool(tables, technologies, skew))


def pool(
    tables: Tables, technologies: Sequence[Technology], skew: float | None
) -> LayoutCalibration:
    """Medians over technologies of each one's coefficients; measured ratios over all designs."""
    skews = [skew_of(row) for row in tables.truth.values()] if skew is None else [skew]
    start = dataclasses.replace(
        NEUTRAL,
        skew_frac=max(_median(skews) or 0.0, 0.0),
        data_growth=_median(g for t in technologies for g in data_growths(tables, t)) or 1.0,
        leakage_growth=_median(leakage_growths(tables)) or 1.0,
    )
    fits = [_medians(tables, tech, start) for tech in technologies if rows_of(tables.classes, tech)]
    if not fits:
        return start
    names = [field.name for field in dataclasses.fields(NEUTRAL)][2:-1]
    values = {
        name: _median(v for candidate in fits if (v := getattr(candidate, name)) is not None)
        for name in names
    }
    values["tree_wire_f_per_m"] = None  # a constant of the process, or of all of them
    values["path_growth"] = 1.0  # the flows of different processes disagree on it
    designs = len({design for _, design in tables.classes})
    return LayoutCalibration(process=ANY, designs=designs, **values)  # type: ignore[arg-type]


def _medians(tables: Tables, tech: Technology, start: LayoutCalibration) -> LayoutCalibration:
    classes, truth = rows_of(tables.classes, tech), rows_of(tables.truth, tech)
    unit = tech.buffer_m2 / UM2
    clocked = [row for row in classes if number(row, "sinks") > 0]
    mapped = [
        number(tables.classes[key], "a_logic") / number(row, "area_um2")
        for key, row in tables.mapped.items()
        if key[0] == tech.name and key in tables.classes
    ]

    def median_of_own(name: str, values: Iterable[float], least: int = LEAST) -> float:
        some = list(values)
        known: float = getattr(start, name)
        return statistics.median(some) if len(some) >= least else known

    def per_buffer(kind: str) -> list[float]:
        some = [r for r in classes if number(r, f"n_{kind}") > 0]
        # Where most designs have none, the flow adds none.
        if 2 * len(some) < len(classes):
            return [0.0] * len(classes)
        return [number(row, f"a_{kind}") / number(row, f"n_{kind}") / unit for row in some]

    wires = [number(row, "spef_clock_fF") * 1e-15 / tree_m(row) for row in truth if has_tree(row)]
    return dataclasses.replace(
        _with_trees(start, classes, unit),
        process=tech.process,
        designs=len({design for t, design in {**tables.classes, **tables.truth} if t == tech.name}),
        tree_wire_f_per_m=statistics.median(wires) if wires else None,
        logic_growth=median_of_own("logic_growth", mapped, 1),
        hold_area=median_of_own(
            "hold_area", (number(r, "a_hold") / number(r, "sinks") / unit for r in clocked)
        ),
        hold_cells=median_of_own(
            "hold_cells", (number(r, "n_hold") / number(r, "sinks") for r in clocked)
        ),
        input_area=median_of_own("input_area", per_buffer("input")),
        output_area=median_of_own("output_area", per_buffer("output")),
        repair_frac=median_of_own(
            "repair_frac", (repair(r) / number(r, "a_logic") for r in classes)
        ),
        path_growth=median_of_own("path_growth", path_growths(tables, tech, start.skew_frac)),
        data_growth=median_of_own("data_growth", data_growths(tables, tech)),
        leakage_growth=median_of_own("leakage_growth", leakage_growths(tables, tech.name)),
    )


def _with_trees(
    calibration: LayoutCalibration, classes: Sequence[Row], unit: float
) -> LayoutCalibration:
    """The calibration with the structure of clock trees that most designs have.

    Parameters
    ----------
    unit : area of the smallest buffer [µm²]
    """
    trees = [
        (int(number(r, "sinks")), int(number(r, "n_clkbuf")), number(r, "a_clkbuf") / unit)
        for r in classes
        if number(r, "n_clkbuf") > 1
    ]
    small = [tree for tree in trees if 1 < tree[0] <= CLUSTERED]
    large = [tree for tree in trees if tree[0] > CLUSTERED]
    if small:

        def hits(region: int) -> int:
            candidate = dataclasses.replace(calibration, sinks_per_region=float(region))
            return sum(sum(buffer_counts(sinks, candidate)) == count for sinks, count, _ in small)

        usual = NEUTRAL.sinks_per_region
        region = max(REGIONS, key=lambda region: (hits(region), -abs(region - usual)))
        calibration = dataclasses.replace(calibration, sinks_per_region=float(region))
    if clusters := [size for size in (_cluster(calibration, *tree[:2]) for tree in large) if size]:
        calibration = dataclasses.replace(
            calibration, sinks_per_cluster=statistics.median(clusters)
        )
    # Trees of at most 8 leaves have no smaller buffers at their ends.
    alike = [area / count for sinks, count, area in small if count <= BRANCHES // 2 + 1]
    alike = alike or [area / count for _, count, area in trees]
    if not alike:
        return calibration
    usual = statistics.median(alike)
    leaves = []
    for sinks, count, area in small:
        counts = buffer_counts(sinks, calibration)
        if sum(counts) == count and counts[-1] >= BRANCHES:
            leaves.append((area - usual * sum(counts[:-1])) / counts[-1])
    leaf = statistics.median(leaves) if leaves else usual
    return dataclasses.replace(calibration, buffer_area=usual, leaf_area=leaf)


def _cluster(calibration: LayoutCalibration, sinks: int, count: int) -> float | None:
    """Sinks per cluster with which a tree has its number of buffers; None if none gives it."""
    for clusters in range(1, count):
        candidate = dataclasses.replace(calibration, sinks_per_cluster=sinks / clusters)
        if sum(buffer_counts(sinks, candidate)) == count:
            return sinks / clusters
    return None


def errors(
    tables: Tables, tech: Technology, technologies: Sequence[Technology], skew: float | None
) -> tuple[MeasuredError, ...]:
    """Errors of a technology's designs, each with coefficients from the other designs."""
    designs = sorted(
        {
            design
            for name in ("classes", "truth", "mapped", "stimulus", "published")
            for t, design in getattr(tables, name)
            if t == tech.name
        }
    )
    wrong: list[tuple[str, float]] = []
    for design in designs:
        if any((tech.name, design) in t for t in (tables.truth, tables.mapped, tables.stimulus)):
            calibration = fit(tables.without(design), tech, technologies, skew)
            wrong += (these := compare(tables, tech, calibration, design))
            row = {"design": design, "tech": tech.name, "errors": dict(these)}
            key = (tech.name, design)
            if key in tables.stimulus and key in tables.mapped:
                row["parts_uw"] = parts_uw(
                    calibration, tech, tables.stimulus[key], tables.mapped[key]
                )
            print(json.dumps(row))
    return summarise(wrong)


def others(
    tables: Tables, tech: Technology, technologies: Sequence[Technology], skew: float | None
) -> list[tuple[str, float]]:
    """Errors of a technology's designs with coefficients from the other technologies alone."""
    rest = [candidate for candidate in technologies if candidate.name != tech.name]
    if not rest:
        return []
    calibration = pool(only(tables, {candidate.name for candidate in rest}), rest, skew)
    names = {design for t, design in {**tables.truth, **tables.mapped} if t == tech.name}
    return [error for name in sorted(names) for error in compare(tables, tech, calibration, name)]


def compare(
    tables: Tables, tech: Technology, calibration: LayoutCalibration, design: str
) -> list[tuple[str, float]]:
    """Estimate over routed design, less 1, by metric."""
    key = (tech.name, design)
    truth, mapped = tables.truth.get(key), tables.mapped.get(key)
    final = tables.classes.get(key) or published(tables, key)
    wrong = []
    if truth is not None and has_tree(truth):
        ratio = tree_energy_j(calibration, tech, truth) / energy_j(truth)
        wrong.append(("block_clock_tree_power_w", ratio - 1))
    if mapped is not None and final is not None:
        ports = 0.0
        if "n_input" in final:
            ports = number(final, "n_input") * calibration.input_area
            ports += number(final, "n_output") * calibration.output_area
        area, _ = areas_m2(calibration, tech, mapped, ports * tech.buffer_m2)
        wrong.append(("block_layout_area_m2", area / (number(final, "area_um2") * UM2) - 1))
    if truth is not None and mapped is not None:
        path_ns = mapped_path_ns(mapped, calibration.skew_frac) * calibration.path_growth
        wrong.append(("critical_path_s", path_ns / routed_path_ns(truth) - 1))
    stimulus = tables.stimulus.get(key)
    if stimulus is not None and mapped is not None:
        watts = sum(power_parts_w(calibration, tech, stimulus, mapped).values())
        wrong.append(("block_power_w", watts / sum(routed_parts_w(stimulus).values()) - 1))
    return wrong


def summarise(wrong: Iterable[tuple[str, float]]) -> tuple[MeasuredError, ...]:
    """The errors by metric."""
    by_metric: dict[str, list[float]] = {}
    for name, value in wrong:
        by_metric.setdefault(name, []).append(value)
    return tuple(
        MeasuredError(
            quantity=name,
            designs=len(values),
            median_frac=round(statistics.median(map(abs, values)), 3),
            least_frac=round(min(values), 3),
            most_frac=round(max(values), 3),
        )
        for name, values in sorted(by_metric.items())
    )


def _median(values: Iterable[float]) -> float | None:
    some = list(values)
    return statistics.median(some) if some else None


if __name__ == "__main__":
    main()
