"""Timing with mismatch: the clock period and hold slack that a stated share of chips keeps.

The variance of an arrival is carried along its path with that of the edge's slew, because a weak
transistor delays its cell and slows the edge that drives the next one. Cells vary independently.
Near threshold delays and slews are on average longer than nominal: both shifts are carried along.
Where edges meet, the later one at the stated number of standard deviations is kept (as in timing
with Liberty variation format tables, POCV). A path's delay is a log-normal variable plus a constant
(Aitchison and Brown, The Lognormal Distribution, 1957), with the mean, variance and third moment of
the sum; where no third moment is known, log-normal (Fenton, IRE Trans. Commun. Syst. 8, 1960). A
chip works if every endpoint does: the product of their probabilities counts the near-critical ones.
As paths that share cells are late together, that product never is more than the true probability
(Slepian, Bell Syst. Tech. J. 41, 1962).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.netlist.library.sigmas import arc_moments, constraint_deviation_s
from chipdse.netlist.timing.readers import reader_delays
from chipdse.netlist.timing.records import MAX, MIN, Timing
from chipdse.netlist.timing.skewed import LEAST_DEVIATION_S, Skewed, upper_tail
from chipdse.netlist.timing.timing import ArcSlopes, arc_slopes

_BISECTIONS = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrivals:
    """Moments of arrivals [2, classes, K, net edges]; see `Timing.arrival_s`.

    third_s3 : third central moments; None where skewness of delays is not known
    """

    mean_s: Floats
    variance_s2: Floats
    third_s3: Floats | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Varied:
    """What a stated share of chips keeps, at K operating points.

    min_period_s : shortest clock period
    worst_hold_slack_s : worst hold slack; inf where nothing is constrained
    path_mean_s, path_deviation_s : of the path with the longest period at the stated yield
    near_critical : how many endpoints as critical as the worst one would fail as often as all do
    """

    min_period_s: Floats
    worst_hold_slack_s: Floats
    path_mean_s: Floats
    path_deviation_s: Floats
    near_critical: Floats


def vary(timing: Timing, sigma: float) -> Varied:
    """Period and hold slack that hold with the probability of a normal variable below `sigma`.

    Raises
    ------
    DesignError : mismatch of the library is not known at an operating point
    """
    arrivals = varied_arrivals(timing, sigma)
    mean_s, deviation_s, skew = _needs(timing, arrivals)
    hold_mean_s, hold_deviation_s = _margins(timing, arrivals)
    count = len(timing.clock_period_s)
    result = {
        name: np.zeros(count)
        for name in ("min_period_s", "path_mean_s", "path_deviation_s", "near_critical")
    }
    hold = np.full(count, np.inf)
    for point in range(count):
        used = np.isfinite(mean_s[point]) & (mean_s[point] > 0)
        means, deviations = mean_s[point, used], deviation_s[point, used]
        if len(means):
            period_s, worst, near = _period(means, deviations, skew[point, used], sigma)
            result["min_period_s"][point] = period_s
            result["path_mean_s"][point] = means[worst]
            result["path_deviation_s"][point] = deviations[worst]
            result["near_critical"][point] = near
        used = np.isfinite(hold_mean_s[point])
        if used.any():
            hold[point] = _slack(hold_mean_s[point, used], hold_deviation_s[point, used], sigma)
    return Varied(worst_hold_slack_s=hold, **result)


def varied_arrivals(timing: Timing, sigma: float) -> Arrivals:
    """Arrivals of the paths that are worst at a number of standard deviations.

    Parameters
    ----------
    sigma : number of deviations that are added to the mean of late edges and subtracted from that
        of early ones
    """
    return _Pass(timing, arc_slopes(timing), sigma).arrivals()


class _Pass:
    """Means, variances and covariances with the slew, level by level."""

    def __init__(self, timing: Timing, arcs: ArcSlopes, sigma: float) -> None:
        self.timing, self.arcs, self.sigma = timing, arcs, sigma
        graph = timing.graph
        points, edges = len(timing.clock_period_s), timing.slew_s.shape[-1]
        moments = arc_moments(
            timing.library,
            graph.delay_tables,
            graph.slew_tables,
            graph.kind,
            arcs.input_slew_s,
            arcs.load_f,
        )
        self.delay_s2, self.slew_s2, self.both_s2 = moments.delay, moments.slew, moments.both
        self.shift_s, self.slew_shift_s = moments.shift_s, moments.slew_shift_s
        self.skew = moments.skew
        shape = (2, graph.launch_classes, points, edges)
        self.mean = np.empty(shape)
        self.mean[MAX], self.mean[MIN] = -np.inf, np.inf
        # [arrival variance, covariance with slew, slew variance, mean less nominal slew]
        self.state = np.zeros((4, *shape))
        # [third moment of the arrival, variance of the last cell's delay, its skewness]
        self.tail = None if self.skew is None else np.zeros((3, *shape))
        start = timing.arrival_s
        driven = np.unique(graph.sink)
        sources = np.setdiff1d(np.arange(edges), driven)
        self.mean[..., sources] = start[..., sources]

    def arrivals(self) -> Arrivals:
        graph = self.timing.graph
        for level in range(len(graph.level_start) - 1):
            span = slice(int(graph.level_start[level]), int(graph.level_start[level + 1]))
            if span.start == span.stop:
                continue
            first = np.flatnonzero(np.diff(graph.sink[span], prepend=-1))
            for number in range(graph.launch_classes):
                for which in (MAX, MIN):
                    self._level(span, first, level == 0, number, which)
        third_s3 = None if self.tail is None else self.tail[0]
        return Arrivals(mean_s=self.mean, variance_s2=self.state[0], third_s3=third_s3)

    def _level(self, span: slice, first: Int64s, launches: bool, number: int, which: int) -> None:
        graph, arcs = self.timing.graph, self.arcs
        sink, source = graph.sink[span], graph.source[span]
        eta, tau = arcs.delay_slope[which][:, span], arcs.slew_slope[which][:, span]
        if launches:
            never = -np.inf if which == MAX else np.inf
            begin = np.where(graph.launch[span] == number, 0.0, never)[None, :]
            variance = both = slew = later_s = np.zeros_like(eta)
        else:
            begin = self.mean[which, number].take(source, axis=1)
            variance, both, slew, later_s = (
                self.state[part, which, number].take(source, axis=1) for part in range(4)
            )
        sign = 1.0 if which == MAX else -1.0
        mean = begin + arcs.delay_s[which][:, span] + self.shift_s[which][:, span]
        mean += eta * later_s  # the edge before is flatter on average than nominally
        through = both + eta * slew
        by_slew = eta * (both + through)
        after = np.stack(
            [
                variance + by_slew + self.delay_s2[which][:, span],
                tau * through + self.both_s2[which][:, span],
                np.square(tau) * slew + self.slew_s2[which][:, span],
                tau * later_s + self.slew_shift_s[which][:, span],
            ]
        )
        key = sign * mean + self.sigma * np.sqrt(np.maximum(after[0], 0.0))
        winner = _first_largest(key, first)
        rows = np.arange(len(key))[:, None]
        into = sink[first]
        self.mean[which, number][:, into] = mean[rows, winner]
        for part in range(4):
            self.state[part, which, number][:, into] = after[part][rows, winner]
        if self.tail is not None and self.skew is not None:
            tail = self.tail[:, which, number]
            before = np.zeros((3, *eta.shape)) if launches else tail.take(source, axis=2)
            of_cells = (self.delay_s2[which][:, span], self.skew[which][:, span])
            tail[:, :, into] = _tail(before, by_slew, *of_cells)[:, rows, winner]


def _tail(before: Floats, by_slew: Floats, variance: Floats, skew: Floats) -> Floats:
    """Third moment of an arrival after a cell, with the variance and skewness of the cell's delay.

    What a cell adds to the variance through the slew of its edge is distributed as its delay is:
    the same transistors decide both.

    Parameters
    ----------
    before : of the edge before [3, K, arcs]: third moment, variance and skewness of its last cell
    by_slew : variance that its slew adds [K, arcs]
    """
    third, last, last_skew = before
    scaled = np.maximum(last + by_slew, 0.0)
    third = third + last_skew * (scaled * np.sqrt(scaled) - last * np.sqrt(last))
    return np.stack([third + skew * variance * np.sqrt(variance), variance, skew])


def _first_largest(key: Floats, first: Int64s) -> Int64s:
    """[K, segments] Place of the largest key in each segment, the first of equal ones."""
    largest = np.maximum.reduceat(key, first, axis=1)
    lengths = np.diff(np.append(first, key.shape[1]))
    is_largest: Bools = key == np.repeat(largest, lengths, axis=1)
    places = np.where(is_largest, np.arange(key.shape[1])[None, :], key.shape[1])
    winner: Int64s = np.minimum.reduceat(places, first, axis=1)
    return winner


def _needs(timing: Timing, arrivals: Arrivals) -> tuple[Floats, Floats, Floats]:
    """Mean, deviation and skewness of the period that each endpoint needs [K, endpoints]."""
    graph = timing.graph
    means, deviations, skews = [], [], []
    setup = np.flatnonzero(graph.check_is_setup)
    edge = _check_edges(timing, setup)
    wire = _reader_delays(timing, graph.check_pin[setup])[MAX]
    limit_s = _limit_deviation_s(timing, setup, edge, MAX)
    nets = graph.netlist.output_nets.astype(np.int64)
    for launch in range(graph.launch_classes):
        share = np.where(graph.check_class[setup] == launch, 1.0, 0.5)
        late = arrivals.mean_s[MAX, launch][:, edge] + wire + timing.constraint_s[:, setup]
        variance = arrivals.variance_s2[MAX, launch][:, edge] + np.square(limit_s)
        means.append(late / share)
        deviations.append(np.sqrt(variance) / share)
        skews.append(_skew(arrivals, launch, edge, late, variance))
        port_share = 1.0 if launch == 0 else 0.5
        for rises in (0, 1):
            late = arrivals.mean_s[MAX, launch][:, 2 * nets + rises]
            late = late + _port_delays(timing, rises)[MAX]
            means.append(late / port_share)
            variance = arrivals.variance_s2[MAX, launch][:, 2 * nets + rises]
            deviations.append(np.sqrt(variance) / port_share)
            skews.append(_skew(arrivals, launch, 2 * nets + rises, late, variance))
    mean_s, deviation_s, skew = (
        np.concatenate(values, axis=1) for values in (means, deviations, skews)
    )
    return mean_s, deviation_s, skew


def _skew(
    arrivals: Arrivals, launch: int, edge: Int64s, late_s: Floats, variance_s2: Floats
) -> Floats:
    """Skewness of late arrivals, of a log-normal one where third moments are not known."""
    deviation = np.sqrt(variance_s2)
    if arrivals.third_s3 is None:
        late = np.where(np.isfinite(late_s) & (late_s > 0), late_s, np.inf)
        ratio = deviation / late
        return 3 * ratio + ratio * np.square(ratio)
    third = arrivals.third_s3[MAX, launch][:, edge]
    cubed = np.maximum(deviation * variance_s2, 1e-90)
    skew: Floats = np.maximum(third, 0.0) / cubed
    return skew


def _margins(timing: Timing, arrivals: Arrivals) -> tuple[Floats, Floats]:
    """Mean and deviation of the hold slack of each endpoint [K, endpoints]."""
    graph, half_s = timing.graph, timing.clock_period_s[:, None] / 2
    means, deviations = [], []
    hold = np.flatnonzero(~graph.check_is_setup)
    edge = _check_edges(timing, hold)
    wire = _reader_delays(timing, graph.check_pin[hold])[MIN]
    limit_s = _limit_deviation_s(timing, hold, edge, MIN)
    nets = graph.netlist.output_nets.astype(np.int64)
    for launch in range(graph.launch_classes):
        other = (graph.check_class[hold] != launch)[None, :]
        early = arrivals.mean_s[MIN, launch][:, edge] + wire - timing.constraint_s[:, hold]
        means.append(early + np.where(other, half_s, 0.0))
        variance = arrivals.variance_s2[MIN, launch][:, edge] + np.square(limit_s)
        deviations.append(np.sqrt(variance))
        for rises in (0, 1):
            early = arrivals.mean_s[MIN, launch][:, 2 * nets + rises]
            early = early + _port_delays(timing, rises)[MIN]
            means.append(early + (half_s if launch else 0.0))
            variance = arrivals.variance_s2[MIN, launch][:, 2 * nets + rises]
            deviations.append(np.sqrt(variance))
    return np.concatenate(means, axis=1), np.concatenate(deviations, axis=1)


def _reader_delays(timing: Timing, edges: Int64s) -> tuple[Floats | float, Floats | float]:
    """Delay from its driver to some reader edges, in the maximum and the minimum analysis."""
    readers = reader_delays(timing.netlist, timing.wires)
    return readers.late_and_early_s(edges, timing.slew_s, timing.opposite_slew_s)


def _port_delays(timing: Timing, rises: int) -> tuple[Floats | float, Floats | float]:
    """Delay from its driver to every output port, of rising or falling edges."""
    bits = np.arange(len(timing.netlist.output_nets))
    return _reader_delays(timing, 2 * (len(timing.netlist.pin_net) + bits) + rises)


def _check_edges(timing: Timing, checks: Int64s) -> Int64s:
    pins = timing.graph.check_pin[checks]
    edges: Int64s = 2 * timing.netlist.pin_net[pins >> 1].astype(np.int64) + (pins & 1)
    return edges


def _limit_deviation_s(timing: Timing, checks: Int64s, edge: Int64s, which: int) -> Floats:
    """Standard deviation of setup or hold times [K, checks]; the ideal clock has no slew."""
    if not len(checks):
        return np.zeros((len(timing.clock_period_s), 0))
    slew_s = timing.slew_s[which][:, edge]
    tables = timing.graph.check_table[checks].astype(np.int64)
    return constraint_deviation_s(
        timing.library,
        tables,
        np.zeros_like(slew_s),
        slew_s,
        timing.constraint_s[:, checks],
        setup=which == MAX,
    )


def _period(
    mean_s: Floats, deviation_s: Floats, skew: Floats, sigma: float
) -> tuple[float, int, float]:
    """Period that all endpoints keep together, the worst endpoint, and how many count."""
    needs = Skewed(mean=mean_s, deviation=deviation_s, skew=skew)
    each = needs.at(sigma)
    worst = int(each.argmax())
    allowed = float(upper_tail(np.array([sigma]))[0])
    low, high = float(each[worst]), float(needs.at(sigma + 6).max())
    for _ in range(_BISECTIONS):
        half = (low + high) / 2
        failing = float(upper_tail(needs.sigma(half)).sum())
        low, high = (half, high) if failing > allowed else (low, half)
    alone = float(upper_tail(needs.sigma(high)[[worst]])[0])
    return high, worst, allowed / max(alone, 1e-300)


def _slack(mean_s: Floats, deviation_s: Floats, sigma: float) -> float:
    """Hold slack that all endpoints keep together."""
    each = mean_s - sigma * deviation_s
    allowed = float(upper_tail(np.array([sigma]))[0])
    spread = np.maximum(deviation_s, LEAST_DEVIATION_S)
    low, high = float((mean_s - (sigma + 6) * spread).min()), float(each.min())
    for _ in range(_BISECTIONS):
        half = (low + high) / 2
        failing = float(upper_tail((mean_s - half) / spread).sum())
        low, high = (low, half) if failing > allowed else (half, high)
    return low
