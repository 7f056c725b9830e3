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
    """The design of `evaluate_point`; DesignError where a value is wrong."""
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
    """One design point through every stage.

    Parameters
    ----------
    constants : your own figures by key, e.g. ``{"cost.wafer_price.n7": "9000 USD"}``
    placement : a picture to draw, of the cells by module and of the power by place
    progress : say on stderr which stage runs

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
