"""Spaces of which every point is known, so that a search can be repeated in seconds.

`space.npz` holds what `freeze.py` measured of each expensive point of `space.toml`: its corners,
from which every cheap point follows (`objectives`), and its local front. `link.npz` has the same of
`link.toml`, without the designs that fail.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.stages.operate import Corner, Job
from chipdse.study.harvest.cheap import CheapPoints, CheapSpace
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.results.front import is_on_front

PHYSICAL = ("wire_level", "glitches_counted", "clock_tree_counted")
"""What of layout was counted."""
HERE = Path(__file__).parent
SPACE = "space"
"""The space that is compared in most detail."""
SCALARS = (
    "critical_path_s",
    "worst_hold_slack_s",
    "area_m2",
    "annotated_frac",
    "wire_energy_j",
    "glitch_energy_j",
    "clock_tree_energy_j",
    "wire_length_m",
    "core_area_m2",
    "clock_skew_s",
    "toggle_error_frac",
)
COUNTS = ("cell_count", "sequential_count", "clock_buffer_count", *PHYSICAL)
GROUPED = ("internal_energy_j", "switching_energy_j", "leakage_w")
DIGITS = 13
"""Bits kept of a mantissa: a relative error below 7e-5."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One expensive point."""

    point: dict[str, Any]
    job: Job
    corners: list[Corner]


@dataclass(frozen=True, kw_only=True, eq=False)
class Frozen:
    """The space, every expensive point of it that does not fail, and their local fronts.

    fronts : for each point the numbers of its cheap points, and their objectives (all minimised)
    """

    file: Path
    sweep: Sweep
    points: list[Measured]
    fronts: list[tuple[np.ndarray, np.ndarray]]
    description: dict[str, Any]

    @cached_property
    def index(self) -> dict[int, int]:
        """Place in `points` by number in the expensive space; points that fail have none."""
        space = self.sweep.proposed_space
        return {
            space.number_of(frozen_point.point): at for at, frozen_point in enumerate(self.points)
        }

    @cached_property
    def front(self) -> np.ndarray:
        """The true front."""
        every = np.concatenate([objectives for _, objectives in self.fronts])
        return every[is_on_front(every)]

    def evaluate(self, at: int) -> CheapPoints:
        """Every cheap point of an expensive one."""
        return evaluate(self.sweep, self.points[at])


def evaluate(sweep: Sweep, frozen_point: Measured) -> CheapPoints:
    """Every cheap point around a measured netlist."""
    cheap = CheapSpace.of(sweep)
    numbers = cheap.numbers(frozen_point.point)
    design = sweep.template.design({**frozen_point.point, **cheap.part.point_at(int(numbers[0]))})
    at = {corner.vdd_v: corner for corner in frozen_point.corners}
    return cheap.evaluate(
        frozen_point.point,
        design,
        numbers,
        lambda points: [at[point.vdd_v] for point in points],
        lambda _: frozen_point.job,
    )


def data_file(name: str) -> Path:
    """What was measured of a space."""
    return HERE / f"{name}.npz"


def read_space(name: str) -> Sweep:
    """The sweep of a space."""
    return read_sweep(HERE / f"{name}.toml")


def load(name: str = SPACE) -> Frozen:
    """The frozen space of that name."""
    return _load(read_space(name), data_file(name))


def _load(sweep: Sweep, file: Path) -> Frozen:
    with np.load(file) as data:
        arrays = {name: data[name] for name in data.files}
    description = json.loads(str(arrays["about"]))
    space = sweep.proposed_space
    points = [
        Measured(
            point=space.point_at(int(number)),
            job=Job(
                op_count=int(arrays["op_count"][row]),
                cycle_count=int(arrays["cycle_count"][row]),
                io_bits_per_op=float(arrays["io_bits_per_op"][row]),
                node_nm=description["node_nm"],
            ),
            corners=[
                _corner(arrays, description, row, at) for at in range(len(description["vdd_v"]))
            ],
        )
        for row, number in enumerate(arrays["number"])
    ]
    ends = np.cumsum(arrays["front_size"])
    cheap = np.split(arrays["front_number"].astype(np.int64), ends[:-1])
    objectives = np.split(arrays["front_objectives"].astype(np.float64), ends[:-1])
    fronts = list(zip(cheap, objectives, strict=True))
    return Frozen(file=file, sweep=sweep, points=points, fronts=fronts, description=description)


