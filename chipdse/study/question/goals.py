"""What a sweep file asks for: objectives and limits on metrics or swept numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.study.question.toml_values import refuse_unknown, table_of


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A metric or swept number, and whether it is to be small or large."""

    metric: str
    minimize: bool

    @property
    def sign(self) -> float:
        """The factor after which a smaller value is better: 1, or -1 if the metric is maximised."""
        return 1.0 if self.minimize else -1.0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Bounds on a metric or swept number; a point outside is infeasible, not failed."""

    metric: str
    minimum: float = -math.inf
    maximum: float = math.inf


def read_objectives(
    data: Mapping[str, Any], known: Collection[str], path: Path
) -> tuple[Objective, ...]:
    given = data.get("objectives")
    if not isinstance(given, dict) or len(given) < 2:
        raise DesignError(
            f'{path}: [objectives] needs two metrics or more, each "minimize" or "maximize"; the '
            "front is listed by the first, so its first point is the best in that alone"
        )
    for metric, direction in given.items():
        refuse_unknown((metric,), known, f"{path}: [objectives]")
        if direction not in ("minimize", "maximize"):
            raise DesignError(
                f'{path}: objectives.{metric} = {direction!r}; write "minimize" or "maximize"'
            )
    return tuple(
        Objective(metric=metric, minimize=direction == "minimize")
        for metric, direction in given.items()
    )


def read_limits(data: Mapping[str, Any], known: Collection[str], path: Path) -> tuple[Limit, ...]:
    limits = []
    for metric, given in table_of(data, "limits", path).items():
        where = f"{path}: limits.{metric}"
        refuse_unknown((metric,), known, f"{path}: [limits]")
        if not isinstance(given, dict) or not given:
            raise DesignError(f"{where} = {given!r}; write e.g. {{ max = 100 }}")
        refuse_unknown(given, ("min", "max"), where)
        for key, bound in given.items():
            if type(bound) not in (int, float) or not math.isfinite(bound):
                raise DesignError(f"{where}.{key} = {bound!r} must be a number")
        low, high = given.get("min", -math.inf), given.get("max", math.inf)
        if low > high:
            raise DesignError(f"{where}: min = {low} is above max = {high}; swap them")
        limits.append(Limit(metric=metric, minimum=float(low), maximum=float(high)))
    return tuple(limits)
