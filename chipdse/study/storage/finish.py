"""The record of a finished trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FinishedTrial:
    """The parameters, values and attributes of a finished trial.

    params : with `distributions`, by name; of a proposed trial only those it does not have yet
    values : of the objectives; None where the trial failed
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    values: Sequence[float] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    constraints: Mapping[str, float] = field(default_factory=dict)
