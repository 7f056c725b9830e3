"""One chip of measured parts on its application: its layers, its limits, and its supplies."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.application.choices import task_of
from chipdse.application.compose import ChipChoices, ChipTable, compose_chosen, die_links
from chipdse.application.dies import DieLinks, DieSetting, LayerLinks, OnePackage, Packaging
from chipdse.application.files.chip_file import Application, Memories
from chipdse.application.measured import MeasuredPart, PartPoint, carrier_of
from chipdse.application.memories import Buffer, Dram
from chipdse.application.parts import Chip, chip_columns, measured_part
from chipdse.application.rows import mapped_rows
from chipdse.arrays import Floats, Int64s
from chipdse.metrics import timing_violation
from chipdse.system.parameters import PackageParameters
from chipdse.technology.constants import Sources


@dataclass(frozen=True, kw_only=True)
class Roofs:
    """What each resource of a chip allows at most; infinite where it does not limit.

    macs_per_s : of all copies of the array, each multiplier busy in each cycle
    """

    macs_per_s: float
    sram_bits_per_s: float
    dram_bits_per_s: float
    link_bits_per_s: float


@dataclass(frozen=True, kw_only=True, eq=False)
class OverSupply:
    """A chip at each supply at which one of its parts was measured, lowest first.

    part : whose supply changes; the other parts keep theirs
    energies_j : per task by level, as `ChipTable.energies_j`
    """

    part: str
    vdd_v: Floats
    latency_s: Floats
    energies_j: dict[str, Floats]


@dataclass(frozen=True, kw_only=True, eq=False)
class OneChip:
    """A chip: points of its parts, copies, memories, application and package.

    parts : with all their known points
    point, count : of each part by its name, the index of the chip's point and the copies
    node_nm : process of the die, where there is one
    sources : the constants that evaluations of it use
    dies : of a chip with named dies
    """

    parts: tuple[MeasuredPart, ...]
    point: Mapping[str, int]
    count: Mapping[str, int]
    buffer: Buffer | None
    outer: Dram | None
    application: Application
    memories: Memories
    package: PackageParameters
    node_nm: float
    sources: Sources
    dies: DieSetting | None = None

    def point_of(self, part: MeasuredPart) -> PartPoint:
        """The point of a part that this chip has."""
        return part.points[self.point[part.name]]

    @property
    def mapped(self) -> Chip:
        """The part that carries the network, with the memories.

        Raises
        ------
        DesignError : no part, or several, have a contract
        """
        part, dram = carrier_of(self.parts), self.memories.dram
        point = self.point_of(part)
        assert point.contract is not None
        return Chip(
            part=measured_part(part.name, point.contract, point.metrics, self.count[part.name]),
            buffer=self.buffer,
            outer=self.outer,
            output_bits=self.application.output_bits,
            link_bits_per_s=math.inf if dram is None else dram.link_bits_per_s,
            link_j_per_bit=0.0 if dram is None else dram.link_j_per_bit,
        )

    def layers(self) -> list[dict[str, Any]]:
        """The layers of the network, as `chipdse map` has them; empty without a network.

        Raises
        ------
        DesignError : a layer does not fit into the buffer
        """
        network = self.application.network
        if network is None:
            return []
        batched = dataclasses.replace(network, layers=self.application.layers)
        links = self.links()
        rows: list[dict[str, Any]] = mapped_rows(
            batched, self.mapped, None if links is None else LayerLinks.of(links)
        )["layers"]
        return rows

    def standard_error_j(self) -> float:
        """Of the energy per task, from the tiles that were drawn of layers; 0 where every tile was
        measured, or the energy per MAC is constant."""
        if self.application.network is None:
            return 0.0
        errors = self.mapped.part.layer_error_j
        layers = self.application.layers
        of_layers = [layer.macs * error for layer, error in zip(layers, errors, strict=False)]
        return math.sqrt(sum(error * error for error in of_layers))

    def links(self) -> DieLinks | None:
        """The links between its dies; None where it has one die that is not named."""
        part = self.parts[0]
        choices = self._choices(part, np.array([self.point[part.name]]))
        return die_links(self._packaging(1), self.parts, (self.buffer,), choices)

    def roofs(self) -> Roofs:
        """Upper limits of the network's speed: what a roofline is drawn from."""
        chip = self.mapped
        columns, contract = chip_columns([chip]), chip.part.contract
        links = self.links()
        outer_s = 0.0 if links is None else float(links.of("dram").s_per_bit.max(initial=0.0))
        multipliers = contract.rows * contract.columns * chip.part.copies
        return Roofs(
            macs_per_s=multipliers * chip.part.clock_hz,
            sram_bits_per_s=float(columns.buffer_bits_per_s[0]),
            dram_bits_per_s=float(columns.outer_bits_per_s[0]),
            link_bits_per_s=min(
                float(columns.link_bits_per_s[0]), 1 / outer_s if outer_s > 0 else math.inf
            ),
        )

    def task(self) -> ChipTable:
        """One task on this chip, as a table of one row."""
        part = self.parts[0]
        return self._with_points(part, np.array([self.point[part.name]]))

    def over_supply(self) -> OverSupply:
        """The chip at each measured supply of the part that carries the network.

        Without a network it is the part with the most supplies. A point belongs to the chip if
        nothing but its supply differs, and its clock meets timing.
        """
        if self.application.network is not None:
            part = carrier_of(self.parts)
        else:
            part = max(self.parts, key=lambda part: len(self.alike(part)))
        alike = self.alike(part)
        table = self._with_points(part, np.array(alike))
        runs = np.isfinite(table.latency_s)
        return OverSupply(
            part=part.name,
            vdd_v=part.metric("vdd_v")[alike][runs],
            latency_s=table.latency_s[runs],
            energies_j={level: joules[runs] for level, joules in table.energies_j.items()},
        )

    def alike(self, part: MeasuredPart) -> list[int]:
        """Places of a part's points that differ from the chip's in their supply at most.

        Points that miss their clock are left out; the lowest supply is first.
        """

        def but_supply(point: PartPoint) -> dict[str, Any]:
            return {name: value for name, value in point.settings.items() if name != "vdd_v"}

        wanted = but_supply(self.point_of(part))
        late = timing_violation(part.metric("timing_slack_s"), part.metric("critical_path_s")) > 0
        alike = [
            place
            for place, point in enumerate(part.points)
            if but_supply(point) == wanted and not late[place]
        ]
        return sorted(alike, key=lambda place: part.points[place].metrics["vdd_v"])

    def _with_points(self, part: MeasuredPart, points: Int64s) -> ChipTable:
        """The chip with other points of one part, one row each."""
        task = task_of(self.application, self.memories)
        return compose_chosen(
            self.parts,
            (self.buffer,),
            (self.outer,),
            task,
            self._choices(part, points),
            self._packaging(len(points)),
        )

    def _choices(self, part: MeasuredPart, points: Int64s) -> ChipChoices:
        same = np.zeros(len(points), np.int64)
        return ChipChoices(
            point={name: same + place for name, place in self.point.items()} | {part.name: points},
            count={name: same + count for name, count in self.count.items()},
            buffer=same,
            outer=same,
        )

    def _packaging(self, rows: int) -> Packaging | None:
        if self.dies is None:
            return None
        package = OnePackage(setting=self.dies, package=self.package, sources=self.sources)
        return package.of(rows)
