"""Settings and results of a test of side channels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.netlist.power.welch import THRESHOLD


@dataclass(frozen=True, kw_only=True)
class LeakageTest:
    """What is tested.

    secret : words of the inputs, as for `recorded_stimuli`; empty: all data of the operation that
        the block states
    fresh : ports of random bits besides one called ``random``
    traces : of both classes together, rounded up to a multiple of 512
    cycles : from the first of the workload or operation; None is all of it
    masked : False switches all randomness off
    glitches : transitions are those of a replay with delays; slower, and of first order only
    correlate : a register of the RTL whose Hamming weight is compared with the power
    correlate_cycle : after whose edge the register is read; None is the cycle of the power
    seed : of the random words
    depth : of the modules by which energy is grouped
    """

    secret: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    traces: int = 10_000
    cycles: int | None = None
    masked: bool = True
    glitches: bool = False
    correlate: str | None = None
    correlate_cycle: int | None = None
    seed: int = 0
    depth: int = 1

    def __post_init__(self) -> None:
        if self.fresh and not self.secret:
            raise DesignError(
                f"random port {self.fresh[0]!r} without --secret: the operation that the block "
                "states gives all inputs; add --secret PORT, or leave --random out"
            )
        if self.glitches and self.correlate is not None:
            raise DesignError("correlation with glitches is not computed; leave one of both out")
        if not 2 <= self.traces <= 10**9:
            raise DesignError(f"{self.traces} traces; use 2 to 1,000,000,000")
        if self.seed < 0:
            raise DesignError(f"seed {self.seed} is negative; use 0 or more")


@dataclass(frozen=True, kw_only=True, eq=False)
class Leakage:
    """Result of a test; a cycle begins with a clock edge, cycle 0 with the first of the workload.

    traces : number that ran
    first_t, second_t : [cycles] Welch's t of the block's energy, first and second order; with
        glitches the second is empty
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
        return float(np.abs(self.second_t).max(initial=0.0))

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
