"""The report of a study: one HTML file that needs no network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from chipdse.errors import ChipdseError, DesignError
from chipdse.metrics import Basis
from chipdse.report.answer import Answer, answer_of, shown_value
from chipdse.report.page.chip_details import chip_detail_or_reason
from chipdse.report.page.data import page_data
from chipdse.report.page.details import details_or_reason, used_publications, used_sources
from chipdse.report.page.parts import escaped, framed, html_table, loader
from chipdse.report.page.ranges_data import ranges_data
from chipdse.report.quantities import label_of, shown_metric, units_of_study
from chipdse.store.store import Store
from chipdse.study.harvest.chips import known_points
from chipdse.study.harvest.composed import Known, one_chip
from chipdse.study.harvest.ranges import study_ranges
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.choose import best, knee
from chipdse.study.results.points import basis_of, evidence_of_column, points_table
from chipdse.study.results.ranges import FRONT, Ranges
from chipdse.study.storage.folder import StudyFolder
from chipdse.study.storage.since import changes_of, refuse_changed, version_text

SCRIPTS = ("common", "data", "plots", "chips", "front", "parallel", "points", "page")
"""Parts of the page's script, in their order."""
_ALIKE = 20
"""Pairs of points that are listed."""


def report_html(
    folder: StudyFolder,
    store: Store | None,
    *,
    details: int | Sequence[int] | None = None,
    live: bool = False,
    draws: int | None = None,
    tell: Callable[[int], None] = lambda trial: None,
) -> str:
    """The whole page.

    Parameters
    ----------
    store : where the stages of the study are; None looks into no point
    details : how many points have details, the knee and the best of each objective first;
        or which; None for just these
    live : it is served by `chipdse explore`
    draws : of what is uncertain, for intervals; None: none
    tell : called before each point that is looked into

    Raises
    ------
    DesignError : a trial of `details` does not exist; or there are draws, and the study has no
        ranges (`study_ranges`) or something changed since it was evaluated
    """
    if draws is not None:
        refuse_changed(folder, "a report with ranges")
    table = points_table(folder)
    looked: dict[int, dict[str, Any]] = {}
    if store is not None:
        known = known_parts(folder)
        for trial in _chosen(folder, table, details):
            tell(trial)
            looked[trial] = point_of(folder, table, trial, store, known)
    data = page_data(folder, table, looked, live=live)
    ranges = None
    if draws is not None and store is not None:
        ranges = study_ranges(folder, table, store, draws)
        data["ranges"] = ranges_data(table, ranges)
    answer = None
    if data["feasible"]:
        answer = answer_of(folder.sweep, table, data["importance"])
        data["designs"] = answer.designs
    empty = "<p><strong>No feasible point: there is no front.</strong></p>"
    parts = {
        "title": escaped(folder.path.absolute().name),
        "question": escaped(folder.sweep.question),
        "summary": _summary(folder.sweep, table),
        "version": _version(folder),
        "answer": "" if answer is None else _answer(folder, table, answer),
        "nothing": "" if data["feasible"] else empty,
        "hidden": "" if data["feasible"] else " hidden",
        "ranges": "" if ranges is None else _ranges(ranges),
        "failures_hidden": "" if data["failures"] else "hidden",
        "note": _note(basis_of(folder.sweep, table)),
        "evidence": _evidence(folder, table),
        "sources": _sources(used_publications(looked)),
        "provenance": _provenance(folder, used_sources(looked)),
        "loader": loader(data, SCRIPTS),
    }
    return framed("page", parts, asks_server=True)


def _summary(sweep: Sweep, table: pd.DataFrame) -> str:
    """The block or chip, and how many points of each state the study has."""
    states = table["state"].value_counts()
    counts = ", ".join(f"{states.get(s, 0)} {s}" for s in ("feasible", "infeasible", "failed"))
    front = int(table["on_front"].sum())
    return (
        f"{_subject(sweep)}, {len(table)} points: {counts}; {front} on the front.{_limits(sweep)}"
    )


def _limits(sweep: Sweep) -> str:
    """The limits of the question, as a sentence; empty without."""
    words, bounds = units_of_study(sweep), []
    for limit in sweep.limits:
        for word, bound in (("at least", limit.minimum), ("at most", limit.maximum)):
            if math.isfinite(bound):
                shown = shown_metric(limit.metric, bound, words)
                bounds.append(escaped(f"{label_of(limit.metric)} {word} {shown}"))
    return f" Limits: {', '.join(bounds)}." if bounds else ""


