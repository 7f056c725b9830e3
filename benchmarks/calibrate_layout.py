"""Calibrations of layout from routed designs: one TOML file per process, with its errors.

    python benchmarks/calibrate_layout.py TABLES --library sky130hd=FILE.lib.gz --to FOLDER

TABLES is a folder with tables of routed designs (docs/concepts/physical.md states the columns):
`design_classes.csv` has cells and areas by class, `routed_truth.csv` the energy and the wire of the
clock trees; `product_from_rtl.csv` (area as mapped here), `same_stimulus_power.csv` (power of both
netlists with the same inputs) and `orfs_metadata.csv` (published areas) are optional. Coefficients
are medians over the designs; every error is of a design that was left out. A coefficient that no
design of a process gives is taken from the designs of all processes (`layout_any.toml`).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from chipdse.design import LibraryChoice
from chipdse.netlist.layout.buffers import is_buffer
from chipdse.netlist.layout.clock_buffers import ClockBuffers, clock_buffers
from chipdse.netlist.layout.clock_tree import group_levels, tree_wire_m
from chipdse.netlist.library.cells import FlipFlop, clock_of
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.power.clock_tree import levels_power
from chipdse.stages.library import library_of
from chipdse.technology.calibration import ANY, LayoutCalibration, MeasuredError
from chipdse.technology.constants import Sources
from chipdse.technology.wires import process_of

Row = dict[str, str]
LEAVES = np.arange(4.0, 20.1, 0.25)
"""Sinks per last buffer that are tried."""
LEAST = 3
"""Designs from which on a coefficient is taken from a process' own designs."""
UM2 = 1e-12
PLATFORMS = {"ihp": "ihp-sg13g2", "gf180": "gf180mcu"}
"""Names of a technology in the tables from RTL, where the others have another."""
NEUTRAL = LayoutCalibration(
    process=ANY,
    designs=0,
    sinks_per_leaf=10.0,
    buffer_area=4.0,
    tree_wire_f_per_m=None,
    skew_frac=0.0,
    logic_growth=1.0,
    hold_area=0.0,
    hold_cells=0.0,
    input_area=0.0,
    output_area=0.0,
    repair_frac=0.0,
    data_growth=1.0,
    leakage_growth=1.0,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tables:
    """Rows of the tables by name of the technology and of the design."""

    classes: dict[tuple[str, str], Row]
    truth: dict[tuple[str, str], Row]
    mapped: dict[tuple[str, str], Row]
    stimulus: dict[tuple[str, str], Row]
    published: dict[tuple[str, str], Row]

    def without(self, design: str) -> Tables:
        """The tables without one design, in whatever technology."""
        return Tables(
            **{
                field.name: {k: v for k, v in getattr(self, field.name).items() if k[1] != design}
                for field in dataclasses.fields(self)
            }
        )


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Technology:
    """One library of the tables, at its first corner."""

    name: str
    process: str
    library: CellLibrary
    at: OperatingLibrary
    buffers: ClockBuffers
    buffer_m2: float
    register_m2: float
    clock_pin_f: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path, help="folder of the tables")
    parser.add_argument("--library", action="append", required=True, metavar="TECH=FILE[,FILE]")
    parser.add_argument("--to", type=Path, required=True, help="folder for the TOML files")
    parser.add_argument("--skew", type=float, help="clock skew over the path, if known of more")
    parser.add_argument("--source", default="designs of the user", help="what the tables hold")
    arguments = parser.parse_args()
    tables = read_tables(arguments.tables)
    technologies = [technology(text) for text in arguments.library]
    calibrations = calibrate(tables, technologies, arguments.skew)
    for calibration in calibrations:
        file = arguments.to / f"layout_{calibration.process}.toml"
        file.write_text(toml(calibration, arguments.source), encoding="utf-8")
        errors = {error.quantity: error.text() for error in calibration.errors}
        print(json.dumps({"file": file.name, "errors": errors}))


def read_tables(folder: Path) -> Tables:
    """The tables of a folder; one that is missing is empty."""

    def read(name: str, tech: str = "tech") -> dict[tuple[str, str], Row]:
        path = folder / name
        if not path.is_file():
            return {}
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("tag", "default") == "default"]
        return {(PLATFORMS.get(row[tech], row[tech]), row["design"]): row for row in rows}

    return Tables(
        classes=read("design_classes.csv"),
        truth=read("routed_truth.csv"),
        mapped=read("product_from_rtl.csv", "library"),
        stimulus=read("same_stimulus_power.csv"),
        published=read("orfs_metadata.csv", "platform"),
    )


