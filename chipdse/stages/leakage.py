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

from chipdse.arrays import Floats, Int32s, Int64s, UInt64s
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.netlist.activity.recording import read_register_map
from chipdse.netlist.activity.replay.lanes import LANES, WORDS
from chipdse.netlist.activity.replay.replay import Engine
from chipdse.netlist.activity.runs.plan import RunPlan, plan_runs, recorded_state
from chipdse.netlist.activity.runs.runs import Runs, start_runs
from chipdse.netlist.activity.runs.steps import Wanted
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.cycles import CycleEnergies
from chipdse.netlist.power.modules import assign_modules
from chipdse.netlist.power.welch import (
    THRESHOLD,
    Moments,
    Products,
    first_order,
    of_counts,
    second_order,
    threshold_of,
)
from chipdse.stages.analyse import analyse_design
from chipdse.stages.load import Hardware, load
from chipdse.stages.stimuli import FIXED, Stimuli, recorded_stimuli
from chipdse.stages.traces import block_energies
from chipdse.store.store import Store

BITS = 16  # of an energy's weight: rounded below what any process repeats
_MOST_WORDS = 4


@dataclass(frozen=True, kw_only=True)
class LeakageTest:
    """What is tested.

    secret : words of the inputs, as for `recorded_stimuli`
    fresh : ports of random bits besides one called ``random``
    traces : of both classes together, rounded up to a multiple of 512
    cycles : from the first of the workload; None is the whole workload
    masked : False switches all randomness off
    correlate : a register of the RTL whose Hamming weight is compared with the power
    correlate_cycle : after whose edge the register is read; None is the cycle of the power
    seed : of the random words
    depth : of the modules by which energy is grouped
    """

    secret: tuple[str, ...]
    fresh: tuple[str, ...] = ()
    traces: int = 10_000
    cycles: int | None = None
    masked: bool = True
    correlate: str | None = None
    correlate_cycle: int | None = None
    seed: int = 0
    depth: int = 1

    def __post_init__(self) -> None:
        if not self.secret:
            raise DesignError("no secret is named; name an input, e.g. --secret in_data")
        if not 2 <= self.traces <= 10**9:
            raise DesignError(f"{self.traces} traces; use 2 to 1,000,000,000")


