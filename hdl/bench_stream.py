"""What the benches of pipelines share: operands in with `valid`, results out some cycles later.

A case gives the words at the ports in every cycle, also in those without `valid`, in which they
must not count. Cases that are hard to get right come first, then reset at work, then the workload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hdl.testbench import RESET_CYCLES, passed, play, reset, start


@dataclass(frozen=True, kw_only=True)
class Case:
    """Words at the ports, cycle by cycle, and what must come out.

    words : of each input port, one a cycle
    valid : bool[cycle], which of them count
    expected : of each output port, one for each that counts, in order
    """

    words: Mapping[str, Sequence[int]]
    valid: np.ndarray
    expected: Mapping[str, Sequence[int]]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """The timing of a block: results `latency_cycles` after their operands, with `out_valid`."""

    latency_cycles: int
    out_valid: str
    outputs: tuple[str, ...]

    def stimulus(self, case: Case) -> dict[str, list[int]]:
        """Input words for a case, then time for the last result to come out."""
        # What follows the last operands is not zero: were it used, it would show.
        tail = range(self.latency_cycles)
        words = {name: [*given, *(given[0] for _ in tail)] for name, given in case.words.items()}
        return words | {"valid": [*map(int, case.valid), *(0 for _ in tail)]}

    def check(self, case: Case, seen: Mapping[str, Sequence[int]]) -> None:
        """Raise AssertionError unless every result came when it should and is right."""
        expected = np.append(np.zeros(self.latency_cycles, bool), case.valid)
        wrong = np.flatnonzero(np.array(seen[self.out_valid]) != expected)
        if len(wrong):
            raise AssertionError(
                f"{self.out_valid} differs in {len(wrong)} cycles, first in cycle {wrong[0]}"
            )
        for name in self.outputs:
            got = [seen[name][cycle] for cycle in np.flatnonzero(expected)]
            pairs = zip(got, case.expected[name], strict=True)
            bad = [(index, *pair) for index, pair in enumerate(pairs) if pair[0] != pair[1]]
            if bad:
                index, found, right = bad[0]
                raise AssertionError(
                    f"{len(bad)} of {len(got)} words of {name} differ; the first, number {index}, "
                    f"is {found:#x}, not {right:#x}"
                )


async def stream_test(dut: Any, stream: Stream, hard: Sequence[Case], job: Case) -> None:
    """Play the hard cases, resets in the midst of them, and the workload; check everything."""
    watch = [stream.out_valid, *stream.outputs]
    runs = [(hard[0], stream.latency_cycles, 0), *((case, None, 1) for case in hard)]
    cycle = 0
    await start(dut)
    for case, cut, inputs in [*runs, (job, None, 0)]:
        words = {name: given[:cut] for name, given in stream.stimulus(case).items()}
        await reset(dut, list(words), inputs)
        for seen in await play(dut, words, watch):
            if cut is None:
                stream.check(case, seen)
        first_cycle = cycle + RESET_CYCLES
        cycle = first_cycle + len(words["valid"])
    passed(first_cycle=first_cycle, cycles=len(words["valid"]))


def case(
    valid: np.ndarray,
    words: Mapping[str, np.ndarray],
    reference: Callable[..., Mapping[str, np.ndarray]],
) -> Case:
    """A case of one number a port, its results computed from those that count."""
    counted = {name: given[valid] for name, given in words.items()}
    return Case(
        words={name: given.tolist() for name, given in words.items()},
        valid=valid,
        expected={name: given.tolist() for name, given in reference(**counted).items()},
    )
