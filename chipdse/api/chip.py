"""For notebooks and the verb `chip`: parts measured once, every chip of a chip file as arrays."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.api.point import design_of_point, evaluate_point
from chipdse.application.chip_file import ChipFile, PartChoices, read_chip
from chipdse.application.choices import buffers_of, outers_of, task_of
from chipdse.application.compose import ChipTable, MeasuredPart, PartPoint, compose
from chipdse.application.memories import Buffer, Dram
from chipdse.application.parts import Chip, check_carriers, contract_of, measured_part
from chipdse.application.rows import mapped_rows
from chipdse.application.task_metrics import TASK_METRICS, task_metrics
from chipdse.application.tensors import Tensors
from chipdse.arrays import Floats
from chipdse.design import LibraryChoice, OperatingPoint, find_block, make_record
from chipdse.errors import DesignError, InfeasibleError
from chipdse.hardware.memories import family_for
from chipdse.hardware.workload_files import located
from chipdse.netlist.library.catalogue import DEFAULT
from chipdse.stages.layers import measure_layers
from chipdse.stages.library import shared_node_nm
from chipdse.store.store import Store, default_store
from chipdse.system.arrays.columns import PackageColumns
from chipdse.system.parameters import PackageParameters
from chipdse.technology.constants import Sources

BEST_IN = ("energy_per_task_j", "latency_s", "cost_usd", "carbon_per_task_kgco2e")
"""What the verb `chip` names the best chip of; all are to be small."""

_BY_LEVEL = tuple(name for name in TASK_METRICS if name.endswith("_energy_j"))


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
            **{
                name: float(column[chip])
                for name, column in self.metrics.items()
                if name not in _BY_LEVEL
            },
            "energy_by_level_j": {
                level: float(joules[chip]) for level, joules in table.energies_j.items()
            },
        }

    def layers(self, chip: int) -> list[dict[str, Any]]:
        """The layers of the network on one chip, as `chipdse map` has them; empty without one."""
        if self.file.application.network is None:
            return []
        part = next(p for p in self.parts if p.points[0].contract is not None)
        point = part.points[int(self.table.point[part.name][chip])]
        assert point.contract is not None
        count = int(self.table.count[part.name][chip])
        application, dram_ = self.file.application, self.file.memories.dram
        assert application.network is not None
        rows: list[dict[str, Any]] = mapped_rows(
            dataclasses.replace(application.network, layers=application.layers),
            Chip(
                part=measured_part(part.name, point.contract, point.metrics, count),
                buffer=self.buffers[int(self.table.buffer[chip])],
                outer=self.outers[int(self.table.outer[chip])],
                output_bits=application.output_bits,
                link_bits_per_s=math.inf if dram_ is None else dram_.link_bits_per_s,
                link_j_per_bit=0.0 if dram_ is None else dram_.link_j_per_bit,
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
    chips = _read(Path(file)) if isinstance(file, str | Path) else file
    package = make_record(PackageParameters, chips.package, "[package]")
    libraries = {part.name: LibraryChoice(name=part.library or DEFAULT) for part in chips.parts}
    node_nm = shared_node_nm(libraries, package.node_nm)
    library, sources = chips.parts[0].library or DEFAULT, Sources.of(chips.constants)
    family = family_for(library, "auto") if chips.memories.buffer_bytes else None
    buffers = buffers_of(chips.memories, family, library, sources)
    outers = outers_of(chips.memories, sources)
    for part in chips.parts:
        _check(part)
    if chips.application.network is not None:
        check_carriers({part.name: find_block(part.block) for part in chips.parts}, "[parts]")
    tensors = chips.application.tensors
    parts = tuple(_measured(part, tensors, store, progress) for part in chips.parts)
    table = compose(parts, buffers, outers, task_of(chips.application, chips.memories))
    if not np.isfinite(table.latency_s).any():
        raise InfeasibleError(
            "the network fits on no chip: some layer needs a larger buffer or a smaller array; "
            "'chipdse map' names the layer"
        )
    metrics = task_metrics(
        table,
        PackageColumns.of([package]),
        np.zeros(len(table), np.int64),
        node_nm=node_nm,
        temperature_c=parts[0].points[0].metrics["library_temperature_c"],
        sources=sources,
    )
    return Chips(
        file=chips,
        parts=parts,
        buffers=buffers,
        outers=outers,
        table=table,
        metrics=metrics.columns,
        evaluations=sum(len(part.points) for part in parts),
        sources=sources,
    )


def _read(path: Path) -> ChipFile:
    """A chip file, with relative paths of the workloads' files taken from its folder."""
    chips = read_chip(path)
    folder = path.absolute().parent
    parts = tuple(
        dataclasses.replace(
            part, workload=located(find_block(part.block).workload, part.workload, folder)
        )
        for part in chips.parts
    )
    return dataclasses.replace(chips, parts=parts)


def _check(part: PartChoices) -> None:
    """Raise DesignError for wrong settings of a part, before any part is measured."""
    block, where = find_block(part.block), f"[parts.{part.name}]"
    make_record(block.workload, part.workload, f"{where} workload")
    for hardware, operating in part.points:
        make_record(block.parameters, hardware, f"{where} hardware")
        make_record(OperatingPoint, operating, f"{where} operating")


def _measured(
    part: PartChoices, tensors: Tensors | None, store: str | Path | None, progress: bool
) -> MeasuredPart:
    """Every point of a part, measured or read from the store."""
    block = find_block(part.block)
    points = []
    for hardware, operating in part.points:
        parameters = make_record(block.parameters, hardware, f"[parts.{part.name}] hardware")
        point: dict[str, Any] = {
            "workload": part.workload,
            "library": part.library,
            "synthesis": part.synthesis,
            "physical": part.physical,
            "operating": operating,
        }
        contract, layers = None, {}
        if block.contract is not None:
            contract = contract_of(block, parameters)
            if tensors is not None:
                design = design_of_point(part.block, hardware, **point)
                layers = measure_layers(
                    design,
                    tensors,
                    Store(root=Path(store) if store is not None else default_store()),
                )
        metrics = evaluate_point(part.block, hardware, **point, store=store, progress=progress)
        points.append(
            PartPoint(
                settings=hardware | operating, metrics=layers | metrics.flat(), contract=contract
            )
        )
    return MeasuredPart(name=part.name, counts=part.counts, points=tuple(points))
