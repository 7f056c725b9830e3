"""`chipdse package`: cost, yield, temperature and carbon of one described system."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import chipdse
from chipdse.cli.common import draws_of, range_options
from chipdse.errors import DesignError, InfeasibleError
from chipdse.reading import check_exist
from chipdse.units import show

if TYPE_CHECKING:
    from chipdse.system.described import Evaluation

_EXAMPLE = """\
example:
  chipdse package two_chiplets --plot two_chiplets.svg
  chipdse package mono_800mm2 two_chiplets nine_chiplets         # as a table
  chipdse package sweeps/systems/memory_on_logic.toml --json --sources
  chipdse package sweeps/systems/interposer_with_memory.toml --3dblox assembly

The file describes dies ([[die]]), the package ([package]) and the links ([link]); see
docs/concepts/packages.md. Exit code 1: the system misses a limit, which is named."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    parser = verbs.add_parser(
        "package",
        help="cost, yield, temperature, carbon of described systems",
        description="Cost, yield, temperature and carbon of described systems.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "systems",
        type=Path,
        nargs="*",
        metavar="SYSTEM.toml",
        help="description of a system, or the name of a shipped one; several make a table",
    )
    parser.add_argument("--list", action="store_true", help="print the shipped systems, and end")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="figure: .svg, .png or .pdf")
    parser.add_argument(
        "--3dblox", type=Path, metavar="DIR", dest="threedblox", help="write the assembly as 3DBlox"
    )
    parser.add_argument(
        "--sources", action="store_true", help="list every constant used, and what to cite"
    )
    parser.add_argument("--bibtex", type=Path, metavar="FILE", help="write what to cite as BibTeX")
    range_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate the files and print; 1 if one misses a limit."""
    if arguments.list:
        return _list(arguments.json)
    if not arguments.systems:
        raise DesignError("no system is given; 'chipdse package --list' names the shipped ones")
    draws = draws_of(arguments)
    files = [find_system(file) for file in arguments.systems]
    check_exist(*files)
    if len(files) > 1 and (arguments.plot, arguments.threedblox) != (None, None):
        raise DesignError("--plot and --3dblox need one system; give one file")
    if len(files) > 1 and arguments.ranges and not arguments.json:
        raise DesignError("--ranges of several systems needs --json; or give one file")

    from chipdse.system.described import evaluate_described
    from chipdse.system.system_file import load_system

    evaluations = [evaluate_described(load_system(file)) for file in files]
    if arguments.plot is not None:
        from chipdse.report.pictures.package import draw_package

        draw_package(evaluations[0], arguments.plot)
        print(f"figure: {arguments.plot}", file=sys.stderr)
    if arguments.threedblox is not None:
        _write_threedblox(evaluations[0], arguments.threedblox)
        print(f"assembly: {arguments.threedblox}", file=sys.stderr)
    if arguments.bibtex is not None:
        from chipdse.cli.common import write_bibtex
        from chipdse.technology.citations import cited

        used = {k: c for e in evaluations for k, c in e.sources.used.items()}
        models = {key for e in evaluations for key in e.sources.cited}
        write_bibtex(arguments.bibtex, cited(used.values(), models))
    ranges = [_ranges(evaluation, draws) for evaluation in evaluations if draws is not None]
    if arguments.json:
        documents = [_document(evaluation, arguments.sources) for evaluation in evaluations]
        for document, (as_json, _) in zip(documents, ranges, strict=False):
            document["ranges"] = as_json
        shown = documents[0] if len(documents) == 1 else documents
        print(json.dumps(shown, indent=1, allow_nan=False))
    elif len(evaluations) > 1:
        _print_table(evaluations)
    else:
        print(_text(evaluations[0]))
        if arguments.sources:
            print(_sources_text(evaluations[0]))
        for _, text in ranges:
            print(text)
    missed = [
        f"{file}: {'; '.join(evaluation.complaints)}"
        for file, evaluation in zip(files, evaluations, strict=True)
        if evaluation.complaints
    ]
    if missed:
        raise InfeasibleError("; ".join(missed))
    return 0


def shipped_systems() -> dict[str, Path]:
    """Every system that comes with the package, by name, e.g. ``two_chiplets``."""
    package = Path(chipdse.__file__).parent
    installed, checkout = package / "shipped_sweeps", package.parent / "sweeps"
    folder = installed if installed.is_dir() else checkout
    return {file.stem: file for file in sorted((folder / "systems").glob("*.toml"))}


def find_system(file: Path) -> Path:
    """The file itself; where there is none, the shipped system of that name.

    Raises
    ------
    DesignError : a name without a folder or suffix that is neither
    """
    if file.exists():
        return file
    shipped = shipped_systems()
    if file.stem in shipped and file.suffix in ("", ".toml") and file.parent == Path():
        return shipped[file.stem]
    if file.suffix == "" and file.parent == Path():
        near = difflib.get_close_matches(file.stem, shipped, n=1)
        meant = f"did you mean {near[0]!r}?" if near else "'chipdse package --list' names them"
        raise DesignError(f"{str(file)!r} is neither a file nor a shipped system; {meant}")
    return file


def _list(as_json: bool) -> int:
    shipped = shipped_systems()
    if as_json:
        print(json.dumps({name: str(file) for name, file in shipped.items()}, indent=1))
    else:
        for name, file in shipped.items():
            print(f"{name:26} {file}")
    return 0


def _print_table(evaluations: Sequence[Evaluation]) -> None:
    """Several systems beside each other, metrics that differ only."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from chipdse.metrics import METRICS
    from chipdse.report.quantities import shown_metric

    table = Table("", *(evaluation.system.name for evaluation in evaluations), box=SIMPLE_HEAD)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row(
        "arrangement", *(evaluation.system.package.arrangement for evaluation in evaluations)
    )
    for name in METRICS:
        if hasattr(evaluations[0].metrics, name):
            values = [float(getattr(evaluation.metrics, name)) for evaluation in evaluations]
            if len(set(values)) > 1:
                table.add_row(name, *(shown_metric(name, value) for value in values))
    table.add_row("evidence", *(evaluation.metrics.evidence for evaluation in evaluations))
    table.add_row("limits missed", *(str(len(evaluation.complaints)) for evaluation in evaluations))
    Console(width=None if Console().is_terminal else 10_000).print(table, markup=False)


