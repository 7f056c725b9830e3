"""The registers of an RTL design, under the names that simulation and synthesis both know.

Both start from the same Yosys commands, `prepare_script`: after them every register output has a
public name, so that the simulated RTL, the list of registers and the flip-flops of the netlist
agree. A register's name is its path: instance names and signal, joined by dots.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from chipdse.errors import DesignError
from chipdse.netlist.library.cells import Cell
from chipdse.tools import script_path

_FLIP_FLOPS = (
    "$dff",
    "$dffe",
    "$adff",
    "$adffe",
    "$sdff",
    "$sdffe",
    "$sdffce",
    "$dffsr",
    "$dffsre",
    "$aldff",
    "$aldffe",
    "$ff",
)
_LATCHES = ("$dlatch", "$adlatch", "$dlatchsr", "$sr")
PREPARED = "prepared.json"
ALWAYS_DRIVEN = "drive it always, its enable as an output"
# `$display` and its like, assertions: part of a simulation, but no hardware.
NO_HARDWARE = ("delete */t:$print */t:$check", "chformal -remove")
_MEMORY = re.compile(r"^  memory .*?size (\d+).* (\S+)$", re.MULTILINE)
_OPEN = re.compile(r"^  (?:memory|cell \$(?:div|mod|divfloor|modfloor|shiftx)) ", re.MULTILINE)
_MEMORY_CELL = re.compile(r"^  cell \$mem(?:rd|rd_v2|_v2) \S+\n((?:    .*\n)*)", re.MULTILINE)
_CELL_LINE = re.compile(r"^    (?:parameter (?:signed )?|connect )\\(\w+) (.*)$", re.MULTILINE)

Kind = Literal["input", "output", "register", "latch", "memory", "blackbox", "blackbox_input"]


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One signal of the RTL, as wide as its declaration.

    name : path, joined by dots; flattening gives the netlist's nets the same name
    path : instance names and, last, the signal (for a black box: its port)
    kind : what drives it
    width : bits
    word : of a memory: the address of this word as the source writes it
    clock : name of the net that clocks it, None if none
    rising : edge of the clock
    clocked_by_port : the clock is the input port of that name, not gated or generated
    asynchronous : has an asynchronous set, reset or load
    reset_by : the input port that resets it asynchronously and the level at which it does; None if
        no port does so without logic between
    level : follows its data while the clock is active: a latch
    """

    name: str
    path: tuple[str, ...]
    kind: Kind
    width: int
    word: int | None = None
    clock: str | None = None
    rising: bool = True
    clocked_by_port: bool = True
    asynchronous: bool = False
    reset_by: tuple[str, int] | None = None
    level: bool = False


def prepare_script(rtl: Path, top: str, folder: Path, black_boxes: Sequence[Cell] = ()) -> str:
    """Yosys commands that read RTL and give every register output a public name.

    Parameters
    ----------
    rtl : RTLIL (``.il``) or Verilog (``.v``, ``.sv``)
    folder : where the script runs
    black_boxes : library cells; those that the RTL instantiates are kept as they are
    """
    if rtl.suffix == ".il":
        read = f"read_rtlil {script_path(rtl, folder)}"
    elif rtl.suffix in (".v", ".sv"):
        sv = "-sv " if rtl.suffix == ".sv" else ""
        read = f"read_verilog {sv}{script_path(rtl, folder)}"
    else:
        raise DesignError(f"{rtl} is neither RTLIL (.il) nor Verilog (.v, .sv)")
    words = set(re.findall(r"\w+", rtl.read_text())) if black_boxes else set()
    stubs = [_stub(cell) for cell in black_boxes if cell.name in words]
    registers = " ".join(f"t:{kind}" for kind in (*_FLIP_FLOPS, *_LATCHES))
    return "\n".join(
        [
            *(["read_verilog <<BLACK_BOXES", *stubs, "BLACK_BOXES"] if stubs else []),
            read,
            f"hierarchy -check -top {top}",
            "proc -norom",
            # What the source leaves open would be one thing in simulation, another in the netlist.
            "setundef -undriven -zero t:$mem* %n",
            "memory_collect",
            "memory_nordff",
            # A part that is selected beyond the end of its vector is 0 too, not `x`.
            "chtype -set $shift t:$shiftx",
            "opt_clean",
            f"select -set registers {registers}",
            "select -set unnamed @registers %co1:+[Q] w:$* %i",
            "rename -enumerate -pattern register_% @unnamed",
            "",
        ]
    )


