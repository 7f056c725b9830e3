"""The report of a study: one HTML file that needs no network."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Hashable, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from chipdse.hardware.blocks_own import is_checked
from chipdse.metrics import METRICS, Basis, evidence_of
from chipdse.report.quantities import heading_scale
from chipdse.study.folder import StudyFolder, points_table
from chipdse.study.sweepfile import Sweep

_CSS = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --accent: #0072b2; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.lead { font-size: 1.05rem; margin-top: .3rem; } .note { opacity: .8; font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .88rem; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th { vertical-align: bottom; } td.text, th.text { text-align: left; }
tbody tr:hover { background: var(--soft); }
.plot { background: #fff; border-radius: 6px; padding: .3rem; margin-top: .6rem; }
code { background: var(--soft); padding: .1rem .3rem; border-radius: 4px; }
@media print { .plot { break-inside: avoid; } }
"""
_PARAMETER = {"doc": "a swept parameter"}
_MODELLING_NOTE = (
    "Activity is zero-delay: exact for settled values, without glitches. No wires and no clock "
    "tree are included. Block figures are measured (simulation, netlist, Liberty); system figures "
    "are modelled by published models, and estimated where a node lies outside their tables."
)


def report_html(folder: StudyFolder) -> str:
    """The whole page: front, plots, failures, provenance."""
    sweep, table = folder.sweep, points_table(folder)
    states = table["state"].value_counts()
    front = table[table["on_front"]]
    counts = ", ".join(f"{states.get(s, 0)} {s}" for s in ("feasible", "infeasible", "failed"))
    parts = [
        f"<h1>{_text(folder.path.absolute().name)}</h1>",
        f'<p class="lead">{_text(sweep.question)}</p>',
        f"<p>Block <code>{_text(sweep.template.block.name)}</code>, {len(table)} points: {counts}; "
        f"{len(front)} on the front.</p>",
    ]
    if len(front):
        parts += [_plots(sweep, table), "<h2>Front</h2>", _table(sweep, front)]
    else:
        parts.append("<p><strong>No feasible point: there is no front.</strong></p>")
    failed = table[table["state"] == "failed"]
    if len(failed):
        reasons = failed["failure"].value_counts()
        rows = "".join(
            f'<tr><td>{count}</td><td class="text">{_text(reason)}</td></tr>'
            for reason, count in reasons.items()
        )
        parts.append(
            '<h2>Failures</h2><div class="scroll"><table><tr><th>points</th>'
            f'<th class="text">reason</th></tr>{rows}</table></div>'
        )
    parts += ["<h2>What the numbers are</h2>", f'<p class="note">{_MODELLING_NOTE}</p>']
    parts += [_evidence(sweep, table), "<h2>Provenance</h2>", _provenance(folder)]
    title = _text(folder.path.absolute().name)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_CSS}</style></head><body>{''.join(parts)}</body></html>"
    )


def _text(value: object) -> str:
    return html.escape(str(value))


def _plots(sweep: Sweep, table: pd.DataFrame) -> str:
    """Each objective against the first, front and all other points."""
    first, *others = [one.metric for one in sweep.objectives]
    figures = [pareto_figure(sweep, table, first, other) for other in others]
    return "".join(
        '<div class="plot">'
        + figure.to_html(
            full_html=False,
            include_plotlyjs=index == 0,
            div_id=f"front-{index}",
            config={"displaylogo": False, "responsive": True},
        )
        + "</div>"
        for index, figure in enumerate(figures)
    )


