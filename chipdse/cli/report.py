"""Verbs `report`, `explore`, `plot`: look at a study."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chipdse.cli.common import (
    Verbs,
    add_objectives,
    add_verb,
    draws_of,
    print_json,
    range_options,
    tell_version,
)
from chipdse.errors import DesignError
from chipdse.reading import check_exist
from chipdse.study.storage.layout import REPORT, check_study

if TYPE_CHECKING:
    from chipdse.report.figures.axes import Look

KINDS = (
    "front",
    "parallel",
    "importance",
    "history",
    "power",
    "supply",
    "placement",
    "package",
)


def add(verbs: Verbs) -> None:
    """Declare the verbs."""
    _add_report(verbs)
    _add_explore(verbs)
    _add_plot(verbs)


def _add_report(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "report",
        "write a study's HTML report, one file that needs no network",
        "chipdse report studies/mac_array -o report.html\n"
        "  chipdse report studies/mac_array --details 12 31    # look into these trials\n"
        "  chipdse report studies/mac_array --ranges    # with 90 % intervals",
        _report,
    )
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument(
        "-o", "--output", type=Path, help="file to write; default report.html in the study"
    )
    parser.add_argument(
        "--details",
        type=int,
        nargs="*",
        metavar="TRIAL",
        help="look into these points (power by module, critical path, supply, package); "
        "default the knee and the best of each objective",
    )
    range_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _add_explore(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "explore",
        "serve a study's report, live while a sweep runs; looks into any point you open",
        "chipdse explore studies/mac_array --port 8008",
        _explore,
    )
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument(
        "--port", type=int, default=0, help="port to listen on; default any free one"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; default 127.0.0.1, for this machine only",
    )


def _add_plot(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "plot",
        "draw a figure of a study for a paper: PNG, SVG or PDF",
        "chipdse plot studies/mac_array --kind front -o front.pdf\n"
        "  chipdse plot studies/mac_array --kind power --trial 12 -o power.svg\n"
        "  chipdse plot studies/before studies/after -o both.svg    # a colour per study\n"
        "  chipdse plot table.csv --minimize latency --maximize accuracy -o front.svg",
        _plot,
    )
    parser.add_argument(
        "study",
        type=Path,
        nargs="+",
        help="folder of the study, or a table (.csv); several studies are drawn in one front",
    )
    add_objectives(parser)
    parser.add_argument(
        "--kind", choices=KINDS, default="front", help="kind of figure; default the front"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="file to write: .png, .svg or .pdf"
    )
    _add_front_options(parser)
    parser.add_argument(
        "--trial",
        type=int,
        help="trial of power, supply, placement or package; default the knee",
    )
    parser.add_argument(
        "--width", type=float, help="width in inches; default one column of a paper"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _add_front_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--x",
        metavar="COLUMN",
        help="column of the horizontal axis of a front; default the first objective",
    )
    parser.add_argument(
        "--y", metavar="COLUMN", help="column of the vertical axis; default the second objective"
    )
    parser.add_argument(
        "--color",
        metavar="COLUMN",
        help="column of the colour; default the third objective, if any; text and few numbers "
        "have a colour per value",
    )
    parser.add_argument("--title", default="", help="text above the figure")
    parser.add_argument(
        "--limits",
        nargs="+",
        default=[],
        metavar="AXIS=LOW:HIGH",
        help="range of axis x or y of a front in SI units, e.g. x=0:5e-12 y=1e9:",
    )
    parser.add_argument(
        "--log",
        nargs="*",
        choices=("x", "y"),
        help="logarithmic axes of a front, none if none is given; "
        "default those that span a factor of 20",
    )
    parser.add_argument(
        "--data",
        action="store_true",
        help="also write the drawn values (NAME.data.csv) and a caption (NAME.caption.txt) "
        "beside the figure",
    )


def _report(arguments: argparse.Namespace) -> int:
    draws = draws_of(arguments)
    check_study(arguments.study)

    from chipdse.api.study import load_study

    study = load_study(arguments.study)
    try:
        path = study.write_report(
            arguments.output,
            details=arguments.details,
            draws=draws,
            tell=lambda trial: print(f"looking into trial {trial}", file=sys.stderr),
        )
    except OSError as error:
        where = str(arguments.output or arguments.study / REPORT)
        raise DesignError(
            f"the report {where!r} cannot be written ({error.strerror}); name another file with "
            "--output"
        ) from error
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
    study, *others = arguments.study
    of_table = study.suffix == ".csv"
    _check_plot(arguments, study, others, of_table)
    limits = _limits(arguments.limits)

    from chipdse.report.figures.axes import Look
    from chipdse.report.figures.kinds import draw, draw_points

    axes = (arguments.x, arguments.y, arguments.color)
    look = Look(title=arguments.title, limits=limits, log=arguments.log)
    if of_table:
        from chipdse.report.figures.front import points_of_csv

        points = points_of_csv(study, arguments.minimize, arguments.maximize)
        draw_points(points, arguments.output, axes, arguments.width, look=look, data=arguments.data)
    elif others:
        _plot_studies(arguments, look)
    else:
        from chipdse.api.study import load_study

        loaded = load_study(study)
        draw(
            loaded.folder,
            arguments.kind,
            arguments.output,
            axes=axes,
            trial=arguments.trial,
            width_in=arguments.width,
            look=look,
            data=arguments.data,
        )
        tell_version(loaded)
    if arguments.json:
        print_json({"figure": str(arguments.output)})
    else:
        print(arguments.output)
    return 0


def _plot_studies(arguments: argparse.Namespace, look: Look) -> None:
    """Draw the fronts of several studies, in the colour of each study unless another is chosen."""
    from chipdse.api.study import load_study
    from chipdse.report.figures.front import STUDY, points_of_studies, points_of_study
    from chipdse.report.figures.kinds import draw_points

    studies = [load_study(path) for path in arguments.study]
    points = points_of_studies([points_of_study(study.folder, study.points()) for study in studies])
    axes = (arguments.x, arguments.y, arguments.color or STUDY)
    draw_points(points, arguments.output, axes, arguments.width, look=look, data=arguments.data)
    for loaded in studies:
        tell_version(loaded)


def _check_plot(
    arguments: argparse.Namespace, study: Path, others: Sequence[Path], of_table: bool
) -> None:
    """Refuse options that do not belong together."""
    objectives = arguments.minimize or arguments.maximize
    if others and (of_table or arguments.kind != "front"):
        raise DesignError("several studies have one figure of --kind front only; name one study")
    for other in others:
        check_study(other)
    if of_table:
        check_exist(study)
        if not objectives:
            raise DesignError(
                "no objective is given; write e.g. --minimize latency --maximize accuracy"
            )
        if arguments.kind != "front":
            raise DesignError(f"--kind {arguments.kind} needs a study; a table has only the front")
    else:
        if objectives:
            raise DesignError(
                "--minimize and --maximize need a table; name a file that ends in .csv"
            )
        check_study(study)
    if arguments.kind != "front":
        for option, value in (
            ("--limits", arguments.limits),
            ("--log", arguments.log is not None),
        ):
            if value:
                raise DesignError(f"{option} belongs to --kind front, not {arguments.kind}")
    if arguments.title and arguments.kind in ("placement", "package"):
        raise DesignError(f"--title is not written into a picture of --kind {arguments.kind}")


def _limits(texts: Sequence[str]) -> dict[str, tuple[float | None, float | None]]:
    """Ranges of axes from texts such as ``x=0:5e-12``."""
    limits: dict[str, tuple[float | None, float | None]] = {}
    for text in texts:
        axis, _, ends = text.partition("=")
        low, mark, high = ends.partition(":")
        try:
            bounds = [float(end) if end else None for end in (low, high)]
        except ValueError:
            bounds = []
        given = [end for end in bounds if end is not None]
        if axis not in ("x", "y") or not mark or not given or not all(map(math.isfinite, given)):
            raise DesignError(
                f"--limits {text!r} is not AXIS=LOW:HIGH; write numbers in SI units, e.g. x=0:5e-12"
            )
        if given != sorted(set(given)):
            raise DesignError(f"--limits {text!r}: the first number must be the smaller")
        limits[axis] = (bounds[0], bounds[1])
    return limits
