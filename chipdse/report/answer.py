"""The answer of a study in words: the best designs, what is never on the front, what decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chipdse.report.quantities import label_of, shown_metric, units_of_study
from chipdse.study.question.space import Axis
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.choose import best, knee

LARGE_FRONT_FRAC = 1 / 3
"""A front with a larger share of the feasible points says little: the question is too wide."""
SMALL_STUDY = 20
"""With fewer feasible points a large front is no sign of anything."""
DECIDES = 0.5
"""A parameter that explains this share of an objective's variance decides it."""
ALIKE = 0.1
"""Two objectives are proportional if their ratio varies over a parameter by less than this share of
the variance of either."""
_NAMED = 6


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a study found, for people.

    sentences : the answer, most important first
    warnings : why the question may be a bad one
    designs : label and trial of the best in each objective and of the knee; equal points once
    differing : parameters that differ on the front
    constant : parameters that are the same in every point of the front, with their values
    """

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    designs: tuple[tuple[str, int], ...]
    differing: tuple[str, ...]
    constant: tuple[tuple[str, str], ...]


def answer_of(
    sweep: Sweep, table: pd.DataFrame, importances: Mapping[str, Mapping[str, float]]
) -> Answer:
    """The answer of a study with at least one feasible point.

    Parameters
    ----------
    table : `points_table` of the study
    importances : for each objective, the share that each parameter explains among good points
    """
    front = table[table["on_front"]]
    names = [axis.name for axis in sweep.space.axes]
    varied = [name for name in names if front[name].map(str).nunique() > 1]
    designs = _designs(sweep, front)
    sentences = [
        *_best_sentences(sweep, front, varied),
        _knee_sentence(sweep, table, varied),
        *_absent_sentences(sweep, table),
        *_deciding_sentences(
            {goal: shares for goal, shares in importances.items() if goal not in names}
        ),
    ]
    return Answer(
        sentences=tuple(sentences),
        warnings=tuple(warnings_of(sweep, table)),
        designs=tuple(designs),
        differing=tuple(varied),
        constant=tuple(
            (name, shown_value(front[name].iloc[0])) for name in names if name not in varied
        ),
    )


def shown_value(value: object) -> str:
    """A parameter's value as text."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _designs(sweep: Sweep, front: pd.DataFrame) -> list[tuple[str, int]]:
    # Of the whole table, the best may be a point with the same value that is not on the front.
    labels: dict[int, list[str]] = {}
    for objective in sweep.objectives:
        trial = best(sweep, front, objective.metric)
        word = "least" if objective.minimize else "most"
        labels.setdefault(trial, []).append(f"{word} {label_of(objective.metric)}")
    labels.setdefault(knee(sweep, front), []).append("knee")
    return [(", ".join(words), trial) for trial, words in labels.items()]


def _point_text(row: pd.Series, names: Sequence[str]) -> str:
    values = ", ".join(f"{name} {shown_value(row[name])}" for name in names)
    return f"trial {row['trial']}{f' ({values})' if values else ''}"


def _best_sentences(sweep: Sweep, front: pd.DataFrame, names: Sequence[str]) -> Iterator[str]:
    words = units_of_study(sweep)
    for objective in sweep.objectives:
        trial = best(sweep, front, objective.metric)
        row = front[front["trial"] == trial].iloc[0]
        word = "Least" if objective.minimize else "Most"
        shown = shown_metric(objective.metric, float(row[objective.metric]), words)
        yield f"{word} {label_of(objective.metric)}: {shown}, {_point_text(row, names)}."


def _knee_sentence(sweep: Sweep, table: pd.DataFrame, names: Sequence[str]) -> str:
    row = table[table["trial"] == knee(sweep, table)].iloc[0]
    words = units_of_study(sweep)
    shown = ", ".join(
        f"{label_of(o.metric)} {shown_metric(o.metric, float(row[o.metric]), words)}"
        for o in sweep.objectives
    )
    return (
        f"Knee (the point of the front closest to the best value of every objective): {shown}, "
        f"{_point_text(row, names)}."
    )


def _absent_sentences(sweep: Sweep, table: pd.DataFrame) -> Iterator[str]:
    """Which values of the parameters are on no point of the front, and how often each was tried."""
    absent: list[str] = []
    for axis in sweep.space.axes:
        on_front = set(table.loc[table["on_front"], axis.name].map(str))
        for value in axis.values:
            tried = _tried(sweep, table, axis, value)
            if str(value) not in on_front and tried:
                absent.append(f"{axis.name} {shown_value(value)} (tried {tried})")
    if absent:
        unnamed = len(absent) - _NAMED
        more = f" and {unnamed} more value{'s' * (unnamed > 1)}" if unnamed > 0 else ""
        yield f"Never on the front: {', '.join(absent[:_NAMED])}{more}."


