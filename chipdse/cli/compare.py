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
        "chipdse compare studies/before studies/after --tolerance 0.02 -o compare.html",
        _compare,
    )
    parser.add_argument("first", type=Path, help="folder of the study to hold on to")
    parser.add_argument("second", type=Path, help="folder of the study to judge")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.02,
        help="relative change that counts as none; default 0.02, what a synthesis seed can do",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.html", help="also as a page")
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
        from chipdse.report.quantities import words_of
        from chipdse.study.storage.since import version_text

        page = comparison_html(
            (str(arguments.first), str(arguments.second)),
            (tables[0], tables[1]),
            first[0].objectives,
            comparison,
            (version_text(studies[0].folder), version_text(studies[1].folder)),
            words_of(first[0]),
        )
        try:
            write_whole(arguments.output, page)
        except OSError as error:
            raise DesignError(f"--output {str(arguments.output)!r}: {error.strerror}") from error
    for study in studies:
        tell_version(study)
    if arguments.json:
        change = {"hypervolume_change_frac": comparison.hypervolume_change_frac}
        print_json(dataclasses.asdict(comparison) | change)
    else:
        _print(comparison)
    return 1 if comparison.worse else 0


def _print(comparison: StudyComparison) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    print(f"hypervolume  {comparison.hypervolume_change_frac:+.2%}")
    print(f"front        {len(comparison.lost)} points lost {_some(comparison.lost)}")
    print(f"             {len(comparison.won)} points won {_some(comparison.won)}")
    print(f"equal        {comparison.matched} points with equal parameters, feasible in both")
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
    return f"(trials {listed}{', …' if len(trials) > 6 else ''})" if trials else ""
