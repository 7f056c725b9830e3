"""For notebooks and the verb `chip`: parts measured once, every chip of a chip file as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.api.chip_parts import (
    block_of,
    check_part,
    measured,
    read_chip_file,
    with_all_supplies,
)
from chipdse.application.choices import buffers_of, library_at_buffer, outers_of, task_of
from chipdse.application.compose import ChipTable, compose
from chipdse.application.dies import DieSetting, OnePackage
from chipdse.application.files.chip_file import ChipFile
from chipdse.application.inside.one_chip import OneChip
from chipdse.application.measured import MeasuredPart
from chipdse.application.memories import Buffer, Dram
from chipdse.application.parts import check_carriers
from chipdse.application.task_metrics import TASK_METRICS, task_metrics
from chipdse.arrays import Floats
from chipdse.design import LibraryChoice, make_record, suggest
from chipdse.errors import DesignError, InfeasibleError
from chipdse.hardware.memories import family_for
from chipdse.netlist.library.catalogue import DEFAULT
from chipdse.stages.dies import die_setting
from chipdse.stages.library import shared_node_nm
from chipdse.store.files import write_whole
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
    node_nm : process of the die
    dies : of chips with named dies
    text : of the chip file; empty where the chips were described in Python
    """

    file: ChipFile
    parts: tuple[MeasuredPart, ...]
    buffers: tuple[Buffer | None, ...]
    outers: tuple[Dram | None, ...]
    table: ChipTable
    metrics: dict[str, Floats]
    evaluations: int
    package: PackageParameters
    node_nm: float
    sources: Sources
    dies: DieSetting | None = None
    text: str = ""

    def best(self, metric: str) -> int:
        """The number of the chip with the lowest value of a metric.

        Parameters
        ----------
        metric : a name of `chipdse.application.task_metrics.TASK_METRICS`

        Raises
        ------
        DesignError : no such metric
        """
        if metric not in TASK_METRICS:
            raise DesignError(f"metric {metric!r} is unknown; {suggest(metric, TASK_METRICS)}")
        return int(np.nanargmin(self.metrics[metric]))

    def row(self, chip: int) -> dict[str, Any]:
        """What a chip consists of, its metrics per task, and its energy by level.

        Parameters
        ----------
        chip : number of the chip: its row in `table`, from 0
        """
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

    def described(self, chip: int) -> str:
        """What a chip consists of, in one line.

        Parameters
        ----------
        chip : number of the chip, as of `row`
        """
        row, texts = self.row(chip), []
        for name, settings in row["parts"].items():
            shown = " ".join(f"{k}={v}" for k, v in settings.items() if k != "count")
            texts.append(f"{settings['count']} x {name}" + (f" ({shown})" if shown else ""))
        if row["buffer_bytes"] is not None:
            texts.append(f"{row['buffer_bytes'] // 1024} KiB")
        if row["dram"] is not None:
            texts.append(row["dram"])
        return ", ".join(texts)

    def layers(self, chip: int) -> list[dict[str, Any]]:
        """The layers of the network on one chip, as `chipdse map` lists them; empty without one.

        Parameters
        ----------
        chip : number of the chip, as of `row`
        """
        return self.chip_at(chip).layers()

    def chip_at(self, chip: int) -> OneChip:
        """One chip with everything that its details are computed from.

        Parameters
        ----------
        chip : number of the chip, as of `row`
        """
        table = self.table
        return OneChip(
            parts=self.parts,
            point={part.name: int(table.point[part.name][chip]) for part in self.parts},
            count={part.name: int(table.count[part.name][chip]) for part in self.parts},
            buffer=self.buffers[int(table.buffer[chip])],
            outer=self.outers[int(table.outer[chip])],
            application=self.file.application,
            memories=self.file.memories,
            package=self.package,
            node_nm=self.node_nm,
            sources=self.sources,
            dies=self.dies,
        )

    def write_report(
        self,
        path: str | Path,
        *,
        title: str = "Chips",
        notes: Sequence[str] = (),
        all_supplies: bool = False,
        store: str | Path | None = None,
        tell: Callable[[str], None] = lambda name: None,
    ) -> Path:
        """Write an HTML page of the best chips, two of them side by side, and return its path.

        Parameters
        ----------
        path : of the HTML file
        title : heading of the page
        notes : what a reader of the figures must know
        all_supplies : measure the part whose supply the page varies at every characterised supply
        store : folder of the results of these measurements; default the user's cache
        tell : called with the name of each chip before its details are computed
        """
        from chipdse.report.page.chip_page import NamedChip, chip_page_html  # they take a second

        best_in: dict[int, list[str]] = {}
        for metric in BEST_IN:
            best_in.setdefault(self.best(metric), []).append(metric)
        named = [
            NamedChip(
                name=self.described(chip),
                best=metrics,
                settings=self._settings(chip),
                metrics={name: float(column[chip]) for name, column in self.metrics.items()},
                chip=self._over_supplies(chip, store) if all_supplies else self.chip_at(chip),
            )
            for chip, metrics in best_in.items()
        ]
        text = chip_page_html(
            title,
            named,
            question=self.file.question,
            summary=f"{len(self.table)} chips from {self.evaluations} measured points of parts.",
            notes=notes,
            text=self.text,
            tell=tell,
        )
        write_whole(Path(path), text)
        return Path(path)

    def _over_supplies(self, chip: int, store: str | Path | None) -> OneChip:
        """One chip, with its part at every characterised supply."""
        measured_chip = self.chip_at(chip)
        name = measured_chip.over_supply().part
        (part,) = (part for part in self.file.parts if part.name == name)
        tensors = self.file.application.tensors
        return with_all_supplies(measured_chip, part, tensors, store, progress=True)

    def _settings(self, chip: int) -> dict[str, str]:
        """What a chip consists of, by name."""
        row = self.row(chip)
        settings = {
            f"{part} {name}": str(value)
            for part, values in row["parts"].items()
            for name, value in values.items()
        }
        if row["buffer_bytes"] is not None:
            settings["buffer"] = f"{row['buffer_bytes'] // 1024} KiB"
        if row["dram"] is not None:
            settings["DRAM"] = row["dram"]
        return settings


