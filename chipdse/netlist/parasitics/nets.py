"""The nets of a SPEF file, one after another: their nodes, capacitors and resistors."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

_VALUE = re.compile(r"[-+]?(?>\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?::[-+.\deE]*)*")
_SHOWN = 40
_ARGUMENTS = {"*C": 2, "*L": 1, "*S": 3, "*D": 1, "*V": 1}
"""Words that follow an attribute of a connection; a slew may have one only."""
_SECTIONS = ("*CONN", "*CAP", "*RES", "*INDUC", "*END")


@dataclass(kw_only=True)
class Rows:
    """What is read of all nets, in units of the file; nodes are numbered through."""

    net_name: list[str] = field(default_factory=list)
    net_total: list[float] = field(default_factory=list)
    node_count: list[int] = field(default_factory=list)
    node_ground: list[float] = field(default_factory=list)
    node_coupling: list[float] = field(default_factory=list)
    resistor_from: list[int] = field(default_factory=list)
    resistor_to: list[int] = field(default_factory=list)
    resistor_value: list[float] = field(default_factory=list)
    terminal_node: list[int] = field(default_factory=list)
    terminal_owner: list[str] = field(default_factory=list)
    terminal_pin: list[str] = field(default_factory=list)
    terminal_delay: list[float] = field(default_factory=list)


@dataclass(kw_only=True)
class NetReader:
    """Reads nets into `rows`; ValueError states the fault in the current net.

    names : the name map, with ``*12`` as the key
    delimiter : between instance and pin
    """

    rows: Rows
    names: dict[str, str]
    delimiter: str
    first: int = 0
    nodes: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.numbers = {name: number for number, name in self.names.items()}

    def read(self, kind: str, text: str) -> None:
        """Add one net, from its name to its `*END`."""
        words = text.split()
        if len(words) < 2:
            raise ValueError(f"*{kind} needs a net and its capacitance")
        name = self.names.get(words[0], words[0])
        rows = self.rows
        rows.net_name.append(name)
        rows.net_total.append(self._value(words[1], name))
        self.first = len(rows.node_ground)
        self.nodes = {}
        if kind == "R_NET":
            self._reduced(words, name)
        else:
            self._detailed(words, name)
        if not self.nodes:
            self._add_node("")
        first = self.first
        if not any(rows.node_ground[first:]) and not any(rows.node_coupling[first:]):
            rows.node_ground[first] = rows.net_total[-1]  # nothing says where on the net it is
        rows.node_count.append(len(rows.node_ground) - first)

    def _detailed(self, words: list[str], net: str) -> None:
        places = sorted((words.index(name), name) for name in _SECTIONS if name in words)
        if not places or places[-1][1] != "*END":
            raise ValueError(f"net {_short(net)} has no *END")
        for (place, section), (end, _) in itertools.pairwise(places):
            content = words[place + 1 : end]
            if section == "*CONN":
                self._connections(content, net)
            elif section == "*CAP":
                self._capacitors(content, net)
            elif section == "*RES":
                self._resistors(content, net)

    def _add_node(self, word: str) -> int:
        """The number of a node that is new, or not."""
        number = self.nodes.get(word)
        if number is None:
            number = len(self.rows.node_ground)
            self.nodes[word] = number
            self.rows.node_ground.append(0.0)
            self.rows.node_coupling.append(0.0)
        return number

    def _connections(self, words: list[str], net: str) -> None:
        place = 0
        while place < len(words):
            kind = words[place]
            if kind not in ("*P", "*I", "*N") or place + 1 >= len(words):
                raise ValueError(
                    f"*CONN of net {_short(net)} has {_short(kind)} where *P, *I or *N belongs"
                )
            if kind != "*N":
                self._terminal(words[place + 1], kind == "*P", 0.0, net)
            place += 2 if kind == "*N" else 3
            while place < len(words) and words[place] in _ARGUMENTS:
                attribute = words[place]
                place += 1
                for _ in range(_ARGUMENTS[attribute]):
                    # A slew has one value, or one and two thresholds.
                    if place < len(words) and words[place][0] != "*":
                        place += 1

    def _terminal(self, word: str, is_port: bool, delay: float, net: str) -> None:
        rows, node = self.rows, self._add_node(word)
        if is_port:
            owner, pin = self.names.get(word, word), ""
            # The same port may be named in full in one place and by its number in another.
            self.nodes.setdefault(owner, node)
            self.nodes.setdefault(self.numbers.get(owner, owner), node)
        else:
            instance, _, pin = word.rpartition(self.delimiter)
            if not instance or not pin:
                raise ValueError(
                    f"net {_short(net)}: expected INSTANCE{self.delimiter}PIN, found {_short(word)}"
                )
            owner = self.names.get(instance, instance)
        rows.terminal_node.append(node)
        rows.terminal_owner.append(owner)
        rows.terminal_pin.append(pin)
        rows.terminal_delay.append(delay)

    def _capacitors(self, words: list[str], net: str) -> None:
        rows, nodes = self.rows, self.nodes
        place, count = 0, len(words)
        while place + 2 < count:
            if not words[place].isdigit():
                raise ValueError(
                    f"*CAP of net {_short(net)} has {_short(words[place])} where the number of a "
                    "capacitor belongs"
                )
            node, third = words[place + 1], words[place + 2]
            is_ground = third[0] != "*" and _VALUE.fullmatch(third) is not None
            if is_ground:
                rows.node_ground[self._add_node(node)] += self._value(third, net)
                place += 3
                continue
            if place + 3 >= count:
                break
            # A coupling capacitance belongs to this net at whichever end is one of its nodes.
            mine = third if node not in nodes and third in nodes else node
            rows.node_coupling[self._add_node(mine)] += self._value(words[place + 3], net)
            place += 4
        if place != count:
            raise ValueError(f"*CAP of net {_short(net)} ends within a capacitor")

    def _resistors(self, words: list[str], net: str) -> None:
        if len(words) % 4 or not all(map(str.isdigit, words[::4])):
            raise ValueError(f"*RES of net {_short(net)}: expected NUMBER NODE NODE VALUE")
        rows, add = self.rows, self._add_node
        rows.resistor_from += [add(word) for word in words[1::4]]
        rows.resistor_to += [add(word) for word in words[2::4]]
        rows.resistor_value += [self._value(word, net) for word in words[3::4]]

    def _reduced(self, words: list[str], net: str) -> None:
        """A net in reduced form: a delay to each load."""
        for place, word in enumerate(words[:-1]):
            if word == "*DRIVER":
                self._terminal(words[place + 1], self.delimiter not in words[place + 1], 0.0, net)
            elif word == "*RC" and place + 2 < len(words):
                delay = self._value(words[place + 2], net)
                self._terminal(words[place + 1], self.delimiter not in words[place + 1], delay, net)

    def _value(self, word: str, net: str) -> float:
        """A number; of three, the first."""
        try:
            return float(word)
        except ValueError:
            first = word.partition(":")[0]
            if _VALUE.fullmatch(word) is None:
                raise ValueError(
                    f"net {_short(net)}: expected a number, found {_short(word)}"
                ) from None
            return float(first)


def _short(word: str) -> str:
    return repr(word if len(word) <= _SHOWN else word[:_SHOWN] + "...")
