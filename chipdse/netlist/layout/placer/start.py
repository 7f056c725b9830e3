"""Where a placement starts: quadratic wire length, and ports where their nets want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.netlist.layout.placer.arrays import Pins, sums

if TYPE_CHECKING:
    import scipy.sparse

ROUNDS = 3
_TOLERANCE = 1e-4
_MOST_STEPS = 300
_MOST_TURNS = 256
_MOST_PAIRS = 500_000
LEAST_PORT_PLACES = 200
"""Places along the border that a few ports choose among; as many as there are ports otherwise."""


def quadratic_placement(
    pins: Pins, cells: int, x: Floats, y: Floats, outline: Outline
) -> tuple[Floats, Floats]:
    """Positions of least quadratic wire length in the bound-to-bound net model [1]_.

    Ports lie still within a round and go to where their nets are between rounds.

    Parameters
    ----------
    cells : nodes below this number move
    x, y : [nodes] where to start

    References
    ----------
    .. [1] P. Spindler, U. Schlichtmann, F. M. Johannes, Kraftwerk2: a fast force-directed
       quadratic placement approach using an accurate net model, IEEE TCAD 27(8), 1398-1411, 2008
    """
    x, y = x.copy(), y.copy()
    for _ in range(ROUNDS):
        for at, least in ((x, outline.width), (y, outline.height)):
            at[:cells] = _solve(pins, cells, at, closest=1e-3 * least)
        move_ports(pins, cells, x, y, outline)
    return x, y


def _solve(pins: Pins, cells: int, at: Floats, closest: float) -> Floats:
    import scipy.sparse  # a third of a second to load

    first, second, weight = _bounds(pins, at, closest)
    moves_first, moves_second = first < cells, second < cells
    both = moves_first & moves_second
    diagonal = sums(first[moves_first], weight[moves_first], cells)
    diagonal += sums(second[moves_second], weight[moves_second], cells)
    right = np.zeros(cells)
    for mover, fixed, which in (
        (first, second, moves_first & ~moves_second),
        (second, first, moves_second & ~moves_first),
    ):
        right += sums(mover[which], weight[which] * at[fixed[which]], cells)
    # Cells without a path to a port stay where they are, held by next to nothing.
    hold = 1e-9 * float(diagonal.max(initial=1.0)) + 1e-6 * diagonal
    diagonal += hold
    right += hold * at[:cells]
    rows = np.concatenate([first[both], second[both], np.arange(cells)])
    columns = np.concatenate([second[both], first[both], np.arange(cells)])
    values = np.concatenate([-weight[both], -weight[both], diagonal])
    matrix = scipy.sparse.csr_array((values, (rows, columns)), shape=(cells, cells))
    return _conjugate_gradients(matrix, right, at[:cells], 1 / diagonal)


def _conjugate_gradients(
    matrix: scipy.sparse.csr_array, right: Floats, start: Floats, scale: Floats
) -> Floats:
    """Solve ``matrix x = right`` with a diagonal preconditioner.

    Sums are NumPy's own and not BLAS's, whose threads cost more than they save here.
    """
    x = start.copy()
    rest = right - matrix @ x
    enough = _TOLERANCE * _TOLERANCE * float(np.sum(right * right))
    direction = np.zeros_like(x)
    before = 1.0
    for _ in range(_MOST_STEPS):
        if float(np.sum(rest * rest)) <= enough:
            break
        scaled = scale * rest
        now = float(np.sum(rest * scaled))
        direction = scaled + (now / before) * direction
        ahead = matrix @ direction
        length = now / float(np.sum(direction * ahead))
        x += length * direction
        rest -= length * ahead
        before = now
    return x


def _bounds(pins: Pins, at: Floats, closest: float) -> tuple[Int64s, Int64s, Floats]:
    """Springs from every pin to the two outermost pins of its net: nodes and stiffness."""
    place = at[pins.node]
    start = pins.start[:-1].astype(np.int64)
    degree = np.diff(pins.start)
    order = np.lexsort((place, pins.net))
    low, high = order[start], order[start + degree - 1]
    pin = np.arange(len(place))
    low_of, high_of = low[pins.net], high[pins.net]
    to_low = pin != low_of
    to_high = (pin != high_of) & (pin != low_of)
    first = np.concatenate([pin[to_low], pin[to_high]])
    second = np.concatenate([low_of[to_low], high_of[to_high]])
    share = 1.0 / (degree[pins.net[first]] - 1)
    weight = share / np.maximum(np.abs(place[first] - place[second]), closest)
    first, second = pins.node[first].astype(np.int64), pins.node[second].astype(np.int64)
    apart = first != second
    return first[apart], second[apart], weight[apart]


@dataclass(frozen=True, kw_only=True)
class Outline:
    """The core, from the origin, and how far outside it the ports lie."""

    width: float
    height: float
    margin: float

    @property
    def perimeter(self) -> float:
        """Length of the line the ports lie on."""
        return 2 * (self.width + self.height) + 8 * self.margin

    def along(self, distance: Floats) -> tuple[Floats, Floats]:
        """Points on that line, by the distance from its lower left corner anticlockwise."""
        wide, high = self.width + 2 * self.margin, self.height + 2 * self.margin
        d = np.mod(distance, 2 * (wide + high))
        x = np.clip(d, 0, wide) - np.clip(d - wide - high, 0, wide)
        y = np.clip(d - wide, 0, high) - np.clip(d - 2 * wide - high, 0, high)
        return x - self.margin, y - self.margin


def ports_in_order(count: int, outline: Outline) -> tuple[Floats, Floats]:
    """Ports evenly along the border in the order given."""
    return outline.along(
        (np.arange(count, dtype=np.float64) + 0.5) * (outline.perimeter / max(count, 1))
    )


def move_ports(pins: Pins, cells: int, x: Floats, y: Floats, outline: Outline) -> None:
    """Assign the ports anew to their places, which are evenly spread along the border.

    Ports go round the border in the order in which the cells they connect to lie round the
    middle of all those cells, turned so that their wires become shortest.
    """
    count = len(x) - cells
    if not count:
        return
    wanted_x, wanted_y = _wanted(pins, cells, x), _wanted(pins, cells, y)
    spots = max(count, LEAST_PORT_PLACES)
    spot_x, spot_y = ports_in_order(spots, outline)
    if count * spots <= _MOST_PAIRS:
        from scipy.optimize import linear_sum_assignment  # a third of a second to load

        cost = np.abs(wanted_x[:, None] - spot_x) + np.abs(wanted_y[:, None] - spot_y)
        _, chosen = linear_sum_assignment(cost)
        x[cells:], y[cells:] = spot_x[chosen], spot_y[chosen]
        return
    order = np.argsort(
        _turn(wanted_x - np.median(wanted_x), wanted_y - np.median(wanted_y)), kind="stable"
    )
    turns = np.unique(np.linspace(0, count, min(count, _MOST_TURNS), endpoint=False).astype(int))
    want_x, want_y = wanted_x[order], wanted_y[order]
    lengths = [
        np.abs(np.roll(spot_x, turn) - want_x).sum() + np.abs(np.roll(spot_y, turn) - want_y).sum()
        for turn in turns.tolist()
    ]
    best = int(turns[int(np.argmin(lengths))])
    x[cells + order], y[cells + order] = np.roll(spot_x, best), np.roll(spot_y, best)


def _turn(x: Floats, y: Floats) -> Floats:
    """What grows with the angle of (x, y) from -2 to 2, without an arc tangent."""
    across = np.abs(x) + np.abs(y)
    part = np.divide(x, across, out=np.ones_like(x), where=across > 0)
    return np.asarray(np.where(y < 0, part - 1.0, 1.0 - part))


def _wanted(pins: Pins, cells: int, at: Floats) -> Floats:
    """Mean place of the cells on each port's nets; where it is for a port without any."""
    count = len(at) - cells
    of_port = pins.node >= cells
    total = len(pins.start) - 1
    inner = ~of_port
    share = np.bincount(pins.net[inner], minlength=total)
    mean = np.bincount(pins.net[inner], at[pins.node[inner]], total) / np.maximum(share, 1)
    port, net = pins.node[of_port] - cells, pins.net[of_port]
    port, net = port[share[net] > 0], net[share[net] > 0]
    times = np.bincount(port, minlength=count)
    middle = np.bincount(port, mean[net], count) / np.maximum(times, 1)
    return np.where(times > 0, middle, at[cells:])