def pareto_figure(sweep: Sweep, table: pd.DataFrame, x: str, y: str) -> go.Figure:
    """Two metrics against each other: feasible and infeasible points, and the front."""
    kinds = [
        ("feasible", (table["state"] == "feasible") & ~table["on_front"], "#999999", "circle", 7),
        ("infeasible", table["state"] == "infeasible", "#d55e00", "x-thin-open", 8),
        ("front", table["on_front"], "#0072b2", "diamond", 11),
    ]
    (x_label, x_scale), (y_label, y_scale) = (
        heading_scale(name, table[name].tolist()) for name in (x, y)
    )
    names = [axis.name for axis in sweep.space.axes]
    figure = go.Figure()
    for label, mask, color, symbol, size in kinds:
        chosen = table[mask]
        if len(chosen):
            figure.add_scatter(
                x=chosen[x] / x_scale,
                y=chosen[y] / y_scale,
                mode="markers",
                name=f"{label} ({len(chosen)})",
                marker={"color": color, "symbol": symbol, "size": size},
                text=[_hover(row, names) for row in chosen.to_dict("records")],
                hovertemplate="%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
            )
    figure.update_layout(
        template="plotly_white",
        height=420,
        margin={"l": 70, "r": 20, "t": 20, "b": 60},
        xaxis_title=_axis_title(sweep, x, x_label),
        yaxis_title=_axis_title(sweep, y, y_label),
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    for axis, values in ((figure.update_xaxes, table[x]), (figure.update_yaxes, table[y])):
        finite = [value for value in values if math.isfinite(value)]
        if min(finite) > 0 and max(finite) / min(finite) > 20:
            axis(type="log")
    return figure


def _axis_title(sweep: Sweep, metric: str, label: str) -> str:
    better = {one.metric: "less" if one.minimize else "more" for one in sweep.objectives}
    return f"{label} ({better[metric]} is better)" if metric in better else label


def _hover(row: Mapping[Hashable, object], names: Sequence[str]) -> str:
    point = ", ".join(f"{name}={_text(_shown(row[name]))}" for name in names)
    return f"trial {row['trial']}: {point}"


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _table(sweep: Sweep, front: pd.DataFrame) -> str:
    """The front's rows, by the first objective."""
    names = [axis.name for axis in sweep.space.axes]
    objectives = [one.metric for one in sweep.objectives if one.metric not in names]
    ordered = front.sort_values(sweep.objectives[0].metric, ascending=sweep.objectives[0].minimize)
    scales = {name: heading_scale(name, ordered[name].tolist()) for name in objectives}
    head = "".join(
        f"<th>{_text(label).replace('_', '_<wbr>')}</th>"
        for label in ("trial", *(scales[name][0] for name in objectives), *names)
    )
    rows = []
    for row in ordered.to_dict("records"):
        values = [f"{row[name] / scales[name][1]:.4g}" for name in objectives]
        cells = [str(row["trial"]), *values, *(_shown(row[name]) for name in names)]
        rows.append("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>")
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _evidence(sweep: Sweep, table: pd.DataFrame) -> str:
    systems = "estimated" if (table["system_evidence"] == "estimated").any() else "modelled"
    checked = is_checked(sweep.template.block)
    basis = Basis(activity="measured" if checked else "estimated")
    rows = "".join(
        f'<tr><td class="text">{_text(one.metric)}</td>'
        f'<td class="text">{_text(METRICS.get(one.metric, _PARAMETER)["doc"])}</td>'
        f'<td class="text">{_text(evidence_of(one.metric, systems, basis))}</td></tr>'
        for one in sweep.objectives
    )
    heads = "".join(f'<th class="text">{h}</th>' for h in ("objective", "what it is", "evidence"))
    return f'<div class="scroll"><table><tr>{heads}</tr>{rows}</table></div>'


def _provenance(folder: StudyFolder) -> str:
    about = {key: value for key, value in folder.about.items() if key != "storage"}
    listed = "".join(
        f'<tr><td class="text">{_text(key)}</td><td class="text">{_text(_json(value))}</td></tr>'
        for key, value in {**about, "seed": folder.sweep.seed}.items()
    )
    return (
        f'<div class="scroll"><table>{listed}</table></div><details><summary>sweep file</summary>'
        f"<pre>{_text(folder.sweep.text)}</pre></details>"
    )


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
