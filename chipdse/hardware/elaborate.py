"""Elaborate: from a block and its parameters to RTLIL and readable Verilog."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import UnusedElaboratable

from chipdse.errors import DesignError, MachineError, ToolError
from chipdse.hardware.amaranth_rtl import Clocking, convert_component
from chipdse.hardware.blocks_own import OwnBlock
from chipdse.hardware.blocks_sources import module_files
from chipdse.hardware.read_verilog import port_name, read_verilog
from chipdse.hardware.sources import module_sources
from chipdse.hardware.store import Store, hash_file
from chipdse.hardware.tools import run_yosys
from chipdse.technology.sram import MacroSize
from hdl.block import Block

TOP, CLOCKING = "top", "clocking.json"


@dataclass(frozen=True, kw_only=True)
class Rtl:
    """A block at one choice of parameters, as hardware.

    rtlil : Yosys's intermediate text, the input of synthesis
    verilog : hierarchical, with the names of the source; the input of simulation
    top : name of the top module
    content : hash of both; equal RTL from different sources shares all later stages
    clock : input port of its one clock; "" if it is not known
    reset : input port that resets its registers; "" if it is not known or there is none
    reset_level : level at which the reset is active
    problem : why clock or reset are not known (`chipdse.hardware.amaranth_rtl.Clocking`)
    macros : sizes of the SRAM macros it instantiates (`chipdse.hardware.memories`)
    models : Verilog of what they do; None if there are none
    """

    rtlil: Path
    verilog: Path
    top: str
    content: str
    clock: str = "clk"
    reset: str = ""
    reset_level: int = 1
    problem: str = ""
    macros: tuple[MacroSize, ...] = ()
    models: Path | None = None


def elaborate(block: Block, parameters: Any, store: Store) -> Rtl:
    """Turn a block's source, Amaranth or Verilog, into RTL.

    Raises
    ------
    DesignError : the hardware refuses these parameters, or the Verilog is wrong
    ToolError : Yosys cannot write the Verilog
    """
    inputs = {
        "block": block.name,
        "parameters": dataclasses.asdict(parameters),
        "source": [block_hash(block), source_hash("chipdse.hardware")],
        "versions": versions("amaranth", "pyosys"),
    }

    def build(folder: Path) -> None:
        if isinstance(block, OwnBlock) and block.verilog is not None:
            text = read_verilog(block.verilog, dataclasses.asdict(parameters), folder, TOP)
            clocking = _as_described(block)
        else:
            text, clocking = _from_amaranth(block, parameters)
        (folder / CLOCKING).write_text(json.dumps(dataclasses.asdict(clocking)))
        # Signed ports: OpenSTA and OpenROAD refuse them, and RTLIL's cells carry the sign anyway.
        (folder / "rtl.il").write_text(text.replace(" signed \\", " \\"))
        _write_verilog(
            block,
            "read_rtlil rtl.il\nproc -nomux -norom\nmemory_collect\n"
            "attrmap -remove top -remove generator\n"
            "write_verilog -norename rtl.v\n",
            folder,
        )

    folder = store.folder("elaborate", inputs, build)
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
        reset=port_name(block.reset),
        reset_level=block.reset_level,
    )


def _write_verilog(block: Block, script: str, folder: Path) -> None:
    """Run a script that writes the RTL; what Yosys says of someone's Verilog is a design error."""
    try:
        run_yosys(script, folder, "write_verilog")
    except MachineError:
        raise
    except ToolError as error:
        if isinstance(block, OwnBlock) and block.verilog is not None:
            raise DesignError(str(error)) from error
        raise


def block_hash(block: Block) -> str:
    """Hash of every source file that a block's hardware and bench are made of."""
    if isinstance(block, OwnBlock):
        return block.source
    return source_hash(block.hardware.__module__)


def block_files(block: Block) -> list[Path]:
    """Every source file that a block's hardware and bench are made of."""
    if not isinstance(block, OwnBlock):
        both = module_sources(block.hardware.__module__) | module_sources(block.bench)
        return list(both.values())
    bench = module_files(block.bench) if block.is_checked else []
    if block.verilog is None:
        return [*module_files(block.name.partition(":")[0]), *bench]
    return [Path(block.name), *block.verilog.sources, *block.verilog.included, *bench]


def _from_amaranth(block: Block, parameters: Any) -> tuple[str, Clocking]:
    refusals = (Exception,) if isinstance(block, OwnBlock) else (ValueError, TypeError)
    try:
        text, clocking = convert_component(block.hardware(parameters), TOP)
    except refusals as error:
        # Amaranth would say of every part that it is never elaborated.
        warnings.simplefilter("ignore", UnusedElaboratable)
        raise DesignError(f"{block.name} refuses its parameters: {error}") from error
    # Amaranth calls a signal without a name `$signal`; what begins with a dollar is Yosys's own.
    return text.replace("\\$", "\\unnamed_"), clocking


@functools.cache
def source_hash(module: str) -> str:
    """Hash of a module and all it imports from its package, or of a whole part of chipdse."""
    if module.startswith("chipdse."):
        folder = Path(__file__).parents[1].joinpath(*module.split(".")[1:])
        sources = {str(file.relative_to(folder)): file for file in sorted(folder.rglob("*.py"))}
    else:
        sources = module_sources(module)
    digest = hashlib.sha256()
    for name, file in sources.items():
        digest.update(name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:32]


@functools.cache
def versions(*distributions: str) -> dict[str, str]:
    """Installed versions of Python distributions, by name."""
    return {name: importlib.metadata.version(name) for name in distributions}
