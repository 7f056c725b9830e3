"""Verb `trace`: the power of a block in every clock cycle; and options that `leakage` shares."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import Verbs, add_liberty, add_verb, check_liberty, print_json
from chipdse.cli.design import design_options, records_of
from chipdse.errors import DesignError
from chipdse.report.pictures.formats import SUFFIXES
from chipdse.units import parse_quantity, show

if TYPE_CHECKING:
    from chipdse.design import Design
    from chipdse.netlist.power.peaks import Peaks
    from chipdse.stages.load import Hardware
    from chipdse.stages.supply_drop import SupplyDrop
    from chipdse.stages.traces import PowerTrace
    from chipdse.store.store import Store


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    trace = add_verb(
        verbs,
        "trace",
        "power of a block in every clock cycle of its workload: peak, percentile, largest step",
        "chipdse trace mac_array --set rows=2 columns=2 --to power.csv power.png\n"
        "  chipdse trace ascon --phase fsm_state --window 12 --to power.vcd",
        _trace,
    )
    point_options(trace)
    trace.add_argument(
        "--to",
        nargs="+",
        action="extend",
        type=Path,
        default=[],
        metavar="FILE",
        help="write the trace as .csv, .npz or .vcd (real signals), or draw it as .png, .svg, .pdf",
    )
    trace.add_argument(
        "--window",
        type=int,
        default=1,
        metavar="N",
        help="number of cycles over which the power is averaged for the peak [1]",
    )
    trace.add_argument(
        "--depth",
        type=int,
        default=1,
        metavar="N",
        help="levels of modules that are listed; 0 is the whole block [1]",
    )
    trace.add_argument(
        "--glitch-cycles",
        type=int,
        default=0,
        metavar="N",
        help="replay N cycles of the run with delays: power with the glitches of each [0]",
    )
    trace.add_argument(
        "--supply-drop",
        type=Path,
        metavar="FILE",
        help="draw the drop of the supply over the placed core, e.g. drop.png; first order",
    )
    trace.add_argument(
        "--phase",
        metavar="SIGNAL",
        help="a port or register of the RTL whose value marks phases, e.g. fsm_state; "
        "default: the phases that the bench states",
    )


def point_options(parser: argparse.ArgumentParser) -> None:
    """Options that name a design point."""
    design_options(parser)
    parser.add_argument("--library", help="cell library; default the one that ships")
    add_liberty(parser, "Liberty file to use instead of a named library; repeat for several")
    parser.add_argument(
        "--vdd",
        metavar="V",
        help="supply voltage, e.g. 1.2V; default the nominal one of the library",
    )
    parser.add_argument(
        "--clock", metavar="S", help="clock period, e.g. 10ns; default the shortest"
    )
    for name, text in (
        ("synthesis", "options of synthesis, e.g. effort=full"),
        ("physical", "options of layout, e.g. wires=formula glitches=false"),
    ):
        parser.add_argument(
            f"--{name}", nargs="+", action="extend", default=[], metavar="K=V", help=text
        )


def built_design(arguments: argparse.Namespace) -> tuple[Design, Hardware, Store]:
    """The design that the options name, simulated and synthesised."""
    check_liberty(arguments.liberty)
    block, parameters, workload = records_of(arguments)

    from chipdse.design import (
        Design,
        LibraryChoice,
        OperatingPoint,
        PhysicalOptions,
        make_record,
        parse_settings,
    )
    from chipdse.hardware.synthesis_options import SynthesisOptions
    from chipdse.netlist.library.catalogue import DEFAULT
    from chipdse.report.terminal.stages import shown_stages
    from chipdse.stages.build import build_hardware
    from chipdse.stages.measure import check_operation
    from chipdse.store.store import Store, default_store

    if arguments.library is not None and arguments.liberty:
        raise DesignError("--library and --liberty are both given; leave one out")
    files = tuple(path.absolute() for path in arguments.liberty)
    stated = {
        "vdd_v": (arguments.vdd, "V", "--vdd"),
        "clock_period_s": (arguments.clock, "s", "--clock"),
    }
    operating = {
        name: parse_quantity(*given) for name, given in stated.items() if given[0] is not None
    }

    def record(kind: Any, name: str) -> Any:
        return make_record(kind, parse_settings(kind, getattr(arguments, name), name), name)

    design = Design(
        block=block,
        parameters=parameters,
        workload=workload,
        library=LibraryChoice(files=files)
        if files
        else LibraryChoice(name=arguments.library or DEFAULT),
        operating=make_record(OperatingPoint, operating, "operating"),
        synthesis=record(SynthesisOptions, "synthesis"),
        physical=record(PhysicalOptions, "physical"),
    )
    check_operation(design)
    with shown_stages() as listener:
        store = Store(root=default_store(), tell=listener)
        return design, build_hardware(design, store)[1], store


def _trace(arguments: argparse.Namespace) -> int:
    pictures = [path for path in arguments.to if path.suffix in SUFFIXES]
    tables = [path for path in arguments.to if path not in pictures]
    for path in tables:
        if path.suffix not in (".csv", ".npz", ".vcd"):
            raise DesignError(f"--to {str(path)!r}: write .csv, .npz, .vcd, .png, .svg or .pdf")
    if arguments.window < 1:
        raise DesignError(f"--window {arguments.window}: give the number of cycles, at least 1")
    design, hardware, store = built_design(arguments)

    from chipdse.export.power_trace import write_trace
    from chipdse.report.pictures.power_trace import draw_trace
    from chipdse.stages.traces import power_trace

    trace = power_trace(
        design,
        hardware,
        store,
        depth=arguments.depth,
        phase=arguments.phase,
        glitch_cycles=arguments.glitch_cycles,
    )
    peaks = trace.peaks(arguments.window)
    for path in tables:
        write_trace(trace, path)
    for path in pictures:
        draw_trace(trace, path)
    drop = None
    if arguments.supply_drop is not None:
        from chipdse.report.pictures.supply_drop import draw_supply_drop
        from chipdse.stages.supply_drop import supply_drop

        drop = supply_drop(design, hardware, store, trace)
        draw_supply_drop(drop, arguments.supply_drop)
    if arguments.json:
        print_json(_described(trace, peaks, drop))
    else:
        _print(trace, peaks, drop, arguments.phase)
    return 0


def _described(trace: PowerTrace, peaks: Peaks, drop: SupplyDrop | None) -> dict[str, Any]:
    phases = trace.by_phase_j() if trace.phase else {}
    return {
        **dataclasses.asdict(peaks),
        "cycles": trace.cycles,
        "clock_period_s": trace.clock_period_s,
        "glitches_spread": trace.glitches,
        "supply_drop_v": {}
        if drop is None
        else {"average_v": drop.largest_average_v, "worst_v": drop.largest_v, "cycle": drop.cycle},
        "drawn_cycles": trace.drawn.tolist(),
        "drawn_power_w": trace.drawn_power_w.tolist() if len(trace.drawn) else [],
        "groups": {
            name: {"mean_w": float(power.mean()), "peak_w": float(power.max())}
            for name, power in trace.by_group_w().items()
        },
        "phases": {
            value: {"cycles": cycles, "energy_j": energy_j}
            for value, (cycles, energy_j) in phases.items()
        },
    }


def _print(trace: PowerTrace, peaks: Peaks, drop: SupplyDrop | None, phase: str | None) -> None:
    groups = trace.by_group_w()
    print(f"{trace.cycles} cycles of {show(trace.clock_period_s, 's')}")
    print(f"mean power     {show(peaks.mean_w, 'W')}")
    window = "cycle" if peaks.window_cycles == 1 else f"{peaks.window_cycles} cycles from"
    print(f"peak power     {show(peaks.peak_power_w, 'W')} in {window} {peaks.peak_cycle}")
    print(f"99.9 % below   {show(peaks.percentile_w, 'W')}")
    print(
        f"largest step   {show(peaks.largest_step_w, 'W')} or {show(peaks.largest_step_a, 'A')} "
        f"into cycle {peaks.step_cycle}"
    )
    if trace.glitches:
        print("the energy of glitches is spread over the other transitions of their nets")
    if len(trace.drawn):
        drawn_w = trace.drawn_power_w
        print(
            f"with delays    {show(float(drawn_w.mean()), 'W')} on average of {len(drawn_w)} drawn "
            f"cycles, {show(float(drawn_w.max()), 'W')} in cycle {trace.drawn[drawn_w.argmax()]}"
        )
    if drop is not None:
        average, worst = (
            show(float(drop.average_v.max()), "V"),
            show(float(drop.worst_v.max()), "V"),
        )
        print(
            f"supply drop    {average} of the mean power, {worst} in cycle {drop.cycle} (modelled)"
        )
    width = max(20, *(len(name) + 2 for name in groups))
    print(f"\n{'cells':{width}}{'mean':>12}{'peak':>12}")
    for name, power in sorted(groups.items(), key=lambda item: -float(item[1].mean())):
        print(
            f"{name:{width}}{show(float(power.mean()), 'W'):>12}{show(float(power.max()), 'W'):>12}"
        )
    if trace.phase:
        print(f"\n{phase or 'phase':{width}}{'cycles':>12}{'energy':>12}")
        for value, (cycles, energy_j) in trace.by_phase_j().items():
            print(f"{value:<{width}}{cycles:12}{show(energy_j, 'J'):>12}")
