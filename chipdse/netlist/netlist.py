"""A mapped netlist as arrays: the cell of each instance, and the net at each of its pins."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from chipdse.arrays import Bools, Int32s
from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell

if TYPE_CHECKING:
    from chipdse.netlist.library.library import CellLibrary

CONSTANT_0 = 0
CONSTANT_1 = 1
UNCONNECTED = -1


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the top module; `nets` has its least significant bit first.

    `indices` are the declared bit numbers in the same order; None for a scalar.
    """

    name: str
    direction: str
    nets: tuple[int, ...]
    indices: tuple[int, ...] | None = None

    def bit_names(self) -> list[str]:
        """Names of its bits, least significant first, as ``acc[3]``; a scalar keeps its name."""
        if self.indices is None:
            return [self.name]
        return [f"{self.name}[{bit}]" for bit in self.indices]


@dataclass(frozen=True, kw_only=True, eq=False)
class Netlist:
    """Instances of library cells and the nets between them.

    A cell's pins lie at ``pin_start[i]:pin_start[i + 1]`` of `pin_net`, in the library cell's
    pin order. Net 0 is constant 0, net 1 constant 1; an unconnected pin has net -1.

    Parameters
    ----------
    cell_types : position of each instance's cell in ``library.cells``
    net_names : one name per net; hierarchy and bits as in ``a.b.count[3]``
    nets_by_name : every name a net has, aliases made by `assign` included
    odd_ranges : declared ranges of vectors, by name, that are not ``[n:0]``
    notes : what was left out of timing and power while the file was read, as sentences
    """

    top: str
    library: CellLibrary
    cell_names: list[str]
    cell_types: Int32s
    net_names: list[str]
    pin_start: Int32s
    pin_net: Int32s
    ports: tuple[Port, ...]
    nets_by_name: dict[str, int] = field(default_factory=dict)
    odd_ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.pin_start) != len(self.cell_names) + 1 or len(self.cell_types) != len(
            self.cell_names
        ):
            raise DesignError("a netlist needs one type and one pin range for each instance")
        if len(self.pin_net) and not -1 <= int(self.pin_net.min()) <= int(self.pin_net.max()) < len(
            self.net_names
        ):
            raise DesignError("a pin's net must be -1 or the number of a net")

    @property
    def cell_count(self) -> int:
        """Number of instances."""
        return len(self.cell_names)

    @property
    def net_count(self) -> int:
        """Number of nets, the two constants included."""
        return len(self.net_names)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The library's cells, which `cell_types` points into."""
        return self.library.cells

    @cached_property
    def used_types(self) -> Int32s:
        """Library positions of the cells that occur, ascending."""
        return np.unique(self.cell_types).astype(np.int32)

    @cached_property
    def instances_of(self) -> dict[int, Int32s]:
        """Instances of each occurring cell, by library position, in netlist order."""
        order = np.argsort(self.cell_types, kind="stable").astype(np.int32)
        bounds = np.searchsorted(self.cell_types[order], self.used_types)
        parts = np.split(order, bounds[1:]) if len(bounds) else []
        return {int(kind): part for kind, part in zip(self.used_types, parts, strict=True)}

    def pins_of_type(self, kind: int) -> Int32s:
        """Nets of all instances of a cell: one row per instance, one column per pin."""
        starts = self.pin_start[self.instances_of[kind]]
        width = len(self.cells[kind].pins)
        nets: Int32s = self.pin_net[starts[:, None] + np.arange(width)[None, :]]
        return nets

    @cached_property
    def pin_cell(self) -> Int32s:
        """The instance each pin belongs to."""
        counts = np.diff(self.pin_start)
        return np.repeat(np.arange(self.cell_count, dtype=np.int32), counts)

    @cached_property
    def pin_is_driver(self) -> Bools:
        """Whether each pin is an output (inouts are not)."""
        return self._per_pin("output")

    @cached_property
    def pin_is_load(self) -> Bools:
        """Whether each pin is an input (inouts are not)."""
        return self._per_pin("input")

    def _per_pin(self, direction: str) -> Bools:
        result = np.zeros(len(self.pin_net), dtype=bool)
        for kind, instances in self.instances_of.items():
            starts = self.pin_start[instances]
            for position, pin in enumerate(self.cells[kind].pins):
                if pin.direction == direction:
                    result[starts + position] = True
        return result

    @cached_property
    def net_driver_pin(self) -> Int32s:
        """The output pin that drives each net; -1 for ports, constants and undriven nets."""
        driver = np.full(self.net_count, -1, dtype=np.int32)
        pins = np.flatnonzero(self.pin_is_driver & (self.pin_net >= 0))
        driver[self.pin_net[pins]] = pins
        return driver

    @cached_property
    def port_of(self) -> dict[str, Port]:
        """Ports by name."""
        return {port.name: port for port in self.ports}

    @cached_property
    def input_nets(self) -> Int32s:
        """Nets driven by input ports, in port order."""
        nets = [net for port in self.ports if port.direction == "input" for net in port.nets]
        return np.array(nets, dtype=np.int32)

    @cached_property
    def output_nets(self) -> Int32s:
        """Nets read by output ports, in port order."""
        nets = [net for port in self.ports if port.direction == "output" for net in port.nets]
        return np.array(nets, dtype=np.int32)

    @property
    def area_m2(self) -> float:
        """Sum of the cells' areas [m²]."""
        areas = np.array([cell.area_m2 for cell in self.cells])
        return float(areas[self.cell_types].sum())

    def pin_name(self, pin: int) -> str:
        """The name of a pin in messages: ``instance/PIN``."""
        instance = int(self.pin_cell[pin])
        position = int(pin - self.pin_start[instance])
        cell = self.cells[self.cell_types[instance]]
        return f"{self.cell_names[instance]}/{cell.pins[position].name}"
