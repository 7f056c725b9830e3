"""Gate-level simulation by Icarus with a delay for each instance and pin: glitches' reference.

Written from the timing graph's arcs, not from the replay's plan: a Verilog module per library cell
with a specify path per arc, whose delays are parameters that every instance sets [fs]. The wire to
each pin is an element of its own, with a transport delay: every pulse passes, however short.
"""

from __future__ import annotations

import bisect
import re
import resource
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np

from chipdse.netlist.library.cells import Cell, ClockGate, FlipFlop
from chipdse.netlist.library.logic import Expression, truth_table
from chipdse.netlist.timing.timing import Timing, arc_delays

EDGES = ("posedge", "negedge")
WIRE = """module wire_delay #(parameter delay = 0) (input from, output reg to);
  initial to <= #delay from;
  always @(from) to <= #delay from;
endmodule"""


def timed_netlist(timing: Timing) -> str:
    """The netlist and its cells with delays, as Verilog; net i is called n<i>."""
    netlist, graph = timing.netlist, timing.graph
    wire_fs = np.zeros(len(netlist.pin_net), dtype=int)
    if timing.wires is not None:
        wire_fs = np.rint(timing.wires.pin_delay_s * 1e15).astype(int)
        still = np.zeros(netlist.net_count, dtype=bool)  # constants, and the ideal clock's nets
        still[:2] = True
        if graph.clock is not None:
            still |= graph.clock.polarity != 0
        wire_fs[~netlist.pin_is_load | (netlist.pin_net < 0) | still[netlist.pin_net]] = 0
    # An arc's delay begins before the wire to its pin; the cell has what the wire leaves of it.
    delay_fs = np.rint(arc_delays(timing)[0] * 1e15).astype(int) - wire_fs[graph.pin >> 1]
    assert (delay_fs >= 0).all()
    start = netlist.pin_start
    arcs: dict[int, dict[tuple[int, int, int, int, int], int]] = {}
    for row in range(len(graph.sink)):
        pin, sink = int(graph.pin[row]), int(graph.sink[row])
        cell = int(netlist.pin_cell[pin >> 1])
        source = (pin >> 1) - int(start[cell])
        output = int(netlist.net_driver_pin[sink >> 1]) - int(start[cell])
        key = (source, pin & 1, output, sink & 1, int(graph.condition[row]))
        own = arcs.setdefault(cell, {})
        own[key] = min(own.get(key, 1 << 60), int(delay_fs[row]))
    modules: dict[tuple[int, tuple[tuple[int, int, int, int, int], ...]], str] = {}
    lines = ["`timescale 1fs/1fs", f"module {netlist.top}({', '.join(_ports(timing))});"]
    for port in netlist.ports:
        width = f"[{len(port.nets) - 1}:0] " if len(port.nets) > 1 else ""
        lines.append(f"  {port.direction} {width}{port.name};")
    lines += [f"  wire n{net};" for net in range(2, netlist.net_count)]
    lines += ["  wire n0 = 1'b0;", "  wire n1 = 1'b1;"]
    for port in netlist.ports:
        nets = ", ".join(f"n{net}" for net in reversed(port.nets))
        pair = (f"{{{nets}}}", port.name)
        left, right = pair if port.direction == "input" else pair[::-1]
        lines.append(f"  assign {left} = {right};")
    for pin in np.flatnonzero(wire_fs).tolist():
        net = netlist.pin_net[pin]
        lines += [f"  wire w{pin};", f"  wire_delay #({wire_fs[pin]}) d{pin}(n{net}, w{pin});"]
    for cell in range(netlist.cell_count):
        kind = int(netlist.cell_types[cell])
        own = arcs.get(cell, {})
        module = modules.setdefault((kind, tuple(sorted(own))), f"m{len(modules)}")
        delays = {f"delay_{i}": own[key] for i, key in enumerate(sorted(own))}
        for key, value in own.items():  # for a change that the library gives no delay for
            longest = f"longest_{key[2]}_{key[3]}"
            delays[longest] = max(value, delays.get(longest, 0))
        values = ", ".join(f".{name}({value})" for name, value in delays.items())
        pins = ", ".join(
            f".{pin.name}({f'w{number}' if wire_fs[number] else f'n{netlist.pin_net[number]}'})"
            for number, pin in enumerate(netlist.cells[kind].pins, int(start[cell]))
            if netlist.pin_net[number] >= 0
        )
        lines.append(f"  {module} {f'#({values}) ' if values else ''}c{cell}({pins});")
    lines += ["endmodule", WIRE]
    lines += [_primitives(netlist.cells[kind]) for kind in {kind for kind, _ in modules}]
    for (kind, keys), name in modules.items():
        lines.append(_module(netlist.cells[kind], name, keys, netlist.library.conditions))
    return "\n".join([*lines, ""])