def _subject(sweep: Sweep) -> str:
    """The block, or the parts of a chip."""
    if sweep.chip is None:
        return f"Block <code>{escaped(sweep.template.block.name)}</code>"
    parts = ", ".join(
        f"{escaped(part.name)} (<code>{escaped(part.template.block.name)}</code>)"
        for part in sweep.chip.parts
    )
    return f"Chip of {parts}"


def _answer(folder: StudyFolder, table: pd.DataFrame, answer: Answer) -> str:
    """The answer in words, and the labelled designs beside each other."""
    listed = "".join(f"<li>{escaped(sentence)}</li>" for sentence in answer.sentences)
    warned = "".join(f'<p class="warn">{escaped(warning)}.</p>' for warning in answer.warnings)
    words = units_of_study(folder.sweep)
    rows = [table[table["trial"] == trial].iloc[0] for _, trial in answer.designs]
    goals = [objective.metric for objective in folder.sweep.objectives]
    cells = [["trial", *(row["trial"] for row in rows)]]
    cells += [[label_of(n), *(shown_metric(n, float(r[n]), words) for r in rows)] for n in goals]
    cells += [
        [name, *(shown_value(row[name]) for row in rows)]
        for name in answer.differing
        if name not in goals
    ]
    designs = html_table(("", *(label for label, _ in answer.designs)), cells)
    return (
        f'<section id="answer"><h2>Answer</h2><div class="both"><div><ul>{listed}</ul>{warned}'
        f"</div>{designs}</div></section>"
    )


def _ranges(ranges: Ranges) -> str:
    """Importance under ranges, points that cannot be distinguished, and the drawn inputs."""
    decides = [
        (
            "being on the front" if name == FRONT else label_of(name),
            ", ".join(f"{what} {share:.0%}" for what, share in shares.items())
            or "nothing that is drawn",
        )
        for name, shares in ranges.decisive.items()
    ]
    alike = ranges.alike()
    listed = "; ".join(f"{first} and {second}" for first, second in alike[:_ALIKE])
    more = f"; and {len(alike) - _ALIKE} more" if len(alike) > _ALIKE else ""
    same = "Every pair of points of the front differs in an objective in 95 % of the draws."
    if alike:
        same = f"No objective distinguishes these pairs of the front: {listed}{more}."
    drawn = [(drawn_input.name, drawn_input.text()) for drawn_input in ranges.inputs]
    return (
        f'<section id="ranges"><h2>Ranges</h2><p class="quiet">{ranges.draws} draws of what is '
        "uncertain, the same for every point. Bars in the plot and the ranges in the table are "
        "90 % intervals; a point is fainter, the rarer it is on the front.</p>"
        f"<p>{escaped(same)}</p>"
        f"{html_table(('what', 'decided by (share of its variance)'), decides)}"
        f"<details><summary>{len(drawn)} quantities drawn</summary>"
        f"{html_table(('quantity', 'distribution'), drawn)}</details></section>"
    )


def known_parts(folder: StudyFolder) -> Known:
    """The part points that a study of chips has measured; empty for a study of one block."""
    chip = folder.sweep.chip
    return {} if chip is None else known_points(chip, folder.study.get_trials(deepcopy=False))


def point_of(
    folder: StudyFolder,
    table: pd.DataFrame,
    trial: int,
    store: Store,
    known: Known | None = None,
) -> dict[str, Any]:
    """The details of one trial, or the reason why they cannot be computed.

    Parameters
    ----------
    known : `known_parts` of the study; None: they are read
    """
    rows = table[table["trial"] == trial]
    if rows.empty:
        return {"error": f"there is no trial {trial}"}
    if rows["state"].iloc[0] == "failed":
        return {"error": str(rows["failure"].iloc[0])}
    sweep = folder.sweep
    point = {axis.name: axis.nearest(rows[axis.name].iloc[0]) for axis in sweep.space.axes}
    try:
        refuse_changed(folder, "looking into a point")
        if sweep.chip is not None:
            known = known_parts(folder) if known is None else known
            return chip_detail_or_reason(one_chip(sweep, known, point))
        design = sweep.template.design(point)
    except ChipdseError as error:
        return {"error": str(error)}
    return details_or_reason(design, store)


