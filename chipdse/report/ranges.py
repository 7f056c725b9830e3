"""Ranges of points and of fronts as text, and as JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipdse.report.quantities import StudyUnits, heading_scale, shown_metric
from chipdse.study.results.ranges import FRONT, Ranges
from chipdse.system.ranges.point import PointRanges

_SHOWN = 12
_ALIKE = 20


def front_text(ranges: Ranges, words: StudyUnits) -> list[str]:
    """Lines of a front under ranges: points by their probability, pairs, what decides."""
    shown = np.flatnonzero(ranges.nominal | (ranges.probability > 0))
    shown = shown[np.argsort(-ranges.probability[shown], kind="stable")]
    scales = [
        heading_scale(name, ranges.objectives[:, shown, place].mean(axis=0).tolist(), words)
        for place, name in enumerate(ranges.names)
    ]
    heading = ["trial", "on front", *(label for label, _ in scales)]
    rows = [heading]
    for at in shown:
        stated = "" if ranges.nominal[at] else " (not at stated values)"
        cells = [
            _interval(ranges.low[name][at] / scale, ranges.high[name][at] / scale)
            for name, (_, scale) in zip(ranges.names, scales, strict=True)
        ]
        share = f"{ranges.probability[at]:.0%}{stated}"
        rows.append([str(ranges.trials[at]), share, *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    lines.append(
        f"\n90 % intervals and share of {ranges.draws} draws in which a point is on the front."
    )
    fixed = [n for n in ranges.names if (ranges.low[n][shown] == ranges.high[n][shown]).all()]
    if fixed:
        labels = [heading_scale(name, [1.0], words)[0].partition(" [")[0] for name in fixed]
        listed = "; ".join(labels)
        lines.append(f"Nothing that is drawn changes {listed}: every draw has the stated values.")
    alike = ranges.alike()
    if alike:
        listed = ", ".join(f"{first} and {second}" for first, second in alike[:_ALIKE])
        more = f", and {len(alike) - _ALIKE} more" if len(alike) > _ALIKE else ""
        lines.append(f"No objective distinguishes trials {listed}{more}.")
    else:
        lines.append("Every pair of points of the front differs in an objective in 95 % of draws.")
    lines += decisive_text(ranges)
    return lines


def _interval(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}" if low < high else f"{low:.4g}"


def decisive_text(ranges: Ranges) -> list[str]:
    """Importance for each objective and the front, and the distributions."""
    lines = ["", "Importance (share of the variance that a quantity explains alone):"]
    for name, shares in ranges.decisive.items():
        label = "being on the front" if name == FRONT else name
        listed = ", ".join(f"{what} {share:.0%}" for what, share in list(shares.items())[:_SHOWN])
        lines.append(f"  {label}: {listed or 'nothing that is drawn'}")
    lines += [
        "",
        "Drawn:",
        *(f"  {drawn_input.name}: {drawn_input.text()}" for drawn_input in ranges.inputs),
    ]
    return lines


def front_document(ranges: Ranges) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "draws": ranges.draws,
        "points": [
            {
                "trial": int(trial),
                "on_front": bool(ranges.nominal[at]),
                "probability": float(ranges.probability[at]),
                "low": {name: float(column[at]) for name, column in ranges.low.items()},
                "high": {name: float(column[at]) for name, column in ranges.high.items()},
            }
            for at, trial in enumerate(ranges.trials)
        ],
        "not_distinguishable": ranges.alike(),
        "decisive": {name: dict(shares) for name, shares in ranges.decisive.items()},
        "drawn": {drawn_input.name: drawn_input.text() for drawn_input in ranges.inputs},
    }


def point_text(ranges: PointRanges, values: dict[str, float], words: StudyUnits) -> list[str]:
    """Lines of one point under ranges: metrics that vary."""
    lines = [f"90 % intervals of {ranges.draws} draws:"]
    for name, low in ranges.low.items():
        high = ranges.high[name]
        if low < high:
            first, last = (shown_metric(name, value, words) for value in (low, high))
            most = next(iter(ranges.decisive[name].items()), None)
            why = f", most by {most[0]} ({most[1]:.0%})" if most else ""
            stated = shown_metric(name, values[name], words)
            lines.append(f"  {name}: {first} to {last}, stated {stated}{why}")
    return lines + [
        "drawn:",
        *(f"  {drawn_input.name}: {drawn_input.text()}" for drawn_input in ranges.inputs),
    ]


def point_document(ranges: PointRanges) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "draws": ranges.draws,
        "low": dict(ranges.low),
        "high": dict(ranges.high),
        "decisive": {name: dict(shares) for name, shares in ranges.decisive.items()},
        "drawn": {drawn_input.name: drawn_input.text() for drawn_input in ranges.inputs},
    }