def _write_threedblox(evaluation: Evaluation, folder: Path) -> None:
    from chipdse.export.threedblox import threedblox_files
    from chipdse.system.arrays.temperature import geometry_of

    geometry = geometry_of(evaluation.columns, evaluation.parts.dies, 0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in threedblox_files(
            geometry, evaluation.sources, evaluation.system.name
        ).items():
            (folder / name).write_text(text)
    except OSError as error:
        raise DesignError(f"--3dblox {str(folder)!r}: {error.strerror}") from error


def _shown(value: float, unit: str) -> str:
    return show(value, unit) if math.isfinite(value) else "not known"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _ranges(evaluation: Evaluation, draws: int) -> tuple[dict[str, Any], str]:
    """The system under ranges of constants, as JSON values and as text."""
    from chipdse.report.quantities import StudyUnits
    from chipdse.report.ranges import point_document, point_text
    from chipdse.system.ranges.described_system import described_ranges

    ranges = described_ranges(evaluation.system, draws)
    stated = {name: getattr(evaluation.metrics, name) for name in ranges.low}
    return point_document(ranges), "\n".join(point_text(ranges, stated, StudyUnits()))


def _document(evaluation: Evaluation, sources: bool) -> dict[str, Any]:
    from chipdse.report.pictures.package_parts import carbon_parts, cost_parts
    from chipdse.system.each_die import each_die

    values = dataclasses.asdict(evaluation.metrics)
    limits = values.pop("constraints")
    document: dict[str, Any] = {
        "system": evaluation.system.name,
        "metrics": {k: _finite(v) for k, v in values.items()},
        "cost_usd": cost_parts(evaluation),
        "embodied_kgco2e": carbon_parts(evaluation),
        "dies": [die.document() for die in each_die(evaluation)],
        "violations": evaluation.metrics.violations,
        "limits": {k: _finite(v) for k, v in limits.items()},
        "complaints": list(evaluation.complaints),
    }
    if sources:
        document["sources"] = [
            {
                "key": c.key,
                "value": c.published,
                "unit": c.unit,
                "doc": c.doc,
                "source": c.source,
                "note": c.note,
                "evidence": c.evidence,
            }
            for c in sorted(evaluation.sources.used.values(), key=lambda c: c.key)
        ]
    return document


def _text(evaluation: Evaluation) -> str:
    from chipdse.report.pictures.package_parts import carbon_parts, cost_parts

    m, package = evaluation.metrics, evaluation.system.package
    rows = [
        ("dies", _dies_text(evaluation)),
        ("arrangement", package.arrangement),
        ("throughput", f"{_shown(m.throughput_ops_per_s, 'op/s')}, bound by {m.bound_by}"),
        (
            "power",
            f"{_shown(m.power_w, 'W')}, of it links {show(m.link_power_w, 'W')},"
            f" leakage {_shown(m.leakage_power_w, 'W')}",
        ),
        ("energy", f"{_shown(m.energy_per_op_j, 'J')} per operation"),
        (
            "temperature",
            f"hottest {m.peak_temperature_c:.2f} °C, mean of the compute dies"
            f" {m.mean_temperature_c:.2f} °C",
        ),
        (
            "cost",
            f"{m.cost_usd:.2f} USD recurring, {m.nre_usd:.2f} USD design at"
            f" {package.volume:,.0f} systems",
        ),
        *(("", f"{v:12.4f} USD  {k}") for k, v in cost_parts(evaluation).items() if v),
        (
            "embodied",
            f"{m.embodied_kgco2e:.4g} kg CO2e, {m.embodied_low_kgco2e:.4g} to"
            f" {m.embodied_high_kgco2e:.4g}; made in {package.grid_fab}",
        ),
        *(("", f"{v:12.4f} kg   {k}") for k, v in carbon_parts(evaluation).items() if v),
        (
            "operation",
            f"{m.operational_kgco2e:.4g} kg CO2e in {package.life_years:g} years at"
            f" {package.duty:.0%} duty; runs in {package.grid_use}"
            + (
                ""
                if package.supply_efficiency == 1
                else f", {package.supply_efficiency:.0%} of the electricity reaches the package"
            ),
        ),
        (
            "evidence",
            m.evidence
            + (
                ": a node is not in the cost and carbon tables" if m.evidence == "estimated" else ""
            ),
        ),
    ]
    lines = [evaluation.system.name, *(f"  {name:12s} {value}" for name, value in rows)]
    return "\n".join(lines)


def _dies_text(evaluation: Evaluation) -> str:
    dies = evaluation.parts.dies
    yields = evaluation.parts.fabrication.die_yield[0]
    columns = zip(dies.names, dies.count[0], dies.area_m2[0], yields, strict=True)
    return ", ".join(
        f"{int(count)} x {name} {area_m2 * 1e6:.4g} mm² (yield {die_yield:.1%})"
        for name, count, area_m2, die_yield in columns
    )


def _sources_text(evaluation: Evaluation) -> str:
    lines = ["", "constants used:"]
    for c in sorted(evaluation.sources.used.values(), key=lambda c: c.key):
        mark = " (estimate)" if c.evidence == "estimated" else ""
        lines.append(
            f"  {c.key} = {c.published:g} {c.unit}{mark}: {c.source}"
            + (f"; {c.note}" if c.note else "")
        )
    from chipdse.technology.citations import cited_in

    lines += [
        "",
        "to cite:",
        *(f"  {reference.text}" for reference in cited_in(evaluation.sources)),
    ]
    return "\n".join(lines)
