"""Verb `map`: a network on copies of one part, layer by layer."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.application.memory_options import (
    memories_of,
    memory_options,
    positive_quantity,
)
from chipdse.cli.common import Verbs, add_verb, check_block_file, print_json
from chipdse.errors import DesignError
from chipdse.study.storage.layout import check_study
from chipdse.units import parse_quantity, show

if TYPE_CHECKING:
    from chipdse_hdl.block import Block

    from chipdse.api.application import MeasuredBlock, MemoryChoice
    from chipdse.application.layers import Network
    from chipdse.design import Design


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "map",
        "map a network onto copies of one part: cycles, traffic, energy, and which limit binds",
        "chipdse map resnet8 --part mac_array --set rows=8 columns=8\n"
        "  chipdse map layers.csv --set rows=4 columns=4 --ideal\n"
        "  chipdse map resnet8 --set rows=8 columns=8 --measure --buffer 64KiB --dram hbm2e\n"
        "  chipdse map resnet8 --study studies/mac_array --trial 12 --copies 4\n"
        "  chipdse map digits --set rows=4 columns=4 --measure --tensors digits\n"
        "  chipdse map resnet8 --set rows=8 columns=8 --measure --dram hbm2e --export tables",
        _map,
    )
    parser.add_argument(
        "network", nargs="?", help="a shipped name (see --list), a .csv or an .onnx file"
    )
    parser.add_argument("--list", action="store_true", help="print the shipped networks, and end")
    parser.add_argument(
        "--part",
        metavar="BLOCK",
        help="block that carries the layers; default mac_array, or the block of --study",
    )
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="K=V", help="hardware parameters"
    )
    parser.add_argument(
        "--copies", type=int, default=1, metavar="N", help="number of copies of the part; default 1"
    )
    parser.add_argument(
        "--batch",
        type=int,
        default=1,
        metavar="N",
        help="number of inputs of the network that are computed together",
    )
    parser.add_argument(
        "--ideal",
        nargs="?",
        const="output_stationary",
        choices=("output_stationary", "weight_stationary", "input_stationary"),
        help="cycles of an ideal systolic array of that size instead of the block's contract",
    )
    _measured_options(parser.add_argument_group("measured energy"))
    memory_options(parser.add_argument_group("memories"))
    parser.add_argument(
        "--export",
        type=Path,
        metavar="DIR",
        help="also write energy and area tables for Accelergy and ZigZag into a new folder",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _measured_options(measured: argparse._ArgumentGroup) -> None:
    measured.add_argument(
        "--measure", action="store_true", help="evaluate the part: clock and energy per MAC"
    )
    measured.add_argument(
        "--study", type=Path, metavar="DIR", help="take a point of this study as it was measured"
    )
    which = measured.add_mutually_exclusive_group()
    which.add_argument("--trial", type=int, help="number of the trial of --study")
    which.add_argument("--knee", action="store_true", help="the knee of --study")
    which.add_argument("--best", metavar="METRIC", help="the best point of --study in an objective")
    measured.add_argument("--clock", metavar="S", help="clock period, e.g. 5ns")
    measured.add_argument("--vdd", metavar="V", help="supply of the part, e.g. 1.2V")
    measured.add_argument(
        "--tensors",
        metavar="DIR",
        help="operands of the layers, as NAME.inputs.npy and NAME.weights.npy, or 'digits': "
        "measure the energy per MAC of each layer with them",
    )
    measured.add_argument("--library", help="cell library; default the one that ships")
    measured.add_argument(
        "--workload",
        nargs="+",
        action="extend",
        default=[],
        metavar="K=V",
        help="parameters of the workload with which the part is measured",
    )


def _map(arguments: argparse.Namespace) -> int:
    from chipdse.application.tables import read_network, shipped_networks

    if arguments.list:
        if arguments.json:
            print_json({"networks": list(shipped_networks())})
        else:
            print("\n".join(shipped_networks()))
        return 0
    if arguments.network is None:
        raise DesignError(
            "no network is given; name one that --list prints, or a .csv or .onnx file"
        )
    _check(arguments)
    memories = memories_of(arguments)
    if arguments.part is not None:
        check_block_file(arguments.part)
    if arguments.study is not None:
        check_study(arguments.study)
    network = read_network(arguments.network)

    from chipdse.api.application import map_network

    part = (
        _part_of_study(arguments, network)
        if arguments.study is not None
        else _part(arguments, network)
    )
    clock_hz = (
        math.nan
        if arguments.clock is None
        else 1 / positive_quantity(arguments.clock, "s", "--clock")
    )
    result = map_network(
        network,
        part.block,
        part.parameters,
        copies=arguments.copies,
        batch=arguments.batch,
        metrics=part.metrics or None,
        clock_hz=clock_hz,
        library=part.library,
        memories=memories,
        ideal=arguments.ideal,
    )
    if arguments.export is not None:
        result["files"] = _export(arguments, part, memories, clock_hz)
    if arguments.json:
        print_json(result)
    else:
        _print(result)
        for file in result.get("files", ()):
            print(f"written: {file}")
    for note in result["notes"]:
        print(f"note: {note}", file=sys.stderr)
    return 0


def _export(
    arguments: argparse.Namespace, part: MeasuredBlock, memories: MemoryChoice, clock_hz: float
) -> list[str]:
    """The files that --export writes."""
    from chipdse.api.mappers import export_mapper_tables

    files = export_mapper_tables(
        arguments.export,
        part.block,
        part.parameters,
        metrics=part.metrics,
        copies=arguments.copies,
        clock_hz=clock_hz,
        library=part.library,
        memories=memories,
    )
    return [str(file) for file in files]


def _check(arguments: argparse.Namespace) -> None:
    """Refuse options that contradict or need one another."""
    if arguments.study is not None:
        _refuse_beside(arguments, "study", ("part", "set", "measure", "clock", "ideal"))
    elif arguments.trial is not None or arguments.knee or arguments.best is not None:
        raise DesignError("--trial, --knee and --best need --study DIR")
    for name in ("vdd", "library", "workload"):
        if getattr(arguments, name) and not arguments.measure:
            raise DesignError(f"--{name} goes with --measure; add --measure or leave it out")
    for name in ("dram_energy", "dram_bandwidth", "dram_idle"):
        if getattr(arguments, name) and arguments.dram is None:
            raise DesignError(f"--{name.replace('_', '-')} needs --dram KIND")
    if arguments.tensors is not None and not arguments.measure and arguments.study is None:
        raise DesignError("--tensors needs a measured part; add --measure, or --study with a point")
    if arguments.export is not None:
        _check_export(arguments)
    if arguments.ideal is not None:
        measured = ("measure", "clock", "buffer", "dram", "link_energy", "link_bandwidth")
        _refuse_beside(arguments, "ideal", measured)
    for name, number in (
        ("dram-units", arguments.dram_units),
        ("output-bits", arguments.output_bits),
    ):
        if number is not None and number < 1:
            raise DesignError(f"--{name} {number} must be 1 or more")


def _refuse_beside(arguments: argparse.Namespace, option: str, names: Sequence[str]) -> None:
    """Refuse options that do not go with another one, which is given."""
    for name in names:
        if getattr(arguments, name):
            raise DesignError(
                f"--{name.replace('_', '-')} and --{option} are both given; leave one out"
            )


def _check_export(arguments: argparse.Namespace) -> None:
    """Refuse an export of figures that are not there."""
    if not arguments.measure and arguments.study is None:
        raise DesignError(
            "--export needs a measured part; add --measure, or --study with a point of it"
        )
    if arguments.dram is None:
        raise DesignError("--export needs an outer memory; name one, e.g. --dram hbm2e")


def _part_of_study(arguments: argparse.Namespace, network: Network) -> MeasuredBlock:
    from chipdse.api.application import block_of_trial
    from chipdse.api.study import load_study
    from chipdse.cli.export import chosen_trial

    if arguments.trial is None and not arguments.knee and arguments.best is None:
        raise DesignError("--study needs --trial N, --knee or --best METRIC")
    study = load_study(arguments.study)
    part = block_of_trial(study, chosen_trial(study, arguments))
    assert part.design is not None
    metrics = part.metrics | _layers(arguments, network, part.design)
    return dataclasses.replace(part, metrics=metrics)


def _part(arguments: argparse.Namespace, network: Network) -> MeasuredBlock:
    """The block that --part and --set name; evaluated, if --measure is given."""
    from chipdse.api.application import MeasuredBlock
    from chipdse.application.parts import contract_of
    from chipdse.design import find_block, make_record, parse_settings
    from chipdse.netlist.library.catalogue import DEFAULT

    block = find_block(arguments.part or "mac_array")
    given = parse_settings(block.parameters, arguments.set, block.name)
    contract_of(block, make_record(block.parameters, given, block.name))
    return MeasuredBlock(
        block=block.name,
        parameters=given,
        metrics=_metrics(arguments, network, block, given) if arguments.measure else {},
        library=arguments.library or DEFAULT,
    )


def _layers(arguments: argparse.Namespace, network: Network, design: Design) -> dict[str, float]:
    """Energies per MAC of the layers, if --tensors is given."""
    from chipdse.api.application import layer_metrics

    if arguments.tensors is None:
        return {}
    return layer_metrics(network, arguments.tensors, design, batch=arguments.batch, progress=True)


def _metrics(
    arguments: argparse.Namespace, network: Network, block: Block, given: dict[str, Any]
) -> dict[str, float]:
    from chipdse.api.point import design_of_point, evaluate_point
    from chipdse.design import parse_settings

    operating: dict[str, Any] = {}
    if arguments.vdd is not None:
        operating["vdd_v"] = parse_quantity(arguments.vdd, "V", "--vdd")
    if arguments.clock is not None:
        operating["clock_period_s"] = positive_quantity(arguments.clock, "s", "--clock")
    point: dict[str, Any] = {
        "workload": parse_settings(block.workload, arguments.workload, f"workload of {block.name}"),
        "library": arguments.library,
        "operating": operating,
    }
    # Before the block: wrong tensors are refused before anything runs.
    layers = _layers(arguments, network, design_of_point(block.name, given, **point))
    metrics = evaluate_point(block.name, given, **point, progress=True)
    if metrics.constraints()["timing"] > 0:
        raise DesignError(
            f"--clock {arguments.clock} is too short; the part needs "
            f"{show(metrics.block.critical_path_s, 's')}: state a longer period"
        )
    return metrics.flat() | layers


_COLUMNS = ("name", "m", "n", "k", "count", "cycles", "utilisation", "reads", "writes")


def _print(result: dict[str, Any]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    totals, layers = result["totals"], result["layers"]
    title = f"{result['network']} on {result['copies']} x {result['part']}"
    more = [name for name in ("latency_s", "energy_j") if name in totals]
    if "mac_energy_j" in layers[0]:
        more += ["mac_energy_j", "constant_tile_error_frac"]
    order = ["order"] if "order" in layers[0] else []
    table = Table(
        *_COLUMNS, *more, *order, "bound", title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for column in table.columns[1 : len(_COLUMNS) + len(more)]:
        column.justify = "right"
    for row in layers:
        cells = [_cell(name, row[name]) for name in (*_COLUMNS, *more, *order, "bound")]
        table.add_row(*cells)
    Console(width=None if Console().is_terminal else 10_000).print(table, markup=False)
    busy = f"{totals['utilisation']:.1%} of all multipliers' cycles"
    print(f"MACs per task   {totals['macs']}")
    print(f"cycles          {totals['cycles']} ({busy})")
    for name in more[:2]:
        print(f"{name.rpartition('_')[0]:<15} {_cell(name, totals[name])}")
    if "energy_j" in totals:
        shares = {
            name.removesuffix("_energy_j"): totals[name] / totals["energy_j"]
            for name in totals
            if name.endswith("_energy_j") and name != "mac_energy_j"
        }
        print(
            "  of it         " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
        )

    if "mac_energy_j" in totals:
        print(f"per MAC         {_cell('mac_energy_j', totals['mac_energy_j'])} on these operands")
        if error_j := totals["tile_standard_error_j"]:
            share = error_j / totals["tile_energy_j"]
            print(f"standard error  {show(error_j, 'J')} ({share:.2%} of the arrays), drawn tiles")
        print(
            f"constant energy {show(result['mac_energy_j'], 'J')} per MAC would be off by "
            f"{totals['constant_tile_error_frac']:+.1%} in the arrays, "
            f"{totals['constant_energy_error_frac']:+.1%} in all"
        )


def _cell(name: str, value: Any) -> str:
    if name.endswith("_frac"):
        return f"{value:+.1%}"
    if name == "utilisation":
        return f"{value:.1%}"
    if name.endswith("_s"):
        return show(value, "s")
    return show(value, "J") if name.endswith("_j") else str(value)
