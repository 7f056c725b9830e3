"""Verb `front`: the points that no other point dominates, of a study or of any table."""

from __future__ import annotations

import argparse
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import (
    Verbs,
    add_objectives,
    add_verb,
    command,
    draws_of,
    print_json,
    range_options,
    tell_version,
)
from chipdse.errors import DesignError
from chipdse.reading import check_exist
from chipdse.study.storage.layout import check_study

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from chipdse.api.study import Study

SHOWN_ROWS = 20
"""Rows of the front at the end of a sweep."""
LAID_OUT_ROWS = 200
"""Longer tables are as wide as they are, also on a narrower terminal."""
WIDE = 10_000
"""Width of a page on which no table is too wide [characters]."""


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "front",
        "print a study's Pareto front",
        "chipdse front studies/mac_array --format csv > front.csv\n"
        "  chipdse front studies/mac_array --where 'vdd_v <= 1.2' --sort cost_usd\n"
        "  chipdse front table.csv --minimize latency --maximize accuracy    # of any table",
        _front,
    )
    parser.add_argument("study", type=Path, help="folder of the study, or a table (.csv)")
    add_objectives(parser)
    parser.add_argument(
        "--format",
        choices=("table", "csv", "json"),
        default="table",
        help="output format; default a table",
    )
    parser.add_argument("--parquet", type=Path, metavar="FILE", help="also write all columns here")
    parser.add_argument("--all", action="store_true", help="print every point, not only the front")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="CONDITION",
        help="the front of the points that satisfy this only, e.g. 'throughput_ops_per_s > 1e12' "
        "or 'vdd_v <= 900mV' or 'drain = true'; may be repeated",
    )
    parser.add_argument("--sort", metavar="COLUMN", help="order of the rows, smallest first")
    parser.add_argument("--descending", action="store_true", help="with --sort: largest first")
    parser.add_argument("--columns", metavar="A,B", help="print only these columns, in this order")
    range_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _front(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    draws = draws_of(arguments)
    if arguments.study.suffix == ".csv":
        return _front_of_csv(arguments)
    if arguments.minimize or arguments.maximize:
        raise DesignError("--minimize and --maximize need a table; name a file that ends in .csv")
    check_study(arguments.study)

    from chipdse.api.study import load_study
    from chipdse.study.results.points import points_table
    from chipdse.study.results.text import csv_text, records_json

    study, has_parquet = load_study(arguments.study), arguments.parquet is not None
    if arguments.all or arguments.ranges or arguments.where:
        of_people = arguments.format == "table" and not arguments.json
        asks = arguments.where or arguments.sort or arguments.columns
        every_metric = arguments.ranges or has_parquet or not of_people or bool(asks)
        points = points_table(study.folder, every_metric=every_metric)
        if arguments.where:
            points = _matching(study, points, arguments.where)
        chosen, count = points if arguments.all else study.front_of(points), len(points)
    else:
        chosen, count = study.counted_front()
    chosen = _arranged(chosen, arguments)
    if has_parquet:
        _write_parquet(chosen, arguments.parquet)
    tell_version(study)
    if draws is not None:
        return _ranges(study, points, draws, arguments)
    if arguments.json or arguments.format == "json":
        print(records_json(chosen))
    elif arguments.format == "csv":
        print(csv_text(chosen), end="")
    elif arguments.columns:
        _print_columns(study, chosen, count)
    else:
        print_front(study, chosen, count, rows=len(chosen))
    return 0


def _check_options(arguments: argparse.Namespace) -> None:
    """Raise DesignError where two options do not go together."""
    if arguments.descending and arguments.sort is None:
        raise DesignError("--descending needs --sort COLUMN")
    if arguments.ranges and (arguments.where or arguments.sort or arguments.columns):
        raise DesignError("--where, --sort and --columns are not for --ranges; leave one out")


def _matching(study: Study, points: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """The points that satisfy conditions, with the front of these points (`front_among`)."""
    from chipdse.study.results.points import described_columns, front_among
    from chipdse.study.results.select import matching

    described = described_columns(study.folder.sweep, points)
    units = {name: column["unit"] for name, column in described.items()}
    return front_among(study.folder, matching(points, conditions, units))


def _arranged(table: pd.DataFrame, arguments: argparse.Namespace) -> pd.DataFrame:
    """A table in the order and with the columns that the options ask for."""
    if arguments.sort is None and arguments.columns is None:
        return table

    from chipdse.study.results.select import sorted_by, with_columns

    if arguments.sort is not None:
        table = sorted_by(table, arguments.sort, descending=arguments.descending)
    if arguments.columns is None:
        return table
    return with_columns(table, [name.strip() for name in arguments.columns.split(",")])


def _print_columns(study: Study, table: pd.DataFrame, points: int) -> None:
    """Chosen columns, as a table for people; metrics with their units in the headings."""
    from chipdse.report.quantities import heading_scale, units_of_study

    words, headings, columns = units_of_study(study.folder.sweep), [], []
    for name in map(str, table.columns):
        values = table[name].tolist()
        if words.unit(name):
            heading, scale = heading_scale(name, values, words)
            columns.append([f"{value / scale:.4g}" for value in values])
        else:
            heading = name.replace("_", "\n")
            columns.append(shown_values(values))
        headings.append(heading.replace(" [", "\n["))
    print_rows(
        f"{len(table)} of {_counted(points, 'point')}",
        headings,
        list(zip(*columns, strict=True)),
    )


def _ranges(study: Study, points: pd.DataFrame, draws: int, arguments: argparse.Namespace) -> int:
    """Print the front under ranges of constants."""
    from chipdse.report.quantities import units_of_study
    from chipdse.report.ranges import front_document, front_text
    from chipdse.store.store import Store, default_store
    from chipdse.study.harvest.ranges import study_ranges
    from chipdse.study.results.ranges import PROBABILITY, with_ranges
    from chipdse.study.storage.since import refuse_changed

    refuse_changed(study.folder, "a front with ranges")
    ranges = study_ranges(study.folder, points, Store(root=default_store()), draws)
    if arguments.json or arguments.format == "json":
        print_json(front_document(ranges))
    elif arguments.format == "csv":
        table = with_ranges(points, ranges)
        shown = table["on_front"] | (table[PROBABILITY] > 0) | arguments.all
        print(table[shown].to_csv(index=False), end="")
    else:
        print("\n".join(front_text(ranges, units_of_study(study.folder.sweep))))
    return 0


def _front_of_csv(arguments: argparse.Namespace) -> int:
    """Print the front of any table."""
    check_exist(arguments.study)
    if not arguments.minimize and not arguments.maximize:
        raise DesignError(
            "no objective is given; write e.g. --minimize latency --maximize accuracy"
        )

    from chipdse.study.results.csv_front import front_of_csv

    table, knee = front_of_csv(
        arguments.study, arguments.minimize, arguments.maximize, arguments.where
    )
    objectives = [*arguments.minimize, *arguments.maximize]
    ascending = [name in arguments.minimize for name in objectives]
    chosen = table if arguments.all else table[table["on_front"]]
    chosen = _arranged(chosen.sort_values(objectives, ascending=ascending), arguments)
    if arguments.parquet is not None:
        _write_parquet(chosen, arguments.parquet)
    if arguments.json or arguments.format == "json":
        print_json(chosen.to_dict("records"))
        return 0
    if arguments.format == "csv":
        print(chosen.to_csv(index=False), end="")
        return 0
    first = [] if arguments.columns else objectives
    names = [*first, *(name for name in chosen.columns if name not in (*first, "on_front"))]
    rows = []
    for row, values in zip(chosen.index, chosen[names].to_dict("records"), strict=True):
        label = f"{row} (knee)" if row == knee else str(row)
        rows.append([label, *shown_values([values[name] for name in names])])
    print_rows(
        f"Pareto front: {int(table['on_front'].sum())} of {_counted(len(table), 'row')}",
        ["row", *(name.replace("_", "\n") for name in names)],
        rows,
    )
    return 0


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    try:
        table.to_parquet(path, index=False)
    except ImportError as error:
        raise DesignError("--parquet needs pyarrow: pip install pyarrow") from error
    except OSError as error:
        raise DesignError(f"--parquet {str(path)!r}: {error.strerror}") from error


def print_front(study: Study, front: pd.DataFrame, points: int, rows: int = SHOWN_ROWS) -> None:
    """Objectives and parameters of the front, as a table for people; `points` are in the study."""
    from chipdse.report.quantities import heading_scale, units_of_study
    from chipdse.technology.own_figures import figure_text

    sweep_ = study.folder.sweep
    swept = [axis.name for axis in sweep_.space.axes]
    names = [name for name in swept if front[name].map(str).nunique() > 1]
    objectives = [
        objective.metric for objective in sweep_.objectives if objective.metric not in swept
    ]
    words = units_of_study(sweep_)
    scales = [heading_scale(name, front[name].tolist(), words) for name in objectives]
    replicated = "tied_with" in front
    headings = ["trial", *(label.replace(" [", "\n[") for label, _ in scales), *names]
    headings += ["tied_with"] if replicated else []
    shown, lines = "Pareto front" if front["on_front"].all() else "Points", []
    shown_names = ["trial", *objectives, *names, *(["tied_with"] if replicated else [])]
    shown_names += [f"{name}_std" for name in objectives if f"{name}_std" in front]
    for row in front.head(rows)[shown_names].to_dict("records"):
        values = [
            f"{row[name] / scale:.4g}{_spread(row, name, scale)}"
            for name, (_, scale) in zip(objectives, scales, strict=True)
        ]
        ties = [str(row["tied_with"])] if replicated else []
        parameters = shown_values([row[name] for name in names])
        lines.append([str(row["trial"]), *values, *parameters, *ties])
    print_rows(
        f"{shown}: {len(front)} of {_counted(points, 'point')}",
        [heading.replace("_", "\n") for heading in headings],
        lines,
    )
    same = [name for name in swept if name not in names]
    if same:
        listed = ", ".join(
            f"{name} {value}"
            for name, value in zip(
                same, shown_values([front[n].iloc[0] for n in same]), strict=True
            )
        )
        print(f"Equal in all of these points: {listed}.")
    for constant in sweep_.constants:
        print(f"Own figure: {figure_text(constant)}.")
    if len(front) > rows:
        print(f"... and {len(front) - rows} more: {command('chipdse', 'front', study.folder.path)}")


def empty_table(*headings: str) -> Table:
    """An empty table for people; columns are right-aligned."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*headings, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.justify = "right"
    return table


def print_table(table: Table) -> None:
    """Print a table on stdout, as wide as it is where stdout is no terminal."""
    from rich.console import Console

    Console(width=None if Console().is_terminal else WIDE).print(table, markup=False)


def print_rows(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on stdout. `print_table` takes milliseconds per row.

    Of a long table only the heading is laid out, above a row of the widest text of each column.
    """
    from rich.cells import cell_len
    from rich.console import Console

    is_long = len(rows) > LAID_OUT_ROWS
    table = empty_table(*headings)
    table.title = title
    widest = [max(set(cells), key=cell_len) for cells in zip(*rows, strict=True)] if is_long else []
    for row in [widest] if is_long else rows:
        table.add_row(*row)
    if not is_long:
        print_table(table)
        return
    console = Console(width=WIDE)
    with console.capture() as laid_out:
        console.print(table, markup=False)
    *head, _, last = laid_out.get().rstrip("\n").split("\n")
    columns = []
    for cells, longest, heading in zip(zip(*rows, strict=True), widest, headings, strict=True):
        width = max(cell_len(longest), *map(cell_len, heading.split("\n")))
        if longest.isascii() and all(map(str.isascii, cells)):
            columns.append([f"{text:>{width}}" for text in cells])
        else:
            columns.append([f"{' ' * (width - cell_len(text))}{text}" for text in cells])
    lines = [f" {'  '.join(row)}  " for row in zip(*columns, strict=True)]
    print("\n".join([*head, *lines, last]))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _spread(row: Mapping[Hashable, Any], name: str, scale: float) -> str:
    """Standard deviation over replicates, where there are any."""
    return f" ± {row[f'{name}_std'] / scale:.2g}" if f"{name}_std" in row else ""


def shown_values(values: Sequence[object]) -> list[str]:
    """Values of parameters as cells of a table."""
    return [f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]