def _tried(sweep: Sweep, table: pd.DataFrame, axis: Axis, value: object) -> str:
    """How often a value was evaluated, in words; empty if never.

    Of harvested parameters the table has only points of local fronts, but each evaluation tried
    every value that the rules allow.
    """
    if sweep.harvests and axis.is_cheap:
        count = int(((table["origin"] == "proposed") & (table["state"] != "failed")).sum())
        return f"in {count} evaluation{'s' * (count != 1)}" if count else ""
    rows = table[axis.name].map(str) == str(value)
    if sweep.harvests:
        rows &= table["origin"] == "proposed"
    count, failed = int(rows.sum()), int((rows & (table["state"] != "feasible")).sum())
    if not count:
        return ""
    times = f"{count} time{'s' * (count != 1)}"
    return f"{times}, of which {failed} infeasible or failed" if failed else times


def _deciding_sentences(importances: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    parts = []
    for metric, shares in importances.items():
        ordered = sorted(shares.items(), key=lambda share: -share[1])
        leading = [f"{name} {share:.0%}" for name, share in ordered[:2] if share >= 0.1]
        if leading:
            parts.append(f"{label_of(metric)} {', '.join(leading)}")
    if parts:
        yield (
            "Importance of the parameters (share of the variance among good points, PED-ANOVA): "
            f"{'; '.join(parts)}."
        )


def warnings_of(sweep: Sweep, table: pd.DataFrame) -> Iterator[str]:
    """Signs that the question has too many answers."""
    feasible = table[table["state"] == "feasible"]
    front = int(table["on_front"].sum())
    if len(feasible) >= SMALL_STUDY and front > LARGE_FRONT_FRAC * len(feasible):
        advice = "use fewer objectives, or ratios of them ([derived])"
        if len(sweep.objectives) < 3:
            advice = "narrow the question by a limit ([limits])"
        yield (
            f"{front} of {len(feasible)} feasible points ({front / len(feasible):.0%}) are on the "
            f"front, so it selects little; {advice}"
        )
    if (cooler := _cooler_warning(sweep)) is not None:
        yield cooler
    for axis in sweep.space.axes:
        if (pair := _scaled_alike(sweep, feasible, axis.name)) is not None:
            first, second = (label_of(metric) for metric in pair)
            yield (
                f"{axis.name} scales {first} and {second} alike, so the front repeats designs at "
                f"each of its values; fix {axis.name}, or optimise the ratio of the two ([derived])"
            )


COOLER_SETTINGS = ("ambient_c", "spreader_side_m", "sink_side_m")
"""Parameters of the package that describe a cooler; their defaults are of different sources."""


def _cooler_warning(sweep: Sweep) -> str | None:
    """Why the coolers of a sweep cannot be compared; None where they can, or are not swept."""
    package = (sweep.template if sweep.chip is None else sweep.chip.package).fixed["package"]
    axes = {axis.name: axis.values for axis in sweep.space.axes}
    coolers = set(axes.get("cooling", ()))
    stated = any(name in package or name in axes for name in COOLER_SETTINGS)
    stated |= any(constant.key.startswith("thermal.") for constant in sweep.constants)
    if stated or len(coolers) < 2 or "heatsink_forced_air" not in coolers:
        return None
    return (
        "cooling is swept by the defaults of different sources (a sink of 0.1 K/W on 60 mm against "
        "coolants on 30 mm, all at 45 °C), which do not rank air and water; state "
        f"{' or '.join(COOLER_SETTINGS[:2])}, or thermal constants in [constants]"
    )


def _scaled_alike(sweep: Sweep, feasible: pd.DataFrame, name: str) -> tuple[str, str] | None:
    """Two objectives that a parameter decides and scales by the same factor, if there are any.

    One improves as the other worsens, and their ratio hardly depends on the parameter.
    """
    groups = feasible[name].map(str)
    if groups.nunique() < 2:
        return None
    decided: list[tuple[str, pd.Series]] = []
    for objective in sweep.objectives:
        values = feasible[objective.metric].to_numpy(dtype=float)
        if objective.metric == name or not (values > 0).all():
            continue
        logarithms = np.log(values) * objective.sign
        losses = pd.Series(logarithms - logarithms.mean(), index=feasible.index)
        means = losses.groupby(groups).transform("mean")
        if 0 < DECIDES * float((losses**2).sum()) <= float((means**2).sum()):
            decided.append((objective.metric, means))
    for at, (first, first_means) in enumerate(decided):
        for second, second_means in decided[at + 1 :]:
            least = min(float((first_means**2).sum()), float((second_means**2).sum()))
            if float(((first_means + second_means) ** 2).sum()) <= ALIKE * least:
                return first, second
    return None
