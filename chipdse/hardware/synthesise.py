"""Synthesise: from RTL to a netlist of library cells, with the RTL register of each flip-flop.

The flow keeps each flip-flop what it was in the RTL: no state machine is encoded anew, nothing is
retimed, and ABC sees the logic between registers only. While the flip-flops still have their RTL
names, `registers.json` notes which register bit each cell of the netlist holds.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.map_module import (
    TIMINGS,
    choose_recipe,
    map_module,
    map_unit,
    mapped_text,
    read_timings,
    run_mapping,
    timings_of,
    write_inputs,
)
from chipdse.hardware.mapping_library import MappingLibrary, mapping_library
from chipdse.hardware.mapping_script import (
    HIERARCHY,
    JOINED,
    MAPPED,
    MODULE,
    MappingRun,
    borders_script,
    flat_script,
    hierarchy_script,
    joined_script,
    recipes,
)
from chipdse.hardware.register_map import (
    find_register_bits,
    find_shared_register_bits,
    lanes_by_module,
    removed_lanes,
    write_register_map,
)
from chipdse.hardware.registers import PREPARED, Signal, read_signals, short_memories
from chipdse.hardware.shared.modules_once import ONCE, rtl_once
from chipdse.hardware.shared.shared_modules import (
    AUTO_SAVED_FRAC,
    SharedModules,
    find_shared,
    is_instantiated_once,
    without_open_ports,
)
from chipdse.hardware.shared.unit_texts import named_again, top_text, unit_text
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.activity.recording import RegisterBit
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.entry import LibraryEntry, liberty_files_for_synthesis
from chipdse.store.store import Store
from chipdse.tools import is_identifier, plain_prefix, remove_links

NETLIST, REGISTER_MAP, AREA, UNITS = "netlist.v", "registers.json", "area.json", "units"
BORDERS = "borders"
"""Name of the script of `borders_script`, and of its log."""


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
    store: Store,
    folder: Path,
) -> None:
    """As `synthesise`, with a library by its entry: at its nominal corner."""
    liberty = liberty_files_for_synthesis(library, folder / "library")
    synthesise(rtl, liberty, options, folder, black_boxes, store)


def synthesise(
    rtl: Rtl,
    liberty: Sequence[Path],
    options: SynthesisOptions,
    folder: Path,
    black_boxes: Sequence[Cell] = (),
    store: Store | None = None,
) -> Synthesised:
    """Map a design to a cell library; files and log stay in `folder`.

    Parameters
    ----------
    rtl : only `rtlil` (RTLIL or Verilog) and `top` are read
    liberty : one library, in one or several Liberty files, plain or gzip
    black_boxes : library cells (of any library) that the RTL may instantiate and that stay as
        they are: clock gates, memories
    store : keeps mapped units for other designs; None maps each in `folder`

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
    write_inputs(library, options, folder)
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
        mapped = _map_flat(run) if shared is None else _map_shared(run, shared, store)
    log, chosen = mapped.log, mapped.chosen
    signals = read_signals(folder / PREPARED, rtl.top)
    if not library.latches and (latch := next((s for s in signals if s.level), None)):
        # Yosys would make one of a flip-flop's asynchronous set and reset, with a dead clock.
        raise DesignError(
            f"{latch.name} is a latch and the library has none; make it a register, or use "
            f"another library; full log: {log}"
        )
    bits = _register_bits(run, shared, mapped, signals)
    netlist = (folder / f"candidate_{chosen}.v").read_text()
    cells = _cell_counts(netlist, log)
    write_register_map(folder / REGISTER_MAP, bits)
    title = "" if shared is None else _title(shared)
    (folder / NETLIST).write_text(title + _plain_ports(netlist))
    area_of = {cell.name: cell.area_m2 for cell in black_boxes}
    area_of |= {name: area * 1e-12 for name, area in library.area.items()}
    area = _area(cells, area_of) | ({} if shared is None else {"units": len(shared.units)})
    (folder / AREA).write_text(json.dumps(area))
    _remove_scratch(folder)
    return read_synthesised(folder, rtl.top)


