"""The corners of a block's parameter space: where benches find what a default hides."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chipdse_hdl.block import Record

from chipdse.errors import DesignError

_LISTED = 1_000_000
_TIMES, _AT_LEAST = 4, 8  # largest value: this multiple of the default, or at least this


@dataclass(frozen=True, kw_only=True)
class Corners:
    """Records at the corners of a parameter space.

    total : how many corners the record accepts; `records` may be an even selection
    """

    records: tuple[Record, ...]
    total: int


def corners_of(
    kind: type[Record], chosen: Mapping[str, Sequence[Any]], most: int | None = None
) -> Corners:
    """Every combination of extreme and default values that a record accepts.

    A largest value is at most four times the default, or 8 if that is more: what goes wrong with
    size goes wrong there too, and a bench of the largest hardware of all would never end.

    Parameters
    ----------
    kind : a record whose fields are made with `chipdse_hdl.block.parameter`
    chosen : by name, values to take instead of the extremes
    most : no more than these, spread evenly over all, first and last among them; None is all

    Raises
    ------
    DesignError : there are too many to list, or none that the record accepts
    """
    if most is not None and most < 1:
        raise DesignError(f"{most} corners are none; use 1 or more")
    values = {
        field.name: list(chosen[field.name]) if field.name in chosen else _extremes(field)
        for field in dataclasses.fields(kind)
    }
    combinations = math.prod(map(len, values.values()))
    if combinations > _LISTED:
        raise DesignError(f"{combinations} corners are too many; fix some parameters with --set")
    accepted = []
    refusal = "its parameters have no values"
    for point in itertools.product(*values.values()):
        try:
            accepted.append(kind(**dict(zip(values, point, strict=True))))
        except (ValueError, TypeError, DesignError) as error:
            refusal = str(error)
    if not accepted:
        raise DesignError(f"no corner is accepted: {refusal}")
    total = len(accepted)
    count = total if most is None else min(most, total)
    steps = [round(n * (total - 1) / max(count - 1, 1)) for n in range(count)]
    return Corners(records=tuple(accepted[step] for step in steps), total=total)


def _extremes(field: dataclasses.Field[Any]) -> list[Any]:
    """Every choice; false and true; else least, default and largest value, within bounds."""
    metadata = field.metadata
    if metadata.get("choices") is not None:
        return list(metadata["choices"])
    if isinstance(field.default, bool):
        return [False, True]
    if field.default is dataclasses.MISSING:
        raise DesignError(f"{field.name} has no default to start from; give it with --set")
    kind, default, largest = type(field.default), field.default, metadata.get("maximum")
    if largest is not None and not isinstance(default, str):
        largest = max(default, min(largest, max(_TIMES * default, _AT_LEAST)))
    values = [metadata.get("minimum"), default, largest]
    return list(dict.fromkeys(kind(value) for value in values if value is not None))
