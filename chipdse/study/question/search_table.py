"""The table `[search]` of a sweep file: how the points of a sweep are chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError
from chipdse.study.question.durations import parse_duration
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.template import Template
from chipdse.study.question.toml_values import refuse_unknown, table_of, whole_number

SEEDS = 2**31
"""Seeds are below this number: samplers add to a seed, and the sum must fit into 32 bits."""
SEARCH_KEYS = (
    "trials",
    "seed",
    "sampler",
    "harvest",
    "replicates",
    "time",
    "patience",
    "start_from",
)


def search_table(data: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The table `[search]` of a sweep file.

    Raises
    ------
    DesignError : it is no table, or has a key that is unknown
    """
    search = table_of(data, "search", path)
    refuse_unknown(search, SEARCH_KEYS, f"{path}: [search]")
    return search


def search_fields(search: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The fields of a sweep that `[search]` states, except replicates.

    Raises
    ------
    DesignError : a value that does not fit
    """
    harvest = search.get("harvest", True)
    if not isinstance(harvest, bool):
        raise DesignError(f"{path}: search.harvest = {harvest!r}; write true or false")
    sampler = search.get("sampler", "auto")
    if sampler not in SAMPLERS:
        raise DesignError(f"{path}: search.sampler = {sampler!r}; use one of {', '.join(SAMPLERS)}")
    return {
        "trials": whole_number(search, "trials", 50, 1, f"{path}"),
        "seed": whole_number(search, "seed", 1, 0, f"{path}", SEEDS),
        "sampler": sampler,
        "harvest": harvest,
        "time_s": _duration(search, path),
        # A file may write 0 for a sweep that is not stopped.
        "patience": whole_number(search, "patience", 0, 0, f"{path}") or None,
        "start_from": _earlier_study(search, path),
    }


def _earlier_study(search: Mapping[str, Any], path: Path) -> str | None:
    """The folder of an earlier study that the search starts from, as the file writes it."""
    given = search.get("start_from")
    if given is not None and (not isinstance(given, str) or not given):
        raise DesignError(
            f'{path}: search.start_from = {given!r}; write the folder of a study, e.g. "studies/a"'
        )
    return given


def _duration(search: Mapping[str, Any], path: Path) -> float:
    if "time" not in search:
        return math.inf
    return parse_duration(str(search["time"]), f"{path}: search.time =")


def replicates_of(search: Mapping[str, Any], template: Template, path: Path) -> int:
    """How often each point is evaluated.

    Raises
    ------
    DesignError : below 1, or replicates of a sweep that has a seed among its axes
    """
    count = whole_number(search, "replicates", 1, 1, f"{path}")
    if count > 1 and any(axis.name == "seed" for axis in template.axes):
        raise DesignError(
            f"{path}: search.replicates = {count} sets the seeds, but a seed is swept; "
            "fix it or leave replicates out"
        )
    return count
