"""Which versions of everything make a study's points: no study mixes two.

A fingerprint has a digest or version of each part that decides the points: the modules of
chipdse that make them, the tables, the block and its bench, the library's files and description,
the user's calibration of layout, the network of a chip, files that workloads name, the tools, and
whatever else blocks and benches were seen to read. The study keeps it by name of the part, so that
a later run can name what changed; each trial keeps its identity, 12 hexadecimal digits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chipdse_hdl.block import Block, file_of

from chipdse import __version__
from chipdse.blocks.imports import source_files
from chipdse.blocks.own import OwnBlock
from chipdse.design import LibraryChoice
from chipdse.errors import MachineError
from chipdse.hardware import simulators
from chipdse.hardware.elaborate import block_files, place_of
from chipdse.netlist.library.entry import LibraryEntry
from chipdse.stages.library import library_of
from chipdse.store.folder import hash_of
from chipdse.store.place import Read, file_digest
from chipdse.store.sources import versions
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.question.template import Template
from chipdse.study.storage.code import point_files

PACKAGES = ("amaranth", "cocotb", "numpy", "pyosys", "scipy")
"""Installed packages whose versions have a say in the points."""
NAMED = 5
"""A message names so many parts that differ."""
_CHIPDSE, _TOOL, _READ = "chipdse", "tool ", "read "
_WORKLOAD, _CALIBRATION, _LIBRARY = "workload ", "calibration ", "library "


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """A study's fingerprint.

    identity : 12 hexadecimal digits, the same for as long as the study's points are of one version
    parts : digest or version by the name of the part; what was seen to be read is added to it
    """

    identity: str
    parts: Mapping[str, str]

    @property
    def text(self) -> str:
        """The identity, and the versions of programs, for people."""
        programs = sorted(name for name in self.parts if name.startswith(_TOOL))
        shown = (f"{name.removeprefix(_TOOL)} {self.parts[name]}" for name in programs)
        return f"{self.identity}: {', '.join((f'chipdse {self.parts[_CHIPDSE]}', *shown))}"


def parts_of(sweep: Sweep) -> dict[str, str]:
    """What the points of a sweep are made by, as it is now, by name of the part.

    Raises
    ------
    DesignError : a library is not known
    """
    parts = {_CHIPDSE: __version__}
    modules = point_files(chip=sweep.chip is not None, traced=sweep.traced is not None)
    parts |= {f"module {name}": file_digest(path)[:16] for name, path in modules.items()}
    for block in sweep.blocks:
        for path in _files_of(block):
            parts[f"block {_name(block, path)}"] = file_digest(path)[:16]
    for choice in libraries_of(sweep):
        parts |= _library_parts(choice.name or "", library_of(choice))
    for name, path in _calibrations(sweep).items():
        parts[f"{_CALIBRATION}{name}"] = file_digest(path)[:16]
    for name, path in _workload_files(sweep).items():
        parts[f"{_WORKLOAD}{name}"] = file_digest(path)[:16]
    if sweep.chip is not None and (network := sweep.chip.application.network) is not None:
        parts[f"network {network.name}"] = hash_of(dataclasses.asdict(network))[:16]
    if sweep.chip is not None and (tensors := sweep.chip.application.tensors) is not None:
        for name, path in tensors.files.items():
            parts[f"tensors {name}"] = file_digest(path)[:16]
    parts |= {f"{_TOOL}{name}": version for name, version in versions(*PACKAGES).items()}
    tools = simulators.available().values()
    return parts | {f"{_TOOL}{tool.name}": tool.version for tool in tools}


def _library_parts(name: str, entry: LibraryEntry) -> dict[str, str]:
    """Content of the files of a library, and what is known of it beside them.

    Files in several folders may have one name: they are one part.
    """
    digests: dict[str, list[str]] = {}
    for path in entry.every_file:
        digests.setdefault(path.name, []).append(file_digest(path)[:16])
    parts = {
        f"{_LIBRARY}{name}:{file}": some[0] if len(some) == 1 else hash_of(some)[:16]
        for file, some in digests.items()
    }
    described = {
        "node_nm": entry.node_nm,
        "nominal": dataclasses.asdict(entry.nominal),
        "processes": entry.processes,
    }
    return parts | {f"{_LIBRARY}{name}:node and corners": hash_of(described)[:16]}


def _calibrations(sweep: Sweep) -> dict[str, Path]:
    """The files of the user with calibrations of layout that points of a sweep may use.

    By their names in the sweep file, which stay when a project is moved.
    """
    named = [
        (template, value)
        for template in _templates(sweep)
        for value in (
            template.fixed.get("physical", {}).get("calibration"),
            *(
                value
                for axis in template.axes
                if (axis.group, axis.name) == ("physical", "calibration")
                for value in axis.values
            ),
        )
    ]
    return {str(name): template.calibration_file(name) for template, name in named if name}


def _templates(sweep: Sweep) -> list[Template]:
    """The template of a sweep's block, or of each part of its chip."""
    chip = sweep.chip
    return [sweep.template] if chip is None else [part.template for part in chip.parts]


