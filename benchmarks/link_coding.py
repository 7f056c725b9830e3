"""What inversion of a link's wires costs in logic and saves in wires: one JSON line.

For each kind of data: energy of the block's logic per bit, whole flow, nominal supply; transitions
and high wires per bit on the wires, exact, from the reference that the hardware is checked against.
`break_even_j` is the energy of one transition (ac) or of one high wire and beat (dc) above which
the coding pays.

    python benchmarks/link_coding.py
"""

from __future__ import annotations

import json
from typing import Any

from chipdse_hdl.d2d_link import D2dLinkParameters, D2dLinkWorkload
from chipdse_hdl.d2d_link.model import flits, pace, reference
from chipdse_hdl.workloads.words import VALUES

from chipdse.api.point import evaluate_point

HARDWARE = {"protection": "none", "serialisation": 4}
CLOCK_S = 10e-9


def _wires(parameters: D2dLinkParameters, workload: D2dLinkWorkload) -> tuple[float, float]:
    """Transitions and high wires, per bit of flit."""
    seen = reference(parameters, flits(parameters, workload), pace(workload), [0]).wires
    toggles = sum((a ^ b).bit_count() for a, b in zip(seen, seen[1:], strict=False))
    bits = workload.length * parameters.flit_bits
    return toggles / bits, sum(word.bit_count() for word in seen) / bits


def main() -> None:
    results: list[dict[str, Any]] = []
    for values in VALUES:
        plain: dict[str, float] = {}
        for inversion in ("none", "dc", "ac"):
            hardware = HARDWARE | {"inversion": inversion}
            given = {"length": 512, "values": values}
            metrics = evaluate_point(
                "d2d_link", hardware, workload=given, operating={"clock_period_s": CLOCK_S}
            ).flat()
            toggles, high = _wires(D2dLinkParameters(**hardware), D2dLinkWorkload(**given))
            row = {
                "logic_j_per_bit": metrics["block_energy_per_op_j"],
                "toggles_per_bit": toggles,
                "high_per_bit": high,
                "area_m2": metrics["block_area_m2"],
                "f_max_hz": metrics["f_max_hz"],
            }
            plain = plain or row
            what = "high_per_bit" if inversion == "dc" else "toggles_per_bit"
            saved = plain[what] - row[what]
            extra = row["logic_j_per_bit"] - plain["logic_j_per_bit"]
            break_even = extra / saved if saved > 0 and inversion != "none" else None
            results.append(
                {"values": values, "inversion": inversion, **row, "break_even_j": break_even}
            )
    print(json.dumps({"benchmark": "link_coding", "results": results}))


if __name__ == "__main__":
    main()
