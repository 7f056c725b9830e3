"""Which bit of which register of the RTL each flip-flop of a mapped netlist holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.hardware.registers import Signal
from chipdse.netlist.activity.recording import RegisterBit


def find_register_bits(mapped: Path, top: str, signals: Sequence[Signal]) -> dict[str, RegisterBit]:
    """Find the RTL name of each flip-flop's output, directly or through one inverter."""
    module: dict[str, Any] = json.loads(mapped.read_text())["modules"][top]
    known = {s.name: s for s in signals if s.kind not in ("input", "output")}
    known |= {s.name: s for s in signals if s.kind == "output"}
    names: dict[Any, tuple[str, int]] = {}
    for name, wire in module["netnames"].items():
        signal = known.get(name)
        if signal is None:
            continue
        # Upper bits that nobody reads are cut off (wreduce); the replay checks what is left.
        if len(wire["bits"]) > signal.width:
            raise DesignError(
                f"register {name!r} is {signal.width} bits in the RTL and {len(wire['bits'])} "
                "after synthesis; its encoding changed"
            )
        for bit, net in enumerate(wire["bits"]):
            if net not in names or signal.kind != "output":
                names[net] = (name, bit)
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