def _remove_scratch(folder: Path) -> None:
    """Remove the files of the mapping that are no part of its result."""
    scratch = (PREPARED, MAPPED, HIERARCHY, MODULE, JOINED, TIMINGS, ONCE)
    candidates = (*folder.glob("candidate_*"), *folder.glob("mapped_*"))
    for file in (*(folder / name for name in scratch), *candidates):
        file.unlink(missing_ok=True)
    shutil.rmtree(folder / UNITS, ignore_errors=True)
    remove_links(folder)


@dataclass(frozen=True, kw_only=True)
class _Mapped:
    """What mapping left in its folder.

    chosen : number of the candidate that is the netlist
    flip_flops : of a shared design, the flip-flops of the top module and of each unit
    """

    log: Path
    chosen: int
    flip_flops: Mapping[str, Path] = field(default_factory=dict)


def _map_flat(run: MappingRun) -> _Mapped:
    log = run_mapping(flat_script(run), run.folder)
    timings = timings_of(log.read_text(errors="replace"), len(recipes(run.options)))
    return _Mapped(log=log, chosen=choose_recipe([timings], run.options))


def _map_shared(run: MappingRun, shared: SharedModules, store: Store | None) -> _Mapped:
    """Map each unit unless the store has it, then the top module, and join them."""
    is_short = bool(short_memories(run.rtl.rtlil.read_text()))
    folder_of: dict[str, Path] = {}
    for unit in sorted(shared.units):
        text = unit_text(shared, unit)
        if store is not None:
            folder_of[unit] = map_unit(text, run.library, run.options, is_short, store)
        else:
            folder_of[unit] = run.folder / UNITS / text.name
            folder_of[unit].mkdir(parents=True)
            map_module(text, run.library, run.options, is_short, folder_of[unit])
    folder_of[shared.top] = run.folder
    map_module(top_text(shared), run.library, run.options, is_short, run.folder)
    chosen = choose_recipe([read_timings(folder) for folder in folder_of.values()], run.options)
    parts = [*shared.black_boxes.values()]
    for unit, folder in folder_of.items():
        parts.append(named_again(shared, unit, mapped_text(folder, chosen)))
    (run.folder / JOINED).write_text("\n".join(parts))
    log = run_mapping(joined_script(run, run.rtl.top, chosen), run.folder, "join")
    files = {unit: folder / MAPPED for unit, folder in folder_of.items()}
    return _Mapped(log=log, chosen=chosen, flip_flops=files)


def _register_bits(
    run: MappingRun, shared: SharedModules | None, mapped: _Mapped, signals: Sequence[Signal]
) -> dict[str, RegisterBit]:
    """The register bit that each flip-flop of the netlist holds."""
    if shared is None:
        lanes = removed_lanes(mapped.log.read_text(errors="replace"), run.rtl.top)
        return find_register_bits(run.folder / MAPPED, run.rtl.top, signals, lanes)
    at_borders = (run.folder / f"{BORDERS}.log").read_text(errors="replace")
    names = {name.removeprefix("\\") for name in shared.modules}
    removed = lanes_by_module(at_borders, names)
    return find_shared_register_bits(mapped.flip_flops, shared, signals, removed)


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
    once = dataclasses.replace(run.rtl, rtlil=rtl_once(run.rtl, folder))
    script = hierarchy_script(dataclasses.replace(run, rtl=once), uniquify=_has_copies(once))
    run_mapping(script, folder, "hierarchy")
    hierarchy = folder / HIERARCHY
    hierarchy.write_text(without_open_ports(hierarchy.read_text()))
    run_mapping(borders_script(), folder, BORDERS)
    shared = find_shared((folder / HIERARCHY).read_text(), top)
    enough = run.options.hierarchy == "shared" or shared.saved_frac >= AUTO_SAVED_FRAC
    return shared if shared.units and enough else None


def _has_copies(rtl: Rtl) -> bool:
    return rtl.rtlil.suffix != ".il" or not is_instantiated_once(rtl.rtlil.read_text())


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
