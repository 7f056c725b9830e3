"""Read SPEF files (IEEE 1481): capacitances and resistances of every extracted net."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.parasitics.nets import NetReader, Rows
from chipdse.reading import as_text, read_bytes, unpack

_BEGIN = re.compile(r"\s*(?://[^\n]*\n\s*)*\*SPEF\b")
_COMMENT = re.compile(r'"[^"\n]*+"|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)')
# No statement outside nets has fewer than four letters.
_STATEMENT = re.compile(r"\*(?<!\S\*)([A-Z][A-Z0-9_]{3,}+)(?=\s|\Z)")
_UNIT = re.compile(r"\s*([0-9.eE+-]+)\s+([A-Za-z]+)\s*")
_UNITS = {
    "T_UNIT": {"S": 1.0, "MS": 1e-3, "US": 1e-6, "NS": 1e-9, "PS": 1e-12, "FS": 1e-15},
    "C_UNIT": {"F": 1.0, "UF": 1e-6, "NF": 1e-9, "PF": 1e-12, "FF": 1e-15},
    "R_UNIT": {"OHM": 1.0, "KOHM": 1e3, "MOHM": 1e6},
}
_NETS = ("D_NET", "R_NET")
_IN_PARTS = "the file refers to SPEF files of parts of the design; write a single file"
_PHYSICAL = "nets are given by physical names; write logical names"
_REFUSED = {
    "DEFINE": _IN_PARTS,
    "PDEFINE": _IN_PARTS,
    "D_PNET": _PHYSICAL,
    "R_PNET": _PHYSICAL,
}
_LONGEST_NAME = 4096
_LARGEST = {"F": 1e-3, "ohm": 1e9, "s": 1.0}


@dataclass(frozen=True, kw_only=True, eq=False)
class Spef:
    """Extracted nets, in SI units; the nodes of all nets are numbered through.

    Parameters
    ----------
    path : the file, for messages
    design : name of the design, as the file states it
    divider, bus_delimiters : characters in the names of nets and instances
    net_names : as the file has them, with the name map applied
    net_total_f : [nets] the file's own total of each net
    node_net : [nodes] net of each node, ascending
    node_ground_f, node_coupling_f : [nodes] capacitance to ground and to other nets
    resistor_from, resistor_to, resistor_ohm : [resistors] nodes at its ends
    terminal_node : [terminals] node of each port and cell pin
    terminal_owner, terminal_pin : [terminals] instance and pin; a port has no pin
    terminal_delay_s : [terminals] of nets in reduced form (`*R_NET`) the stated delay, else nan
    """

    path: Path
    design: str
    divider: str
    bus_delimiters: str
    net_names: list[str]
    net_total_f: Floats
    node_net: Int64s
    node_ground_f: Floats
    node_coupling_f: Floats
    resistor_from: Int64s
    resistor_to: Int64s
    resistor_ohm: Floats
    terminal_node: Int64s
    terminal_owner: list[str]
    terminal_pin: list[str]
    terminal_delay_s: Floats

    @property
    def net_capacitance_f(self) -> Floats:
        """Lumped capacitance of each net [nets]: to ground and, counted once, to other nets."""
        nodes_f = self.node_ground_f + self.node_coupling_f
        total_f: Floats = np.bincount(self.node_net, nodes_f, minlength=len(self.net_names)).astype(
            np.float64
        )
        return total_f


def read_spef(path: Path) -> Spef:
    """Read a SPEF file, plain or gzip.

    Of three numbers for best, average and worst case (``1:2:3``) the first is used, and a coupling
    capacitance counts as one to ground with the factor 1: both as OpenSTA does by default.

    Raises
    ------
    DesignError : with file and line: not SPEF, damaged, a negative or infinite value, a form of
        SPEF that is not read
    """
    text = as_text(unpack(read_bytes(path), path))
    return _Reader(text, path).read()


class _Reader:
    """The file's text, statement by statement."""

    def __init__(self, text: str, path: Path) -> None:
        self.path = path
        self.text = _without_comments(text)
        self.header: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.scale = {"T_UNIT": 0.0, "C_UNIT": 0.0, "R_UNIT": 0.0}

    def fail(self, message: str, position: int) -> NoReturn:
        line = self.text.count("\n", 0, position) + 1
        raise DesignError(f"{self.path}:{line}: {message}")

    def read(self) -> Spef:
        if _BEGIN.match(self.text) is None:
            self.fail("expected '*SPEF'; this is not a SPEF file", 0)
        rows = Rows()
        nets: NetReader | None = None
        for name, begin, end in self._statements():
            if name in _NETS:
                if nets is None:
                    nets = self._nets(begin, rows)
                try:
                    nets.read(name, self.text[begin:end])
                except ValueError as error:
                    self.fail(str(error), begin)
            elif name in _REFUSED:
                self.fail(f"*{name}: {_REFUSED[name]}", begin)
            elif name == "NAME_MAP":
                self._name_map(begin, end)
            elif name in _UNITS:
                self._unit(name, begin, end)
            else:
                self.header.setdefault(name, self.text[begin:end].strip()[:1000])
        if nets is None:
            self.fail("the file has no net (*D_NET)", len(self.text))
        twice = [name for name, count in Counter(rows.net_name).items() if count > 1]
        if twice:
            self.fail(f"net {twice[0][:40]!r} is given twice", len(self.text))
        return self._result(rows)

    def _statements(self) -> list[tuple[str, int, int]]:
        """Name of each statement outside nets, and where its content begins and ends."""
        statements = []
        for match in _STATEMENT.finditer(self.text):
            if match[1] in _WITHIN_NETS:
                continue
            statements.append((match[1], match.end(), match.start()))
        ends = [start for _, _, start in statements[1:]] + [len(self.text)]
        return [(name, begin, end) for (name, begin, _), end in zip(statements, ends, strict=True)]

    def _unit(self, name: str, begin: int, end: int) -> None:
        given = self.text[begin:end].strip()
        match = _UNIT.fullmatch(given)
        unit = None if match is None else _UNITS[name].get(match[2].upper())
        number = _number(match[1]) if match is not None else math.nan
        if unit is None or not 0 < number < math.inf:
            known = ", ".join(_UNITS[name])
            self.fail(f"*{name} {given[:40]!r}; expected a number and one of {known}", begin)
        if self.scale[name] not in (0.0, number * unit):
            self.fail(f"*{name} {given[:40]!r} is a second one, of another unit; keep one", begin)
        self.scale[name] = number * unit

    def _name_map(self, begin: int, end: int) -> None:
        words = self.text[begin:end].split()
        if len(words) % 2:
            self.fail("the name map has a number without a name", begin)
        for index, name in zip(words[::2], words[1::2], strict=True):
            if not index.startswith("*"):
                self.fail(f"the name map has {index[:40]!r} where '*NUMBER' belongs", begin)
            if len(name) > _LONGEST_NAME:
                self.fail(f"the name map has a name of {len(name):,} characters", begin)
            if self.names.setdefault(index, name) != name:
                self.fail(f"the name map has {index[:40]!r} twice, for different names", begin)

    def _nets(self, begin: int, rows: Rows) -> NetReader:
        """The reader of nets, now that the header is known."""
        for name, scale in self.scale.items():
            if not scale:
                self.fail(f"the file states no *{name} before its first net", begin)
        delimiter = self.header.get("DELIMITER", ":")
        if len(delimiter) != 1:
            self.fail(f"*DELIMITER {delimiter[:40]!r} must be one character", begin)
        flow = self.header.get("DESIGN_FLOW", "").upper()
        if "PIN_CAP" in flow and "PIN_CAP NONE" not in flow:
            self.fail(
                'the capacitances contain those of the pins; extract with "PIN_CAP NONE"', begin
            )
        return NetReader(
            rows=rows,
            names=self.names,
            delimiter=delimiter,
        )

    def _result(self, rows: Rows) -> Spef:
        """What was read, as arrays."""
        farad, ohm = self.scale["C_UNIT"], self.scale["R_UNIT"]
        counts = np.array(rows.node_count, dtype=np.int64)
        return Spef(
            path=self.path,
            design=self.header.get("DESIGN", "").strip('"'),
            divider=self.header.get("DIVIDER", "/")[:1],
            bus_delimiters=self.header.get("BUS_DELIMITER", "[]"),
            net_names=rows.net_name,
            net_total_f=self._checked(rows.net_total, farad, "F"),
            node_net=np.repeat(np.arange(len(counts)), counts),
            node_ground_f=self._checked(rows.node_ground, farad, "F"),
            node_coupling_f=self._checked(rows.node_coupling, farad, "F"),
            resistor_from=np.array(rows.resistor_from, dtype=np.int64),
            resistor_to=np.array(rows.resistor_to, dtype=np.int64),
            resistor_ohm=self._checked(rows.resistor_value, ohm, "ohm"),
            terminal_node=np.array(rows.terminal_node, dtype=np.int64),
            terminal_owner=rows.terminal_owner,
            terminal_pin=rows.terminal_pin,
            terminal_delay_s=self._checked(rows.terminal_delay, self.scale["T_UNIT"], "s"),
        )

    def _checked(self, values: list[float], scale: float, unit: str) -> Floats:
        """Values in SI; no wire on a chip reaches the largest that are accepted."""
        column = np.array(values, dtype=np.float64)
        with np.errstate(over="ignore"):
            scaled: Floats = column * scale
        wrong = np.flatnonzero(~((scaled >= 0) & (scaled <= _LARGEST[unit])))
        if len(wrong):
            raise DesignError(
                f"{self.path}: a value of {column[wrong[0]]:g} is {scaled[wrong[0]]:g} {unit}; "
                f"expected 0 to {_LARGEST[unit]:g} {unit}"
            )
        return scaled


_WITHIN_NETS = frozenset(("CONN", "INDUC", "DRIVER", "CELL", "C2_R1_C1", "LOADS"))
"""Statements of four letters and more inside a net, which `NetReader` reads."""


def _without_comments(text: str) -> str:
    """The text without comments; lines keep their numbers."""
    if "//" not in text and "/*" not in text:
        return text
    return _COMMENT.sub(
        lambda match: match[0] if match[0].startswith('"') else "\n" * match[0].count("\n"), text
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