def _ports(timing: Timing) -> list[str]:
    return [port.name for port in timing.netlist.ports]


def _module(
    cell: Cell,
    name: str,
    keys: tuple[tuple[int, int, int, int, int], ...],
    conditions: tuple[str, ...],
) -> str:
    names = {f"delay_{i}": 0 for i in range(len(keys))}
    names |= {f"longest_{key[2]}_{edge}": 0 for key in keys for edge in (0, 1)}
    parameters = ", ".join(f"parameter {each} = 0" for each in names)
    lines = [f"module {name} {f'#({parameters}) ' if keys else ''}("]
    lines[0] += ", ".join(pin.name for pin in cell.pins) + ");"
    lines += [f"  {pin.direction} {pin.name};" for pin in cell.pins]
    if isinstance(flip_flop := cell.sequential, FlipFlop):
        clear, preset = flip_flop.clear, flip_flop.preset
        following = _verilog(flip_flop.next_state)
        lines += [
            f"  reg {flip_flop.state} = 0;",
            f"  wire {flip_flop.state_inverted} = ~{flip_flop.state};",
            f"  wire clock_ = {_verilog(flip_flop.clocked_on)};",
            f"  wire clear_ = {_verilog(clear) if clear else 0};",
            f"  wire preset_ = {_verilog(preset) if preset else 0};",
            "  always @(posedge clock_ or posedge clear_ or posedge preset_)",
            f"    {flip_flop.state} <= clear_ ? 0 : preset_ ? 1 : {following};",
        ]
    if isinstance(gate := cell.sequential, ClockGate):
        lines += [
            f"  reg {gate.state} = 0;",
            f"  always @* if (~{gate.clock}) {gate.state} = {_verilog(gate.enable)};",
        ]
    for pin in cell.pins:
        if pin.direction != "output" or pin.function is None:
            continue
        if cell.sequential is None and cell.inputs:
            inputs = ", ".join(cell.input_names)
            lines.append(f"  {cell.name}_{pin.name} function_{pin.name}({pin.name}, {inputs});")
        else:
            lines.append(f"  assign {pin.name} = {_verilog(pin.function)};")
    if keys and not isinstance(cell.sequential, ClockGate):
        lines += ["  specify", *_paths(cell, keys, conditions), "  endspecify"]
    return "\n".join([*lines, "endmodule"])


def _primitives(cell: Cell) -> str:
    """Functions as tables, evaluated at one go: gates and wires inside a cell have hazards."""
    lines = []
    for pin in cell.pins:
        if pin.direction != "output" or pin.function is None or cell.sequential or not cell.inputs:
            continue
        names = cell.input_names
        table = truth_table(pin.function, names)
        lines += [
            f"primitive {cell.name}_{pin.name}({', '.join((pin.name, *names))});",
            f"  output {pin.name};",
            *(f"  input {name};" for name in names),
            "  table",
            *(
                "    " + " ".join(str(row >> i & 1) for i in range(len(names))) + f" : {value:d};"
                for row, value in enumerate(table)
            ),
            "  endtable",
            "endprimitive",
        ]
    return "\n".join(lines)


