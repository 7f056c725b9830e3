"""Inputs of many runs for tests of side channels, from the recorded run of a block's bench.

All runs repeat the recorded controls. Ports of data carry the recorded words in the fixed class and
random words in the other; a masked word is shared anew in every run; ports of randomness are random
in both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, UInt64s
from chipdse.errors import DesignError
from chipdse.netlist.activity.recording import Recording
from chipdse.netlist.activity.runs.plan import RunPlan

_SHARE = re.compile(r"(.+)_share_(\d+)")
_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
RANDOM = "random"


@dataclass(frozen=True, kw_only=True, eq=False)
class Word:
    """A word of data at the inputs.

    shares : inputs of each share; the word is their XOR
    begins : [rows] where a new word begins: it is drawn and shared anew
    is_secret : [rows] where it is random in the runs that are not fixed
    """

    shares: tuple[slice, ...]
    begins: Bools
    is_secret: Bools


@dataclass(frozen=True, kw_only=True, eq=False)
class Stimuli:
    """What the runs of a test have at their inputs.

    recorded : [rows, inputs] bits of the recorded run
    words : of data
    fresh : inputs of random bits
    """

    recorded: Bools
    words: tuple[Word, ...]
    fresh: tuple[slice, ...]

    @property
    def cycles(self) -> int:
        """Clock cycles of a run: edges between the rows."""
        return len(self.recorded) - 1

    def draw(
        self, random: np.random.Generator, is_fixed: UInt64s, *, masked: bool = True
    ) -> UInt64s:
        """Inputs [rows, inputs, words] of runs, 64 per word.

        Parameters
        ----------
        is_fixed : [words] runs of the fixed class
        masked : False shares nothing (the first share is the word) and holds random bits at 0
        """
        rows, words = len(self.recorded), len(is_fixed)
        sources = np.repeat(np.where(self.recorded, _ALL, np.uint64(0))[:, :, None], words, axis=2)
        for word in self.words:
            value = np.bitwise_xor.reduce([sources[:, part] for part in word.shares])
            which, width = np.cumsum(word.begins) - 1, value.shape[1]
            new = int(word.begins.sum())
            other = _random(random, new, width, words)[which]
            chosen = np.where(word.is_secret[:, None], ~is_fixed, np.uint64(0))[:, None]
            value = (value & ~chosen) | (other & chosen)
            for part in word.shares[1:]:
                share = _random(random, new, width, words)[which]
                sources[:, part] = share if masked else 0
                value = value ^ sources[:, part]
            sources[:, word.shares[0]] = value
        for part in self.fresh:
            width = part.stop - part.start
            bits = _random(random, rows, width, words)
            sources[:, part] = bits if masked else 0
        return sources


def recorded_stimuli(
    run_plan: RunPlan,
    recording: Recording,
    *,
    first_row: int,
    cycles: int,
    secret: Collection[str],
    fresh: Collection[str] = (),
) -> Stimuli:
    """Stimuli that repeat some cycles of a recording.

    Parameters
    ----------
    first_row : before the first edge
    secret : words of data: a port, or the name before ``_share_0``; ``port@3`` is the word that is
        at the port in cycle 3 alone, ``port@3-9`` those of cycles 3 to 9
    fresh : ports of random bits besides one called ``random``

    Raises
    ------
    DesignError : there is no such port, or the cycles are not in the recording
    """
    rows = np.arange(first_row, first_row + cycles + 1)
    if cycles < 1 or rows[-1] >= recording.rows:
        raise DesignError(
            f"{cycles} cycles from {first_row}: the recording has {recording.rows - 1 - first_row}"
        )
    bits = np.unpackbits(
        np.ascontiguousarray(recording.words[rows]).view(np.uint8), axis=1, bitorder="little"
    )
    recorded = np.zeros((len(rows), len(run_plan.inputs)), dtype=bool)
    for name, part in run_plan.ports.items():
        signal = recording.signals[name]
        recorded[:, part] = bits[:, signal.offset : signal.offset + signal.width]
    known = _shares(run_plan.ports)
    spans: dict[str, Bools] = {}
    for text in secret:
        name, _, span = text.partition("@")
        if name not in known:
            raise DesignError(f"secret {text!r} is no input; use one of {', '.join(known)}")
        inside = spans.setdefault(name, np.zeros(len(rows), dtype=bool))
        inside |= _within(len(rows), span, text)
    words = []
    for name, shares in known.items():
        if name not in spans and len(shares) == 1:
            continue
        value = np.bitwise_xor.reduce([recorded[:, part] for part in shares])
        begins = np.append(True, (value[1:] != value[:-1]).any(axis=1))
        is_secret = spans.get(name, np.zeros(len(rows), dtype=bool))
        words.append(Word(shares=shares, begins=begins, is_secret=is_secret))
    for name in fresh:
        if name not in run_plan.ports:
            raise DesignError(f"random port {name!r} is no input; use {', '.join(run_plan.ports)}")
    random_ports = [*fresh, *([RANDOM] if RANDOM in run_plan.ports else [])]
    return Stimuli(
        recorded=recorded,
        words=tuple(words),
        fresh=tuple(run_plan.ports[name] for name in dict.fromkeys(random_ports)),
    )


def _within(rows: int, span: str, text: str) -> Bools:
    """The rows of ``3`` or ``3-9``; all of an empty text."""
    first, _, last = (span or f"0-{rows - 1}").partition("-")
    last = last or first
    if not (first.isdigit() and last.isdigit() and int(first) <= int(last) < rows):
        raise DesignError(f"secret {text!r}: write PORT@CYCLE or PORT@FIRST-LAST up to {rows - 1}")
    inside = np.zeros(rows, dtype=bool)
    inside[int(first) : int(last) + 1] = True
    return inside


def _shares(ports: Mapping[str, slice]) -> dict[str, tuple[slice, ...]]:
    """Share ports of every word, by the word's name; a port without shares is a word."""
    shares: dict[str, dict[int, slice]] = {}
    for name, part in ports.items():
        match = _SHARE.fullmatch(name)
        word, number = (match[1], int(match[2])) if match else (name, 0)
        shares.setdefault(word, {})[number] = part
    return {word: tuple(parts[n] for n in sorted(parts)) for word, parts in shares.items()}


def _random(random: np.random.Generator, *shape: int) -> UInt64s:
    return random.integers(0, 2**64, shape, dtype=np.uint64)
