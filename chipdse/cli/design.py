"""Verb `eval`: one design point; and the options that name a block, which `sim` shares."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import (
    Verbs,
    add_liberty,
    add_verb,
    check_block_file,
    check_liberty,
    draws_of,
    print_json,
    range_options,
    write_bibtex,
)
from chipdse.units import parse_quantity

if TYPE_CHECKING:
    from chipdse_hdl.block import Block

    from chipdse.metrics import Metrics
    from chipdse.study.results.select import Condition
    from chipdse.system.ranges.point import PointRanges
    from chipdse.technology.citations import Reference


_SETTINGS = (
    (
        "operating",
        "conditions, e.g. view=guaranteed supply_tolerance_frac=0.1; or process=slow",
    ),
    ("synthesis", "options of synthesis, e.g. effort=full"),
    ("package", "parameters of the package, e.g. cooling=cold_plate"),
    ("physical", "options of layout, e.g. wires=formula glitches=false utilisation=0.6"),
)
"""Options that set fields of a record, and their help."""


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "eval",
        "evaluate one design point, all metrics",
        "chipdse eval mac_array --set rows=2 columns=2 --vdd 1.2V --package cooling=cold_plate\n"
        "  chipdse eval adder --limit 'f_max_hz >= 100MHz'    # fails otherwise, for CI",
        _eval,
    )
    design_options(parser)
    parser.add_argument("--library", help="cell library; default the one that ships")
    add_liberty(parser, "Liberty file to use instead of a named library; repeat for several")
    parser.add_argument("--vdd", metavar="V", help="supply voltage, e.g. 1.2V; default nominal")
    parser.add_argument("--temperature", metavar="C", help="temperature of the tables, e.g. 25C")
    clock = parser.add_mutually_exclusive_group()
    clock.add_argument("--clock", metavar="S", help="clock period, e.g. 10ns; default the shortest")
    clock.add_argument("--clock-frac", type=float, help="share of the highest frequency, e.g. 0.5")
    parser.add_argument(
        "--placement", type=Path, metavar="FILE", help="draw cells by module and power, e.g. p.png"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        action="extend",
        default=[],
        metavar="METRIC",
        help=f"print these metrics, or these groups of metrics: {', '.join(GROUPS)}",
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="CONDITION",
        help="exit with 1 if the point misses this, e.g. 'energy_per_op_j <= 2pJ'; may be repeated",
    )
    range_options(parser)
    parser.add_argument(
        "--sources", action="store_true", help="list every constant used, and what to cite"
    )
    parser.add_argument("--bibtex", type=Path, metavar="FILE", help="write what to cite as BibTeX")
    parser.add_argument(
        "--constants",
        nargs="+",
        action="extend",
        default=[],
        metavar="K=V",
        help="your own figures, e.g. 'cost.wafer_price.n7=9000 USD (8000 to 12000) from a quote'",
    )
    for name, text in _SETTINGS:
        parser.add_argument(
            f"--{name}", nargs="+", action="extend", default=[], metavar="K=V", help=text
        )


def design_options(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that name a block, its parameters and its workload."""
    parser.add_argument(
        "block", help="a name that 'chipdse blocks' lists, package.module:attribute or FILE.toml"
    )
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="K=V", help="hardware parameters"
    )
    parser.add_argument(
        "--workload",
        nargs="+",
        action="extend",
        default=[],
        metavar="K=V",
        help="parameters of the workload",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def records_of(arguments: argparse.Namespace) -> tuple[Block, Any, Any]:
    """The block, parameters and workload that `design_options` name."""
    check_block_file(arguments.block)

    from chipdse.design import find_block, make_record, parse_settings

    block = find_block(arguments.block)
    given = parse_settings(block.parameters, arguments.set, block.name)
    load = parse_settings(block.workload, arguments.workload, f"workload of {block.name}")
    return (
        block,
        make_record(block.parameters, given, block.name),
        make_record(block.workload, load, f"workload of {block.name}"),
    )


def _eval(arguments: argparse.Namespace) -> int:
    check_liberty(arguments.liberty)
    draws = draws_of(arguments)
    if arguments.only:
        _chosen(arguments.only)  # a wrong name is refused before anything runs
    block, parameters, workload = records_of(arguments)

    from chipdse.api.point import design_of_point, evaluate_point
    from chipdse.blocks.work import work_unit

    limits = _limits(arguments.limit, work_unit(block))
    given = {"workload": dataclasses.asdict(workload), **_settings(arguments)}
    settings = dataclasses.asdict(parameters)
    metrics = evaluate_point(
        block.name, settings, **given, placement=arguments.placement, progress=True
    )
    for key in sorted(given["constants"].keys() - metrics.constants.keys()):
        print(f"own figure not used: {key}; no model of this point reads it", file=sys.stderr)
    ranges = None
    if draws is not None:
        from chipdse.store.store import Store, default_store
        from chipdse.study.results.ranges import point_ranges

        design = design_of_point(block.name, settings, **given)
        ranges = point_ranges(design, Store(root=default_store()), draws)
    if arguments.bibtex is not None:
        write_bibtex(arguments.bibtex, _to_cite(metrics))
    if arguments.json:
        print_json(_document(arguments, metrics, ranges))
    else:
        _print_text(arguments, block, metrics, ranges)
    beyond = _beyond(metrics, limits, work_unit(block))
    for line in beyond:
        print(line, file=sys.stderr if arguments.json else sys.stdout)
    return 1 if beyond or _missed(metrics) else 0


def _limits(texts: Sequence[str], work: str) -> list[Condition]:
    """The conditions of `--limit`; a wrong one is refused before anything runs."""
    if not texts:
        return []

    from chipdse.metrics import METRICS
    from chipdse.study.results.select import read_condition

    limits = [read_condition(text, METRICS, "--limit") for text in texts]
    for limit in limits:
        _holds(limit, 0.0, work)
    return limits


def _holds(limit: Condition, value: float, work: str) -> bool:
    """Whether a value of a metric satisfies a limit of the user's."""
    import pandas as pd

    from chipdse.report.quantities import StudyUnits
    from chipdse.study.results.select import satisfied

    unit = StudyUnits(work=work).unit(limit.name)
    return bool(satisfied(pd.Series([value], name=limit.name), limit, unit).all())


def _beyond(metrics: Metrics, limits: Sequence[Condition], work: str) -> list[str]:
    """One line per limit of the user's that a point misses."""
    from chipdse.report.quantities import StudyUnits, shown_metric

    values, words = metrics.flat(), StudyUnits(work=work)
    return [
        f"limit missed: {limit.words}: {limit.name} is "
        f"{shown_metric(limit.name, values[limit.name], words)}"
        for limit in limits
        if not _holds(limit, values[limit.name], work)
    ]


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings of `evaluate_point` other than parameters and workload.

    Raises
    ------
    DesignError : a setting is unknown, given twice or outside its range
    """
    from chipdse.design import OperatingPoint, PhysicalOptions, make_record, parse_settings
    from chipdse.errors import DesignError
    from chipdse.hardware.synthesis_options import SynthesisOptions
    from chipdse.system.parameters import PackageParameters

    operating = parse_settings(OperatingPoint, arguments.operating, "operating")
    stated = {
        "vdd_v": _quantity(arguments.vdd, "V", "--vdd"),
        "temperature_c": _quantity(arguments.temperature, "°C", "--temperature"),
        "clock_period_s": _quantity(arguments.clock, "s", "--clock"),
        "clock_frac": arguments.clock_frac,
    }
    for name, value in stated.items():
        if value is None:
            continue
        if name in operating:
            raise DesignError(f"operating: {name!r} is set twice; set it once")
        operating[name] = value
    make_record(OperatingPoint, operating, "operating")
    return {
        "library": arguments.library,
        "liberty": arguments.liberty,
        "operating": operating,
        "synthesis": parse_settings(SynthesisOptions, arguments.synthesis, "synthesis"),
        "package": parse_settings(PackageParameters, arguments.package, "package"),
        "physical": parse_settings(PhysicalOptions, arguments.physical, "physical"),
        "constants": _constants(arguments.constants),
    }


def _missed(metrics: Metrics) -> dict[str, float]:
    """The limits that a point misses, and by how much."""
    return {name: amount for name, amount in metrics.constraints().items() if amount > 0}


def _to_cite(metrics: Metrics) -> list[Reference]:
    from chipdse.technology.citations import cited

    return cited(metrics.constants.values(), metrics.cited)


def _document(
    arguments: argparse.Namespace, metrics: Metrics, ranges: PointRanges | None
) -> dict[str, Any]:
    """What `--json` prints."""
    from chipdse.technology.own_figures import own_figures

    values, evidence = metrics.flat(), metrics.evidence()
    names = _chosen(arguments.only) if arguments.only else list(values)
    errors = {
        name: dataclasses.asdict(error) for name, error in metrics.errors.items() if name in names
    }
    details: dict[str, Any] = {
        "evidence": {name: evidence[name] for name in names},
        "measured_errors": errors,
    }
    user_figures = [dataclasses.asdict(constant) for constant in own_figures(metrics.constants)]
    if user_figures:
        details["own_figures"] = user_figures
    if arguments.sources:
        details["sources"] = [dataclasses.asdict(c) for c in metrics.constants.values()]
        details["cite"] = [reference.text for reference in _to_cite(metrics)]
    if ranges is not None:
        from chipdse.report.ranges import point_document

        details["ranges"] = point_document(ranges)
    return {**{name: values[name] for name in names}, "violations": _missed(metrics), **details}


def _print_text(
    arguments: argparse.Namespace, block: Block, metrics: Metrics, ranges: PointRanges | None
) -> None:
    """Print the metrics, and what the options ask for, for people."""
    from chipdse.blocks.work import work_unit
    from chipdse.system.metrics import CONSTRAINTS
    from chipdse.technology.own_figures import figure_text, own_figures

    _print_metrics(metrics, work_unit(block), arguments.only)
    for constant in own_figures(metrics.constants):
        print(f"own figure: {figure_text(constant)}")
    if arguments.sources:
        used = sorted(metrics.constants.values(), key=lambda c: c.key)
        print("constants used:", *(f"  {figure_text(c)}" for c in used), sep="\n")
        print("to cite:", *(f"  {reference.text}" for reference in _to_cite(metrics)), sep="\n")
    if ranges is not None:
        from chipdse.report.quantities import StudyUnits
        from chipdse.report.ranges import point_text

        print("\n".join(point_text(ranges, metrics.flat(), StudyUnits(work=work_unit(block)))))
    for name, amount in _missed(metrics).items():
        limit = CONSTRAINTS.get(name, "clock faster than the logic, as a share of its delay")
        print(f"limit missed: {limit}: {amount:.4g}")


def _constants(settings: Sequence[str]) -> dict[str, str]:
    """The user's figures by key, from texts ``key=figure``."""
    from chipdse.errors import DesignError

    constants: dict[str, str] = {}
    for setting in settings:
        key, equals, figure = setting.partition("=")
        if not equals:
            raise DesignError(
                f"--constants {setting!r} is not key=figure; write e.g. "
                "'cost.wafer_price.n7=9000 USD'"
            )
        if key in constants:
            raise DesignError(f"--constants {key!r} is given twice; give it once")
        constants[key] = figure
    return constants


def _quantity(text: str | None, unit: str, option: str) -> float | None:
    return None if text is None else parse_quantity(text, unit, option)


GROUPS = ("conditions", "speed", "power", "area", "system", "flags")
"""Parts in which metrics are printed."""


def group_of(name: str) -> str:
    """The part in which a metric is printed."""
    from chipdse.metrics import METRICS, BlockValues

    metadata = METRICS[name]
    if name.endswith("_counted") or name in ("wire_level", "guaranteed"):
        return "flags"
    if metadata["evidence"] == "input":
        return "conditions"
    if name not in {field.name for field in dataclasses.fields(BlockValues)}:
        return "system"
    if metadata["unit"] in ("W", "J", "J/op") or name.endswith("_frac"):
        return "power"
    is_speed = metadata["unit"] in ("s", "Hz", "op", "op/s") or name == "cycles_per_run"
    return "speed" if is_speed else "area"


def _chosen(only: Sequence[str]) -> list[str]:
    """The metrics to print, by group: all, or those that --only names, itself or by their group.

    Raises
    ------
    DesignError : a name is neither a metric nor a group
    """
    from chipdse.design import suggest
    from chipdse.errors import DesignError
    from chipdse.metrics import METRICS

    for name in only:
        if name not in METRICS and name not in GROUPS:
            meant = suggest(name, [*METRICS, *GROUPS])
            raise DesignError(f"--only {name!r} is not a metric or a group; {meant}")
    ordered = sorted(METRICS, key=lambda name: GROUPS.index(group_of(name)))
    return [name for name in ordered if not only or {name, group_of(name)} & set(only)]


def _print_metrics(metrics: Metrics, work: str = "op", only: Sequence[str] = ()) -> None:
    from chipdse.metrics import METRICS, corner_text
    from chipdse.report.counted import counted_text
    from chipdse.report.quantities import StudyUnits, shown_metric

    values, evidence, words = metrics.flat(), metrics.evidence(), StudyUnits(work=work)
    names = _chosen(only)
    width, group = max(map(len, names)), ""
    for name in names:
        if not only and group != (group := group_of(name)):
            print(f"{group}:" if name == names[0] else f"\n{group}:")
        shown = shown_metric(name, values[name], words)
        corner = corner_text(name, values)
        where = f" ({corner})" if corner else ""
        error = metrics.errors.get(name)
        wrong = "" if error is None else f" (error: {error.text()})"
        text = f"{METRICS[name]['doc']}{where}{wrong}"
        print(f"{name:<{width}}  {shown:>16}  {evidence[name]:<9}  {text}")
    if not only:
        print("\n" + counted_text(metrics.block, metrics.errors))
