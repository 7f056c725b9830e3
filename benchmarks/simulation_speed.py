"""Clock cycles per second of every block's cocotb bench under every simulator, as one JSON line.

A run's time is the bench's own: stimulus, simulation, recording and checks, without the start of
the simulator and without its build, which are given apart. The quickest of RUNS counts.

    python benchmarks/simulation_speed.py [BLOCK ...]
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any
from xml.etree import ElementTree

from chipdse.hardware.elaborate import Rtl, elaborate
from chipdse.hardware.simulate import Simulation, simulate
from chipdse.hardware.simulators import available
from chipdse.hardware.store import Store, default_store
from hdl import BLOCKS
from hdl.block import Block

RUNS = 2
CYCLES = {"icarus": 5_000, "verilator": 50_000}
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "mac_array": {"4x4": {}, "8x8": {"rows": 8, "columns": 8}},
    "fir": {"16 taps": {}, "64 taps": {"taps": 64}},
    "multiplier": {"8 bits": {}, "32 bits": {"bits": 32}},
    "fft": {"16 points": {}, "256 points": {"points": 256}},
    "cordic": {"unrolled": {}, "iterative": {"architecture": "iterative"}},
    "dot_product": {"int8": {}, "bf16": {"number_format": "bf16"}},
}


def _length(block: Block, parameters: Any, cycles: int) -> int:
    """The length of a workload that takes about so many cycles, a multiple of 32."""
    taken = block.cycles(parameters, block.workload(length=1024))
    return max(1, round(cycles * 1024 / taken / 32)) * 32


def _run(
    block: Block, parameters: Any, rtl: Rtl, simulator: str, length: int, store: Store
) -> tuple[Simulation, float, float]:
    """A simulation, the time of its bench [s] and of everything [s]."""
    # A seed nobody used: what is in the store already tells no time.
    workload = block.workload(length=length, seed=time.time_ns() % 2**32)
    start = time.perf_counter()
    done = simulate(block, parameters, workload, rtl, store, simulator=simulator)
    wall_s = time.perf_counter() - start
    case = next(ElementTree.parse(done.folder / "results.xml").iter("testcase"))
    return done, float(case.attrib["time"]), wall_s


def main() -> None:
    store = Store(root=default_store())
    results = []
    for name in sys.argv[1:] or BLOCKS:
        block = BLOCKS[name]
        for variant, given in VARIANTS.get(name, {"defaults": {}}).items():
            parameters = block.parameters(**given)
            rtl = elaborate(block, parameters, store)
            for simulator in available():
                length = _length(block, parameters, CYCLES[simulator])
                timed = [
                    _run(block, parameters, rtl, simulator, length, store) for _ in range(RUNS)
                ]
                done, bench_s, wall_s = min(timed, key=lambda run: run[1])
                results.append(
                    {
                        "block": name,
                        "variant": variant,
                        "simulator": simulator,
                        "cycles_per_s": round((done.first_cycle + done.cycles) / bench_s),
                        "cycles": done.cycles,
                        "build_and_start_s": round(wall_s - bench_s, 2),
                    }
                )
    print(json.dumps({"benchmark": "simulation_speed", "results": results}))


if __name__ == "__main__":
    main()
