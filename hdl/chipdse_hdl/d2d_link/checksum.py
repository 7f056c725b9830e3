"""The checksums that protect a frame, computed on whole numbers."""

from __future__ import annotations

# Width and polynomial. CRC-8 as in SMBus and ATM; CRC-16 (x + 1)(x**15 + x + 1) as in UCIe.
CHECKSUMS = {"crc8": (8, 0x07), "crc16": (16, 0x8005)}


def checksum(protection: str, word: int, bits: int) -> int:
    """The rest of `word`, first bit the highest, divided by the polynomial; 0 without checksum."""
    if protection not in CHECKSUMS:
        return 0
    width, polynomial = CHECKSUMS[protection]
    rest = 0
    for position in reversed(range(bits)):
        out = (rest >> (width - 1) ^ word >> position) & 1
        rest = (rest << 1) & ((1 << width) - 1) ^ out * polynomial
    return rest
