"""Dies of many chips as arrays: their areas, the links between them, and what a bit costs there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.application.files.dies import DieFlow, Layout
from chipdse.arrays import Floats
from chipdse.system.arrays.columns import Dies, PackageColumns
from chipdse.system.arrays.dies import interface_area
from chipdse.system.arrays.flows import Flows, crossings
from chipdse.system.arrays.links import capacity_of, check_links, energy_per_bit
from chipdse.system.parameters import STACKS, PackageParameters
from chipdse.technology.constants import Sources


@dataclass(frozen=True, kw_only=True, eq=False)
class DieSetting:
    """What is the same in all chips of a file with named dies.

    flows : what crosses links
    carrier : the part on which the network runs; None without a network
    buffer : name of the buffer; empty where there is none
    node_nm : process of each kind of die
    moved : whether the file states another process than that of the measured parts
    """

    layout: Layout
    flows: tuple[DieFlow, ...]
    carrier: str | None
    buffer: str
    node_nm: tuple[float, ...]
    moved: tuple[bool, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the kinds of dies."""
        return tuple(die.name for die in self.layout.dies)

    def dies(self, area_m2: Floats, packages: PackageColumns, sources: Sources) -> Dies:
        """The dies of chips, without power.

        Parameters
        ----------
        area_m2 : of parts and memories of one die [chips x kinds]
        packages : of each chip
        """
        chips, shape = len(area_m2), area_m2.shape
        computes = np.ones(shape, dtype=np.bool_)
        of_die = area_m2 + np.array([die.other_area_m2 for die in self.layout.dies])
        logic = of_die + of_die * packages["die_overhead_frac"][:, None]
        count = np.tile([float(die.count) for die in self.layout.dies], (chips, 1))
        extra, modules = interface_area(logic, count.sum(axis=1) > 1, packages, sources)
        unknown = np.full(shape, np.nan)
        return Dies(
            names=self.names,
            area_m2=logic + extra,
            logic_m2=logic,
            unique_m2=logic,
            count=count,
            node_nm=np.tile(self.node_nm, (chips, 1)),
            is_designed=computes,
            memory=~computes,
            modules=modules,
            dynamic_w=np.zeros(shape),
            static_w=np.zeros(shape),
            price_usd=unknown,
            carbon_kg=unknown,
        )

    def by_die(self, amounts: Mapping[str, Floats], chips: int) -> dict[str, Floats]:
        """Sums over all that lies on one die of each kind, by the name of the die.

        Parameters
        ----------
        amounts : of all copies of each part and of the buffer, by name
        """
        sums = {name: np.zeros(chips) for name in self.names}
        for name, amount in amounts.items():
            die = self.layout.dies[self.layout.place(name)]
            sums[die.name] = sums[die.name] + amount / die.count
        return sums


