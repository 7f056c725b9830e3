"""Verb `export`: one point of a study, for other tools."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from chipdse.cli.common import Verbs, add_verb, print_json, tell_version
from chipdse.study.storage.layout import check_study

if TYPE_CHECKING:
    from chipdse.api.study import Study


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "export",
        "write one point for other tools: RTL, netlist, constraints, activity, bench, flows",
        "chipdse export studies/mac_array --trial 12 --to export/mac12\n"
        "  chipdse export studies/mac_array --best energy_per_op_j --to export/frugal",
        _export,
    )
    parser.add_argument("study", type=Path, help="folder of the study")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--trial", type=int, help="number of the trial")
    which.add_argument(
        "--knee",
        action="store_true",
        help="the knee: the point of the front closest to the best value of every objective",
    )
    which.add_argument(
        "--best",
        metavar="METRIC",
        help="the best point in an objective; or METRIC:min, METRIC:max for any metric",
    )
    parser.add_argument("--to", type=Path, required=True, help="a new or empty folder")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def chosen_trial(study: Study, arguments: argparse.Namespace) -> int:
    """The trial that --trial, --knee or --best name."""
    from chipdse.study.results.choose import best, knee
    from chipdse.study.results.points import front_table

    if arguments.knee:
        return knee(study.folder.sweep, front_table(study.folder)[0])
    if arguments.best is not None:
        return best(study.folder.sweep, study.points(), arguments.best)
    return int(arguments.trial)


def _export(arguments: argparse.Namespace) -> int:
    check_study(arguments.study)

    from chipdse.api.study import load_study

    study = load_study(arguments.study)
    trial = chosen_trial(study, arguments)
    files = study.export(trial, arguments.to)
    tell_version(study)
    if arguments.json:
        print_json({"trial": trial, "files": [str(path) for path in files]})
    else:
        print(f"trial {trial}, {len(files)} files:")
        print("\n".join(map(str, files)))
    return 0