def _workload_files(sweep: Sweep) -> dict[str, Path]:
    """The files that workloads of a sweep may name, by their names in the sweep file."""
    files: dict[str, Path] = {}
    for template in _templates(sweep):
        for field in dataclasses.fields(template.block.workload):
            values = [template.fixed["workload"].get(field.name, field.default)]
            for axis in template.axes:
                if (axis.group, axis.name) == ("workload", field.name):
                    values = [*axis.values]
            for value in values:
                path = file_of(field.metadata, value)
                if path is not None:
                    files[str(value)] = template.folder / path
    return files


def libraries_of(sweep: Sweep) -> list[LibraryChoice]:
    """The libraries that points of a sweep may have."""
    if sweep.chip is not None:
        names = dict.fromkeys(part.library for part in sweep.chip.parts)
        return [LibraryChoice(name=name) for name in names]
    template = sweep.template
    if template.liberty:
        return [LibraryChoice(files=template.liberty)]
    axes = [axis.values for axis in template.axes if axis.group == "library"]
    choices = axes[0] if axes else [template.fixed["library"]["library"]]
    return [LibraryChoice(name=str(name)) for name in choices]


def _files_of(block: Block) -> list[Path]:
    """The files of a block and its bench, the same before and after its code has run here."""
    if not isinstance(block, OwnBlock) or block.verilog is not None:
        return block_files(block)
    folder = Path(block.folder)
    modules = [block.name.partition(":")[0], *([block.bench] if block.is_checked else [])]
    files = [file for module in modules for file in source_files(module, folder)]
    return list(dict.fromkeys(files))


def _name(block: Block, path: Path) -> str:
    """The same name for a file wherever the project lies."""
    if isinstance(block, OwnBlock):
        name = Path(place_of(block).name(path))
        return f".../{name.name}" if name.is_absolute() else name.as_posix()
    return f"{path.parent.name}/{path.name}"


def parts_read(blocks: Sequence[Block], reads: Iterable[Read]) -> dict[str, str]:
    """The parts that stand for what points were seen to read beside the files of the blocks."""
    place = place_of(blocks[0])
    files = {str(path) for block in blocks for path in _files_of(block)}
    parts = {}
    for read in reads:
        path = place.root / read.name if read.kind == "file" else None
        if read.kind == "module":
            path = place.locate(read.name)
        if path is None or str(path) not in files:
            parts[f"{_READ}{read.kind} {read.name}"] = read.digest[:16]
    return parts


def parts_now(sweep: Sweep, stored_parts: Mapping[str, str]) -> dict[str, str]:
    """`parts_of`, and what a study's points read, as it is now."""
    place, parts = place_of(sweep.template.block), parts_of(sweep)
    for name in stored_parts:
        if name.startswith(_READ):
            kind, _, what = name.removeprefix(_READ).partition(" ")
            parts[name] = place.now(kind, what)[:16]
    return parts


def differences(old_parts: Mapping[str, str], new_parts: Mapping[str, str]) -> list[str]:
    """Names of the parts that differ, for people, versions with both values; sorted."""
    names = []
    for name in sorted(old_parts.keys() | new_parts.keys()):
        before, after = old_parts.get(name, "none"), new_parts.get(name, "none")
        if before != after:
            kind, _, what = name.removeprefix(_READ).partition(" ")
            shown = what if kind in ("block", "module", "tool", "file") and what else name
            shown = shown.removeprefix(_READ).replace("library :", "library ")
            is_version = name == _CHIPDSE or name.startswith(_TOOL)
            names.append(f"{shown} ({before}, now {after})" if is_version else shown)
    return names


def comparable(
    old_parts: Mapping[str, str], new_parts: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Both without what only one of them names for some of its points: no point has both.

    These are files of workloads, calibrations of layout, and libraries that were added to others.
    """
    old_libraries, new_libraries = _libraries_in(old_parts), _libraries_in(new_parts)
    are_added = old_libraries < new_libraries or new_libraries < old_libraries
    added = tuple(f"{name}:" for name in old_libraries ^ new_libraries if are_added)
    alone = {
        name
        for name in old_parts.keys() ^ new_parts.keys()
        if name.startswith((_WORKLOAD, _CALIBRATION, *added))
    }
    old, new = (
        {name: part for name, part in parts.items() if name not in alone}
        for parts in (old_parts, new_parts)
    )
    return old, new


def _libraries_in(parts: Mapping[str, str]) -> set[str]:
    """The parts' libraries, as ``library NAME``; files that have no name are ``library ``."""
    return {name.partition(":")[0] for name in parts if name.startswith(_LIBRARY)}


def listed(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def check_same(driver: Mapping[str, str], worker: Mapping[str, str], host: str) -> None:
    """Raise MachineError if a worker would evaluate points by other parts than its driver."""
    driver = {name: part for name, part in driver.items() if not name.startswith(_READ)}
    if names := differences(*comparable(driver, worker)):
        raise MachineError(
            f"a worker on {host} has another version than the driver of: {listed(names)}; what is "
            "finished is safe: make both the same, then run the same command again"
        )
