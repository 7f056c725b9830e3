"""Leakage and temperature feed each other: their fixed point, and thermal runaway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Int64s

Leakage = Callable[[Floats], tuple[Floats, Floats]]

_TOLERANCE_K = 1e-6
_STEPS = 60
_WEAK = 0.25


def leakage_curve(
    table_c: Floats, table_w: Floats, reference_c: Floats, doubling_k: Floats
) -> Leakage:
    """From temperatures [points, dies] to leakage over its value at `reference_c`, and slope [1/K].

    Parameters
    ----------
    table_c : temperatures of the characterised library [m], ascending
    table_w : leakage there [points, m]
    reference_c : temperature of the reference leakage [points]
    doubling_k : used where the table has fewer than two temperatures [points]; NaN is constant

    Notes
    -----
    The logarithm is linear in temperature between table entries, and goes on with the slope of
    the outermost pair beyond them (callers report how far beyond).
    """
    if len(table_c) < 2:
        return _doubling(reference_c, doubling_k)
    logs = numerics.log(table_w)
    slopes = np.diff(logs, axis=1) / np.diff(table_c)
    rows = np.arange(len(logs))[:, None]

    def log_at(t: Floats) -> tuple[Floats, Floats]:
        k = np.clip(np.searchsorted(table_c, t, side="right") - 1, 0, len(table_c) - 2)
        slope = slopes[rows, k]
        return logs[rows, k] + slope * (t - table_c[k]), slope

    log_reference, _ = log_at(reference_c[:, None])

    def ratio_at(temperature_c: Floats) -> tuple[Floats, Floats]:
        log_leakage, slope = log_at(temperature_c)
        with np.errstate(over="ignore", invalid="ignore"):  # infinite: it runs away
            ratio = numerics.exp(log_leakage - log_reference)
            return ratio, ratio * slope

    return ratio_at


def _doubling(reference_c: Floats, doubling_k: Floats) -> Leakage:
    """The curve of a leakage that doubles every so many kelvins; NaN: it is constant."""
    slope = np.where(np.isnan(doubling_k), 0.0, numerics.LN2 / doubling_k)[:, None]

    def ratio_at(temperature_c: Floats) -> tuple[Floats, Floats]:
        with np.errstate(over="ignore", invalid="ignore"):
            ratio = numerics.exp(slope * (temperature_c - reference_c[:, None]))
            return ratio, ratio * slope

    return ratio_at


@dataclass(frozen=True, kw_only=True, eq=False)
class Equilibrium:
    """rise_k, leakage_w [points, sources]; runaway [points]; loop_gain at the last iterate."""

    rise_k: Floats
    leakage_w: Floats
    runaway: Bools
    loop_gain: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Feedback:
    """How thermal resistances rise with temperature: ``R_ij + excess(rise_i)·change_ij``.

    change_k_per_w : sources x sources
    excess : from rises [points, sources] to relative thermal resistivity, less that for which R
        was computed, and its derivative per kelvin
    """

    change_k_per_w: Floats
    excess: Callable[[Floats], tuple[Floats, Floats]]


def equilibrium(
    resistance_k_per_w: Floats,
    power_w: Floats,
    leakage: Leakage,
    feedback: Feedback | None = None,
) -> Equilibrium:
    """Smallest fixed point of ``rise = R(rise)·(P + L(rise))``, by Newton steps from below.

    Parameters
    ----------
    resistance_k_per_w : R, sources x sources, without negative entries
    power_w : P, all power that does not depend on temperature [points, sources]
    leakage : from rises [points, sources] to leakage and its derivative per kelvin
    feedback : how R depends on the rise; None where it does not

    Notes
    -----
    R and the slope of L are not negative, and L is convex like the resistivity in `feedback`, so
    from ``R·P`` Newton climbs monotonically to the smallest fixed point if there is one. There is
    none, and temperature runs away, when on the way the loop gain ``ρ(R·L' + R'·(P + L))``
    reaches 1 while the rise still grows: then `runaway` is set and the last iterate is returned
    as it is, not a temperature.
    """
    points = len(power_w)
    rise = numerics.matmul(power_w, resistance_k_per_w.T)
    soft = feedback if feedback is not None and feedback.change_k_per_w.any() else None
    if soft is not None:
        excess, _ = soft.excess(np.zeros_like(rise))
        rise = rise + excess * numerics.matmul(power_w, soft.change_k_per_w.T)
    runaway = np.zeros(points, dtype=np.bool_)
    gain = np.zeros(points)
    value, slope = leakage(rise)
    leaks = bool(slope.any())
    if not leaks and soft is None:
        return Equilibrium(
            rise_k=rise + numerics.matmul(value, resistance_k_per_w.T),
            leakage_w=value,
            runaway=runaway,
            loop_gain=gain,
        )
    active = np.arange(points)
    for _ in range(_STEPS):
        if leaks:
            value, slope = leakage(rise)
        iterate = _iterate(resistance_k_per_w, power_w + value, slope, rise, soft)
        gain = iterate.gain
        # Far beyond any temperature leakage exceeds all numbers: no fixed point on the way.
        runaway |= ~(np.isfinite(gain) & np.isfinite(iterate.residual_k).all(axis=1))
        active = np.flatnonzero(~runaway & (np.abs(iterate.residual_k).max(axis=1) > _TOLERANCE_K))
        if not len(active):
            break
        # With little feedback plain iteration is as good as Newton's and needs no solution.
        weak = active[gain[active] < _WEAK]
        rise[weak] += iterate.plain_step_k(weak)
        strong = active[gain[active] >= _WEAK]
        if len(strong):
            loop = iterate.loop(strong)
            steps, stuck = _newton(loop, iterate.residual_k[strong], gain[strong])
            runaway[strong[stuck]] = True
            rise[strong[~stuck]] += steps[~stuck]
    else:
        runaway[active] = True
    return Equilibrium(rise_k=rise, leakage_w=value, runaway=runaway, loop_gain=gain)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Iterate:
    """The equation ``R(rise)·(P + L(rise)) - rise = 0`` at one iterate [points, sources].

    residual_k : its left side
    gain : largest row sum of the loop matrix ``R·L' + R'·(P + L)``, which bounds ρ of this
        non-negative matrix [points]
    slope : L'
    excess, stiff : of R and R'·(P + L) with temperature-dependent resistances, else None
    """

    resistance_k_per_w: Floats
    slope: Floats
    soft: Feedback | None
    residual_k: Floats
    gain: Floats
    excess: Floats | None
    stiff: Floats | None

    def plain_step_k(self, points: Int64s) -> Floats:
        """The step of plain iteration, without the leakage's slope."""
        if self.stiff is None:
            return self.residual_k[points]
        return self.residual_k[points] / (1 - self.stiff[points])

    def loop(self, points: Int64s) -> Floats:
        """The loop matrix [points, sources, sources]."""
        slope = self.slope[points][:, None, :]
        loop = self.resistance_k_per_w[None] * slope
        if self.soft is not None and self.excess is not None and self.stiff is not None:
            softened = self.excess[points][:, :, None] * self.soft.change_k_per_w[None]
            loop = loop + softened * slope
            loop = loop + np.eye(loop.shape[1]) * self.stiff[points][:, :, None]
        return loop


