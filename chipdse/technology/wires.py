"""Which process a cell library is made for, and what wires cost there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chipdse.technology.constants import Sources

# Cells of a library carry its process in their names; these are the published libraries' own.
_CELLS = {
    "sky130": r"sky130_fd_sc_\w+__",
    "ihp-sg13g2": r"sg13g2_",
    "gf180": r"gf180mcu_",
    "asap7": r"\w+_ASAP7_75t_\w+",
    "gt2n": r"gt2_6t_",
    "nangate45": r"(INV|BUF|NAND2|DFF)_X\d+$",
}


@dataclass(frozen=True, kw_only=True)
class WireData:
    """Wires of a process.

    pin_ohm : the vias between a pin and its wire
    """

    process: str
    signal_f_per_m: float
    signal_ohm_per_m: float
    pin_ohm: float
    clock_f_per_m: float


def process_of(cell_names: Iterable[str]) -> str | None:
    """The process of a library, by the names of its cells; None if it is none of those known."""
    names = list(cell_names)
    for process, pattern in _CELLS.items():
        if any(re.match(pattern, name) for name in names):
            return process
    return None


def wire_data(cell_names: Iterable[str], sources: Sources) -> WireData | None:
    """Wire constants of the process a library is made for; None where none are known."""
    process = process_of(cell_names)
    if process is None:
        return None
    return WireData(
        process=process,
        signal_f_per_m=sources(f"wires.signal_capacitance.{process}"),
        signal_ohm_per_m=sources(f"wires.signal_resistance.{process}"),
        pin_ohm=sources(f"wires.pin_resistance.{process}"),
        clock_f_per_m=sources(f"wires.clock_capacitance.{process}"),
    )


def routed_over_placed(process: str | None, sources: Sources) -> float:
    """Routed wire length over that of chipdse's placement; of "other" where none is known."""
    known = f"wires.routed_over_placed.{process}"
    return sources(known if sources.has(known) else "wires.routed_over_placed.other")