def evaluate_chips(
    file: str | Path | ChipFile, *, store: str | Path | None = None, progress: bool = False
) -> Chips:
    """Measure the parts of a chip file and evaluate every chip that consists of them.

    Parameters
    ----------
    file : a chip file, or its path
    store : folder of stage results; default the user's cache
    progress : report on stderr which stage runs

    Raises
    ------
    DesignError : the file is wrong, or the network cannot run
    InfeasibleError : the network fits on no chip
    """
    with _named(file):
        chips = read_chip_file(Path(file)) if isinstance(file, str | Path) else file
        setting = _setting(chips)
    package, dies, sources = setting.package, setting.dies, setting.sources
    tensors = chips.application.tensors
    parts = tuple(measured(part, tensors, store, progress) for part in chips.parts)
    table = compose(
        parts,
        setting.buffers,
        setting.outers,
        task_of(chips.application, chips.memories),
        None if dies is None else OnePackage(setting=dies, package=package, sources=sources),
    )
    results = Chips(
        file=chips,
        parts=parts,
        buffers=setting.buffers,
        outers=setting.outers,
        table=table,
        metrics={},
        evaluations=sum(len(part.points) for part in parts),
        package=package,
        node_nm=setting.node_nm,
        sources=sources,
        dies=dies,
        text=Path(file).read_text("utf-8-sig") if isinstance(file, str | Path) else "",
    )
    if not np.isfinite(table.latency_s).any():
        where = "" if isinstance(file, ChipFile) else f"{file}: "
        raise InfeasibleError(f"{where}the network fits on no chip: {_why_nothing_runs(results)}")
    metrics = task_metrics(
        table,
        PackageColumns.of([package]),
        np.zeros(len(table), np.int64),
        node_nm=setting.node_nm,
        sources=sources,
        dies=dies,
    )
    return dataclasses.replace(results, metrics=metrics.columns)


def _why_nothing_runs(chips: Chips) -> str:
    """What stops the chip with the largest buffer, and of these with the fewest copies."""
    table = chips.table
    bits = np.array([0.0 if buffer is None else buffer.bits for buffer in chips.buffers])
    copies = np.sum(list(table.count.values()), axis=0)
    try:
        chips.layers(int(np.lexsort((copies, -bits[table.buffer]))[0]))
    except DesignError as error:
        return str(error)
    return "a die has no room for its link; raise link_edge_frac"


@contextmanager
def _named(file: str | Path | ChipFile) -> Iterator[None]:
    """Errors start with the path of the chip file, where there is one."""
    try:
        yield
    except DesignError as error:
        message = str(error)
        if isinstance(file, ChipFile) or message.startswith(str(file)):
            raise
        raise DesignError(f"{file}: {message}") from error


@dataclass(frozen=True, kw_only=True, eq=False)
class _Setting:
    """What is the same in all chips of a file."""

    buffers: tuple[Buffer | None, ...]
    outers: tuple[Dram | None, ...]
    package: PackageParameters
    node_nm: float
    dies: DieSetting | None
    sources: Sources


def _setting(chips: ChipFile) -> _Setting:
    """The setting of a file, before any part is measured.

    Raises
    ------
    DesignError : the file is wrong
    """
    package = make_record(PackageParameters, chips.package, "[package]")
    libraries = {part.name: LibraryChoice(name=part.library or DEFAULT) for part in chips.parts}
    sources, layout = Sources.of(chips.constants), chips.layout
    library = library_at_buffer(
        layout, chips.memories, {part.name: part.library or DEFAULT for part in chips.parts}
    )
    family = family_for(library, "auto") if chips.memories.buffer_bytes else None
    buffers = buffers_of(chips.memories, family, library, sources)
    outers = outers_of(chips.memories, sources)
    for part in chips.parts:
        check_part(part)
    if chips.application.network is not None:
        check_carriers({part.name: block_of(part) for part in chips.parts}, "[parts]")
    dies = None
    if layout is not None:
        dies = die_setting(layout, _carrier(chips), chips.memories.names, libraries)
    node_nm = shared_node_nm(libraries, package.node_nm) if dies is None else dies.node_nm[0]
    return _Setting(
        buffers=buffers,
        outers=outers,
        package=package,
        node_nm=node_nm,
        dies=dies,
        sources=sources,
    )


def _carrier(chips: ChipFile) -> str | None:
    """The part on which the network runs; None without a network."""
    able = (part.name for part in chips.parts if block_of(part).contract is not None)
    return next(able, None) if chips.application.network is not None else None
