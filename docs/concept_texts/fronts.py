"""How many points of each shipped sweep are on its front, from the stored runs."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pandas as pd
from figures import Runs, sweep_file

from chipdse.study.results.front import is_on_front

LARGE_FRONT_FRAC = 1 / 3
"""A front with a larger share of the points needs a reason in `LARGE_FRONTS`."""
LARGE_FRONTS = {
    "edge_classifier": "has four objectives that oppose each other (the tutorial adds a limit)",
    "mac_precision": "has operand width and sparsity as objectives, so the best array of each pair "
    "is on the front",
    "masked": "has three designs, each the best in one objective",
    "memory_boundary": "has the depth as an objective, so the best queue of each depth is on the "
    "front",
}
"""Sweeps with large fronts, and why."""


def front_counts(runs: Runs, name: str) -> tuple[int, int] | None:
    """The points on the front of a shipped sweep's question, and all points; None: not stored."""
    if name not in runs.tables:
        return None
    table = runs.table(name)
    if "on_front" in table.columns:  # as the program found it, before digits were rounded
        return int(table["on_front"].sum()), int((table["state"] != "failed").sum())
    asked = tomllib.loads(sweep_file(name).read_text())
    goals = asked["objectives"]
    values = np.column_stack([_values(table, asked, metric) for metric in goals])
    values = values * [1 if direction == "minimize" else -1 for direction in goals.values()]
    for metric, limit in asked.get("limits", {}).items():
        measured = _values(table, asked, metric)
        allowed = (measured >= limit.get("min", -np.inf)) & (measured <= limit.get("max", np.inf))
        values[~allowed] = np.inf
    feasible = np.isfinite(values).all(axis=1)
    return int(is_on_front(values[feasible]).sum()), len(table)


def _values(table: pd.DataFrame, asked: dict[str, Any], metric: str) -> Any:
    """A metric, a swept number or a derived metric of each point."""
    if metric in table.columns:
        return table[metric].to_numpy(dtype=float)
    return table.eval(asked["derived"][metric]["expression"]).to_numpy(dtype=float)
