"""Verbs `sweep`, `front`: search, and list what was found."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import (
    Verbs,
    add_objectives,
    add_verb,
    command,
    print_json,
    range_options,
    tell_version,
)
from chipdse.errors import DesignError
from chipdse.reading import check_exist
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.shipped import (
    check_liberty_files,
    check_sweep_exists,
    find_sweep,
    questions,
)
from chipdse.study.storage.layout import check_study

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from chipdse.api.study import Study
    from chipdse.report.answer import Answer

SHOWN_ROWS = 20


def add(verbs: Verbs) -> None:
    """Declare the verbs."""
    _add_sweep(verbs)
    _add_front(verbs)


def _add_sweep(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "sweep",
        "run or continue a study",
        "chipdse sweep sweeps/mac_array.toml --trials 30 --workers 2",
        _sweep,
    )
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        metavar="FILE.toml",
        help="the sweep file, or the name of a shipped one",
    )
    parser.add_argument("--list", action="store_true", help="print the shipped sweeps, and end")
    parser.add_argument("--study", type=Path, help="folder of the study; default studies/NAME")
    parser.add_argument(
        "--trials",
        type=int,
        help="stop at this number of evaluations; harvested points do not count",
    )
    parser.add_argument("--time", metavar="2h", help="start no evaluation after this time")
    parser.add_argument(
        "--patience", type=int, metavar="N", help="stop when N evaluations in a row improve nothing"
    )
    parser.add_argument("--retry-failed", action="store_true", help="evaluate failed points again")
    parser.add_argument(
        "--re-evaluate",
        action="store_true",
        help="evaluate the points again that another version of block, library or tools made",
    )
    parser.add_argument(
        "--no-report", dest="report", action="store_false", help="write no report at the end"
    )
    parser.add_argument("--sampler", choices=SAMPLERS, help="instead of the sweep file's")
    parser.add_argument("--workers", type=int, help="evaluations at once; default one per core")
    parser.add_argument(
        "--executor",
        default="processes",
        help="where: processes (default), dask, dask:ADDRESS, slurm, pbs",
    )
    parser.add_argument(
        "--executor-options", type=Path, metavar="FILE.toml", help="queue, memory, walltime, ..."
    )
    parser.add_argument(
        "--storage",
        help="postgresql://HOST/DATABASE, for several machines; default a file in the study",
    )
    parser.add_argument(
        "--liberty",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="Liberty file to use instead of the sweep file's library; repeat for several",
    )
    _json_option(parser)


def _add_front(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "front",
        "print a study's Pareto front",
        "chipdse front studies/mac_array --format csv > front.csv\n"
        "  chipdse front table.csv --minimize latency --maximize accuracy    # of any table",
        _front,
    )
    parser.add_argument("study", type=Path, help="folder of the study, or a table (.csv)")
    add_objectives(parser)
    parser.add_argument(
        "--format", choices=("table", "csv", "json"), default="table", help="default a table"
    )
    parser.add_argument("--parquet", type=Path, metavar="FILE", help="also write all columns here")
    parser.add_argument("--all", action="store_true", help="every point, not only the front")
    range_options(parser)
    _json_option(parser)


def _json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _sweep(arguments: argparse.Namespace) -> int:
    if arguments.list:
        _print_shipped(as_json=arguments.json)
        return 0
    if arguments.file is None:
        raise DesignError("no sweep file is given; 'chipdse sweep --list' names the shipped ones")
    # A queue ends a job by SIGTERM: as Ctrl-C, what is under way is given back at once.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_liberty_files(arguments.liberty)
    check_sweep_exists(find_sweep(arguments.file))

    from chipdse.api.study import sweep

    study = sweep(
        arguments.file,
        study=arguments.study,
        trials=arguments.trials,
        time=arguments.time,
        patience=arguments.patience,
        retry_failed=arguments.retry_failed,
        re_evaluate=arguments.re_evaluate,
        report=arguments.report,
        workers=arguments.workers,
        executor=arguments.executor,
        executor_options=arguments.executor_options,
        liberty=arguments.liberty,
        storage=arguments.storage,
        sampler=arguments.sampler,
    )
    report = study.folder.path / "report.html" if arguments.report else None
    if arguments.json:
        print_json(_document(study, report))
    else:
        _print_result(study, report)
    return 0


def _print_shipped(*, as_json: bool) -> None:
    """Print the sweeps that ship with their questions."""
    if as_json:
        print_json(questions())
        return
    for name, question in questions().items():
        print(f"{name:20} {' '.join(question.split())}")


def _document(study: Study, report: Path | None) -> dict[str, Any]:
    """The result of a sweep as the JSON document that `--json` prints."""
    from chipdse.study.running.status import read_status
    from chipdse.study.storage.trials import by_evaluation, finished

    points = study.points()
    answer = _answer(study, points)
    return {
        "study": str(study.folder.path),
        "report": None if report is None else str(report),
        "ended": read_status(study.folder.path).state,
        "trials": len(by_evaluation(finished(study.folder.study))),
        "points": len(points),
        "answer": list(answer.sentences),
        "warnings": list(answer.warnings),
        "designs": dict(answer.designs),
        "front": study.front_of(points).to_dict("records"),
    }


def _print_result(study: Study, report: Path | None) -> None:
    """Print the answer of a sweep, its front and where its files are."""
    from chipdse.study.running.plan import composed_text
    from chipdse.study.running.status import read_status
    from chipdse.study.storage.trials import finished

    points, path = study.points(), study.folder.path
    front, answer = study.front_of(points), _answer(study, points)
    print("\n".join((*answer.sentences, *(f"warning: {text}" for text in answer.warnings))))
    _print_designs(study, front, answer)
    _print_front(study, front, len(points))
    if study.folder.sweep.chip is not None:
        print(f"chips:   {composed_text(finished(study.folder.study))}")
    print(f"ended:   {read_status(path).state}")
    if report is not None:
        print(f"report:  {report}")
    print(f"points:  {path / 'points.csv'}")
    if study.folder.sweep.chip is None:
        print(f"export:  {command('chipdse', 'export', path, '--knee', '--to')} DIR")


def _answer(study: Study, points: pd.DataFrame) -> Answer:
    """The answer of a study in words."""
    from chipdse.report.answer import answer_of
    from chipdse.report.importance import importance

    return answer_of(study.folder.sweep, points, importance(study.folder))


def _print_designs(study: Study, front: pd.DataFrame, answer: Answer) -> None:
    """The labelled designs, one column each."""
    from chipdse.report.quantities import label_of, shown_metric, words_of

    sweep_, words = study.folder.sweep, words_of(study.folder.sweep)
    table = _table("", *(label.replace(", ", ",\n") for label, _ in answer.designs))
    table.columns[0].justify = "left"
    rows = [front[front["trial"] == trial].iloc[0] for _, trial in answer.designs]
    table.add_row("trial", *(str(row["trial"]) for row in rows))
    for name in dict.fromkeys(objective.metric for objective in sweep_.objectives):
        table.add_row(label_of(name), *(shown_metric(name, float(r[name]), words) for r in rows))
    for name in answer.differing:
        table.add_row(name, *_shown([row[name] for row in rows]))
    _print(table)


def _front(arguments: argparse.Namespace) -> int:
    if arguments.study.suffix == ".csv":
        return _front_of_csv(arguments)
    if arguments.minimize or arguments.maximize:
        raise DesignError("--minimize and --maximize need a table; name a file that ends in .csv")
    check_study(arguments.study)

    from chipdse.api.study import load_study

    study = load_study(arguments.study)
    if arguments.all or arguments.ranges:
        points = study.points()
        chosen, count = points if arguments.all else study.front_of(points), len(points)
    else:
        chosen, count = study.counted_front()
    if arguments.parquet is not None:
        _write_parquet(chosen, arguments.parquet)
    tell_version(study)
    if arguments.ranges:
        return _ranges(study, points, arguments)
    if arguments.json or arguments.format == "json":
        print_json(chosen.to_dict("records"))
    elif arguments.format == "csv":
        print(chosen.to_csv(index=False), end="")
    else:
        _print_front(study, chosen, count, rows=len(chosen))
    return 0


def _ranges(study: Study, points: pd.DataFrame, arguments: argparse.Namespace) -> int:
    """Print the front under ranges of constants."""
    from chipdse.report.quantities import words_of
    from chipdse.report.ranges import front_document, front_text
    from chipdse.store.store import Store, default_store
    from chipdse.study.harvest.ranges import study_ranges
    from chipdse.study.results.ranges import PROBABILITY, with_ranges
    from chipdse.study.storage.since import refuse_changed

    refuse_changed(study.folder, "a front with ranges")
    ranges = study_ranges(study.folder, points, Store(root=default_store()), arguments.draws)
    if arguments.json or arguments.format == "json":
        print_json(front_document(ranges))
    elif arguments.format == "csv":
        table = with_ranges(points, ranges)
        shown = table["on_front"] | (table[PROBABILITY] > 0) | arguments.all
        print(table[shown].to_csv(index=False), end="")
    else:
        print("\n".join(front_text(ranges, words_of(study.folder.sweep))))
    return 0


def _front_of_csv(arguments: argparse.Namespace) -> int:
    """Print the front of any table."""
    check_exist(arguments.study)
    if not arguments.minimize and not arguments.maximize:
        raise DesignError(
            "no objective is given; write e.g. --minimize latency --maximize accuracy"
        )

    from chipdse.study.results.csv_front import front_of_csv

    table, knee = front_of_csv(arguments.study, arguments.minimize, arguments.maximize)
    objectives = [*arguments.minimize, *arguments.maximize]
    ascending = [name in arguments.minimize for name in objectives]
    chosen = table if arguments.all else table[table["on_front"]]
    chosen = chosen.sort_values(objectives, ascending=ascending)
    if arguments.parquet is not None:
        _write_parquet(chosen, arguments.parquet)
    if arguments.json or arguments.format == "json":
        print_json(chosen.to_dict("records"))
        return 0
    if arguments.format == "csv":
        print(chosen.to_csv(index=False), end="")
        return 0
    names = [*objectives, *(n for n in chosen.columns if n not in (*objectives, "on_front"))]
    shown = _table("row", *(name.replace("_", "\n") for name in names))
    shown.title = f"Pareto front: {int(table['on_front'].sum())} of {_counted(len(table), 'row')}"
    for row, values in zip(chosen.index, chosen[names].to_dict("records"), strict=True):
        label = f"{row} (knee)" if row == knee else str(row)
        shown.add_row(label, *_shown([values[name] for name in names]))
    _print(shown)
    return 0


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    try:
        table.to_parquet(path, index=False)
    except ImportError as error:
        raise DesignError("--parquet needs pyarrow: pip install pyarrow") from error
    except OSError as error:
        raise DesignError(f"--parquet {str(path)!r}: {error.strerror}") from error


def _print_front(study: Study, front: pd.DataFrame, points: int, rows: int = SHOWN_ROWS) -> None:
    """Objectives and parameters of the front, as a table for people; `points` are in the study."""
    from chipdse.report.quantities import heading_scale, words_of
    from chipdse.technology.own_figures import figure_text

    sweep_ = study.folder.sweep
    swept = [axis.name for axis in sweep_.space.axes]
    names = [name for name in swept if front[name].map(str).nunique() > 1]
    objectives = [
        objective.metric for objective in sweep_.objectives if objective.metric not in swept
    ]
    words = words_of(sweep_)
    scales = [heading_scale(name, front[name].tolist(), words) for name in objectives]
    replicated = "tied_with" in front
    headings = ["trial", *(label.replace(" [", "\n[") for label, _ in scales), *names]
    headings += ["tied_with"] if replicated else []
    table = _table(*(heading.replace("_", "\n") for heading in headings))
    shown = "Pareto front" if front["on_front"].all() else "Points"
    table.title = f"{shown}: {len(front)} of {_counted(points, 'point')}"
    for row in front.head(rows).to_dict("records"):
        values = [
            f"{row[name] / scale:.4g}{_spread(row, name, scale)}"
            for name, (_, scale) in zip(objectives, scales, strict=True)
        ]
        ties = [str(row["tied_with"])] if replicated else []
        table.add_row(str(row["trial"]), *values, *_shown([row[name] for name in names]), *ties)
    _print(table)
    same = [name for name in swept if name not in names]
    if same:
        listed = ", ".join(
            f"{name} {value}"
            for name, value in zip(same, _shown([front[n].iloc[0] for n in same]), strict=True)
        )
        print(f"The same in each of them: {listed}.")
    for constant in sweep_.constants:
        print(f"Own figure: {figure_text(constant)}.")
    if len(front) > rows:
        print(f"... and {len(front) - rows} more: {command('chipdse', 'front', study.folder.path)}")


def _table(*headings: str) -> Table:
    """An empty table for people; columns are right-aligned."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(*headings, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.justify = "right"
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    Console(width=None if Console().is_terminal else 10_000).print(table, markup=False)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _spread(row: Mapping[Hashable, Any], name: str, scale: float) -> str:
    """Standard deviation over replicates, where there are any."""
    return f" ± {row[f'{name}_std'] / scale:.2g}" if f"{name}_std" in row else ""


def _shown(values: Sequence[object]) -> list[str]:
    return [f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]