@dataclass(frozen=True, kw_only=True, eq=False)
class OnePackage:
    """The one package of many chips with named dies."""

    setting: DieSetting
    package: PackageParameters
    sources: Sources

    def of(self, chips: int) -> Packaging:
        """The package of each of some chips."""
        every = np.zeros(chips, np.int64)
        return Packaging(
            setting=self.setting,
            packages=PackageColumns.of([self.package]).take(every),
            sources=self.sources,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Packaging:
    """The packages of many chips with named dies.

    packages : of each chip, one row per chip
    """

    setting: DieSetting
    packages: PackageColumns
    sources: Sources

    def links(self, area_m2: Mapping[str, Floats]) -> DieLinks:
        """The links of each chip.

        Parameters
        ----------
        area_m2 : of parts and memories of one die, by its name
        """
        stacked_area = np.column_stack([area_m2[name] for name in self.setting.names])
        dies = self.setting.dies(stacked_area, self.packages, self.sources)
        return links_of_chips(self.setting.flows, dies, self.packages, self.sources)


@dataclass(frozen=True, kw_only=True, eq=False)
class DieLinks:
    """Links between the dies of many chips.

    s_per_bit : time that a bit of each flow takes at the busiest die of each kind
        [chips x flows x kinds]; infinite where a die has no room for a link
    j_per_bit : energy of a bit of each flow, all its hops together [chips x flows]
    idle_w : of all links, whether they are used or not [chips]
    """

    flows: tuple[DieFlow, ...]
    s_per_bit: Floats
    j_per_bit: Floats
    idle_w: Floats

    def of(self, kind: str) -> LinkFigures:
        """The figures of one kind of flow, of which there is one at most."""
        places = [place for place, flow in enumerate(self.flows) if flow.kind == kind]
        if not places:
            empty = np.zeros(self.s_per_bit.shape[::2])
            return LinkFigures(s_per_bit=empty, j_per_bit=np.zeros(len(empty)))
        (place,) = places
        return LinkFigures(s_per_bit=self.s_per_bit[:, place], j_per_bit=self.j_per_bit[:, place])

    @property
    def has_stated(self) -> bool:
        """Whether the file states traffic that crosses a link."""
        return any(flow.kind == "stated" for flow in self.flows)

    def stated(self) -> tuple[Floats, Floats]:
        """Time and energy per task of the traffic that the file states [chips]."""
        bits = np.array([flow.bits if flow.kind == "stated" else 0.0 for flow in self.flows])
        with np.errstate(invalid="ignore"):  # a link without bandwidth that has no traffic
            seconds = np.where(bits[:, None] > 0, bits[:, None] * self.s_per_bit, 0.0)
        busiest = seconds.sum(axis=1).max(axis=1, initial=0.0)
        return np.asarray(busiest), np.asarray((bits * self.j_per_bit).sum(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class LinkFigures:
    """A flow of many chips.

    s_per_bit : at the busiest die of each kind [chips x kinds]
    j_per_bit : [chips]
    """

    s_per_bit: Floats
    j_per_bit: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerLinks:
    """What the data of layers cost on links between dies: of operands, and of the outer memory.

    idle_w : of all links of each chip
    """

    operands: LinkFigures
    outer: LinkFigures
    idle_w: Floats

    @staticmethod
    def of(links: DieLinks) -> LayerLinks:
        """Of the links of chips."""
        return LayerLinks(
            operands=links.of("operands"), outer=links.of("dram"), idle_w=links.idle_w
        )

    def take(self, rows: slice) -> LayerLinks:
        """Some of the chips."""
        return LayerLinks(
            operands=LinkFigures(
                s_per_bit=self.operands.s_per_bit[rows], j_per_bit=self.operands.j_per_bit[rows]
            ),
            outer=LinkFigures(
                s_per_bit=self.outer.s_per_bit[rows], j_per_bit=self.outer.j_per_bit[rows]
            ),
            idle_w=self.idle_w[rows],
        )

    def time_s(self, operand_bits: Floats, outer_bits: Floats) -> Floats:
        """Time of the busiest link, from bits of each layer [chips x layers]."""
        loads = [
            bits * figures.s_per_bit[:, kind, None]
            for kind in range(self.operands.s_per_bit.shape[1])
            for bits, figures in ((operand_bits, self.operands), (outer_bits, self.outer))
        ]
        pairs = [loads[2 * kind] + loads[2 * kind + 1] for kind in range(len(loads) // 2)]
        return np.asarray(np.maximum.reduce(pairs))

    def energy_j(self, operand_bits: Floats, outer_bits: Floats) -> Floats:
        """Energy of all links, from bits of each layer [chips x layers]."""
        return np.asarray(
            operand_bits * self.operands.j_per_bit[:, None]
            + outer_bits * self.outer.j_per_bit[:, None]
        )


def links_of_chips(
    flows: Sequence[DieFlow], dies: Dies, packages: PackageColumns, sources: Sources
) -> DieLinks:
    """Times and energies of a bit on the links of each chip.

    Notes
    -----
    As `chipdse.system.models.links.link_power`: an idle link takes a share of its power when busy,
    so that share of the energy of a bit is spent whether the bit crosses or not. Bonds of a stack
    are made as needed and are never idle.
    """
    stacked = packages.choices["arrangement"].among(*STACKS)
    several = dies.total > 1
    check_links(packages, dies, sources)
    ends = tuple(flow.ends for flow in flows)
    hops, loads = crossings(ends, dies.count, stacked)
    capacity = capacity_of(packages, dies, sources)
    with np.errstate(divide="ignore", invalid="ignore"):
        s_per_bit = np.where(loads > 0, loads / capacity[:, None, :], 0.0)
    energy = energy_per_bit(packages, sources)
    idle_frac = np.where(stacked, 0.0, sources("links.idle_power_frac"))
    edge_links = (capacity * dies.count).sum(axis=1) / 2
    return DieLinks(
        flows=tuple(flows),
        s_per_bit=np.asarray(s_per_bit),
        j_per_bit=np.asarray(hops * (energy * (1 - idle_frac))[:, None]),
        idle_w=np.where(several & ~stacked, idle_frac * energy * edge_links, 0.0),
    )


def flows_of_tasks(
    flows: Sequence[DieFlow], bits: Mapping[str, Floats], latency_s: Floats
) -> Flows:
    """What crosses links at the speed of the tasks.

    Parameters
    ----------
    bits : per task of each flow, by its name
    """
    rates = [bits[flow.name] / latency_s for flow in flows]
    return Flows(
        ends=tuple(flow.ends for flow in flows),
        bits_per_s=np.column_stack(rates) if rates else np.zeros((len(latency_s), 0)),
    )
