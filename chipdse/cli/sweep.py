"""Verb `sweep`: search, and answer."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.cli.common import (
    Verbs,
    add_liberty,
    add_verb,
    command,
    print_json,
)
from chipdse.cli.front import empty_table, print_front, print_table, shown_values
from chipdse.errors import DesignError
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.shipped import (
    check_liberty_files,
    check_sweep_exists,
    find_sweep,
    questions,
)

if TYPE_CHECKING:
    import pandas as pd

    from chipdse.api.study import Study
    from chipdse.report.answer import Answer


def add(verbs: Verbs) -> None:
    """Declare the verb."""
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
        "--patience",
        type=int,
        metavar="N",
        help="stop when N evaluations in a row do not improve the front; 0: never",
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
    parser.add_argument(
        "--sampler", choices=SAMPLERS, help="sampler to use instead of the sweep file's"
    )
    parser.add_argument(
        "--start-from",
        type=Path,
        metavar="STUDY",
        help="a new study first evaluates the best points of this study of the same block",
    )
    _worker_options(parser)
    add_liberty(
        parser, "Liberty file to use instead of the sweep file's library; repeat for several"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _worker_options(parser: argparse.ArgumentParser) -> None:
    """Where a sweep runs, and where its study is kept."""
    parser.add_argument("--workers", type=int, help="evaluations at once; default one per core")
    parser.add_argument(
        "--executor",
        default="processes",
        help="where points are evaluated: processes (default), dask, dask:ADDRESS, slurm, pbs",
    )
    parser.add_argument(
        "--executor-options", type=Path, metavar="FILE.toml", help="queue, memory, walltime, ..."
    )
    parser.add_argument(
        "--storage",
        help="postgresql://HOST/DATABASE, for several machines; default a file in the study",
    )


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
        start_from=arguments.start_from,
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
    print_front(study, front, len(points))
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
    from chipdse.report.quantities import label_of, shown_metric, units_of_study

    sweep_, words = study.folder.sweep, units_of_study(study.folder.sweep)
    table = empty_table("", *(label.replace(", ", ",\n") for label, _ in answer.designs))
    table.columns[0].justify = "left"
    rows = [front[front["trial"] == trial].iloc[0] for _, trial in answer.designs]
    table.add_row("trial", *(str(row["trial"]) for row in rows))
    goals = [objective.metric for objective in sweep_.objectives]
    for name in dict.fromkeys(goals):
        table.add_row(label_of(name), *(shown_metric(name, float(r[name]), words) for r in rows))
    for name in answer.differing:
        if name not in goals:  # a swept number may be an objective
            table.add_row(name, *shown_values([row[name] for row in rows]))
    print_table(table)
