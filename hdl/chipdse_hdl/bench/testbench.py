"""What the cocotb benches share: parameters in, one word per port and cycle, the result out.

The calls into the simulator are most of a bench's time, so a bench computes its stimulus as arrays
beforehand, `play` writes and reads whole ports once a cycle, and everything is compared at the end.
"""

from __future__ import annotations

import json
import operator
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

RESET_CYCLES = 1  # the hardest: in a longer reset neighbours would clear a register it misses
_UNKNOWN = re.compile("[^01]")


def records(parameters: type, workload: type) -> tuple[Any, Any]:
    """The parameter and workload records, from the JSON in HDL_PARAMETERS and HDL_WORKLOAD."""
    return (
        parameters(**json.loads(os.environ.get("HDL_PARAMETERS", "{}"))),
        workload(**json.loads(os.environ.get("HDL_WORKLOAD", "{}"))),
    )


def pack(values: np.ndarray, bits: int) -> list[int]:
    """Each row of `values` as one word, the first number in the least significant bits."""
    rows, count = values.shape
    ones = (values[..., None] >> np.arange(bits)) & 1
    words = np.packbits(
        ones.astype(np.uint8).reshape(rows, count * bits), axis=1, bitorder="little"
    )
    return [int.from_bytes(word.tobytes(), "little") for word in words]


