"""Cells from SPICE netlists: subcircuits, flattened to transistors with nets of known names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chipdse.characterise.deck import net
from chipdse.errors import DesignError
from chipdse.reading import read_text

_NODES = {"m": 4, "r": 2, "c": 2, "l": 2, "d": 2}  # by the first letter of an element
_MOST_ELEMENTS, _DEEPEST = 100_000, 50
_PIN = re.compile(r"[A-Za-z_]\w*")
_RESERVED = ("supply", "time", "vpwr")  # names that the deck uses itself
_COMMENT = re.compile(r"(?:^\s*\*.*|\s;.*|\s\$\s.*)$")
_INCLUDED = re.compile(r"""^\s*\.(?:inc|include|lib)\s+["']?([^"'\s]+)["']?(\s+\S+)?\s*$""", re.I)
_SECTION = re.compile(r"^\s*\.lib\s+(\S+)\s*$", re.I)


@dataclass(frozen=True, kw_only=True)
class Subcircuit:
    """A `.subckt` with its elements, one line each, continuation lines joined."""

    name: str
    ports: tuple[str, ...]
    elements: tuple[str, ...]
    file: Path


@dataclass(frozen=True, kw_only=True)
class Models:
    """A file of transistor models, and the section (`.lib NAME`) to take; "" is the complete file.

    Raises
    ------
    DesignError : the file cannot be read or has no such section
    """

    file: Path
    section: str = ""

    def __post_init__(self) -> None:
        sections = [match[1] for line in _lines(self.file) if (match := _SECTION.match(line))]
        if self.section and self.section.lower() not in map(str.lower, sections):
            known = f"it has {', '.join(sections)}" if sections else "it has no sections"
            raise DesignError(f"{self.file}: no section {self.section!r} (.lib); {known}")

    def line(self) -> str:
        """The line of a deck that reads the models."""
        path = self.file.absolute()
        return f'.lib "{path}" {self.section}' if self.section else f'.include "{path}"'

    def files(self) -> list[Path]:
        """The file and those that it includes, as far as they exist."""
        seen: list[Path] = []
        waiting = [self.file]
        while waiting:
            path = waiting.pop()
            if path in seen or not path.is_file():
                continue
            seen.append(path)
            for line in _lines(path):
                match = _INCLUDED.match(line)
                if match and (match[2] or not line.lower().lstrip().startswith(".lib")):
                    waiting.append(path.parent / match[1])
        return seen


@dataclass(frozen=True, kw_only=True)
class SpiceCircuit:
    """A flattened cell, as the deck takes it.

    Parameters
    ----------
    elements : lines with final names of nets
    nets : at the ends of elements
    """

    title: str
    models: tuple[Models, ...]
    elements: tuple[str, ...]
    nets: tuple[str, ...]

    def lines(self) -> list[str]:
        return [*(models.line() for models in self.models), *self.elements]


@dataclass(frozen=True, kw_only=True)
class Netlists:
    """Subcircuits of some files by name in lower case.

    Parameters
    ----------
    power, ground : names of nets at the supply voltage and at 0 V
    """

    files: tuple[Path, ...]
    power: tuple[str, ...]
    ground: tuple[str, ...]

    @cached_property
    def subcircuits(self) -> dict[str, Subcircuit]:
        """Every subcircuit of the files.

        Raises
        ------
        DesignError : a file cannot be read, or a subcircuit is not understood
        """
        return {sub.name.lower(): sub for path in self.files for sub in _subcircuits(path)}

    def circuit(self, name: str, pins: Sequence[str], models: tuple[Models, ...]) -> SpiceCircuit:
        """A cell with these signal pins.

        Raises
        ------
        DesignError : no such subcircuit, its ports are others, or it has elements of another kind
        """
        top = self.subcircuits.get(name.lower())
        if top is None:
            known = ", ".join(sub.name for sub in list(self.subcircuits.values())[:8])
            files = ", ".join(str(path) for path in self.files)
            raise DesignError(
                f"cell {name}: no .subckt {name} in {files}; found: {known or 'none'}"
            )
        self._check_size(top, {}, ())
        nets = self._supplies()
        self._check_pins(top, pins, nets)
        nets |= {pin.lower(): net(pin) for pin in pins}
        flat = list(self._flat(top, nets, itertools.count(), (name.lower(),)))
        elements = tuple(
            f"{kind}{number} {' '.join(nodes)} {rest}"
            for number, (kind, nodes, rest) in enumerate(flat)
        )
        ends = dict.fromkeys(node for _, nodes, _ in flat for node in nodes)
        return SpiceCircuit(title=top.name, models=models, elements=elements, nets=tuple(ends))

    def _check_size(self, sub: Subcircuit, sizes: dict[str, int], path: tuple[str, ...]) -> int:
        """The number of elements and subcircuits that a flattened subcircuit has.

        Raises
        ------
        DesignError : it has more than a cell has, or is nested deeper
        """
        name, count = sub.name.lower(), len(sub.elements)
        if name in sizes:
            return sizes[name]
        for line in sub.elements:
            words = [word.lower() for word in line.split() if "=" not in word]
            inner = self.subcircuits.get(words[-1]) if words and words[0][0] == "x" else None
            if inner is not None and inner.name.lower() not in (*path, name):
                count += self._check_size(inner, sizes, (*path, name))
        if count > _MOST_ELEMENTS or len(path) > _DEEPEST:
            raise DesignError(
                f"{sub.file}: {sub.name} has more than {_MOST_ELEMENTS} elements or is nested "
                f"deeper than {_DEEPEST} levels, which is no cell"
            )
        sizes[name] = count
        return count

    def _supplies(self) -> dict[str, str]:
        supplies = {name.lower(): "vpwr" for name in self.power}
        return supplies | {name.lower(): "0" for name in ("0", *self.ground)}

    def _check_pins(self, top: Subcircuit, pins: Sequence[str], supplies: dict[str, str]) -> None:
        ports = [port.lower() for port in top.ports if port.lower() not in supplies]
        for pin in pins:
            if not _PIN.fullmatch(pin) or pin.lower() in _RESERVED:
                raise DesignError(
                    f"cell {top.name}: pin {pin!r} cannot be simulated; use letters, digits and _, "
                    f"and none of {', '.join(_RESERVED)}"
                )
            if pin.lower() not in ports:
                raise DesignError(
                    f"cell {top.name}: pin {pin} is not a port of its netlist, which has "
                    f"{', '.join(top.ports)}"
                )
        for port in top.ports:
            if port.lower() in ports and port.lower() not in [pin.lower() for pin in pins]:
                raise DesignError(
                    f"cell {top.name}: port {port} of its netlist is no pin of the cell; describe "
                    "it, or name it in power or ground"
                )

    def _flat(
        self,
        sub: Subcircuit,
        nets: dict[str, str],
        numbers: Iterator[int],
        path: tuple[str, ...],
    ) -> Iterator[tuple[str, list[str], str]]:
        """Elements as letter, nets, and the rest of the line.

        Parameters
        ----------
        nets : final name of each net of `sub`, extended here
        numbers : of inner nets
        path : names of the subcircuits around, the innermost last
        """

        def final(name: str) -> str:
            name = name.lower()
            if name not in nets:
                nets[name] = f"inside_{next(numbers)}"
            return nets[name]

        for line in sub.elements:
            words = line.split()
            kind = words[0][0].lower()
            if kind == "x":
                names = [word for word in words[1:] if "=" not in word]
                if not names:
                    raise DesignError(f"{sub.file}: {words[0]} in {sub.name} names no subcircuit")
                nodes, model = names[:-1], names[-1]
                inner = self.subcircuits.get(model.lower())
                if inner is not None:
                    ends = [final(node) for node in nodes]
                    yield from self._flat_inner(sub, inner, ends, numbers, path)
                    continue
                count = len(nodes)
            elif kind in _NODES:
                count = _NODES[kind]
            else:
                raise DesignError(
                    f"{sub.file}: {words[0]} in {sub.name} is no transistor, diode, resistor, "
                    "capacitor, inductor or subcircuit"
                )
            yield kind, [final(word) for word in words[1 : count + 1]], " ".join(words[count + 1 :])

    def _flat_inner(
        self,
        sub: Subcircuit,
        inner: Subcircuit,
        nodes: list[str],
        numbers: Iterator[int],
        path: tuple[str, ...],
    ) -> Iterator[tuple[str, list[str], str]]:
        if inner.name.lower() in path or len(nodes) != len(inner.ports):
            raise DesignError(
                f"{sub.file}: {sub.name} uses {inner.name} with {len(nodes)} nets, which has "
                f"{len(inner.ports)} ports, or contains itself"
            )
        ports = (port.lower() for port in inner.ports)
        nets = self._supplies() | dict(zip(ports, nodes, strict=True))
        yield from self._flat(inner, nets, numbers, (*path, inner.name.lower()))


def _lines(path: Path) -> list[str]:
    return read_text(path).splitlines()


def _joined(path: Path) -> Iterator[str]:
    """Lines without comments, continuation lines joined, no blanks beside `=`."""
    statement = ""
    for line in _lines(path):
        plain = _COMMENT.sub("", line).strip()
        if plain.startswith("+"):
            statement += " " + plain[1:]
            continue
        if plain:
            if statement:
                yield re.sub(r"\s*=\s*", "=", statement)
            statement = plain
    if statement:
        yield re.sub(r"\s*=\s*", "=", statement)


def _subcircuits(path: Path) -> Iterator[Subcircuit]:
    head: list[str] = []
    elements: list[str] = []
    for line in _joined(path):
        words = line.split()
        word = words[0].lower()
        if word == ".subckt":
            if head:
                raise DesignError(f"{path}: .subckt {head[0]} has no .ends before the next .subckt")
            head, elements = words[1:], []
            if any("=" in port or port.lower() == "params:" for port in head):
                raise DesignError(
                    f"{path}: .subckt {head[0]} has parameters; write values into its elements"
                )
        elif word == ".ends" and head:
            yield Subcircuit(
                name=head[0], ports=tuple(head[1:]), elements=tuple(elements), file=path
            )
            head = []
        elif head and not word.startswith("."):
            elements.append(line)
        elif head:
            raise DesignError(f"{path}: {words[0]} inside .subckt {head[0]} is not supported")
    if head:
        raise DesignError(f"{path}: .subckt {head[0]} has no .ends")
