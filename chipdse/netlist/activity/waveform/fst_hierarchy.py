"""What an FST file declares: scopes, variables with their ranges, and where recording paused.

The library that decodes values drops the declared range of a vector and the end of an escaped name
such as ``\\count[2]``, so the declarations are read here. The format is that of GTKWave's fstapi.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from chipdse.errors import DesignError
from chipdse.netlist.activity.waveform.vcd import (
    FREE_BITS,
    MAX_DEPTH,
    MAX_WIDTH,
    Variable,
    name_and_indices,
)
from chipdse.reading import LARGEST_BYTES, unpack

_BLOCK = struct.Struct(">BQ")  # type, and length from the length on
_LENGTH = struct.Struct(">Q")
_HEADER, _BLACKOUT, _HIERARCHY, _HIERARCHY_LZ4, _HIERARCHY_LZ4_TWICE, _PACKED = 0, 2, 4, 6, 7, 254
_HEADER_LENGTH = 329
_EXPONENT = 64  # where the header has the time unit
_ATTRIBUTE_BEGIN, _ATTRIBUTE_END, _SCOPE, _UPSCOPE = 252, 253, 254, 255
# Event, parameter of type real, real, realtime, string, shortreal: no nets.
_NO_NETS = frozenset((0, 3, 4, 20, 21, 29))


@dataclass(frozen=True, kw_only=True)
class FstHierarchy:
    """The declarations of an FST file.

    variables : as `chipdse.netlist.activity.waveform.vcd.Variable`; aliases share their signals
    handles : number of each variable's value sequence, from 0
    signals : number of bits with values of their own
    first_time, last_time : of the file, in its time steps
    time_unit_s : one time step [s]
    pauses : times at which recording stopped and went on, in order
    """

    variables: tuple[Variable, ...]
    handles: tuple[int, ...]
    signals: int
    first_time: int
    last_time: int
    time_unit_s: float
    pauses: tuple[tuple[int, int], ...]


def is_fst(path: Path) -> bool:
    """Whether a file begins as an FST does, packed as a whole or not."""
    try:
        with path.open("rb") as file:
            head = file.read(_BLOCK.size + 10)
    except OSError:
        return False
    if len(head) < _BLOCK.size:
        return False
    kind, length = _BLOCK.unpack(head[: _BLOCK.size])
    is_packed = kind == _PACKED and head[_BLOCK.size + 8 :] == b"\x1f\x8b"
    return bool(is_packed or (kind, length) == (_HEADER, _HEADER_LENGTH))


def read_hierarchy(path: Path) -> FstHierarchy:
    """Read the declarations of an FST file.

    Raises
    ------
    DesignError : the file is damaged, or declares more than fits its size
    """
    try:
        with path.open("rb") as file:
            blocks = dict(_blocks(file, path))
        header = blocks[_HEADER]
        first, last = struct.unpack(">QQ", header[:16])
        (exponent,) = struct.unpack(">b", header[_EXPONENT : _EXPONENT + 1])
        if not (-18 <= exponent <= 2 and 0 <= first <= last < 1 << 62):
            raise ValueError("the times in its header are not plausible")
        text = _hierarchy_text(blocks, path)
        declared = _Declarations(text)
        pauses = _pauses(blocks.get(_BLACKOUT, b""), last)
    except OSError as error:
        raise DesignError(f"trace {path} cannot be read: {error.strerror}") from None
    except (KeyError, ValueError, IndexError, struct.error) as error:
        reason = error.args[0] if isinstance(error, ValueError) else "a part is missing or cut off"
        raise DesignError(f"{path}: damaged FST trace: {reason}") from None
    return FstHierarchy(
        variables=tuple(declared.variables),
        handles=tuple(declared.handles),
        signals=declared.signals,
        first_time=first,
        last_time=last,
        time_unit_s=float(f"1e{exponent}"),
        pauses=pauses,
    )


def _blocks(file: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    """The blocks that hold declarations; a file packed as a whole is unpacked first."""
    wanted = (_HEADER, _BLACKOUT, _HIERARCHY, _HIERARCHY_LZ4, _HIERARCHY_LZ4_TWICE)
    while len(head := file.read(_BLOCK.size)) == _BLOCK.size:
        kind, length = _BLOCK.unpack(head)
        if length < 8 or length > LARGEST_BYTES:
            raise ValueError("a block has no plausible length")
        if kind == _PACKED:
            yield from _blocks(io.BytesIO(unpack(file.read(length - 8)[8:], path)), path)
            return
        if kind in wanted:
            yield kind, file.read(length - 8)
        else:
            file.seek(length - 8, 1)


def _hierarchy_text(blocks: dict[int, bytes], path: Path) -> bytes:
    if _HIERARCHY in blocks:
        return unpack(blocks[_HIERARCHY][8:], path)
    if _HIERARCHY_LZ4 in blocks:
        block = blocks[_HIERARCHY_LZ4]
        return _lz4(block[8:], *_LENGTH.unpack(block[:8]))
    block = blocks[_HIERARCHY_LZ4_TWICE]
    once = _lz4(block[16:], *_LENGTH.unpack(block[8:16]))
    return _lz4(once, *_LENGTH.unpack(block[:8]))


def _lz4(data: bytes, size: int) -> bytes:
    """A block of the LZ4 format, which must unpack to `size` bytes."""
    result = bytearray()
    position = 0

    def extended(length: int) -> int:
        nonlocal position
        if length == 15:
            while (more := data[position]) == 255:
                length, position = length + 255, position + 1
            length, position = length + more, position + 1
        return length

    while position < len(data):
        token = data[position]
        position += 1
        literals = extended(token >> 4)
        result += data[position : position + literals]
        position += literals
        if position >= len(data):
            break
        offset = data[position] | data[position + 1] << 8
        position += 2
        length = 4 + extended(token & 15)
        if not 0 < offset <= len(result) or len(result) + length > size:
            break
        pattern = result[len(result) - offset :]
        result += (pattern * (length // offset + 1))[:length]
    if len(result) != size:
        raise ValueError("the names do not unpack")
    return bytes(result)


class _Declarations:
    """The declarations of a file, read one after the other.

    variables, handles : the variables, and the handle of each
    signals : number of signals that they have
    """

    def __init__(self, text: bytes) -> None:
        self.variables: list[Variable] = []
        self.handles: list[int] = []
        self.signals = 0
        self._text, self._position = text, 0
        self._scope: list[tuple[str, ...]] = [()]
        self._handle_count = 0
        self._first_of: dict[int, tuple[int, int]] = {}  # signal and width by handle
        while self._position < len(text):
            tag = text[self._position]
            self._position += 1
            if tag == _SCOPE:
                self._begin_scope()
            elif tag == _UPSCOPE:
                self._end_scope()
            elif tag == _ATTRIBUTE_BEGIN:
                self._position += 2
                self._string()
                self._number()
            elif tag != _ATTRIBUTE_END:
                self._variable(is_net=tag not in _NO_NETS)

    def _string(self) -> str:
        end = self._text.index(b"\0", self._position)
        begin, self._position = self._position, end + 1
        return " ".join(self._text[begin:end].decode("latin-1").split())

    def _number(self) -> int:
        number, self._position = _varint(self._text, self._position)
        return number

    def _begin_scope(self) -> None:
        self._position += 1
        name = self._string().removeprefix("\\")
        self._string()
        if len(self._scope) > MAX_DEPTH:
            raise ValueError(f"scopes are nested more than {MAX_DEPTH} deep")
        self._scope.append((*self._scope[-1], name) if name else self._scope[-1])

    def _end_scope(self) -> None:
        if len(self._scope) == 1:
            raise ValueError("a scope ends that has not begun")
        self._scope.pop()

    def _variable(self, *, is_net: bool) -> None:
        self._position += 1
        name, width, alias = self._string(), self._number(), self._number()
        self._handle_count += alias == 0
        handle = (alias or self._handle_count) - 1
        if not is_net or not 0 < width <= MAX_WIDTH:
            return
        placed = name_and_indices(name, width)
        if isinstance(placed, str):
            raise ValueError(placed)
        first, known = self._first_of.setdefault(handle, (self.signals, width))
        if known != width or handle >= self._handle_count:
            raise ValueError(f"{name!r} is an alias of a signal of another width")
        self.signals = max(self.signals, first + width)
        if self.signals > FREE_BITS + len(self._text):
            raise ValueError(f"more than {FREE_BITS + len(self._text):,} bits are declared")
        self.variables.append(
            Variable(
                scope=self._scope[-1],
                name=placed[0].removeprefix("\\"),
                width=width,
                indices=placed[1],
                first=first,
            )
        )
        self.handles.append(handle)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and the position after it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position
        if shift > 63:
            raise ValueError("a number is too long")


def _pauses(block: bytes, last_time: int) -> tuple[tuple[int, int], ...]:
    """From $dumpoff to $dumpon, or to the end."""
    pauses: list[tuple[int, int]] = []
    if not block:
        return ()
    count, position = _varint(block, 0)
    time, since = 0, None
    for _ in range(count):
        is_on = block[position] != 0
        delta, position = _varint(block, position + 1)
        time += delta
        if not is_on and since is None:
            since = time
        elif is_on and since is not None:
            pauses.append((since, time))
            since = None
    if since is not None and since < last_time:
        pauses.append((since, last_time))
    return tuple(pauses)
