"""Glitches by timed replay against Icarus with the same delays: accuracy, speed, sampling.

Prints one JSON line. Accuracy: three small designs, each on the library that ships and on those
given, mapped for delay (most glitches), every cycle replayed, at 1 fs, 1 ps and the default
resolution; without wires, and with those of a placement (in Icarus a transport delay element
before every pin). Speed: a 4 x 4 mac_array of about 12,000 cells; all times are processor times
of one run on one core.

    python benchmarks/timed_replay.py --liberty LIBRARY.lib.gz
    python benchmarks/timed_replay.py --liberty LIBRARY.lib.gz --no-speed
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import rtlil
from chipdse_hdl.mac_array import MacArray, MacArrayParameters

from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.activity.glitches.replay import timed_replay
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_files_for_synthesis
from chipdse.netlist.library.library import OperatingLibrary

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.support.designs import timed  # noqa: E402
from tests.support.timed_icarus import toggles  # noqa: E402

ACCURACY_CYCLES, SPEED_CYCLES, RUN_CYCLES, DRAWS = 200, 30, 2001, 40
MAPPED = SynthesisOptions(goal="delay")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--liberty", type=Path, nargs="*", default=[])
    arguments.add_argument("--no-accuracy", action="store_true", help="speed and sampling alone")
    arguments.add_argument("--no-speed", action="store_true", help="accuracy alone")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        libraries = dict(_libraries(Path(name), given.liberty))
        results: dict[str, Any] = {"benchmark": "timed_replay"}
        if not given.no_accuracy:
            results["accuracy"] = [
                row
                for label, library in libraries.items()
                for design in timed.DESIGNS
                for row in accuracy(Path(name) / label / design, design, label, *library)
            ]
        if not given.no_speed:
            label, library = list(libraries.items())[-1]
            results["speed"] = {"library": label} | speed(Path(name) / "speed", *library)
    print(json.dumps(results))


def _libraries(
    folder: Path, files: list[Path]
) -> Iterator[tuple[str, tuple[OperatingLibrary, list[Path]]]]:
    entry = resolve("sky130")
    nominal = entry.nominal
    operating = entry.load().at(nominal.supply_v, nominal.temperature_c)
    yield "sky130", (operating, liberty_files_for_synthesis(entry, folder))
    for file in files:
        library = load_library([file])
        yield library.name, (library.at(), [file])


def accuracy(
    folder: Path, name: str, label: str, library: OperatingLibrary, files: list[Path]
) -> Iterator[dict[str, Any]]:
    """Rows of one design and library, without wires and with those of a placement."""
    design = timed.make_design(
        folder,
        timed.DESIGNS[name],
        library,
        files,
        cycles=ACCURACY_CYCLES + 5,
        options=MAPPED,
    )
    for wires, wired in (("none", design), ("placed", design.placed())):
        for row in deviations(wired):
            yield {"library": label, "design": name, "wires": wires} | row


def deviations(design: timed.TimedDesign) -> Iterator[dict[str, Any]]:
    """One row per resolution: deviation from Icarus of all toggles and switched capacitance."""
    timing = design.timing
    logic = timing.graph.clock.polarity == 0
    logic[:2] = False
    reference = toggles(design.simulate(ACCURACY_CYCLES)[0], len(logic))[logic]
    capacitance = timing.load_f[0].reshape(-1, 2).max(axis=1)[logic]
    replayed = design.replayed(ACCURACY_CYCLES)
    rows: list[tuple[str, np.ndarray, float]] = [
        ("zero delay", replayed.activity.toggles[logic], float("nan"))
    ]
    for what, resolution_s in (("1 fs", 1e-15), ("1 ps", 1e-12), ("default", None)):
        activity = timed_replay(
            timing,
            design.recording,
            design.registers,
            replayed,
            first_cycle=timed.FIRST_CYCLE,
            cycles=ACCURACY_CYCLES,
            sampled=None,
            resolution_s=resolution_s,
        )
        rows.append((what, activity.total.toggles[logic], activity.resolution_s))
    for what, ours, resolution_s in rows:
        yield {
            "cells": timing.netlist.cell_count,
            "resolution": what,
            "resolution_ps": None if np.isnan(resolution_s) else round(resolution_s * 1e12, 3),
            "toggles_frac": round(ours.sum() / reference.sum() - 1, 5),
            "switched_capacitance_frac": round(
                (ours @ capacitance) / (reference @ capacitance) - 1, 5
            ),
            "net_correlation": round(float(np.corrcoef(ours, reference)[0, 1]), 5),
            "equal_nets_frac": round(float((ours == reference).mean()), 4),
        }


def speed(folder: Path, library: OperatingLibrary, files: list[Path]) -> dict[str, Any]:
    """Seconds of 512 drawn cycles and of a whole run, and Icarus's cycles per second."""
    array = MacArray(MacArrayParameters(accumulator_bits=32, overlapped_drain=True))
    source = rtlil.convert(array, name="top", emit_src=False)
    design = timed.make_design(
        folder, source, library, files, cycles=RUN_CYCLES + 5, options=MAPPED
    )
    _, icarus_s = design.simulate(SPEED_CYCLES)
    run = functools.partial(
        timed_replay,
        design.timing,
        design.recording,
        design.registers,
        design.replayed(RUN_CYCLES),
        first_cycle=timed.FIRST_CYCLE,
        cycles=RUN_CYCLES,
        plan=design.plan,
    )
    run(sampled=64)  # compiles the kernel
    results: dict[str, Any] = {
        "cells": design.timing.netlist.cell_count,
        "icarus_cycles_per_s": round(SPEED_CYCLES / icarus_s, 2),
    }
    for what, resolution_s in (("", None), ("_1ps", 1e-12)):
        for sampled in (512, None):
            seconds, count = best(lambda s=sampled, r=resolution_s: run(sampled=s, resolution_s=r))
            key = f"{'all' if sampled is None else sampled}_cycles{what}"
            results[f"{key}_s"] = round(seconds, 3)
            results[f"{key}_times_icarus"] = round(count / seconds / (SPEED_CYCLES / icarus_s), 1)
    start = time.process_time()
    run(sampled=512, engine="python")
    results["512_cycles_python_s"] = round(time.process_time() - start, 2)
    complete = run(sampled=None)
    results["glitch_frac"] = round(complete.glitch_frac, 4)
    total = complete.total.toggles.sum()
    for sampled in (64, 256, 512):
        parts = [run(sampled=sampled, seed=seed) for seed in range(DRAWS)]
        errors = [part.total.toggles.sum() / total - 1 for part in parts]
        results[f"error_{sampled}_frac"] = round(float(np.sqrt(np.mean(np.square(errors)))), 5)
        stated = [part.standard_error() for part in parts]
        results[f"stated_error_{sampled}_frac"] = round(float(np.mean(stated)), 5)
    return results


def best(run: Callable[[], Any], repeat: int = 3) -> tuple[float, int]:
    """Least processor time, and the cycles replayed."""
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        activity = run()
        seconds.append(time.process_time() - start)
    return min(seconds), activity.sampled_cycles


if __name__ == "__main__":
    main()
