"""Read VCD traces, plain or gzip: the header's signals, then blocks of value changes as arrays."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from chipdse.errors import DesignError
from chipdse.netlist.vcd_changes import BadToken, ChangeDecoder, Changes

_BLOCK_BYTES = 1 << 23
_HEADER_BYTES = 1 << 29
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15}


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """One `$var`: its scope, name, and where its bits lie among the trace's signals.

    indices : bit numbers as declared, most significant first; None for a scalar
    first : signal number of its most significant bit
    """

    scope: tuple[str, ...]
    name: str
    width: int
    indices: tuple[int, ...] | None
    first: int

    def bit_names(self) -> list[tuple[str, int]]:
        """Names of its bits with their signal numbers, as ``acc[3]``; a scalar keeps its name."""
        if self.indices is None:
            return [(self.name, self.first)]
        return [
            (f"{self.name}[{index}]", self.first + bit) for bit, index in enumerate(self.indices)
        ]


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a trace declares.

    time_unit_s : one step of its time stamps [s]
    variables : all `$var`s; several may share signals
    signals : number of bits with a code of their own
    codes : first signal and width by identifier code; first is -1 for a real number
    lines : of the header, so that messages can count on
    """

    time_unit_s: float
    variables: tuple[Variable, ...]
    signals: int
    codes: dict[bytes, tuple[int, int]]
    lines: int


@dataclass(frozen=True, kw_only=True)
class Trace:
    """An open trace; `changes` reads it once, from the first value change to the last."""

    path: Path
    header: Header
    file: IO[bytes]
    rest: bytes

    def changes(self) -> Iterator[Changes]:
        """The value changes, a block of the file at a time.

        Raises
        ------
        DesignError : the file is damaged; names the line
        """
        decoder = ChangeDecoder(self.header.codes)
        line, rest = self.header.lines, self.rest
        with self.file as file:
            more = b"\n"
            while more:
                more = _read(file, self.path, _BLOCK_BYTES)
                block = rest + more
                cut = block.rfind(b"\n") + 1
                comment = block.rfind(b"$comment", 0, cut)
                if comment >= 0 and block.find(b"$end", comment, cut) < 0:
                    cut = comment
                block, rest = block[:cut], block[cut:]
                if b"$comment" in block:
                    block = re.sub(rb"\$comment\b.*?\$end\b", _blank, block, flags=re.DOTALL)
                try:
                    yield decoder.decode(block)
                except BadToken as bad:
                    line += block.count(b"\n", 0, bad.position)
                    _fail(self.path, line, bad.reason)
                line += block.count(b"\n")
        if rest.strip():
            _fail(self.path, line, "the file ends inside a line; it is cut off")


def _blank(found: re.Match[bytes]) -> bytes:
    return b" " + b"\n" * found[0].count(b"\n") + b" " * (len(found[0]) - 1)


def open_vcd(path: Path) -> Trace:
    """Read the header of a trace.

    Raises
    ------
    DesignError : not there, not VCD, or a damaged header; names the line
    """
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == b"\x1f\x8b"
        file: IO[bytes] = gzip.open(path) if compressed else path.open("rb")  # type: ignore[assignment]  # noqa: SIM115
    except OSError as error:
        raise DesignError(f"trace {path} cannot be read: {error.strerror}") from error
    try:
        text, start = b"", 0
        while True:
            end = text.find(b"$enddefinitions", start)
            close = text.find(b"$end", end + len(b"$enddefinitions")) if end >= 0 else -1
            if close >= 0:
                break
            start = max(0, len(text) - 16) if end < 0 else end
            more = _read(file, path, 1 << 16 if not text else _BLOCK_BYTES)
            if not more or len(text) > _HEADER_BYTES:
                _fail(path, text.count(b"\n") + 1, "no '$enddefinitions'; expected a VCD file")
            text += more
        close += len(b"$end")
        header = _parse_header(path, text[:end].decode("latin-1"), text.count(b"\n", 0, close) + 1)
    except BaseException:
        file.close()
        raise
    return Trace(path=path, header=header, file=file, rest=text[close:])


