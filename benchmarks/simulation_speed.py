"""Clock cycles per second of every block's cocotb bench under every simulator, as one JSON line.

Seconds are processor time, of the simulator's process alone, so that other work on the machine
hardly matters. A short and a long workload are run, and the difference of their cycles is divided
by the difference of their times: stimulus, simulation, recording and checks, without start,
imports and the hard cases. What building takes is given apart.

    python benchmarks/simulation_speed.py [BLOCK ...]
"""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from chipdse_hdl import BLOCKS
from chipdse_hdl.block import Block

from chipdse.hardware import simulators
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.recording import write_recorder
from chipdse.hardware.simulate import PUBLIC_PORTS, check_results
from chipdse.hardware.simulators import Simulator
from chipdse.store.store import Store, default_store

SHORT_CYCLES, LONG_CYCLES = 300, 60_000
LONG_S = 2.0  # the long run takes about so long, or LONG_CYCLES
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "mac_array": {"4x4": {}, "8x8": {"rows": 8, "columns": 8}},
    "fir": {"16 taps": {}, "64 taps": {"taps": 64}},
    "multiplier": {"8 bits": {}, "32 bits": {"bits": 32}},
    "fft": {"16 points": {}, "256 points": {"points": 256}},
    "cordic": {"unrolled": {}, "iterative": {"architecture": "iterative"}},
    "dot_product": {"int8": {}, "bf16": {"number_format": "bf16"}},
    "keccak": {"1 round": {}, "4 rounds": {"rounds_per_cycle": 4}},
    "ntt": {"1 butterfly": {}, "8 butterflies": {"butterflies": 8}},
}


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _length(block: Block, parameters: Any, cycles: int) -> int:
    """The length of a workload that takes about so many cycles, a multiple of 32."""
    taken = block.cycles(parameters, block.workload(**{"length": 1024}))
    return max(1, round(cycles * 1024 / taken / 32)) * 32


def measure(block: Block, parameters: Any, tool: Simulator, store: Store) -> dict[str, Any]:
    """One row of the table. Built once, as `chipdse.hardware.simulate` does, and run twice."""
    rtl = elaborate(block, parameters, store)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorder = write_recorder(rtl, folder, clock=rtl.clock, black_boxes=())
        (folder / "ports.vlt").write_text(PUBLIC_PORTS)
        sources = [*([folder / "ports.vlt"] if tool.name == "verilator" else []), *recorder.sources]
        (folder / "build").mkdir()
        before = _children_s()
        simulators.build(tool, sources, recorder.top, folder / "build", store, False)
        build_s = _children_s() - before

        def run(cycles: int) -> tuple[int, float]:
            environment = {
                "HDL_PARAMETERS": json.dumps(dataclasses.asdict(parameters)),
                "HDL_WORKLOAD": json.dumps({"length": _length(block, parameters, cycles)}),
                "HDL_RESULT": "result.json",
            }
            before = _children_s()
            simulators.run(tool, recorder.top, block.bench, folder / "build", environment, False)
            check_results(block.name, folder / "build")
            result = json.loads((folder / "build" / "result.json").read_text())
            return int(result["cycles"]), _children_s() - before

        short_cycles, short_s = run(SHORT_CYCLES)
        some_cycles, some_s = run(4 * short_cycles)
        rate = (some_cycles - short_cycles) / max(some_s - short_s, 0.01)
        long_cycles, long_s = run(int(min(LONG_CYCLES, 5 * short_cycles + LONG_S * rate)))
    return {
        "cycles_per_s": round((long_cycles - short_cycles) / (long_s - short_s)),
        "cycles": long_cycles,
        "build_s": round(build_s, 2),
        "start_s": round(short_s, 2),
    }


def main() -> None:
    store = Store(root=default_store())
    results = []
    for name in sys.argv[1:] or BLOCKS:
        for variant, given in VARIANTS.get(name, {"defaults": {}}).items():
            parameters = BLOCKS[name].parameters(**given)
            for simulator, tool in simulators.available().items():
                speed = measure(BLOCKS[name], parameters, tool, store)
                results.append({"block": name, "variant": variant, "simulator": simulator, **speed})
                print(results[-1], file=sys.stderr)
    print(json.dumps({"benchmark": "simulation_speed", "results": results}))


if __name__ == "__main__":
    main()
