"""Energy of a netlist in every clock cycle, by module and kind of cell.

A trace is the sum of `transition_energies` over the transitions of a cycle. Its mean is the power
of the analysis from which these energies come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int32s, Int64s, UInt64s
from chipdse.netlist.activity.recording import Recording
from chipdse.netlist.activity.replay.lanes import LANES, lanes
from chipdse.netlist.activity.replay.plan import Plan
from chipdse.netlist.activity.replay.replay import Engine, refuse_unknown
from chipdse.netlist.activity.replay.replay import _window as replay_window
from chipdse.netlist.activity.runs.plan import recorded_runs
from chipdse.netlist.activity.runs.runs import Runs, start_runs
from chipdse.netlist.activity.runs.weights import BITS, Weights, weigh
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.modules import Modules
from chipdse.netlist.power.power import GROUPS
from chipdse.netlist.power.transitions import RARELY, TransitionEnergies
from chipdse.sorting import distinct

_CHUNK_NUMBERS = 1 << 22


@dataclass(frozen=True, kw_only=True, eq=False)
class CellGroups:
    """Cells grouped by module and kind.

    modules, kinds : of each group; kinds are those of `power.GROUPS`
    of_cell : group of each cell
    """

    modules: tuple[str, ...]
    kinds: tuple[str, ...]
    of_cell: Int32s

    @property
    def names(self) -> tuple[str, ...]:
        """One name per group, e.g. ``row_0 sequential``; the top module is ``(top)``."""
        pairs = zip(self.modules, self.kinds, strict=True)
        return tuple(f"{module or '(top)'} {kind}" for module, kind in pairs)


def cell_groups(modules: Modules, kind_of_cell: Int32s) -> CellGroups:
    """The groups that occur, modules first."""
    code = modules.of_cell.astype(np.int64) * len(GROUPS) + kind_of_cell
    used, of_cell = distinct(code)
    return CellGroups(
        modules=tuple(modules.names[number // len(GROUPS)] for number in used.tolist()),
        kinds=tuple(GROUPS[number % len(GROUPS)] for number in used.tolist()),
        of_cell=of_cell.astype(np.int32),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class CycleEnergies:
    """How transitions of slots become energy per cycle.

    weights : of transitions, in joule
    constant_j : [groups] dynamic energy of every cycle that depends on no transition
    """

    groups: CellGroups
    weights: Weights
    constant_j: Floats

    def energy_j(self, sums: Int64s) -> Floats:
        """Energy [steps, groups, lanes] from the sums of `Runs.advance`."""
        energy: Floats = sums * self.weights.unit + self.constant_j[:, None]
        return energy


def spread_glitches(per_cycle: Floats, functional_per_cycle: Floats) -> Floats:
    """Transitions of each net, glitches included, for each of its transitions without glitches."""
    moves = functional_per_cycle > 0
    never = np.where(per_cycle <= 2 * RARELY, 1.0, 0.0)  # has moved; a glitch has no other
    return np.where(moves, per_cycle / np.where(moves, functional_per_cycle, 1.0), never)


def cycle_energies(
    netlist: Netlist,
    plan: Plan,
    energies: TransitionEnergies,
    groups: CellGroups,
    clock_period_s: float,
    *,
    functional_per_cycle: Floats | None = None,
    pin_energy_j: Floats | None = None,
    bits: int = BITS,
) -> CycleEnergies:
    """Weights of all transitions of a plan, and what every cycle consumes besides.

    Parameters
    ----------
    clock_period_s : at which `energies` were computed
    functional_per_cycle : [nets] transitions per cycle without glitches, if `energies` are of an
        activity with glitches: a net's glitches are then spread over its other transitions
    pin_energy_j : [pins] energy per transition, if it is more than that of `energies`
    bits : of the largest weight
    """
    pin_j = energies.internal_j + energies.switching_j if pin_energy_j is None else pin_energy_j
    has_net = netlist.pin_net >= 0
    net = np.where(has_net, netlist.pin_net, 0)
    per_cycle = energies.per_cycle
    ratio = np.ones(netlist.net_count)
    if functional_per_cycle is not None:
        ratio = spread_glitches(per_cycle, functional_per_cycle)
    slot, factor, is_level = _counted(netlist, plan)
    ratio = np.where(is_level, 1.0, ratio)
    group = groups.of_cell[netlist.pin_cell]
    used = has_net & (slot[net] >= 0) & (ratio[net] > 0) & (pin_j != 0)
    count = len(groups.modules)
    constant_j: Floats = np.zeros(count)
    constant_j += np.bincount(groups.of_cell, energies.rest_w * clock_period_s, count)
    left = has_net & ~used & (pin_j != 0)
    constant_j += np.bincount(group[left], (pin_j * per_cycle[net])[left], count)
    weights = weigh(
        groups.names,
        group[used],
        slot[net[used]],
        (pin_j * ratio[net] * factor[net])[used],
        is_level=is_level[net[used]],
        bits=bits,
    )
    return CycleEnergies(groups=groups, weights=weights, constant_j=constant_j)


def glitch_energy_j(
    netlist: Netlist, groups: CellGroups, pin_energy_j: Floats, glitches: Int64s
) -> Floats:
    """Energy [cycles, groups] of the glitches [cycles, nets] of some cycles.

    Parameters
    ----------
    pin_energy_j : [pins] energy per transition of the pin's net
    """
    pins = np.flatnonzero((netlist.pin_net >= 0) & (pin_energy_j != 0))
    net, group = netlist.pin_net[pins], groups.of_cell[netlist.pin_cell[pins]]
    counts = len(groups.modules)
    code = group.astype(np.int64) * netlist.net_count + net
    net_j = np.bincount(code, pin_energy_j[pins], counts * netlist.net_count)
    return numerics.matmul(glitches, net_j.reshape(counts, netlist.net_count).T)


def _counted(netlist: Netlist, plan: Plan) -> tuple[Int32s, Floats, np.ndarray]:
    """By net: the slot that is counted (-1: none), transitions per count, and whether its value
    counts instead of its changes, as for a clock's pulses."""
    slot = np.where(plan.annotated, plan.slot_of_net, -1).astype(np.int32)
    slot[slot < plan.base] = -1
    factor, is_level = np.ones(netlist.net_count), np.zeros(netlist.net_count, dtype=bool)
    for net, _, _, change in plan.clocked:
        slot[net], factor[net], is_level[net] = change, 2.0, True
    return slot, factor, is_level


