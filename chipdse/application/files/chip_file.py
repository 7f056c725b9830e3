"""Chip files (TOML): parts, memories and an application, each with one value or a list of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chipdse.application.files.dies import Layout, read_layout
from chipdse.application.files.values import (
    check_known,
    count_in,
    counts_in,
    positive_in,
    several,
    table_in,
)
from chipdse.application.files.work import Work
from chipdse.application.layers import Layer, Network
from chipdse.application.memories import dram_kinds
from chipdse.application.tables import read_network, shipped_networks
from chipdse.application.tensors import Tensors, read_tensors
from chipdse.errors import DesignError
from chipdse.reading import read_toml
from chipdse.technology.constants import Constant
from chipdse.technology.own_figures import read_own_table

MOST_POINTS = 100_000
"""So many combinations of the settings of one part are taken at most; each is measured."""
_TABLES = ("question", "parts", "memories", "dies", "application", "package", "constants")
_PART = (
    "block",
    "count",
    "hardware",
    "operating",
    "workload",
    "synthesis",
    "physical",
    "library",
    "die",
)
_SRAM = ("kind", "bytes", "family", "die")
_DRAM = ("kind", "units", "energy_per_bit_j", "bandwidth_bytes_per_s", "idle_w") + (
    "link_energy_per_bit_j",
    "link_bandwidth_bytes_per_s",
    "die",
)
_OF_DIES = ("chiplets", "tiles", "memory_dies")
_APPLICATION = (
    "network",
    "tensors",
    "batch",
    "operations",
    "runs",
    "overlapped",
    "output_bits",
) + ("traffic",)


@dataclass(frozen=True, kw_only=True)
class PartChoices:
    """One part of a chip file.

    counts : copies, one of them per chip
    hardware, operating : settings of each measured point; every combination is a point
    workload, synthesis, physical : settings of all points
    folder : in which a block of the user's own is searched; empty: the current folder
    """

    name: str
    block: str
    counts: tuple[int, ...]
    hardware: tuple[dict[str, Any], ...]
    operating: tuple[dict[str, Any], ...]
    workload: dict[str, Any]
    synthesis: dict[str, Any]
    physical: dict[str, Any]
    library: str | None
    folder: str = ""

    @property
    def points(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Hardware and operating settings of each point to measure."""
        return list(itertools.product(self.hardware, self.operating))


@dataclass(frozen=True, kw_only=True)
class DramChoices:
    """The outer memory of a chip file; every combination of kind and units is a choice.

    link_j_per_bit, link_bits_per_s : of the link between it and the buffer
    """

    kinds: tuple[str, ...]
    units: tuple[int, ...]
    energy_j_per_bit: float | None
    bandwidth_bits_per_s: float | None
    idle_w: float | None
    link_j_per_bit: float = 0.0
    link_bits_per_s: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Memories:
    """The memories of a chip file.

    buffer_bytes : sizes of the on-chip buffer; empty: there is none
    names : of the tables of the buffer and the DRAM; empty where there is none
    """

    buffer_bytes: tuple[int, ...] = ()
    buffer_family: str | None = None
    dram: DramChoices | None = None
    names: tuple[str, str] = ("", "")


