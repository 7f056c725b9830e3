"""A comparison of two studies as one HTML file."""

from __future__ import annotations

import html
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from chipdse.report.page.plotly_local import CONFIG, plotly_library
from chipdse.report.quantities import PLAIN, StudyUnits, heading_scale
from chipdse.study.question.goals import Objective
from chipdse.study.results.compare import StudyComparison

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:1rem auto;padding:0 1rem;"
    "background:#fff;color:#1b1f24}table{border-collapse:collapse}td,th{padding:.2rem .6rem;"
    "border-bottom:1px solid #d4d9e0;text-align:right}td:first-child,th:first-child"
    "{text-align:left}.bad{color:#b34700}h1{overflow-wrap:anywhere}.wide{overflow-x:auto}"
    ":root{color-scheme:light dark}@media (prefers-color-scheme:dark){"
    "body{background:#14181d;color:#e6e9ee}td,th{border-color:#39424d}.bad{color:#ff9d5c}"
    # Plotly writes its colours into each element.
    ".main-svg text{fill:#e6e9ee!important}.gridlayer path{stroke:#39424d!important}}"
)

# Nothing may be fetched from elsewhere or sent there; Plotly writes scripts and styles itself.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline';"
    " img-src data: blob:; form-action 'none'; base-uri 'none'"
)


def comparison_html(
    names: tuple[str, str],
    tables: tuple[pd.DataFrame, pd.DataFrame],
    objectives: Sequence[Objective],
    comparison: StudyComparison,
    versions: tuple[str, str],
    words: StudyUnits = PLAIN,
) -> str:
    """Fronts over each other, and what moved.

    versions : `version_text` of both studies
    """
    first, *other_metrics = [objective.metric for objective in objectives]
    figures = [_fronts(names, tables, first, metric, words) for metric in other_metrics]
    plots = "".join(
        figure.to_html(
            full_html=False,
            include_plotlyjs=False,
            div_id=f"fronts-{number}",
            config=CONFIG,
        )
        for number, figure in enumerate(figures)
    )
    verdict = "".join(f'<li class="bad">{_text(line)}</li>' for line in comparison.worse)
    moved = "".join(
        f"<tr><td>{_text(change.metric)}</td><td>{change.points}</td><td>{change.median_frac:+.2%}</td>"
        f"<td>{change.worst_frac:+.2%}</td></tr>"
        for change in comparison.moved
    )
    title = f"{_text(names[1])} against {_text(names[0])}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<style>{_STYLE}</style><script>{plotly_library()}</script></head><body><h1>{title}</h1>"
        f"<p>Hypervolume {comparison.hypervolume_change_frac:+.2%}; "
        f"{len(comparison.lost)} points of the front lost, {len(comparison.won)} won; "
        f"{comparison.matched} points with equal parameters.</p>"
        + "".join(f"<p>Differs: {_text(line)}</p>" for line in comparison.notes)
        + "".join(
            f"<p>{_text(name)}: {_text(version)}</p>"
            for name, version in zip(names, versions, strict=True)
        )
        + (f"<ul>{verdict}</ul>" if verdict else "<p>As good, within the tolerance.</p>")
        + plots
        + '<h2>What moved for equal parameters</h2><div class="wide" tabindex="0"><table><tr>'
        + "<th>metric</th><th>points</th>"
        f"<th>median</th><th>largest</th></tr>{moved}</table></div></body></html>"
    )


def _fronts(
    names: tuple[str, str],
    tables: tuple[pd.DataFrame, pd.DataFrame],
    x: str,
    y: str,
    words: StudyUnits,
) -> go.Figure:
    both = pd.concat(tables)
    (x_label, x_scale), (y_label, y_scale) = (
        heading_scale(name, both[name].tolist(), words) for name in (x, y)
    )
    figure = go.Figure()
    looks = (("#0072b2", "circle"), ("#d55e00", "diamond-open"))
    for name, table, (color, symbol) in zip(names, tables, looks, strict=True):
        front = table[table["on_front"]].sort_values(x)
        figure.add_scatter(
            x=front[x] / x_scale,
            y=front[y] / y_scale,
            mode="markers",
            name=_text(name),
            marker={"color": color, "symbol": symbol, "size": 9},
            text=[f"trial {trial}" for trial in front["trial"]],
        )
    figure.update_layout(
        template="plotly_white",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        height=420,
        margin={"l": 70, "r": 20, "t": 50, "b": 60},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": x_label, "type": _scale(both[x]), "nticks": 8},
        yaxis={"title": y_label, "type": _scale(both[y]), "nticks": 8},
    )
    return figure


def _scale(values: pd.Series[float]) -> str:
    low, high = values.min(), values.max()
    return "log" if low > 0 and high > 20 * low else "linear"


def _text(value: object) -> str:
    return html.escape(str(value))
