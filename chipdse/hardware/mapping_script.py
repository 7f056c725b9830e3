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
HIERARCHY, SHARED = "hierarchy.il", "shared.il"
# Yosys's own order would fill a memory up to a power of two with words of flip-flops that the RTL
# has not, and take what is read beyond the end for whatever saves a gate.
_MAP_SHORT_MEMORIES = (
    "opt_expr",
    "opt_clean",
    "memory -nordff -nowiden",
    "setundef -undriven -zero",
)


@dataclass(frozen=True, kw_only=True)
class MappingRun:
    """What all scripts of one synthesis need.

    folder : where the scripts run
    prefix : what ABC needs before the name of a file of the folder (`chipdse.tools.plain_prefix`)
    """

    rtl: Rtl
    library: MappingLibrary
    options: SynthesisOptions
    black_boxes: Sequence[Cell]
    folder: Path
    prefix: str


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
        *_synthesised(run),
        *_candidates(run, flatten=False),
    ]
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

    The instances in `HIERARCHY` have no open ports, at which `opt_hier` of Yosys 0.70 stops.
    """
    commands = [f"read_rtlil {HIERARCHY}"]
    for _ in range(_BORDER_ROUNDS):
        commands += ["opt_hier", "opt_expr", "opt_clean"]
    return "\n".join([*commands, f"write_rtlil {HIERARCHY}", ""])


def shared_script(run: MappingRun) -> str:
    """The Yosys script that maps each module of `SHARED` marked `keep_hierarchy` once."""
    commands = [
        f"read_rtlil {SHARED}",
        "flatten",
        *_synthesised(run),
        *_candidates(run, flatten=True),
    ]
    return "\n".join([*commands, ""])


_BORDER_ROUNDS = 3
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


def _synthesised(run: MappingRun) -> list[str]:
    """From word-level cells to flip-flops of the library, with generic gates between them."""
    share = "" if run.options.effort == "full" else " -noshare"
    liberty = script_path(run.library.liberty, run.folder)
    return [
        *(_MAP_SHORT_MEMORIES if short_memories(run.rtl.rtlil.read_text()) else ()),
        # Without -nofsm a state machine keeps its names and changes its encoding.
        # Booth multipliers: 11 % less area, 4 % more delay than Yosys's default (8 x 8 bits).
        f"synth -top {run.rtl.top} -nofsm -nordff -noabc -booth{share}",
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


# Names that no cell needs go before they are copied.
_FLATTEN_UNITS = ("opt_clean -purge", "setattr -mod -unset keep_hierarchy", "flatten")


def _candidates(run: MappingRun, *, flatten: bool) -> list[str]:
    """One netlist per recipe of ABC."""
    library = run.library
    liberty = script_path(library.liberty, run.folder)
    for_abc = f'"{run.prefix}{liberty[1:]}' if liberty.startswith('"link_') else liberty
    ties = []
    if library.tie_high and library.tie_low:
        high, low = " ".join(library.tie_high), " ".join(library.tie_low)
        ties = [f"hilomap -singleton -hicell {high} -locell {low}"]
    commands = []
    for number, _ in enumerate(recipes(run.options)):
        commands += [
            "design -load registers",
            f"abc -liberty {for_abc} -script {run.prefix}abc_{number}.script "
            f"-constr {run.prefix}abc.constr",
            *(_FLATTEN_UNITS if flatten else ()),
            "setundef -undriven -zero",
            "opt_clean -purge",
            *ties,
            f"write_verilog -noattr -noexpr -nohex -nodec candidate_{number}.v",
        ]
    return commands


def _clock_gates(library: MappingLibrary, options: SynthesisOptions) -> list[str]:
    """Replace enables of groups of flip-flops by gates in their clock.

    A reset that comes before the enable joins it, so that it still gets through.
    """
    gate = library.clock_gate
    if options.clock_gating is None or gate is None:
        return []
    test = f", input {gate.test}" if gate.test else ""
    ports = f"input {gate.enable}, input {gate.clock}{test}, output {gate.output}"
    tie = f" -tie_lo {gate.test}" if gate.test else ""
    return [
        f"techmap -map {RESET_FIRST}",
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
