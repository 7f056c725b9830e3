"""Evaluate every expensive point of a space and keep what its cheap points follow from.

    nice python -m benchmarks.search.freeze          # about an hour on one core; goes on if stopped
    nice python -m benchmarks.search.freeze link     # half an hour

A name stands for NAME.toml in this folder; designs that fail are left out. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable

from benchmarks.search.frozen import SPACE, Measured, data_file, read_space, save
from chipdse.api.study import tool_versions
from chipdse.design import Design
from chipdse.errors import ToolError
from chipdse.stages.build import build_hardware
from chipdse.stages.measure import corners_of, job_of
from chipdse.store.store import Store, default_store
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("space", nargs="?", default=SPACE)
    name = parser.parse_args().space
    sweep = read_space(name)
    store = Store(root=default_store())
    points, failed = [], 0
    faults: set[tuple[object, ...]] = set()
    # What a bench finds does not depend on synthesis, and it would run again for each target.
    names = [axis.name for axis in sweep.proposed_space.axes if axis.group != "synthesis"]
    for point in sweep.proposed_space.points():
        simulated = tuple(point[name] for name in names)
        try:
            if simulated not in faults:
                points.append(measure(sweep, point, store))
                continue
        except ToolError:  # its bench found a fault
            faults.add(simulated)
        failed += 1
    print(json.dumps(save(sweep, points, data_file(name), tool_versions()) | {"failed": failed}))


if __name__ == "__main__":
    main()