def _iterate(
    resistance_k_per_w: Floats, heat_w: Floats, slope: Floats, rise: Floats, soft: Feedback | None
) -> _Iterate:
    """The equation at these rises, where the sources dissipate `heat_w`."""
    residual = numerics.matmul(heat_w, resistance_k_per_w.T) - rise
    row_sums = numerics.matmul(slope, resistance_k_per_w.T)
    excess = stiff = None
    if soft is not None:
        excess, growth = soft.excess(rise)
        change = soft.change_k_per_w.T
        softer = numerics.matmul(heat_w, change)
        residual += excess * softer
        stiff = growth * softer
        row_sums += excess * numerics.matmul(slope, change) + stiff
    return _Iterate(
        resistance_k_per_w=resistance_k_per_w,
        slope=slope,
        soft=soft,
        residual_k=residual,
        gain=row_sums.max(axis=1),
        excess=excess,
        stiff=stiff,
    )


def _newton(loop: Floats, residual: Floats, gain: Floats) -> tuple[Floats, Bools]:
    size = loop.shape[1]
    grows = gain >= 1
    grows[grows] = _feeds_itself(loop[grows])
    stuck = grows & (residual.min(axis=1) > -_TOLERANCE_K)
    system = np.eye(size) - np.where(stuck[:, None, None], 0.0, loop)
    return numerics.solve(system, residual), np.asarray(stuck)


def _feeds_itself(loop: Floats) -> Bools:
    """Whether the spectral radius of each non-negative matrix [n, k, k] is 1 or more.

    It is below 1 just where ``1 - loop`` is a regular M-matrix, and that is where elimination
    without exchanges meets positive pivots only (Berman and Plemmons, Nonnegative Matrices in the
    Mathematical Sciences, 1979, theorem 6.2.3, E18).
    """
    rows = np.eye(loop.shape[1]) - loop
    grows = np.zeros(len(loop), dtype=np.bool_)
    for step in range(loop.shape[1]):
        pivot = rows[:, step, step]
        grows |= ~(pivot > 0)
        factor = rows[:, step + 1 :, step] / np.where(grows, 1.0, pivot)[:, None]
        rows[:, step + 1 :] -= factor[..., None] * rows[:, None, step]
    return grows
