"""For notebooks and the verb `chip`: parts measured once, every chip of a chip file as arrays."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.api.point import evaluate_point
from chipdse.application.chip_file import ChipFile, PartChoices, read_chip
from chipdse.application.compose import ChipTable, MeasuredPart, PartPoint, compose
from chipdse.application.layers import LayerColumns
from chipdse.application.memories import Buffer, Dram, dram, sram_buffer
from chipdse.application.parts import Chip, contract_of, measured_part
from chipdse.application.rows import mapped_rows
from chipdse.arrays import Floats
from chipdse.design import LibraryChoice, OperatingPoint, find_block, make_record
from chipdse.errors import DesignError, InfeasibleError
from chipdse.hardware.memories import family_for
from chipdse.netlist.library.catalogue import DEFAULT
from chipdse.stages.library import library_of
from chipdse.system.arrays.carbon import grid_values
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.evaluate import evaluate_systems
from chipdse.system.models.carbon import SECONDS_PER_YEAR
from chipdse.system.parameters import PackageParameters
from chipdse.technology.constants import Sources

_CHUNK = 5000  # chips whose packages are evaluated at once

TASK_METRICS = {
    "energy_per_task_j": "energy of all levels per task",
    "latency_s": "time of a task",
    "cost_usd": "recurring cost of a good chip in its package, without DRAM",
    "carbon_per_task_kgco2e": "embodied carbon, shared over the tasks of its life, and that of use",
}
"""What a chip may be best in; all are to be small."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chips:
    """All chips of a chip file.

    metrics : of each chip, by name; nan where a layer does not fit into the buffer
    evaluations : part points that were measured
    """

    file: ChipFile
    parts: tuple[MeasuredPart, ...]
    buffers: tuple[Buffer | None, ...]
    outers: tuple[Dram | None, ...]
    table: ChipTable
    metrics: dict[str, Floats]
    evaluations: int
    sources: Sources

    def best(self, metric: str) -> int:
        """The chip with the least of a metric.

        Raises
        ------
        DesignError : no such metric
        """
        if metric not in TASK_METRICS:
            raise DesignError(f"metric {metric!r} is unknown; use one of {', '.join(TASK_METRICS)}")
        return int(np.nanargmin(self.metrics[metric]))

    def row(self, chip: int) -> dict[str, Any]:
        """One chip: what it is made of, its metrics per task, and its energy by level."""
        table, parts = self.table, {}
        for part in self.parts:
            point = part.points[int(table.point[part.name][chip])]
            count = int(table.count[part.name][chip])
            parts[part.name] = {"count": count, **point.settings}
        buffer = self.buffers[int(table.buffer[chip])]
        outer = self.outers[int(table.outer[chip])]
        return {
            "parts": parts,
            "buffer_bytes": None if buffer is None else round(buffer.bits / 8),
            "dram": None if outer is None else outer.kind,
            "dram_bandwidth_bits_per_s": None if outer is None else outer.bandwidth_bits_per_s,
            **{name: float(column[chip]) for name, column in self.metrics.items()},
            "energy_by_level_j": {
                level: float(joules[chip]) for level, joules in table.energies_j.items()
            },
        }

    def layers(self, chip: int) -> list[dict[str, Any]]:
        """The layers of the network on one chip, as `chipdse map` has them; empty without one."""
        if self.file.network is None:
            return []
        part = next(p for p in self.parts if p.points[0].contract is not None)
        point = part.points[int(self.table.point[part.name][chip])]
        assert point.contract is not None
        count = int(self.table.count[part.name][chip])
        network = self.file.network
        layers = tuple(layer.batched(self.file.batch) for layer in network.layers)
        rows: list[dict[str, Any]] = mapped_rows(
            dataclasses.replace(network, layers=layers),
            Chip(
                part=measured_part(part.name, point.contract, point.metrics, count),
                buffer=self.buffers[int(self.table.buffer[chip])],
                outer=self.outers[int(self.table.outer[chip])],
                output_bits=self.file.output_bits or None,
            ),
        )["layers"]
        return rows


def evaluate_chips(
    file: str | Path | ChipFile, *, store: str | Path | None = None, progress: bool = False
) -> Chips:
    """Measure the parts of a chip file and evaluate every chip that they make.

    Raises
    ------
    DesignError : the file is wrong, or the network cannot run
    InfeasibleError : the network fits on no chip
    """
    chips = read_chip(Path(file)) if isinstance(file, str | Path) else file
    package = make_record(PackageParameters, chips.package, "[package]")
    node_nm = _node_nm(chips)
    buffers, outers, sources = _memories(chips)
    for part in chips.parts:
        _check(part)
    parts = tuple(_measured(part, store, progress) for part in chips.parts)
    layers = None
    if chips.network is not None:
        layers = LayerColumns.of([layer.batched(chips.batch) for layer in chips.network.layers])
    table = compose(
        parts,
        buffers,
        outers,
        layers,
        chips.operations,
        overlapped=chips.overlapped,
        output_bits=chips.output_bits,
    )
    if not np.isfinite(table.latency_s).any():
        raise InfeasibleError(
            "the network fits on no chip: some layer needs a larger buffer or a smaller array; "
            "'chipdse map' names the layer"
        )
    metrics = _task_metrics(table, parts, package, node_nm, sources)
    return Chips(
        file=chips,
        parts=parts,
        buffers=buffers,
        outers=outers,
        table=table,
        metrics=metrics,
        evaluations=sum(len(part.points) for part in parts),
        sources=sources,
    )


