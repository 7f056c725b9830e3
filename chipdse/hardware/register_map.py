"""Which bit of which register of the RTL each flip-flop of a mapped netlist holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.hardware.registers import Signal
from chipdse.hardware.shared.shared_modules import SharedModules, instances_of_units
from chipdse.hardware.shared.unit_texts import wire_name, wire_places
from chipdse.netlist.activity.recording import RegisterBit

Lanes = Mapping[str, Sequence[Sequence[int]]]
"""By name of a memory, the bits that each pass removed, counted without those removed before."""


def find_register_bits(
    mapped: Path, top: str, signals: Sequence[Signal], lanes: Lanes
) -> dict[str, RegisterBit]:
    """Find the RTL name of each flip-flop's output, directly or through one inverter.

    Parameters
    ----------
    mapped : the flat design as Yosys's `write_json` wrote it, its flip-flops called `ff_`
    lanes : as `removed_lanes` finds them
    """
    module: dict[str, Any] = json.loads(mapped.read_text())["modules"][top]
    return _bits_of(module, _states(signals).get, lanes)


def removed_lanes(log: str, module: str) -> dict[str, list[list[int]]]:
    """The constant bits of a module's memories that Yosys's `opt_mem` removed, by its log.

    The words of such a memory become narrower, also in the middle.
    """
    return lanes_by_module(log, (module,)).get(module, {})


def lanes_by_module(log: str, modules: Collection[str]) -> dict[str, dict[str, list[list[int]]]]:
    """As `removed_lanes`, of each of several modules that lost bits."""
    removed: dict[str, dict[str, list[list[int]]]] = {}
    for part in log.split("Executing OPT_MEM pass")[1:]:
        in_part: dict[tuple[str, str], list[int]] = {}
        for name, lane in _REMOVED.findall(part):
            at = next((at for at in _dots_from_the_right(name) if name[:at] in modules), None)
            if at is not None:
                in_part.setdefault((name[:at], name[at + 1 :]), []).append(int(lane))
        for (module, memory), bits in in_part.items():
            removed.setdefault(module, {}).setdefault(memory, []).append(bits)
    return removed


def _dots_from_the_right(name: str) -> Iterator[int]:
    return (at for at in range(len(name) - 1, 0, -1) if name[at] == ".")


_REMOVED = re.compile(r"^(\S+): removing const-\S lane (\d+)$", re.MULTILINE)


def _source_bit(bit: int, removed: Sequence[Sequence[int]]) -> int:
    """The bit of a memory's word in the source, by that after passes that removed some."""
    for lanes in reversed(removed):
        for lane in sorted(lanes):
            bit += lane <= bit
    return bit


def find_shared_register_bits(
    mapped: Mapping[str, Path],
    shared: SharedModules,
    signals: Sequence[Signal],
    removed: Mapping[str, Lanes],
) -> dict[str, RegisterBit]:
    """As `find_register_bits`, of a design whose units are flattened into it afterwards.

    A copy of a unit has the unit's flip-flops, but its own registers' names.

    Parameters
    ----------
    mapped : of the top module and of each unit, its content in the file of `map_module`
    removed : of each module, the bits of its memories that were removed before it was mapped, as
        `lanes_by_module` finds them; they can differ between two copies
    """
    states = _states(signals)
    modules = {unit: _near_flip_flops(json.loads(f.read_text())) for unit, f in mapped.items()}
    places = {unit: wire_places(shared, unit) for unit in mapped if unit != shared.top}
    bits: dict[str, RegisterBit] = {}
    for path, module, unit in instances_of_units(shared):
        prefix = "".join(f"{name}." for name in path)

        def signal_of(
            wire: str, prefix: str = prefix, module: str = module, unit: str = unit
        ) -> Signal | None:
            at = places[unit].get(wire) if unit in places else None
            return states.get(prefix + (wire if at is None else wire_name(shared, module, at)))

        lanes = dict(_lanes_below(shared, module, removed)) if removed else {}
        for memory, passes in modules[unit]["lanes"].items():
            lanes[memory] = [*lanes.get(memory, ()), *passes]
        of_copy = _bits_of(modules[unit], signal_of, lanes)
        bits |= {prefix + cell: bit for cell, bit in of_copy.items()}
    return bits