def technology(text: str) -> Technology:
    """The library of ``TECH=FILE``."""
    name, _, files = text.partition("=")
    paths = tuple(Path(file) for file in files.split(","))
    library = library_of(LibraryChoice(files=paths)).load()
    at = library.at(library.supply_v[:1], library.temperature_c[:1])
    buffers = clock_buffers(library)
    process = process_of(cell.name for cell in library.cells)
    if buffers is None:
        raise SystemExit(f"{text}: the library has no buffer")
    pins = []
    for number, cell in enumerate(library.cells):
        clock_pin = clock_of(cell)
        if cell.sequential is not None and clock_pin and clock_pin[0] in cell.pin_index:
            pin = library.pin_start[number] + cell.pin_index[clock_pin[0]]
            pins.append(float(at.pin_capacitance_f[0, pin].max()))
    return Technology(
        name=name,
        process=process or name,
        library=library,
        at=at,
        buffers=buffers,
        buffer_m2=min(cell.area_m2 for cell in library.cells if is_buffer(cell)),
        register_m2=min(
            cell.area_m2 for cell in library.cells if isinstance(cell.sequential, FlipFlop)
        ),
        clock_pin_f=statistics.median(pins),
    )


def calibrate(
    tables: Tables, technologies: Sequence[Technology], skew: float | None
) -> list[LayoutCalibration]:
    """The calibration of every technology and that of all of them, with errors."""
    results = []
    for tech in technologies:
        whole = fit(tables, tech, technologies, skew)
        results.append(dataclasses.replace(whole, errors=errors(tables, tech, technologies, skew)))
    pooled = pool(tables, technologies, skew)
    every = [error for tech in technologies for error in others(tables, tech, technologies, skew)]
    results.append(dataclasses.replace(pooled, errors=summarise(every)))
    return results


def fit(
    tables: Tables, tech: Technology, technologies: Sequence[Technology], skew: float | None
) -> LayoutCalibration:
    """Coefficients of a technology; those of all where fewer than three designs give one."""
    result = _medians(tables, tech, pool(tables, technologies, skew))
    trees = [row for row in _rows(tables.truth, tech) if _has_tree(row)]
    return _with_leaves(result, tech, trees)


def pool(
    tables: Tables, technologies: Sequence[Technology], skew: float | None
) -> LayoutCalibration:
    """Medians over technologies of each one's coefficients; measured ratios over all designs."""
    skews = [_skew(row) for row in tables.truth.values()] if skew is None else [skew]
    start = dataclasses.replace(
        NEUTRAL,
        skew_frac=max(_median(skews) or 0.0, 0.0),
        data_growth=_median(g for t in technologies for g in data_growths(tables, t)) or 1.0,
        leakage_growth=_median(leakage_growths(tables)) or 1.0,
    )
    fits = [_medians(tables, tech, start) for tech in technologies if _rows(tables.classes, tech)]
    if not fits:
        return start
    names = [field.name for field in dataclasses.fields(NEUTRAL)][2:-1]
    values = {
        name: _median(v for one in fits if (v := getattr(one, name)) is not None) for name in names
    }
    values["tree_wire_f_per_m"] = None  # a constant of the process, or of all of them
    designs = len({design for _, design in tables.classes})
    return LayoutCalibration(process=ANY, designs=designs, **values)  # type: ignore[arg-type]


