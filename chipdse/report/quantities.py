"""Metrics as people read them: one scale a column, the unit in the heading."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chipdse.metrics import METRICS
from chipdse.units import PREFIXES

_PREFIXED = ("s", "Hz", "W", "J", "F", "1/s")
_AREAS = ((1e-6, "mm²"), (1e-12, "µm²"))
_LABELS = {
    "embodied_kgco2e": "embodied carbon",
    "embodied_low_kgco2e": "embodied carbon, low",
    "embodied_high_kgco2e": "embodied carbon, high",
    "operational_kgco2e": "operational carbon",
    "total_kgco2e": "total carbon",
    "cost_usd": "recurring cost",
    "nre_usd": "design cost (NRE)",
    "total_cost_usd": "total cost",
    "energy_delay_product_j_s": "energy-delay product",
    "total_carbon_delay_product_kg_s": "total carbon delay product",
    "die_yield_frac": "die yield",
    "annotated_frac": "nets with activity",
    "toggle_error_frac": "error of transitions",
}
"""Where the name without its unit says too little."""


def heading_scale(name: str, values: Sequence[float]) -> tuple[str, float]:
    """Heading of a metric's column and what its values are divided by.

    The scale is the one in which the largest value is between 1 and 1000.
    """
    unit = METRICS[name]["unit"] if name in METRICS else ""
    label = label_of(name)
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    if unit in ("", "1", "-"):
        return label, 1.0
    if unit == "m2":
        scale, shown = _AREAS[0] if largest >= 1e-8 else _AREAS[1]
        return f"{label} [{shown}]", scale
    if unit not in _PREFIXED or largest == 0:
        return f"{label} [{unit}]", 1.0
    power = min(max(math.floor(math.log10(largest) / 3 + 1e-12), -5), 4)
    scale = 1000.0**power
    prefix = next(p for p, factor in PREFIXES.items() if math.isclose(factor, scale) and p != "u")
    shown = f"{prefix}ops/s" if unit == "1/s" else f"{prefix}{unit}"
    return f"{label} [{shown}]", scale


def shown_metric(name: str, value: float) -> str:
    """One metric's value with its unit."""
    heading, scale = heading_scale(name, [value])
    _, bracket, unit = heading.rpartition(" [")
    return f"{value / scale:.4g} {unit.removesuffix(']')}" if bracket else f"{value:.6g}"


def label_of(name: str) -> str:
    """A metric's or parameter's name without its unit."""
    if name in _LABELS:
        return _LABELS[name]
    if name in METRICS:
        for suffix in ("_ops_per_s", "_per_s", "_kgco2e", "_usd", "_m2", "_hz"):
            if name.endswith(suffix):
                return name.removesuffix(suffix).replace("_", " ")
        head, _, tail = name.rpartition("_")
        if tail in ("s", "w", "j", "v", "c", "f", "m") and head:
            return head.replace("_", " ")
    return name.replace("_", " ")