def _check(part: PartChoices) -> None:
    """Raise DesignError for wrong settings of a part, before any part is measured."""
    block, where = find_block(part.block), f"[parts.{part.name}]"
    make_record(block.workload, part.workload, f"{where} workload")
    for hardware, operating in part.points:
        make_record(block.parameters, hardware, f"{where} hardware")
        make_record(OperatingPoint, operating, f"{where} operating")


def _measured(part: PartChoices, store: str | Path | None, progress: bool) -> MeasuredPart:
    """Every point of a part, measured or read from the store."""
    block = find_block(part.block)
    points = []
    for hardware, operating in part.points:
        parameters = make_record(block.parameters, hardware, f"[parts.{part.name}] hardware")
        metrics = evaluate_point(
            part.block,
            hardware,
            workload=part.workload,
            library=part.library,
            synthesis=part.synthesis,
            physical=part.physical,
            operating=operating,
            store=store,
            progress=progress,
        )
        contract = None if block.contract is None else contract_of(block, parameters)
        points.append(
            PartPoint(settings=hardware | operating, metrics=metrics.flat(), contract=contract)
        )
    return MeasuredPart(name=part.name, counts=part.counts, points=tuple(points))


def _node_nm(chips: ChipFile) -> float:
    """The process node of all parts, which share one die."""
    nodes = {
        part.name: library_of(LibraryChoice(name=part.library or DEFAULT)).node_nm
        for part in chips.parts
    }
    if len(set(nodes.values())) > 1:
        listed = ", ".join(f"{name} {node:g} nm" for name, node in nodes.items())
        raise DesignError(f"parts on one die must share a process node: {listed}")
    node = chips.package.get("node_nm") or next(iter(nodes.values()))
    if not node:
        raise DesignError("the process node of the library is not known; set [package] node_nm")
    return float(node)


def _memories(
    chips: ChipFile,
) -> tuple[tuple[Buffer | None, ...], tuple[Dram | None, ...], Sources]:
    sources = Sources()
    buffers: tuple[Buffer | None, ...] = (None,)
    outers: tuple[Dram | None, ...] = (None,)
    if chips.buffer_bytes:
        library = chips.parts[0].library or DEFAULT
        family = chips.buffer_family or family_for(library, "auto")
        if family is None:
            raise DesignError(
                f'no SRAM family goes with library {library!r}; name one: family = "ihp_1p"'
            )
        buffers = tuple(sram_buffer(size, family, sources) for size in chips.buffer_bytes)
    if chips.dram is not None:
        stated = chips.dram
        outers = tuple(
            dram(
                kind,
                units=units,
                energy_j_per_bit=stated.energy_j_per_bit,
                bandwidth_bits_per_s=stated.bandwidth_bits_per_s,
                idle_w=stated.idle_w,
                sources=sources,
            )
            for kind in stated.kinds
            for units in stated.units
        )
    return buffers, outers, sources


def _task_metrics(
    table: ChipTable,
    parts: tuple[MeasuredPart, ...],
    package: PackageParameters,
    node_nm: float,
    sources: Sources,
) -> dict[str, Floats]:
    """Metrics per task of every chip, with its package; a task is the package's operation."""
    runs = np.flatnonzero(np.isfinite(table.latency_s))
    latency_s, energies = table.latency_s[runs], table.energies_j
    on_die_j = sum(energies[level][runs] for level in ("tile", "sram", "operations"))
    temperature_c = parts[0].points[0].metrics["library_temperature_c"]
    blocks = BlockPoints(
        area_m2=table.area_m2[runs],
        dynamic_power_w=np.asarray(on_die_j / latency_s),
        leakage_power_w=table.leakage_w[runs],
        temperature_c=np.full(len(runs), temperature_c),
        throughput_ops_per_s=1 / latency_s,
        io_bits_per_op=np.zeros(len(runs)),
        node_nm=np.full(len(runs), node_nm),
        leakage_temperatures_c=np.zeros(0),
        leakage_powers_w=np.zeros((len(runs), 0)),
    )
    names = ("cost_usd", "nre_usd", "embodied_kgco2e", "die_area_m2", "peak_temperature_c")
    columns: dict[str, list[Floats]] = {name: [] for name in names}
    for start in range(0, len(runs), _CHUNK):
        some = blocks.take(np.arange(start, min(start + _CHUNK, len(runs))))
        systems = evaluate_systems(some, [package], sources)
        for name in names:
            columns[name].append(systems[name][:, 0])
    found = {name: np.concatenate(parts_) for name, parts_ in columns.items()}
    intensity = grid_values(PackageColumns.of([package]).choices["grid_use"], sources)[0][0]
    tasks = package.life_years * SECONDS_PER_YEAR * package.duty / latency_s
    found |= {
        "latency_s": latency_s,
        "energy_per_task_j": table.energy_j[runs],
        "dram_bits_per_task": table.dram_bits[runs],
        "embodied_per_task_kgco2e": found["embodied_kgco2e"] / tasks,
        "use_per_task_kgco2e": table.energy_j[runs] * intensity,
    }
    found["carbon_per_task_kgco2e"] = (
        found["embodied_per_task_kgco2e"] + found["use_per_task_kgco2e"]
    )
    whole = {}
    for name, values in found.items():
        whole[name] = np.full(len(table), np.nan)
        whole[name][runs] = values
    return whole
