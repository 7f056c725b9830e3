"""Read backward SAIF files: how often each net toggled, and how long it was 1."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np

from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.waveform.names import match_names, scope_prefix
from chipdse.netlist.netlist import CONSTANT_0, CONSTANT_1, Netlist
from chipdse.netlist.verilog.nets import bit_indices
from chipdse.reading import as_text, many, read_bytes, some, unpack

# A comment without its end reaches to the end of the file, so that it is searched only once.
_COMMENT = r"//[^\n]*+|/\*[^*]*+" + many(r"\*(?!/)[^*]*+") + r"(?:\*/|\Z)"
_SKIP = many(rf"\s++|{_COMMENT}")
_WORD = some(r"\\.|[^\s()\"\\]++")
_TOKEN = re.compile(_SKIP + rf'(?:(\()|(\))|"([^"]*+)"|({_WORD})|\Z)', re.DOTALL)
_VALUES = some(r"\(\s*+(?:T[01XZB]|TC|I[GK])\s++[\d.eE+-]++\s*+\)\s*+")
_NET = re.compile(rf"\s*+\(\s*+({_WORD})\s*+({_VALUES})\)")
_VALUE = re.compile(r"\(\s*+(\w++)\s++([^\s)]++)")
_ESCAPE = re.compile(r"\\(.)|(.)", re.DOTALL)
_TIMESCALE = re.compile(r"\s*([\d.]+)\s*(s|ms|us|ns|ps|fs)\s*", re.IGNORECASE)
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15}
_TIMES = ("T0", "T1", "TX", "TZ", "TB")
_MAX_DEPTH = 256
_BEGIN = re.compile(_SKIP + r"\(\s*+SAIFILE\b")
_ROUNDING = 1e-6  # times of a net may exceed the duration by this part


@dataclass(frozen=True, kw_only=True, slots=True)
class NetActivity:
    """What a SAIF file says of one net.

    high : time at 1, in units of the file
    toggles : transitions, as the file counts them
    """

    high: float
    toggles: float


@dataclass(kw_only=True)
class SaifFile:
    """A file's header, and its nets by path, levels joined by dots.

    duration : in units of the file
    program : who wrote it
    """

    duration: float = 0.0
    time_unit_s: float = 0.0
    program: str = ""
    nets: dict[str, NetActivity] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=set)


def is_saif(content: bytes) -> bool:
    """Whether a file begins as a SAIF file does."""
    return _BEGIN.match(as_text(content[:4096])) is not None


def read_saif(path: Path) -> SaifFile:
    """Read a backward SAIF file, plain or gzip.

    Raises
    ------
    DesignError : with file and line: not SAIF, damaged, a forward file, impossible times
    """
    return _Reader(as_text(unpack(read_bytes(path), path)), path).read()


def read_saif_activity(path: Path, scope: str, netlist: Netlist, clock_period_s: float) -> Activity:
    """Toggles and duty of every net that a SAIF file names below `scope`.

    Notes
    -----
    As OpenSTA does: density is TC by duration, duty is T1 by duration; glitches (IG, IK) are not
    counted. SAIF has no joint states of a cell's pins, so these are independent.

    Raises
    ------
    DesignError : the file is damaged, lacks the scope, or names no net of the netlist
    """
    file = read_saif(path)
    wanted = scope_prefix(scope.replace("/", "."))
    inside = {
        name[len(wanted) :]: values for name, values in file.nets.items() if name.startswith(wanted)
    }
    if not inside:
        near = ", ".join(sorted(file.scopes)[:8])
        raise DesignError(f"{path}: no net in instance {scope!r}; the file has {near}")
    if file.program == "Verilator":
        inside = _as_declared(inside, netlist)
    numbers = {name: number for number, name in enumerate(inside)}
    for name, number in _only_bits(numbers):
        numbers.setdefault(name, number)
    for name, number in _cell_pins(netlist, numbers):
        numbers.setdefault(name, number)
    values = list(inside.values())
    source = match_names(netlist, numbers, f"{path}: instance {scope!r}")
    known = source >= 0
    safe = np.maximum(source, 0)
    toggles = np.where(known, np.array([value.toggles for value in values])[safe], 0.0)
    high = np.where(known, np.array([value.high for value in values])[safe] / file.duration, 0.0)
    for constant, value in ((CONSTANT_0, 0.0), (CONSTANT_1, 1.0)):
        known[constant], toggles[constant], high[constant] = True, 0.0, value
    duration_s = file.duration * file.time_unit_s
    return Activity(
        toggles=toggles,
        high_fraction=np.minimum(high, 1.0),
        annotated=known,
        cycles=duration_s / clock_period_s,
        duration_s=duration_s,
        origin="saif",
        glitches=True,
        notes=(
            "a SAIF file has no joint states of the pins of a cell: the pins are taken as "
            "independent of each other",
        ),
    )


def _as_declared(inside: dict[str, NetActivity], netlist: Netlist) -> dict[str, NetActivity]:
    """Bits as the netlist declares them; Verilator counts them from 0 for any range."""
    result = dict(inside)
    for name, span in netlist.odd_ranges.items():
        indices = bit_indices(span)
        given = [f"{name}[{position}]" for position in range(len(indices))]
        if all(bit in inside for bit in given):
            for bit in given:
                result.pop(bit, None)
            for bit, index in zip(given, indices, strict=True):
                result[f"{name}[{index}]"] = inside[bit]
    return result


def _only_bits(numbers: dict[str, int]) -> list[tuple[str, int]]:
    """Vectors of one bit by the name without it: ``d[0]`` may be the netlist's scalar `d`."""
    bits: dict[str, list[int]] = {}
    for name, number in numbers.items():
        if name.endswith("]"):
            bits.setdefault(name.rpartition("[")[0], []).append(number)
    return [(name, which[0]) for name, which in bits.items() if len(which) == 1]


