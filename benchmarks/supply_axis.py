"""What the supply axis of the shipped library is worth: energy over supply, and fronts with it.

Prints one JSON line: for mac_array the supply of least energy by temperature and duty (the share
of cycles in which it works; the clock is stopped in the others, leakage goes on), and how much
energy an operation takes at equal throughput when the supply may be chosen, against 1.8 V alone,
from the points of a sweep over hardware, supply and clock.

    chipdse sweep sweeps/supply.toml
    python benchmarks/supply_axis.py --study studies/supply --plot docs/concepts/supply_axis.svg
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.design import Design, LibraryChoice, find_block
from chipdse.stages.analyse import analyse_cells
from chipdse.stages.build import build_hardware
from chipdse.stages.library import library_of
from chipdse.store.store import Store, default_store

LIBRARY = LibraryChoice(name="sky130")
BLOCK = find_block("mac_array")
DUTIES = (1.0, 0.1, 0.01, 0.001)
Candidate = tuple[float, float, float, str]  # throughput, energy, supply, design
NOMINAL_V = 1.8


@dataclasses.dataclass(frozen=True)
class Point:
    """A design at supplies [K] of one temperature: per operation and cycle."""

    name: str
    temperature_c: float
    supply_v: np.ndarray
    period_s: np.ndarray
    dynamic_j: np.ndarray  # of an operation
    leakage_w: np.ndarray
    ops_per_cycle: float

    def energy_per_op_j(self, duty: float = 1.0) -> np.ndarray:
        """Dynamic energy, and leakage of the cycles it takes, idle ones included."""
        idle_j = self.leakage_w * self.period_s / duty / self.ops_per_cycle
        energy: np.ndarray = self.dynamic_j + idle_j
        return energy


def characterise(given: dict[str, Any], supply_v: np.ndarray, temperature_c: float) -> Point:
    parameters = BLOCK.parameters(**given)
    workload = BLOCK.workload()
    design = Design(block=BLOCK, parameters=parameters, workload=workload, library=LIBRARY)
    _, hardware = build_hardware(design, Store(root=default_store()))
    temperatures = [temperature_c] * len(supply_v)
    timing, power, _ = analyse_cells(LIBRARY, hardware, list(supply_v), temperatures)
    ops_per_cycle = BLOCK.work(parameters, workload).count / hardware.run.cycles
    dynamic = power.internal_energy_j + power.switching_energy_j
    return Point(
        name=", ".join(f"{key}={value}" for key, value in given.items()),
        temperature_c=temperature_c,
        supply_v=supply_v,
        period_s=np.asarray(timing.min_period_s),
        dynamic_j=dynamic / ops_per_cycle,
        leakage_w=power.leakage_w.sum(axis=1),
        ops_per_cycle=ops_per_cycle,
    )


def swept(study: Path) -> list[Candidate]:
    """Every point of a finished study."""
    with (study / "points.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["state"] == "feasible"]
    axes = [f.name for f in dataclasses.fields(BLOCK.parameters) if f.name in rows[0]]
    return [
        (
            float(row["block_throughput_ops_per_s"]),
            float(row["block_energy_per_op_j"]),
            float(row["vdd_v"]),
            ", ".join(f"{name}={row[name]}" for name in axes),
        )
        for row in rows
    ]


def front(points: list[Candidate]) -> list[Candidate]:
    """Points that no other beats in both throughput and energy."""
    best: list[Candidate] = []
    for point in sorted(points, key=lambda p: (-p[0], p[1])):
        if not best or point[1] < best[-1][1]:
            best.append(point)
    return best[::-1]


def saving(free: list[Candidate], fixed: list[Candidate]) -> list[dict[str, float]]:
    """Energy at equal throughput: the cheapest point at least that fast, of either front."""
    results = []
    for share in (1.0, 0.5, 0.2, 0.1, 0.05, 0.01):
        rate = share * max(point[0] for point in fixed)
        with_axis = min((p for p in free if p[0] >= rate * 0.999), key=lambda p: p[1])
        without = min((p for p in fixed if p[0] >= rate * 0.999), key=lambda p: p[1])
        results.append(
            {
                "throughput_ops_per_s": rate,
                "energy_per_op_j": with_axis[1],
                "supply_v": with_axis[2],
                "energy_at_1v8_j": without[1],
                "saved_frac": 1 - with_axis[1] / without[1],
            }
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, required=True, help="of sweeps/supply.toml, finished")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    library = library_of(LIBRARY).load()
    curves = []
    for temp in library.grid.temperatures_c:
        supplies_v = library.supply_v[library.temperature_c == temp]
        fine = np.round(np.arange(supplies_v.min(), supplies_v.max() + 1e-9, 0.02), 3)
        curves.append(characterise({"rows": 2, "columns": 2}, fine, temp))
    least = [
        {
            "temperature_c": curve.temperature_c,
            "duty": duty,
            "supply_v": float(curve.supply_v[np.argmin(curve.energy_per_op_j(duty))]),
            "energy_per_op_j": float(curve.energy_per_op_j(duty).min()),
            "leakage_share": float(
                1
                - (curve.dynamic_j / curve.energy_per_op_j(duty))[
                    np.argmin(curve.energy_per_op_j(duty))
                ]
            ),
        }
        for curve in curves
        for duty in DUTIES
    ]
    points = swept(options.study)
    free, fixed = front(points), front([point for point in points if point[2] == NOMINAL_V])
    result = {
        "least_energy": least,
        "points": len(points),
        "front_points": len(free),
        "front_supplies_v": sorted({point[2] for point in free}),
        "front_designs": len({point[3] for point in free}),
        "saving": saving(free, fixed),
    }
    if options.plot:
        plot(curves, free, fixed, options.plot)
    print(json.dumps(result))


def plot(curves: list[Point], free: list[Candidate], fixed: list[Candidate], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    style = {"font.size": 8, "axes.linewidth": 0.6, "svg.fonttype": "none", "svg.hashsalt": "x"}
    colours = ("#33658a", "#f26419", "#758e4f", "#c1121f")
    with plt.rc_context(style):  # type: ignore[arg-type]
        figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.0), layout="constrained")
        room = next(curve for curve in curves if curve.temperature_c == 25.0)
        for colour, duty in zip(colours, DUTIES, strict=True):
            energy = room.energy_per_op_j(duty) * 1e12
            axes[0].plot(room.supply_v, energy, color=colour, label=f"{duty:g}")
            best = int(np.argmin(energy))
            axes[0].plot(room.supply_v[best], energy[best], "o", color=colour, markersize=4)
        axes[0].plot(room.supply_v, room.dynamic_j * 1e12, ":", color="#555", label="dynamic only")
        axes[0].set_title("25 °C, by share of cycles in use")
        for colour, curve in zip(colours, curves, strict=False):
            energy = curve.energy_per_op_j(0.01) * 1e12
            axes[1].plot(curve.supply_v, energy, color=colour, label=f"{curve.temperature_c:g} °C")
            best = int(np.argmin(energy))
            axes[1].plot(curve.supply_v[best], energy[best], "o", color=colour, markersize=4)
        axes[1].set_title("in use 1 % of cycles, by temperature")
        for axis in axes[:2]:
            axis.set_xlabel("supply [V]")
            axis.set_ylabel("energy per operation [pJ]")
            axis.set_ylim(0, None)
            axis.legend(frameon=False)
        axes[1].set_ylim(0, 4 * float(room.dynamic_j.max() * 1e12))
        for points, colour, label in ((free, "#33658a", "any supply"), (fixed, "#f26419", "1.8 V")):
            rate, energy = np.array([p[:2] for p in points]).T
            axes[2].plot(rate / 1e6, energy * 1e12, ".-", color=colour, label=label, markersize=3)
        axes[2].set_xscale("log")
        axes[2].set_ylim(0, None)
        axes[2].set_xlabel("throughput [million operations/s]")
        axes[2].set_ylabel("energy per operation [pJ]")
        axes[2].set_title("fronts of the sweep, 25 °C")
        axes[2].legend(frameon=False)
        for axis in axes:
            axis.grid(visible=True, linewidth=0.3)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=160)
        plt.close(figure)


if __name__ == "__main__":
    main()
