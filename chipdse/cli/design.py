"""Verbs `blocks`, `sim`, `eval`: one block, one run, one design point."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from chipdse.api import evaluate_point
from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.design import OperatingPoint, find_block, make_record, parse_settings
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.simulate import WAVES, simulate
from chipdse.hardware.store import Store, default_store
from chipdse.hardware.synthesise import SynthesisOptions
from chipdse.metrics import METRICS, Metrics
from chipdse.report.quantities import shown_metric
from chipdse.system.metrics import CONSTRAINTS
from chipdse.system.parameters import PackageParameters
from chipdse.units import parse_quantity
from hdl import BLOCKS
from hdl.block import Block


def add(verbs: Verbs) -> None:
    """Declare the verbs."""
    parser = add_verb(
        verbs,
        "blocks",
        "list blocks with parameters, ranges, ports",
        "chipdse blocks mac_array",
        _blocks,
    )
    parser.add_argument("block", nargs="?", help="one block in full")
    parser.add_argument("--json", action="store_true", help="print one JSON document")

    parser = add_verb(
        verbs,
        "sim",
        "run a block's cocotb bench against its reference",
        "chipdse sim mac_array --set rows=2 columns=2 --workload length=256 --waves waves.fst",
        _sim,
    )
    _design_options(parser)
    parser.add_argument("--simulator", default="auto", help="auto, icarus or verilator")
    parser.add_argument(
        "--waves", type=Path, metavar="FILE", help="FST from Icarus, VCD from Verilator"
    )

    parser = add_verb(
        verbs,
        "eval",
        "evaluate one design point, all metrics",
        "chipdse eval mac_array --set rows=2 columns=2 --vdd 1.2V --package cooling=cold_plate",
        _eval,
    )
    _design_options(parser)
    parser.add_argument("--library", help="cell library; default the one that ships")
    parser.add_argument(
        "--liberty", type=Path, action="append", default=[], metavar="FILE", help="or your own"
    )
    parser.add_argument("--vdd", metavar="V", help="supply, e.g. 1.2V; default nominal")
    parser.add_argument("--temperature", metavar="C", help="of the library, e.g. 25C")
    clock = parser.add_mutually_exclusive_group()
    clock.add_argument("--clock", metavar="S", help="clock period, e.g. 10ns; default the shortest")
    clock.add_argument("--clock-frac", type=float, help="share of the highest frequency, e.g. 0.5")
    for name, what in (("synthesis", "effort=full"), ("package", "cooling=cold_plate")):
        parser.add_argument(f"--{name}", nargs="+", default=[], metavar="K=V", help=f"e.g. {what}")


def _design_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("block", help="name of the block; 'chipdse blocks' lists them")
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="K=V", help="hardware parameters"
    )
    parser.add_argument(
        "--workload", nargs="+", action="extend", default=[], metavar="K=V", help="its workload"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _blocks(arguments: argparse.Namespace) -> int:
    chosen = [find_block(arguments.block)] if arguments.block else list(BLOCKS.values())
    if arguments.json:
        print_json([_described(block) for block in chosen])
        return 0
    for block in chosen:
        print(f"{block.name}: {block.summary}")
        if arguments.block:
            print(f"\n{(block.hardware.__doc__ or '').strip()}")
        for title, record in (("parameters", block.parameters), ("workload", block.workload)):
            print(f"\n  {title}")
            for about in _fields(record):
                print(f"    {about['name']} = {about['default']}  {about['doc']}{_range(about)}")
        print()
        if arguments.block:
            print("  ports at the default parameters")
            for port in _ports(block):
                print(f"    {port['name']} : {port['direction']}({port['bits']})")
    return 0


def _described(block: Block) -> dict[str, Any]:
    return {
        "name": block.name,
        "summary": block.summary,
        "parameters": _fields(block.parameters),
        "workload": _fields(block.workload),
        "ports": _ports(block),
    }


def _fields(record: type) -> list[dict[str, Any]]:
    return [
        {"name": field.name, "default": field.default, **field.metadata}
        for field in dataclasses.fields(record)
    ]


def _range(about: dict[str, Any]) -> str:
    if about["choices"] is not None:
        return f" [{', '.join(map(str, about['choices']))}]"
    bounds = [about["minimum"], about["maximum"]]
    if bounds == [None, None]:
        return ""
    low, high = ("" if bound is None else f"{bound:g}" for bound in bounds)
    return f" [{low}..{high}]"


def _ports(block: Block) -> list[dict[str, Any]]:
    """Ports at the default parameters, without clock and reset."""
    signature = block.hardware(block.parameters()).signature
    return [
        {
            "name": "__".join(map(str, path)),
            "direction": "in" if member.flow == wiring.In else "out",
            "bits": len(value),
        }
        for path, member, value in signature.flatten(block.hardware(block.parameters()))
    ]


def _records(arguments: argparse.Namespace) -> tuple[Block, Any, Any]:
    block = find_block(arguments.block)
    given = parse_settings(block.parameters, arguments.set, block.name)
    load = parse_settings(block.workload, arguments.workload, f"workload of {block.name}")
    return (
        block,
        make_record(block.parameters, given, block.name),
        make_record(block.workload, load, f"workload of {block.name}"),
    )


def _sim(arguments: argparse.Namespace) -> int:
    block, parameters, workload = _records(arguments)
    store = Store(root=default_store())
    rtl = elaborate(block, parameters, store)
    waves = arguments.waves is not None
    run = simulate(
        block, parameters, workload, rtl, store, simulator=arguments.simulator, waves=waves
    )
    if waves:
        _copy_waves(run.folder, arguments.waves)
    work = block.work(parameters, workload)
    if arguments.json:
        print_json(
            {
                "passed": True,
                "simulator": run.simulator,
                "cycles": run.cycles,
                "work": work.count,
                "work_unit": work.unit,
                "folder": str(run.folder),
            }
        )
        return 0
    print(f"passed: every output of {block.name} equals the reference ({run.simulator})")
    print(f"{work.count} {work.unit} in {run.cycles} cycles: {work.count / run.cycles:.4g} a cycle")
    print(f"log: {run.folder / 'simulation.log'}")
    return 0


def _copy_waves(folder: Path, target: Path) -> None:
    found = [path for path in (folder / f"{WAVES}.fst", folder / "dump.vcd") if path.exists()]
    if found[0].suffix != target.suffix:
        raise DesignError(
            f"--waves {str(target)!r}: this simulator writes {found[0].suffix[1:].upper()}; "
            f"name a file that ends in {found[0].suffix}"
        )
    try:
        shutil.copyfile(found[0], target)
    except OSError as error:
        raise DesignError(f"--waves {str(target)!r}: {error.strerror}") from error


def _eval(arguments: argparse.Namespace) -> int:
    block, parameters, workload = _records(arguments)
    operating: dict[str, Any] = {}
    if arguments.vdd is not None:
        operating["vdd_v"] = parse_quantity(arguments.vdd, "V", "--vdd")
    if arguments.temperature is not None:
        operating["temperature_c"] = parse_quantity(arguments.temperature, "°C", "--temperature")
    if arguments.clock is not None:
        operating["clock_period_s"] = parse_quantity(arguments.clock, "s", "--clock")
    if arguments.clock_frac is not None:
        operating["clock_frac"] = arguments.clock_frac
    make_record(OperatingPoint, operating, "operating")
    metrics = evaluate_point(
        block.name,
        dataclasses.asdict(parameters),
        workload=dataclasses.asdict(workload),
        library=arguments.library,
        liberty=arguments.liberty,
        operating=operating,
        synthesis=parse_settings(SynthesisOptions, arguments.synthesis, "synthesis"),
        package=parse_settings(PackageParameters, arguments.package, "package"),
    )
    missed = {name: amount for name, amount in metrics.constraints().items() if amount > 0}
    if arguments.json:
        print_json({**metrics.flat(), "violations": missed})
    else:
        _print_metrics(metrics)
        for name, amount in missed.items():
            limit = CONSTRAINTS.get(name, "clock faster than the logic, as a share of its delay")
            print(f"limit missed: {limit}: {amount:.4g}")
    return 1 if missed else 0


def _print_metrics(metrics: Metrics) -> None:
    values, evidence = metrics.flat(), metrics.evidence()
    width = max(map(len, values))
    for name, value in values.items():
        about = METRICS[name]
        shown = shown_metric(name, value)
        print(f"{name:<{width}}  {shown:>16}  {evidence[name]:<9}  {about['doc']}")
    print("\nActivity is zero-delay (no glitches); no wires, no clock tree.")
