"""Cells that layout adds or enlarges: how many there are and how large the design gets by them.

The numbers are shares that routed designs have, by what is known before layout: mapped area, clock
sinks and port bits. Where the flow's hold slack is known, hold buffers are those that a hold check
of the netlist asks for, else a share per sink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.netlist.layout.buffers import is_buffer
from chipdse.netlist.layout.clock_tree import ClockTree, clock_sinks
from chipdse.netlist.layout.wires import net_degrees
from chipdse.netlist.netlist import CONSTANT_1, Netlist
from chipdse.netlist.timing.clock import ClockNetwork
from chipdse.technology.calibration import LayoutCalibration


@dataclass(frozen=True, kw_only=True)
class ExpectedCells:
    """Cells of a netlist as they are expected after layout.

    mapped_m2 : area of the netlist without macros
    logic_m2 : the same after sizing
    hold_m2, port_m2, repair_m2 : of buffers for hold, ports, and fan-out, slew and capacitance
    clock_m2 : of clock buffers
    macro_m2 : of macros, which layout leaves as they are
    hold_count, port_count, repair_count, clock_count : numbers of these cells
    leakage_growth : leakage after layout over that of the netlist, without macros
    data_growth : the same of the energy in combinational cells, without wires
    """

    mapped_m2: float
    logic_m2: float
    hold_m2: float
    port_m2: float
    repair_m2: float
    clock_m2: float
    macro_m2: float
    hold_count: int
    port_count: int
    repair_count: int
    clock_count: int
    leakage_growth: float
    data_growth: float

    @property
    def area_m2(self) -> float:
        """Area of all cells after layout, macros included."""
        buffers = self.hold_m2 + self.port_m2 + self.repair_m2 + self.clock_m2
        return self.logic_m2 + buffers + self.macro_m2

    @property
    def count(self) -> int:
        """Cells that layout adds."""
        return self.hold_count + self.port_count + self.repair_count + self.clock_count


def port_bits(netlist: Netlist, clock: ClockNetwork | None) -> tuple[int, int]:
    """Input and output bits that cells are connected to; clock and constants are left out."""
    used = net_degrees(netlist) >= 2
    used[: CONSTANT_1 + 1] = False
    if clock is not None:
        used &= clock.polarity == 0
    return int(used[netlist.input_nets].sum()), int(used[netlist.output_nets].sum())


def expected_cells(
    netlist: Netlist,
    clock: ClockNetwork | None,
    calibration: LayoutCalibration,
    tree: ClockTree | None,
    hold_count: int | None = None,
) -> ExpectedCells:
    """Cells expected after layout, in the shares that the calibration has from routed designs.

    Parameters
    ----------
    tree : whose buffers are included; None for none
    hold_count : hold buffers that a check of the netlist asks for; None: the share per sink
    """
    area = np.array([cell.area_m2 for cell in netlist.cells])[netlist.cell_types]
    macros = np.array([cell.is_macro for cell in netlist.cells])[netlist.cell_types]
    stateful = np.array([cell.sequential is not None for cell in netlist.cells])
    combinational = float(area[~macros & ~stateful[netlist.cell_types]].sum())
    mapped, macro = float(area[~macros].sum()), float(area[macros].sum())
    buffers = [cell.area_m2 for cell in netlist.library.cells if is_buffer(cell)]
    unit_m2 = min(buffers, default=0.0)
    sinks = 0 if clock is None else len(clock_sinks(netlist, clock))
    inputs, outputs = port_bits(netlist, clock)
    logic = mapped * calibration.logic_growth
    holds = sinks * calibration.hold_cells if hold_count is None else hold_count
    hold = sinks * calibration.hold_area * unit_m2
    if hold_count is not None:
        hold = holds * calibration.hold_area / max(calibration.hold_cells, 1e-9) * unit_m2
    ports = (inputs * calibration.input_area + outputs * calibration.output_area) * unit_m2
    repair = logic * calibration.repair_frac
    clocks = 0.0 if tree is None else tree.area_m2
    buffers_m2 = hold + ports + repair
    growth = (logic + buffers_m2 + clocks) / mapped if mapped else 1.0
    data = calibration.logic_growth + buffers_m2 / combinational if combinational else 1.0
    return ExpectedCells(
        mapped_m2=mapped,
        logic_m2=logic,
        hold_m2=hold,
        port_m2=ports,
        repair_m2=repair,
        clock_m2=clocks,
        macro_m2=macro,
        hold_count=round(holds),
        port_count=(inputs if calibration.input_area else 0)
        + (outputs if calibration.output_area else 0),
        repair_count=round(netlist.cell_count * calibration.repair_frac),
        clock_count=0 if tree is None else tree.buffer_count,
        leakage_growth=growth * calibration.leakage_growth,
        data_growth=data * calibration.data_growth,
    )