def _chosen(
    folder: StudyFolder, table: pd.DataFrame, details: int | Sequence[int] | None
) -> list[int]:
    """Trials with details: the knee, the best of each objective, then others of the front."""
    if details is not None and not isinstance(details, int):
        missing = sorted(set(details) - set(table["trial"].tolist()))
        if missing:
            raise DesignError(
                f"{folder.path} has no trial {missing[0]}; 'chipdse front --all' lists its trials"
            )
        return list(details)
    front = table[table["on_front"]]
    if front.empty:
        return []
    sweep = folder.sweep
    wanted = [knee(sweep, front)]
    wanted += [best(sweep, front, objective.metric) for objective in sweep.objectives]
    named = len(set(wanted))
    wanted += front["trial"].tolist()
    return list(dict.fromkeys(wanted))[: named if details is None else details]


def _note(basis: Basis) -> str:
    """What the figures rest on, in a few sentences."""
    parts = ["Function, cycles and work are measured in simulation, area on the mapped netlist."]
    if basis.layout == "modelled":
        parts.append(
            "Timing and power also count wires or a clock tree estimated before layout: modelled."
        )
    else:
        parts.append("Timing and power are the netlist's, without wires and clock tree: measured.")
    if basis.cells == "modelled":
        parts.append("SRAM macros come from a model, and what rests on them is modelled.")
    if basis.activity == "estimated":
        parts.append(
            "No bench checks this block: random inputs stand for work, so power is an estimate."
        )
    parts.append(
        "System figures are modelled by published models, estimated where a process lies outside "
        "their tables. Differences of 1 to 2 % are within what another synthesis seed changes."
    )
    return " ".join(parts)


def _version(folder: StudyFolder) -> str:
    """The version that made the points; in bold where something changed since."""
    text = f"The points are of {escaped(version_text(folder))}."
    return f"<strong>{text}</strong>" if changes_of(folder) else text


def _evidence(folder: StudyFolder, table: pd.DataFrame) -> str:
    systems = "estimated" if (table["system_evidence"] == "estimated").any() else "modelled"
    basis = basis_of(folder.sweep, table)
    derived = folder.sweep.derived
    words = units_of_study(folder.sweep)
    known = {**folder.sweep.metrics} | {metric.name: {"doc": metric.doc} for metric in derived}
    names = [objective.metric for objective in folder.sweep.objectives]
    names += [name for name in known if name not in names]
    swept = {"doc": "a swept parameter"}
    rows = [
        (
            name,
            words.unit(name),
            known.get(name, swept)["doc"],
            evidence_of_column(folder.sweep, name, systems, basis),
        )
        for name in names
    ]
    listed = html_table(("metric", "unit", "what it is", "evidence"), rows)
    return f"<details><summary>every metric and its kind of evidence</summary>{listed}</details>"


def _listed(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _sources(publications: Sequence[str]) -> str:
    """What to cite for the points that were looked into."""
    if not publications:
        return ""
    listed = "".join(f"<li>{escaped(text)}</li>" for text in publications)
    return (
        f'<section id="sources"><h2>Sources</h2><p class="quiet">The publications and other '
        f"sources of the models and constants that the points looked into used.</p><ul>{listed}"
        "</ul></section>"
    )


def _provenance(folder: StudyFolder, sources: Sequence[Mapping[str, Any]]) -> str:
    description = {key: value for key, value in folder.description.items() if key != "storage"}
    description = {**description, "seed": folder.sweep.seed}
    rows = [(key, _listed(value)) for key, value in description.items() if value not in ([], {})]
    constants = ""
    if sources:
        listed = html_table(
            ("constant", "value", "unit", "source"),
            [(s["key"], f"{s['value']:g}", s["unit"], s["source"]) for s in sources],
        )
        constants = (
            f"<details><summary>{len(sources)} constants used by the points looked into, with "
            f"their sources</summary>{listed}</details>"
        )
    return (
        f"{html_table(('what', 'value'), rows)}{constants}<details><summary>sweep file</summary>"
        f'<pre tabindex="0">{escaped(folder.sweep.text)}</pre></details>'
    )
