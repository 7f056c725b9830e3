"""Verb `blocks`: what can be explored, documented from the blocks' own records."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import Verbs, add_verb, check_block_file, print_json
from chipdse.errors import DesignError

if TYPE_CHECKING:
    from chipdse_hdl.block import Block, Record

    from chipdse.blocks.ports import BlockPort


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "blocks",
        "list blocks with parameters, ranges, ports",
        "chipdse blocks mac_array\n  chipdse blocks mylib.blocks:fancy --set width=16",
        _blocks,
    )
    parser.add_argument(
        "block", nargs="?", help="one block in full: a name, package.module:attribute or FILE.toml"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="K=V",
        help="parameters for which ports, latency and throughput are printed",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _blocks(arguments: argparse.Namespace) -> int:
    if arguments.set and not arguments.block:
        raise DesignError("--set is for one block; name it")
    check_block_file(arguments.block or "")

    from chipdse_hdl import BLOCKS

    from chipdse.design import find_block

    chosen = [find_block(arguments.block)] if arguments.block else list(BLOCKS.values())
    descriptions = [_described(block, arguments.set) for block in chosen]
    if arguments.json:
        print_json(descriptions)
    elif arguments.block:
        _print_in_full(descriptions[0])
    else:
        for description in descriptions:
            _print_briefly(description)
        print("'chipdse blocks NAME' prints one in full.")
    return 0


def _described(block: Block, settings: list[str]) -> dict[str, Any]:
    """Everything the records say about a block, at its defaults or the given parameters."""
    from chipdse_hdl.block import component_of

    from chipdse.blocks.own import is_checked
    from chipdse.design import make_record, parse_settings

    description: dict[str, Any] = {
        "name": block.name,
        "summary": block.summary,
        "description": inspect.getdoc(component_of(block.hardware)) or "",
        "parameters": _fields(block.parameters),
        "workload": _fields(block.workload),
        "bench": block.bench,
        "checked": is_checked(block),
    }
    needed = [parameter["name"] for parameter in description["parameters"] if parameter["required"]]
    given = parse_settings(block.parameters, settings, block.name)
    if missing := [name for name in needed if name not in given]:
        description["incomplete"] = f"give --set {' '.join(f'{name}=...' for name in missing)}"
        return description
    parameters = make_record(block.parameters, given, block.name)
    workload = make_record(block.workload, {}, f"workload of {block.name}")
    work, cycles = block.work(parameters, workload), block.cycles(parameters, workload)
    return description | {
        "at": dataclasses.asdict(parameters),
        "derived": _derived(block.parameters, parameters),
        "ports": [dataclasses.asdict(port) for port in _ports(block, parameters)],
        "work_unit": work.unit,
        "work_per_run": work.count,
        "cycles_per_run": cycles,
        "work_per_cycle": work.count / cycles,
        "input_bits_per_work": work.input_bits / work.count,
        "output_bits_per_work": work.output_bits / work.count,
    }


def _fields(record: type) -> list[dict[str, Any]]:
    return [
        {
            "name": field.name,
            "default": None if field.default is dataclasses.MISSING else field.default,
            "required": field.default is dataclasses.MISSING,
            **{name: field.metadata.get(name) for name in ("doc", "minimum", "maximum", "choices")},
        }
        for field in dataclasses.fields(record)
    ]


def _derived(kind: type[Record], record: Record) -> list[dict[str, Any]]:
    """Values that a record works out from its fields: latencies, intervals, sizes."""
    values = []
    for name, member in vars(kind).items():
        if not isinstance(member, property) or name.startswith("_"):
            continue
        value = getattr(record, name)
        if isinstance(value, bool | int | float | str):
            doc = (inspect.getdoc(member) or "").partition("\n")[0]
            values.append({"name": name, "value": value, "doc": doc})
    return values


def _ports(block: Block, parameters: Record) -> list[BlockPort]:
    """Its ports, without clock and reset."""
    from chipdse.blocks.components import component_ports
    from chipdse.blocks.own import OwnBlock
    from chipdse.blocks.ports import rtl_ports
    from chipdse.hardware.elaborate import elaborate
    from chipdse.store.store import Store, default_store

    if isinstance(block, OwnBlock) and block.verilog is not None:
        rtl = elaborate(block, parameters, Store(root=default_store()))
        excluded = (rtl.clock, rtl.reset)
        return [port for port in rtl_ports(rtl.rtlil, rtl.top) if port.name not in excluded]
    try:
        return component_ports(lambda: block.hardware(parameters))
    except (ValueError, TypeError) as error:
        raise DesignError(f"{block.name} refuses its parameters: {error}") from error


def _print_briefly(description: dict[str, Any]) -> None:
    print(f"{description['name']}: {description['summary']}")
    names = ", ".join(
        f"{parameter['name']}={_value(parameter)}" for parameter in description["parameters"]
    )
    print(f"    {names}\n")


def _print_in_full(description: dict[str, Any]) -> None:
    print(f"{description['name']}: {description['summary']}")
    if description["description"]:
        print(f"\n{description['description']}")
    for title in ("parameters", "workload"):
        print(f"\n  {title}")
        for entry in description[title]:
            print(f"    {entry['name']} = {_value(entry)}  {entry['doc']}{_range(entry)}")
    if "incomplete" in description:
        print(f"\n  ports, latency, throughput: {description['incomplete']}")
        return
    print(f"\n  at {', '.join(f'{name}={value}' for name, value in description['at'].items())}")
    for entry in description["derived"]:
        print(f"    {entry['name']} = {entry['value']}  {entry['doc']}")
    print(
        f"    work: {description['work_per_run']} {description['work_unit']} in about "
        f"{description['cycles_per_run']} cycles of the default workload, "
        f"{description['work_per_cycle']:.4g} per cycle"
    )
    print(
        f"    data: {description['input_bits_per_work']:.4g} bits in and "
        f"{description['output_bits_per_work']:.4g} bits out for one {description['work_unit']}"
    )
    print("    ports (and the clock and reset)")
    for port in description["ports"]:
        print(f"      {port['name']} : {port['direction']}({port['bits']})")
    checked = "compares every run with a reference" if description["checked"] else "checks nothing"
    print(f"\n  bench: {description['bench']}, {checked}")


def _value(parameter: dict[str, Any]) -> str:
    return "(required)" if parameter["required"] else str(parameter["default"])


def _range(parameter: dict[str, Any]) -> str:
    if parameter["choices"] is not None:
        return f" [{', '.join(map(str, parameter['choices']))}]"
    bounds = [parameter["minimum"], parameter["maximum"]]
    if bounds == [None, None]:
        return ""
    low, high = (_bound(bound) for bound in bounds)
    return f" [{low}..{high}]"


def _bound(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
