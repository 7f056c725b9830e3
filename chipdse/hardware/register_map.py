"""Which bit of which register of the RTL each flip-flop of a mapped netlist holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.hardware.registers import Signal
from chipdse.hardware.shared_modules import SharedModules, instances_of_units, source_name
from chipdse.netlist.activity.recording import RegisterBit


def find_register_bits(mapped: Path, top: str, signals: Sequence[Signal]) -> dict[str, RegisterBit]:
    """Find the RTL name of each flip-flop's output, directly or through one inverter.

    Parameters
    ----------
    mapped : the flat design as Yosys's `write_json` wrote it, its flip-flops called `ff_`
    """
    module: dict[str, Any] = json.loads(mapped.read_text())["modules"][top]
    return _bits_of(module, _states(signals).get)


def find_shared_register_bits(
    mapped: Path, shared: SharedModules, signals: Sequence[Signal]
) -> dict[str, RegisterBit]:
    """As `find_register_bits`, of a design whose units are flattened into it afterwards.

    A copy of a unit has the unit's flip-flops, but its own registers' names.
    """
    modules: dict[str, Any] = json.loads(mapped.read_text())["modules"]
    states = _states(signals)
    bits: dict[str, RegisterBit] = {}
    for path, module, unit in instances_of_units(shared):
        prefix = "".join(f"{name}." for name in path)

        def signal_of(
            wire: str, prefix: str = prefix, module: str = module, unit: str = unit
        ) -> Signal | None:
            own = wire if module == unit else source_name(shared, module, unit, wire)
            return states.get(prefix + own)

        found = _bits_of(modules[unit.removeprefix("\\")], signal_of)
        bits |= {prefix + cell: bit for cell, bit in found.items()}
    return bits


def _states(signals: Sequence[Signal]) -> dict[str, Signal]:
    known = {s.name: s for s in signals if s.kind not in ("input", "output")}
    return known | {s.name: s for s in signals if s.kind == "output"}


def _bits_of(
    module: Mapping[str, Any], signal_of: Callable[[str], Signal | None]
) -> dict[str, RegisterBit]:
    """The register bit of each flip-flop of one module, by the signals that its wires are."""
    names: dict[Any, tuple[str, int]] = {}
    for name, wire in module["netnames"].items():
        signal = signal_of(name)
        if signal is None:
            continue
        # Upper bits that nobody reads are cut off (wreduce); the replay checks what is left.
        if len(wire["bits"]) > signal.width:
            raise DesignError(
                f"register {signal.name!r} is {signal.width} bits in the RTL and "
                f"{len(wire['bits'])} after synthesis; its encoding changed"
            )
        for bit, net in enumerate(wire["bits"]):
            if net not in names or signal.kind != "output":
                names[net] = (signal.name, bit)
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
