"""The verbs `sta` and `power`: timing and power of a mapped netlist."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import Verbs, add_liberty, add_verb, check_liberty, print_json
from chipdse.errors import DesignError
from chipdse.reading import check_exist
from chipdse.units import parse_quantity, show

if TYPE_CHECKING:
    from chipdse.netlist.activity.activity import Activity
    from chipdse.netlist.power.power import Power
    from chipdse.netlist.timing.timing import Timing


@dataclass(frozen=True, kw_only=True)
class _Point:
    """What both verbs are asked, in SI units."""

    netlist: Path
    spef: Path | None
    liberty: list[Path]
    top: str | None
    clock: str | None
    clock_period_s: float
    input_slew_s: float
    output_load_f: float
    supply_v: float | None
    temperature_c: float | None
    process: str | None


def add(verbs: Verbs) -> None:
    """Declare `sta` and `power`."""
    sta = add_verb(
        verbs,
        "sta",
        "static timing of a mapped netlist: critical path, slacks, highest clock frequency",
        "chipdse sta mac8.v --top mac8 --liberty cells.lib.gz --clock clk=10ns\n"
        "  chipdse sta routed.v --liberty cells.lib.gz --clock clk=10ns --spef routed.spef.gz",
        _sta,
    )
    power = add_verb(
        verbs,
        "power",
        "power of a mapped netlist from the activity of a gate-level trace",
        "chipdse power mac8.v --top mac8 --liberty cells.lib.gz --clock clk=10ns \\\n"
        "      --trace mac8.vcd.gz --scope tb.dut",
        _power,
    )
    for parser in (sta, power):
        _add_point(parser)
    _add_trace(power)


def _add_point(parser: argparse.ArgumentParser) -> None:
    """Declare the netlist, its library, clock and operating point."""
    parser.add_argument("netlist", type=Path, help="structural Verilog, plain or .gz")
    parser.add_argument("--top", help="top module; needed if there are several candidates")
    add_liberty(
        parser,
        "a Liberty file, plain or .gz; repeat for libraries of several files or corners; "
        "or the name of a library that 'chipdse library list' shows",
        required=True,
    )
    parser.add_argument(
        "--clock",
        required=True,
        action="append",
        metavar="PORT=PERIOD",
        help="ideal clock, e.g. clk=10ns; only the period for a netlist without registers",
    )
    parser.add_argument(
        "--spef",
        type=Path,
        metavar="FILE",
        help="extracted wires of the routed netlist, plain or .gz",
    )
    parser.add_argument("--input-slew", default="0s", metavar="S", help="slew at the inputs [0s]")
    parser.add_argument("--output-load", default="0F", metavar="F", help="load on each output [0F]")
    parser.add_argument(
        "--supply", metavar="V", help="supply voltage within the range of the library, e.g. 1.3V"
    )
    parser.add_argument(
        "--temperature", metavar="T", help="temperature within the range of the library, e.g. 85C"
    )
    parser.add_argument(
        "--process",
        metavar="P",
        help="slow, typical or fast; needed if the files are of several processes",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document, SI units")


def _add_trace(power: argparse.ArgumentParser) -> None:
    """Declare the trace and what is listed of the power."""
    power.add_argument(
        "--trace",
        type=Path,
        required=True,
        metavar="FILE",
        help="VCD, FST or SAIF (VCD and SAIF also as .gz)",
    )
    power.add_argument(
        "--scope", required=True, metavar="PATH", help="the netlist's instance, e.g. tb.dut"
    )
    power.add_argument(
        "--state-probability",
        choices=("independent", "joint"),
        default="joint",
        help="pin states of cells: exact from waveforms [joint], or taken as independent",
    )
    power.add_argument("--instances", action="store_true", help="print the power of every instance")
    power.add_argument(
        "--modules",
        type=int,
        metavar="DEPTH",
        help="power by module of the RTL, by names that survive synthesis, down to this depth",
    )
    power.add_argument(
        "--allow-unannotated", action="store_true", help="accept a trace without some of the nets"
    )


def _point(arguments: argparse.Namespace) -> _Point:
    clocks = dict(map(_clock, arguments.clock))  # of one port the last counts
    if len(clocks) > 1:
        names = " and ".join(port or "no port" for port in clocks)
        raise DesignError(f"--clock is given for {names}; one clock is timed")
    port, period_s = next(iter(clocks.items()))
    supply, temperature = arguments.supply, arguments.temperature
    return _Point(
        netlist=arguments.netlist,
        spef=arguments.spef,
        liberty=arguments.liberty,
        top=arguments.top,
        clock=port,
        clock_period_s=period_s,
        input_slew_s=parse_quantity(arguments.input_slew, "s", "--input-slew"),
        output_load_f=parse_quantity(arguments.output_load, "F", "--output-load"),
        process=arguments.process,
        supply_v=None if supply is None else parse_quantity(supply, "V", "--supply"),
        temperature_c=None
        if temperature is None
        else parse_quantity(temperature, "°C", "--temperature"),
    )


def _clock(given: str) -> tuple[str | None, float]:
    """Port and period [s]; no port for a netlist without registers."""
    port, mark, period = given.rpartition("=")
    if not (port if mark else period[:1].isdigit()):
        raise DesignError(f"--clock {given!r} is not PORT=PERIOD; write e.g. clk=10ns")
    return port or None, _positive(period, "s", "--clock PORT=PERIOD:" if mark else "--clock")


def _positive(text: str, unit: str, what: str) -> float:
    value = parse_quantity(text, unit, what)
    if not value > 0:
        raise DesignError(f"{what} {text!r} must be positive")
    return value


def _timing(point: _Point) -> tuple[Any, list[str]]:
    """The timing, and what was left out while the files were read."""
    from chipdse.netlist.library.cache import load_corners
    from chipdse.netlist.library.catalogue import named_library
    from chipdse.netlist.parasitics.annotate import annotate
    from chipdse.netlist.parasitics.spef import read_spef
    from chipdse.netlist.timing.graph import build_timing_graph
    from chipdse.netlist.timing.timing import analyse_timing
    from chipdse.netlist.verilog.reader import read_verilog

    supply_v, temperature_c = point.supply_v, point.temperature_c
    entry = named_library(point.liberty)
    if entry is None:
        library = load_corners(point.liberty, point.process)
    else:
        library = entry.load(point.process)
        supply_v = entry.nominal.supply_v if supply_v is None else supply_v
        temperature_c = entry.nominal.temperature_c if temperature_c is None else temperature_c
    netlist = read_verilog(point.netlist, library, point.top)
    graph, operating = build_timing_graph(netlist, point.clock), library.at(supply_v, temperature_c)
    annotated = None if point.spef is None else annotate(read_spef(point.spef), netlist, operating)
    timing = analyse_timing(
        graph,
        operating,
        point.clock_period_s,
        input_slew_s=point.input_slew_s,
        output_load_f=point.output_load_f,
        wires=None if annotated is None else annotated.wires,
    )
    return timing, [*netlist.notes, *(() if annotated is None else annotated.notes)]


def _sta(arguments: argparse.Namespace) -> int:
    point = _point(arguments)
    check_liberty(point.liberty)
    check_exist(*_files(point))

    from chipdse.netlist.timing.paths import clock_outputs, critical_path

    timing, notes = _timing(point)
    endpoint, stages = critical_path(timing)
    result: dict[str, Any] = {
        "critical_path_s": float(timing.critical_path_s[0]),
        "worst_setup_slack_s": float(timing.worst_setup_slack_s[0]),
        "worst_hold_slack_s": float(timing.worst_hold_slack_s[0]),
        "f_max_hz": float(timing.f_max_hz[0]),
        "endpoint": endpoint,
        "clock_outputs": clock_outputs(timing),
        **_wire_metrics(timing),
        "notes": notes,
    }
    if arguments.json:
        path = [
            {
                "pin": stage.pin,
                "edge": stage.edge,
                "arrival_s": stage.arrival_s,
                "slew_s": stage.slew_s,
            }
            for stage in stages
        ]
        print_json(result | {"path": path})
        return 0
    _print_heading(timing, result["notes"])
    if not stages:
        print("nothing is timed: no path ends at a register or an output port")
        return 0
    print(f"critical path  {show(result['critical_path_s'], 's')} to {endpoint}")
    print(f"highest clock  {show(result['f_max_hz'], 'Hz')}")
    print(
        f"setup slack    {show(result['worst_setup_slack_s'], 's')} at "
        f"{show(point.clock_period_s, 's')}"
    )
    print(f"hold slack     {show(result['worst_hold_slack_s'], 's')}")
    if result["clock_outputs"]:
        ports = ", ".join(result["clock_outputs"])
        print(f"clock at ports {ports}: its fall is timed from half a period on")
    print()
    width = max(len(stage.pin) for stage in stages)
    print(f"{'arrival':>10}  {'slew':>10}  {'load':>10}  edge  {'pin':{width}}  cell")
    for stage in stages:
        load = "" if stage.load_f is None else show(stage.load_f, "F")
        print(
            f"{show(stage.arrival_s, 's'):>10}  {show(stage.slew_s, 's'):>10}  {load:>10}  "
            f"{stage.edge:4}  {stage.pin:{width}}  {stage.cell}"
        )
    return 0


def _files(point: _Point) -> list[Path]:
    return [point.netlist, *([] if point.spef is None else [point.spef])]


def _wire_metrics(timing: Any) -> dict[str, float]:
    """Capacitance of all extracted wires; empty without."""
    if timing.wires is None:
        return {}
    return {"wire_capacitance_f": float(timing.wires.net_capacitance_f.sum())}


def _print_heading(timing: Any, notes: list[str]) -> None:
    library, netlist = timing.library, timing.netlist
    wires = "no wires"
    if timing.wires is not None:
        wires = f"extracted wires of {show(_wire_metrics(timing)['wire_capacitance_f'], 'F')}"
    print(
        f"{netlist.top}: {netlist.cell_count} cells of {library.library.name} at "
        f"{library.supply_v[0]:g} V, {library.temperature_c[0]:g} °C; ideal clock, {wires}"
    )
    for note in notes:
        print(f"note: {note}")


def _power(arguments: argparse.Namespace) -> int:
    point = _point(arguments)
    check_liberty(point.liberty)
    check_exist(*_files(point), arguments.trace)
    if arguments.modules is not None and arguments.modules < 0:
        raise DesignError(f"--modules {arguments.modules} is no depth; use 0 or more")

    from chipdse.netlist.activity.waveform.trace import read_activity
    from chipdse.netlist.power.modules import assign_modules
    from chipdse.netlist.power.power import analyse_power

    timing, notes = _timing(point)
    activity = read_activity(
        arguments.trace,
        arguments.scope,
        timing.netlist,
        clock_period_s=point.clock_period_s,
        states=arguments.state_probability == "joint",
    )
    power = analyse_power(
        timing,
        activity,
        # A SAIF file has no joint states.
        state_probability=arguments.state_probability if activity.states else "independent",
        allow_unannotated=arguments.allow_unannotated,
    )
    notes = [*notes, *activity.notes]
    if limited := int(power.limited_nets[0]):
        notes.append(
            f"{limited} nets change more often than once per slew of their signal; their power is "
            "that of one change per slew"
        )
    modules = None
    if arguments.modules is not None:
        modules = assign_modules(timing.graph).at_depth(arguments.modules)
    document = _power_document(timing, power, notes)
    if modules is not None:
        document["modules"] = _by_name(modules.power(power))
        document["modules_method"] = modules.method
    if arguments.instances:
        document["instances"] = _instances(power)
    if arguments.json:
        print_json(document)
    else:
        _print_power(timing, activity, power, document)
    return 0


def _power_document(timing: Timing, power: Power, notes: Sequence[str]) -> dict[str, Any]:
    """The power of a netlist as the JSON document that `--json` prints."""
    return {
        **_with_total(
            {
                kind: float(getattr(power, kind)[0].sum())
                for kind in ("internal_w", "switching_w", "leakage_w")
            }
        ),
        "annotated_fraction": power.annotated_fraction,
        "groups": _by_name(power.by_group()),
        "state_probability": power.state_probability,
        **_wire_metrics(timing),
        "notes": notes,
    }


def _by_name(powers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Power of each named part in watts, with its total."""
    return {
        name: _with_total({kind: float(watts[0]) for kind, watts in kinds.items()})
        for name, kinds in powers.items()
    }


