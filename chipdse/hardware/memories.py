"""Memories of a design: large ones become SRAM macros, small ones and odd ones registers.

Yosys's `memory_libmap` maps a memory onto macros of one size: it adds what a macro lacks (more
read ports, more words, a read that shows what is written). This happens before simulation and
synthesis, so both have the same macros and registers, and the bench checks the design with them.

The macro's model for simulation powers up with garbage, and a read of the address that is being
written gives garbage: a design that needs more fails its bench.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.memory_model import memory_map, memory_model, ram_description
from chipdse.store.stage import Stage
from chipdse.store.store import Store, hash_file
from chipdse.technology.sram import MacroSize, families, macro_range
from chipdse.tools import remove_links, run_yosys, script_path

MEMORIES, MODEL = "memories.json", "sram.v"
_MEMORY = re.compile(r"^  memory (?:width (\d+) )?(?:size (\d+) )?", re.MULTILINE)
_COLLECTED = ("proc -norom", "opt_clean", "memory_dff", "memory_collect", "opt_clean")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """One memory of a design and what became of it.

    name : its path's last two parts: module and memory
    macros : how many of `size`; 0 where it stays in registers, for the `reason`
    """

    name: str
    words: int
    bits: int
    macros: int
    size: MacroSize | None
    reason: str


def family_for(library: str, choice: str) -> str | None:
    """The SRAM family that goes with a cell library; None if there is none.

    Parameters
    ----------
    library : its name, or that of one of its Liberty files
    choice : "auto", or a family
    """
    if choice != "auto":
        if choice not in families():
            known = ", ".join(families())
            raise DesignError(f"memory_family={choice!r} is unknown; use auto or one of {known}")
        return choice
    if "sky130" in library:
        return "sky130_1rw1r"
    return "ihp_1p" if "sg13g2" in library else None


def with_memories(rtl: Rtl, macro_bits: int, family: str, store: Store) -> Rtl:
    """The RTL with memories of at least `macro_bits` as macros, where the family can do it.

    Parameters
    ----------
    macro_bits : words times bits from which on a memory is a macro
    family : of the macros
    """
    sizes = (int(w or 1) * int(s or 0) for w, s in _MEMORY.findall(rtl.rtlil.read_text()))
    if max(sizes, default=0) < macro_bits:
        return rtl
    values = {
        "rtl": rtl.content,
        "macro_bits": macro_bits,
        "family": family,
        "range": dataclasses.asdict(macro_range(family)),
    }
    build = functools.partial(map_memories, rtl, macro_bits, family)
    folder = MAP_MEMORIES.folder(store, values, build)
    macros = {m.size: None for m in read_memories(folder / MEMORIES) if m.size is not None}
    if not macros:
        return rtl
    return dataclasses.replace(
        rtl,
        rtlil=folder / "rtl.il",
        verilog=folder / "rtl.v",
        content=hash_file(folder / "rtl.il")[:32],
        macros=tuple(macros),
        models=folder / MODEL,
    )


def read_memories(path: Path) -> list[Memory]:
    """What `with_memories` noted."""
    memories = []
    for entry in json.loads(path.read_text()):
        size = MacroSize(**entry["size"]) if entry["size"] else None
        memories.append(Memory(**{**entry, "size": size}))
    return memories


def map_memories(rtl: Rtl, macro_bits: int, family: str, folder: Path) -> None:
    """Write the RTL with its large memories as macros into a folder, and what became of each."""
    read = [f"read_rtlil {script_path(rtl.rtlil, folder)}", f"hierarchy -check -top {rtl.top}"]
    run_yosys("\n".join([*read, *_COLLECTED, "write_json found.json", ""]), folder, "memories")
    modules = json.loads((folder / "found.json").read_text())["modules"]
    (folder / "found.json").unlink()
    chosen: dict[tuple[str, str], MacroSize] = {}
    memories: dict[tuple[str, str], Memory] = {}
    for module, cell, cell_data in _memories(modules):
        words, bits = (
            int(cell_data["parameters"]["SIZE"], 2),
            int(cell_data["parameters"]["WIDTH"], 2),
        )
        size = _size((module, cell), cell_data, words, bits, family)
        why = "" if isinstance(size, MacroSize) else size
        if words * bits < macro_bits:
            why = f"smaller than memory_macro_bits={macro_bits}"
        memories[module, cell] = Memory(
            name=f"{module}.{cell}", words=words, bits=bits, macros=0, size=None, reason=why
        )
        if not why and isinstance(size, MacroSize):
            chosen[module, cell] = size
    if chosen:
        _run_mapping(read, chosen, folder)
        left = json.loads((folder / "mapped.json").read_text())["modules"]
        (folder / "mapped.json").unlink()
        for (module, cell), size in chosen.items():
            memories[module, cell] = _outcome(memories[module, cell], left[module], cell, size)
    remove_links(folder)
    (folder / MEMORIES).write_text(
        json.dumps([dataclasses.asdict(memory) for memory in memories.values()], indent=1)
    )


MAP_MEMORIES = Stage(
    name="memories",
    does="maps large memories to SRAM macros",
    inputs={
        "rtl": "hash of the RTL",
        "macro_bits": "bits from which on a memory becomes a macro",
        "family": "SRAM family of the macros",
        "range": "sizes that the family has",
    },
    builder=map_memories,
    packages=("pyosys",),
)


def _memories(modules: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Module, name and cell of every memory that is written: others become logic."""
    return [
        (module, name, cell)
        for module, module_data in modules.items()
        for name, cell in module_data["cells"].items()
        if cell["type"] == "$mem_v2" and cell["connections"]["WR_CLK"]
    ]


