"""What the parameters of the blocks do to area, frequency and energy: one JSON line.

Every variant differs from the block's defaults in what its row says, and goes through the whole
flow with the library that ships, at nominal supply and the shortest clock period.

    python benchmarks/block_choices.py [BLOCK ...]
"""

from __future__ import annotations

import json
import sys
from typing import Any

from chipdse.api.point import evaluate_point

# Hardware parameters, workload and, maybe, synthesis options that differ from the defaults.
Variant = tuple[dict[str, Any], ...]
GATES = {"clock_gating": 4}
SMALL_ARRAY = {"rows": 2, "columns": 2}
CARRY_SAVE = SMALL_ARRAY | {"accumulation": "carry_save"}
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
        *((SMALL_ARRAY | {"pipeline_stages": stages}, {}) for stages in (0, 1, 2)),
        *((CARRY_SAVE | {"pipeline_stages": stages}, {}) for stages in (0, 1, 2)),
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
    "multiplier": [
        ({}, {}),
        ({"structure": "wallace"}, {}),
        ({"structure": "array"}, {}),
        ({"structure": "array", "adder": "ripple"}, {}),
        ({"recoding": "booth"}, {}),
        ({"structure": "operator"}, {}),
        ({"truncated_bits": 7}, {}),
        ({}, {"sparsity": 0.9}),
        ({"gating": "zero"}, {}, GATES),
        ({"gating": "zero"}, {"sparsity": 0.5}, GATES),
        ({"gating": "zero"}, {"sparsity": 0.9}, GATES),
        ({}, {"duty": 0.1}),
        ({"gating": "idle"}, {"duty": 0.1}),
        ({"gating": "idle"}, {"duty": 0.1}, GATES),
    ],
}


def main() -> None:
    results = []
    for block in sys.argv[1:] or VARIANTS:
        for hardware, workload, *more in VARIANTS[block]:
            synthesis = more[0] if more else {}
            metrics = evaluate_point(block, hardware, workload=workload, synthesis=synthesis).flat()
            results.append(
                {"block": block, "hardware": hardware, "workload": workload, "synthesis": synthesis}
                | {
                    "area_um2": round(metrics["block_area_m2"] * 1e12),
                    "f_max_mhz": round(metrics["f_max_hz"] / 1e6),
                    "throughput_mops_per_s": round(metrics["block_throughput_ops_per_s"] / 1e6),
                    "energy_pj_per_op": round(metrics["block_energy_per_op_j"] * 1e12, 2),
                    "glitch_power_frac": round(
                        metrics["block_glitch_power_w"] / metrics["block_power_w"], 2
                    ),
                    "register_power_frac": round(
                        metrics["block_register_power_w"] / metrics["block_power_w"], 2
                    ),
                }
            )
    print(json.dumps({"benchmark": "block_choices", "results": results}))


if __name__ == "__main__":
    main()