@dataclass(frozen=True, kw_only=True)
class Application:
    """What a chip does, as a chip file states it.

    tensors : operands of the layers; None: the energy per MAC is constant
    work : of parts per task, beside the network
    overlapped : the network and the operations run at the same time, not one after another
    output_bits : width of results in the memories; None: that of an operand
    """

    network: Network | None
    tensors: Tensors | None = None
    batch: int = 1
    work: Work = field(default_factory=Work)
    overlapped: bool = False
    output_bits: int | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Of the network with its batch; empty without a network."""
        layers = () if self.network is None else self.network.layers
        return tuple(layer.batched(self.batch) for layer in layers)


@dataclass(frozen=True, kw_only=True)
class ChipFile:
    """A chip file, read and checked.

    package : settings of the package, as in a sweep file
    constants : figures of the user, likewise
    layout : the dies and what lies on each; None: all on one
    """

    question: str
    parts: tuple[PartChoices, ...]
    memories: Memories
    application: Application
    package: dict[str, Any]
    constants: tuple[Constant, ...] = ()
    layout: Layout | None = None


def read_chip(path: Path) -> ChipFile:
    """Read and check a chip file; networks and calibrations are looked up beside it.

    Raises
    ------
    DesignError : the file is wrong; names the file, the key, the value and what to write
    """
    data = read_toml(path)
    try:
        return _chip(data, path.parent)
    except DesignError as error:
        message = str(error)
        raise DesignError(message if message.startswith(str(path)) else f"{path}: {message}") from (
            None
        )


def _chip(data: Mapping[str, Any], folder: Path) -> ChipFile:
    check_known(data, _TABLES, "file")
    tables = table_in(data.get("parts", {}), "[parts]")
    if not tables:
        raise DesignError("[parts.NAME] is missing; write e.g. [parts.array] with block = ...")
    parts = tuple(_part(name, table, folder) for name, table in tables.items())
    memories = read_memories(data)
    layout = read_layout(data, {part.name: part.counts for part in parts}, memories.names)
    return ChipFile(
        question=str(data.get("question", "")),
        parts=parts,
        memories=memories,
        application=read_application(data, [part.name for part in parts], folder),
        package=package_settings(data, layout),
        constants=read_own_table(data.get("constants", {}), ""),
        layout=layout,
    )


def read_application(data: Mapping[str, Any], parts: Sequence[str], folder: Path) -> Application:
    """The table `[application]` of a chip file.

    Parameters
    ----------
    parts : names of the parts
    folder : where relative names of networks start

    Raises
    ------
    DesignError : the table is wrong
    """
    application = table_in(data.get("application", {}), "[application]")
    check_known(application, _APPLICATION, "[application]")
    work = Work(
        operations=_amounts(application, "operations", parts),
        runs=_amounts(application, "runs", parts),
    )
    network = _network(application, folder)
    if network is None and not work:
        raise DesignError(
            'nothing runs; write network = "resnet8" or operations = { PART = N } in [application]'
        )
    overlapped = application.get("overlapped", False)
    if not isinstance(overlapped, bool):
        raise DesignError(f"[application] overlapped={overlapped!r}; write true or false")
    batch = count_in(application.get("batch", 1), "[application] batch")
    return Application(
        network=network,
        tensors=_tensors(application, network, batch, folder),
        batch=batch,
        work=work,
        overlapped=overlapped,
        output_bits=count_in(application["output_bits"], "[application] output_bits")
        if "output_bits" in application
        else None,
    )


def _part(name: str, content: Any, folder: Path) -> PartChoices:
    where = f"[parts.{name}]"
    table = table_in(content, where)
    check_known(table, _PART, where)
    if not isinstance(table.get("block"), str):
        raise DesignError(f'{where} block is missing; write e.g. block = "mac_array"')
    library = table.get("library")
    if library is not None and not isinstance(library, str):
        raise DesignError(f"{where} library={library!r} must be the name of a cell library")
    fixed = {key: dict(table_in(table.get(key, {}), f"{where} {key}")) for key in _PART[4:7]}
    if isinstance(calibration := fixed["physical"].get("calibration"), str) and calibration:
        fixed["physical"]["calibration"] = str(folder / calibration)
    return PartChoices(
        name=name,
        block=table["block"],
        counts=counts_in(table.get("count", 1), f"{where} count"),
        hardware=_combinations(table_in(table.get("hardware", {}), f"{where} hardware"), where),
        operating=_combinations(table_in(table.get("operating", {}), f"{where} operating"), where),
        library=library,
        workload=fixed["workload"],
        synthesis=fixed["synthesis"],
        physical=fixed["physical"],
    )


def _combinations(table: Mapping[str, Any], where: str) -> tuple[dict[str, Any], ...]:
    """Every combination of a table's values, of which some are lists."""
    lists = [several(value, f"{where} {name}") for name, value in table.items()]
    if (total := math.prod(map(len, lists))) > MOST_POINTS:
        raise DesignError(
            f"{where}: {total} combinations of settings are more than {MOST_POINTS}; shorten the "
            "lists"
        )
    return tuple(dict(zip(table, values, strict=True)) for values in itertools.product(*lists))