def short_memories(rtlil: str) -> frozenset[str]:
    """Names of the memories in RTLIL that are smaller than the addresses of their reads.

    Verilog gives `x` for a read beyond the end; here simulation and netlist get the same value.
    """
    sizes = {name: int(size) for size, name in _MEMORY.findall(rtlil)}
    short = set()
    for body in _MEMORY_CELL.findall(rtlil):
        cell = dict(_CELL_LINE.findall(body))
        name = cell["MEMID"].strip('"').replace("\\\\", "\\")
        size = int(cell["SIZE"]) if "SIZE" in cell else sizes.get(name, 0)
        constant = re.fullmatch(r"\d+('[01]+)?", cell.get("ADDR", ""))
        if not constant and size < 1 << int(cell["ABITS"]):
            short.add(name.removeprefix("\\"))
    return frozenset(short)


def leaves_open(rtlil: str) -> bool:
    """Whether RTLIL can compute values that Verilog leaves open (`x`).

    Those are division by zero, parts beyond the end of a vector, and words of a memory that nobody
    has written or that are not there.
    """
    return _OPEN.search(rtlil) is not None


def _stub(cell: Cell) -> str:
    """A Verilog module without inside, its buses whole."""
    in_bus = {position for bits in cell.buses.values() for position in bits}
    ports = [
        f"{cell.pins[bits[0]].direction} [{len(bits) - 1}:0] {bus}"
        for bus, bits in cell.buses.items()
    ]
    ports += [f"{p.direction} {p.name}" for i, p in enumerate(cell.pins) if i not in in_bus]
    clocks = " ".join(p.name for p in cell.pins if p.is_clock) if cell.is_macro else ""
    marked = f'(* blackbox, macro_clocks = "{clocks}" *)' if clocks else "(* blackbox *)"
    return f"{marked} module {cell.name}({', '.join(ports)}); endmodule"


def read_signals(prepared: Path, top: str) -> list[Signal]:
    """All ports, registers, memory words and black boxes' outputs of a prepared design.

    Of macros, black boxes with a clock, the inputs too.

    Parameters
    ----------
    prepared : what Yosys's `write_json` wrote after `prepare_script`
    """
    modules: dict[str, Any] = json.loads(prepared.read_text())["modules"]
    module = modules[top]
    signals = [
        Signal(name=name, path=(name,), kind=port["direction"], width=len(port["bits"]))
        for name, port in module["ports"].items()
        if port["direction"] in ("input", "output")
    ]
    if inout := [name for name, port in module["ports"].items() if port["direction"] == "inout"]:
        raise DesignError(f"port {inout[0]!r} of {top} is an inout; use an input and an output")
    clocks = {
        port["bits"][0]: name
        for name, port in module["ports"].items()
        if port["direction"] == "input" and len(port["bits"]) == 1
    }
    signal_of_name = {signal.name: signal for signal in signals}
    names = {name: _names_of_bits(modules[name]) for name in modules}
    for signal in _registers(modules, names, top, (), clocks):
        if signal.name not in signal_of_name:
            signal_of_name[signal.name] = signal
        elif signal_of_name[signal.name].kind == "output":
            # An output that is itself a register: a port with the register's clock.
            signal_of_name[signal.name] = replace(signal, kind="output")
    return list(signal_of_name.values())


def _registers(
    modules: dict[str, Any],
    names_in: dict[str, dict[Any, str]],
    name: str,
    path: tuple[str, ...],
    ports: dict[Any, str],
) -> Iterator[Signal]:
    """The registers of one module instance and everything below it.

    names_in : the name of each bit, of every module
    ports : the top's one-bit inputs by this module's net number
    """
    module, names = modules[name], names_in[name]
    for cell_name, cell in module["cells"].items():
        kind, pins = cell["type"], cell["connections"]
        if kind == "$tribuf":
            driven = ".".join((*path, names.get(pins["Y"][0], cell_name)))
            raise DesignError(f"{driven} is a tristate; {ALWAYS_DRIVEN}")
        if kind in _FLIP_FLOPS or kind in _LATCHES:
            if any(bit not in names for bit in pins["Q"]):
                raise DesignError(f"register {cell_name!r} in {'.'.join(path)} has no name")
            yield from _state(cell, path, module, names, ports)
        elif kind == "$mem_v2":
            yield from _memory(cell, path, names, ports)
        elif kind in modules and not modules[kind]["attributes"].get("blackbox"):
            below = {
                inner: ports[outer]
                for port, outers in pins.items()
                # A port that is left open is connected to no bits.
                for inner, outer in zip(modules[kind]["ports"][port]["bits"], outers, strict=False)
                if outer in ports
            }
            yield from _registers(modules, names_in, kind, (*path, cell_name), below)
        elif kind in modules:
            yield from _macro(modules[kind], pins, (*path, cell_name))