def _size(
    names: tuple[str, str], cell: dict[str, Any], words: int, bits: int, family: str
) -> MacroSize | str:
    """The macro that a memory is made of, or why it is none."""
    parameters, covered = cell["parameters"], macro_range(family)
    if "0" in parameters["RD_CLK_ENABLE"]:
        return "a read port without register: an SRAM reads at the clock's edge"
    if re.search(r"[;\"#]", "".join(names)):
        return "its name has a letter that Yosys's scripts give another meaning"
    if "1" in parameters["INIT"]:
        return "it starts with content, which an SRAM has not"
    if len(set(cell["connections"]["WR_CLK"] + cell["connections"]["RD_CLK"])) > 1:
        return "its ports have different clocks"
    enabled = _enabled_together(cell["connections"]["WR_EN"], bits)
    if enabled < bits and family == "sky130_1rw1r" and enabled % 8:
        return f"a write enable covers {enabled} bits; macros of {family} have one for 8"
    parts = math.ceil(bits / covered.bits_max)
    wide = math.ceil(bits / parts / enabled) * enabled if enabled < bits else 0
    if enabled == bits:
        wide = max(math.ceil(bits / parts), covered.bits_min)
        enabled = wide
    else:
        wide = max(wide, math.ceil(covered.bits_min / enabled) * enabled)
    deep = min(max(1 << (words - 1).bit_length(), covered.words_min), covered.words_max)
    if wide > covered.bits_max:
        return f"a write enable covers {enabled} bits, more than a macro of {family} has"
    return MacroSize(family=family, words=deep, bits=wide, mask_bits=enabled)


def _enabled_together(enables: list[Any], bits: int) -> int:
    """Bits of a word that are always written together."""
    together = bits
    for start in range(0, len(enables), bits):
        word = enables[start : start + bits]
        runs = [n for n in range(1, bits) if word[n] != word[n - 1]]
        for place in runs:
            together = math.gcd(together, place)
    return together


def _run_mapping(read: list[str], chosen: dict[tuple[str, str], MacroSize], folder: Path) -> None:
    script = [*read, *_COLLECTED]
    sizes = list(dict.fromkeys(chosen.values()))
    for number, size in enumerate(sizes):
        (folder / f"ram_{number}.txt").write_text(ram_description(size))
        for module, cell in (key for key, cell_size in chosen.items() if cell_size == size):
            script += [
                f"select -set one {_pattern(module)}/c:{_pattern(cell)}",
                f"memory_libmap -lib ram_{number}.txt @one",
            ]
    (folder / MODEL).write_text("\n".join(memory_model(size) for size in sizes))
    (folder / "map.v").write_text("\n".join(memory_map(size) for size in sizes))
    script += [
        "write_json mapped.json",
        f"read_verilog -lib {MODEL}",
        "techmap -map map.v",
        "opt_clean",
        "delete =A:blackbox",
        "write_rtlil rtl.il",
        "attrmap -remove top -remove generator -remove src",
        "write_verilog -norename rtl.v",
        "",
    ]
    run_yosys("\n".join(script), folder, "map_memories")
    with (folder / "rtl.v").open("a") as file:
        file.write("\n" + (folder / MODEL).read_text())


def _outcome(memory: Memory, module: dict[str, Any], cell: str, size: MacroSize) -> Memory:
    """The memory with its macros, or with why Yosys found none that does."""
    if cell in module["cells"]:
        reason = f"no macro of {size.family} has its ports"
        return dataclasses.replace(memory, reason=reason)
    count = sum(
        name.startswith(f"{cell}.") and cell_data["type"] == f"$__{size.name}_"
        for name, cell_data in module["cells"].items()
    )
    return dataclasses.replace(memory, macros=count, size=size)


def _pattern(name: str) -> str:
    """A name for Yosys's `select`, in which some characters stand for others."""
    return re.sub(r"([\\*?\[\]@%:/=])", r"\\\1", name)