def _print_power(
    timing: Timing, activity: Activity, power: Power, document: Mapping[str, Any]
) -> None:
    """Print the power of a netlist by group, and by module and instance where it is asked for."""
    _print_heading(timing, document["notes"])
    print(
        f"activity of {show(activity.duration_s, 's')} ({activity.cycles:g} cycles) covers "
        f"{power.annotated_fraction:.1%} of the nets; "
        f"state probabilities: {power.state_probability}"
    )
    print("a zero-delay simulation shows no glitches: the dynamic power is then a lower bound\n")
    _print_table("group", {**document["groups"], "total": document})
    print(f"\nof it in clock pins of registers: {show(float(power.clock_pin_w[0].sum()), 'W')}")
    if "modules" in document:
        print()
        _print_table("module", {name or "(top)": row for name, row in document["modules"].items()})
        print(f"({document['modules_method']})")
    if "instances" in document:
        rows = sorted(document["instances"], key=lambda instance: -instance["total_w"])
        print()
        _print_table("instance", {f"{row['name']} ({row['cell']})": row for row in rows})


def _with_total(kinds: dict[str, float]) -> dict[str, float]:
    return kinds | {"total_w": sum(kinds.values())}


def _instances(power: Any) -> list[dict[str, Any]]:
    netlist = power.netlist
    cells = [netlist.cells[kind].name for kind in netlist.cell_types.tolist()]
    kinds = ("internal_w", "switching_w", "leakage_w")
    columns = [getattr(power, kind)[0].tolist() for kind in kinds]
    return [
        {"name": name, "cell": cell} | _with_total(dict(zip(kinds, watts, strict=True)))
        for name, cell, *watts in zip(netlist.cell_names, cells, *columns, strict=True)
    ]


def _print_table(what: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    width = max(len(name) for name in (what, *rows))
    kinds = ("internal_w", "switching_w", "leakage_w", "total_w")
    print(f"{what:{width}}" + "".join(f"{kind[:-2]:>12}" for kind in kinds))
    for name, row in rows.items():
        print(f"{name:{width}}" + "".join(f"{show(row[kind], 'W'):>12}" for kind in kinds))
