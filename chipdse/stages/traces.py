"""Power over time: the energy of every clock cycle of a design's recorded run.

The trace is computed on request, from results that the other stages have stored.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.hardware.simulate import Simulation
from chipdse.metrics import BlockReport
from chipdse.netlist.activity.glitches.drawn import glitches_of_cycles
from chipdse.netlist.activity.recording import Recording, read_register_map
from chipdse.netlist.activity.replay.plan import Plan
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.cycles import (
    CellGroups,
    CycleEnergies,
    cell_groups,
    cycle_energies,
    glitch_energy_j,
    recorded_energy_j,
)
from chipdse.netlist.power.modules import assign_modules
from chipdse.netlist.power.peaks import Peaks, peaks_of
from chipdse.netlist.power.power import GROUPS
from chipdse.netlist.power.transitions import TransitionEnergies, transition_energies
from chipdse.stages.analyse import Analysis, analyse_design
from chipdse.stages.load import Hardware, load
from chipdse.stages.measure import measure_block
from chipdse.store.store import Store

DEPTH = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class PowerTrace:
    """The power of a block in every cycle of its workload.

    groups : of cells, by module and kind
    energy_j : [cycles, groups] dynamic energy of the cells of each group
    clock_tree_j : dynamic energy of the clock tree in every cycle
    leakage_w : of the block, in every cycle
    vdd_v, clock_period_s : of the operating point
    glitches : whether the energy of glitches is spread over the transitions of their nets
    phase : [cycles] value of the signal that marks phases; empty without
    phase_names : names of the values of `phase`, in order from 0, where the bench states phases
    drawn : cycles that were replayed with delays, ascending
    drawn_energy_j : [drawn, groups] dynamic energy of these, with the glitches of each
    """

    groups: CellGroups
    energy_j: Floats
    clock_tree_j: float
    leakage_w: float
    vdd_v: float
    clock_period_s: float
    glitches: bool
    phase: tuple[int, ...] = ()
    phase_names: tuple[str, ...] = ()
    drawn: Int64s = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    drawn_energy_j: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def drawn_power_w(self) -> Floats:
        """Power of the block in the drawn cycles, with the glitches of each."""
        dynamic: Floats = self.drawn_energy_j.sum(axis=1) + self.clock_tree_j
        return dynamic / self.clock_period_s + self.leakage_w

    @property
    def cycles(self) -> int:
        """Number of cycles."""
        return len(self.energy_j)

    @property
    def power_w(self) -> Floats:
        """Power of the block in every cycle [cycles], leakage and clock tree included."""
        dynamic: Floats = self.energy_j.sum(axis=1) + self.clock_tree_j
        return dynamic / self.clock_period_s + self.leakage_w

    def by_group_w(self) -> dict[str, Floats]:
        """Dynamic power [cycles] of each group of cells, without the clock tree."""
        powers = self.energy_j.T / self.clock_period_s
        return dict(zip(self.groups.names, powers, strict=True))

    def peaks(self, window_cycles: int = 1) -> Peaks:
        """Peak, percentile and largest step of the block's power."""
        return peaks_of(self.power_w, self.vdd_v, window_cycles)

    def by_phase_j(self) -> dict[str, tuple[int, float]]:
        """By phase, its cycles and its energy [J] with leakage and clock tree."""
        phase = np.array(self.phase)
        energy_j = self.power_w * self.clock_period_s
        return {
            self.phase_name(value): (
                int((phase == value).sum()),
                float(energy_j[phase == value].sum()),
            )
            for value in np.unique(phase).tolist()
        }

    def phase_name(self, value: int) -> str:
        """The name of a value of `phase`, or the value as text."""
        return self.phase_names[value] if self.phase_names else str(value)


def power_trace(
    design: Design,
    hardware: Hardware,
    store: Store,
    *,
    depth: int = DEPTH,
    phase: str | None = None,
    glitch_cycles: int = 0,
) -> PowerTrace:
    """The power of a design in every cycle of its recorded run, at its operating point.

    Parameters
    ----------
    depth : of the modules of the RTL by which power is grouped; 0 is the block as a whole
    phase : a port or register of the RTL whose value marks phases of the workload; default: the
        phases that the bench states, if any
    glitch_cycles : number of cycles that are drawn, evenly over the run, and replayed with delays

    Notes
    -----
    The mean is the block's power in the report, within 1e-6. Each transition has the energy that it
    has on average over the run; glitches and cells that layout adds are spread over the transitions
    of their nets and of combinational cells.

    Raises
    ------
    DesignError : the depth is negative, there is no such signal, or the design counts no glitches
        and some are asked for
    """
    report = measure_block(design, hardware, store)
    analysis = analyse_design(design, hardware, store)
    loaded = load(design.library, hardware, design.operating.process)
    recording, run = loaded.recording, hardware.run
    marks, names = _stated_phases(run)
    if phase is not None:
        marks = _values_of(recording, phase)
        marks, names = marks[run.first_cycle : run.first_cycle + run.cycles], ()
    plan = plan_replay(loaded.netlist, recording, read_register_map(hardware.mapped.register_map))
    cycles = int(analysis.plain_activity.cycles)
    drawn, drawn_j = _drawn(analysis, plan, recording, depth, run.first_cycle, glitch_cycles)
    energies = block_energies(analysis, plan, depth)
    energy_j = recorded_energy_j(
        plan, energies, recording, first_cycle=run.first_cycle, cycles=cycles
    )
    return PowerTrace(
        groups=energies.groups,
        energy_j=energy_j,
        clock_tree_j=tree_energy_j(report),
        leakage_w=report.block_leakage_power_w,
        vdd_v=float(analysis.timing.library.supply_v[0]),
        clock_period_s=1 / report.clock_frequency_hz,
        glitches=analysis.activity.glitches,
        phase=marks[:cycles],
        phase_names=names,
        drawn=drawn,
        drawn_energy_j=drawn_j,
    )


