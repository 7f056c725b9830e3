"""What the power of a block reveals of secret inputs: fixed versus random, without measured noise.

Runs of the netlist, half with fixed and half with random secrets, side by side; moments of the
energy of every cycle, and how often every net changes. Nothing grows with the number of traces.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from chipdse.arrays import Floats, Int64s, UInt64s
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.netlist.activity.replay.lanes import LANES, WORDS
from chipdse.netlist.activity.replay.replay import Engine
from chipdse.netlist.activity.runs.runs import Runs, start_runs
from chipdse.netlist.activity.runs.steps import Wanted
from chipdse.netlist.power.welch import (
    Moments,
    Products,
    first_order,
    of_counts,
    second_order,
    threshold_of,
)
from chipdse.stages.leakage_records import Leakage, LeakageTest
from chipdse.stages.leakage_setup import Setup, set_up
from chipdse.stages.load import Hardware
from chipdse.store.store import Store

ALTERNATE = np.uint64(0x5555_5555_5555_5555)
"""Runs of the fixed class: every second."""
_MOST_WORDS = 4


def measure_leakage(
    design: Design,
    hardware: Hardware,
    store: Store,
    test: LeakageTest,
    *,
    engine: Engine = "auto",
    jobs: int | None = None,
) -> Leakage:
    """Run a design's netlist with fixed and random secrets and compare the two classes.

    Parameters
    ----------
    jobs : threads; None is one per processor. The result does not depend on it

    Raises
    ------
    DesignError : an input or register is not there, or the netlist cannot run by itself
    """
    setup = set_up(design, hardware, store, test)
    wanted = Wanted(probes=setup.slots, mask=np.full(WORDS, ALTERNATE), watched=setup.watched)
    work = _Work(setup=setup, wanted=wanted, test=test, engine=engine)
    sums = work.all(jobs or os.cpu_count() or 1)
    points = setup.cycles, len(setup.energies.groups.modules) + 1
    first = first_order(sums.fixed, sums.random).reshape(points)
    second = second_order(sums.fixed, sums.random).reshape(points)
    half = sums.traces // 2
    return Leakage(
        traces=sums.traces,
        first_t=first[:, -1],
        second_t=second[:, -1],
        group_t=first[:, :-1].T,
        groups=setup.energies.groups.names,
        net_t=of_counts(sums.changes[:, :, 0], sums.changes[:, :, 1], half, half),
        nets=setup.net_names,
        net_module=setup.net_module,
        net_threshold=threshold_of(sums.changes[:, :, 0].size),
        progress=tuple(sums.progress),
        correlation=np.zeros(0) if sums.products is None else sums.products.correlation,
    )


@dataclass(eq=False)
class _Sums:
    """What has been added up of all batches."""

    fixed: Moments
    random: Moments
    changes: Int64s
    products: Products | None
    traces: int = 0
    progress: list[tuple[int, float, float]] = field(default_factory=list)


_Batch = tuple[Moments, Moments, Products | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """Batches of runs; each has random numbers of its own, so their order does not matter."""

    setup: Setup
    wanted: Wanted
    test: LeakageTest
    engine: Engine

    @property
    def lanes(self) -> int:
        """Runs per batch."""
        wanted = -(-self.test.traces // LANES)
        return LANES * min(_MOST_WORDS, wanted)

    def all(self, jobs: int) -> _Sums:
        """Every batch, with the given number of threads."""
        batches = -(-self.test.traces // self.lanes)
        changes = _Changes(self._empty_changes())
        first_runs = self._runs()
        shift, scale = self._shift(first_runs)
        batch = functools.partial(self._batch, changes, shift, scale)
        sums: _Sums | None = None
        with ThreadPoolExecutor(min(jobs, batches)) as pool:
            for number, (fixed, random, products) in enumerate(_ordered(pool, batch, batches)):
                if sums is None:
                    sums = _Sums(
                        fixed=fixed, random=random, changes=changes.total, products=products
                    )
                else:
                    sums.fixed, sums.random = sums.fixed + fixed, sums.random + random
                    if sums.products is not None and products is not None:
                        sums.products = sums.products + products
                sums.traces += self.lanes
                done = number + 1
                if done & number == 0 or done == batches:
                    sums.progress.append(self._largest(sums))
        assert sums is not None
        sums.changes = changes.total
        return sums

    def _largest(self, sums: _Sums) -> tuple[int, float, float]:
        points = len(self.setup.energies.groups.modules) + 1
        largest = [
            float(np.abs(order(sums.fixed, sums.random).reshape(-1, points)[:, -1]).max())
            for order in (first_order, second_order)
        ]
        return sums.traces, largest[0], largest[1]

    def _runs(self) -> Runs:
        return start_runs(
            self.setup.plan,
            self.setup.energies.weights,
            wanted=self.wanted,
            words=self.lanes // LANES,
            engine=self.engine,
        )

    def _empty_changes(self) -> Int64s:
        return np.zeros((self.setup.cycles, len(self.wanted.probes), 2), dtype=np.int64)

    def _values(self, runs: Runs, number: int) -> tuple[Int64s, Int64s, UInt64s]:
        """Energy [points, runs] of a batch in units, changes, and watched values."""
        random = np.random.default_rng([self.test.seed, number])
        sources = self.setup.stimuli.draw(
            random, np.full(self.lanes // 64, ALTERNATE), masked=self.test.masked
        )
        state = np.repeat(self.setup.state[:, None], self.lanes // 64, axis=1)
        runs.begin(sources[0], state)
        steps = runs.advance(sources[1:])
        total = steps.sums.sum(axis=1, keepdims=True)
        points = np.concatenate([steps.sums, total], axis=1).reshape(-1, self.lanes)
        return points, steps.counts, steps.watched

    def _shift(self, runs: Runs) -> tuple[Floats, Floats]:
        """A whole number near the mean of every point, and a power of two near its spread."""
        points, _, _ = self._values(runs, 0)
        shift = np.floor(points.mean(axis=1))
        spread = np.maximum(np.abs(points - shift[:, None]).max(axis=1), 1.0)
        scale: Floats = np.ldexp(1.0, np.frexp(spread)[1])
        return shift, scale

    def _batch(self, changes: _Changes, shift: Floats, scale: Floats, number: int) -> _Batch:
        runs = changes.runs(self._runs)
        points, counts, watched = self._values(runs, number)
        changes.add(counts)
        away = (points - shift[:, None]) / scale[:, None]
        fixed, random = Moments.of(away[:, 0::2]), Moments.of(away[:, 1::2])
        return fixed, random, self._products(away, watched)

    def _products(self, away: Floats, watched: UInt64s) -> Products | None:
        """Sums for the correlation of the block's energy with the register, random class."""
        if not watched.shape[1]:
            return None
        bits = np.unpackbits(watched.view(np.uint8), axis=2, bitorder="little")
        weight = bits.sum(axis=1, dtype=np.int64)[:, 1::2].astype(np.float64)
        weight -= 0.5 * watched.shape[1]
        total = away.reshape(len(weight), -1, self.lanes)[:, -1, 1::2]
        at = self.test.correlate_cycle
        if at is None:
            parts = [Products.of(total[c : c + 1], weight[c]) for c in range(len(total))]
            sums = np.concatenate([part.sums for part in parts], axis=1)
            return Products(count=parts[0].count, sums=sums)
        if not 0 <= at < len(weight):
            raise DesignError(f"correlation with cycle {at}; use 0 to {len(weight) - 1}")
        return Products.of(total, weight[at])


class _Changes:
    """Changes of all nets, added up by several threads, and the runs of each thread."""

    def __init__(self, total: Int64s) -> None:
        self.total = total
        self._lock, self._local = threading.Lock(), threading.local()

    def add(self, counts: Int64s) -> None:
        with self._lock:
            self.total += counts

    def runs(self, start: Callable[[], Runs]) -> Runs:
        """The runs of this thread."""
        if not hasattr(self._local, "runs"):
            self._local.runs = start()
        runs: Runs = self._local.runs
        return runs


def _ordered(
    pool: ThreadPoolExecutor, batch: functools.partial[_Batch], batches: int
) -> Iterator[_Batch]:
    """Results in order; few batches wait for their turn."""
    ahead = 16
    waiting = [pool.submit(batch, number) for number in range(min(ahead, batches))]
    for number in range(batches):
        yield waiting[number % ahead].result()
        if number + ahead < batches:
            waiting[number % ahead] = pool.submit(batch, number + ahead)
