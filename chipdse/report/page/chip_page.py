"""The page of `chipdse chip`: the best chips, two of them side by side; it needs no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chipdse.application.inside.one_chip import OneChip
from chipdse.application.task_metrics import TASK_METRICS
from chipdse.report.page.chip_details import chip_detail_or_reason
from chipdse.report.page.parts import escaped, framed, html_table, loader
from chipdse.report.quantities import is_prefixed, label_of, shown_metric

SCRIPTS = ("common", "plots", "chips", "chip_page")
"""Parts of the page's script, in their order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedChip:
    """A chip of the page.

    name : what it is made of, in one line
    best : the metrics in which no other chip is better
    settings, metrics : by name, for the table
    """

    name: str
    best: Sequence[str]
    settings: Mapping[str, str]
    metrics: Mapping[str, float]
    chip: OneChip


def chip_page_html(
    title: str,
    chips: Sequence[NamedChip],
    *,
    question: str,
    summary: str,
    notes: Sequence[str],
    text: str,
    tell: Callable[[str], None] = lambda name: None,
) -> str:
    """The whole page.

    Parameters
    ----------
    notes : what a reader of the figures must know
    text : of the chip file
    tell : called with the name of each chip before it is looked into
    """
    listed: list[dict[str, Any]] = []
    for chip in chips:
        tell(chip.name)
        listed.append(
            {
                "name": chip.name,
                "best": _best(chip),
                "settings": dict(chip.settings),
                "metrics": dict(chip.metrics),
                "inside": chip_detail_or_reason(chip.chip),
            }
        )
    names = [name for name in TASK_METRICS if name in chips[0].metrics]
    data = {
        "chips": listed,
        "metrics": [
            {
                "name": name,
                "label": label_of(name),
                "unit": TASK_METRICS[name]["unit"],
                "prefixed": is_prefixed(TASK_METRICS[name]["unit"]),
            }
            for name in names
        ],
    }
    parts = {
        "title": escaped(title),
        "question": escaped(question),
        "summary": escaped(summary),
        "best": _best_table(chips),
        "notes": "".join(f"<li>{escaped(note)}</li>" for note in notes),
        "sources": _sources([chip["inside"] for chip in listed]),
        "file": escaped(text),
        "loader": loader(data, SCRIPTS),
    }
    return framed("chip_page", parts, asks_server=False)


def _best(chip: NamedChip) -> str:
    return "best in " + ", ".join(label_of(metric) for metric in chip.best)


def _best_table(chips: Sequence[NamedChip]) -> str:
    goals = [metric for chip in chips for metric in chip.best]
    heads = ["best in", *(label_of(metric) for metric in goals), "chip"]
    rows = [
        [
            ", ".join(label_of(metric) for metric in chip.best),
            *(shown_metric(metric, chip.metrics[metric]) for metric in goals),
            chip.name,
        ]
        for chip in chips
    ]
    return html_table(heads, rows)


def _sources(inside: Sequence[Mapping[str, Any]]) -> str:
    """What to cite, and every constant that any of the chips used."""
    cite = sorted({text for detail in inside for text in detail.get("cite", [])})
    constants = {
        source["key"]: source for details in inside for source in details.get("sources", [])
    }
    if not constants:
        return ""
    listed = "".join(f"<li>{escaped(text)}</li>" for text in cite)
    rows = [
        (key, f"{constants[key]['value']:g}", constants[key]["unit"], constants[key]["source"])
        for key in sorted(constants)
    ]
    return (
        f'<h2>Sources</h2><ul class="quiet">{listed}</ul><details><summary>{len(rows)} constants '
        "used by these chips, with their sources</summary>"
        f"{html_table(('constant', 'value', 'unit', 'source'), rows)}</details>"
    )
