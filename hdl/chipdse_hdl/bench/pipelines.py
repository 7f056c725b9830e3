"""What the benches of pipelines share: operands in with `valid`, results out some cycles later.

A case gives the words at the ports in every cycle, also in those without `valid`, in which they
must not count. Cases that are hard to get right come first, then reset at work, then the workload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chipdse_hdl.bench.testbench import Run, play_runs


@dataclass(frozen=True, kw_only=True)
class Case:
    """Words at the ports, cycle by cycle, and what must come out.

    words : of each input port, one per cycle
    valid : bool[cycle], which of them count
    expected : of each output port, one for each that counts, in order
    """

    words: Mapping[str, Sequence[int]]
    valid: np.ndarray
    expected: Mapping[str, Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The timing of a block: results `latency_cycles` after their operands, with `out_valid`.

    interval_cycles, ready : of a block that is busy for a while with what it accepted
    """

    latency_cycles: int
    out_valid: str
    outputs: tuple[str, ...]
    interval_cycles: int = 1
    ready: str | None = None

    @property
    def watch(self) -> list[str]:
        """The ports to look at."""
        return [self.out_valid, *self.outputs, *([self.ready] if self.ready else [])]

    def stimulus(self, case: Case) -> dict[str, list[int]]:
        """Input words for a case, then time for the last result to come out."""
        # What follows the last operands is not zero: were it used, it would show.
        tail = range(self.latency_cycles)
        step = self.interval_cycles
        words = {}
        for name, given in case.words.items():
            # A busy block is offered what follows already, and must not take it.
            shown = [word for pair in _pairs(given) for word in [pair[0], *[pair[1]] * (step - 1)]]
            words[name] = [*shown, *(given[0] for _ in tail)]
        valid = [bit for v in case.valid for bit in [int(v)] + [int(v)] * (step - 1)]
        return words | {"valid": [*valid, *(0 for _ in tail)]}

    def _accepted(self, case: Case) -> np.ndarray:
        """In which cycles operands are accepted, bool[cycle], latency included."""
        spaced = np.zeros((len(case.valid), self.interval_cycles), bool)
        spaced[:, 0] = case.valid
        return np.append(spaced.ravel(), np.zeros(self.latency_cycles, bool))

    def check(self, case: Case, seen: Mapping[str, Sequence[int]]) -> None:
        """Raise AssertionError unless every result came when it should and is right."""
        accepted = self._accepted(case)
        expected = np.roll(accepted, self.latency_cycles)
        _check_bits(self.out_valid, seen, expected)
        if self.ready:
            busy = sum(np.roll(accepted, k) for k in range(1, self.interval_cycles))
            _check_bits(self.ready, seen, np.asarray(busy) == 0)
        for name in self.outputs:
            got = [seen[name][cycle] for cycle in np.flatnonzero(expected)]
            pairs = zip(got, case.expected[name], strict=True)
            bad = [(index, *pair) for index, pair in enumerate(pairs) if pair[0] != pair[1]]
            if bad:
                index, value, right = bad[0]
                raise AssertionError(
                    f"{len(bad)} of {len(got)} words of {name} differ; the first, number {index}, "
                    f"is {value:#x}, not {right:#x}"
                )


def _first(case: Case, count: int) -> Case:
    """The first operands of a case, all of which count."""
    return Case(
        words={name: given[:count] for name, given in case.words.items()},
        valid=case.valid[:count],
        expected={name: given[: case.valid[:count].sum()] for name, given in case.expected.items()},
    )


def _pairs(words: Sequence[int]) -> list[tuple[int, int]]:
    """Each word and the next."""
    return list(zip(words, [*words[1:], words[0]], strict=True))


def _check_bits(name: str, seen: Mapping[str, Sequence[int]], expected: np.ndarray) -> None:
    wrong = np.flatnonzero(np.array(seen[name]) != expected)
    if len(wrong):
        raise AssertionError(f"{name} differs in {len(wrong)} cycles, first in cycle {wrong[0]}")


def stream_runs(stream: Stream, hard: Sequence[Case], job: Case) -> list[Run]:
    """The hard cases, resets in the midst of them, and the workload, each with its check."""

    def run(case: Case, cut: int | None = None, inputs: int = 1) -> Run:
        check = partial(stream.check, case) if cut is None else None
        return Run(stimulus=stream.stimulus(case), check=check, cut=cut, inputs=inputs)

    runs = []
    for later in range(stream.interval_cycles):  # with work in every register there is
        runs += [run(hard[0], stream.latency_cycles + later, 0), run(_first(hard[0], 2))]
    runs += [run(case) for case in hard]
    return [*runs, run(job, inputs=0)]


async def stream_test(dut: Any, stream: Stream, hard: Sequence[Case], job: Case) -> None:
    """Play the hard cases, resets in the midst of them, and the workload; check everything."""
    await play_runs(dut, stream_runs(stream, hard, job), stream.watch)


def case(
    valid: np.ndarray,
    words: Mapping[str, np.ndarray],
    reference: Callable[..., Mapping[str, np.ndarray]],
) -> Case:
    """A case of one number per port, its results computed from those that count."""
    counted = {name: given[valid] for name, given in words.items()}
    return Case(
        words={name: given.tolist() for name, given in words.items()},
        valid=valid,
        expected={name: given.tolist() for name, given in reference(**counted).items()},
    )
