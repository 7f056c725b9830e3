"""Programs for `rv32`, by hand, for the 16 registers of RV32E: they begin at 0 and end with ebreak.

Each finds its data behind it, at DATA, as prepared by `program`, and leaves its result at RESULT.
"""

from __future__ import annotations

import zlib

import numpy as np

from chipdse_hdl.riscv.assembler import assemble
from chipdse_hdl.riscv.instructions import MASK

RESULT, DATA = 0x3F0, 0x400

# CRC-32 of Ethernet and zlib, bit by bit. x5 place, x6 end, x7 crc.
_CRC32 = """
    li x5, {data}
    li x6, {end}
    li x7, -1
    li x8, 0xEDB88320
byte:
    lbu x9, 0(x5)
    xor x7, x7, x9
    li x10, 8
bit:
    andi x11, x7, 1
    srli x7, x7, 1
    beq x11, x0, even
    xor x7, x7, x8
even:
    addi x10, x10, -1
    bne x10, x0, bit
    addi x5, x5, 1
    bltu x5, x6, byte
    xori x7, x7, -1
    sw x7, {result}(x0)
    ebreak
"""

# Insertion sort of signed words; the result is the sum of index times value, which order decides.
_SORT = """
    li x5, {data}
    li x6, {end}
    addi x7, x5, 4
outer:
    bgeu x7, x6, sum
    lw x8, 0(x7)
    addi x9, x7, 0
inner:
    beq x9, x5, place
    lw x10, -4(x9)
    bge x8, x10, place
    sw x10, 0(x9)
    addi x9, x9, -4
    jal x0, inner
place:
    sw x8, 0(x9)
    addi x7, x7, 4
    jal x0, outer
sum:
    li x7, 0
    li x11, 0
again:
    beq x5, x6, end
    lw x8, 0(x5)
    sll x9, x8, x11
    add x7, x7, x9
    addi x11, x11, 1
    addi x5, x5, 4
    jal x0, again
end:
    sw x7, {result}(x0)
    ebreak
"""

# Dot product of signed bytes with 32-bit sums; multiplies by adding and shifting, in a subroutine.
_DOT = """
    li x5, {data}
    li x6, {end}
    li x7, 0
next:
    lb x10, 0(x5)
    lb x11, 1(x5)
    jal x1, multiply
    add x7, x7, x12
    addi x5, x5, 2
    bne x5, x6, next
    sw x7, {result}(x0)
    ebreak
multiply:
    li x12, 0
    bge x11, x0, step
    sub x11, x0, x11
    sub x10, x0, x10
step:
    andi x13, x11, 1
    beq x13, x0, skip
    add x12, x12, x10
skip:
    slli x10, x10, 1
    srli x11, x11, 1
    bne x11, x0, step
    jalr x0, 0(x1)
"""

SOURCES = {"crc32": _CRC32, "sort": _SORT, "dot": _DOT}
_BYTES = {"crc32": 1, "sort": 4, "dot": 2}  # of data for each element


def program(name: str, elements: int, seed: int) -> tuple[dict[int, int], int]:
    """Memory, words by word address, and the result that must be found at RESULT."""
    random = np.random.default_rng(seed)
    data = random.bytes(elements * _BYTES[name])
    source = SOURCES[name].format(data=DATA, end=DATA + len(data), result=RESULT)
    memory = dict(enumerate(assemble(source)))
    padded = data + bytes(-len(data) % 4)
    memory |= {DATA // 4 + n: word for n, word in enumerate(np.frombuffer(padded, "<u4").tolist())}
    if name == "crc32":
        return memory, zlib.crc32(data)
    if name == "sort":
        ordered = np.sort(np.frombuffer(data, "<i4")).tolist()
        return memory, sum(value << (n & 31) for n, value in enumerate(ordered)) & MASK
    pairs = np.frombuffer(data, np.int8).astype(int).reshape(-1, 2)
    return memory, int(pairs.prod(axis=1).sum()) & MASK
