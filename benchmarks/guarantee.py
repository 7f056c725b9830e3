"""What a guarantee costs: typical and guaranteed frequency and energy over the supply voltage.

Prints one JSON line: for each block, at each supply voltage, the highest frequency of a typical
chip and the one that every chip keeps (5 % less supply, 0 to 85 °C, slow transistors), without and
with three standard deviations of mismatch, the energy per operation at each of them, and how much
more energy the guarantee takes at equal speed: the guaranteed design needs a higher supply voltage
for the same frequency. `adder_cells` has no wires, clock tree and glitches: how much mismatch slows
it, and at which supply voltage it takes the least energy at 85 °C. `adder_parts` are the parts of
the guarantee at 1.2 V. With `--sweep` also the points of `sweeps/supply.toml` in each view: the
least energy at a throughput, and the supply voltage and design that give it.

    python benchmarks/guarantee.py --sweep --plot docs/concepts/guarantee.svg
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.design import Design, LibraryChoice, OperatingPoint, PhysicalOptions, find_block
from chipdse.metrics import BlockColumns
from chipdse.stages.build import build_hardware
from chipdse.stages.measure import corners_of, job_of
from chipdse.stages.operate import operate
from chipdse.store.store import Store, default_store
from chipdse.study.question.sweep_file import read_sweep

LIBRARY = LibraryChoice(name="sky130")
BLOCKS: dict[str, dict[str, Any]] = {
    "adder": {},
    "mac_array": {"rows": 2, "columns": 2},
    "fir": {},
    "ascon": {},
}
# The adder that the tutorial chooses, with its workload.
TUTORIAL = "tutorial_adder"
TUTORIAL_PARAMETERS = {"bits": 16, "structure": "brent_kung"}
TUTORIAL_WORKLOAD = {"length": 200, "values": "narrow"}
SWEEP = Path(__file__).parents[1] / "sweeps" / "supply.toml"
THROUGHPUTS_PER_S = (1e6, 5e6, 20e6, 100e6, 200e6, 400e6, 1e9)
VIEWS: dict[str, dict[str, Any]] = {
    "typical": {},
    "guaranteed": {"view": "guaranteed", "timing_sigma": 0.0},
    "mismatch": {"view": "guaranteed", "timing_sigma": 3.0},
}
LOWEST_V = 0.8
CELLS_SUPPLIES_V = (1.8, 1.4, 1.2, 1.0, 0.8)
LOW_SUPPLIES_V = tuple(round(0.53 + 0.01 * step, 2) for step in range(40))
SUPPLIES_V = (0.75, 0.8, 0.85, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One view of a block over the supply voltages [K].

    f_max_hz : highest clock frequency
    energy_per_op_j : at that frequency
    setup_temperature_c : temperature of the critical path
    leakage_w, power_w : of the leakiest chip at that frequency; power contains leakage
    """

    f_max_hz: np.ndarray
    energy_per_op_j: np.ndarray
    setup_temperature_c: np.ndarray
    leakage_w: np.ndarray
    power_w: np.ndarray

    def supply_at_v(self, frequency_hz: np.ndarray, supplies_v: np.ndarray) -> np.ndarray:
        """Lowest supply voltage for each frequency; NaN beyond the highest one."""
        supply = np.exp(
            np.interp(
                np.log(frequency_hz),
                np.log(self.f_max_hz),
                np.log(supplies_v),
                left=np.nan,
                right=np.nan,
            )
        )
        return np.asarray(supply)


def design_of(name: str) -> Design:
    """One of `BLOCKS`, or the tutorial's adder."""
    tutorial = name == TUTORIAL
    block = find_block("adder" if tutorial else name)
    return Design(
        block=block,
        parameters=block.parameters(**(TUTORIAL_PARAMETERS if tutorial else BLOCKS[name])),
        workload=block.workload(**(TUTORIAL_WORKLOAD if tutorial else {})),
        library=LIBRARY,
    )


def over_supply(supplies_v: tuple[float, ...], **operating: Any) -> list[OperatingPoint]:
    """One point at each supply voltage, otherwise equal."""
    return [OperatingPoint(vdd_v=vdd_v, **operating) for vdd_v in supplies_v]


