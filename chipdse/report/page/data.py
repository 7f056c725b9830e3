"""A study as the one JSON document that the report's page shows."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from chipdse.report.history import history
from chipdse.report.importance import importance
from chipdse.report.quantities import is_prefixed, label_of, units_of_study
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.points import basis_of, evidence_of_column
from chipdse.study.storage.folder import StudyFolder
from chipdse.system.metrics import SystemMetrics

STATES = ("feasible", "infeasible", "failed")
SYSTEM = frozenset(field.name for field in dataclasses.fields(SystemMetrics))


def page_data(
    folder: StudyFolder,
    table: pd.DataFrame,
    details: Mapping[int, Mapping[str, Any]],
    *,
    live: bool = False,
) -> dict[str, Any]:
    """What `page.js` reads; columns are float32, texts are numbered.

    Parameters
    ----------
    table : `points_table` of the study
    details : `point_detail` by trial
    live : the page is served and may ask for more details
    """
    sweep = folder.sweep
    states = table["state"].map({name: code for code, name in enumerate(STATES)})
    reasons = _texts(table["failure"].where(table["failure"] != "", table["violations"]))
    failed = table[table["state"] == "failed"].groupby("failure")["trial"]
    return {
        "study": shlex.quote(str(folder.path)),
        "count": len(table),
        "feasible": int((table["state"] == "feasible").sum()),
        "live": live,
        "chips": sweep.chip is not None,
        "replicates": sweep.replicates,
        "objectives": [
            {"name": objective.metric, "minimize": objective.minimize}
            for objective in sweep.objectives
        ],
        "limits": [
            {
                "metric": limit.metric,
                "minimum": limit.minimum if math.isfinite(limit.minimum) else None,
                "maximum": limit.maximum if math.isfinite(limit.maximum) else None,
            }
            for limit in sweep.limits
        ],
        "state": packed(states, np.uint8),
        "on_front": packed(table["on_front"], np.uint8),
        "trial": packed(table["trial"], np.int32),
        "reasons": {"texts": reasons[0], "codes": packed(reasons[1], np.uint16)},
        "columns": _columns(sweep, table),
        "ties": _ties(table),
        "failures": sorted(
            ([str(reason), trials.tolist()] for reason, trials in failed),
            key=lambda failure: -len(failure[1]),
        ),
        "details": {str(trial): dict(detail) for trial, detail in details.items()},
        "first": next(iter(details), None),
        "importance": importance(folder),
        "history": history(sweep, table),
    }


def as_script(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def packed(values: ArrayLike, kind: Any) -> str:
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode()


def _texts(column: pd.Series[str], order: Sequence[str] = ()) -> tuple[list[str], Any]:
    """Distinct texts, those of `order` first and in its order, and the place of each row's text."""
    codes, texts = pd.factorize(column)
    known = {text: place for place, text in enumerate(order)}
    names = [str(text) for text in texts]
    by_order = sorted(range(len(names)), key=lambda code: known.get(names[code], len(order)))
    return [names[code] for code in by_order], np.argsort(by_order, kind="stable")[codes]


def _columns(sweep: Sweep, table: pd.DataFrame) -> list[dict[str, Any]]:
    systems = "estimated" if (table["system_evidence"] == "estimated").any() else "modelled"
    basis = basis_of(sweep, table)
    swept = [axis.name for axis in sweep.space.axes]
    order = {axis.name: tuple(map(str, axis.values)) for axis in sweep.space.axes}
    derived = {metric.name: {"doc": metric.doc, "unit": metric.unit} for metric in sweep.derived}
    known, words = {**sweep.metrics, **derived}, units_of_study(sweep)
    columns = []
    for name in [*swept, *(n for n in table.columns if n not in swept)]:
        is_text = not pd.api.types.is_numeric_dtype(table[name])
        is_text |= bool(pd.api.types.is_bool_dtype(table[name]))
        if name not in swept and (is_text or name in ("trial", "on_front")):
            continue
        if name in swept and is_text and table[name].map(_is_number).all():
            is_text = False  # numbers, and none where a point failed
        metadata = known.get(
            name, {"doc": "a swept parameter" if name in swept else "", "unit": ""}
        )
        column: dict[str, Any] = {
            "name": name,
            "label": label_of(name),
            "group": "parameter" if name in swept else "metric",
            "part": "system" if name in SYSTEM else "block",
            "unit": words.unit(name),
            "prefixed": is_prefixed(words.unit(name)),
            "doc": metadata["doc"],
            "evidence": evidence_of_column(sweep, name, systems, basis),
        }
        if is_text:
            column["texts"], values = _texts(table[name].map(_shown), order.get(name, ()))
        else:
            values = pd.to_numeric(table[name]).to_numpy(dtype=float)
        columns.append(column | {"values": packed(values, np.float32)})
    return columns


def _shown(value: object) -> str:
    """A text value; a failed point may have none."""
    return "" if value is None or value != value else str(value)


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _ties(table: pd.DataFrame) -> dict[str, list[int]]:
    """Trials that replicates cannot tell from each, by trial."""
    if "tied_with" not in table.columns:
        return {}
    tied = table[table["tied_with"] != ""]
    return {
        str(trial): [int(number) for number in str(text).split()]
        for trial, text in zip(tied["trial"], tied["tied_with"], strict=True)
    }
