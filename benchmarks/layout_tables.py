"""Tables of routed designs for calibrations of layout, and their rows from a user's own design."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import statistics
from pathlib import Path

import numpy as np

from chipdse.arrays import Bools
from chipdse.design import LibraryChoice
from chipdse.netlist.layout.buffers import is_buffer
from chipdse.netlist.layout.clock_buffers import ClockBuffers, clock_buffers
from chipdse.netlist.layout.clock_tree import clock_sinks, tree_wire_m
from chipdse.netlist.layout.routed import added_cells, without_cells, without_physical
from chipdse.netlist.library.cells import FlipFlop, clock_of
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.parasitics.annotate import annotate
from chipdse.netlist.parasitics.spef import read_spef
from chipdse.netlist.power.power import GROUPS, analyse_power
from chipdse.netlist.power.propagate import fill_unannotated, silent_activity
from chipdse.netlist.timing.graph import TimingGraph, build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.library import library_of
from chipdse.technology.calibration import LayoutCalibration
from chipdse.technology.wires import process_of

Row = dict[str, str]
UM2 = 1e-12
PLATFORMS = {"ihp": "ihp-sg13g2", "gf180": "gf180mcu"}
"""Names of a technology in the tables from RTL, where the others have another."""
_CLASSES = re.compile(
    r"(?:.*[./])?(hold|fanout|input|output|max_cap|wire|rebuffer|load_slew|repeater|max_length)_?\d"
)
_PERIOD_S = 20e-9


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


def energy_j(truth: Row) -> float:
    """Energy per cycle of a routed design's clock tree."""
    parts = ("full_spef_clock_internal_uW", "full_spef_clock_switching_uW")
    return sum(number(truth, part) for part in parts) * 1e-6 * number(truth, "period_ns") * 1e-9


def number(row: Row, name: str) -> float:
    """A column as a number; 0 where it is empty or missing."""
    return float(row.get(name) or 0)


def design_rows(
    tech: Technology, name: str, netlist_file: Path, spef_file: Path, port: str
) -> tuple[Row, Row]:
    """Rows of a user's routed design in `design_classes.csv` and `routed_truth.csv`.

    Parameters
    ----------
    port : the clock port
    """
    netlist = without_physical(read_verilog(netlist_file, tech.library, None))
    graph = build_timing_graph(netlist, port)
    clock = added_cells(netlist, graph.clock).clock
    area = np.array([cell.area_m2 for cell in netlist.cells])[netlist.cell_types] / UM2
    matches = [_CLASSES.match(instance) for instance in netlist.cell_names]
    kinds = np.array([match.group(1) if match else "logic" for match in matches])
    kinds[clock] = "clkbuf"
    sinks = 0 if graph.clock is None else len(clock_sinks(netlist, graph.clock))
    both = {"tech": tech.name, "design": name, "sinks": sinks, "area_um2": float(area.sum())}
    both["clock_nets"] = " ".join(map(str, _sinks_by_net(without_cells(netlist, clock), port)))
    classes = {f"n_{kind}": int((kinds == kind).sum()) for kind in set(kinds.tolist())}
    classes |= {f"a_{kind}": float(area[kinds == kind].sum()) for kind in set(kinds.tolist())}
    truth = both | {"clock_buffers": int(clock.sum())} | _clock(graph, tech, netlist, spef_file)
    return _texts(both | classes), _texts(truth)


def _sinks_by_net(netlist: Netlist, port: str) -> list[int]:
    """Pins on each clock net of a netlist without the buffers of its trees, the port's first."""
    clock = build_timing_graph(netlist, port).clock
    nets = netlist.pin_net[netlist.pin_is_load & (netlist.pin_net >= 0)]
    if clock is None:
        return []
    counts = np.bincount(nets[clock.polarity[nets] != 0], minlength=netlist.net_count)
    root = netlist.port_of[port].nets[0]
    return [int(counts[root]), *(int(n) for n in np.delete(counts, root) if n)]


def _clock(
    graph: TimingGraph, tech: Technology, netlist: Netlist, spef_file: Path
) -> dict[str, float]:
    """Power of the clock's cells with the extracted wires, and the capacitance of these wires."""
    wires = annotate(read_spef(spef_file), netlist, tech.at).wires
    timing = analyse_timing(graph, tech.at, _PERIOD_S, wires=wires)
    activity = fill_unannotated(graph, silent_activity(netlist, _PERIOD_S))
    power = analyse_power(timing, activity, state_probability="independent", allow_unannotated=True)
    cells: Bools = power.group == GROUPS.index("clock")
    nets = np.zeros(netlist.net_count, bool) if graph.clock is None else graph.clock.polarity != 0
    return {
        "period_ns": _PERIOD_S * 1e9,
        "spef_clock_fF": float(wires.net_capacitance_f[nets].sum()) * 1e15,
        "full_spef_clock_internal_uW": float(power.internal_w[0, cells].sum()) * 1e6,
        "full_spef_clock_switching_uW": float(power.switching_w[0, cells].sum()) * 1e6,
    }


def _texts(row: dict[str, object]) -> Row:
    return {name: str(value) for name, value in row.items()}