def evaluated(
    design: Design, points: list[OperatingPoint], clock_frac: tuple[float, ...] = (1.0,)
) -> BlockColumns:
    """A design at every operating point, and there at every share of the highest clock."""
    store = Store(root=default_store())
    _, hardware = build_hardware(design, store)
    corners = corners_of(design, hardware, store, points)
    count = len(corners) * len(clock_frac)
    return operate(
        corners,
        np.repeat(np.arange(len(corners)), len(clock_frac)),
        np.full(count, np.nan),
        np.tile(clock_frac, len(corners)),
        job_of(design, hardware),
    ).report


def curves(name: str) -> dict[str, Curve]:
    """A block in each of `VIEWS`, at its highest clock frequency."""
    results = {}
    for view in VIEWS:
        report = evaluated(design_of(name), over_supply(SUPPLIES_V, **VIEWS[view]))
        results[view] = Curve(
            f_max_hz=report.f_max_hz,
            energy_per_op_j=report.block_energy_per_op_j,
            setup_temperature_c=report.setup_temperature_c,
            leakage_w=report.block_leakage_power_w,
            power_w=report.block_power_w,
        )
    return results


def adder_cells() -> dict[str, Any]:
    """`adder` of cells alone: what mismatch does to its clock and its supply of least energy."""
    physical = PhysicalOptions(wires="none", glitches=False, clock_tree=False)
    design = dataclasses.replace(design_of("adder"), physical=physical)
    f_max_hz, least_v = {}, {}
    for view, options in VIEWS.items():
        f_max_hz[view] = evaluated(design, over_supply(CELLS_SUPPLIES_V, **options)).f_max_hz
        # Slow chips are characterised down to 0.5 V from 25 °C on.
        range_c = {} if view == "typical" else {"lowest_temperature_c": 25.0}
        points = over_supply(LOW_SUPPLIES_V, temperature_c=85.0, **options, **range_c)
        energy_j = evaluated(design, points).block_energy_per_op_j
        least_v[view] = LOW_SUPPLIES_V[int(energy_j.argmin())]
    return {
        "supply_v": CELLS_SUPPLIES_V,
        "slower_by_mismatch": (f_max_hz["guaranteed"] / f_max_hz["mismatch"]).tolist(),
        "least_energy_supply_v": least_v,
    }


def adder_parts() -> dict[str, float]:
    """How much slower `adder` gets at 1.2 V, one part of the guarantee after the other."""
    slow = {"process": "slow"}
    points = [
        OperatingPoint(vdd_v=1.2),
        OperatingPoint(vdd_v=1.2, **slow),
        OperatingPoint(vdd_v=1.2, temperature_c=0.0, **slow),
        OperatingPoint(vdd_v=1.14, temperature_c=0.0, **slow),
    ]
    f_max_hz = evaluated(design_of("adder"), points).f_max_hz
    names = ("slow_transistors", "temperature", "supply_tolerance")
    return dict(zip(names, map(float, f_max_hz[:-1] / f_max_hz[1:]), strict=True))


def swept() -> dict[str, list[dict[str, Any]]]:
    """The points of `SWEEP` in each view: the least energy per operation at each throughput.

    Slow chips are characterised down to 0.7 V at 0 °C: guaranteed points begin at 0.8 V.
    """
    sweep = read_sweep(SWEEP)
    values = {axis.name: axis.values for axis in sweep.template.axes}
    names = [axis.name for axis in sweep.template.axes if axis.group == "hardware"]
    result = {}
    for view in VIEWS:
        supplies_v = tuple(v for v in values["vdd_v"] if view == "typical" or v >= LOWEST_V)
        candidates = []
        for chosen in itertools.product(*(values[name] for name in names)):
            hardware = dict(zip(names, chosen, strict=True))
            design = sweep.template.design({**hardware, "vdd_v": 1.8, "clock_frac": 1.0})
            points = over_supply(supplies_v, **VIEWS[view])
            report = evaluated(design, points, values["clock_frac"])
            candidates += [
                {
                    "throughput_ops_per_s": float(rate),
                    "energy_per_op_j": float(energy_j),
                    "supply_v": float(supply_v),
                    **hardware,
                }
                for rate, energy_j, supply_v in zip(
                    report.block_throughput_ops_per_s,
                    report.block_energy_per_op_j,
                    np.repeat(supplies_v, len(values["clock_frac"])),
                    strict=True,
                )
            ]
        result[view] = [cheapest(candidates, rate) for rate in THROUGHPUTS_PER_S]
    return result


