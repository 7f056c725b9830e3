"""Map one module to the cells of a library: a unit with copies, or the top module without them.

A mapped unit is a result of its own in the store. Its key has the unit's text, which contains
nothing of the rest of the design (`chipdse.hardware.shared.unit_texts`), so that every size of an
array, every sweep and every block that contains an equal module uses the same result.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError, MachineError, ToolError
from chipdse.hardware.mapping_library import MappingLibrary
from chipdse.hardware.mapping_script import (
    MAPPED,
    MODULE,
    RESET_FIRST,
    CellMapping,
    mapped_file,
    module_script,
    recipes,
    reset_joins_enable,
)
from chipdse.hardware.register_map import removed_lanes
from chipdse.hardware.shared.unit_texts import UnitText
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.store.stage import Stage
from chipdse.store.store import Store
from chipdse.tools import plain_prefix, remove_links, run_yosys

TIMINGS = "timings.json"
Timing = tuple[float, float]
"""Area and delay that ABC states after sizing, in its units."""


def map_module(
    module: UnitText,
    library: MappingLibrary,
    options: SynthesisOptions,
    has_short_memories: bool,
    folder: Path,
) -> None:
    """Map a module; its netlists, flip-flops, areas and delays are files of `folder`.

    Parameters
    ----------
    has_short_memories : the design has a memory that is smaller than the addresses of its reads

    Raises
    ------
    DesignError : the library lacks a cell that the module needs
    ToolError : Yosys or ABC failed
    """
    write_inputs(library, options, folder)
    (folder / MODULE).write_text(module.rtlil)
    with plain_prefix(folder) as prefix:
        mapping = CellMapping(library=library, options=options, folder=folder, prefix=prefix)
        log = run_mapping(module_script(mapping, module.name, has_short_memories), folder)
    output = log.read_text(errors="replace")
    mapped = json.loads((folder / MAPPED).read_text())["modules"][module.name]
    mapped["lanes"] = removed_lanes(output, module.name)
    (folder / MAPPED).write_text(json.dumps(mapped))
    timings = timings_of(output, len(recipes(options)))
    (folder / TIMINGS).write_text(json.dumps(timings))
    remove_links(folder)


def map_unit(
    unit: UnitText,
    library: MappingLibrary,
    options: SynthesisOptions,
    has_short_memories: bool,
    store: Store,
) -> Path:
    """The folder of the store that `map_module` filled for a unit, in this run or an earlier one.

    Raises
    ------
    as `map_module`
    MachineError : the reduced library changed while it was read
    """
    # Where the design's other modules are mapped, and its memories, is in the unit's text.
    elsewhere = {"hierarchy": "shared", "memory_macro_bits": None, "memory_family": "auto"}
    digest = _library_digest(library)
    values = {
        "module": hashlib.sha256(unit.rtlil.encode()).hexdigest(),
        "library": digest,
        "options": dataclasses.asdict(options) | elsewhere,
        "short_memories": has_short_memories,
    }

    def unchanged(build: Callable[[Path], None]) -> Callable[[Path], None]:
        def guarded_build(folder: Path) -> None:
            build(folder)
            if _library_digest(library) != digest:
                raise MachineError(f"{library.liberty} changed while it was read; start again")

        return guarded_build

    build = functools.partial(map_module, unit, library, options, has_short_memories)
    return MAP_MODULE.folder(store, values, build, guard=unchanged)


def _library_digest(library: MappingLibrary) -> str:
    """Hash of all that mapping reads of a library."""
    known: dict[str, Any] = dataclasses.asdict(library) | {"liberty": ""}
    text = library.liberty.read_bytes() + json.dumps(known, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()


def write_inputs(library: MappingLibrary, options: SynthesisOptions, folder: Path) -> None:
    """Write the files that the scripts read."""
    if options.clock_gating is not None:
        (folder / RESET_FIRST).write_text(reset_joins_enable())
    (folder / "abc.constr").write_text(
        f"set_driving_cell {library.driving_cell}\n"
        f"set_load {4e15 * library.input_capacitance_f:.6g}\n"
    )
    for number, recipe in enumerate(recipes(options)):
        (folder / f"abc_{number}.script").write_text("\n".join([*recipe, ""]))


def run_mapping(script: str, folder: Path, name: str = "synthesise") -> Path:
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


_ABC_PASS = "Executing ABC pass (technology mapping using ABC)."
_TIMED = re.compile(r"Area =\s*([\d.]+).*?Delay =\s*([\d.]+)\s*ps")


def timings_of(log: str, count: int) -> list[Timing | None]:
    """ABC's area and delay of a module under each of `count` recipes; None where it has no logic.

    A recipe reports before it sizes the cells and after.
    """
    outputs = log.split(_ABC_PASS)[1:]
    timings = [[(float(a), float(d)) for a, d in _TIMED.findall(output)] for output in outputs]
    sized = [pairs[1] if len(pairs) > 1 else None for pairs in timings]
    return sized if len(sized) == count else [None] * count


def choose_recipe(modules: Sequence[Sequence[Timing | None]], options: SynthesisOptions) -> int:
    """The smallest of the recipes that meet the target, else the fastest.

    Without a target the one with the least area times delay. Of several modules, the area is the
    sum and the delay is the longest.

    Parameters
    ----------
    modules : of each module its area and delay under each recipe
    """
    both = []
    for timings in zip(*modules, strict=True):
        logic = [timing for timing in timings if timing is not None]
        if not logic:
            return 0  # there is no logic to choose between
        both.append((sum(area for area, _ in logic), max(delay for _, delay in logic)))
    period = options.target_period_s
    if period is None:
        return min(range(len(both)), key=lambda i: both[i][0] * both[i][1])
    meeting = [i for i in range(len(both)) if both[i][1] <= period * 1e12]
    if meeting:
        return min(meeting, key=lambda i: both[i][0])
    return min(range(len(both)), key=lambda i: both[i][1])


def mapped_text(folder: Path, recipe: int) -> str:
    """The mapped RTLIL of the module of a folder that `map_module` filled."""
    return (folder / mapped_file(recipe)).read_text()


def read_timings(folder: Path) -> list[Timing | None]:
    """The areas and delays of a folder that `map_module` filled."""
    timings = json.loads((folder / TIMINGS).read_text())
    return [None if timing is None else (timing[0], timing[1]) for timing in timings]


MAP_MODULE = Stage(
    name="map-module",
    does="maps a module that has copies, once for all designs that contain it",
    inputs={
        "module": "hash of the module's text, without the names of its design",
        "library": "hash of what mapping reads of the cell library",
        "options": "options of synthesis, its seed included",
        "short_memories": "whether reads beyond the end of a memory are mapped",
    },
    builder=map_module,
    packages=("pyosys",),
)
