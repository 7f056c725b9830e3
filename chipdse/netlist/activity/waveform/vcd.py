"""Read VCD traces, plain or gzip: the header's signals, then blocks of value changes as arrays."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from chipdse.arrays import Bools
from chipdse.errors import DesignError
from chipdse.netlist.activity.waveform.vcd_changes import BadToken, ChangeDecoder, Changes

_BLOCK_BYTES = 1 << 23
_HEADER_BYTES = 1 << 28
_LINE_BYTES = 1 << 20
# A change of a wide vector may take three characters: blocks are cut so that one holds fewer bits.
_BLOCK_BITS = 1 << 24
# A variable of more bits is no net of a netlist; such a one is skipped, as memories are.
MAX_WIDTH = 1 << 16
# A few characters declare many bits: more than this and one for each character are refused.
FREE_BITS = 1 << 22
MAX_DEPTH = 256
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
    indices: Sequence[int] | None
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
    codes : first signal and width by identifier code; first is -1 for what is no net (a real
        number, a string, an event, a variable without bits)
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

    def close(self) -> None:
        """Close the file; `changes` does when it has been read to its end."""
        self.file.close()

    def changes(self, needed: Bools | None = None) -> Iterator[Changes]:
        """The value changes, a block of the file at a time.

        Parameters
        ----------
        needed : [signals] those whose changes matter; default all. Others of the same variable
            come as well.

        Raises
        ------
        DesignError : the file is damaged; names the line
        """
        codes = self.header.codes
        if needed is not None:
            codes = {
                code: (first, width) if needed[first : first + width].any() else (-1, 0)
                for code, (first, width) in codes.items()
            }
        decoder = ChangeDecoder(codes)
        line, rest = self.header.lines, self.rest
        widest = max((width for _, width in codes.values()), default=1)
        size = min(_BLOCK_BYTES, max(1 << 10, 4 * _BLOCK_BITS // max(widest, 1)))
        skips_lines = any(first < 0 for first, _ in self.header.codes.values())
        with self.file as file:
            more = b"\n"
            while more:
                more = _read(file, self.path, size)
                block = rest + (more or b"\n")  # the last line may lack its end
                cut = block.rfind(b"\n") + 1
                if not cut and len(block) > _LINE_BYTES:
                    _fail(self.path, line, f"a line or comment of more than {_LINE_BYTES} bytes")
                comment = block.rfind(b"$comment", 0, cut)
                if comment >= 0 and block.find(b"$end", comment, cut) < 0:
                    cut = comment
                block, rest = block[:cut], block[cut:]
                if b"$comment" in block:
                    block = re.sub(rb"\$comment\b.*?\$end\b", _blank, block, flags=re.DOTALL)
                if skips_lines:
                    block = _STRING_CHANGE.sub(self._blank_string, block)
                for part in _parts(block, size):
                    try:
                        yield decoder.decode(part)
                    except BadToken as bad:
                        line += part.count(b"\n", 0, bad.position)
                        _fail(self.path, line, bad.reason)
                    line += part.count(b"\n")
        if rest.strip():
            _fail(self.path, line, "'$comment' has no '$end'; the file is cut off")

    def _blank_string(self, match: re.Match[bytes]) -> bytes:
        """Without the change of a string, whose text may hold blanks; other lines as they are."""
        code = match[0].split()[-1]
        return b"" if self.header.codes.get(code, (0, 0))[0] < 0 else match[0]


def _parts(block: bytes, size: int) -> Iterator[bytes]:
    """Whole lines of a block, about `size` bytes at a time."""
    start = 0
    while start < len(block):
        end = block.rfind(b"\n", start, start + size) + 1 or block.find(b"\n", start) + 1
        yield block[start : end or len(block)]
        start = end or len(block)


def _blank(match: re.Match[bytes]) -> bytes:
    return b" " + b"\n" * match[0].count(b"\n") + b" " * (len(match[0]) - 1)


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
_RANGE = re.compile(r"\[\s*(-?\d{1,9})\s*(?::\s*(-?\d{1,9})\s*)?\]\Z")
_TIMESCALE = re.compile(r"\s*(1|10|100)\s*(s|ms|us|ns|ps|fs)\s*", re.IGNORECASE)
_STRING_CHANGE = re.compile(rb"^[ \t]*[sS].*$", re.MULTILINE)
_NO_NETS = ("real", "realtime", "shortreal", "real_parameter", "event", "string")


def _parse_header(path: Path, text: str, lines: int) -> Header:
    scope: list[tuple[str, ...]] = [()]  # the path at each open level
    variables: list[Variable] = []
    codes: dict[bytes, tuple[int, int]] = {}
    signals, time_unit_s = 0, 0.0
    for match in _DECLARATION.finditer(text):
        keyword, body, end = match.groups()
        reason = None if end else f"'${keyword}' has no '$end'"
        if keyword == "var" and reason is None:
            declared = _declare(scope[-1], body, codes, signals)
            if isinstance(declared, str):
                reason = declared
            elif declared is not None:
                variables.append(declared)
                signals = max(signals, declared.first + declared.width)
                if signals > FREE_BITS + len(text):
                    reason = (
                        f"more than {FREE_BITS + len(text):,} bits are declared, "
                        f"in a header of {len(text):,} characters"
                    )
        elif keyword == "scope":
            words = body.split(None, 1)
            if not words:
                reason = f"expected '$scope KIND NAME $end', got {body.strip()!r}"
            elif len(scope) > MAX_DEPTH:
                reason = f"scopes are nested more than {MAX_DEPTH} deep"
            else:  # a scope without a name adds nothing to the path
                name = " ".join(body.split()[1:]).removeprefix("\\")
                scope.append((*scope[-1], name) if name else scope[-1])
        elif keyword == "upscope":
            if len(scope) == 1:
                reason = "'$upscope' without '$scope'"
            else:
                scope.pop()
        elif keyword == "timescale":
            unit = _TIMESCALE.fullmatch(body)
            if unit is None:
                reason = f"timescale {body.strip()!r}; expected e.g. '1 ns'"
            else:
                time_unit_s = int(unit[1]) * _SECONDS[unit[2].lower()]
        if reason is not None:
            _fail(path, text.count("\n", 0, match.start()) + 1, reason)
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
    """The variable a `$var` declares; None for what is no net; a reason if it is wrong."""
    words = body.split(None, 3)
    if len(words) < 3 or not re.fullmatch(r"[0-9]{1,9}", words[1]):
        return f"expected '$var KIND WIDTH CODE NAME $end', got {body.strip()[:80]!r}"
    kind, width, code = words[0].lower(), int(words[1]), words[2].encode("latin-1")
    if kind == "port":
        return "this is an extended VCD (of $dumpports), which is not read; use $dumpvars"
    if kind in _NO_NETS or not 0 < width <= MAX_WIDTH:
        codes.setdefault(code, (-1, 0))
        return None
    placed = name_and_indices(" ".join(body.split()[3:]), width)
    if isinstance(placed, str):
        return placed
    name, indices = placed
    first, known = codes.setdefault(code, (signals, width))
    if known != width:
        return f"code {words[2]!r} of {name!r} has {width} bits here and {known} before"
    return Variable(
        scope=scope, name=name.removeprefix("\\"), width=width, indices=indices, first=first
    )


def name_and_indices(name: str, width: int) -> tuple[str, range | None] | str:
    """A variable's name without its range, and its bit numbers; a reason if they disagree."""
    full_name, bits = name, 1
    while match := _RANGE.search(name):
        # An escaped name ends at white space: ``\a[3]`` is one name, ``\a [3]`` a bit of `a`.
        if name.startswith("\\") and not name[match.start() - 1].isspace():
            break
        left = int(match[1])
        right = left if match[2] is None else int(match[2])
        bits *= abs(left - right) + 1
        name = name[: match.start()].rstrip()
        if bits == width:
            step = -1 if left >= right else 1
            if bits > abs(left - right) + 1:  # a packed array: one vector, as synthesis has it
                left, right, step = width - 1, 0, -1
            return name, range(left, right + step, step)
        if bits > width:
            break
    if bits > 1:
        return f"{full_name!r} is declared with {width} bits"
    return full_name, range(width - 1, -1, -1) if width > 1 else None
