"""Verilog models of library cells, from their Liberty functions: to simulate an exported netlist.

Zero-delay and unpowered. Flip-flops and latches start unknown, as cells do.
"""

from __future__ import annotations

from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell, ClockGate, FlipFlop, Latch
from chipdse.netlist.library.logic import Expression
from chipdse.netlist.netlist import Netlist


def cell_models(netlist: Netlist) -> str:
    """A module for each cell that the netlist uses; black boxes are left to the user."""
    cells = [netlist.cells[kind] for kind in netlist.used_types]
    return "\n".join(_model(cell) for cell in cells if not cell.is_macro)


def _model(cell: Cell) -> str:
    ports = ", ".join(pin.name for pin in cell.pins)
    lines = [f"module {cell.name}({ports});"]
    lines += [f"  {pin.direction} {pin.name};" for pin in cell.pins]
    lines += [f"  inout {name};" for name in cell.supply_pins if name in cell.pin_index]
    match cell.sequential:
        case FlipFlop() as flop:
            lines += _flip_flop(flop)
        case Latch() as latch:
            if latch.clear is not None or latch.preset is not None:
                raise DesignError(
                    f"cell {cell.name}: a latch with clear or preset has no Verilog model here; "
                    "leave the cell out of the library"
                )
            lines += [
                f"  reg {latch.state};",
                f"  wire {latch.state_inverted} = ~{latch.state};",
                f"  always @* if ({_verilog(latch.enable)}) {latch.state} = "
                f"{_verilog(latch.data_in)};",
            ]
        case ClockGate() as gate:
            level = gate.clock if gate.transparent_high else f"~{gate.clock}"
            lines += [
                f"  reg {gate.state};",
                f"  always @* if ({level}) {gate.state} = {_verilog(gate.enable)};",
            ]
    lines += [
        f"  assign {pin.name} = {_verilog(pin.function)};"
        for pin in cell.pins
        if pin.direction == "output" and pin.function is not None
    ]
    return "\n".join([*lines, "endmodule", ""])


def _flip_flop(flop: FlipFlop) -> list[str]:
    sensitive = ["posedge clock_"]
    branches = []
    lines = [
        f"  reg {flop.state};",
        f"  wire {flop.state_inverted} = ~{flop.state};",
        f"  wire clock_ = {_verilog(flop.clocked_on)};",
    ]
    for name, condition, value in (("clear_", flop.clear, 0), ("preset_", flop.preset, 1)):
        if condition is not None:
            lines.append(f"  wire {name} = {_verilog(condition)};")
            sensitive.append(f"posedge {name}")
            branches.append(f"if ({name}) {flop.state} <= 1'b{value};")
    branches.append(f"{flop.state} <= {_verilog(flop.next_state)};")
    lines.append(f"  always @({' or '.join(sensitive)})")
    lines += [f"    {'else ' if i else ''}{branch}" for i, branch in enumerate(branches)]
    return lines


def _verilog(expression: Expression) -> str:
    return str(expression).replace("!", "~")
