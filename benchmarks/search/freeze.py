"""Evaluate every expensive point of space.toml and keep what its cheap points follow from.

    nice python -m benchmarks.search.freeze          # about an hour on one core; goes on if stopped

Prints one JSON line.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

from benchmarks.search.frozen import HERE, SPACE, Measured, save
from chipdse.api.study import tool_versions
from chipdse.design import Design
from chipdse.stages.build import build_hardware
from chipdse.stages.measure import corners_of, job_of
from chipdse.store.store import Store, default_store
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep, read_sweep


def measure(
    sweep: Sweep, point: Point, store: Store, change: Callable[[Design], Design] = lambda d: d
) -> Measured:
    """An expensive point, evaluated; the store keeps what is done.

    change : something of the design to be otherwise
    """
    cheap = next(iter(sweep.space.points()))
    supplies = next(axis.values for axis in sweep.space.axes if axis.name == "vdd_v")
    design = change(sweep.template.design({**cheap, **point}))
    _, hardware = build_hardware(design, store)
    points = [dataclasses.replace(design.operating.corner, vdd_v=vdd_v) for vdd_v in supplies]
    corners = corners_of(design, hardware, store, points)
    return Measured(point=point, job=job_of(design, hardware), corners=corners)


def main() -> None:
    sweep = read_sweep(HERE / "space.toml")
    store = Store(root=default_store())
    points = [measure(sweep, point, store) for point in sweep.proposed_space.points()]
    print(json.dumps(save(sweep, points, SPACE, tool_versions())))


if __name__ == "__main__":
    main()