def _lanes_below(
    shared: SharedModules, module: str, removed: Mapping[str, Lanes]
) -> Iterator[tuple[str, Sequence[Sequence[int]]]]:
    """The removed bits of the memories of a module and of those that are flattened into it."""
    yield from removed.get(module.removeprefix("\\"), {}).items()
    for instance, kind in shared.modules[module].instances:
        if shared.unit_of(kind) is None:
            name = instance.removeprefix("\\")
            for memory, passes in _lanes_below(shared, kind, removed):
                yield f"{name}.{memory}", passes


def _near_flip_flops(module: dict[str, Any]) -> dict[str, Any]:
    """The flip-flops of a module, inverters behind them, and the wires of both."""
    cells = module["cells"]
    flip_flops = {n: c for n, c in cells.items() if n.startswith("ff_") and "Q" in c["connections"]}
    outputs = {cell["connections"]["Q"][0] for cell in flip_flops.values()}
    inverters = {
        name: cell
        for name, cell in cells.items()
        if cell["type"] == "$_NOT_" and cell["connections"]["A"][0] in outputs
    }
    outputs |= {cell["connections"]["Y"][0] for cell in inverters.values()}
    wires = {n: w for n, w in module["netnames"].items() if not outputs.isdisjoint(w["bits"])}
    return {"netnames": wires, "cells": flip_flops | inverters, "lanes": module["lanes"]}


def _states(signals: Sequence[Signal]) -> dict[str, Signal]:
    known = {s.name: s for s in signals if s.kind not in ("input", "output")}
    return known | {s.name: s for s in signals if s.kind == "output"}


def _bits_of(
    module: Mapping[str, Any], signal_of: Callable[[str], Signal | None], lanes: Lanes
) -> dict[str, RegisterBit]:
    """The register bit of each flip-flop of one module, by the signals that its wires are."""
    names: dict[Any, tuple[str, int]] = {}
    for name, wire in module["netnames"].items():
        signal = signal_of(name)
        if signal is None:
            continue
        # Unused upper bits are removed (wreduce); the replay checks the remaining ones.
        if len(wire["bits"]) > signal.width:
            raise DesignError(
                f"register {signal.name!r} is {signal.width} bits in the RTL and "
                f"{len(wire['bits'])} after synthesis; its encoding changed"
            )
        removed = () if signal.word is None else lanes.get(name.rpartition("[")[0], ())
        for bit, net in enumerate(wire["bits"]):
            if net not in names or signal.kind != "output":
                names[net] = (signal.name, _source_bit(bit, removed))
    inverse = {
        cell["connections"]["A"][0]: cell["connections"]["Y"][0]
        for cell in module["cells"].values()
        if cell["type"] == "$_NOT_" and cell["connections"]["Y"][0] in names
    }
    bits = {}
    for cell_name, cell in module["cells"].items():
        if not cell_name.startswith("ff_") or "Q" not in cell["connections"]:
            continue
        net = cell["connections"]["Q"][0]
        inverted = net not in names
        register_bit = names.get(inverse.get(net) if inverted else net)
        if register_bit is not None:
            bits[cell_name] = RegisterBit(
                signal=register_bit[0], bit=register_bit[1], inverted=inverted
            )
    return bits


def write_register_map(path: Path, bits: Mapping[str, RegisterBit]) -> None:
    """As `chipdse.netlist.activity.recording.read_register_map` reads it."""
    cells = {cell: (bit.signal, bit.bit, bit.inverted) for cell, bit in bits.items()}
    path.write_text(json.dumps({"cells": cells}))
