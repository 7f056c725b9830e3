"""Synthesise: from RTL to a netlist of library cells, with the RTL register of each flip-flop.

The flow keeps each flip-flop what it was in the RTL: no state machine is encoded anew, nothing is
retimed, and ABC sees the logic between registers only. While the flip-flops still have their RTL
names, `registers.json` notes which register bit each cell of the netlist holds.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chipdse.errors import DesignError, ToolError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.mapping_library import MappingLibrary, mapping_library
from chipdse.hardware.register_map import find_register_bits, write_register_map
from chipdse.hardware.registers import (
    NO_HARDWARE,
    PREPARED,
    prepare_script,
    read_signals,
    short_memories,
)
from chipdse.netlist.library.catalogue import LibraryEntry, liberty_files_for_synthesis
from chipdse.netlist.library.cells import Cell
from chipdse.records import check_knobs, knob
from chipdse.tools import is_identifier, plain_prefix, remove_links, run_yosys, script_path

NETLIST, REGISTER_MAP, AREA = "netlist.v", "registers.json", "area.json"
_MAPPED = "flip_flops.json"
_RESET_FIRST = "reset_first.v"
# Yosys's own order would fill a memory up to a power of two with words of flip-flops that the RTL
# has not, and take what is read beyond the end for whatever saves a gate.
_MAP_SHORT_MEMORIES = (
    "opt_expr",
    "opt_clean",
    "memory -nordff -nowiden",
    "setundef -undriven -zero",
)


@dataclass(frozen=True, kw_only=True)
class SynthesisOptions:
    """The options of synthesis."""

    target_period_s: float | None = knob(
        None, "clock period to aim at; by default as short as possible", "s", kind=float, above=0
    )
    effort: Literal["quick", "full"] = knob(
        "quick",
        "quick for searches; full tries harder for area and speed, at several times the run time",
        choices=("quick", "full"),
    )
    goal: Literal["balanced", "delay"] = knob(
        "balanced",
        "balanced maps for delay with area recovered everywhere; delay for the shortest path, with"
        " up to twice the cells and more energy per operation (docs/concepts/glitches.md)",
        choices=("balanced", "delay"),
    )
    clock_gating: int = knob(
        0,
        "smallest group of flip-flops that share an enable and get a clock gate; 0 makes no gates,"
        " and enables become multiplexers or the library's enabled flip-flops",
        minimum=0,
    )
    seed: int = knob(
        0,
        "0 for the plain flow; any other value gives ABC another, equally good start, so that"
        " replicates show how much of a difference is chance",
        minimum=0,
    )
    memory_macro_bits: int = knob(
        4096,
        "memories of at least so many bits become SRAM macros (docs/howto/memories.md); 0 keeps all"
        " in registers",
        minimum=0,
    )
    memory_family: str = knob(
        "auto", "of SRAM macros; auto is the one of the library's process, if there is one"
    )

    def __post_init__(self) -> None:
        check_knobs(self)


@dataclass(frozen=True, kw_only=True)
class Synthesised:
    """A mapped design; everything is a file of one folder.

    netlist : structural Verilog of library cells, no signed ports, module `top`
    register_map : JSON, which register bit each flip-flop holds (`recorded.read_register_map`)
    area_m2 : sum of the cells' areas [m²]
    cell_count : mapped cells
    """

    netlist: Path
    register_map: Path
    top: str
    area_m2: float
    cell_count: int


def map_to_cells(
    rtl: Rtl,
    library: LibraryEntry,
    options: SynthesisOptions,
    black_boxes: Sequence[Cell],
    folder: Path,
) -> None:
    """As `synthesise`, with a library by its entry: at its nominal corner."""
    liberty = liberty_files_for_synthesis(library, folder / "library")
    synthesise(rtl, liberty, options, folder, black_boxes)


def synthesise(
    rtl: Rtl,
    liberty: Sequence[Path],
    options: SynthesisOptions,
    folder: Path,
    black_boxes: Sequence[Cell] = (),
) -> Synthesised:
    """Map a design to a cell library; files and log stay in `folder`.

    Parameters
    ----------
    rtl : only `rtlil` (RTLIL or Verilog) and `top` are read
    liberty : one library, in one or several Liberty files, plain or gzip
    black_boxes : library cells (of any library) that the RTL may instantiate and that stay as
        they are: clock gates, memories

    Raises
    ------
    DesignError : the library lacks a cell that the design needs
    ToolError : Yosys or ABC failed
    """
    library = mapping_library(liberty)
    if options.clock_gating and library.clock_gate is None:
        raise DesignError(
            f"clock_gating={options.clock_gating}: the library has no integrated clock gate for "
            "rising edges; use clock_gating=0"
        )
    check_names(library)
    folder.mkdir(parents=True, exist_ok=True)
    if options.clock_gating:
        (folder / _RESET_FIRST).write_text(_reset_joins_enable())
    (folder / "abc.constr").write_text(
        f"set_driving_cell {library.driving_cell}\n"
        f"set_load {4e15 * library.input_capacitance_f:.6g}\n"
    )
    for number, recipe in enumerate(_recipes(options)):
        (folder / f"abc_{number}.script").write_text("\n".join([*recipe, ""]))
    with plain_prefix(folder) as prefix:
        log = _run(_script(rtl, library, options, black_boxes, folder, prefix), folder)
    chosen = _choose(log, options)
    signals = read_signals(folder / PREPARED, rtl.top)
    if not library.latches and (latch := next((s for s in signals if s.level), None)):
        # Yosys would make one of a flip-flop's asynchronous set and reset, with a dead clock.
        raise DesignError(
            f"{latch.name} is a latch and the library has none; make it a register, or use "
            f"another library; full log: {log}"
        )
    bits = find_register_bits(folder / _MAPPED, rtl.top, signals)
    cells = _cell_counts(folder / f"candidate_{chosen}.json", rtl.top, log)
    write_register_map(folder / REGISTER_MAP, bits)
    _plain_ports(folder / f"candidate_{chosen}.v", folder / NETLIST)
    area_of = {cell.name: cell.area_m2 for cell in black_boxes}
    area_of |= {name: area * 1e-12 for name, area in library.area.items()}
    area = sum(area_of[kind] * count for kind, count in cells.items())
    summary = {"area_m2": area, "cell_count": sum(cells.values()), "cells": cells}
    (folder / AREA).write_text(json.dumps(summary))
    for scratch in (folder / PREPARED, folder / _MAPPED, *folder.glob("candidate_*")):
        scratch.unlink()
    remove_links(folder)
    return read_synthesised(folder, rtl.top)


def check_names(library: MappingLibrary) -> None:
    """Raise DesignError if a name that scripts of Yosys and ABC hold could mean more there."""
    gate = library.clock_gate
    pins = (gate.name, gate.enable, gate.clock, gate.output, gate.test) if gate else ()
    ties = (*(library.tie_high or ()), *(library.tie_low or ()))
    for name in (library.driving_cell, *ties, *pins):
        if name and not is_identifier(name):
            raise DesignError(
                f"the library has a cell or pin {name!r}; write names of letters, digits, _ and $"
            )


def read_synthesised(folder: Path, top: str) -> Synthesised:
    """The record of a folder that `synthesise` filled earlier."""
    area = json.loads((folder / AREA).read_text())
    return Synthesised(
        netlist=folder / NETLIST,
        register_map=folder / REGISTER_MAP,
        top=top,
        area_m2=area["area_m2"],
        cell_count=area["cell_count"],
    )


def _recipes(options: SynthesisOptions) -> list[list[str]]:
    """ABC's commands, one list per candidate.

    All buffer nets of more than ten readers and size every cell against the delay. What the
    mappers differ in is measured in docs/concepts/glitches.md; "full" tries them all.
    ABC does not replace ``{D}`` in script files as Yosys does in its own, so it is written out.
    """
    period = options.target_period_s
    delay = "" if period is None else f" -D {period * 1e12:.0f}"
    shuffle = [f"permute -S {options.seed}"] if options.seed else []
    size = ["buffer -c", "topo", "stime -p", f"upsize{delay}", f"dnsize{delay}", "stime -p"]
    choices = ["strash", *shuffle, "&get -n", "&st", "&dch"]
    # A period no path can meet: area is recovered only where it costs no delay.
    fast = [*choices, "&put", f"map -B 0.9{delay or ' -D 1'}", "topo", *size]
    balanced = [*choices, "&nf", "&put", *size]
    if options.effort == "quick":
        return [fast if options.goal == "delay" else balanced]
    small = ["strash", *shuffle, "dc2", "&get -n", "&st", "&dch", "&nf", "&put", *size]
    return [fast, balanced, small] if options.goal == "delay" else [balanced, small, fast]


def _script(
    rtl: Rtl,
    library: MappingLibrary,
    options: SynthesisOptions,
    black_boxes: Sequence[Cell],
    folder: Path,
    prefix: str,
) -> str:
    liberty = script_path(library.liberty, folder)
    for_abc = f'"{prefix}{liberty[1:]}' if liberty.startswith('"link_') else liberty
    share = "" if options.effort == "full" else " -noshare"
    ties = []
    if library.tie_high and library.tie_low:
        high, low = " ".join(library.tie_high), " ".join(library.tie_low)
        ties = [f"hilomap -singleton -hicell {high} -locell {low}"]
    commands = [
        prepare_script(rtl.rtlil, rtl.top, folder, black_boxes),
        f"write_json {PREPARED}",
        *NO_HARDWARE,
        # `flatten` would leave modules that are marked so, and their cells would be unknown.
        "setattr -mod -unset keep_hierarchy",
        "setattr -unset keep_hierarchy",
        "flatten",
        *(_MAP_SHORT_MEMORIES if short_memories(rtl.rtlil.read_text()) else ()),
        # Without -nofsm a state machine keeps its names and changes its encoding.
        # Booth multipliers: 11 % less area, 4 % more delay than Yosys's default (8 x 8 bits).
        f"synth -top {rtl.top} -nofsm -nordff -noabc -booth{share}",
        *_clock_gates(library, options),
        f"dfflibmap -prepare -liberty {liberty}",
        "opt_clean",
        "select -set flip_flops t:$_*DFF* t:$_*LATCH* t:$_SR_*",
        "rename -enumerate -pattern ff_% @flip_flops",
        "setundef -zero",
        f"write_json {_MAPPED}",
        f"dfflibmap -map-only -liberty {liberty}",
        "design -save registers",
    ]
    for number, _ in enumerate(_recipes(options)):
        commands += [
            "design -load registers",
            f"abc -liberty {for_abc} -script {prefix}abc_{number}.script "
            f"-constr {prefix}abc.constr",
            "setundef -undriven -zero",
            "opt_clean -purge",
            *ties,
            f"write_json candidate_{number}.json",
            f"write_verilog -noattr -noexpr -nohex -nodec candidate_{number}.v",
        ]
    return "\n".join([*commands, ""])


def _clock_gates(library: MappingLibrary, options: SynthesisOptions) -> list[str]:
    """Replace enables of groups of flip-flops by gates in their clock.

    A reset that comes before the enable joins it, so that it still gets through.
    """
    gate = library.clock_gate
    if not options.clock_gating or gate is None:
        return []
    test = f", input {gate.test}" if gate.test else ""
    ports = f"input {gate.enable}, input {gate.clock}{test}, output {gate.output}"
    tie = f" -tie_lo {gate.test}" if gate.test else ""
    return [
        f"techmap -map {_RESET_FIRST}",
        "simplemap",
        "dffunmap -srst-only",
        "opt_merge",
        "opt_clean",
        "read_verilog -overwrite <<CLOCK_GATE",
        f"(* blackbox *) module {gate.name}({ports}); endmodule",
        "CLOCK_GATE",
        f"clockgate -pos {gate.name} {gate.enable}:{gate.clock}:{gate.output}{tie}"
        f" -min_net_size {options.clock_gating}",
        f"select -set clock_gates t:{gate.name}",
        "rename -enumerate -pattern gate_% @clock_gates",
    ]


def _reset_joins_enable() -> str:
    """Yosys's flip-flops with a synchronous reset before their enable, with an enable alone.

    Left to itself Yosys undoes the enable of such a flip-flop.
    """
    lines = []
    for reset, value, enable in itertools.product("PN", "01", "PN"):
        clears = "R" if reset == "P" else "~R"
        data = f"{clears} | D" if value == "1" else f"~({clears}) & D"
        enabled = "E" if enable == "P" else "~E"
        lines += [
            f"module \\$_SDFFE_P{reset}{value}{enable}_ (input D, C, R, E, output Q);",
            f"  \\$_DFFE_PP_ cell_(.D({data}), .C(C), .E({enabled} | {clears}), .Q(Q));",
            "endmodule",
        ]
    return "\n".join([*lines, ""])


_TIMED = re.compile(r"Area =\s*([\d.]+).*?Delay =\s*([\d.]+)\s*ps")


def _choose(log: Path, options: SynthesisOptions) -> int:
    """The smallest candidate that meets the target, else the fastest.

    Without a target the one with the least area times delay, ABC's estimates of both.
    """
    count = len(_recipes(options))
    if count == 1:
        return 0
    timings = [(float(a), float(d)) for a, d in _TIMED.findall(log.read_text(errors="replace"))]
    last = timings[1::2]  # each recipe reports before it sizes the cells and after
    if len(last) != count:
        return 0  # there is no logic to choose between
    period = options.target_period_s
    if period is None:
        return min(range(count), key=lambda i: last[i][0] * last[i][1])
    meeting = [i for i in range(count) if last[i][1] <= period * 1e12]
    if meeting:
        return min(meeting, key=lambda i: last[i][0])
    return min(range(count), key=lambda i: last[i][1])


def _cell_counts(mapped: Path, top: str, log: Path) -> dict[str, int]:
    """How often each cell is used; anything that is not a cell could not be mapped."""
    counts: dict[str, int] = {}
    for name, cell in json.loads(mapped.read_text())["modules"][top]["cells"].items():
        kind = cell["type"]
        if kind.startswith("$"):
            what = _WHAT.get(kind[: kind.find("_", 2)], "a cell")
            raise DesignError(
                f"the library cannot implement {name!r} ({kind}): it lacks {what} of that kind; "
                f"use another library or change the design; full log: {log}"
            )
        counts[kind] = counts.get(kind, 0) + 1
    return dict(sorted(counts.items()))


_WHAT = {"$_DFF": "a flip-flop", "$_DLATCH": "a latch", "$_DFFSR": "a flip-flop", "$_SR": "a latch"}


def _plain_ports(candidate: Path, netlist: Path) -> None:
    """Take `signed` out of declarations: OpenSTA and OpenROAD refuse it."""
    text = candidate.read_text()
    for kind in ("input", "output", "wire"):
        text = text.replace(f"\n  {kind} signed ", f"\n  {kind} ")
    netlist.write_text(text)


def _run(script: str, folder: Path) -> Path:
    """Run Yosys; a register that the library has no cell for is the design's error."""
    try:
        return run_yosys(script, folder, "synthesise")
    except ToolError as error:
        match = re.search(r"(FF|latch) \S+ \(type \S+\) cannot be legalized: (.*)", str(error))
        if match is None:
            raise
        raise DesignError(
            f"the library has no cell for a register of the design ({match[2]}); use another "
            "library or change the register"
        ) from error
