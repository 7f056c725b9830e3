"""Cells of a layout that no library describes: taps, fill, decoupling. They touch supplies only."""

from __future__ import annotations

import difflib
import re
from collections import Counter

import numpy as np

from chipdse.arrays import Int32s
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.syntax import VerilogFile

_SUPPLY = re.compile(
    r"(?:[ad]?v(?:dd|ss|cc|ee|pwr|gnd|pb|nb|nw|pw|bb)|[ad]?gnd)[a-z0-9_]*[!]?"
    r"|pwr|power|ground|nwell|pwell|substrate|bulk",
    re.IGNORECASE,
)
_MOST_KINDS = 8
# Of an instance: its kind, and the nets of each pin.
Connected = tuple[str, tuple[tuple[str, tuple[int, ...]], ...]]


def is_supply_name(name: str) -> bool:
    """Whether a pin or net is called as supplies and wells are, e.g. VDD, VGND, VNB."""
    return _SUPPLY.fullmatch(name) is not None


class SupplyCells:
    """Instances without a library cell, kept until it is known which nets are supplies."""

    def __init__(self, file: VerilogFile, library: CellLibrary) -> None:
        self.file = file
        self.library = library
        self.counts: Counter[str] = Counter()
        self._doubtful: dict[Connected, tuple[str, int]] = {}  # the first such: name, where
        self._pins = {pin for cell in library.cells for pin in cell.supply_pins}

    def add(
        self, kind: str, name: str, nets_of: list[tuple[str, tuple[int, ...]]], offset: int
    ) -> None:
        """One instance: the nets of its pins; `UNCONNECTED` or none where a pin is left open."""
        self.counts[kind] += 1
        self._doubtful.setdefault((kind, tuple(nets_of)), (name, offset))

    def check(self, netlist: Netlist, number: Int32s, supply_nets: set[int]) -> None:
        """Refuse an instance with a signal pin.

        Parameters
        ----------
        number : the netlist's number of each net as `add` knows it
        supply_nets : nets on supply pins of library cells, as `add` knows nets

        Raises
        ------
        DesignError : names the instance, its kind and the pin
        """
        supplies = {int(number[net]) for net in supply_nets if net >= 0}
        driven = np.zeros(netlist.net_count, dtype=bool)
        signal = np.zeros(netlist.net_count, dtype=bool)
        pins = netlist.pin_net
        driven[pins[netlist.pin_is_driver & (pins >= 0)]] = True
        signal[pins[pins >= 0]] = True

        def may_supply(net: int) -> bool:
            """Whether a net on a pin with a supply's name is no signal of the netlist."""
            is_known = net in supplies or is_supply_name(netlist.net_names[net].rpartition(".")[2])
            return not driven[net] and (is_known or not signal[net])

        for (kind, nets_of), (name, offset) in self._doubtful.items():
            for pin, nets in nets_of:
                numbers = [int(number[net]) for net in nets if net >= 0]
                named = is_supply_name(pin) or pin in self._pins
                if not pin:  # by position: the name of the net has to serve
                    names = [netlist.net_names[net].rpartition(".")[2] for net in numbers]
                    named = bool(names) and all(map(is_supply_name, names))
                is_supply = (
                    all(map(may_supply, numbers))
                    if named
                    else bool(numbers)
                    and all(net in supplies and not signal[net] for net in numbers)
                )
                if not is_supply:
                    self._refuse(kind, name, pin, offset)

    def _refuse(self, kind: str, name: str, pin: str, offset: int) -> None:
        near = difflib.get_close_matches(kind, self.library.index, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        where = f" its pin {pin!r} is a signal" if pin else " it has a signal pin"
        self.file.fail(
            f"instance {name!r} is of {kind!r}, which is neither a cell of library "
            f"{self.library.name} nor a module of this file, and{where}{hint}",
            offset,
        )

    def notes(self) -> tuple[str, ...]:
        """What to report of the cells that were left out; empty when there are none."""
        if not self.counts:
            return ()
        kinds = [f"{count} {kind}" for kind, count in sorted(self.counts.items())]
        if len(kinds) > _MOST_KINDS:
            kinds[_MOST_KINDS:] = [f"{len(kinds) - _MOST_KINDS} more kinds"]
        total = self.counts.total()
        which = "1 instance touches" if total == 1 else f"{total} instances touch"
        return (
            f"{which} only supplies and no library has the cell; left out of timing and power: "
            + ", ".join(kinds),
        )
