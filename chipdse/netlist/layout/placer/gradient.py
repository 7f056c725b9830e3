"""Wire length and density of a placement with their gradients: what a placer descends.

Lengths are in bins of the density grid here. There is compiled code for both; it computes the
same sums in the same order, so results do not depend on whether a compiler is there.
"""

from __future__ import annotations

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.netlist.layout.placer.arrays import Charges, Pins, sums
from chipdse.netlist.layout.placer.compiled import PlacerKernel
from chipdse.netlist.layout.placer.cosine import Cosine


class WireLength:
    """Weighted-average wire length [1]_, a smooth half-perimeter, summed over the nets.

    Per net and axis ``sum(x e^(x/gamma)) / sum(e^(x/gamma))`` stands for the maximum and the same
    with ``-gamma`` for the minimum; both tend to the exact extent as gamma goes to 0.

    References
    ----------
    .. [1] M.-K. Hsu, V. Balabanov, Y.-W. Chang, TSV-aware analytical placement for 3-D IC designs
       based on a novel weighted-average wirelength model, IEEE TCAD 32(4), 497-509, 2013
    """

    def __init__(self, pins: Pins, nodes: int, kernel: PlacerKernel | None) -> None:
        self.pins, self.nodes, self.kernel = pins, nodes, kernel
        self.scratch = np.empty((2, len(pins.net)))

    def spans(self, x: Floats) -> Floats:
        """Extent of each net along one axis."""
        if self.kernel is None or not len(self.pins.net):
            return self.pins.spans(x)
        return self.kernel.spans(self.pins.start, self.pins.node, x)

    def gradient(self, x: Floats, gamma: float) -> Floats:
        """Derivative of the smooth length along one axis by each node's position."""
        pins = self.pins
        if not len(pins.net):
            return np.zeros(self.nodes)
        powers = self.scratch
        if self.kernel is not None:
            result = np.zeros(self.nodes)
            self.kernel.wire_gradient(pins.start, pins.node, x, gamma, powers, result)
            return result
        at, first, net = x[pins.node], pins.start[:-1], pins.net
        high = np.maximum.reduceat(at, first)[net]
        low = np.minimum.reduceat(at, first)[net]
        powers[0], powers[1] = (at - high) / gamma, (low - at) / gamma
        powers[:] = numerics.exp(powers)
        pull = np.zeros(len(net))
        for sign, power, base in ((1.0, powers[0], high), (-1.0, powers[1], low)):
            away = at - base
            weight = np.bincount(net, power)
            mean = (np.bincount(net, power * away) / weight)[net]
            pull += sign * (power * (1.0 + sign * (away - mean) / gamma)) / weight[net]
        return sums(pins.node, pull, self.nodes)