def unpack(words: Sequence[int], bits: int, count: int, is_signed: bool) -> np.ndarray:
    """The inverse of `pack`: int64[word, number]."""
    size = -(-bits * count // 8)
    raw = np.frombuffer(b"".join(word.to_bytes(size, "little") for word in words), np.uint8)
    ones = np.unpackbits(raw.reshape(-1, size), axis=1, count=bits * count, bitorder="little")
    weights = 1 << np.arange(bits, dtype=np.int64)
    if is_signed:
        weights[-1] = -weights[-1]
    return ones.reshape(-1, count, bits).astype(np.int64) @ weights


def extremes(
    random: np.random.Generator, bits: int, is_signed: bool, shape: tuple[int, ...]
) -> np.ndarray:
    """Numbers over the whole range, half of them at its ends."""
    lowest = -(2 ** (bits - 1)) if is_signed else 0
    highest = lowest + 2**bits - 1
    values = random.integers(lowest, highest, shape, endpoint=True)
    return np.where(random.random(shape) < 0.5, random.choice([lowest, highest], shape), values)


async def start(dut: Any) -> None:
    """Start the clock, with rising edge 0 half a period after time zero."""
    dut.clk.value = 0
    # The period stands for nothing: the clock's real one is chosen after simulation.
    cocotb.start_soon(Clock(dut.clk, 2, unit="ns").start(start_high=False))


async def reset(dut: Any, inputs: Sequence[str], value: int) -> None:
    """Hold the reset for RESET_CYCLES rising edges, with all inputs at 0 or 1: none may count."""
    dut.rst.value = 1
    for name in inputs:
        getattr(dut, name).value = value
    for _ in range(RESET_CYCLES):
        await RisingEdge(dut.clk)
        await FallingEdge(dut.clk)
    dut.rst.value = 0


async def play(
    dut: Any, stimulus: Mapping[str, Sequence[int]], watch: Sequence[str]
) -> list[dict[str, list[int]]]:
    """Drive ports with one word per cycle and return what the watched outputs were.

    One reading of them if every bit was known. Bits that are not (of registers without reset,
    before they are used, in simulators with X) are 0 in a first and 1 in a second reading, and
    a check must pass on both.

    Word n is sampled by the hardware at the n-th rising edge from now, and word n of a watched
    output is what a register outside would sample at that edge. Ports are read and written at the
    falling edge before it, because simulators differ in what can be seen at the rising edge.
    Watched outputs must not depend on inputs of the same cycle.
    """
    edge = FallingEdge(dut.clk)
    outputs = [getattr(dut, name) for name in watch]
    seen: list[list[Any]] = [[] for _ in watch]
    readers = list(zip([record.append for record in seen], outputs, strict=True))
    columns = integers(stimulus)
    writers = [(getattr(dut, name), iter(words)) for name, words in columns.items()]
    written: list[int | None] = [None] * len(writers)
    for cycle in range(len(next(iter(columns.values())))):
        for index, (port, words) in enumerate(writers):
            word = next(words)
            if word != written[index]:
                try:
                    port.value = written[index] = word
                except (OverflowError, ValueError) as error:
                    name = list(columns)[index]
                    raise ValueError(f"{name} cannot be {word} in cycle {cycle}: {error}") from None
        for record, port in readers:
            record(port.value)
        await edge
    try:
        return [{name: list(map(int, record)) for name, record in zip(watch, seen, strict=True)}]
    except ValueError:  # a bit is X or Z
        return [
            {
                name: [int(_UNKNOWN.sub(digit, str(value)), 2) for value in record]
                for name, record in zip(watch, seen, strict=True)
            }
            for digit in "01"
        ]


def integers(stimulus: Mapping[str, Sequence[Any]]) -> dict[str, list[int]]:
    """The words of each port as integers of Python; those of NumPy are accepted.

    Raises
    ------
    TypeError : a word is not an integer
    ValueError : a port has fewer words than the first
    """
    columns: dict[str, list[int]] = {}
    for name, words in stimulus.items():
        column: list[int] = []
        for word in words:
            try:
                column.append(operator.index(word))
            except TypeError:
                raise TypeError(
                    f"{name} is {word!r} in cycle {len(column)}, which is not an integer; "
                    "write e.g. numbers.astype(int).tolist()"
                ) from None
        columns[name] = column
    first = next(iter(columns))
    for name, column in columns.items():
        if len(column) < len(columns[first]):
            raise ValueError(
                f"{name} has {len(column)} words and {first} has {len(columns[first])}; "
                "give each as many words"
            )
    return columns


@dataclass(frozen=True, kw_only=True)
class Run:
    """What follows one reset.

    stimulus : of each input port, one word per cycle
    check : is given what the watched outputs were, and raises AssertionError unless they are
        right; None: nobody looks
    cut : after so many cycles comes the next reset, in the midst of work; None: at the end
    inputs : what all inputs are during the reset before it, where they must not count; None: 0
        before the workload, 1 before the run ahead of it, and so on in turn
    phases : names of its phases, by the cycle in which each begins; for traces of the workload
    """

    stimulus: Mapping[str, Sequence[int]]
    check: Callable[[dict[str, list[int]]], None] | None
    cut: int | None = None
    inputs: int | None = None
    phases: Mapping[int, str] = field(default_factory=dict)


def compared(
    stimulus: Mapping[str, Sequence[int]],
    expected: Mapping[str, Sequence[int | None]],
    cut: int | None = None,
    phases: Mapping[int, str] | None = None,
) -> Run:
    """A run whose outputs are compared in every cycle, those with None excepted."""
    check = partial(check_ports, expected)
    return Run(stimulus=stimulus, check=check, cut=cut, phases=phases or {})


def check_ports(expected: Mapping[str, Sequence[int | None]], seen: dict[str, list[int]]) -> None:
    """Raise AssertionError unless every output was right in every cycle so far; None: anything."""
    for name, column in expected.items():
        for cycle, (got, right) in enumerate(zip(seen[name], column, strict=False)):
            if right is not None and got != right:
                raise AssertionError(
                    f"{name} differs in cycle {cycle}: {got:#x}, not {int(right):#x}"
                )


async def play_runs(dut: Any, runs: Sequence[Run], watch: Sequence[str]) -> None:
    """Play each run after a reset of its own, and report the last one, the workload."""
    cycle = first_cycle = 0
    await start(dut)
    for ahead, run in zip(reversed(range(len(runs))), runs, strict=True):
        words = {name: column[: run.cut] for name, column in run.stimulus.items()}
        await reset(dut, list(words), ahead % 2 if run.inputs is None else run.inputs)
        for seen in await play(dut, words, watch):
            if run.check:
                run.check(seen)
        first_cycle = cycle + RESET_CYCLES
        cycle = first_cycle + len(next(iter(words.values())))
    passed(first_cycle=first_cycle, cycles=cycle - first_cycle, phases=runs[-1].phases)


def passed(*, first_cycle: int, cycles: int, phases: Mapping[int, str] | None = None) -> None:
    """Report success and the window of rising edges, from 0, in which the workload ran.

    Parameters
    ----------
    phases : names of the workload's phases, by the cycle of the window in which each begins; names
        may come again. What is before the first one has no name.

    Raises
    ------
    ValueError : a phase begins outside the window
    """
    for cycle, name in (phases or {}).items():
        if not 0 <= cycle < cycles:
            raise ValueError(f"phase {name!r} begins in cycle {cycle}; the run has {cycles}")
    result: dict[str, Any] = {"first_cycle": first_cycle, "cycles": cycles}
    if phases:
        result["phases"] = [[int(cycle), str(name)] for cycle, name in sorted(phases.items())]
    path = os.environ.get("HDL_RESULT")
    if path:
        Path(path).write_text(json.dumps(result))