def _corner(
    arrays: dict[str, np.ndarray], description: dict[str, Any], row: int, at: int
) -> Corner:
    temperatures = tuple(description["leakage_temperatures_c"][at])
    powers = arrays["leakage_powers_w"][row, at, : len(temperatures)]
    return Corner(
        vdd_v=description["vdd_v"][at],
        temperature_c=description["temperature_c"],
        **{name: float(arrays[name][row, at]) for name in SCALARS},
        **{name: int(arrays[name][row]) for name in COUNTS},
        **{
            name: dict(zip(description["groups"], map(float, arrays[name][row, at]), strict=True))
            for name in GROUPED
        },
        leakage_temperatures_c=temperatures,
        leakage_powers_w=tuple(map(float, powers)),
    )


def save(
    sweep: Sweep, points: Sequence[Measured], file: Path, versions: dict[str, str]
) -> dict[str, Any]:
    """Pack measured points and the local fronts that follow from them."""
    corners = [frozen_point.corners for frozen_point in points]
    groups = list(corners[0][0].leakage_w)
    most = max(len(corner.leakage_powers_w) for corner in corners[0])
    arrays: dict[str, np.ndarray] = {
        "number": np.array([sweep.proposed_space.number_of(p.point) for p in points], np.uint16),
        "op_count": np.array([frozen_point.job.op_count for frozen_point in points], np.uint32),
        "cycle_count": np.array(
            [frozen_point.job.cycle_count for frozen_point in points], np.uint32
        ),
        "io_bits_per_op": np.array([frozen_point.job.io_bits_per_op for frozen_point in points]),
    }
    for name in COUNTS:
        arrays[name] = np.array(
            [getattr(frozen_point[0], name) for frozen_point in corners], np.uint32
        )
    for name in SCALARS:
        arrays[name] = _short(
            [[getattr(c, name) for c in frozen_point] for frozen_point in corners]
        )
    for name in GROUPED:
        arrays[name] = _short(
            [[list(getattr(c, name).values()) for c in frozen_point] for frozen_point in corners]
        )
    padded = [
        [[*c.leakage_powers_w, *[0.0] * (most - len(c.leakage_powers_w))] for c in frozen_point]
        for frozen_point in corners
    ]
    arrays["leakage_powers_w"] = _short(padded)
    description = {
        "vdd_v": [corner.vdd_v for corner in corners[0]],
        "temperature_c": corners[0][0].temperature_c,
        "node_nm": points[0].job.node_nm,
        "groups": groups,
        "leakage_temperatures_c": [c.leakage_temperatures_c for c in corners[0]],
        "versions": versions,
    }
    arrays["about"] = np.array(json.dumps(description))
    nothing = {
        "front_size": np.zeros(len(points), np.int64),
        "front_number": np.zeros(0, np.int64),
        "front_objectives": np.zeros((0, len(sweep.objectives))),
    }
    np.savez_compressed(file, **arrays, **nothing)
    kept = _load(sweep, file)  # the fronts of what is kept, not of what was rounded
    fronts = []
    for at in range(len(points)):
        front = kept.evaluate(at).local_front()
        fronts.append(front.take(front.violation <= 0))
    arrays["front_size"] = np.array(
        [len(frozen_point.numbers) for frozen_point in fronts], np.uint16
    )
    arrays["front_number"] = np.concatenate(
        [frozen_point.numbers for frozen_point in fronts]
    ).astype(np.uint16)
    values = np.concatenate([frozen_point.objectives for frozen_point in fronts])
    arrays["front_objectives"] = values.astype(np.float32)
    np.savez_compressed(file, **arrays)
    return {"points": len(points), "cheap_points": len(values), "bytes": file.stat().st_size}


def _short(values: Any) -> np.ndarray:
    """Numbers of fewer bits, so that they pack."""
    mantissa, exponent = np.frexp(np.array(values, dtype=np.float64))
    rounded = np.round(mantissa * 2**DIGITS) / 2**DIGITS
    return np.ldexp(rounded, exponent).astype(np.float32)