@dataclass(frozen=True, kw_only=True, eq=False)
class Leakage:
    """Result of a test; a cycle begins with a clock edge, cycle 0 with the first of the workload.

    traces : number that ran
    first_t, second_t : [cycles] Welch's t of the block's energy, first and second order
    group_t : [groups, cycles] first order, of the cells of each group
    groups : names of the groups
    net_t : [cycles, nets] of how often each net changes
    nets : names
    net_module : module of the cell that drives each net
    net_threshold : beyond which a net leaks: higher than 4.5, as many nets are tested
    progress : traces, largest |t| of first and of second order so far
    correlation : [cycles] with the register; empty without
    """

    traces: int
    first_t: Floats
    second_t: Floats
    group_t: Floats
    groups: tuple[str, ...]
    net_t: Floats
    nets: tuple[str, ...]
    net_module: tuple[str, ...]
    net_threshold: float
    progress: tuple[tuple[int, float, float], ...]
    correlation: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def max_t_first_order(self) -> float:
        """Largest |t| of the block's energy over all cycles, first order."""
        return float(np.abs(self.first_t).max())

    @property
    def max_t_second_order(self) -> float:
        """Largest |t| of the block's energy over all cycles, second order."""
        return float(np.abs(self.second_t).max())

    @property
    def max_t_nets(self) -> float:
        """Largest |t| of any net in any cycle."""
        return float(np.abs(self.net_t).max(initial=0.0))

    @property
    def leaks_first_order(self) -> bool:
        """Whether the block's energy or any net leaks in first order."""
        return self.max_t_first_order > THRESHOLD or self.max_t_nets > self.net_threshold

    def traces_needed(self, order: int) -> int | None:
        """The fewest of the traces at which |t| was looked at and beyond 4.5; None if never."""
        beyond = [row[0] for row in self.progress if row[order] > THRESHOLD]
        return beyond[0] if beyond else None

    def leaking_nets(self) -> list[tuple[str, int, float]]:
        """Name, cycle and t of the nets that leak, the clearest first."""
        largest = np.abs(self.net_t).max(axis=0, initial=0.0)
        order = np.argsort(-largest, kind="stable")
        cycle = np.abs(self.net_t).argmax(axis=0)
        return [
            (self.nets[net], int(cycle[net]), float(self.net_t[cycle[net], net]))
            for net in order.tolist()
            if largest[net] > self.net_threshold
        ]

    def leaking_modules(self) -> dict[str, int]:
        """Number of nets that leak, by the module that drives them."""
        leaks = np.abs(self.net_t).max(axis=0, initial=0.0) > self.net_threshold
        modules = [self.net_module[net] for net in np.flatnonzero(leaks).tolist()]
        return {name: modules.count(name) for name in sorted(set(modules))}


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
    loaded = load(design.library, hardware, design.operating.process)
    netlist, recording, run = loaded.netlist, loaded.recording, hardware.run
    registers = read_register_map(hardware.mapped.register_map)
    plan = plan_runs(netlist, recording.clock, registers)
    analysed = analyse_design(design, hardware, store)
    energies = block_energies(analysed, plan.plan, test.depth, bits=BITS)
    available = min(run.cycles, recording.rows - 1 - run.first_cycle)
    cycles = available if test.cycles is None else test.cycles
    stimuli = recorded_stimuli(
        plan,
        recording,
        first_row=run.first_cycle,
        cycles=cycles,
        secret=test.secret,
        fresh=test.fresh,
    )
    nets, slots = _probes(netlist, plan)
    watched: Int32s = np.zeros(0, dtype=np.int32)
    if test.correlate is not None:
        named = [
            number
            for number, name in enumerate(plan.registers)
            if name in registers and registers[name].signal == test.correlate
        ]
        if not named:
            some = ", ".join(sorted({each.signal for each in registers.values()})[:8])
            raise DesignError(
                f"no flip-flop stores register {test.correlate!r}; there are e.g. {some}"
            )
        watched = plan.state[named, 1].copy()
    first_state = recorded_state(plan, registers, recording, run.first_cycle)
    work = _Work(
        plan=plan,
        energies=energies,
        stimuli=stimuli,
        state=np.where(first_state > 0, ~np.uint64(0), np.uint64(0)),
        wanted=Wanted(probes=slots, mask=np.full(WORDS, FIXED), watched=watched),
        test=test,
        engine=engine,
    )
    sums = work.all(jobs or os.cpu_count() or 1)
    module = assign_modules(loaded.graph).at_depth(test.depth)
    driver = netlist.pin_cell[netlist.net_driver_pin[nets]]
    group_count = len(energies.groups.modules)
    first = first_order(sums.fixed, sums.random).reshape(cycles, group_count + 1)
    second = second_order(sums.fixed, sums.random).reshape(cycles, group_count + 1)
    half = sums.traces // 2
    return Leakage(
        traces=sums.traces,
        first_t=first[:, -1],
        second_t=second[:, -1],
        group_t=first[:, :-1].T,
        groups=energies.groups.names,
        net_t=of_counts(sums.changes[:, :, 0], sums.changes[:, :, 1], half, half),
        nets=tuple(netlist.net_names[net] for net in nets.tolist()),
        net_module=tuple(module.names[number] for number in module.of_cell[driver].tolist()),
        net_threshold=threshold_of(sums.changes[:, :, 0].size),
        progress=tuple(sums.progress),
        correlation=np.zeros(0) if sums.products is None else sums.products.correlation,
    )


def _probes(netlist: Netlist, plan: RunPlan) -> tuple[Int64s, Int32s]:
    """Nets that cells drive, and their slots; a clock's nets change in every cycle alike."""
    slot = plan.plan.slot_of_net
    clocked = np.zeros(netlist.net_count, dtype=bool)
    clocked[[net for net, *_ in plan.plan.clocked]] = True
    nets = np.flatnonzero((netlist.net_driver_pin >= 0) & (slot >= plan.plan.base) & ~clocked)
    return nets, np.ascontiguousarray(slot[nets], dtype=np.int32)


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

    plan: RunPlan
    energies: CycleEnergies
    stimuli: Stimuli
    state: UInt64s
    wanted: Wanted
    test: LeakageTest
    engine: Engine

    @property
    def lanes(self) -> int:
        """Runs per batch."""
        wanted = -(-self.test.traces // LANES)
        return LANES * min(_MOST_WORDS, wanted)

    def all(self, jobs: int) -> _Sums:
        """Every batch, with so many threads."""
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
        points = len(self.energies.groups.modules) + 1
        largest = [
            float(np.abs(order(sums.fixed, sums.random).reshape(-1, points)[:, -1]).max())
            for order in (first_order, second_order)
        ]
        return sums.traces, largest[0], largest[1]

    def _runs(self) -> Runs:
        return start_runs(
            self.plan,
            self.energies.weights,
            wanted=self.wanted,
            words=self.lanes // LANES,
            engine=self.engine,
        )

    def _empty_changes(self) -> Int64s:
        cycles = len(self.stimuli.recorded) - 1
        return np.zeros((cycles, len(self.wanted.probes), 2), dtype=np.int64)

    def _values(self, runs: Runs, number: int) -> tuple[Int64s, Int64s, UInt64s]:
        """Energy [points, runs] of a batch in units, changes, and watched values."""
        random = np.random.default_rng([self.test.seed, number])
        sources = self.stimuli.draw(random, self.lanes // 64, masked=self.test.masked)
        state = np.repeat(self.state[:, None], self.lanes // 64, axis=1)
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
