"""The dies of a chip file: where its parts and memories lie, and what else passes between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chipdse.application.files.values import check_known, count_in, positive_in, table_in
from chipdse.errors import DesignError

_DIE = ("count", "node_nm", "other_area_m2")
_TRAFFIC = ("between", "bits")
MOST_DIES = 64


@dataclass(frozen=True, kw_only=True)
class DieChoice:
    """One kind of die.

    count : equal dies, over which the copies of its parts are divided
    node_nm : process for cost and carbon; None: that of its parts' libraries
    other_area_m2 : of one die, beside its parts and memories
    """

    name: str
    count: int = 1
    node_nm: float | None = None
    other_area_m2: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PartTraffic:
    """Data between two parts or memories per task, both directions together."""

    ends: tuple[str, str]
    bits: float


@dataclass(frozen=True, kw_only=True)
class DieFlow:
    """Data between two kinds of dies.

    kind : operands and results between arrays and buffer, or data between buffer and DRAM, of each
        layer; or traffic that the file states
    ends : places of the kinds
    bits : per task, of stated traffic
    """

    name: str
    kind: Literal["operands", "dram", "stated"]
    ends: tuple[int, int]
    bits: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The dies of a chip.

    dies : in the order of the file, which is that of a stack, lowest first
    places : name of the die of each part, buffer and DRAM; the DRAM's is the die to which it is
        attached
    traffic : that the file states
    """

    dies: tuple[DieChoice, ...]
    places: Mapping[str, str]
    traffic: tuple[PartTraffic, ...] = ()

    @property
    def total(self) -> int:
        """Dies in the package."""
        return sum(die.count for die in self.dies)

    def place(self, name: str) -> int:
        """The place of the die of a part or memory among the kinds of dies."""
        return [die.name for die in self.dies].index(self.places[name])

    def on(self, die: str) -> list[str]:
        """The names of what lies on a die."""
        return [name for name, place in self.places.items() if place == die]

    def flows(self, carrier: str | None, buffer: str, outer: str) -> tuple[DieFlow, ...]:
        """What crosses links between dies, each as a flow between two kinds of dies.

        Parameters
        ----------
        carrier : the part on which the network runs; None without a network
        buffer, outer : names of the memories; empty where there is none
        """
        flows = []
        if carrier is not None:
            near = buffer or carrier
            if buffer:
                flows.append(self._flow(f"{carrier} to {buffer}", "operands", carrier, buffer))
            if outer:
                flows.append(self._flow(f"{near} to {outer}", "dram", near, outer))
        flows += [
            self._flow(f"{a} to {b}", "stated", a, b, traffic.bits)
            for traffic in self.traffic
            for a, b in (traffic.ends,)
        ]
        return tuple(flow for flow in flows if flow.ends[0] != flow.ends[1])

    def _flow(
        self,
        name: str,
        kind: Literal["operands", "dram", "stated"],
        first: str,
        second: str,
        bits: float = 0.0,
    ) -> DieFlow:
        return DieFlow(
            name=name, kind=kind, ends=(self.place(first), self.place(second)), bits=bits
        )


def read_layout(
    data: Mapping[str, Any], counts: Mapping[str, Sequence[int]], memories: tuple[str, str]
) -> Layout | None:
    """The tables `[dies.NAME]`, and the keys `die` of parts and memories; None without dies.

    Parameters
    ----------
    data : of the whole file, whose parts and memories are tables
    counts : numbers of copies of each part
    memories : names of the buffer and the DRAM; empty where there is none

    Raises
    ------
    DesignError : a part or memory on no die, or on one that there is not; a die with nothing on it
    """
    stated = _traffic(table_in(data.get("application", {}), "[application]").get("traffic", []))
    tables = table_in(data.get("dies", {}), "[dies]")
    if not tables:
        _refuse_dies(data, bool(stated))
        return None
    dies = tuple(_die(name, table) for name, table in tables.items())
    if (total := sum(die.count for die in dies)) > MOST_DIES:
        raise DesignError(f"[dies] has {total} dies; a package has at most {MOST_DIES}")
    buffer, outer = memories
    places = {
        name: _place(f"[parts.{name}]", data["parts"][name].get("die"), dies) for name in counts
    }
    if buffer:
        given = data["memories"][buffer].get("die")
        places[buffer] = _place(f"[memories.{buffer}]", given, dies)
    if outer:
        given = data["memories"][outer].get("die", places.get(buffer))
        places[outer] = _place(f"[memories.{outer}]", given, dies)
    layout = Layout(dies=dies, places=places, traffic=stated)
    _check(layout, counts, memories)
    return layout


