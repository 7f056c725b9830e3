"""Which module of the RTL each cell belongs to, and the power of each.

Synthesis flattens the hierarchy, but names survive: registers drive nets called ``a.b.count[3]``.
Logic between them has lost its module and is given to the module of what it feeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int32s
from chipdse.netlist.power.power import Power
from chipdse.netlist.timing.graph import TimingGraph

METHOD = (
    "registers by the name of their output; other cells by their own name, else by the module "
    "that most of the cells they feed belong to"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Modules:
    """Module of every cell: `names` are paths with dots, the top module is empty."""

    names: tuple[str, ...]
    of_cell: Int32s
    method: str = METHOD

    def power(self, power: Power) -> dict[str, dict[str, Floats]]:
        """Internal, switching and leakage power [K] of each module's own cells."""
        return {
            name: {
                kind: getattr(power, kind)[:, self.of_cell == number].sum(axis=1)
                for kind in ("internal_w", "switching_w", "leakage_w")
            }
            for number, name in enumerate(self.names)
        }

    def at_depth(self, depth: int) -> Modules:
        """The same with everything below `depth` counted to its ancestor there."""
        short = [".".join(name.split(".")[:depth]) for name in self.names]
        names = sorted(set(short))
        number = np.array([names.index(name) for name in short], dtype=np.int32)
        return Modules(names=tuple(names), of_cell=number[self.of_cell], method=self.method)


def assign_modules(graph: TimingGraph) -> Modules:
    """Give every cell to a module of the RTL; see `METHOD`."""
    netlist = graph.netlist
    numbers: dict[str, int] = {"": 0}

    def number(name: str) -> int:
        path = name.rsplit(".", 1)[0] if "." in name else ""
        return numbers.setdefault(path, len(numbers))

    of_cell = np.full(netlist.cell_count, -1, dtype=np.int32)
    level = np.zeros(netlist.cell_count, dtype=np.int32)
    for kind, instances in netlist.instances_of.items():
        cell = netlist.cells[kind]
        outputs = list(cell.outputs)
        nets = netlist.pins_of_type(kind)[:, outputs] if outputs else None
        if nets is not None:
            level[instances] = np.where(nets >= 0, graph.net_level[nets], 0).max(axis=1)
        for row, instance in enumerate(instances.tolist()):
            name = netlist.cell_names[instance]
            if "." in name:
                of_cell[instance] = number(name)
            elif nets is not None and (cell.sequential is not None or cell.is_macro):
                driven = [netlist.net_names[net] for net in nets[row].tolist() if net >= 0]
                public = [net_name for net_name in driven if "." in net_name] or driven or [name]
                of_cell[instance] = number(public[0])
    _by_readers(graph, of_cell, level, len(numbers))
    names = sorted(numbers)
    place = np.array([names.index(module) for module in numbers], dtype=np.int32)
    return Modules(names=tuple(names), of_cell=place[of_cell])


def _by_readers(graph: TimingGraph, of_cell: Int32s, level: Int32s, modules: int) -> None:
    """Fill in the cells still at -1, those that feed registers first."""
    netlist = graph.netlist
    loads = np.flatnonzero(netlist.pin_is_load & (netlist.pin_net >= 0))
    driver = netlist.net_driver_pin[netlist.pin_net[loads]]
    loads, driver = loads[driver >= 0], driver[driver >= 0]
    giver, reader = netlist.pin_cell[driver], netlist.pin_cell[loads]
    wanted = of_cell[giver] < 0
    giver, reader = giver[wanted], reader[wanted]
    order = np.argsort(-level[giver].astype(np.int64), kind="stable")
    giver, reader = giver[order], reader[order]
    bounds = np.flatnonzero(np.diff(level[giver], prepend=-1, append=-1))
    for first, last in zip(bounds[:-1], bounds[1:], strict=True):
        cells, module = giver[first:last].astype(np.int64), of_cell[reader[first:last]]
        cells, module = cells[module >= 0], module[module >= 0]
        votes, count = np.unique(cells * modules + module, return_counts=True)
        # Most votes win; among equals the module met first.
        best = np.lexsort((votes % modules, -count, votes // modules))
        cell = votes[best] // modules
        winner = np.flatnonzero(np.diff(cell, prepend=-1))
        of_cell[cell[winner]] = votes[best][winner] % modules
    of_cell[of_cell < 0] = 0
