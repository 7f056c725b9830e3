"""Elaborate: from a block and its parameters to RTLIL and readable Verilog."""

from __future__ import annotations

import dataclasses
import functools
import gc
import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Block, Record, definition_of

from chipdse.blocks.imports import owner_of, reads_here, source_files
from chipdse.blocks.own import OwnBlock, VerilogSource
from chipdse.blocks.ports import Clocking
from chipdse.errors import DesignError, MachineError, ToolError
from chipdse.hardware.read_verilog import digests_before, port_name, read_verilog, verilog_reads
from chipdse.store.imports import module_hash, module_sources
from chipdse.store.place import Place, Read
from chipdse.store.reads import declared
from chipdse.store.recording.notes import watching
from chipdse.store.source_files import hash_named
from chipdse.store.stage import Stage
from chipdse.store.store import Store, hash_file
from chipdse.technology.sram import MacroSize
from chipdse.tools import run_yosys

TOP, CLOCKING = "top", "clocking.json"


@dataclass(frozen=True, kw_only=True)
class Rtl:
    """A block at one choice of parameters, as hardware.

    rtlil : Yosys's intermediate text, the input of synthesis
    verilog : hierarchical, with the names of the source; the input of simulation
    top : name of the top module
    content : hash of both; equal RTL from different sources shares all later stages
    clock : input port of its only clock; None if it is not known
    reset : input port that resets its registers; None if it is not known or there is none
    reset_level : level at which the reset is active
    problem : why clock or reset are not known, else None (`chipdse.blocks.ports.Clocking`)
    macros : sizes of the SRAM macros it instantiates (`chipdse.hardware.memories`)
    models : Verilog models of these macros; None if there are none
    """

    rtlil: Path
    verilog: Path
    top: str
    content: str
    clock: str | None = "clk"
    reset: str | None = None
    reset_level: int = 1
    problem: str | None = None
    macros: tuple[MacroSize, ...] = ()
    models: Path | None = None

    @property
    def clock_port(self) -> str:
        """The clock's port.

        Raises
        ------
        DesignError : it is not known
        """
        if self.clock is None:
            raise DesignError(f"{self.top} {self.problem or 'has no known clock'}")
        return self.clock


def elaborate(block: Block, parameters: Record, store: Store) -> Rtl:
    """Turn a block's source, Amaranth or Verilog, into RTL.

    Raises
    ------
    DesignError : the hardware refuses these parameters, or the Verilog is wrong
    ToolError : Yosys cannot write the Verilog
    """
    values = {"block": _description(block), "parameters": dataclasses.asdict(parameters)}
    build = functools.partial(build_rtl, block, parameters)
    folder = ELABORATE.folder(store, values, build, place=place_of(block))
    content = hash_file(folder / "rtl.il")[:32]
    return Rtl(
        rtlil=folder / "rtl.il",
        verilog=folder / "rtl.v",
        top=TOP,
        content=content,
        **json.loads((folder / CLOCKING).read_text()),
    )


def _as_described(block: OwnBlock) -> Clocking:
    """The ports that a description of Verilog names."""
    return Clocking(
        clock=port_name(block.clock),
        reset=None if block.reset is None else port_name(block.reset),
        reset_level=block.reset_level,
    )


def build_rtl(block: Block, parameters: Record, folder: Path) -> tuple[Read, ...]:
    """Write the RTL of a block into a folder, as RTLIL and as Verilog.

    Returns
    -------
    The inputs that the block's source read; empty for a block that ships, whose code is in the
    stage's key
    """
    if isinstance(block, OwnBlock) and block.verilog is not None:
        given, place = dataclasses.asdict(parameters), place_of(block)
        before = digests_before(block.verilog, place)
        text = read_verilog(block.verilog, given, folder, TOP)
        reads = verilog_reads(block.verilog, given, folder, place, before)
        # Yosys names the wires of a function after its file; names must not depend on the folder.
        for path in sorted({place.root / read.name for read in reads}, reverse=True):
            text = text.replace(str(path), path.name)
        clocking = _as_described(block)
    else:
        text, clocking = _from_amaranth(block, parameters)
        reads = amaranth_reads(block)
    (folder / CLOCKING).write_text(json.dumps(dataclasses.asdict(clocking)))
    # Signed ports: OpenSTA and OpenROAD refuse them, and RTLIL's cells carry the sign anyway.
    (folder / "rtl.il").write_text(text.replace(" signed \\", " \\"))
    _write_verilog(
        block,
        "read_rtlil rtl.il\nproc -nomux -norom\nmemory_collect\n"
        # Assumptions and covers are for formal tools and are not part of Verilog-2005.
        "chformal -assume -live -fair -cover -remove\n"
        "attrmap -remove top -remove generator\n"
        "write_verilog -norename rtl.v\n",
        folder,
    )
    return (*reads, *declared_reads(block))


