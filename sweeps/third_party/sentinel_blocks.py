"""The RISC-V core of the package `sentinel-cpu` as a block: it sorts words in memory.

The hardware is theirs (https://pypi.org/project/sentinel-cpu): a small microcoded RV32I core on a
Wishbone bus. The program is assembled here, and a model of the instructions it uses says what must
be written to memory and how many instructions that takes. `sentinel.toml` sweeps it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from chipdse_hdl.block import Block, Work, check_parameters, parameter
from sentinel_cpu.top import Top

DATA, DONE = 0x400, 0x200  # addresses of the words to sort, and of the mark at the end
CYCLES_PER_INSTRUCTION = 8  # about


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """There is nothing to choose about the core itself."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Insertion sort of random words."""

    length: int = parameter(10, "words to sort", minimum=2, maximum=200)
    seed: int = parameter(1, "of the words", minimum=0, maximum=2**32 - 1)

    def __post_init__(self) -> None:
        check_parameters(self)


def words(workload: Workload) -> list[int]:
    """What is sorted."""
    return np.random.default_rng(workload.seed).integers(0, 2**32, workload.length).tolist()


# name, destination or base, source, immediate or label
Line = tuple[str, int, int, int | str]
PROGRAM: tuple[Line | str, ...] = (
    ("addi", 1, 0, DATA),
    ("addi", 2, 1, "SIZE"),
    ("addi", 3, 1, 4),
    "outer",
    ("bgeu", 3, 2, "done"),
    ("lw", 4, 3, 0),
    ("addi", 5, 3, -4),
    "inner",
    ("bltu", 5, 1, "place"),
    ("lw", 6, 5, 0),
    ("bgeu", 4, 6, "place"),
    ("sw", 6, 5, 4),
    ("addi", 5, 5, -4),
    ("jal", 0, 0, "inner"),
    "place",
    ("sw", 4, 5, 4),
    ("addi", 3, 3, 4),
    ("jal", 0, 0, "outer"),
    "done",
    ("addi", 7, 0, 1),
    ("sw", 7, 0, DONE),
    "stop",
    ("jal", 0, 0, "stop"),
)


def program(length: int) -> list[Line]:
    """The instructions, labels replaced by the distance in bytes."""
    lines: list[Line] = []
    labels: dict[str, int] = {}
    for line in PROGRAM:
        if isinstance(line, str):
            labels[line] = 4 * len(lines)
        else:
            lines.append(line)
    values = {"SIZE": 4 * length}
    read_words = []
    for place, (name, a, b, given) in enumerate(lines):
        value = given
        if isinstance(given, str):
            value = values[given] if given in values else labels[given] - 4 * place
        read_words.append((name, a, b, value))
    return read_words


def machine_code(lines: list[Line]) -> list[int]:
    """RV32I encodings (the unprivileged specification, chapter 2.2 to 2.6)."""

    def bits(value: int, high: int, low: int) -> int:
        return (value >> low) & ((1 << (high - low + 1)) - 1)

    def i_type(opcode: int, funct: int, rd: int, rs1: int, value: int) -> int:
        return bits(value, 11, 0) << 20 | rs1 << 15 | funct << 12 | rd << 7 | opcode

    def sw(rs2: int, rs1: int, value: int) -> int:
        high, low = bits(value, 11, 5), bits(value, 4, 0)
        return high << 25 | rs2 << 20 | rs1 << 15 | 2 << 12 | low << 7 | 0x23

    def branch(funct: int, rs1: int, rs2: int, value: int) -> int:
        high = bits(value, 12, 12) << 6 | bits(value, 10, 5)
        low = bits(value, 4, 1) << 1 | bits(value, 11, 11)
        return high << 25 | rs2 << 20 | rs1 << 15 | funct << 12 | low << 7 | 0x63

    def jal(rd: int, value: int) -> int:
        upper = bits(value, 20, 20) << 19 | bits(value, 10, 1) << 9
        return (upper | bits(value, 11, 11) << 8 | bits(value, 19, 12)) << 12 | rd << 7 | 0x6F

    encode: dict[str, Callable[[int, int, Any], int]] = {
        "addi": lambda a, b, value: i_type(0x13, 0, a, b, value),
        "lw": lambda a, b, value: i_type(0x03, 2, a, b, value),
        "sw": sw,
        "bltu": lambda a, b, value: branch(6, a, b, value),
        "bgeu": lambda a, b, value: branch(7, a, b, value),
        "jal": lambda a, _, value: jal(a, value),
    }
    return [encode[name](a, b, value) for name, a, b, value in lines]


@cache
def reference(workload: Workload) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Instructions until the mark is written, and every write to memory: (address, word)."""
    lines, registers = program(workload.length), [0] * 32
    memory = {DATA + 4 * n: word for n, word in enumerate(words(workload))}
    writes: list[tuple[int, int]] = []
    at = count = 0
    while DONE not in memory:
        name, a, b, given = lines[at // 4]
        value, following = int(given), at + 4
        if name == "addi":
            registers[a] = (registers[b] + value) % 2**32
        elif name == "lw":
            registers[a] = memory[(registers[b] + value) % 2**32]
        elif name == "sw":
            memory[(registers[b] + value) % 2**32] = registers[a]
            writes.append(((registers[b] + value) % 2**32, registers[a]))
        elif name == "jal" or (registers[a] < registers[b]) == (name == "bltu"):
            following = at + value
        at, count = following, count + 1
    return count, tuple(writes)


def hardware(parameters: Parameters) -> Any:
    """Sentinel: a microcoded RV32I core, several cycles an instruction.

    Ports
    -----
    bus : Wishbone classic, 32 bits; irq : In(1)   level-triggered interrupt
    """
    return Top()


def work(parameters: Parameters, workload: Workload) -> Work:
    """An instruction is one operation."""
    count, writes = reference(workload)
    return Work(
        count=count,
        unit="instruction",
        input_bits=32 * (count + workload.length),
        output_bits=32 * len(writes),
    )


def cycles(parameters: Parameters, workload: Workload) -> int:
    """Clock cycles of a run, roughly."""
    return CYCLES_PER_INSTRUCTION * reference(workload)[0]


SORTER = Block(
    name="sentinel",
    summary="the RISC-V core Sentinel, sorting words",
    parameters=Parameters,
    workload=Workload,
    hardware=hardware,
    bench="bench_sentinel",
    work=work,
    cycles=cycles,
)