def tree_energy_j(report: BlockReport) -> float:
    """Energy of the clock tree per cycle, from the block's power."""
    return report.block_clock_tree_power_w / report.clock_frequency_hz


def _drawn(
    analysis: Analysis, plan: Plan, recording: Recording, depth: int, first_cycle: int, count: int
) -> tuple[Int64s, Floats]:
    """Some cycles of the window, and their energy [cycles, groups] with the glitches of each."""
    cycles = int(analysis.plain_activity.cycles)
    if not count:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 0))
    if not (0 < count <= cycles and analysis.activity.glitches):
        why = f"the run has {cycles}" if analysis.activity.glitches else "glitches=false"
        raise DesignError(f"{count} cycles with glitches: {why}; use 1 to {cycles}, glitches=true")
    drawn = np.arange(count) * cycles // count
    netlist = analysis.timing.netlist
    pin_j, energies = unspread_energies(analysis, plan, depth)
    plain_j = recorded_energy_j(plan, energies, recording, first_cycle=first_cycle, cycles=cycles)
    glitches = glitches_of_cycles(analysis.timing, recording, plan, first_cycle + drawn)
    return drawn, plain_j[drawn] + glitch_energy_j(netlist, energies.groups, pin_j, glitches)


def block_energies(analysis: Analysis, plan: Plan, depth: int, *, bits: int = 28) -> CycleEnergies:
    """Energies of the transitions of a block with everything of layout that its design counts.

    Parameters
    ----------
    plan : of the netlist, for recorded or for free runs
    depth : of the modules by which cells are grouped
    bits : of the largest weight

    Raises
    ------
    DesignError : the depth is negative
    """
    functional = analysis.plain_activity
    return _energies(analysis, plan, depth, functional.toggles / functional.cycles, bits)[1]


def unspread_energies(analysis: Analysis, plan: Plan, depth: int) -> tuple[Floats, CycleEnergies]:
    """Energy per transition of each pin [J], and of cycles to which glitches are added."""
    return _energies(analysis, plan, depth, None, 28)


def _energies(
    analysis: Analysis, plan: Plan, depth: int, functional_per_cycle: Floats | None, bits: int
) -> tuple[Floats, CycleEnergies]:
    if depth < 0:
        raise DesignError(f"modules down to depth {depth}; use 0 or more")
    timing, loads, added = analysis.timing, analysis.loads, analysis.layout.added
    switched = analysis.layout.as_power_sees(timing, loads)
    energies = transition_energies(switched, analysis.activity)
    modules = assign_modules(timing.graph).at_depth(depth)
    growth = 1.0 if added is None else added.data_growth
    pin_j, rest_w = _grown(analysis, timing.netlist, energies, growth)
    return pin_j, cycle_energies(
        timing.netlist,
        plan,
        dataclasses.replace(energies, rest_w=rest_w),
        cell_groups(modules, energies.group),
        float(timing.clock_period_s[0]),
        functional_per_cycle=functional_per_cycle,
        pin_energy_j=pin_j,
        bits=bits,
    )


def _grown(
    analysis: Analysis, netlist: Netlist, energies: TransitionEnergies, growth: float
) -> tuple[Floats, Floats]:
    """Energy per transition of each pin [J] and the rest of each cell [W] after layout.

    Layout adds to combinational cells: their energy grows, that of their wires does not.
    """
    pin_j = energies.internal_j + energies.switching_j
    is_logic = energies.group == GROUPS.index("combinational")
    wire_j = np.zeros(len(netlist.pin_net))
    if analysis.loads is not None:
        vdd_v = float(analysis.timing.library.supply_v[0])
        driven = np.flatnonzero(netlist.net_driver_pin >= 0)
        wire_j[netlist.net_driver_pin[driven]] = (
            0.5 * (vdd_v * vdd_v) * analysis.loads.power_f[driven]
        )
    of_logic = is_logic[netlist.pin_cell]
    added_cells_j = np.where(of_logic, (growth - 1.0) * (pin_j - wire_j), 0.0)
    return pin_j + added_cells_j, np.where(is_logic, growth, 1.0) * energies.rest_w


def _stated_phases(run: Simulation) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The number of the phase in each cycle of the window, and the names of these numbers."""
    if not run.phases:
        return (), ()
    begins = [*run.phases, (run.cycles, "")]
    if begins[0][0] > 0:
        begins.insert(0, (0, "before"))
    names = tuple(dict.fromkeys(name for _, name in begins[:-1]))
    marks = [
        names.index(name)
        for (begin, name), (end, _) in itertools.pairwise(begins)
        for _ in range(begin, end)
    ]
    return tuple(marks), names


def _values_of(recording: Recording, name: str) -> tuple[int, ...]:
    if name not in recording.signals:
        some = ", ".join(sorted(recording.signals)[:8])
        raise DesignError(f"phases by {name!r}: no such port or register; there are e.g. {some}")
    return tuple(recording.values(name))
