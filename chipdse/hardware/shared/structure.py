"""The canonical text of a module of RTLIL: equal texts are equal hardware.

Wires and cells are labelled by what they are and by what they are connected to, in rounds, until
no label splits further (colour refinement). The labels give an order, and the order gives the
wires their numbers. The text describes the module completely, so that equal texts are proof of
equal structure; a label that two different wires share by chance can only keep equal modules apart.
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MOST_CHOICES = 64
"""Wires between which no structure decides; beyond these the order of declaration does."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A cell, or a connection of two signals.

    head : its kind, parameters and attributes, and its name where that counts
    connections : port and signal, as the words of RTLIL
    """

    head: str
    connections: tuple[tuple[str, tuple[str, ...]], ...]

    def text(self, words: Mapping[str, str], *, in_order: bool = False) -> str:
        """Head and connections with other words for wires, by port or as in the source."""
        connections = [
            f"{port} {' '.join([words.get(word, word) for word in signal])}"
            for port, signal in self.connections
        ]
        return "\n".join([self.head, *(connections if in_order else sorted(connections))])


def canonical(wires: Mapping[str, str], parts: Sequence[Part]) -> tuple[str, tuple[str, ...]]:
    """The canonical text of a module, and its wires in the order of their numbers.

    Parameters
    ----------
    wires : by name, what is known of each without names: width, position as a port, attributes
    parts : in any order; words of their connections that are not wires are part of the text
    """
    labels = _refined({wire: _label(text) for wire, text in wires.items()}, parts)
    for _ in range(_MOST_CHOICES):
        counts = Counter(labels.values())
        if len(counts) == len(labels):
            break
        least = min(label for label, count in counts.items() if count > 1)
        chosen = next(wire for wire, label in labels.items() if label == least)
        labels = _refined(labels | {chosen: _label(f"{least} chosen")}, parts)
    places = {wire: place for place, wire in enumerate(wires)}
    order = tuple(sorted(wires, key=lambda wire: (labels[wire], places[wire])))
    numbers = {wire: f"w{number}" for number, wire in enumerate(order)}
    lines = [f"wire {wires[wire]}" for wire in order]
    return "\n".join([*lines, *sorted(part.text(numbers) for part in parts)]), order


def _refined(labels: Mapping[str, int], parts: Sequence[Part]) -> dict[str, int]:
    refined, classes = dict(labels), len(set(labels.values()))
    while True:
        reached: dict[str, list[int]] = defaultdict(list)
        words = {wire: str(label) for wire, label in refined.items()}
        for part in parts:
            label = _label(part.text(words))
            for port, signal in part.connections:
                for place, word in enumerate(signal):
                    if word in refined:
                        slice_of = signal[place + 1] if place + 1 < len(signal) else ""
                        reached[word].append(_label(f"{label} {port} {place} {slice_of[:1]}"))
        refined = {
            wire: _label(f"{label} {sorted(reached[wire])}") if wire in reached else label
            for wire, label in refined.items()
        }
        previous, classes = classes, len(set(refined.values()))
        if classes <= previous:
            return refined


def _label(text: str) -> int:
    return zlib.crc32(text.encode())