class Density:
    """Electrostatic density [1]_: area is charge, and its field drives nodes apart.

    Each charge is spread over 3 x 3 bins by quadratic B-splines; the potential solves Poisson's
    equation with no flux through the border, by cosine transforms; the force is the gradient
    of the spline-interpolated potential. A bin is `stretch` times as high as wide.

    References
    ----------
    .. [1] J. Lu et al., ePlace: electrostatics-based placement using fast Fourier transform and
       Nesterov's method, ACM TODAES 20(2), article 17, 2015
    """

    def __init__(
        self,
        charges: Charges,
        nodes: int,
        shape: tuple[int, int],
        stretch: float,
        kernel: PlacerKernel | None,
    ) -> None:
        self.charges, self.nodes, self.shape, self.kernel = charges, nodes, shape, kernel
        width, height = shape
        u = (np.pi / width * np.arange(width))[:, None]
        v = (np.pi / (height * stretch) * np.arange(height))[None, :]
        waves = u * u + v * v
        waves[0, 0] = 1.0
        self.across, self.along = Cosine(width, kernel), Cosine(height, kernel)
        # 4 / (width height) makes the transform back the inverse; half of it where a wave is 0.
        inverse = 4.0 / (width * height) / waves
        inverse[0] /= 2.0
        inverse[:, 0] /= 2.0
        inverse[0, 0] = 0.0  # the mean has no field
        self.inverse = np.ascontiguousarray(inverse[self.across.order][:, self.along.order].T)

    def spread(self, x: Floats, y: Floats) -> Floats:
        """Area in each bin, as a share of the bin [width, height]."""
        width, height = self.shape
        padded = np.zeros((width + 2, height + 2))
        if self.kernel is not None:
            self.kernel.spread(self.charges, x, y, padded)
        else:
            corner, wx, wy, _, _ = self._weights(x, y)
            share = self.charges.area[:, None] * wx
            into = corner[:, None, None] + self._square
            amount = share[:, :, None] * wy[:, None, :]
            padded = sums(into.ravel(), amount.ravel(), padded.size).reshape(padded.shape)
        # What reaches over the border is reflected, as the field without flux there demands.
        padded[1] += padded[0]
        padded[-2] += padded[-1]
        padded[:, 1] += padded[:, 0]
        padded[:, -2] += padded[:, -1]
        return padded[1:-1, 1:-1]

    def potential(self, grid: Floats) -> Floats:
        """Potential of a density, at the bins' centres."""
        spectrum = self.along.forward(self.across.forward(grid).T)
        spectrum *= self.inverse
        return self.across.back(self.along.back(spectrum).T)

    def gradient(self, x: Floats, y: Floats, potential: Floats) -> tuple[Floats, Floats]:
        """Derivative of the energy by each node's position, along both axes."""
        charges, padded = self.charges, np.pad(potential, 1, mode="edge")
        if self.kernel is not None:
            gx, gy = np.zeros(self.nodes), np.zeros(self.nodes)
            self.kernel.field(charges, x, y, padded, gx, gy)
            return gx, gy
        corner, wx, wy, sx, sy = self._weights(x, y)
        field = padded.ravel()[corner[:, None, None] + self._square]
        across = field[:, :, 0] * wy[:, None, 0]
        along = field[:, :, 0] * sy[:, None, 0]
        for j in (1, 2):
            across = across + field[:, :, j] * wy[:, None, j]
            along = along + field[:, :, j] * sy[:, None, j]
        to_x = sx[:, 0] * across[:, 0] + sx[:, 1] * across[:, 1] + sx[:, 2] * across[:, 2]
        to_y = wx[:, 0] * along[:, 0] + wx[:, 1] * along[:, 1] + wx[:, 2] * along[:, 2]
        return (
            sums(charges.node, charges.area * to_x, self.nodes),
            sums(charges.node, charges.area * to_y, self.nodes),
        )

    @property
    def _square(self) -> Int64s:
        """Addresses of 3 x 3 bins from the lowest of them."""
        row = np.arange(3) * (self.shape[1] + 2)
        return row[:, None] + np.arange(3)[None, :]

    def _weights(self, x: Floats, y: Floats) -> tuple[Int64s, Floats, Floats, Floats, Floats]:
        """Lowest of the 3 x 3 padded bins of each charge; weights and slopes along both axes."""
        charges = self.charges
        lowest: list[Int64s] = []
        parts: list[Floats] = []
        for at, offset, bins in (
            (x, charges.offset_x, self.shape[0]),
            (y, charges.offset_y, self.shape[1]),
        ):
            place = at[charges.node] + offset
            middle = np.minimum(np.maximum(np.floor(place), 0.0), bins - 1.0)
            t = np.minimum(np.maximum(place - (middle + 0.5), -0.5), 0.5)
            low, high = 0.5 - t, 0.5 + t
            lowest.append(middle.astype(np.int64))
            parts.append(np.stack([0.5 * (low * low), 0.75 - t * t, 0.5 * (high * high)], axis=1))
            parts.append(np.stack([-low, -2.0 * t, high], axis=1))
        wx, sx, wy, sy = parts
        return lowest[0] * (self.shape[1] + 2) + lowest[1], wx, wy, sx, sy