def _medians(tables: Tables, tech: Technology, start: LayoutCalibration) -> LayoutCalibration:
    classes, truth = _rows(tables.classes, tech), _rows(tables.truth, tech)
    unit = tech.buffer_m2 / UM2
    trees = [row for row in classes if _n(row, "n_clkbuf") > 1]
    clocked = [row for row in classes if _n(row, "sinks") > 0]
    mapped = [
        _n(tables.classes[key], "a_logic") / _n(row, "area_um2")
        for key, row in tables.mapped.items()
        if key[0] == tech.name and key in tables.classes
    ]

    def own(name: str, values: Iterable[float], least: int = LEAST) -> float:
        some = list(values)
        known: float = getattr(start, name)
        return statistics.median(some) if len(some) >= least else known

    def per_buffer(kind: str) -> list[float]:
        some = [r for r in classes if _n(r, f"n_{kind}") > 0]
        # Where most designs have none, the flow adds none.
        if 2 * len(some) < len(classes):
            return [0.0] * len(classes)
        return [_n(row, f"a_{kind}") / _n(row, f"n_{kind}") / unit for row in some]

    wires = [_n(row, "spef_clock_fF") * 1e-15 / _tree_m(row) for row in truth if _has_tree(row)]
    return dataclasses.replace(
        start,
        process=tech.process,
        designs=len({design for t, design in {**tables.classes, **tables.truth} if t == tech.name}),
        buffer_area=own(
            "buffer_area", (_n(r, "a_clkbuf") / _n(r, "n_clkbuf") / unit for r in trees)
        ),
        tree_wire_f_per_m=statistics.median(wires) if wires else None,
        logic_growth=own("logic_growth", mapped, 1),
        hold_area=own("hold_area", (_n(r, "a_hold") / _n(r, "sinks") / unit for r in clocked)),
        hold_cells=own("hold_cells", (_n(r, "n_hold") / _n(r, "sinks") for r in clocked)),
        input_area=own("input_area", per_buffer("input")),
        output_area=own("output_area", per_buffer("output")),
        repair_frac=own("repair_frac", (_repair(r) / _n(r, "a_logic") for r in classes)),
        data_growth=own("data_growth", data_growths(tables, tech)),
        leakage_growth=own("leakage_growth", leakage_growths(tables, tech.name)),
        sinks_per_leaf=own(
            "sinks_per_leaf", (_n(r, "sinks") / (_n(r, "n_clkbuf") - 1) for r in trees)
        ),
    )


def _with_leaves(
    calibration: LayoutCalibration, tech: Technology, truth: Sequence[Row]
) -> LayoutCalibration:
    """The calibration with the sinks per leaf at which half of the trees are estimated too high."""
    if len(truth) < LEAST:
        return calibration

    def bias(sinks: float) -> float:
        one = dataclasses.replace(calibration, sinks_per_leaf=sinks)
        return statistics.median(tree_energy_j(one, tech, row) / energy_j(row) - 1 for row in truth)

    low, high = 0, len(LEAVES) - 1
    while high - low > 1:  # more sinks per leaf are fewer buffers and less energy
        middle = (low + high) // 2
        low, high = (middle, high) if bias(float(LEAVES[middle])) > 0 else (low, middle)
    best = min((float(LEAVES[low]), float(LEAVES[high])), key=lambda s: abs(bias(s)))
    return dataclasses.replace(calibration, sinks_per_leaf=best)


def tree_energy_j(calibration: LayoutCalibration, tech: Technology, row: Row) -> float:
    """Energy per cycle of a tree for the sinks and the area of a routed design."""
    return _tree(calibration, tech, int(_n(row, "sinks")), _n(row, "area_um2") * UM2)[0]


def _tree(
    calibration: LayoutCalibration, tech: Technology, sinks: int, area_m2: float
) -> tuple[float, float]:
    """Energy [J] and area [m²] of the tree of a design."""
    wire = calibration.tree_wire_f_per_m
    if wire is None:
        key = f"wires.clock_capacitance.{tech.process}"
        wire = Sources()(key if Sources().has(key) else "wires.clock_capacitance_any")
    levels = group_levels(
        sinks, tech.clock_pin_f, area_m2, tech.buffers, calibration, wire, is_root=True
    )
    power = levels_power([levels], np.array([tech.clock_pin_f]), tech.at, np.ones(1))
    area = sum(level.count * tech.library.cells[level.cell].area_m2 for level in levels)
    return power.energy_j, float(area)


def areas_m2(
    calibration: LayoutCalibration, tech: Technology, row: Row, ports: float
) -> tuple[float, float]:
    """Area expected after layout of a design as mapped here: all of it, combinational cells.

    Parameters
    ----------
    ports : area of port buffers [m²]
    """
    sinks = int(_n(row, "flip_flops"))
    mapped = _n(row, "area_um2") * UM2 * calibration.logic_growth
    added = (
        mapped * calibration.repair_frac + sinks * calibration.hold_area * tech.buffer_m2 + ports
    )
    logic = _logic_m2(tech, row) * calibration.logic_growth + added
    return mapped + added + _tree(calibration, tech, sinks, mapped + added)[1], logic


