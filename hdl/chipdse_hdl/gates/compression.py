"""Multiplication as networks of gates: rows of partial products, and trees that add them up.

A row is the bits of one number by their place. Rows are compressed to two by full and half adders,
which carry one place up and never further; the two are left to an adder.
"""

from __future__ import annotations

from chipdse_hdl.gates.choices import COMPRESSIONS
from chipdse_hdl.gates.network import Network

Row = dict[int, int]


def and_rows(network: Network, a: list[int], b: list[int], signed: bool) -> tuple[list[Row], int]:
    """A row for each bit of `b`, and the constant that belongs to them.

    With a sign the products of one sign bit count negatively: -x is ~x - 1 [1]_.

    References
    ----------
    .. [1] C. R. Baugh, B. A. Wooley, IEEE Trans. Computers C-22(12), 1045-1047, 1973.
    """
    rows = []
    for j, y in enumerate(b):
        row = {}
        for i, x in enumerate(a):
            bit = network.gate("and", x, y, name=f"and_{i}_{j}")
            if signed and (i == len(a) - 1) != (j == len(b) - 1):
                bit = network.gate("not", bit, name=f"nand_{i}_{j}")
            row[i + j] = bit
        rows.append(row)
    if not signed:
        return rows, 0
    complemented = [j + len(a) - 1 for j in range(len(b) - 1)]
    complemented += [i + len(b) - 1 for i in range(len(a) - 1)]
    return rows, -sum(1 << place for place in complemented)


def booth_rows(network: Network, a: list[int], b: list[int], signed: bool) -> tuple[list[Row], int]:
    """A row for every two bits of `b`: -2, -1, 0, 1 or 2 times `a`; and their constant.

    A negative multiple is its complement and a one, which stands where the next row has no bits.

    References
    ----------
    O. L. MacSorley, Proc. IRE 49(1), 67-91, 1961.
    """
    fill_a, fill_b = (a[-1], b[-1]) if signed else (Network.ZERO, Network.ZERO)
    multiplicand = [Network.ZERO, *a, fill_a, *([] if signed else [fill_a])]
    digits = (len(b) + 1) // 2 if signed else len(b) // 2 + 1
    padded = [Network.ZERO, *b, fill_b, fill_b]
    rows: list[Row] = []
    constant, negate_before = 0, {}
    for digit in range(digits):
        below, low, high = padded[2 * digit : 2 * digit + 3]
        single = network.gate("xor", low, below, name=f"single_{digit}")
        unequal = network.gate("xor", high, low, name=f"other_{digit}")
        not_single = network.gate("not", single, name=f"not_single_{digit}")
        double = network.gate("and", unequal, not_single, name=f"double_{digit}")
        row = dict(negate_before)
        pairs = zip(multiplicand[1:], multiplicand, strict=False)
        for i, (once, twice) in enumerate(pairs):
            ones = network.gate("and", once, single, name=f"once_{digit}_{i}")
            twos = network.gate("and", twice, double, name=f"twice_{digit}_{i}")
            chosen = network.gate("or", ones, twos, name=f"chosen_{digit}_{i}")
            row[i + 2 * digit] = network.gate("xor", chosen, high, name=f"booth_{digit}_{i}")
        # The top bit counts negatively: -x is ~x - 1.
        top = 2 * digit + len(multiplicand) - 2
        row[top] = network.gate("not", row[top], name=f"sign_{digit}")
        constant -= 1 << top
        rows.append(row)
        negate_before = {2 * digit: high} if high != Network.ZERO else {}
    return ([*rows, negate_before] if negate_before else rows), constant


def with_constant(rows: list[Row], constant: int, width: int) -> list[Row]:
    """The rows without what lies above `width`, and a constant in their free places."""
    cut_rows = [{place: bit for place, bit in row.items() if place < width} for row in rows]
    extra: Row = {}
    for place in range(width):
        if constant >> place & 1:
            free = [row for row in cut_rows[1:] if place not in row]
            (free[0] if free else extra)[place] = Network.ONE
    return [*cut_rows, extra] if extra else cut_rows