def _die(name: str, content: Any) -> DieChoice:
    where = f"[dies.{name}]"
    table = table_in(content, where)
    check_known(table, _DIE, where)
    return DieChoice(
        name=name,
        count=count_in(table.get("count", 1), f"{where} count"),
        node_nm=positive_in(table, "node_nm", where),
        other_area_m2=positive_in(table, "other_area_m2", where) or 0.0,
    )


def _place(where: str, die: Any, dies: Sequence[DieChoice]) -> str:
    names = [die.name for die in dies]
    if die is None:
        raise DesignError(f'{where} lies on no die; write die = "{names[0]}"')
    if die not in names:
        raise DesignError(f"{where} die={die!r} is unknown; the dies are {', '.join(names)}")
    return str(die)


def _refuse_dies(data: Mapping[str, Any], traffic: bool) -> None:
    """Raise DesignError for what needs dies where there are none."""
    for group in ("parts", "memories"):
        for name, table in data.get(group, {}).items():
            if isinstance(table, dict) and "die" in table:
                raise DesignError(
                    f"[{group}.{name}] die={table['die']!r} is unknown; add [dies.{table['die']}], "
                    "or leave it out: without [dies] all parts are on one die"
                )
    if traffic:
        raise DesignError(
            "[application] traffic crosses links between dies, and the file has no [dies]; leave "
            "it out"
        )


def _traffic(content: Any) -> tuple[PartTraffic, ...]:
    where = "[[application.traffic]]"
    if not isinstance(content, list):
        raise DesignError(f"[application] traffic={content!r} must be a list of tables, {where}")
    traffic = []
    for given in content:
        table = table_in(given, where)
        check_known(table, _TRAFFIC, where)
        ends = table.get("between")
        if not isinstance(ends, list) or len(ends) != 2 or not all(type(e) is str for e in ends):
            raise DesignError(
                f'{where} between={ends!r} must name two parts, e.g. ["array", "control"]'
            )
        if ends[0] == ends[1]:
            raise DesignError(f"{where} is between {ends[0]!r} and itself; name two parts")
        bits = positive_in(table, "bits", where)
        if bits is None:
            raise DesignError(f"{where} bits is missing; write e.g. bits = 4096, per task")
        traffic.append(PartTraffic(ends=(ends[0], ends[1]), bits=bits))
    return tuple(traffic)


def _check(layout: Layout, counts: Mapping[str, Sequence[int]], memories: tuple[str, str]) -> None:
    """Raise DesignError where the dies and what lies on them do not go together."""
    dies = {die.name: die for die in layout.dies}
    buffer, outer = memories
    for die in layout.dies:
        on_die = [name for name in layout.on(die.name) if name != outer]
        if not on_die and die.other_area_m2 == 0.0:
            raise DesignError(
                f'[dies.{die.name}] has nothing on it; write die = "{die.name}" in a part or the '
                "buffer, or give it other_area_m2"
            )
        if not any(name in counts for name in on_die) and die.node_nm is None:
            raise DesignError(
                f"[dies.{die.name}] has no part whose library states the process; write node_nm"
            )
    for name in memories:
        if name and dies[layout.places[name]].count > 1:
            raise DesignError(
                f"[memories.{name}] cannot be divided over {dies[layout.places[name]].count} dies "
                f"{layout.places[name]!r}; put it on a die of its own"
            )
    for name, of_part in counts.items():
        number = dies[layout.places[name]].count
        for count in of_part:
            if count % number:
                raise DesignError(
                    f"[parts.{name}] count={count} cannot be divided evenly over {number} dies "
                    f"{layout.places[name]!r}; use a multiple of {number}"
                )
    for traffic in layout.traffic:
        for end in traffic.ends:
            if end not in layout.places:
                known = ", ".join(layout.places)
                raise DesignError(f"[[application.traffic]] {end!r} is unknown; use {known}")