ELABORATE = Stage(
    name="elaborate",
    does="translates the block and its parameters into RTL",
    inputs={
        "block": "name and source files of a block that ships, or what the user's description says",
        "parameters": "hardware parameters",
    },
    builder=build_rtl,
    code=(VerilogSource,),
    packages=("amaranth", "pyosys"),
    runs_user_code=True,
)


def _description(block: Block) -> Any:
    """The properties of a block's hardware that are known without running its code."""
    if not isinstance(block, OwnBlock):
        module, component = definition_of(block.hardware)
        return [block.name, component, module_hash(module)]
    if block.verilog is None:
        return block.name
    verilog, name = block.verilog, place_of(block).name
    return {
        "sources": [name(path) for path in verilog.sources],
        "include": [name(path) for path in verilog.include],
        "defines": verilog.defines,
        "top": verilog.top,
        "reader": verilog.reader,
        "clocking": dataclasses.asdict(_as_described(block)),
    }


def place_of(block: Block) -> Place:
    """The folder from which the inputs of a block are looked up."""
    return Place.of(Path(block.folder)) if isinstance(block, OwnBlock) else Place.of(Path.cwd())


def amaranth_reads(block: Block) -> tuple[Read, ...]:
    """The inputs that the user's Python code read in this process to describe a block."""
    if not isinstance(block, OwnBlock):
        return ()
    return reads_here(block.name.partition(":")[0], Path(block.folder))


def declared_reads(block: Block) -> list[Read]:
    """The inputs that a block declares."""
    if not isinstance(block, OwnBlock):
        return []
    folder = Path(block.folder)
    if block.verilog is None:
        file = getattr(sys.modules.get(block.name.partition(":")[0]), "__file__", None)
        folder = Path(file).parent if file else folder
    return list(declared(place_of(block), folder, block.reads, block.environment))


def _write_verilog(block: Block, script: str, folder: Path) -> None:
    """Run a script that writes the RTL; an error of Yosys in the user's Verilog is a design
    error."""
    try:
        run_yosys(script, folder, "write_verilog")
    except MachineError:
        raise
    except ToolError as error:
        if isinstance(block, OwnBlock) and block.verilog is not None:
            raise DesignError(str(error)) from error
        raise


def block_files(block: Block) -> list[Path]:
    """Every file of a block's hardware and bench that is known before they run.

    Other files that they read are recorded with their results (`chipdse.store.reads`).
    """
    if not isinstance(block, OwnBlock):
        parts = (block.parameters, block.workload, block.work, block.cycles)
        modules = {*(part.__module__ for part in parts), block.bench}
        modules.add(definition_of(block.hardware)[0])
        if package := block.bench.rpartition(".")[0]:
            modules.add(package)  # the record of the block in it lists the functions
        return sorted({file for name in modules for file in module_sources(name).values()})
    place, folder = place_of(block), Path(block.folder)
    bench = source_files(block.bench, folder) if block.is_checked else []
    stated = [place.root / read.name for read in declared_reads(block) if read.kind == "file"]
    if block.verilog is None:
        module = block.name.partition(":")[0]
        read = [place.root / read.name for read in amaranth_reads(block) if read.kind == "file"]
        return list(dict.fromkeys([*source_files(module, folder), *read, *stated, *bench]))
    verilog = block.verilog
    return list(
        dict.fromkeys([Path(block.name), *verilog.sources, *verilog.included, *stated, *bench])
    )


def _from_amaranth(block: Block, parameters: Record) -> tuple[str, Clocking]:
    from amaranth.hdl import UnusedElaboratable  # not where the RTL of a shipped block is stored

    from chipdse.hardware.amaranth_rtl import convert_component

    refusals = (Exception,) if isinstance(block, OwnBlock) else (ValueError, TypeError)
    module = block.name.partition(":")[0]
    folder = block.folder if isinstance(block, OwnBlock) else ""
    try:
        with watching(owner_of(module, Path(folder))), _collecting_rarely():
            text, clocking = convert_component(block.hardware(parameters), TOP)
    except MemoryError:
        raise  # an error of the machine, not of the design
    except refusals as error:
        # Amaranth would warn for every part that it is never elaborated.
        warnings.simplefilter("ignore", UnusedElaboratable)
        raise DesignError(f"{block.name} refuses its parameters: {error}") from error
    _check_unchanged(block)
    # Amaranth names a nameless signal `$signal`; names with a dollar are reserved for Yosys.
    return text.replace("\\$", "\\unnamed_"), clocking


def _check_unchanged(block: Block) -> None:
    """Raise MachineError if the hardware of a block that ships, which was perhaps imported just
    now, is no longer what the stage's key states."""
    if not isinstance(block, OwnBlock):
        module = definition_of(block.hardware)[0]
        if hash_named(module_sources(module)) != module_hash(module):
            raise MachineError(f"{module} changed while it was used; nothing is kept: run again")


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Look for cyclic garbage once per million new objects.

    Amaranth's netlists are large and contain next to none: collecting takes a third of the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(1_000_000, 50, before[2])
    try:
        yield
    finally:
        gc.set_threshold(*before)