def errors(
    tables: Tables, tech: Technology, technologies: Sequence[Technology], skew: float | None
) -> tuple[MeasuredError, ...]:
    """Errors of a technology's designs, each with coefficients from the other designs."""
    designs = sorted({design for name in ("classes", "truth", "mapped", "stimulus", "published")
                      for t, design in getattr(tables, name) if t == tech.name})  # fmt: skip
    wrong: list[tuple[str, float]] = []
    for design in designs:
        if any((tech.name, design) in t for t in (tables.truth, tables.mapped, tables.stimulus)):
            calibration = fit(tables.without(design), tech, technologies, skew)
            wrong += (these := compare(tables, tech, calibration, design))
            print(json.dumps({"design": design, "tech": tech.name, "errors": dict(these)}))
    return summarise(wrong)


def others(
    tables: Tables, tech: Technology, technologies: Sequence[Technology], skew: float | None
) -> list[tuple[str, float]]:
    """Errors of a technology's designs with coefficients from the other technologies alone."""
    rest = [one for one in technologies if one.name != tech.name]
    if not rest:
        return []
    calibration = pool(_only(tables, {one.name for one in rest}), rest, skew)
    names = {design for t, design in {**tables.truth, **tables.mapped} if t == tech.name}
    return [error for name in sorted(names) for error in compare(tables, tech, calibration, name)]


def compare(
    tables: Tables, tech: Technology, calibration: LayoutCalibration, design: str
) -> list[tuple[str, float]]:
    """Estimate over routed design, less 1, by metric."""
    key = (tech.name, design)
    truth, mapped = tables.truth.get(key), tables.mapped.get(key)
    final = tables.classes.get(key) or _published(tables, key)
    wrong = []
    if truth is not None and _has_tree(truth):
        ratio = tree_energy_j(calibration, tech, truth) / energy_j(truth)
        wrong.append(("block_clock_tree_power_w", ratio - 1))
    if mapped is not None and final is not None:
        ports = 0.0
        if "n_input" in final:
            ports = _n(final, "n_input") * calibration.input_area
            ports += _n(final, "n_output") * calibration.output_area
        area, _ = areas_m2(calibration, tech, mapped, ports * tech.buffer_m2)
        wrong.append(("block_layout_area_m2", area / (_n(final, "area_um2") * UM2) - 1))
    stimulus = tables.stimulus.get(key)
    if stimulus is not None and mapped is not None:
        watts = power_w(calibration, tech, stimulus, mapped)
        wrong.append(("block_power_w", watts / (1e-6 * _total(stimulus, "routed_spef")) - 1))
    return wrong


def power_w(calibration: LayoutCalibration, tech: Technology, stimulus: Row, mapped: Row) -> float:
    """Power expected after layout of a design as mapped here, with wires by formula [W]."""
    cells, bare = _data(stimulus, "product_none"), _total(stimulus, "product_none")
    # The table has placed wires for these inputs; the formula's total is the routed length.
    longer = (_n(mapped, "formula_uW") - _n(mapped, "none_uW")) / (
        _n(mapped, "placed_uW") - _n(mapped, "none_uW")
    )
    wired = bare + longer * (_total(stimulus, "product_placed") - bare)
    sinks = int(_n(mapped, "flip_flops"))
    area, logic = areas_m2(calibration, tech, mapped, 0.0)
    energy, _ = _tree(calibration, tech, sinks, area)
    growth = area / (_n(mapped, "area_um2") * UM2) * calibration.leakage_growth
    leakage = _leakage(stimulus, "product_none") * (growth - 1)
    data = cells * (logic / _logic_m2(tech, mapped) * calibration.data_growth - 1)
    return 1e-6 * (wired + data + leakage) + energy / (_n(stimulus, "period_ns") * 1e-9)


def energy_j(truth: Row) -> float:
    """Energy per cycle of a routed design's clock tree."""
    parts = ("full_spef_clock_internal_uW", "full_spef_clock_switching_uW")
    return sum(_n(truth, part) for part in parts) * 1e-6 * _n(truth, "period_ns") * 1e-9


def leakage_growths(tables: Tables, tech: str | None = None) -> list[float]:
    """Leakage of routed over mapped netlists, over the growth of their area."""
    growths = []
    for key, row in tables.stimulus.items():
        if (tech is None or key[0] == tech) and key in tables.mapped and key in tables.classes:
            area = _n(tables.classes[key], "area_um2") / _n(tables.mapped[key], "area_um2")
            growths.append(_leakage(row, "routed_none") / _leakage(row, "product_none") / area)
    return growths


