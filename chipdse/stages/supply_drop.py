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
from chipdse.netlist.power.supply_drop import supply_drop_v
from chipdse.stages.analyse import analyse_design
from chipdse.stages.layout import power_map_w
from chipdse.stages.load import Hardware, load
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
    analysed = analyse_design(design, hardware, store)
    loaded, routes = (
        load(design.library, hardware, design.operating.process),
        analysed.layout.routes,
    )
    netlist = loaded.netlist
    if routes is None or not len(routes.cell_x_m):
        raise DesignError('the supply drop needs a placement; set wires="placed"')
    grid = power_grid(process_of(cell.name for cell in netlist.cells), Sources())
    power = analysed.power
    average_w = (power.internal_w + power.switching_w)[0]
    registers = read_register_map(hardware.mapped.register_map)
    plan = plan_replay(netlist, loaded.recording, registers)
    cycle = int(trace.power_w.argmax())
    row = hardware.run.first_cycle + cycle
    steps = np.full((2, LANES), row, dtype=np.int64)
    steps[1] += 1
    values = settled_values(plan, loaded.recording, steps)
    slot = np.maximum(plan.slot_of_net, 0)
    moved = (values[slot, 0, 0] ^ values[slot, 1, 0]) & np.uint64(1)
    counts = np.where(plan.annotated, moved, 0).astype(np.float64)
    for net, _, _, change in plan.clocked:
        counts[net] = 2.0 * float(values[change, 0, 0] & np.uint64(1))
    pin_j, _ = unspread_energies(analysed, plan, 0)
    pins = np.flatnonzero(netlist.pin_net >= 0)
    energy_j: Floats = np.zeros(netlist.cell_count)
    np.add.at(energy_j, netlist.pin_cell[pins], pin_j[pins] * counts[netlist.pin_net[pins]])

    def drop_v(cells: Floats, block_w: float) -> Floats:
        """Of power that is spread over the cells like `cells`."""
        shape_w = np.maximum(power_map_w(routes, cells, BINS), 0.0)
        total = float(shape_w.sum())
        current_a = shape_w * (block_w / total / trace.vdd_v if total else 0.0)
        return supply_drop_v(current_a, routes.core_width_m, routes.core_height_m, grid)

    mean_w = float(numerics.dot(trace.power_w, np.ones(trace.cycles))) / trace.cycles
    return SupplyDrop(
        average_v=drop_v(average_w, mean_w),
        worst_v=drop_v(energy_j, float(trace.power_w[cycle])),
        cycle=cycle,
        vdd_v=trace.vdd_v,
        width_m=routes.core_width_m,
        height_m=routes.core_height_m,
    )
