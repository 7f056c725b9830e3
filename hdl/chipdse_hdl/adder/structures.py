"""Gates that add two words, from ripple to parallel prefix; other blocks use them too."""

from __future__ import annotations

from chipdse_hdl.adder.parameters import PREFIX
from chipdse_hdl.gates.network import Network


def add(
    network: Network,
    structure: str,
    a: list[int],
    b: list[int],
    carry_in: int = Network.ZERO,
    group_bits: int = 4,
) -> list[int]:
    """Gates that add two words of equal length and a carry; the sum's bits and the carry out."""
    propagate = [network.gate("xor", x, y, name=f"p_{i}") for i, (x, y) in enumerate(_pairs(a, b))]
    generate = [network.gate("and", x, y, name=f"g_{i}") for i, (x, y) in enumerate(_pairs(a, b))]
    if structure == "carry_select":
        return _carry_select(network, generate, propagate, carry_in, group_bits)
    if structure == "ripple":
        carries = _ripple(network, generate, propagate, carry_in, "c")
    else:
        carries = _prefix(network, structure, generate, propagate, carry_in)
    below = [carry_in, *carries]
    sums = [
        network.gate("xor", p, c, name=f"s_{i}")
        for i, (p, c) in enumerate(_pairs(propagate, below))
    ]
    return [*sums, carries[-1]]


def _ripple(
    network: Network, generate: list[int], propagate: list[int], carry_in: int, name: str
) -> list[int]:
    """The carry out of each bit, each from the one below."""
    carries, carry = [], carry_in
    for i, (g, p) in enumerate(_pairs(generate, propagate)):
        carry = network.gate("carry_out", g, p, carry, name=f"{name}_{i}")
        carries.append(carry)
    return carries


def _prefix(
    network: Network, structure: str, generate: list[int], propagate: list[int], carry_in: int
) -> list[int]:
    """The carry out of each bit, from groups that grow. The carry in joins bit 0's own."""
    g, p = list(generate), list(propagate)
    g[0] = network.gate("carry_out", g[0], p[0], carry_in, name="g_0_in")
    for number, level in enumerate(prefix_levels(structure, len(g)), 1):
        merged = [
            (
                i,
                network.gate("carry_out", g[i], p[i], g[j], name=f"g_{i}_level_{number}"),
                network.gate("and", p[i], p[j], name=f"p_{i}_level_{number}"),
            )
            for i, j in level
        ]
        for i, group_generate, group_propagate in merged:
            g[i], p[i] = group_generate, group_propagate
    return g


def prefix_levels(structure: str, bits: int) -> list[list[tuple[int, int]]]:
    """Which groups of carries are merged, level by level, for a carry out of each of the bits.

    A pair (i, j) says: the group that ends at bit i and the one that ends at bit j, just below
    it, become one. At the end group i reaches from bit i down to bit 0.

    Notes
    -----
    For ``n = 2**k`` bits: Kogge-Stone has ``n k - n + 1`` merges in k levels, each group read by
    two at most; Sklansky ``n k / 2`` in k levels, a group read by up to ``n / 2``; Brent-Kung
    ``2 n - 2 - k`` in ``2 k - 1`` levels (a path crosses ``2 k - 2`` of them at most, k > 1).

    References
    ----------
    P. M. Kogge, H. S. Stone, IEEE Trans. Computers C-22(8), 786-793, 1973.
    J. Sklansky, IRE Trans. Electronic Computers EC-9(2), 226-231, 1960.
    R. P. Brent, H. T. Kung, IEEE Trans. Computers C-31(3), 260-264, 1982.
    """
    powers = [2**d for d in range((bits - 1).bit_length())]
    if structure == "kogge_stone":
        return [[(i, i - d) for i in range(d, bits)] for d in powers]
    if structure == "sklansky":
        return [[(i, i // d * d - 1) for i in range(bits) if i & d] for d in powers]
    if structure == "brent_kung":
        up = [[(i, i - d) for i in range(2 * d - 1, bits, 2 * d)] for d in powers]
        down = [[(i, i - d) for i in range(3 * d - 1, bits, 2 * d)] for d in reversed(powers)]
        return [level for level in up + down if level]
    raise ValueError(f"structure={structure!r} is not one of {', '.join(map(repr, PREFIX))}")


def _carry_select(
    network: Network, generate: list[int], propagate: list[int], carry: int, group_bits: int
) -> list[int]:
    """Each group but the first adds twice, for either carry, and the real carry chooses."""
    sums: list[int] = []
    for start in range(0, len(generate), group_bits):
        g, p = generate[start : start + group_bits], propagate[start : start + group_bits]
        if start == 0:
            carries = _ripple(network, g, p, carry, "c")
            below = [carry, *carries]
            sums += [
                network.gate("xor", x, c, name=f"s_{i}")
                for i, (x, c) in enumerate(_pairs(p, below))
            ]
            carry = carries[-1]
            continue
        outcomes = []
        for guess, bit in enumerate((Network.ZERO, Network.ONE)):
            carries = _ripple(network, g, p, bit, f"c{guess}_{start}")
            below = [bit, *carries]
            group_sums = [
                network.gate("xor", x, c, name=f"s{guess}_{start + i}")
                for i, (x, c) in enumerate(_pairs(p, below))
            ]
            outcomes.append([*group_sums, carries[-1]])
        chosen = [
            network.gate("mux", carry, if_one, if_zero, name=f"s_{start + i}")
            for i, (if_zero, if_one) in enumerate(_pairs(*outcomes))
        ]
        sums += chosen[:-1]
        carry = chosen[-1]
    return [*sums, carry]


def _pairs(a: list[int], b: list[int]) -> list[tuple[int, int]]:
    return list(zip(a, b, strict=False))
