"""For notebooks and the verb `eval`: one design point in one call; needs nothing of the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Block

from chipdse.design import (
    Design,
    LibraryChoice,
    OperatingPoint,
    PhysicalOptions,
    find_block,
    make_record,
)
from chipdse.errors import DesignError
from chipdse.evaluate import evaluate
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.metrics import Metrics
from chipdse.netlist.library.catalogue import DEFAULT
from chipdse.report.terminal.stages import shown_stages
from chipdse.stages.measure import check_library
from chipdse.store.store import Store, default_store, quiet
from chipdse.system.parameters import PackageParameters
from chipdse.technology.own_figures import read_own_table


def design_of_point(
    block: str | Block,
    parameters: Mapping[str, Any] | None = None,
    *,
    workload: Mapping[str, Any] | None = None,
    library: str | None = None,
    liberty: Sequence[str | Path] = (),
    synthesis: Mapping[str, Any] | None = None,
    operating: Mapping[str, Any] | None = None,
    package: Mapping[str, Any] | None = None,
    physical: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
) -> Design:
    """The design of `evaluate_point`, whose arguments these are; no tool runs.

    Parameters
    ----------
    block : a block's name, as of `chipdse.design.find_block`, or the block itself
    parameters : of the hardware by name; those left out take their defaults
    workload : parameters of the block's workload by name
    library : name of a cell library, by default that of chipdse; not with `liberty`
    liberty : Liberty files to use instead of a named library
    synthesis, operating, package, physical : settings of
        `chipdse.hardware.synthesis_options.SynthesisOptions`, `chipdse.design.OperatingPoint`,
        `chipdse.system.parameters.PackageParameters` and `chipdse.design.PhysicalOptions`, by name
    constants : your own figures by key, e.g. ``{"cost.wafer_price.n7": "9000 USD"}``

    Raises
    ------
    DesignError : a name or a value is wrong
    """
    block_record = find_block(block) if isinstance(block, str) else block
    name = block_record.name
    if library is not None and liberty:
        raise DesignError("library and liberty are both given; leave one out")
    files = tuple(Path(liberty_file).absolute() for liberty_file in liberty)
    design = Design(
        block=block_record,
        parameters=make_record(block_record.parameters, parameters or {}, name),
        workload=make_record(block_record.workload, workload or {}, f"workload of {name}"),
        library=LibraryChoice(files=files) if files else LibraryChoice(name=library or DEFAULT),
        synthesis=make_record(SynthesisOptions, synthesis or {}, "synthesis"),
        operating=make_record(OperatingPoint, operating or {}, "operating"),
        package=make_record(PackageParameters, package or {}, "package"),
        physical=make_record(PhysicalOptions, physical or {}, "physical"),
        constants=read_own_table(constants or {}, ""),
    )
    check_library(design)  # before tools run for a supply that no table covers
    return design


def evaluate_point(
    block: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    workload: Mapping[str, Any] | None = None,
    library: str | None = None,
    liberty: Sequence[str | Path] = (),
    synthesis: Mapping[str, Any] | None = None,
    operating: Mapping[str, Any] | None = None,
    package: Mapping[str, Any] | None = None,
    physical: Mapping[str, Any] | None = None,
    constants: Mapping[str, Any] | None = None,
    placement: str | Path | None = None,
    store: str | Path | None = None,
    progress: bool = False,
) -> Metrics:
    """Evaluate one design point: each stage runs, or its stored result is read.

    Parameters
    ----------
    block : a block's name: one that ships, ``package.module:attribute`` or the path of a ``.toml``
        file
    parameters : of the hardware by name; those left out take their defaults
    workload : parameters of the block's workload by name
    library : name of a cell library, by default that of chipdse; not with `liberty`
    liberty : Liberty files to use instead of a named library
    synthesis, operating, package, physical : settings of
        `chipdse.hardware.synthesis_options.SynthesisOptions`, `chipdse.design.OperatingPoint`,
        `chipdse.system.parameters.PackageParameters` and `chipdse.design.PhysicalOptions`, by name
    constants : your own figures by key, e.g. ``{"cost.wafer_price.n7": "9000 USD"}``
    placement : file of a picture to draw: the cells by module, and the power over the die
    store : folder of stage results; default the user's cache
    progress : report on stderr which stage runs

    Returns
    -------
    The metrics, in SI units; ``.flat()`` gives them by name

    Raises
    ------
    DesignError : a name or a value is wrong
    ToolError : a program failed, or the simulation differs from the reference
    InfeasibleError : the design is legal but cannot be built

    >>> evaluate_point("mac_array", {"rows": 2, "columns": 2}).flat()   # doctest: +SKIP
    """
    design = design_of_point(
        block,
        parameters,
        workload=workload,
        library=library,
        liberty=liberty,
        synthesis=synthesis,
        operating=operating,
        package=package,
        physical=physical,
        constants=constants,
    )
    root = Path(store) if store is not None else default_store()
    with shown_stages() if progress else nullcontext(quiet) as listener:
        stage_store = Store(root=root, tell=listener)
        metrics = evaluate(design, stage_store)
    if placement is not None:
        from chipdse.report.pictures.placement import draw_point

        draw_point(design, stage_store, Path(placement))
    return metrics
