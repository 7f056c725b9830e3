"""Decode the value changes of a VCD trace with array operations, a block of text at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ZERO, ONE, UNKNOWN = 0, 1, 2
_BAD = 255
# What a value character means.
_VALUE = np.full(256, _BAD, dtype=np.uint8)
for _characters, _meaning in ((b"0", ZERO), (b"1", ONE), (b"xXzZ", UNKNOWN)):
    _VALUE[list(_characters)] = _meaning
# What kind of token a first character starts.
_TIME, _SCALAR, _VECTOR, _REAL, _KEYWORD, _CODE = range(6)
_KIND = np.full(256, _BAD, dtype=np.uint8)
for _characters, _meaning in (
    (b"#", _TIME),
    (b"01xXzZ", _SCALAR),
    (b"bB", _VECTOR),
    (b"rR", _REAL),
    (b"$", _KEYWORD),
):
    _KIND[list(_characters)] = _meaning
_KEYWORDS = {b"$dumpvars", b"$dumpon", b"$dumpoff", b"$dumpall", b"$end"}
_LONGEST_TIME = 18
# Codes of up to three of the 94 printable characters are looked up in a table.
_LETTERS, _FIRST_LETTER = 94, 33
_TABLE_LETTERS = 3


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Value changes; those of one signal are in the order of the file.

    time : in time steps
    value : 0, 1, or 2 for X and Z
    first_time, last_time : of all time stamps so far; None before the first
    """

    time: NDArray[np.int64]
    signal: NDArray[np.int32]
    value: NDArray[np.uint8]
    first_time: int | None
    last_time: int | None


