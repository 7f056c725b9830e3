"""The values and a caption beside the picture of a study, for each kind of figure but the front."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chipdse.report.history import history
from chipdse.report.quantities import StudyUnits, label_of, shown_metric
from chipdse.store.files import write_whole
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.text import csv_text

Beside = tuple[pd.DataFrame, str]
"""The values that a figure shows, in SI units, and its caption."""


def write_beside(picture: Path, beside: Beside) -> None:
    """Write values (``NAME.data.csv``) and a caption (``NAME.caption.txt``) beside a picture."""
    table, caption = beside
    write_whole(picture.with_suffix(".data.csv"), csv_text(table))
    write_whole(picture.with_suffix(".caption.txt"), f"{caption}\n")


def parallel_beside(sweep: Sweep, table: pd.DataFrame, source: str) -> Beside:
    """Of the figure with one axis per parameter and objective."""
    swept = [axis.name for axis in sweep.space.axes]
    goals = [objective.metric for objective in sweep.objectives]
    feasible = table[table["state"] == "feasible"]
    values = feasible[list(dict.fromkeys(["trial", *swept, *goals, "on_front"]))]
    return values, (
        f"Each line is one of {len(values)} feasible points ({source}); the "
        f"{int(values['on_front'].sum())} blue ones are on the Pareto front "
        f"({_goals(sweep)}). Numbers at the ends of an axis are its range; the axis of an "
        "objective that spans a factor of 20 or more is logarithmic."
    )


def importance_beside(importances: Mapping[str, Mapping[str, float]], source: str) -> Beside:
    """Of the importance of each parameter (`importance.importance`)."""
    names = list(dict.fromkeys(name for shares in importances.values() for name in shares))
    table = pd.DataFrame({"parameter": names})
    for metric, shares in importances.items():
        table[metric] = [shares.get(name, 0.0) for name in names]
    goals = ", ".join(map(label_of, importances))
    return table, (
        f"Share of the variance among good points that each parameter explains, for {goals} "
        f"({source}). Method: PED-ANOVA, Watanabe, Bansal and Hutter, IJCAI 2023, as in Optuna."
    )


def history_beside(sweep: Sweep, table: pd.DataFrame, source: str) -> Beside:
    """Of the progress of the search."""
    curve = history(sweep, table)
    values = pd.DataFrame(
        {"evaluations": curve["evaluations"], "dominated_frac": curve["hypervolume"]}
    )
    return values, (
        "Progress of the search: share of the box between the best and the worst feasible value of "
        f"every objective ({_goals(sweep)}) that the front dominates, after each evaluation "
        f"({source})."
    )


def supply_beside(number: int, detail: Mapping[str, Any], source: str) -> Beside:
    """Of energy and highest clock over the supply voltage."""
    supply = detail["supply"]
    values = pd.DataFrame(supply)[["vdd_v", "energy_per_op_j", "f_max_hz"]]
    low, high = min(supply["vdd_v"]), max(supply["vdd_v"])
    return values, (
        f"Energy of the block (left) and highest clock frequency (right) of trial {number} at the "
        f"{len(values)} characterised supply voltages from {low:g} to {high:g} V ({source})."
    )


def power_beside(number: int, detail: Mapping[str, Any], source: str) -> Beside:
    """Of power by group of cells."""
    kinds = detail["kinds"]
    table = pd.DataFrame({"group": kinds["groups"]})
    for kind, watts in zip(kinds["kinds"], kinds["power_w"], strict=True):
        table[f"{kind.replace(' ', '_')}_w"] = watts
    total = float(np.sum(kinds["power_w"]))
    return table, (
        f"Power of trial {number} by group of cells and by where it is spent; "
        f"{shown_metric('block_power_w', total)} in all ({source}). {detail['layout']}"
    )


def placement_beside(number: int, detail: Mapping[str, Any], source: str) -> Beside:
    """Of the placement: the power of each module, which includes the modules inside it."""
    table = pd.DataFrame(detail["modules"])[["id", "parent", "power_w"]]
    table = table.rename(columns={"id": "module"})
    return table, (
        f"Estimated placement of trial {number}: {_power(detail)} ({source}). {detail['layout']}"
    )


def package_beside(
    number: int, detail: Mapping[str, Any], source: str, words: StudyUnits
) -> Beside:
    """Of the package: the parts of its cost and of its embodied carbon."""
    rows = [
        {"quantity": quantity, "part": part, "value": value}
        for quantity in ("cost_usd", "embodied_kgco2e")
        for part, value in detail[quantity].items()
    ]
    totals = {
        quantity: sum(float(value) for value in detail[quantity].values())
        for quantity in ("cost_usd", "embodied_kgco2e")
    }
    return pd.DataFrame(rows), (
        f"Package of trial {number} ({source}): cost with its share of "
        f"the design {shown_metric('total_cost_usd', totals['cost_usd'], words)}, embodied carbon "
        f"{totals['embodied_kgco2e']:.4g} kg CO2e per system."
    )


def _power(detail: Mapping[str, Any]) -> str:
    return f"{shown_metric('block_power_w', float(detail['power_w']))} in all"


def _goals(sweep: Sweep) -> str:
    return ", ".join(
        f"{label_of(o.metric)} {'minimised' if o.minimize else 'maximised'}"
        for o in sweep.objectives
    )
