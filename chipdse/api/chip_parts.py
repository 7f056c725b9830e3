"""The parts of a chip file: their blocks, checks before anything runs, and what is measured."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import nullcontext
from pathlib import Path

from chipdse_hdl.block import Block

from chipdse.api.point import design_of_point
from chipdse.application.files.chip_file import ChipFile, PartChoices, read_chip
from chipdse.application.inside.one_chip import OneChip
from chipdse.application.measured import MeasuredPart, PartPoint
from chipdse.application.parts import contract_of
from chipdse.application.tensors import Tensors
from chipdse.design import Design, OperatingPoint, find_block, make_record
from chipdse.errors import DesignError
from chipdse.evaluate import evaluate
from chipdse.hardware.workload_files import located
from chipdse.report.terminal.stages import shown_stages
from chipdse.stages.build import build_hardware
from chipdse.stages.layers import measure_layers
from chipdse.stages.library import library_of
from chipdse.stages.measure import check_library, measure_block
from chipdse.store.store import Store, default_store, quiet


def read_chip_file(path: Path) -> ChipFile:
    """A chip file; relative paths of blocks and of workloads' files start in its folder.

    Parameters
    ----------
    path : of the TOML file

    Raises
    ------
    DesignError : the file is wrong, or a part's block does not exist
    """
    folder = path.absolute().parent
    parts = []
    chips = read_chip(path)
    for read in chips.parts:
        part = dataclasses.replace(read, folder=str(folder))
        workload = located(block_of(part).workload, part.workload, folder)
        parts.append(dataclasses.replace(part, workload=workload))
    return dataclasses.replace(chips, parts=tuple(parts))


def block_of(part: PartChoices) -> Block:
    """The block of a part.

    Parameters
    ----------
    part : as the chip file describes it

    Raises
    ------
    DesignError : there is no such block; names the part
    """
    try:
        return find_block(part.block, part.folder)
    except DesignError as error:
        raise DesignError(f"[parts.{part.name}]: {error}") from error


def check_part(part: PartChoices) -> None:
    """Refuse wrong settings of a part, before any part is measured.

    Parameters
    ----------
    part : as the chip file describes it

    Raises
    ------
    DesignError : a setting is wrong
    """
    block, where = block_of(part), f"[parts.{part.name}]"
    make_record(block.workload, part.workload, f"{where} workload")
    for hardware, operating in part.points:
        make_record(block.parameters, hardware, f"{where} hardware")
        make_record(OperatingPoint, operating, f"{where} operating")


def designs_of(part: PartChoices) -> list[Design]:
    """The designs of a part, in the order of its points.

    Parameters
    ----------
    part : as the chip file describes it

    Raises
    ------
    DesignError : a value is wrong
    """
    block = block_of(part)
    return [
        design_of_point(
            block,
            hardware,
            workload=part.workload,
            library=part.library,
            synthesis=part.synthesis,
            physical=part.physical,
            operating=operating,
        )
        for hardware, operating in part.points
    ]


def measured(
    part: PartChoices, tensors: Tensors | None, store: str | Path | None, progress: bool
) -> MeasuredPart:
    """Every point of a part, measured or read from the store.

    Parameters
    ----------
    part : as the chip file describes it
    tensors : operands of the layers of the network, which runs on the part with a contract
    store : folder of stage results; None is the user's cache
    progress : report on stderr which stage runs

    Raises
    ------
    ChipdseError : as `chipdse.evaluate.evaluate` and `chipdse.stages.layers.measure_layers`
    """
    root = Path(store) if store is not None else default_store()
    points = []
    for design, (hardware, operating) in zip(designs_of(part), part.points, strict=True):
        contract, layers = None, {}
        with shown_stages() if progress else nullcontext(quiet) as listener:
            stages = Store(root=root, tell=listener)
            if design.block.contract is not None:
                contract = contract_of(design.block, design.parameters)
                if tensors is not None:
                    layers = measure_layers(design, tensors, stages)
            metrics = layers | evaluate(design, stages).flat()
        points.append(PartPoint(settings=hardware | operating, metrics=metrics, contract=contract))
    return MeasuredPart(name=part.name, counts=part.counts, points=tuple(points))


def with_all_supplies(
    chip: OneChip,
    part: PartChoices,
    tensors: Tensors | None,
    store: str | Path | None,
    progress: bool,
) -> OneChip:
    """A chip whose part is measured at every characterised supply of its library, too.

    Supplies at which the library refuses the part are left out, for example the outermost ones in
    the guaranteed view.

    Parameters
    ----------
    chip : of which the part is measured further
    part : as the chip file describes it
    tensors, store, progress : as of `measured`

    Raises
    ------
    ChipdseError : as `measured`
    """
    (of_chip,) = (chip_part for chip_part in chip.parts if chip_part.name == part.name)
    point, design = chip.point_of(of_chip), designs_of(part)[chip.point[part.name]]
    library = library_of(design.library).load(design.operating.process)
    known = {of_chip.points[place].metrics["vdd_v"] for place in chip.alike(of_chip)}
    points = []
    with shown_stages() if progress else nullcontext(quiet) as listener:
        root = Path(store) if store is not None else default_store()
        stages = Store(root=root, tell=listener)
        _, hardware = build_hardware(design, stages)
        more_v = sorted({*library.supply_v.tolist()} - known)
        for number, vdd_v in enumerate(more_v, 1):
            if progress:
                told = f"supply {number} of {len(more_v)}: {part.name} at {vdd_v:g} V"
                print(told, file=sys.stderr, flush=True)
            at = dataclasses.replace(design.operating, vdd_v=vdd_v)
            run = dataclasses.replace(design, operating=at)
            try:
                check_library(run)
            except DesignError:
                continue
            layers = {}
            if point.contract is not None and tensors is not None:
                layers = measure_layers(run, tensors, stages)
            metrics = layers | dataclasses.asdict(measure_block(run, hardware, stages))
            settings = {**point.settings, "vdd_v": vdd_v}
            points.append(dataclasses.replace(point, settings=settings, metrics=metrics))
    extended = dataclasses.replace(of_chip, points=(*of_chip.points, *points))
    parts = tuple(extended if chip_part is of_chip else chip_part for chip_part in chip.parts)
    return dataclasses.replace(chip, parts=parts)