class BadToken(Exception):
    """Something in a block is no value change; `position` in bytes."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position, self.reason = position, reason


class ChangeDecoder:
    """Turns blocks of whole lines into changes; remembers the time between them."""

    def __init__(self, codes: dict[bytes, tuple[int, int]]) -> None:
        self._first_time: int | None = None
        self._time = 0
        self._first_signal = np.array([first for first, _ in codes.values()], dtype=np.int64)
        self._width = np.array([width for _, width in codes.values()], dtype=np.int64)
        self._table = np.full(sum(_LETTERS**n for n in range(_TABLE_LETTERS + 1)), -1, np.int32)
        self._long: dict[bytes, int] = {}
        for number, code in enumerate(codes):
            place = _table_place(code)
            if place is None:
                self._long[code] = number
            else:
                self._table[place] = number

    def decode(self, block: bytes) -> Changes:
        """The changes of a block of whole lines."""
        text = np.frombuffer(block, dtype=np.uint8)
        black = np.empty(len(text) + 2, dtype=np.bool_)
        black[0] = black[-1] = False
        np.greater(text, 32, out=black[1:-1])
        start = np.flatnonzero(black[1:-1] & ~black[:-2])
        end = np.flatnonzero(black[1:-1] & ~black[2:]) + 1
        kind = _token_kinds(text, start)
        self._check(block, text, start, end, kind)
        time = self._times(text, start, end, kind)

        scalar = np.flatnonzero(kind == _SCALAR)
        one_bit = self._numbers(block, text, start[scalar] + 1, end[scalar])
        wide = self._width[one_bit] != 1
        if wide.any():
            at = scalar[np.flatnonzero(wide)[0]]
            raise BadToken(int(start[at]), "one bit given for a vector or a real number")
        times = [time[scalar]]
        signals = [self._first_signal[one_bit]]
        values = [_VALUE[text[start[scalar]]]]
        tokens_of = []

        vector = np.flatnonzero(kind == _VECTOR)
        number = self._numbers(block, text, start[vector + 1], end[vector + 1])
        length = end[vector] - start[vector] - 1
        for width, given in sorted(
            set(zip(self._width[number].tolist(), length.tolist(), strict=True))
        ):
            chosen = np.flatnonzero((self._width[number] == width) & (length == given))
            tokens = vector[chosen]
            if not 0 < given <= width:
                reason = f"{given} bits given for a signal of {width}"
                raise BadToken(int(start[tokens[0]]), reason)
            bits = _VALUE[text[(start[tokens] + 1)[:, None] + np.arange(given)]]
            bad = (bits == _BAD).any(axis=1)
            if bad.any():
                raise BadToken(int(start[tokens[np.flatnonzero(bad)[0]]]), "not a binary value")
            # Leading bits left out are 0, or X if the first one given is X or Z.
            lead = np.where(bits[:, :1] == UNKNOWN, UNKNOWN, ZERO).astype(np.uint8)
            bits = np.concatenate([np.repeat(lead, width - given, axis=1), bits], axis=1)
            first = self._first_signal[number[chosen]]
            times.append(np.repeat(time[tokens], width))
            tokens_of.append(np.repeat(tokens, width))
            signals.append((first[:, None] + np.arange(width)).ravel())
            values.append(bits.ravel())
        if len(signals) > 2:  # a signal's values may differ in length: back into file order
            order = np.argsort(np.concatenate(tokens_of), kind="stable")
            times[1:] = [np.concatenate(times[1:])[order]]
            signals[1:] = [np.concatenate(signals[1:])[order]]
            values[1:] = [np.concatenate(values[1:])[order]]
        return Changes(
            time=np.concatenate(times),
            signal=np.concatenate(signals).astype(np.int32),
            value=np.concatenate(values),
            first_time=self._first_time,
            last_time=self._time if self._first_time is not None else None,
        )

    def _check(
        self,
        block: bytes,
        text: NDArray[np.uint8],
        start: NDArray[np.int64],
        end: NDArray[np.int64],
        kind: NDArray[np.uint8],
    ) -> None:
        """Raise for the first token that is nothing a trace may hold."""
        bad = np.flatnonzero(kind == _BAD)
        if len(bad):
            token = block[start[bad[0]] : end[bad[0]]][:40].decode("latin-1")
            raise BadToken(int(start[bad[0]]), f"expected a value change, got {token!r}")
        for at in np.flatnonzero(kind == _KEYWORD):
            if (token_bytes := block[start[at] : end[at]]) not in _KEYWORDS:
                word = token_bytes[:40].decode("latin-1")
                raise BadToken(int(start[at]), f"expected a value change, got {word!r}")
        if len(kind) and kind[-1] in (_VECTOR, _REAL):
            raise BadToken(int(start[-1]), "a value without the code of its signal")

    def _times(
        self,
        text: NDArray[np.uint8],
        start: NDArray[np.int64],
        end: NDArray[np.int64],
        kind: NDArray[np.uint8],
    ) -> NDArray[np.int64]:
        """The time of every token."""
        is_time = kind == _TIME
        stamps = np.flatnonzero(is_time)
        if not len(stamps):
            return np.full(len(start), self._time, dtype=np.int64)
        begin, length = start[stamps] + 1, end[stamps] - start[stamps] - 1
        value = np.zeros(len(stamps), dtype=np.int64)
        for digit in range(int(length.max(initial=0))):
            if digit >= _LONGEST_TIME:
                raise BadToken(int(start[stamps[length.argmax()]]), "the time stamp is too long")
            on = length > digit
            figure = text[np.where(on, begin + digit, begin)].astype(np.int64) - ord("0")
            bad = on & ((figure < 0) | (figure > 9))
            if bad.any():
                raise BadToken(int(start[stamps[np.flatnonzero(bad)[0]]]), "not a time stamp")
            value = np.where(on, value * 10 + figure, value)
        if (length == 0).any():
            raise BadToken(int(start[stamps[np.flatnonzero(length == 0)[0]]]), "not a time stamp")
        if self._first_time is None:
            self._first_time = self._time = int(value[0])
        all_times = np.concatenate([[self._time], value])
        back = np.flatnonzero(np.diff(all_times) < 0)
        if len(back):
            raise BadToken(int(start[stamps[back[0]]]), "the time goes back")
        self._time = int(value[-1])
        time: NDArray[np.int64] = all_times[np.cumsum(is_time)]
        return time

    def _numbers(
        self,
        block: bytes,
        text: NDArray[np.uint8],
        start: NDArray[np.int64],
        end: NDArray[np.int64],
    ) -> NDArray[np.int32]:
        """Positions of the codes among the header's."""
        length = end - start
        place = np.zeros(len(start), dtype=np.int64)
        short = np.minimum(length, _TABLE_LETTERS)
        for letter in range(_TABLE_LETTERS):
            on = short > letter
            value = text[np.where(on, start + letter, 0)].astype(np.int64) - _FIRST_LETTER
            value = np.clip(value, 0, _LETTERS - 1)  # bytes beyond 126 are caught as unknown
            place = np.where(on, place * _LETTERS + value + 1, place)
        number = np.where(length > 0, self._table[place], -1).astype(np.int32)
        for at in np.flatnonzero(length > _TABLE_LETTERS):
            number[at] = self._long.get(block[start[at] : end[at]], -1)
        unknown = np.flatnonzero(number < 0)
        if len(unknown):
            at = unknown[0]
            code = block[start[at] : end[at]][:20].decode("latin-1")
            reason = f"code {code!r} is not declared" if code else "a value without a code"
            raise BadToken(int(start[at]), reason)
        return number


def _token_kinds(text: NDArray[np.uint8], start: NDArray[np.int64]) -> NDArray[np.uint8]:
    """What each token is; the one after a vector or a real is its code, whatever it looks like."""
    kind = _KIND[text[start]]
    led = (kind == _VECTOR) | (kind == _REAL)
    place = np.arange(len(kind))
    last_other = np.maximum.accumulate(np.where(led, -1, place)) if len(kind) else place
    value = led & ((place - last_other) % 2 == 1)
    kind[1:][value[:-1]] = _CODE
    return kind


def _table_place(code: bytes) -> int | None:
    """A short code's place in the table: its letters as digits 1 to 94."""
    if len(code) > _TABLE_LETTERS or not all(_FIRST_LETTER <= c < 127 for c in code):
        return None
    place = 0
    for letter in code:
        place = place * _LETTERS + letter - _FIRST_LETTER + 1
    return place
