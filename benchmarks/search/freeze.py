"""Evaluate every expensive point of space.toml and keep what its cheap points follow from.

    nice python -m benchmarks.search.freeze          # about an hour on one core; goes on if stopped

Prints one JSON line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks.search.frozen import HERE, Measured, save
from chipdse.api import tool_versions
from chipdse.evaluate import build_hardware
from chipdse.hardware.store import Store, default_store
from chipdse.measure import corners_of, job_of
from chipdse.study.sweepfile import Sweep, read_sweep


def measured(sweep: Sweep, store: Store) -> Iterator[Measured]:
    """Every expensive point, evaluated; the store keeps what is done."""
    cheap = next(iter(sweep.space.points()))
    supplies = next(axis.values for axis in sweep.space.axes if axis.name == "vdd_v")
    for point in sweep.proposed_space.points():
        design = sweep.template.design({**cheap, **point})
        _, hardware = build_hardware(design, store)
        temperature_c = design.operating.temperature_c
        corners = corners_of(design, hardware, store, [(v, temperature_c) for v in supplies])
        yield Measured(point=point, job=job_of(design, hardware), corners=corners)


def main() -> None:
    sweep = read_sweep(HERE / "space.toml")
    points = list(measured(sweep, Store(root=default_store())))
    print(json.dumps(save(sweep, points, HERE / "space.npz", tool_versions())))


if __name__ == "__main__":
    main()