def _read(file: IO[bytes], path: Path, size: int) -> bytes:
    try:
        return file.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DesignError(f"{path}: the compressed file is damaged or cut off: {error}") from error
    except OSError as error:
        raise DesignError(f"trace {path} cannot be read: {error}") from error


def _fail(path: Path, line: int, reason: str) -> NoReturn:
    raise DesignError(f"{path}:{line}: {reason}")


_DECLARATION = re.compile(r"\$(\w+)(.*?)(\$end\b|\Z)", re.DOTALL)
_RANGE = re.compile(r"\[\s*(-?\d+)\s*(?::\s*(-?\d+)\s*)?\]\Z")
_TIMESCALE = re.compile(r"\s*(1|10|100)\s*(s|ms|us|ns|ps|fs)\s*")


def _parse_header(path: Path, text: str, lines: int) -> Header:
    scope: list[str] = []
    variables: list[Variable] = []
    codes: dict[bytes, tuple[int, int]] = {}
    signals, time_unit_s = 0, 0.0
    for found in _DECLARATION.finditer(text):
        keyword, body, end = found.groups()
        reason = None if end else f"'${keyword}' has no '$end'"
        if keyword == "var" and reason is None:
            made = _declare(tuple(scope), body, codes, signals)
            if isinstance(made, str):
                reason = made
            elif made is not None:
                variables.append(made)
                signals = max(signals, made.first + made.width)
        elif keyword == "scope":
            words = body.split()
            if len(words) != 2:
                reason = f"expected '$scope KIND NAME $end', got {body.strip()!r}"
            else:
                scope.append(words[1].removeprefix("\\"))
        elif keyword == "upscope":
            if not scope:
                reason = "'$upscope' without '$scope'"
            else:
                scope.pop()
        elif keyword == "timescale":
            unit = _TIMESCALE.fullmatch(body)
            if unit is None:
                reason = f"timescale {body.strip()!r}; expected e.g. '1 ns'"
            else:
                time_unit_s = int(unit[1]) * _SECONDS[unit[2]]
        if reason is not None:
            _fail(path, text.count("\n", 0, found.start()) + 1, reason)
    if not time_unit_s:
        _fail(path, lines, "the header has no '$timescale'")
    return Header(
        time_unit_s=time_unit_s,
        variables=tuple(variables),
        signals=signals,
        codes=codes,
        lines=lines,
    )


def _declare(
    scope: tuple[str, ...], body: str, codes: dict[bytes, tuple[int, int]], signals: int
) -> Variable | str | None:
    """The variable a `$var` declares; None for a real number; a reason if it is wrong."""
    words = body.split(None, 3)
    if len(words) != 4 or not re.fullmatch(r"[0-9]{1,7}", words[1]) or not int(words[1]):
        return f"expected '$var KIND WIDTH CODE NAME $end', got {body.strip()[:80]!r}"
    kind, width, code, name = words[0], int(words[1]), words[2].encode("latin-1"), words[3].strip()
    if kind in ("real", "realtime", "event", "string"):
        codes.setdefault(code, (-1, 0))
        return None
    bits = _RANGE.search(name)
    indices: tuple[int, ...] | None = None
    # An escaped name ends at white space: ``\a[3]`` is one name, ``\a [3]`` a bit of `a`.
    if bits and not (name.startswith("\\") and not name[bits.start() - 1].isspace()):
        left = int(bits[1])
        right = int(bits[2]) if bits[2] is not None else left
        if abs(left - right) + 1 != width:
            return f"{name!r} is declared with {width} bits"
        indices = tuple(range(left, right - 1, -1) if left >= right else range(left, right + 1))
        name = name[: bits.start()].strip()
    elif width > 1:
        indices = tuple(range(width - 1, -1, -1))
    first, known = codes.setdefault(code, (signals, width))
    if known != width:
        return f"code {words[2]!r} of {name!r} has {width} bits here and {known} before"
    return Variable(
        scope=scope, name=name.removeprefix("\\"), width=width, indices=indices, first=first
    )