def recorded_energy_j(
    plan: Plan,
    energies: CycleEnergies,
    recording: Recording,
    *,
    first_cycle: int,
    cycles: int,
    engine: Engine = "auto",
) -> Floats:
    """Energy [cycles, groups] of every cycle of a recorded run, without delays.

    Parameters
    ----------
    first_cycle, cycles : the window, as for `replay`

    Raises
    ------
    DesignError : the window is not in the recording, or has X in it, or the recording has a row
        per half cycle
    """
    window = replay_window(recording, first_cycle, cycles)
    refuse_unknown(recording, window)
    per_cycle = 2 if recording.both_edges else 1
    words = max(1, min(8, window.transitions // (16 * LANES)))
    runs = start_runs(recorded_runs(plan), energies.weights, words=words, engine=engine)
    length = -(-window.transitions // runs.lanes)
    first_row = np.arange(runs.lanes) * length
    sums = np.zeros((runs.lanes * length, len(energies.groups.modules)), dtype=np.int64)
    by_lane = sums.reshape(runs.lanes, length, -1)
    done = 0
    for taken in _stretches(runs, recording, window.first, window.transitions, first_row, length):
        by_lane[:, done : done + len(taken)] = taken.transpose(2, 0, 1)
        done += len(taken)
    every = sums[: window.transitions].reshape(-1, per_cycle, sums.shape[1]).sum(axis=1)
    result: Floats = every * energies.weights.unit + energies.constant_j
    return result


def _stretches(
    runs: Runs, recording: Recording, first: int, last: int, first_row: Int64s, length: int
) -> Iterator[Int64s]:
    """Sums [steps, groups, lanes] of some steps after others, until every lane is at its end."""

    def sources(steps: Int64s) -> UInt64s:
        rows = first + np.minimum(first_row[None, :] + steps[:, None], last)
        parts = [
            lanes(recording.words, np.ascontiguousarray(rows[:, at : at + LANES]))
            for at in range(0, runs.lanes, LANES)
        ]
        return np.ascontiguousarray(np.concatenate(parts, axis=2).transpose(1, 0, 2))

    runs.begin(sources(np.zeros(1, dtype=np.int64))[0])
    bits = len(runs.run_plan.inputs)
    chunk = max(1, _CHUNK_NUMBERS // (bits * runs.lanes // 64 + runs.lanes))
    for step in range(1, length + 1, chunk):
        yield runs.advance(sources(np.arange(step, min(step + chunk, length + 1)))).sums
