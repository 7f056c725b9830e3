"""Verbs `report`, `explore`, `plot`: look at a study."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chipdse.cli.common import Verbs, add_verb, print_json, tell_version
from chipdse.errors import DesignError
from chipdse.study.storage.layout import check_study


def add(verbs: Verbs) -> None:
    """Declare the verbs."""
    parser = add_verb(
        verbs,
        "report",
        "write a study's HTML report, one file that needs no network",
        "chipdse report studies/mac_array -o report.html\n"
        "  chipdse report studies/mac_array --details 12 31    # look into these trials",
        _report,
    )
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument("-o", "--output", type=Path, help="default report.html in the study")
    parser.add_argument(
        "--details",
        type=int,
        nargs="*",
        metavar="TRIAL",
        help="look into these points (power by module, critical path, supply, package); "
        "default the knee and the best of each objective",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")

    parser = add_verb(
        verbs,
        "explore",
        "serve a study's report, live while a sweep runs; looks into any point you open",
        "chipdse explore studies/mac_array --port 8008",
        _explore,
    )
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument("--port", type=int, default=0, help="default any free one")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="default 127.0.0.1: reached from this machine only; the token is needed on every host",
    )

    parser = add_verb(
        verbs,
        "plot",
        "draw a figure of a study for a paper: PNG, SVG or PDF",
        "chipdse plot studies/mac_array --kind front -o front.pdf\n"
        "  chipdse plot studies/mac_array --kind power --trial 12 -o power.svg",
        _plot,
    )
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument(
        "--kind",
        choices=("front", "parallel", "importance", "history", "power"),
        default="front",
        help="what to draw; default the front",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help=".png, .svg or .pdf")
    parser.add_argument("--x", metavar="METRIC", help="of the front; default the first objective")
    parser.add_argument("--y", metavar="METRIC", help="default the second")
    parser.add_argument("--color", metavar="METRIC", help="default the third, if there is one")
    parser.add_argument("--trial", type=int, help="of power: the point; default the knee")
    parser.add_argument("--width", type=float, help="inches; default one column of a paper")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _report(arguments: argparse.Namespace) -> int:
    check_study(arguments.study)

    from chipdse.api.study import load_study

    study = load_study(arguments.study)
    try:
        path = study.write_report(
            arguments.output,
            details=4 if arguments.details is None else arguments.details,
            tell=lambda trial: print(f"looking into trial {trial}", file=sys.stderr),
        )
    except OSError as error:
        raise DesignError(f"--output {str(arguments.output)!r}: {error.strerror}") from error
    tell_version(study)
    if arguments.json:
        print_json({"report": str(path)})
    else:
        print(path)
    return 0


def _explore(arguments: argparse.Namespace) -> int:
    check_study(arguments.study)

    from chipdse.report.page.serve import serve

    serve(arguments.study, arguments.host, arguments.port)
    return 0


def _plot(arguments: argparse.Namespace) -> int:
    check_study(arguments.study)

    from chipdse.api.study import load_study
    from chipdse.report.figures import draw

    study = load_study(arguments.study)
    draw(
        study.folder,
        arguments.kind,
        arguments.output,
        axes=[name for name in (arguments.x, arguments.y, arguments.color) if name is not None],
        trial=arguments.trial,
        width_in=arguments.width,
    )
    tell_version(study)
    if arguments.json:
        print_json({"figure": str(arguments.output)})
    else:
        print(arguments.output)
    return 0
