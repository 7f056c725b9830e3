"""Clock cycles per second of every block's cocotb bench under every simulator, as one JSON line.

Seconds are processor time, of the simulator's process alone, so that other work on the machine
hardly matters. A short and a long workload are run, and the difference of their cycles is divided
by the difference of their times: stimulus, simulation, recording and checks, without start,
imports and the hard cases. What building takes is given apart.

    python benchmarks/simulation_speed.py [BLOCK ...]
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

from chipdse.hardware import simulators
from chipdse.hardware.elaborate import Rtl, elaborate
from chipdse.hardware.simulate import simulate
from chipdse.hardware.store import Store, default_store
from hdl import BLOCKS
from hdl.block import Block

SHORT_CYCLES, LONG_CYCLES = 300, 60_000
LONG_S = 5.0  # the long run takes about so long, or LONG_CYCLES
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


class Stopwatch:
    """Processor time of what a function of `simulators` starts."""

    def __init__(self, name: str) -> None:
        self.function: Callable[..., Any] = getattr(simulators, name)
        self.last_s = 0.0
        setattr(simulators, name, self)

    def __call__(self, *given: Any) -> Any:
        before = _children_s()
        try:
            return self.function(*given)
        finally:
            self.last_s = _children_s() - before


def _length(block: Block, parameters: Any, cycles: int) -> int:
    """The length of a workload that takes about so many cycles, a multiple of 32."""
    taken = block.cycles(parameters, block.workload(length=1024))
    return max(1, round(cycles * 1024 / taken / 32)) * 32


def measure(block: Block, parameters: Any, simulator: str, store: Store) -> dict[str, Any]:
    """One row of the table."""
    rtl: Rtl = elaborate(block, parameters, store)

    def run(cycles: int) -> tuple[int, float]:
        # A seed nobody used: what is in the store already tells no time.
        length = _length(block, parameters, cycles)
        workload = block.workload(length=length, seed=time.time_ns() % 2**32)
        done = simulate(block, parameters, workload, rtl, store, simulator=simulator)
        return done.cycles, RUN.last_s

    short_cycles, short_s = run(SHORT_CYCLES)
    guess = short_cycles / max(short_s, 0.01)  # too slow by what starting takes
    long_cycles, long_s = run(int(min(LONG_CYCLES, 4 * short_cycles + LONG_S * guess)))
    build_s = BUILD.last_s
    if long_s - short_s < LONG_S / 4 and long_cycles < LONG_CYCLES / 2:  # it was much too slow
        guess = (long_cycles - short_cycles) / max(long_s - short_s, 0.01)
        long_cycles, long_s = run(int(min(LONG_CYCLES, LONG_S * guess)))
    return {
        "cycles_per_s": round((long_cycles - short_cycles) / (long_s - short_s)),
        "cycles": long_cycles,
        "build_s": round(build_s, 2),
        "start_s": round(short_s, 2),
    }


RUN, BUILD = Stopwatch("run"), Stopwatch("build")


def main() -> None:
    store = Store(root=default_store())
    results = []
    for name in sys.argv[1:] or BLOCKS:
        for variant, given in VARIANTS.get(name, {"defaults": {}}).items():
            parameters = BLOCKS[name].parameters(**given)
            for simulator in simulators.available():
                found = measure(BLOCKS[name], parameters, simulator, store)
                results.append({"block": name, "variant": variant, "simulator": simulator, **found})
                print(results[-1], file=sys.stderr)
    print(json.dumps({"benchmark": "simulation_speed", "results": results}))


if __name__ == "__main__":
    main()
