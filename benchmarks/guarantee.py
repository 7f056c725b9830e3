"""What a guarantee costs: typical and guaranteed frequency and energy over the supply voltage.

Prints one JSON line: for each block, at each supply voltage, the highest frequency of a typical
chip and the one that every chip keeps (5 % less supply, 0 to 85 °C, slow transistors), without and
with three standard deviations of mismatch, the energy per operation at each of them, and how much
more energy the guarantee takes at equal speed: the guaranteed design needs a higher supply voltage
for the same frequency.

    python benchmarks/guarantee.py --plot docs/concepts/guarantee.svg
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.design import Design, LibraryChoice, OperatingPoint, find_block
from chipdse.stages.build import build_hardware
from chipdse.stages.measure import corners_of, job_of
from chipdse.stages.operate import operate
from chipdse.store.store import Store, default_store

LIBRARY = LibraryChoice(name="sky130")
BLOCKS: dict[str, dict[str, Any]] = {
    "adder": {},
    "mac_array": {"rows": 2, "columns": 2},
    "fir": {},
    "ascon": {},
}
VIEWS: dict[str, dict[str, Any]] = {
    "typical": {},
    "guaranteed": {"view": "guaranteed", "timing_sigma": 0.0},
    "mismatch": {"view": "guaranteed", "timing_sigma": 3.0},
}
SUPPLIES_V = (0.75, 0.8, 0.85, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One view of a block over the supply voltages [K].

    f_max_hz : highest clock frequency
    energy_per_op_j : at that frequency
    setup_temperature_c : temperature of the critical path
    """

    f_max_hz: np.ndarray
    energy_per_op_j: np.ndarray
    setup_temperature_c: np.ndarray
    leakage_w: np.ndarray

    def supply_at_v(self, frequency_hz: np.ndarray, supplies_v: np.ndarray) -> np.ndarray:
        """Lowest supply voltage for each frequency; NaN beyond the highest one."""
        supply = np.exp(
            np.interp(
                np.log(frequency_hz), np.log(self.f_max_hz), np.log(supplies_v), left=np.nan,
                right=np.nan,
            )
        )  # fmt: skip
        return np.asarray(supply)


def curves(name: str, parameters: dict[str, Any]) -> dict[str, Curve]:
    """A block in each of `VIEWS`."""
    block = find_block(name)
    design = Design(
        block=block,
        parameters=block.parameters(**parameters),
        workload=block.workload(),
        library=LIBRARY,
    )
    store = Store(root=default_store())
    _, hardware = build_hardware(design, store)
    found = {}
    for view, options in VIEWS.items():
        points = [OperatingPoint(vdd_v=vdd_v, **options) for vdd_v in SUPPLIES_V]
        corners = corners_of(design, hardware, store, points)
        count = len(corners)
        report = operate(
            corners,
            np.arange(count),
            np.full(count, np.nan),
            np.ones(count),
            job_of(design, hardware),
        ).report
        found[view] = Curve(
            f_max_hz=report.f_max_hz,
            energy_per_op_j=report.block_energy_per_op_j,
            setup_temperature_c=report.setup_temperature_c,
            leakage_w=report.block_leakage_power_w,
        )
    return found


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
    parser.add_argument("--blocks", nargs="+", choices=BLOCKS, default=list(BLOCKS))
    options = parser.parse_args()
    if options.plot and "mac_array" not in options.blocks:
        parser.error("--plot draws mac_array; name it in --blocks")
    measured = {name: curves(name, BLOCKS[name]) for name in options.blocks}
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
            "at_equal_speed": energy_of_guarantee(views, "guaranteed"),
            "mismatch_at_equal_speed": energy_of_guarantee(views, "mismatch"),
        }
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
