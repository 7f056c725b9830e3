"""Verb `import-results`: compares the results of another flow with chipdse's estimates."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from chipdse.cli.common import Verbs, add_liberty, add_verb, check_liberty, print_json
from chipdse.errors import DesignError
from chipdse.export.results import Compared, compare, left_out, read_results
from chipdse.reading import check_exist
from chipdse.store.files import write_whole
from chipdse.study.storage.layout import check_study
from chipdse.units import parse_quantity, show

IMPORTED, METRICS = "imported.json", "metrics.json"


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "import-results",
        "compare the results of a place-and-route flow with chipdse's estimates",
        "chipdse import-results export/mac12 runs/latest/final/metrics.json\n"
        "  chipdse import-results studies/mac_array 6_report.json --trial 12 --clock 8ns\n"
        "  chipdse import-results export/mac12 routed.v --spef routed.spef.gz \\\n"
        "      --liberty cells.lib.gz --clock clk=8ns",
        _import,
    )
    parser.add_argument("point", type=Path, help="an exported folder, or a study with --trial")
    parser.add_argument(
        "results",
        type=Path,
        help="LibreLane metrics.json/.csv, OpenROAD 6_report.json or report; with --spef the "
        "routed netlist (Verilog)",
    )
    parser.add_argument("--trial", type=int, help="number of the trial, if a study is given")
    parser.add_argument(
        "--clock",
        metavar="PERIOD",
        help="clock of the flow; default as its results state, else the point's; with --spef "
        "PORT=PERIOD",
    )
    parser.add_argument(
        "--spef", type=Path, metavar="FILE", help="extracted wires of a routed netlist"
    )
    add_liberty(parser, "Liberty file of the cells of the routed netlist, or the name of a library")
    parser.add_argument(
        "--top", help="top module of the routed netlist; needed if there are several candidates"
    )
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", help="waveform of a simulation of the routed netlist"
    )
    parser.add_argument(
        "--scope", default="", metavar="PATH", help="instance of the routed netlist in the trace"
    )
    parser.add_argument(
        "--corner",
        help="timing corner of the results to compare with; default the typical one, if named",
    )
    parser.add_argument(
        "--time-unit", default="1ns", help="time unit of the slacks in the results; 1ps for asap7"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _import(arguments: argparse.Namespace) -> int:
    if not _is_exported(arguments.point):
        check_study(arguments.point)
    if arguments.spef is not None:
        return _import_routed(arguments)
    results = read_results(arguments.results)
    ours, folder = _point(arguments.point, arguments.trial)
    period = None if arguments.clock is None else parse_quantity(arguments.clock, "s", "--clock")
    if period is not None and not period > 0:
        raise DesignError(f"--clock {arguments.clock!r} must be positive")
    options: dict[str, Any] = {
        "clock_period_s": period,
        "corner": arguments.corner,
        "time_unit_s": parse_quantity(arguments.time_unit, "s", "--time-unit"),
    }
    comparisons = compare(ours, results, **options)
    kept = _keep(folder / IMPORTED, arguments.trial, arguments.results, comparisons)
    for line in left_out(ours, results, **options):
        print(line, file=sys.stderr)
    _show(comparisons, comparisons, arguments.json)
    if not arguments.json:
        print("error: estimate / flow - 1; compare powers only if the flow read activity.saif")
        print(kept)
    return 0


def _import_routed(arguments: argparse.Namespace) -> int:
    """Compare a point with a routed netlist and its wires."""
    port, mark, period = (arguments.clock or "").partition("=")
    if not (port and mark):
        raise DesignError("--spef needs the clock of the routed netlist: --clock PORT=PERIOD")
    period_s = parse_quantity(period, "s", "--clock PORT=PERIOD:")
    if not period_s > 0:
        raise DesignError(f"--clock {arguments.clock!r} must be positive")
    if not arguments.liberty:
        raise DesignError("--spef needs --liberty: the routed netlist's cells come from it")
    check_liberty(arguments.liberty)
    check_exist(arguments.results, arguments.spef, *([arguments.trace] if arguments.trace else []))

    from chipdse.export.routed import RoutedFiles, compare_routed, compare_wires, read_routed
    from chipdse.netlist.library.catalogue import named_library, resolve

    ours, folder = _point(arguments.point, arguments.trial)
    library = (named_library(arguments.liberty) or resolve(arguments.liberty)).load()
    files = RoutedFiles(
        netlist=arguments.results,
        spef=arguments.spef,
        clock=port,
        top=arguments.top,
        trace=arguments.trace,
        scope=arguments.scope,
    )
    routed = read_routed(
        files,
        library,
        period_s,
        supply_v=ours.get("vdd_v"),
        temperature_c=ours.get("library_temperature_c"),
    )
    notes, wires = routed.notes, []
    try:
        wires = compare_wires(routed)
    except DesignError as error:
        notes = [*notes, str(error)]
    comparisons = compare_routed(ours, routed)
    kept = _keep(folder / IMPORTED, arguments.trial, arguments.results, comparisons)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    _show(comparisons, [*comparisons, *wires], arguments.json)
    if not arguments.json:
        print("error: estimate / routed - 1; wires are estimated on the routed netlist's own cells")
        if arguments.trace is None:
            print("power is that of the clock tree; --trace of a simulation compares all power")
        print(kept)
    return 0


def _show(known: list[Compared], comparisons: list[Compared], as_json: bool) -> None:
    """Print comparisons, as a table or JSON; `known` are those of metrics of a point."""
    if as_json:
        print_json([dataclasses.asdict(comparison) for comparison in comparisons])
        return

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from chipdse.report.quantities import shown_metric

    table = Table("metric", "chipdse", "theirs", "error", box=SIMPLE_HEAD)
    for column in table.columns[1:]:
        column.justify = "right"
    for comparison in comparisons:
        error = "" if comparison.error_frac is None else f"{comparison.error_frac:+.1%}"
        shown = [
            shown_metric(comparison.metric, number) if comparison in known else show(number, "F")
            for number in (comparison.ours, comparison.theirs)
        ]
        table.add_row(comparison.metric, *shown, error)
    Console().print(table, markup=False)


def _is_exported(path: Path) -> bool:
    """Whether a folder is an exported point rather than a study."""
    return (path / METRICS).is_file()


def _point(path: Path, trial: int | None) -> tuple[dict[str, float], Path]:
    """Our metrics of the point, and the folder to keep the comparison in."""
    if _is_exported(path):
        if trial is not None:
            raise DesignError(
                f"{path} is an exported folder, which is one point; leave out --trial"
            )
        return _exported(path / METRICS), path

    from chipdse.api.study import load_study
    from chipdse.study.results.points import row_of

    study = load_study(path)
    if trial is None:
        raise DesignError(f"{path} is a study; say which point with --trial N")
    row = row_of(study.folder, trial)
    if row is None or row["state"] == "failed":
        raise DesignError(f"{path} has no trial {trial} with results; see 'chipdse front'")
    return {name: value for name, value in row.items() if isinstance(value, int | float)}, path


def _exported(file: Path) -> dict[str, float]:
    """The metrics of an exported point; other flows write files of this name too."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        values = {str(name): metric["value"] for name, metric in content.items()}
    except OSError as error:
        raise DesignError(f"{file}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        values = {}
    if not values or not all(isinstance(value, int | float) for value in values.values()):
        raise DesignError(
            f"{file} is not what 'chipdse export' wrote; the first argument is the exported "
            "folder, or the study, and the second one the results of the other flow"
        )
    return values


def _keep(path: Path, trial: int | None, source: Path, comparisons: list[Compared]) -> str:
    """Add the comparison to what was imported before; the same source replaces itself.

    Returns
    -------
    What was done, for people: in a folder of somebody else nothing can be kept.
    """
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
        others = [
            entry for entry in entries if (entry["trial"], entry["source"]) != (trial, str(source))
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DesignError(f"{path} is damaged ({reason}); remove it") from None
    added = {
        "trial": trial,
        "source": str(source),
        "metrics": [dataclasses.asdict(comparison) for comparison in comparisons],
    }
    try:
        write_whole(path, json.dumps([*others, added], indent=1) + "\n")
    except OSError as error:
        return f"not kept: {path} cannot be written ({error.strerror})"
    return f"kept in {path}"
