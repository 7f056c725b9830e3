"""Metrics as people read them: one scale per column, the unit in the heading."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chipdse.application.task_metrics import TASK_METRICS
from chipdse.blocks.work import work_unit
from chipdse.metrics import METRICS
from chipdse.study.question.sweep_file import Sweep
from chipdse.trace_metrics import TRACE_METRICS
from chipdse.units import OPERATION, PREFIXES, show, unit_in

_PREFIXED = ("s", "Hz", "W", "J", "F", "m")
_AREAS = ((1e-6, "mm²"), (1e-12, "µm²"))
_LABELS = {
    "embodied_kgco2e": "embodied carbon",
    "embodied_low_kgco2e": "embodied carbon, low",
    "embodied_high_kgco2e": "embodied carbon, high",
    "operational_kgco2e": "operational carbon",
    "total_kgco2e": "total carbon",
    "energy_per_task_j": "energy per task",
    "carbon_per_task_kgco2e": "carbon per task",
    "embodied_per_task_kgco2e": "embodied carbon per task",
    "use_per_task_kgco2e": "carbon of use per task",
    "constant_energy_error_frac": "error of a constant energy per MAC",
    "cost_usd": "recurring cost",
    "ops_per_cycle": "work per cycle",
    "nre_usd": "design cost (NRE)",
    "total_cost_usd": "total cost",
    "energy_delay_product_j_s": "energy-delay product",
    "total_carbon_delay_product_kg_s": "total carbon delay product",
    "die_yield_frac": "die yield",
    "max_t_first_order": "largest |t|, first order",
    "annotated_frac": "nets with activity",
    "toggle_error_frac": "error of transitions",
}
"""Labels of metrics whose name without its unit is not clear enough."""
_KNOWN = TASK_METRICS | METRICS | TRACE_METRICS


@dataclass(frozen=True, kw_only=True)
class StudyUnits:
    """The units that differ from study to study.

    work : the block's unit of work, e.g. "MAC"
    derived : units of derived metrics, with "op" for the unit of work
    """

    work: str = OPERATION
    derived: Mapping[str, str] = field(default_factory=dict)

    def unit(self, name: str) -> str:
        """Unit of a metric; empty for any other name."""
        unit = _KNOWN[name]["unit"] if name in _KNOWN else self.derived.get(name, "")
        return unit_in(unit, self.work)


PLAIN = StudyUnits()


def units_of_study(sweep: Sweep) -> StudyUnits:
    """The units of a sweep's block and of its derived metrics."""
    return StudyUnits(
        work=work_unit(sweep.template.block),
        derived={metric.name: metric.unit for metric in sweep.derived},
    )


def is_prefixed(unit: str) -> bool:
    """Whether a unit takes SI prefixes: ``W``, ``J/MAC``, ``MAC/s``."""
    first, _, rest = unit.partition("/")
    return first in _PREFIXED or rest.split("/")[0] == "s"


def heading_scale(
    name: str, values: Sequence[float], words: StudyUnits = PLAIN
) -> tuple[str, float]:
    """Heading of a metric's column and what its values are divided by.

    The scale is the one in which the largest value is between 1 and 1000.
    """
    unit = words.unit(name)
    label = label_of(name)
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    if unit in ("", "1", "-"):
        return label, 1.0
    if unit == "m2":
        scale, shown = _AREAS[0] if largest >= 1e-8 else _AREAS[1]
        return f"{label} [{shown}]", scale
    if not is_prefixed(unit) or largest == 0:
        return f"{label} [{unit}]", 1.0
    power = min(max(math.floor(math.log10(largest) / 3 + 1e-12), -5), 4)
    scale = 1000.0**power
    prefix = next(p for p, factor in PREFIXES.items() if math.isclose(factor, scale) and p != "u")
    return f"{label} [{prefix}{unit}]", scale


def shown_metric(name: str, value: float, words: StudyUnits = PLAIN) -> str:
    """One metric's value with its unit."""
    if words.unit(name) == "kgCO2e" and 0 < abs(value) < 1e-3:  # of a task: nanograms
        return show(1e3 * value, "gCO2e")
    heading, scale = heading_scale(name, [value], words)
    _, bracket, unit = heading.rpartition(" [")
    if bracket:
        return f"{value / scale:.4g} {unit.removesuffix(']')}"
    # Whole numbers are counts, and shares near 1 need their digits.
    return f"{value:.4g}" if abs(value) > 1 and value % 1 else f"{value:.6g}"


def label_of(name: str) -> str:
    """A metric's or parameter's name without its unit."""
    if name in _LABELS:
        return _LABELS[name]
    if name in _KNOWN:
        for suffix in (
            "_ops_per_s",
            "_per_op_j",
            "_per_op_kgco2e",
            "_per_s",
            "_kgco2e",
            "_usd",
            "_m2",
            "_hz",
        ):
            if name.endswith(suffix):
                return name.removesuffix(suffix).replace("_", " ")
        head, _, tail = name.rpartition("_")
        if tail in ("s", "w", "j", "v", "c", "k", "f", "m") and head:
            return head.replace("_", " ")
    return " ".join("USD" if word == "usd" else word for word in name.split("_"))