def read_memories(data: Mapping[str, Any]) -> Memories:
    """The tables `[memories.NAME]` of a chip file.

    Raises
    ------
    DesignError : a table is wrong
    """
    memories = Memories()
    for name, content in table_in(data.get("memories", {}), "[memories]").items():
        where = f"[memories.{name}]"
        table = table_in(content, where)
        kinds = several(table.get("kind", ""), f"{where} kind")
        if kinds == ["sram"]:
            check_known(table, _SRAM, where)
            if memories.buffer_bytes:
                raise DesignError(f"{where} is a second buffer; keep one memory of kind sram")
            if "bytes" not in table:
                raise DesignError(f"{where} bytes is missing; write e.g. bytes = 65536")
            memories = replace(
                memories,
                buffer_bytes=counts_in(table["bytes"], f"{where} bytes"),
                buffer_family=table.get("family"),
                names=(name, memories.names[1]),
            )
        elif memories.dram is not None:
            raise DesignError(f"{where} is a second DRAM; keep one and list its kinds")
        else:
            memories = replace(
                memories, dram=_dram(table, kinds, where), names=(memories.names[0], name)
            )
    return memories


def _dram(table: Mapping[str, Any], kinds: Sequence[Any], where: str) -> DramChoices:
    for kind in kinds:
        if kind not in dram_kinds():
            known = ", ".join(("sram", *dram_kinds()))
            raise DesignError(f"{where} kind={kind!r} is unknown; use one of {known}")
    check_known(table, _DRAM, where)
    bytes_per_s = positive_in(table, "bandwidth_bytes_per_s", where)
    link_bytes_per_s = positive_in(table, "link_bandwidth_bytes_per_s", where)
    return DramChoices(
        kinds=tuple(kinds),
        units=counts_in(table.get("units", 1), f"{where} units"),
        energy_j_per_bit=positive_in(table, "energy_per_bit_j", where),
        bandwidth_bits_per_s=None if bytes_per_s is None else 8 * bytes_per_s,
        idle_w=positive_in(table, "idle_w", where),
        link_j_per_bit=positive_in(table, "link_energy_per_bit_j", where) or 0.0,
        link_bits_per_s=math.inf if link_bytes_per_s is None else 8 * link_bytes_per_s,
    )


def _network(application: Mapping[str, Any], folder: Path) -> Network | None:
    name = application.get("network")
    if name is None:
        return None
    if not isinstance(name, str):
        raise DesignError(f"[application] network={name!r} must be a name or a file")
    return read_network(name if name in shipped_networks() else _beside(name, folder))


def _tensors(
    application: Mapping[str, Any], network: Network | None, batch: int, folder: Path
) -> Tensors | None:
    name = application.get("tensors")
    if name is None:
        return None
    if not isinstance(name, str):
        raise DesignError(f"[application] tensors={name!r} must be a name or a folder")
    if network is None:
        raise DesignError("[application] tensors belong to a network; write network = ... too")
    layers = [layer.batched(batch) for layer in network.layers]
    return read_tensors(name, layers, batch, str(folder))


def _beside(name: str, folder: Path) -> str:
    """The path of a file that is named relative to a folder; other names as they are."""
    return str(folder / name) if name.endswith((".csv", ".onnx")) else name


def _amounts(application: Mapping[str, Any], key: str, parts: Sequence[str]) -> dict[str, float]:
    """Positive numbers by the name of a part."""
    where = f"[application.{key}]"
    table = table_in(application.get(key, {}), where)
    check_known(table, parts, where)
    amounts = {}
    for name in table:
        number = positive_in(table, name, where)
        assert number is not None
        amounts[name] = number
    return amounts


def package_settings(data: Mapping[str, Any], layout: Layout | None) -> dict[str, Any]:
    """The table `[package]` of a chip file, with the number of its dies.

    Raises
    ------
    DesignError : it has a setting that the dies and parts decide, or joins no dies
    """
    table = dict(table_in(data.get("package", {}), "[package]"))
    total = 1 if layout is None else layout.total
    if layout is None:
        decided = {name: "all parts are on one die" for name in ("arrangement", *_OF_DIES)}
    else:
        decided = {name: "[dies] decides it" for name in (*_OF_DIES, "node_nm")}
        decided["local_traffic_frac"] = "traffic follows from the parts and their dies"
    for name, why in decided.items():
        if name in table:
            raise DesignError(f"[package] {name} is not free here: {why}; leave it out")
    if total > 1 and table.get("arrangement", "monolithic") == "monolithic":
        raise DesignError(
            f'[dies] has {total} dies; write how they are joined, e.g. arrangement = "organic" in '
            "[package]"
        )
    return table if total == 1 else {**table, "chiplets": total, "tiles": total}
