"""Supply drop of a placed design: on average, and in the cycle of the highest power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.design import Design
from chipdse.errors import DesignError
from chipdse.netlist.activity.recording import read_register_map
from chipdse.netlist.activity.replay.engine_numpy import settled_values
from chipdse.netlist.activity.replay.lanes import LANES
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.power.cycles import spread_glitches
from chipdse.netlist.power.nets import free_clock, net_activity
from chipdse.netlist.power.supply_drop import supply_drop_v
from chipdse.stages.analyse import Analysis, analyse_design
from chipdse.stages.layout_power import power_map_w
from chipdse.stages.load import Hardware, ReplayedNetlist, load
from chipdse.stages.traces import PowerTrace, unspread_energies
from chipdse.store.store import Store
from chipdse.technology.constants import Sources
from chipdse.technology.power_grid import power_grid
from chipdse.technology.wires import process_of

BINS = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class SupplyDrop:
    """Drop of VDD over the core; that of ground is alike if its grid is.

    average_v, worst_v : [bins, bins] x first, of the mean power and of `cycle`
    cycle : that of the highest power
    vdd_v : supply at the border
    width_m, height_m : of the core
    """

    average_v: Floats
    worst_v: Floats
    cycle: int
    vdd_v: float
    width_m: float
    height_m: float

    @property
    def largest_average_v(self) -> float:
        """Largest drop at the mean power."""
        return float(self.average_v.max())

    @property
    def largest_v(self) -> float:
        """Largest drop in the worst cycle."""
        return float(self.worst_v.max())


def supply_drop(design: Design, hardware: Hardware, store: Store, trace: PowerTrace) -> SupplyDrop:
    """The drop at the operating point and clock of a trace.

    Raises
    ------
    DesignError : the design is not placed, or no grid of its process is known
    """
    analysis = analyse_design(design, hardware, store)
    loaded, routes = (
        load(design.library, hardware, design.operating.process),
        analysis.layout.routes,
    )
    if routes is None or not len(routes.cell_x_m):
        raise DesignError('the supply drop needs a placement; set wires="placed"')
    grid = power_grid(process_of(cell.name for cell in loaded.netlist.cells), Sources())
    cycle = int(trace.power_w.argmax())
    mean_j, worst_j = cell_energies_j(analysis, loaded, hardware, cycle)

    def drop_v(energy_j: Floats, block_w: float) -> Floats:
        """Of a power that is spread over the cells as their energies are."""
        shape_w = np.maximum(power_map_w(routes, energy_j, BINS), 0.0)
        total = float(shape_w.sum())
        current_a = shape_w * (block_w / total / trace.vdd_v if total else 0.0)
        return supply_drop_v(current_a, routes.core_width_m, routes.core_height_m, grid)

    mean_w = float(numerics.dot(trace.power_w, np.ones(trace.cycles))) / trace.cycles
    return SupplyDrop(
        average_v=drop_v(mean_j, mean_w),
        worst_v=drop_v(worst_j, float(trace.power_w[cycle])),
        cycle=cycle,
        vdd_v=trace.vdd_v,
        width_m=routes.core_width_m,
        height_m=routes.core_height_m,
    )


def cell_energies_j(
    analysis: Analysis, loaded: ReplayedNetlist, hardware: Hardware, cycle: int
) -> tuple[Floats, Floats]:
    """Energy of each cell [J] in the mean of all cycles, and in one of them.

    Sums over the cells are what the trace has, but for energy that belongs to no net. As in the
    trace, the glitches of a net are spread over its other transitions.
    """
    netlist, timing, functional = loaded.netlist, analysis.timing, analysis.plain_activity
    plan = plan_replay(netlist, loaded.recording, read_register_map(hardware.mapped.register_map))
    steps = np.full((2, LANES), hardware.run.first_cycle + cycle, dtype=np.int64)
    steps[1] += 1
    values = settled_values(plan, loaded.recording, steps)
    slot = np.maximum(plan.slot_of_net, 0)
    moved = (values[slot, 0, 0] ^ values[slot, 1, 0]) & np.uint64(1)
    per_cycle = net_activity(timing, analysis.activity)[0][0] * float(timing.clock_period_s[0])
    ratio = spread_glitches(per_cycle, functional.toggles / functional.cycles)
    in_every_cycle = ~plan.annotated | (ratio <= 0) | (free_clock(timing) != 0)
    in_this_cycle = np.where(in_every_cycle, per_cycle, moved * ratio)
    for gated, _, _, change in plan.clocked:
        in_this_cycle[gated] = 2.0 * float(values[change, 0, 0] & np.uint64(1))
    pin_j, _ = unspread_energies(analysis, plan, 0)
    pins = np.flatnonzero(netlist.pin_net >= 0)
    net, cell = netlist.pin_net[pins], netlist.pin_cell[pins]

    def of_cells(transitions: Floats) -> Floats:
        energy_j: Floats = np.zeros(netlist.cell_count)
        np.add.at(energy_j, cell, pin_j[pins] * transitions[net])
        return energy_j

    return of_cells(per_cycle), of_cells(in_this_cycle)
