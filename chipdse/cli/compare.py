"""Verb `compare`: a study against an earlier one, for people and for CI."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from chipdse.cli.common import Verbs, add_verb, print_json, tell_version
from chipdse.errors import DesignError
from chipdse.store.files import write_whole
from chipdse.study.storage.layout import check_study

if TYPE_CHECKING:
    from chipdse.study.results.compare import StudyComparison

SHOWN = 12


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "compare",
        "compare two studies of one question; exit code 1 if the second is worse",
        "chipdse compare studies/before studies/after --tolerance 2% -o compare.html\n"
        "  chipdse compare studies/before studies/after --markdown >> $GITHUB_STEP_SUMMARY",
        _compare,
    )
    parser.add_argument("first", type=Path, help="folder of the baseline study")
    parser.add_argument("second", type=Path, help="folder of the study to check")
    parser.add_argument(
        "--tolerance",
        type=_fraction,
        default=0.02,
        help="relative change that counts as none, as 0.02 or 2%%; default 2%%, the effect of a "
        "synthesis seed",
    )
    parser.add_argument("--markdown", action="store_true", help="print a Markdown summary")
    parser.add_argument("--junit", type=Path, metavar="FILE.xml", help="also write a JUnit report")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE.html", help="also write an HTML page"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _compare(arguments: argparse.Namespace) -> int:
    check_study(arguments.first)
    check_study(arguments.second)

    from chipdse.api.study import load_study
    from chipdse.study.results.compare import compare_studies

    studies = [load_study(path) for path in (arguments.first, arguments.second)]
    tables = [study.points() for study in studies]
    first, second = [
        (study.folder.sweep, table) for study, table in zip(studies, tables, strict=True)
    ]
    versions = (studies[0].folder.version, studies[1].folder.version)
    comparison = compare_studies(first, second, arguments.tolerance, versions)
    if arguments.output is not None:
        from chipdse.report.page.compare import comparison_html
        from chipdse.report.quantities import units_of_study
        from chipdse.study.storage.since import version_text

        page = comparison_html(
            (str(arguments.first), str(arguments.second)),
            (tables[0], tables[1]),
            first[0].objectives,
            comparison,
            (version_text(studies[0].folder), version_text(studies[1].folder)),
            units_of_study(first[0]),
        )
        try:
            write_whole(arguments.output, page)
        except OSError as error:
            raise DesignError(f"--output {str(arguments.output)!r}: {error.strerror}") from error
    if arguments.junit is not None:
        try:
            write_whole(arguments.junit, _junit(str(arguments.second), comparison))
        except OSError as error:
            raise DesignError(f"--junit {str(arguments.junit)!r}: {error.strerror}") from error
    for study in studies:
        tell_version(study)
    if arguments.json:
        change = {"hypervolume_change_frac": comparison.hypervolume_change_frac}
        print_json(dataclasses.asdict(comparison) | change)
    elif arguments.markdown:
        print(_markdown((str(arguments.first), str(arguments.second)), comparison))
    else:
        _print(comparison)
    return 1 if comparison.worse else 0


def _fraction(text: str) -> float:
    """A fraction, as a number or in per cent."""
    number = text.removesuffix("%")
    try:
        return float(number) / (100 if number != text else 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a fraction; write 0.02 or 2%") from None


def _markdown(names: tuple[str, str], comparison: StudyComparison) -> str:
    """The comparison as Markdown, for the summary of a CI job."""
    verdict = [f"- :x: {line}" for line in comparison.worse]
    lines = [
        f"### `{names[1]}` against `{names[0]}`",
        "",
        *(verdict or ["- :white_check_mark: as good, within the tolerance"]),
        f"- hypervolume {comparison.hypervolume_change_frac:+.2%}",
        f"- {_points(len(comparison.lost))} of the front lost, {len(comparison.won)} won",
        f"- {_points(comparison.matched)} with equal parameters",
        *(f"- differs: {line}" for line in comparison.notes),
    ]
    if comparison.moved:
        lines += ["", "| metric | points | median | largest change |", "|---|--:|--:|--:|"]
        lines += [
            f"| `{moved.metric}` | {moved.points} | {moved.median_frac:+.2%} "
            f"| {moved.worst_frac:+.2%} |"
            for moved in comparison.moved[:SHOWN]
        ]
    return "\n".join(lines)


def _junit(name: str, comparison: StudyComparison) -> str:
    """The comparison as a JUnit report of one test case."""
    from xml.sax.saxutils import escape, quoteattr

    failed = len(comparison.worse) > 0
    text = escape("\n".join(comparison.worse))
    failure = f'<failure message="worse than the baseline">{text}</failure>' if failed else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<testsuite name="chipdse compare" tests="1" failures="{int(failed)}">'
        f'<testcase classname="chipdse.compare" name={quoteattr(name)}>{failure}</testcase>'
        "</testsuite>\n"
    )


def _print(comparison: StudyComparison) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    print(f"hypervolume  {comparison.hypervolume_change_frac:+.2%}")
    print(f"front        {_points(len(comparison.lost))} lost {_some(comparison.lost)}".rstrip())
    print(f"             {_points(len(comparison.won))} won {_some(comparison.won)}".rstrip())
    print(f"equal        {_points(comparison.matched)} with equal parameters, feasible in both")
    if comparison.moved:
        table = Table("metric", "points", "median", "largest change", box=SIMPLE_HEAD)
        for column in table.columns[1:]:
            column.justify = "right"
        for moved in comparison.moved[:SHOWN]:
            changes = (f"{moved.median_frac:+.2%}", f"{moved.worst_frac:+.2%}")
            table.add_row(moved.metric, str(moved.points), *changes)
        Console().print(table, markup=False)
        if len(comparison.moved) > SHOWN:
            print(f"... and {len(comparison.moved) - SHOWN} more: --json lists them")
    for line in comparison.notes:
        print(f"differs: {line}")
    for line in comparison.worse:
        print(f"worse: {line}")
    if not comparison.worse:
        print("as good, within the tolerance")


def _some(trials: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, trials[:6]))
    word = f"trial{'s' * (len(trials) > 1)}"
    return f"({word} {listed}{', …' if len(trials) > 6 else ''})" if trials else ""


def _points(count: int) -> str:
    return f"{count} point{'s' * (count != 1)}"
