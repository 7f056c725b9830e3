"""Frozen chips of three parts: every point is known, so a search can be repeated in seconds.

The objectives are energy and latency per task, and the area of parts and buffer. Packages are left
out, because the temperature of every die would take nearly all of the computing time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from chipdse.study.harvest.composed import Known, chips_of, setting_of
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.results.front import is_on_front

HERE = Path(__file__).parent
PARTS = HERE / "chip_parts.json"


def read_chip_sweep() -> Sweep:
    """The question of the frozen chips."""
    return read_sweep(HERE / "chip.toml")


@dataclass(frozen=True, kw_only=True, eq=False)
class FrozenChips:
    """The sweep, and every chip that can be composed of its measured part points.

    points : metrics by operating point of every hardware point of every part
    numbers : of the chips in the sweep's space, ascending
    hardware : of each chip, the number of the hardware point of each part [chip, part]
    objectives : of each chip [chip, objective], all to be small
    """

    sweep: Sweep
    points: Known
    numbers: np.ndarray
    hardware: np.ndarray
    objectives: np.ndarray

    @cached_property
    def front(self) -> np.ndarray:
        """Objectives of the true front."""
        return self.objectives[is_on_front(self.objectives)]


def load() -> FrozenChips:
    """The frozen chips."""
    stored = json.loads(PARTS.read_text(encoding="utf-8"))["points"]
    points = {
        name: {int(number): metrics for number, metrics in some.items()}
        for name, some in stored.items()
    }
    sweep = read_chip_sweep()
    assert sweep.chip is not None
    numbers = sweep.space.allowed_among(np.arange(sweep.space.size))
    table = chips_of(sweep, points, numbers, setting_of(sweep)).table
    joint, columns = numbers // sweep.space.part(cheap=True).size, []
    for part in reversed(sweep.chip.parts):  # the last part counts fastest
        joint, place = np.divmod(joint, part.hardware.size)
        columns.insert(0, place)
    return FrozenChips(
        sweep=sweep,
        points=points,
        numbers=numbers,
        hardware=np.stack(columns, axis=1),
        objectives=np.stack([table.energy_j, table.latency_s, table.area_m2], axis=1),
    )