def _cell_pins(netlist: Netlist, numbers: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Nets by the cell pins on them, for files that list ports of cells."""
    unknown = [name for name in numbers if name not in netlist.nets_by_name and "." in name]
    if not unknown:
        return
    cells = {name: number for number, name in enumerate(netlist.cell_names)}
    for name in unknown:
        instance, _, pin = name.rpartition(".")
        cell = cells.get(instance)
        if cell is None:
            continue
        place = netlist.cells[netlist.cell_types[cell]].pin_index.get(pin)
        net = -1 if place is None else int(netlist.pin_net[netlist.pin_start[cell] + place])
        if net >= 0:
            yield netlist.net_names[net], numbers[name]


class _Reader:
    """The file's text, read front to back."""

    def __init__(self, text: str, path: Path) -> None:
        self.text, self.path, self.position = text, path, 0
        self.file = SaifFile()
        self.divider = "."

    def fail(self, message: str, position: int | None = None) -> NoReturn:
        at = self.position if position is None else position
        line = self.text.count("\n", 0, at) + 1
        raise DesignError(f"{self.path}:{line}: {message}")

    def token(self) -> str:
        """The next token: ``(``, ``)``, a word, or a string after a quotation mark."""
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            self.fail("a string or a name has no end")
        self.position = match.end()
        if match[3] is not None:
            return '"' + match[3]
        return match[1] or match[2] or match[4] or ""

    def read(self) -> SaifFile:
        begin = _BEGIN.match(self.text)
        if begin is None:
            self.fail("expected '(SAIFILE'; this is not a SAIF file")
        self.position = begin.end()
        while (token := self.token()) == "(":
            key = self.token()
            if key == "INSTANCE":
                self._instances()
            else:
                self._header(key, self._words())
        if token != ")":
            self.fail(f"expected '(' or ')', found {token[:40] or 'the end of file'!r}")
        for what, value in (
            ("TIMESCALE", self.file.time_unit_s),
            ("DURATION", self.file.duration),
        ):
            if not value:
                self.fail(f"the file has no {what}")
        for name, values in self.file.nets.items():
            if values.high > self.file.duration * (1 + _ROUNDING):
                self.fail(f"net {name!r} is 1 for longer than the file's duration")
        return self.file

    def _words(self) -> list[str]:
        """Words up to the closing parenthesis; lists within are skipped."""
        words = []
        while (token := self.token()) != ")":
            if not token:
                self.fail("expected ')', found the end of file")
            if token == "(":
                self._skip()
            else:
                words.append(token)
        return words

    def _skip(self) -> None:
        """Over the rest of a list that nothing is taken from."""
        depth = 1
        while depth:
            token = self.token()
            if not token:
                self.fail("expected ')', found the end of file")
            depth += (token == "(") - (token == ")")

    def _header(self, key: str, words: list[str]) -> None:
        text = " ".join(word.removeprefix('"') for word in words)
        if key == "DIRECTION" and text.lower() != "backward":
            self.fail(f"a SAIF file of direction {text!r} has no activity; write a backward one")
        elif key == "DIVIDER" and text:
            self.divider = text
        elif key == "PROGRAM_NAME":
            self.file.program = text
        elif key == "TIMESCALE":
            unit = _TIMESCALE.fullmatch(text)
            if unit is None:
                self.fail(f"timescale {text!r}; expected e.g. '1 ns'")
            self.file.time_unit_s = self._number(unit[1]) * _SECONDS[unit[2].lower()]
        elif key == "DURATION":
            self.file.duration = self._number(text)

    def _number(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            self.fail(f"expected a number that is not negative, found {text[:40]!r}")
        return value

    def _name(self, text: str) -> str:
        """A name without escapes; a divider that is not escaped separates levels."""
        if "\\" not in text:
            return text.replace(self.divider, ".") if len(self.divider) == 1 else text
        plain = _ESCAPE.sub(
            lambda match: match[1] or ("." if match[2] == self.divider else match[2]), text
        )
        return plain.removeprefix("\\")

    def _instances(self) -> None:
        """One INSTANCE with all below it, after its keyword."""
        paths = [self._instance_path("")]
        while paths:
            token = self.token()
            if token == ")":
                paths.pop()
            elif token == "(":
                key = self.token()
                if key == "INSTANCE":
                    if len(paths) >= _MAX_DEPTH:
                        self.fail(f"instances are nested more than {_MAX_DEPTH} deep")
                    paths.append(self._instance_path(paths[-1]))
                elif key in ("NET", "PORT"):
                    self._nets(paths[-1])
                else:
                    self._skip()
            else:
                self.fail(f"expected '(' or ')', found {token[:40] or 'the end of file'!r}")

    def _instance_path(self, above: str) -> str:
        """The path of an instance, with a dot at its end; a quoted type may stand before it."""
        name = self.token()
        if name.startswith('"'):
            name = self.token()
        if not name or name in "()":
            self.fail(f"expected an instance's name, found {name or 'the end of file'!r}")
        path = f"{above}{self._name(name)}"
        self.file.scopes.add(path)
        return path + "."

    def _nets(self, path: str) -> None:
        """The nets or ports of an instance, up to the closing parenthesis."""
        while True:
            match = _NET.match(self.text, self.position)
            if match is not None:
                self.position = match.start(1)
                self._add(path, match[1], dict(_VALUE.findall(match[2])))
                self.position = match.end()
                continue
            token = self.token()
            if token == ")":
                return
            if token != "(":
                self.fail(f"expected '(' or ')', found {token[:40] or 'the end of file'!r}")
            name, values = self.token(), {}
            while (token := self.token()) == "(":
                key, value = self.token(), self.token()
                if key in (*_TIMES, "TC") and value not in ("", "(", ")"):
                    values[key] = value
                if value == "(":
                    self._skip()
                if value != ")":
                    self._skip()
            if token != ")":
                self.fail(f"expected '(T0 ...)' or ')', found {token[:40] or 'the end of file'!r}")
            if name and name not in ("(", ")") and values:
                self._add(path, name, values)

    def _add(self, path: str, name: str, given: dict[str, str]) -> None:
        values = {key: self._number(text) for key, text in given.items()}
        if "TC" not in values or not ("T1" in values or "T0" in values):
            return  # it has nothing that power needs
        total = sum(values.get(key, 0.0) for key in _TIMES)
        if self.file.duration and total > self.file.duration * (1 + _ROUNDING):
            self.fail(
                f"times of net {self._name(name)!r} add up to {total:g}, more than the duration "
                f"{self.file.duration:g}"
            )
        high = values.get("T1")
        if high is None:
            if not self.file.duration:
                self.fail(
                    f"net {self._name(name)!r} has no T1 and the file's DURATION does not stand "
                    "before it; write T1, or DURATION before the instances"
                )
            high = max(0.0, self.file.duration - total)
        self.file.nets.setdefault(
            path + self._name(name), NetActivity(high=high, toggles=values["TC"])
        )