def compress(network: Network, structure: str, rows: list[Row], width: int) -> list[Row]:
    """Two rows (or fewer) with the sum of all rows, modulo 2**width.

    Parameters
    ----------
    structure : "array", one row after another; "wallace", three rows to two as often as needed;
        "dadda", as few adders as reach two rows in as few levels
    """
    name = _Names()
    if structure == "array":
        while len(rows) > 2:
            rows = [*_three_to_two(network, rows[:3], width, name), *rows[3:]]
        return rows
    if structure == "wallace":
        while len(rows) > 2:
            groups = [rows[i : i + 3] for i in range(0, len(rows), 3)]
            rows = [
                row
                for group in groups
                for row in (
                    _three_to_two(network, group, width, name) if len(group) == 3 else group
                )
            ]
        return rows
    if structure == "dadda":
        return _dadda(network, rows, width, name)
    raise ValueError(f"structure={structure!r} is not one of {', '.join(map(repr, COMPRESSIONS))}")


class _Names:
    """Names of adders: the place, and which adder there."""

    def __init__(self) -> None:
        self.used: dict[int, int] = {}

    def next(self, place: int) -> str:
        self.used[place] = self.used.get(place, 0) + 1
        return f"{place}_{self.used[place]}"


def _add_bits(network: Network, bits: list[int], place: int, name: _Names) -> tuple[int, int]:
    """A half or full adder: its sum and its carry."""
    label = name.next(place)
    kinds = ("xor", "and") if len(bits) == 2 else ("sum", "carry")
    return (
        network.gate(kinds[0], *bits, name=f"sum_{label}"),
        network.gate(kinds[1], *bits, name=f"carry_{label}"),
    )


def _three_to_two(network: Network, rows: list[Row], width: int, name: _Names) -> list[Row]:
    sums: Row = {}
    carries: Row = {}
    for place in sorted({place for row in rows for place in row}):
        bits = [row[place] for row in rows if place in row]
        if len(bits) == 1:
            sums[place] = bits[0]
            continue
        sums[place], carry = _add_bits(network, bits, place, name)
        if place + 1 < width:
            carries[place + 1] = carry
    return [sums, carries] if carries else [sums]


def _dadda(network: Network, rows: list[Row], width: int, name: _Names) -> list[Row]:
    """Columns are cut to heights of ..., 9, 6, 4, 3, 2, and no further than needed.

    References
    ----------
    L. Dadda, Alta Frequenza 34, 349-356, 1965.
    """
    columns = [[row[place] for row in rows if place in row] for place in range(width)]
    heights = [2]
    while heights[-1] < max(map(len, columns)):
        heights.append(heights[-1] * 3 // 2)
    for height in reversed(heights[:-1]):
        carries: list[int] = []
        for place, column in enumerate(columns):
            bits, carries = [*carries, *column], []
            untouched = bits
            sums: list[int] = []
            while len(untouched) + len(sums) > height:
                take = 2 if len(untouched) + len(sums) == height + 1 else 3
                # The earliest bits wait least for the others.
                untouched = sorted(untouched, key=network.level)
                total, carry = _add_bits(network, untouched[:take], place, name)
                untouched = untouched[take:]
                sums.append(total)
                carries.append(carry)
            columns[place] = [*untouched, *sums]
    return [
        {place: column[which] for place, column in enumerate(columns) if which < len(column)}
        for which in range(max(map(len, columns)))
    ]


def dense(rows: list[Row], width: int) -> tuple[list[int], list[int]]:
    """Two rows as words of `width` bits, zeros where they have none."""
    first, second = [*rows, {}, {}][:2]
    return (
        [first.get(place, Network.ZERO) for place in range(width)],
        [second.get(place, Network.ZERO) for place in range(width)],
    )
