"""Standard deviations of delays from mismatch: transistors of one chip with the same drawn size.

A delay's variance is a polynomial of load and slew, as is the output slew's; both are known for
each arc of a library's cells at a few supplies. In units of the inverter's delay and of its own
mismatch they hardly change from corner to corner, so that the inverter, which is known at every
corner, gives the rest.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.library.grid import Corners, interpolate

KINDS = ("n", "p")
# Polynomials of an arc: delay over load^0, load^1, load^2, slew^2; slew and covariance over loads.
TERMS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Variances of delay and output slew and their covariance [s²], of any shape.

    shift_s, slew_shift_s : mean less median of the delay and of the output slew
    skew : skewness of the delay; None where it is not known
    """

    delay: Floats
    slew: Floats
    both: Floats
    shift_s: Floats
    slew_shift_s: Floats
    skew: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class InverterMap:
    """The inverter at the corners of one process.

    fo4_s : delay of one that drives four [corners]
    deviation_s : standard deviation by n transistors (falling edge) and by p [corners, 2]
    relative : of n transistors over the delay of the falling edge [corners]
    spread : standard deviation of the logarithm of the current, n and p [corners, 2]
    """

    grid: Corners
    fo4_s: Floats
    deviation_s: Floats
    relative: Floats
    spread: Floats

    def at(self, supply_v: Floats, temperature_c: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """The four at K operating points.

        Raises
        ------
        DesignError : outside the corners
        """
        rows = []
        for volts, temp in zip(supply_v.tolist(), temperature_c.tolist(), strict=True):
            row = self.grid.weights(volts, temp)
            if row is None:
                raise DesignError(
                    f"{volts:g} V at {temp:g} °C lies outside what mismatch is known for "
                    f"({self.grid.range_text()}); set timing_sigma=0"
                )
            rows.append(row)
        weights = np.array(rows)
        return (
            interpolate(weights, self.fo4_s),
            interpolate(weights, self.deviation_s),
            interpolate(weights, self.relative),
            interpolate(weights, self.spread),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class MismatchModel:
    """Mismatch of the arcs of a library, for all of its processes.

    arcs : arc number by (cell, pin, output, whether input and output have the same edge, whether
        the output rises)
    relative : the inverter's relative standard deviation where arcs are known [corners], rising
    terms : [corners, arcs, 2, TERMS] for n and p transistors: variances over those of the
        inverter, slews in delays of the inverter
    size : [corners, arcs, 2] variance of the logarithm of the current of the n and p transistors
        that decide the arc, over that of the inverter's
    count : [corners, arcs, 2] how much more than a single transistor of the same variance they
        make the mean delay exceed the median
    tail : [corners, arcs, 2] their skewness over that of a single transistor
    setup, hold : relative deviations of setup and hold over that of the inverter
    """

    arcs: dict[tuple[str, str, str, bool, bool], int]
    relative: Floats
    terms: Floats
    size: Floats
    count: Floats
    tail: Floats
    setup: float
    hold: float
    inverters: dict[str, InverterMap]

    def coefficients(
        self,
        process: str,
        supply_v: Floats,
        temperature_c: Floats,
        arcs: Int64s,
        *,
        linear: bool = False,
    ) -> tuple[Floats, Floats, Floats]:
        """Polynomials [K, arcs, TERMS] in SI units, shifts of the mean and skewness [K, arcs].

        A shift is mean less median over the standard deviation, of the delay without load.

        Between the deviations at which arcs are known, the polynomials are interpolated over the
        logarithm of the deviation; beyond them they are those of the nearest: only the inverter,
        which is known at every corner, changes from there on.

        A current is log-normal, so the variance of a delay exceeds that of its linear part, for
        which arcs were simulated, by `excess` of the spread.

        Parameters
        ----------
        linear : of the linear part alone
        """
        fo4_s, deviation_s, relative, spread = self.inverters[process].at(supply_v, temperature_c)
        result = np.empty((len(fo4_s), len(arcs), TERMS))
        shifts, skews = np.empty((2, len(fo4_s), len(arcs)))
        known = numerics.log(self.relative)
        for point, value in enumerate(numerics.log(relative).tolist()):
            place = float(np.interp(value, known, np.arange(len(known))))
            low = min(int(place), len(known) - 2)
            terms, size, count, tail = (
                first + (place - low) * (second - first)
                for first, second in (
                    values[low : low + 2, arcs]
                    for values in (self.terms, self.size, self.count, self.tail)
                )
            )
            squared = np.square(spread[point]) * size
            factor = np.ones_like(squared) if linear else excess(squared)
            each = terms * (np.square(deviation_s[point]) * factor)[:, :, None]
            result[point] = each.sum(axis=1)
            # Of independent transistors means and third moments add, and variances.
            deviations = np.sqrt(np.maximum(each[:, :, 0], 1e-60))
            together = np.sqrt(np.square(deviations).sum(axis=1))
            part = deviations / together[:, None]
            spreads = np.sqrt(squared)
            shifts[point] = (part * count * mean_shift(spreads)).sum(axis=1)
            skews[point] = (part * np.square(part) * tail * skewness(spreads)).sum(axis=1)
        result[..., 3] /= np.square(fo4_s)[:, None]  # over the slew squared in seconds
        return result, shifts, skews

    def limits(self, process: str, supply_v: Floats, temperature_c: Floats) -> Floats:
        """Relative standard deviation of setup and of hold [K, 2]."""
        fo4_s, deviation_s, _, _ = self.inverters[process].at(supply_v, temperature_c)
        relative = np.sqrt(np.square(deviation_s).mean(axis=1)) / fo4_s
        deviations: Floats = relative[:, None] * np.array([self.setup, self.hold])
        return deviations


def excess(squared: Floats) -> Floats:
    """Variance of a log-normal variable of median 1 over the variance of its logarithm.

    Parameters
    ----------
    squared : variance of the logarithm
    """
    grown = numerics.exp(squared)
    ratio: Floats = grown * (grown - 1) / np.maximum(squared, 1e-12)
    return np.maximum(ratio, 1.0)


def mean_shift(spread: Floats) -> Floats:
    """Mean less median of a log-normal variable over its standard deviation.

    Parameters
    ----------
    spread : standard deviation of the logarithm
    """
    # Of median 1: the mean is exp(s²/2), the variance exp(s²) (exp(s²) - 1).
    half = numerics.exp(np.square(spread) / 2)
    ratio: Floats = np.where(
        spread > 0, (half - 1) / (half * np.sqrt(np.maximum(np.square(half) - 1, 1e-30))), 0.0
    )
    return ratio


def skewness(spread: Floats) -> Floats:
    """Skewness of a log-normal variable.

    Parameters
    ----------
    spread : standard deviation of the logarithm
    """
    grown = numerics.exp(np.square(spread))
    ratio: Floats = (grown + 2) * np.sqrt(np.maximum(grown - 1, 0.0))
    return ratio


def mismatch_file(name: str) -> Path:
    """The file of a shipped library's mismatch."""
    return Path(str(resources.files("chipdse.technology"))) / "data" / f"{name}_mismatch.npz"


@cache
def shipped_mismatch(name: str) -> MismatchModel:
    """Mismatch of a library that ships with the package."""
    with np.load(io.BytesIO(mismatch_file(name).read_bytes())) as file:
        arrays: dict[str, Any] = {key: file[key] for key in file.files}
    keys = zip(
        arrays["cell"].tolist(),
        arrays["pin"].tolist(),
        arrays["output"].tolist(),
        arrays["alike"].tolist(),
        arrays["rises"].tolist(),
        strict=True,
    )
    processes = {key.split(".")[1] for key in arrays if key.startswith("inverter.")}
    return MismatchModel(
        arcs={key: number for number, key in enumerate(keys)},
        relative=arrays["relative"].astype(np.float64),
        terms=arrays["terms"].astype(np.float64) * arrays["scale"],
        size=arrays["size"].astype(np.float64),
        count=arrays["count"].astype(np.float64),
        tail=arrays["tail"].astype(np.float64),
        setup=float(arrays["setup"]),
        hold=float(arrays["hold"]),
        inverters={
            process: InverterMap(
                grid=Corners(
                    supply_v=arrays[f"inverter.{process}.supply_v"],
                    temperature_c=arrays[f"inverter.{process}.temperature_c"],
                ),
                fo4_s=arrays[f"inverter.{process}.fo4_s"],
                deviation_s=arrays[f"inverter.{process}.deviation_s"],
                relative=arrays[f"inverter.{process}.relative"],
                spread=arrays[f"inverter.{process}.spread"],
            )
            for process in sorted(processes)
        },
    )