def has_tree(truth: Row) -> bool:
    return number(truth, "clock_buffers") > 1 and energy_j(truth) > 0


def clock_nets(row: Row, column: str) -> list[int]:
    """Sinks of each clock net of a design; a table without them has one net for all registers."""
    known = [int(sinks) for sinks in row.get("clock_nets", "").split()]
    return known or [int(number(row, column))]


def tree_m(truth: Row) -> float:
    """Wire of the tree of a routed design by the model's formula, from its real buffers."""
    area, leaves = number(truth, "area_um2") * UM2, number(truth, "clock_buffers") - 1
    return tree_wire_m(area, number(truth, "sinks")) + tree_wire_m(area, leaves)


def repair(classes: Row) -> float:
    """Area of cells that layout adds but for clock, hold and ports."""
    known = ("logic", "clkbuf", "clkload", "hold", "input", "output", "diode")
    return max(
        number(classes, "area_um2") - sum(number(classes, f"a_{name}") for name in known), 0.0
    )


def published(tables: Tables, key: tuple[str, str]) -> Row | None:
    row = tables.published.get((key[0], key[1].removeprefix("orfs_")))
    if row is None or not key[1].startswith("orfs_"):
        return None
    return {"area_um2": row["finish_area_um2"]}


_KINDS = ("internal", "switching", "leakage")
_GROUPS = ("sequential", "combinational", "clock")


def leakage_uw(row: Row, netlist: str) -> float:
    return sum(number(row, f"{netlist}_{group}_leakage_uW") for group in _GROUPS)


def dynamic_uw(row: Row, netlist: str, group: str) -> float:
    """Internal and switching power of a group of cells: sequential, combinational or clock."""
    return sum(number(row, f"{netlist}_{group}_{kind}_uW") for kind in _KINDS[:2])


def logic_uw(row: Row, netlist: str) -> float:
    """Dynamic power of combinational cells."""
    return dynamic_uw(row, netlist, "combinational")


def logic_m2(tech: Technology, mapped: Row) -> float:
    """Area of the combinational cells of a design as mapped here.

    The tables do not state the area of registers; each counts as the library's smallest.
    """
    return number(mapped, "area_um2") * UM2 - number(mapped, "flip_flops") * tech.register_m2


def leakage_growths(tables: Tables, tech: str | None = None) -> list[float]:
    """Leakage of routed over mapped netlists, over the growth of their area."""
    growths = []
    for key, row in tables.stimulus.items():
        if (tech is None or key[0] == tech) and key in tables.mapped and key in tables.classes:
            area = number(tables.classes[key], "area_um2") / number(tables.mapped[key], "area_um2")
            growths.append(leakage_uw(row, "routed_none") / leakage_uw(row, "product_none") / area)
    return growths


def path_growths(tables: Tables, tech: Technology, skew_frac: float) -> list[float]:
    """Critical paths of routed over mapped netlists, both with wires and skew."""
    return [
        routed_path_ns(tables.truth[key]) / mapped_path_ns(row, skew_frac)
        for key, row in tables.mapped.items()
        if key[0] == tech.name and key in tables.truth
    ]


def data_growths(tables: Tables, tech: Technology) -> list[float]:
    """Energy in combinational cells of routed over mapped netlists, over the growth of area."""
    growths = []
    for key, row in tables.stimulus.items():
        if key[0] == tech.name and key in tables.mapped and key in tables.classes:
            final, mapped = tables.classes[key], tables.mapped[key]
            clocks = number(final, "a_clkbuf") + number(final, "a_clkload")
            added = number(final, "area_um2") - clocks - number(final, "a_logic")
            growth = number(final, "a_logic") / number(mapped, "area_um2")
            area = growth + added * UM2 / logic_m2(tech, mapped)
            growths.append(logic_uw(row, "routed_none") / logic_uw(row, "product_none") / area)
    return growths


def mapped_path_ns(mapped: Row, skew_frac: float) -> float:
    """Critical path of a netlist as mapped here, with wires by formula and clock skew."""
    return number(mapped, "formula_crit_ns") * (1 + skew_frac)


def routed_path_ns(truth: Row) -> float:
    """Critical path of a routed design with its wires and, where it is known, its clock tree."""
    column = "opensta_spef_prop_crit_ns"
    return number(truth, column if truth.get(column) else "full_spef_crit_ns")


def skew_of(truth: Row) -> float:
    """Clock skew over the critical path of a routed design; negative where the tree helps."""
    return (
        number(truth, "opensta_spef_prop_crit_ns") / number(truth, "opensta_spef_ideal_crit_ns") - 1
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


def rows_of(table: dict[tuple[str, str], Row], tech: Technology) -> list[Row]:
    """The rows of a table that are of a technology."""
    return [row for key, row in table.items() if key[0] == tech.name]


def only(tables: Tables, names: set[str]) -> Tables:
    """The tables without the rows of other technologies than the named ones."""
    return Tables(
        **{
            field.name: {k: v for k, v in getattr(tables, field.name).items() if k[0] in names}
            for field in dataclasses.fields(tables)
        }
    )