def _names_of_bits(module: dict[str, Any]) -> dict[Any, str]:
    """The wire that gives each bit of a module its name in the source."""
    wires = {
        wire: netname for wire, netname in module["netnames"].items() if not netname["hide_name"]
    }
    names: dict[Any, str] = {}
    for wire, netname in wires.items():
        for bit in netname["bits"]:
            names.setdefault(bit, wire)
    # A register's own name rather than an alias: the wire that carries the initial value.
    for wire, netname in wires.items():
        if "init" in netname["attributes"]:
            names |= dict.fromkeys(netname["bits"], wire)
    for wire, port in module["ports"].items():
        if port["direction"] == "output":
            for bit in port["bits"]:
                names.setdefault(bit, wire)
    return names


def _state(
    cell: dict[str, Any],
    path: tuple[str, ...],
    module: dict[str, Any],
    names: dict[Any, str],
    ports: dict[Any, str],
) -> Iterator[Signal]:
    """The wires that the flip-flops or latches of one cell drive."""
    pins, latch = cell["connections"], cell["type"] in _LATCHES
    clock = pins.get("EN" if latch else "CLK", [None])[0]
    polarity = cell["parameters"].get("EN_POLARITY" if latch else "CLK_POLARITY", "1")
    reset = ports.get(pins.get("ARST", [None])[0])
    level = int(cell["parameters"].get("ARST_POLARITY", "1"), 2)
    for wire in dict.fromkeys(names[bit] for bit in pins["Q"]):
        yield Signal(
            name=".".join((*path, wire)),
            path=(*path, wire),
            kind="latch" if latch else "register",
            level=latch,
            width=len(module["netnames"][wire]["bits"]),
            clock=ports.get(clock) or ".".join((*path, names.get(clock, "?"))),
            rising=int(polarity, 2) == 1,
            clocked_by_port=clock in ports,
            asynchronous=any(pin in pins for pin in ("ARST", "SET", "CLR", "ALOAD")),
            reset_by=(reset, level) if reset else None,
        )


def _macro(macro: dict[str, Any], pins: dict[str, Any], path: tuple[str, ...]) -> Iterator[Signal]:
    """Outputs of a macro and, where its clock is known, its inputs."""
    clocks = macro["attributes"].get("macro_clocks", "").split()
    for port, port_data in macro["ports"].items():
        full_path, width = (*path, port), len(port_data["bits"])
        if port_data["direction"] == "output":
            yield Signal(name=".".join(full_path), path=full_path, kind="blackbox", width=width)
        elif clocks and port in pins and port not in clocks:
            # What a macro is given is recorded too: replay checks the netlist against it.
            yield Signal(
                name=".".join(full_path), path=full_path, kind="blackbox_input", width=width
            )


def _memory(
    cell: dict[str, Any], path: tuple[str, ...], public: dict[Any, str], ports: dict[Any, str]
) -> Iterator[Signal]:
    """The words of a memory that is written: after mapping each is a register."""
    parameters, pins = cell["parameters"], cell["connections"]
    if not pins["WR_CLK"]:
        return  # a ROM becomes logic
    memory = parameters["MEMID"].removeprefix("\\")
    clock = pins["WR_CLK"][0]
    first = int(parameters["OFFSET"], 2)
    for word in range(first, first + int(parameters["SIZE"], 2)):
        yield Signal(
            name=".".join((*path, f"{memory}[{word}]")),
            path=(*path, memory),
            kind="memory",
            width=int(parameters["WIDTH"], 2),
            word=word,
            clock=ports.get(clock) or ".".join((*path, public.get(clock, "?"))),
            rising=parameters["WR_CLK_POLARITY"][-1] == "1",
            clocked_by_port=clock in ports,
        )
