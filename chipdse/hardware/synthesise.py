"""Synthesise: from RTL to a netlist of library cells, with the RTL register of each flip-flop.

The flow keeps each flip-flop what it was in the RTL: no state machine is encoded anew, nothing is
retimed, and ABC sees the logic between registers only. While the flip-flops still have their RTL
names, `registers.json` notes which register bit each cell of the netlist holds.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError, ToolError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.mapping_library import MappingLibrary, mapping_library
from chipdse.hardware.mapping_script import (
    HIERARCHY,
    MAPPED,
    RESET_FIRST,
    SHARED,
    MappingRun,
    borders_script,
    flat_script,
    hierarchy_script,
    recipes,
    reset_joins_enable,
    shared_script,
)
from chipdse.hardware.register_map import (
    find_register_bits,
    find_shared_register_bits,
    write_register_map,
)
from chipdse.hardware.registers import PREPARED, read_signals
from chipdse.hardware.shared_modules import (
    AUTO_SAVED_FRAC,
    SharedModules,
    find_shared,
    is_instantiated_once,
    without_open_ports,
    write_shared,
)
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.entry import LibraryEntry, liberty_files_for_synthesis
from chipdse.tools import is_identifier, plain_prefix, remove_links, run_yosys

NETLIST, REGISTER_MAP, AREA = "netlist.v", "registers.json", "area.json"


@dataclass(frozen=True, kw_only=True)
class Synthesised:
    """A mapped design; everything is a file of one folder.

    netlist : structural Verilog of library cells, no signed ports, module `top`
    register_map : JSON, which register bit each flip-flop holds (`recorded.read_register_map`)
    area_m2 : sum of the cells' areas [m²]
    cell_count : mapped cells
    is_shared : some modules were mapped once for all their copies; the netlist says so, too
    """

    netlist: Path
    register_map: Path
    top: str
    area_m2: float
    cell_count: int
    is_shared: bool = False


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
    if options.clock_gating is not None and library.clock_gate is None:
        raise DesignError(
            f"clock_gating={options.clock_gating}: the library has no integrated clock gate for "
            "rising edges; leave clock_gating out"
        )
    check_names(library)
    folder.mkdir(parents=True, exist_ok=True)
    _write_inputs(library, options, folder)
    with plain_prefix(folder) as prefix:
        run = MappingRun(
            rtl=rtl,
            library=library,
            options=options,
            black_boxes=black_boxes,
            folder=folder,
            prefix=prefix,
        )
        shared = None if options.hierarchy == "flat" else _share(run)
        script = flat_script(run) if shared is None else shared_script(run)
        log = _run(script, folder)
    chosen = choose_candidate(log, options)
    signals = read_signals(folder / PREPARED, rtl.top)
    if not library.latches and (latch := next((s for s in signals if s.level), None)):
        # Yosys would make one of a flip-flop's asynchronous set and reset, with a dead clock.
        raise DesignError(
            f"{latch.name} is a latch and the library has none; make it a register, or use "
            f"another library; full log: {log}"
        )
    if shared is None:
        bits = find_register_bits(folder / MAPPED, rtl.top, signals)
    else:
        bits = find_shared_register_bits(folder / MAPPED, shared, signals)
    netlist = (folder / f"candidate_{chosen}.v").read_text()
    cells = _cell_counts(netlist, log)
    write_register_map(folder / REGISTER_MAP, bits)
    title = "" if shared is None else _title(shared)
    (folder / NETLIST).write_text(title + _plain_ports(netlist))
    area_of = {cell.name: cell.area_m2 for cell in black_boxes}
    area_of |= {name: area * 1e-12 for name, area in library.area.items()}
    area = _area(cells, area_of) | ({} if shared is None else {"units": len(shared.units)})
    (folder / AREA).write_text(json.dumps(area))
    scratch = (PREPARED, MAPPED, HIERARCHY, SHARED)
    for file in (*(folder / name for name in scratch), *folder.glob("candidate_*")):
        file.unlink(missing_ok=True)
    remove_links(folder)
    return read_synthesised(folder, rtl.top)


def _write_inputs(library: MappingLibrary, options: SynthesisOptions, folder: Path) -> None:
    """Write the files that the scripts read."""
    if options.clock_gating is not None:
        (folder / RESET_FIRST).write_text(reset_joins_enable())
    (folder / "abc.constr").write_text(
        f"set_driving_cell {library.driving_cell}\n"
        f"set_load {4e15 * library.input_capacitance_f:.6g}\n"
    )
    for number, recipe in enumerate(recipes(options)):
        (folder / f"abc_{number}.script").write_text("\n".join([*recipe, ""]))


def _area(cells: Mapping[str, int], area_of: Mapping[str, float]) -> dict[str, Any]:
    """Area [m²] and number of the cells, as `read_synthesised` reads them."""
    area = sum(area_of[kind] * count for kind, count in cells.items())
    return {"area_m2": area, "cell_count": sum(cells.values()), "cells": cells}


def _title(shared: SharedModules) -> str:
    """What makes the netlist another than an equal one that was mapped flat."""
    names = ", ".join(name.removeprefix("\\") for name in sorted(shared.units))
    return f"/* mapped once for all copies: {names.replace('*/', '* /')} */\n"


def _share(run: MappingRun) -> SharedModules | None:
    """Write the design with its equal modules merged; None if it is to be mapped flat."""
    folder, top = run.folder, run.rtl.top
    _run(hierarchy_script(run, uniquify=_has_copies(run)), folder, "hierarchy")
    hierarchy = folder / HIERARCHY
    hierarchy.write_text(without_open_ports(hierarchy.read_text()))
    _run(borders_script(), folder, "borders")
    shared = find_shared((folder / HIERARCHY).read_text(), top)
    enough = run.options.hierarchy == "shared" or shared.saved_frac >= AUTO_SAVED_FRAC
    if not shared.units or not enough:
        return None
    (folder / SHARED).write_text(write_shared(shared))
    return shared


def _has_copies(run: MappingRun) -> bool:
    return run.rtl.rtlil.suffix != ".il" or not is_instantiated_once(run.rtl.rtlil.read_text())


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
        is_shared="units" in area,
    )


_ABC_PASS = "Executing ABC pass (technology mapping using ABC)."
_TIMED = re.compile(r"Area =\s*([\d.]+).*?Delay =\s*([\d.]+)\s*ps")


def _timing(output: str) -> tuple[float, float] | None:
    """ABC's area and delay after sizing, of several modules the sum and the longest; None without
    logic."""
    timings = [(float(a), float(d)) for a, d in _TIMED.findall(output)]
    sized = timings[1::2]  # a recipe reports before it sizes the cells and after
    return (sum(a for a, _ in sized), max(d for _, d in sized)) if sized else None


def choose_candidate(log: Path, options: SynthesisOptions) -> int:
    """The smallest candidate that meets the target, else the fastest.

    Without a target the one with the least area times delay, ABC's estimates of both.
    """
    count = len(recipes(options))
    if count == 1:
        return 0
    passes = log.read_text(errors="replace").split(_ABC_PASS)[1:]
    last = [timing for output in passes if (timing := _timing(output)) is not None]
    if len(last) != count:
        return 0  # there is no logic to choose between
    period = options.target_period_s
    if period is None:
        return min(range(count), key=lambda i: last[i][0] * last[i][1])
    meeting = [i for i in range(count) if last[i][1] <= period * 1e12]
    if meeting:
        return min(meeting, key=lambda i: last[i][0])
    return min(range(count), key=lambda i: last[i][1])


def _cell_counts(netlist: str, log: Path) -> dict[str, int]:
    """How often each cell is used; anything that is not a cell could not be mapped."""
    cells = [(kind.removeprefix("\\"), name.strip()) for kind, name in _CELL.findall(netlist)]
    for kind, name in cells:
        if kind.startswith("$"):
            what = _WHAT.get(kind[: kind.find("_", 2)], "a cell")
            raise DesignError(
                f"the library cannot implement {name!r} ({kind}): it lacks {what} of that kind; "
                f"use another library or change the design; full log: {log}"
            )
    return dict(sorted(Counter(kind for kind, _ in cells).items()))


# A cell of the netlist as Yosys writes it: two spaces, kind, parameters if it has some, name.
_CELL = re.compile(
    r"^  (?!input |output |wire |assign )(\\\S+|\w\S*)  ?"
    r"(?:#\(\n(?:    .*\n)*  \) )?(\\\S+ |\w\S*) \($",
    re.MULTILINE,
)


_WHAT = {"$_DFF": "a flip-flop", "$_DLATCH": "a latch", "$_DFFSR": "a flip-flop", "$_SR": "a latch"}


def _plain_ports(netlist: str) -> str:
    """The netlist without `signed` in its declarations: OpenSTA and OpenROAD refuse it."""
    for kind in ("input", "output", "wire"):
        netlist = netlist.replace(f"\n  {kind} signed ", f"\n  {kind} ")
    return netlist


def _run(script: str, folder: Path, name: str = "synthesise") -> Path:
    """Run Yosys; a register that the library has no cell for is the design's error."""
    try:
        return run_yosys(script, folder, name)
    except ToolError as error:
        match = re.search(r"(FF|latch) \S+ \(type \S+\) cannot be legalized: (.*)", str(error))
        if match is None:
            raise
        raise DesignError(
            f"the library has no cell for a register of the design ({match[2]}); use another "
            "library or change the register"
        ) from error
