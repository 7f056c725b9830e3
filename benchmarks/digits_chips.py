"""Three chips classify digits: energy of each level and layer, with and without the layers' data.

    python benchmarks/digits_chips.py

The chips are those of sweeps/chips/digits.toml. Prints one JSON line. `results` has one row per
chip, `layers` one per chip and layer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chipdse.api.chip import evaluate_chips
from chipdse.application.digits import Quantisation

FILE = Path(__file__).parents[1] / "sweeps" / "chips" / "digits.toml"


def main() -> None:
    chips = evaluate_chips(FILE)
    results, layers = [], []
    for chip in range(len(chips.table)):
        row = chips.row(chip)
        gating = row["parts"]["array"]["gating"]
        results.append(
            {
                "gating": gating,
                "energy_j": row["energy_per_task_j"],
                **{f"{level}_j": joules for level, joules in row["energy_by_level_j"].items()},
                "constant_energy_error_frac": row["constant_energy_error_frac"],
                "latency_s": row["latency_s"],
            }
        )
        layers += [{"gating": gating, **_of_layer(layer)} for layer in chips.layers(chip)]
    accuracy = Quantisation.shipped().test_accuracy
    print(
        json.dumps(
            {
                "benchmark": "digits_chips",
                "test_accuracy": accuracy,
                "results": results,
                "layers": layers,
            }
        )
    )


def _of_layer(layer: dict[str, Any]) -> dict[str, Any]:
    names = ("name", "macs", "mac_energy_j", "tile_energy_j", "constant_tile_j", "tiles")
    return {name: layer[name] for name in (*names, "constant_tile_error_frac", "utilisation")}


if __name__ == "__main__":
    main()