def _paths(
    cell: Cell, keys: tuple[tuple[int, int, int, int, int], ...], conditions: tuple[str, ...]
) -> list[str]:
    """One path for each input edge, output and condition; an edge of the output may be missing."""
    paths: dict[tuple[int, int, int, int], dict[int, int]] = {}
    for number, (source, edge, output, sink, condition) in enumerate(keys):
        paths.setdefault((source, edge, output, condition), {})[sink] = number
    lines = []
    for (source, edge, output, condition), delays in paths.items():
        others = [
            conditions[key[3]].replace("'", " ")
            for key in paths
            if key[:3] == (source, edge, output) and key[3] >= 0
        ]
        when = ""
        if condition >= 0:
            when = f"if ({conditions[condition]}) "
        elif others:
            when = "if (!(" + " || ".join(f"({other})" for other in others) + ")) "
        when = when.replace("*", "&").replace("+", "|")
        rise, fall = (
            f"delay_{delays[sink]}" if sink in delays else f"longest_{output}_{sink}"
            for sink in (0, 1)
        )
        a, y = cell.pins[source].name, cell.pins[output].name
        lines.append(f"    {when}({EDGES[edge]} {a} => ({y} +: {a})) = ({rise}, {fall});")
    return lines


def _verilog(function: Expression) -> str:
    return str(function).replace("!", "~")


def simulate(folder: Path, sources: list[Path], *plusargs: str) -> float:
    """Compile and run; seconds of processor time of the run alone."""
    command = ["iverilog", "-g2012", "-gspecify", "-o", "timed.vvp", "-s", "bench"]
    subprocess.run([*command, *map(str, sources)], cwd=folder, check=True, capture_output=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["vvp", "-n", "timed.vvp", *plusargs], cwd=folder, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bench(timing: Timing, period_s: float, first_cycle: int, cycles: int, stimuli: str) -> str:
    """Clock, a dump of the window, and `stimuli`: statements at each rising edge.

    Cycle c lies between rising edges c and c + 1, counted from 0. A whole period goes before the
    clock's first one, in which slow cells settle: what is unknown at an edge may stay so for good.
    """
    period = round(period_s * 1e15)
    ports = timing.netlist.ports
    names = ", ".join(f".{p.name}({p.name})" for p in ports if p.direction == "input")
    declared = [
        f"  reg [{len(p.nets) - 1}:0] {p.name} = 0;" for p in ports if p.direction == "input"
    ]
    begin = period + period // 2 + first_cycle * period - 1
    return "\n".join(
        [
            "`timescale 1fs/1fs",
            "module bench;",
            *declared,
            "  integer edges = 0;",
            f"  top gates({names});",
            f"  initial #{period} forever #{period // 2} clk = ~clk;",
            f'  initial begin $dumpfile("timed.vcd"); #{begin} $dumpvars(1, gates);',
            f"    #{cycles * period} $finish; end",
            "  always @(posedge clk) begin",
            stimuli,
            "    edges <= edges + 1;",
            "  end",
            "endmodule",
            "",
        ]
    )


def toggles(trace: Path, nets: int) -> np.ndarray:
    """Transitions of every net in a dump of `timed_netlist`; the dump's first values are none."""
    head, _, body = trace.read_text().partition("$enddefinitions")
    nets_of: dict[str, list[int]] = {}
    for code, name in re.findall(r"\$var wire\s+1 (\S+) n(\d+) ", head):
        nets_of.setdefault(code, []).append(int(name))
    body = body[body.index("$end", body.index("$dumpvars")) :]
    result = np.zeros(nets)
    for code, count in Counter(re.findall(r"^[01xz](\S+)$", body, re.MULTILINE)).items():
        for net in nets_of.get(code, []):
            result[net] = count
    return result


def toggles_by_cycle(trace: Path, nets: int, edges_fs: list[int]) -> np.ndarray:
    """As `toggles`, [cycles, nets]; a cycle goes from one of the edges to before the next one."""
    head, _, body = trace.read_text().partition("$enddefinitions")
    nets_of: dict[str, list[int]] = {}
    for code, name in re.findall(r"\$var wire\s+1 (\S+) n(\d+) ", head):
        nets_of.setdefault(code, []).append(int(name))
    body = body[body.index("$end", body.index("$dumpvars")) :]
    result = np.zeros((len(edges_fs) - 1, nets), dtype=np.int64)
    for time, changes in re.findall(r"^#(\d+)\n((?:[^#].*\n)*)", body, re.MULTILINE):
        cycle = bisect.bisect_right(edges_fs, int(time)) - 1
        if 0 <= cycle < len(result):
            for line in changes.splitlines():
                for net in nets_of.get(line[1:], []):
                    result[cycle, net] += 1
    return result
