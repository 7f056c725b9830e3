"""The scripts of Yosys and ABC: of a flat design, or with modules that are mapped once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.mapping_library import MappingLibrary
from chipdse.hardware.registers import (
    NO_HARDWARE,
    PREPARED,
    prepare_script,
    short_memories,
)
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.library.cells import Cell
from chipdse.tools import script_path

MAPPED, RESET_FIRST = "flip_flops.json", "reset_first.v"
HIERARCHY, MODULE, JOINED = "hierarchy.il", "module.il", "joined.il"
# Yosys's own order would fill a memory up to a power of two with words of flip-flops that the RTL
# has not, and take what is read beyond the end for whatever saves a gate.
_MAP_SHORT_MEMORIES = (
    "opt_expr",
    "opt_clean",
    "memory -nordff -nowiden",
    "setundef -undriven -zero",
)


@dataclass(frozen=True, kw_only=True)
class CellMapping:
    """What the scripts need that map to cells.

    folder : where the scripts run
    prefix : what ABC needs before the name of a file of the folder (`chipdse.tools.plain_prefix`)
    """

    library: MappingLibrary
    options: SynthesisOptions
    folder: Path
    prefix: str


@dataclass(frozen=True, kw_only=True)
class MappingRun(CellMapping):
    """What all scripts of one synthesis need."""

    rtl: Rtl
    black_boxes: Sequence[Cell]


def recipes(options: SynthesisOptions) -> list[list[str]]:
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


def flat_script(run: MappingRun) -> str:
    """The Yosys script that maps a design as one module."""
    commands = [
        *_prepared(run),
        "flatten",
        *_synthesised(run, run.rtl.top, bool(short_memories(run.rtl.rtlil.read_text()))),
    ]
    for number in range(len(recipes(run.options))):
        commands += [*_mapped(run, number), *_written(run, number)]
    return "\n".join([*commands, ""])


def hierarchy_script(run: MappingRun, *, uniquify: bool) -> str:
    """The Yosys script that prepares a design for `borders_script`.

    Parameters
    ----------
    uniquify : some module has several instances; `opt_hier` changes only what all agree on
    """
    # A name that `uniquify` gives to a copy can be that of another module of Amaranth, whose
    # modules all have one instance.
    commands = [*_prepared(run), *(["uniquify"] if uniquify else [])]
    return "\n".join([*commands, f"write_rtlil {HIERARCHY}", ""])


def borders_script() -> str:
    """The Yosys script after which no module has a port that is constant, unused or tied.

    Registers and bits of memories that never change become constants, too, because what they drive
    can be in other modules. No other register is changed.

    The instances in `HIERARCHY` have no open ports, at which `opt_hier` of Yosys 0.70 stops.
    """
    commands = [f"read_rtlil {HIERARCHY}"]
    for _ in range(_BORDER_ROUNDS):
        commands += ["opt_hier", "opt_expr", "opt_mem", "opt_dff -nodffe -nosdff", "opt_clean"]
    return "\n".join([*commands, f"write_rtlil {HIERARCHY}", ""])


def module_script(mapping: CellMapping, name: str, has_short_memories: bool) -> str:
    """The Yosys script that maps the module `name` of the file `MODULE`, one netlist per recipe."""
    commands = [f"read_rtlil {MODULE}", "flatten", *_synthesised(mapping, name, has_short_memories)]
    for number in range(len(recipes(mapping.options))):
        commands += [
            *_mapped(mapping, number),
            # Names that no cell needs go before they are copied.
            "opt_clean -purge",
            f"select {name}",
            f"write_rtlil -selected {mapped_file(number)}",
            "select -clear",
        ]
    return "\n".join([*commands, ""])


def mapped_file(recipe: int) -> str:
    """Name of the file in which `module_script` writes the netlist of a recipe."""
    return f"mapped_{recipe}.il"


def joined_script(mapping: CellMapping, top: str, recipe: int) -> str:
    """The Yosys script that flattens the mapped modules of the file `JOINED` into one netlist."""
    gate = _gate_stub(mapping.library) if mapping.options.clock_gating is not None else []
    commands = [f"read_rtlil {JOINED}", *gate, f"hierarchy -top {top}", "flatten"]
    commands += _written(mapping, recipe)
    return "\n".join([*commands, ""])


_BORDER_ROUNDS = 4
"""A constant passes this many borders; further ones stay inputs, which costs a little area."""


def _prepared(run: MappingRun) -> list[str]:
    return [
        prepare_script(run.rtl.rtlil, run.rtl.top, run.folder, run.black_boxes),
        f"write_json {PREPARED}",
        *NO_HARDWARE,
        # `flatten` would leave modules that are marked so, and their cells would be unknown.
        "setattr -mod -unset keep_hierarchy",
        "setattr -unset keep_hierarchy",
    ]


def _synthesised(run: CellMapping, top: str, has_short_memories: bool) -> list[str]:
    """From word-level cells to flip-flops of the library, with generic gates between them."""
    share = "" if run.options.effort == "full" else " -noshare"
    liberty = script_path(run.library.liberty, run.folder)
    return [
        *(_MAP_SHORT_MEMORIES if has_short_memories else ()),
        # Without -nofsm a state machine keeps its names and changes its encoding.
        # Booth multipliers: 11 % less area, 4 % more delay than Yosys's default (8 x 8 bits).
        f"synth -top {top} -nofsm -nordff -noabc -booth{share}",
        *_clock_gates(run.library, run.options),
        f"dfflibmap -prepare -liberty {liberty}",
        "opt_clean",
        "select -set flip_flops t:$_*DFF* t:$_*LATCH* t:$_SR_*",
        "rename -enumerate -pattern ff_% @flip_flops",
        "setundef -zero",
        f"write_json {MAPPED}",
        f"dfflibmap -map-only -liberty {liberty}",
        "design -save registers",
    ]


def _mapped(mapping: CellMapping, recipe: int) -> list[str]:
    """The logic between the flip-flops in cells, by a recipe of ABC."""
    liberty = script_path(mapping.library.liberty, mapping.folder)
    for_abc = f'"{mapping.prefix}{liberty[1:]}' if liberty.startswith('"link_') else liberty
    return [
        "design -load registers",
        f"abc -liberty {for_abc} -script {mapping.prefix}abc_{recipe}.script "
        f"-constr {mapping.prefix}abc.constr",
    ]


def _written(mapping: CellMapping, recipe: int) -> list[str]:
    """A flat netlist as Verilog, its constants from cells of the library."""
    library = mapping.library
    ties = []
    if library.tie_high and library.tie_low:
        high, low = " ".join(library.tie_high), " ".join(library.tie_low)
        ties = [f"hilomap -singleton -hicell {high} -locell {low}"]
    return [
        "setundef -undriven -zero",
        "opt_clean -purge",
        *ties,
        f"write_verilog -noattr -noexpr -nohex -nodec candidate_{recipe}.v",
    ]


def _clock_gates(library: MappingLibrary, options: SynthesisOptions) -> list[str]:
    """Replace enables of groups of flip-flops by gates in their clock.

    A reset that comes before the enable joins it, so that it still gets through.
    """
    gate = library.clock_gate
    if options.clock_gating is None or gate is None:
        return []
    tie = f" -tie_lo {gate.test}" if gate.test else ""
    return [
        f"techmap -map {RESET_FIRST}",
        "simplemap",
        "dffunmap -srst-only",
        "opt_merge",
        "opt_clean",
        *_gate_stub(library),
        f"clockgate -pos {gate.name} {gate.enable}:{gate.clock}:{gate.output}{tie}"
        f" -min_net_size {options.clock_gating}",
        f"select -set clock_gates t:{gate.name}",
        "rename -enumerate -pattern gate_% @clock_gates",
    ]


def _gate_stub(library: MappingLibrary) -> list[str]:
    """Commands that declare the library's clock gate as a black box."""
    gate = library.clock_gate
    if gate is None:
        return []
    test = f", input {gate.test}" if gate.test else ""
    ports = f"input {gate.enable}, input {gate.clock}{test}, output {gate.output}"
    return [
        "read_verilog -overwrite <<CLOCK_GATE",
        f"(* blackbox *) module {gate.name}({ports}); endmodule",
        "CLOCK_GATE",
    ]


def reset_joins_enable() -> str:
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
