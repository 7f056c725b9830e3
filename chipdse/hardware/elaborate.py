"""Elaborate: from a block and its parameters to RTLIL and readable Verilog."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.back import rtlil

from chipdse.errors import DesignError
from chipdse.hardware.sources import module_sources
from chipdse.hardware.store import Store, hash_file
from chipdse.hardware.tools import run_yosys
from hdl.block import Block

TOP = "top"


@dataclass(frozen=True, kw_only=True)
class Rtl:
    """A block at one choice of parameters, as hardware.

    rtlil : Yosys's intermediate text, the input of synthesis
    verilog : hierarchical, with the names of the source; the input of simulation
    top : name of the top module
    content : hash of both; equal RTL from different sources shares all later stages
    """

    rtlil: Path
    verilog: Path
    top: str
    content: str


def elaborate(block: Block, parameters: Any, store: Store) -> Rtl:
    """Turn a block's Amaranth source into RTL.

    Raises
    ------
    DesignError : the hardware refuses these parameters
    ToolError : Yosys cannot write the Verilog
    """
    inputs = {
        "block": block.name,
        "parameters": dataclasses.asdict(parameters),
        "source": source_hash(block.hardware.__module__),
        "versions": versions("amaranth", "pyosys"),
    }

    def build(folder: Path) -> None:
        try:
            text = rtlil.convert(block.hardware(parameters), name=TOP, emit_src=False)
        except (ValueError, TypeError) as error:
            raise DesignError(f"{block.name} refuses its parameters: {error}") from error
        # Signed ports: OpenSTA and OpenROAD refuse them, and RTLIL's cells carry the sign anyway.
        (folder / "rtl.il").write_text(text.replace(" signed \\", " \\"))
        run_yosys(
            "read_rtlil rtl.il\nproc -nomux -norom\nmemory_collect\n"
            "attrmap -remove top -remove generator\n"
            "write_verilog -norename rtl.v\n",
            folder,
            "write_verilog",
        )

    folder = store.folder("elaborate", inputs, build)
    content = hash_file(folder / "rtl.il")[:32]
    return Rtl(rtlil=folder / "rtl.il", verilog=folder / "rtl.v", top=TOP, content=content)


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
