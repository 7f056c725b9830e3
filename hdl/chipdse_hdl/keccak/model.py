"""Keccak in Python, as FIPS 202 has it: the permutation, SHA3 and SHAKE for whole bytes."""

from __future__ import annotations

ROUNDS, LANE = 24, 64
# Rate [bytes], digest [bytes] (None: as long as wanted), domain suffix and first bit of padding.
MODES: dict[str, tuple[int, int | None, int]] = {
    "sha3_224": (144, 28, 0x06),
    "sha3_256": (136, 32, 0x06),
    "sha3_384": (104, 48, 0x06),
    "sha3_512": (72, 64, 0x06),
    "shake128": (168, None, 0x1F),
    "shake256": (136, None, 0x1F),
}


def round_constant(number: int) -> int:
    """Iota's constant of a round: FIPS 202, algorithms 5 and 6."""
    constant = 0
    for j in range(7):
        register = 1
        for _ in range((j + 7 * number) % 255):
            register <<= 1
            register ^= 0x171 * (register >> 8)
        constant |= (register & 1) << (2**j - 1)
    return constant


ROUND_CONSTANTS = tuple(round_constant(number) for number in range(ROUNDS))


def rotations() -> list[int]:
    """Rho's offsets, by lane x + 5 y: FIPS 202, algorithm 2."""
    offsets = [0] * 25
    x, y = 1, 0
    for t in range(24):
        offsets[x + 5 * y] = (t + 1) * (t + 2) // 2 % LANE
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


ROTATIONS = tuple(rotations())


def permute(state: list[int]) -> list[int]:
    """Keccak-p[1600, 24] on 25 lanes, lane x + 5 y: FIPS 202, section 3."""
    a = list(state)
    for constant in ROUND_CONSTANTS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[(x - 1) % 5] ^ _rotated(c[(x + 1) % 5], 1) for x in range(5)]
        b = [0] * 25
        for x in range(5):
            for y in range(5):
                moved = _rotated(a[x + 5 * y] ^ d[x], ROTATIONS[x + 5 * y])
                b[y + 5 * ((2 * x + 3 * y) % 5)] = moved
        a = [
            b[x + y] ^ (~b[(x + 1) % 5 + y] & b[(x + 2) % 5 + y])
            for y in range(0, 25, 5)
            for x in range(5)
        ]
        a[0] ^= constant
    return a


def _rotated(lane: int, by: int) -> int:
    return (lane << by | lane >> (LANE - by)) & (2**LANE - 1)


def reference(mode: str, message: bytes, output_bytes: int) -> bytes:
    """The digest: FIPS 202, sections 4 and 6, for messages of whole bytes."""
    rate, _, suffix = MODES[mode]
    padded = bytearray(message + bytes([suffix]))
    padded += bytes(-len(padded) % rate)
    padded[-1] ^= 0x80
    state = [0] * 25
    for start in range(0, len(padded), rate):
        for lane in range(rate // 8):
            state[lane] ^= int.from_bytes(padded[start + 8 * lane :][:8], "little")
        state = permute(state)
    output = b""
    while True:
        output += b"".join(lane.to_bytes(8, "little") for lane in state)[:rate]
        if len(output) >= output_bytes:
            return output[:output_bytes]
        state = permute(state)
