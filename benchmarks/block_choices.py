"""What the parameters of the blocks do to area, frequency and energy: one JSON line.

Every variant differs from the block's defaults in what its row says, and goes through the whole
flow with the library that ships, at nominal supply and the shortest clock period.

    python benchmarks/block_choices.py
"""

from __future__ import annotations

import json
from typing import Any

from chipdse.api import evaluate_point

# Hardware parameters and workload that differ from the defaults.
Variant = tuple[dict[str, Any], dict[str, Any]]
VARIANTS: dict[str, list[Variant]] = {
    "mac_array": [
        ({}, {}),
        ({"pipeline_stages": 1}, {}),
        ({"pipeline_stages": 2}, {}),
        ({"overlapped_drain": True}, {}),
        ({"operand_bits": 4, "accumulator_bits": 16}, {}),
        ({"operand_bits": 16, "accumulator_bits": 40}, {}),
        ({}, {"values": "gaussian"}),
        ({}, {"sparsity": 0.5}),
        ({}, {"sparsity": 0.9}),
    ],
    "fir": [
        ({}, {}),
        ({"form": "transposed"}, {}),
        ({"pipeline_stages": 1}, {}),
        ({"form": "transposed", "pipeline_stages": 1}, {}),
        ({"samples_per_cycle": 2}, {}),
        ({"coefficients": "fixed"}, {}),
        ({"form": "transposed", "coefficients": "fixed"}, {}),
        ({}, {"signal": "noise"}),
    ],
}


def main() -> None:
    results = []
    for block, variants in VARIANTS.items():
        for hardware, workload in variants:
            metrics = evaluate_point(block, hardware, workload=workload).flat()
            results.append(
                {"block": block, "hardware": hardware, "workload": workload}
                | {
                    "area_um2": round(metrics["block_area_m2"] * 1e12),
                    "f_max_mhz": round(metrics["f_max_hz"] / 1e6),
                    "throughput_mops_per_s": round(metrics["block_throughput_ops_per_s"] / 1e6),
                    "energy_pj_per_op": round(metrics["block_energy_per_op_j"] * 1e12, 2),
                    "register_power_frac": round(
                        metrics["block_register_power_w"] / metrics["block_power_w"], 2
                    ),
                }
            )
    print(json.dumps({"benchmark": "block_choices", "results": results}))


if __name__ == "__main__":
    main()
