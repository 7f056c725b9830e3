"""Synthesise: from RTL to a netlist of a library's cells, with flip-flops that can be found again.

The flow keeps each flip-flop what it was in the RTL: no state machine is encoded anew, nothing is
retimed, and ABC sees the logic between registers only. While the flip-flops still have their RTL
names, `registers.json` notes which register bit each cell of the netlist holds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.mapping_library import MappingLibrary, mapping_library
from chipdse.hardware.registers import PREPARED, Signal, prepare_script, read_signals
from chipdse.hardware.tools import run_yosys
from chipdse.netlist.cells import Cell
from chipdse.netlist.recorded import RegisterBit

NETLIST, REGISTER_MAP, AREA = "netlist.v", "registers.json", "area.json"
_MAPPED = "flip_flops.json"


@dataclass(frozen=True, kw_only=True)
class SynthesisOptions:
    """What a designer chooses about synthesis.

    target_period_s : clock period to aim at [s]; None lets ABC find the fastest cells anywhere
    effort : "quick" for searches; "full" tries harder for area and speed, at several times the cost
    seed : 0 for the plain flow; any other value gives ABC another, equally good start, so that
        replicates show how much of a difference is luck
    """

    target_period_s: float | None = None
    effort: Literal["quick", "full"] = "quick"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.target_period_s is not None and not self.target_period_s > 0:
            raise DesignError(f"target_period_s={self.target_period_s} must be positive")
        if self.effort not in ("quick", "full"):
            raise DesignError(f"effort={self.effort!r} is not one of 'quick', 'full'")
        if self.seed < 0:
            raise DesignError(f"seed={self.seed} must not be negative")


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
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "abc.constr").write_text(
        f"set_driving_cell {library.driving_cell}\n"
        f"set_load {4e15 * library.input_capacitance_f:.6g}\n"
    )
    (folder / "abc.script").write_text(_abc_script(options))
    run_yosys(_script(rtl, library, options, black_boxes), folder, "synthesise")
    signals = read_signals(folder / PREPARED, rtl.top)
    bits = _register_bits(folder / _MAPPED, rtl.top, signals)
    cells = _cell_counts(folder / "mapped.json", rtl.top, library, folder / "synthesise.log")
    _write_register_map(folder / REGISTER_MAP, bits)
    _plain_ports(folder / NETLIST)
    area_of = {cell.name: cell.area_m2 for cell in black_boxes}
    area_of |= {name: area * 1e-12 for name, area in library.area.items()}
    area = sum(area_of[kind] * count for kind, count in cells.items())
    made = {"area_m2": area, "cell_count": sum(cells.values()), "cells": cells}
    (folder / AREA).write_text(json.dumps(made))
    for scratch in (PREPARED, _MAPPED, "mapped.json"):
        (folder / scratch).unlink()
    return read_synthesised(folder, rtl.top)


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


def _script(
    rtl: Rtl, library: MappingLibrary, options: SynthesisOptions, black_boxes: Sequence[Cell]
) -> str:
    liberty = f'"{library.liberty}"'
    delay = "" if options.target_period_s is None else f" -D {options.target_period_s * 1e12:.0f}"
    share = "" if options.effort == "full" else " -noshare"
    hilo = ""
    if library.tie_high and library.tie_low:
        high, low = " ".join(library.tie_high), " ".join(library.tie_low)
        hilo = f"hilomap -singleton -hicell {high} -locell {low}"
    return "\n".join(
        [
            prepare_script(rtl.rtlil.absolute(), rtl.top, black_boxes),
            f"write_json {PREPARED}",
            "flatten",
            # Without -nofsm a state machine keeps its names and changes its encoding.
            f"synth -top {rtl.top} -nofsm -nordff -noabc{share}",
            f"dfflibmap -prepare -liberty {liberty}",
            "opt_clean",
            "rename -enumerate -pattern ff_% t:$_*DFF* t:$_*LATCH* t:$_SR_* %u %u",
            "setundef -zero",
            f"write_json {_MAPPED}",
            f"dfflibmap -map-only -liberty {liberty}",
            f"abc -liberty {liberty} -script abc.script -constr abc.constr{delay}",
            "setundef -undriven -zero",
            "opt_clean -purge",
            hilo,
            "write_json mapped.json",
            f"write_verilog -noattr -noexpr -nohex -nodec {NETLIST}",
            "",
        ]
    )


def _abc_script(options: SynthesisOptions) -> str:
    steps = [
        # No SAT sweeping (fraig, scorr): between the multipliers of a filter it takes minutes.
        *("strash", "dc2", "strash"),
        *(
            "&get -n",
            "&dch -f",
            "&nf {D}",
            "&put",
            "buffer",
            "upsize {D}",
            "dnsize {D}",
            "stime -p",
        ),
    ]
    return "\n".join(steps) + "\n"


def _register_bits(mapped: Path, top: str, signals: Sequence[Signal]) -> dict[str, RegisterBit]:
    """Find the RTL name of each flip-flop's output, directly or through one inverter."""
    module: dict[str, Any] = json.loads(mapped.read_text())["modules"][top]
    known = {s.name: s for s in signals if s.kind not in ("input", "output")}
    known |= {s.name: s for s in signals if s.kind == "output"}
    names: dict[Any, tuple[str, int]] = {}
    for name, about in module["netnames"].items():
        signal = known.get(name)
        if signal is None:
            continue
        if len(about["bits"]) != signal.width:
            raise DesignError(
                f"register {name!r} is {signal.width} bits in the RTL and {len(about['bits'])} "
                "after synthesis; its encoding changed"
            )
        for bit, net in enumerate(about["bits"]):
            if net not in names or signal.kind != "output":
                names[net] = (name, bit)
    inverse = {
        cell["connections"]["A"][0]: cell["connections"]["Y"][0]
        for cell in module["cells"].values()
        if cell["type"] == "$_NOT_" and cell["connections"]["Y"][0] in names
    }
    bits = {}
    for cell_name, cell in module["cells"].items():
        if not cell_name.startswith("ff_") or "Q" not in cell["connections"]:
            continue
        net = cell["connections"]["Q"][0]
        inverted = net not in names
        found = names.get(inverse.get(net) if inverted else net)
        if found is not None:
            bits[cell_name] = RegisterBit(signal=found[0], bit=found[1], inverted=inverted)
    return bits


def _write_register_map(path: Path, bits: dict[str, RegisterBit]) -> None:
    cells = {cell: (bit.signal, bit.bit, bit.inverted) for cell, bit in bits.items()}
    path.write_text(json.dumps({"cells": cells}))


def _cell_counts(mapped: Path, top: str, library: MappingLibrary, log: Path) -> dict[str, int]:
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


def _plain_ports(netlist: Path) -> None:
    """Take `signed` out of declarations: OpenSTA and OpenROAD refuse it."""
    text = netlist.read_text()
    for kind in ("input", "output", "wire"):
        text = text.replace(f"\n  {kind} signed ", f"\n  {kind} ")
    netlist.write_text(text)