def cheapest(candidates: list[dict[str, Any]], rate_per_s: float) -> dict[str, Any]:
    """The candidate of least energy with at least a throughput; no energy where there is none."""
    fast = [point for point in candidates if point["throughput_ops_per_s"] >= rate_per_s]
    best = min(fast, key=lambda point: point["energy_per_op_j"], default={})
    return {"at_least_ops_per_s": rate_per_s, **best}


def energy_of_guarantee(views: dict[str, Curve], view: str) -> list[dict[str, float]]:
    """Energy at equal speed: a guaranteed design against a typical chip at each frequency."""
    supplies_v = np.array(SUPPLIES_V)
    typical, guaranteed = views["typical"], views[view]
    lower_v = typical.supply_at_v(guaranteed.f_max_hz, supplies_v)
    known = np.isfinite(lower_v)
    energy_j = np.exp(
        np.interp(np.log(lower_v[known]), np.log(supplies_v), np.log(typical.energy_per_op_j))
    )
    rows = zip(
        guaranteed.f_max_hz[known],
        supplies_v[known],
        lower_v[known],
        guaranteed.energy_per_op_j[known] / energy_j - 1,
        strict=True,
    )
    names = ("frequency_hz", "supply_v", "typical_supply_v", "more_energy_frac")
    return [dict(zip(names, map(float, row), strict=True)) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plot", type=Path, help="of mac_array")
    names = [*BLOCKS, TUTORIAL]
    parser.add_argument("--blocks", nargs="+", choices=names, default=names)
    parser.add_argument("--sweep", action="store_true", help="also sweeps/supply.toml in each view")
    options = parser.parse_args()
    if options.plot and "mac_array" not in options.blocks:
        parser.error("--plot draws mac_array; name it in --blocks")
    measured = {name: curves(name) for name in options.blocks}
    result: dict[str, Any] = {"supply_v": list(SUPPLIES_V)}
    for name, views in measured.items():
        typical, guaranteed = views["typical"], views["guaranteed"]
        result[name] = {
            "typical_f_max_hz": typical.f_max_hz.tolist(),
            "guaranteed_f_max_hz": guaranteed.f_max_hz.tolist(),
            "mismatch_f_max_hz": views["mismatch"].f_max_hz.tolist(),
            "slower": (typical.f_max_hz / guaranteed.f_max_hz).tolist(),
            "setup_temperature_c": guaranteed.setup_temperature_c.tolist(),
            "typical_energy_per_op_j": typical.energy_per_op_j.tolist(),
            "guaranteed_energy_per_op_j": guaranteed.energy_per_op_j.tolist(),
            "mismatch_energy_per_op_j": views["mismatch"].energy_per_op_j.tolist(),
            "leakage_ratio": (guaranteed.leakage_w / typical.leakage_w).tolist(),
            "leakage_power_frac": (guaranteed.leakage_w / guaranteed.power_w).tolist(),
            "at_equal_speed": energy_of_guarantee(views, "guaranteed"),
            "mismatch_at_equal_speed": energy_of_guarantee(views, "mismatch"),
        }
    if "adder" in options.blocks:
        result["adder_cells"], result["adder_parts"] = adder_cells(), adder_parts()
    if options.sweep:
        result["sweep"] = swept()
    if options.plot:
        plot(measured["mac_array"], options.plot)
    print(json.dumps(result))


def plot(views: dict[str, Curve], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    style = {"font.size": 8, "axes.linewidth": 0.6, "svg.fonttype": "none", "svg.hashsalt": "x"}
    colours = {"typical": "#33658a", "guaranteed": "#c1121f", "mismatch": "#f26419"}
    labels = {**{view: view for view in VIEWS}, "mismatch": "guaranteed with mismatch"}
    with plt.rc_context(style):  # type: ignore[arg-type]
        figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), layout="constrained")
        for view, curve in views.items():
            look = {"color": colours[view], "label": labels[view]}
            axes[0].semilogy(SUPPLIES_V, curve.f_max_hz / 1e6, **look)
            axes[1].plot(curve.f_max_hz / 1e6, curve.energy_per_op_j * 1e12, **look)
        axes[0].set(xlabel="supply voltage [V]", ylabel="highest clock frequency [MHz]")
        axes[1].set(
            xlabel="clock frequency [MHz]", ylabel="energy per operation [pJ]", xscale="log"
        )
        axes[0].legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