def data_growths(tables: Tables, tech: Technology) -> list[float]:
    """Energy in combinational cells of routed over mapped netlists, over the growth of area."""
    growths = []
    for key, row in tables.stimulus.items():
        if key[0] == tech.name and key in tables.mapped and key in tables.classes:
            final, mapped = tables.classes[key], tables.mapped[key]
            clocks = _n(final, "a_clkbuf") + _n(final, "a_clkload")
            added = _n(final, "area_um2") - clocks - _n(final, "a_logic")
            growth = _n(final, "a_logic") / _n(mapped, "area_um2")
            area = growth + added * UM2 / _logic_m2(tech, mapped)
            growths.append(_data(row, "routed_none") / _data(row, "product_none") / area)
    return growths


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


def toml(calibration: LayoutCalibration, source: str) -> str:
    """A calibration as a file."""
    values = dataclasses.asdict(calibration)
    kept = values.pop("errors")
    lines = [
        "# Made by benchmarks/calibrate_layout.py; chipdse/technology/calibration.py says what",
        "# each coefficient is. Errors: estimate / routed - 1, of designs that were left out.",
        f"process = {json.dumps(values.pop('process'))}",
        f"designs = {values.pop('designs')}",
        f"source = {json.dumps(source)}",
        "\n[coefficients]",
    ]
    lines += [f"{name} = {value:.4g}" for name, value in values.items() if value is not None]
    for error in kept:
        lines += [f"\n[errors.{error.pop('quantity')}]"]
        lines += [f"{name} = {value}" for name, value in error.items()]
    return "\n".join(lines) + "\n"


def _n(row: Row, name: str) -> float:
    return float(row.get(name) or 0)


def _rows(table: dict[tuple[str, str], Row], tech: Technology) -> list[Row]:
    return [row for key, row in table.items() if key[0] == tech.name]


def _only(tables: Tables, names: set[str]) -> Tables:
    return Tables(
        **{
            field.name: {k: v for k, v in getattr(tables, field.name).items() if k[0] in names}
            for field in dataclasses.fields(tables)
        }
    )


def _median(values: Iterable[float]) -> float | None:
    some = list(values)
    return statistics.median(some) if some else None


def _skew(truth: Row) -> float:
    return _n(truth, "opensta_spef_prop_crit_ns") / _n(truth, "opensta_spef_ideal_crit_ns") - 1


def _has_tree(truth: Row) -> bool:
    return _n(truth, "clock_buffers") > 1 and energy_j(truth) > 0


def _tree_m(truth: Row) -> float:
    """Wire of the tree of a routed design by the model's formula, from its real buffers."""
    area, leaves = _n(truth, "area_um2") * UM2, _n(truth, "clock_buffers") - 1
    return tree_wire_m(area, _n(truth, "sinks")) + tree_wire_m(area, leaves)


def _repair(classes: Row) -> float:
    """Area of cells that layout adds but for clock, hold and ports."""
    known = ("logic", "clkbuf", "clkload", "hold", "input", "output", "diode")
    return max(_n(classes, "area_um2") - sum(_n(classes, f"a_{name}") for name in known), 0.0)


def _published(tables: Tables, key: tuple[str, str]) -> Row | None:
    row = tables.published.get((key[0], key[1].removeprefix("orfs_")))
    if row is None or not key[1].startswith("orfs_"):
        return None
    return {"area_um2": row["finish_area_um2"]}


_KINDS = ("internal", "switching", "leakage")
_GROUPS = ("sequential", "combinational", "clock")


def _total(row: Row, netlist: str) -> float:
    return sum(_n(row, f"{netlist}_{g}_{k}_uW") for g in _GROUPS for k in _KINDS)


def _leakage(row: Row, netlist: str) -> float:
    return sum(_n(row, f"{netlist}_{group}_leakage_uW") for group in _GROUPS)


def _data(row: Row, netlist: str) -> float:
    """Dynamic power of combinational cells."""
    return sum(_n(row, f"{netlist}_combinational_{kind}_uW") for kind in _KINDS[:2])


def _logic_m2(tech: Technology, mapped: Row) -> float:
    """Area of the combinational cells of a design as mapped here.

    The tables do not state the area of registers; each counts as the library's smallest.
    """
    return _n(mapped, "area_um2") * UM2 - _n(mapped, "flip_flops") * tech.register_m2


if __name__ == "__main__":
    main()
