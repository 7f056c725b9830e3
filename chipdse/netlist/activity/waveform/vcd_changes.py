"""Decode the value changes of a VCD trace with array operations, a block of text at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Int32s, Int64s, UInt8s

ZERO, ONE, UNKNOWN, UNSEEN = 0, 1, 2, 3
_BAD = 255
# What a value character means.
_VALUE = np.full(256, _BAD, dtype=np.uint8)
# VHDL's weak values count as the strong ones.
for _characters, _meaning in ((b"0lL", ZERO), (b"1hH", ONE), (b"xXzZuUwW-", UNKNOWN)):
    _VALUE[list(_characters)] = _meaning
# What kind of token a first character starts.
_TIME, _SCALAR, _VECTOR, _REAL, _KEYWORD, _CODE = range(6)
_KIND = np.full(256, _BAD, dtype=np.uint8)
for _characters, _meaning in (
    (b"#", _TIME),
    (b"01xXzZuUwWlLhH-", _SCALAR),
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
    value : 0, 1, 2 for X and Z, or 3 from where nothing is recorded ($dumpoff)
    first_time, last_time : of all time stamps so far; None before the first
    """

    time: Int64s
    signal: Int32s
    value: UInt8s
    first_time: int | None
    last_time: int | None


class BadToken(Exception):
    """Something in a block is no value change; `position` in bytes."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position, self.reason = position, reason


@dataclass(frozen=True, kw_only=True, eq=False)
class _Tokens:
    """The words of a block of lines.

    start, end : places in the block
    kind : see `_token_kinds`
    time : of each word's line
    hidden : whether a word lies where nothing is recorded; None if all words count
    """

    block: bytes
    text: UInt8s
    start: Int64s
    end: Int64s
    kind: UInt8s
    time: Int64s
    hidden: Bools | None


def _vector_bits(tokens: _Tokens, chosen: Int64s, width: int, given: int) -> UInt8s:
    """The values of vectors of one width that give the same number of bits [vector, bit]."""
    start = tokens.start
    if not 0 < given <= width:
        raise BadToken(int(start[chosen[0]]), f"{given} bits given for a signal of {width}")
    bits = _VALUE[tokens.text[(start[chosen] + 1)[:, None] + np.arange(given)]]
    bad = (bits == _BAD).any(axis=1)
    if bad.any():
        raise BadToken(int(start[chosen[np.flatnonzero(bad)[0]]]), "not a binary value")
    # Leading bits left out are 0, or X if the first one given is X or Z.
    lead = np.where(bits[:, :1] == UNKNOWN, UNKNOWN, ZERO).astype(np.uint8)
    bits = np.concatenate([np.repeat(lead, width - given, axis=1), bits], axis=1)
    if tokens.hidden is not None:
        bits[tokens.hidden[chosen]] = UNSEEN
    return bits


class ChangeDecoder:
    """Turns blocks of whole lines into changes; remembers the time between them."""

    def __init__(self, codes: dict[bytes, tuple[int, int]]) -> None:
        self._first_time: int | None = None
        self._time = 0
        self._off_since: int | None = None  # recorded time at which $dumpoff stopped the trace
        self._skipped = 0  # time without recording so far
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
        hidden = self._off(block, start, end, kind, time)
        tokens = _Tokens(
            block=block, text=text, start=start, end=end, kind=kind, time=time, hidden=hidden
        )
        scalars = self._scalars(tokens)
        self._check_reals(tokens)
        times, signals, values = zip(scalars, *self._vectors(tokens), strict=True)
        return Changes(
            time=np.concatenate(times),
            signal=np.concatenate(signals).astype(np.int32),
            value=np.concatenate(values),
            first_time=self._first_time,
            last_time=None if self._first_time is None else self._recorded_time(),
        )

    def _scalars(self, tokens: _Tokens) -> tuple[Int64s, Int64s, UInt8s]:
        """Time, signal and value of the changes of one bit, in the order of the file."""
        start = tokens.start
        scalar = np.flatnonzero(tokens.kind == _SCALAR)
        number = self._numbers(tokens.block, tokens.text, start[scalar] + 1, tokens.end[scalar])
        wide = self._width[number] > 1
        if wide.any():
            at = scalar[np.flatnonzero(wide)[0]]
            raise BadToken(int(start[at]), "one bit given for a vector or a real number")
        is_net = self._first_signal[number] >= 0  # the others are events, strings, ...
        scalar, number = scalar[is_net], number[is_net]
        value = _VALUE[tokens.text[start[scalar]]]
        if tokens.hidden is not None:
            value[tokens.hidden[scalar]] = UNSEEN
        return tokens.time[scalar], self._first_signal[number], value

    def _check_reals(self, tokens: _Tokens) -> None:
        """Refuse real numbers that are given for nets."""
        start, end = tokens.start, tokens.end
        real = np.flatnonzero(tokens.kind == _REAL)
        number = self._numbers(tokens.block, tokens.text, start[real + 1], end[real + 1])
        of_net = self._first_signal[number] >= 0
        if of_net.any():
            at = real[np.flatnonzero(of_net)[0]]
            raise BadToken(int(start[at]), "a real number given for a net")

    def _vectors(self, tokens: _Tokens) -> list[tuple[Int64s, Int64s, UInt8s]]:
        """Time, signal and value of the bits of vectors: none or one triple, in file order."""
        start, end = tokens.start, tokens.end
        vector = np.flatnonzero(tokens.kind == _VECTOR)
        number = self._numbers(tokens.block, tokens.text, start[vector + 1], end[vector + 1])
        is_net = self._first_signal[number] >= 0
        vector, number = vector[is_net], number[is_net]
        length = end[vector] - start[vector] - 1
        rows, signals, values = [], [], []
        for width, given in sorted(
            set(zip(self._width[number].tolist(), length.tolist(), strict=True))
        ):
            chosen = np.flatnonzero((self._width[number] == width) & (length == given))
            first = self._first_signal[number[chosen]]
            rows.append(np.repeat(vector[chosen], width))
            signals.append((first[:, None] + np.arange(width)).ravel())
            values.append(_vector_bits(tokens, vector[chosen], width, given).ravel())
        if not rows:
            return []
        row = np.concatenate(rows)
        # The values of a signal may differ in length: back into the order of the file.
        order = np.argsort(row, kind="stable")
        signal, value = np.concatenate(signals)[order], np.concatenate(values)[order]
        return [(tokens.time[row][order], signal, value)]

    def _recorded_time(self) -> int:
        """The last time stamp, less the time in which nothing was recorded."""
        return self._time - self._skipped if self._off_since is None else self._off_since

    def _off(
        self,
        block: bytes,
        start: Int64s,
        end: Int64s,
        kind: UInt8s,
        time: Int64s,
    ) -> Bools | None:
        """Take the time from $dumpoff to $dumpon out of `time`; which tokens lie in it, if any.

        The x that $dumpoff writes for every variable, and the values that $dumpon writes, are no
        transitions: between the two the trace has no values.
        """
        keywords = np.flatnonzero(kind == _KEYWORD)
        words = [block[start[at] : end[at]] for at in keywords]
        if self._off_since is None and b"$dumpoff" not in words:
            if self._skipped:
                time -= self._skipped
            return None
        raw, hidden = time.copy(), np.zeros(len(kind), dtype=np.bool_)
        begin = 0
        for at, word in zip([*keywords.tolist(), len(kind)], [*words, b""], strict=True):
            part = slice(begin, at)
            if self._off_since is None:
                time[part] -= self._skipped
            else:
                time[part], hidden[part] = self._off_since, True
            begin = at
            if word == b"$dumpoff" and self._off_since is None:
                self._off_since = int(raw[at]) - self._skipped
            elif word == b"$dumpon" and self._off_since is not None:
                self._skipped = int(raw[at]) - self._off_since
                self._off_since = None
        return hidden

    def _check(
        self,
        block: bytes,
        text: UInt8s,
        start: Int64s,
        end: Int64s,
        kind: UInt8s,
    ) -> None:
        """Raise for the first token that is nothing a trace may hold."""
        bad = np.flatnonzero(kind == _BAD)
        if len(bad):
            token = block[start[bad[0]] : end[bad[0]]][:40].decode("latin-1")
            raise BadToken(int(start[bad[0]]), f"expected a value change, got {token!r}")
        for at in np.flatnonzero(kind == _KEYWORD):
            if (token_bytes := block[start[at] : end[at]]) not in _KEYWORDS:
                if token_bytes.startswith((b"$dumpports", b"$vcdclose")):
                    reason = "this is an extended VCD (of $dumpports), which is not read"
                    raise BadToken(int(start[at]), reason)
                word = token_bytes[:40].decode("latin-1")
                raise BadToken(int(start[at]), f"expected a value change, got {word!r}")
        if len(kind) and kind[-1] in (_VECTOR, _REAL):
            raise BadToken(int(start[-1]), "a value without the code of its signal")

    def _times(
        self,
        text: UInt8s,
        start: Int64s,
        end: Int64s,
        kind: UInt8s,
    ) -> Int64s:
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
        time: Int64s = all_times[np.cumsum(is_time)]
        return time

    def _numbers(
        self,
        block: bytes,
        text: UInt8s,
        start: Int64s,
        end: Int64s,
    ) -> Int32s:
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


def _token_kinds(text: UInt8s, start: Int64s) -> UInt8s:
    """The kind of each token; a token after a vector or a real is always its code."""
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
