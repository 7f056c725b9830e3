"""Libraries, timing and power of a mac_array: time of each step, corners, and copies of it.

Prints one JSON line. Times are the best of several runs [s], accuracy is not measured here.

    python benchmarks/timing_power.py --liberty LIBRARY.lib.gz
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import rtlil
from chipdse_hdl.mac_array import MacArray, MacArrayParameters

from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import synthesise
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.power import PowerModel, analyse_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.paths import critical_path
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.netlist.verilog.reader import read_verilog

PERIOD_S = 10e-9


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--liberty", type=Path, nargs="+", required=True)
    arguments.add_argument("--points", type=int, nargs="*", default=(1, 4, 16), help="at once")
    arguments.add_argument("--copies", type=int, nargs="*", default=(2, 5, 10, 21))
    arguments.add_argument("--repeat", type=int, default=5)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["CHIPDSE_CACHE"] = name
        print(json.dumps(measure(Path(name), given)))


def best(run: Callable[[], Any], repeat: int) -> float:
    """Shortest of several runs [s]."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {
        "library_parse_s": best(lambda: load_library(given.liberty, cached=False), 1)
    }
    library = load_library(given.liberty)
    result["library_cached_s"] = best(lambda: load_library(given.liberty), given.repeat)
    result["library_bytes"] = sum(path.stat().st_size for path in given.liberty)
    source = folder / "rtl.il"
    source.write_text(rtlil.convert(MacArray(MacArrayParameters()), name="top", emit_src=False))
    rtl = Rtl(rtlil=source, verilog=source, top="top", content="")
    mapped = synthesise(rtl, given.liberty, SynthesisOptions(), folder / "synthesise").netlist
    netlist = read_verilog(mapped, library, "top")
    result["library"] = library.name
    result["one"] = steps(mapped, netlist, given.repeat)
    graph = build_timing_graph(netlist, "clk")
    model = PowerModel(netlist)
    result["points"] = []
    for points in given.points:
        operating = library.at(np.repeat(library.supply_v[0], points))
        timing = analyse_timing(graph, operating, PERIOD_S)
        activity = some_activity(netlist)
        result["points"].append(
            {
                "points": points,
                "timing_s": best(
                    lambda o=operating: analyse_timing(graph, o, PERIOD_S),  # type: ignore[misc]
                    given.repeat,
                ),
                "power_s": best(
                    lambda t=timing, a=activity: analyse_power(t, a, model=model),  # type: ignore[misc]
                    given.repeat,
                ),
            }
        )
    result["copies"] = []
    for copies in given.copies:
        path = folder / f"copies_{copies}.v"
        write_copies(netlist, copies, path)
        many = read_verilog(path, library, "top")
        result["copies"].append(steps(path, many, 1))
    result["peak_memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def steps(path: Path, netlist: Netlist, repeat: int) -> dict[str, float]:
    """Every step from the netlist's text to power, at one operating point."""
    library = netlist.library
    operating = library.at()
    graph = build_timing_graph(netlist, "clk")
    timing = analyse_timing(graph, operating, PERIOD_S)
    activity, model = some_activity(netlist), PowerModel(netlist)
    return {
        "cells": netlist.cell_count,
        "arcs": len(graph.sink),
        "levels": len(graph.level_start) - 1,
        "read_s": best(lambda: read_verilog(path, library, "top"), repeat),
        "graph_s": best(lambda: build_timing_graph(netlist, "clk"), repeat),
        "timing_s": best(lambda: analyse_timing(graph, operating, PERIOD_S), repeat),
        "path_s": best(lambda: critical_path(timing), repeat),
        "power_model_s": best(lambda: PowerModel(netlist), repeat),
        "power_s": best(lambda: analyse_power(timing, activity, model=model), repeat),
        "critical_path_s": float(timing.critical_path_s[0]),
    }


def some_activity(netlist: Netlist) -> Activity:
    """Every net at random: costs as much as the real one."""
    random = np.random.default_rng(1)
    return Activity(
        toggles=random.random(netlist.net_count) * 200,
        high_fraction=random.random(netlist.net_count),
        annotated=np.ones(netlist.net_count, dtype=bool),
        cycles=1000,
        duration_s=1000 * PERIOD_S,
        origin="replay",
    )


def write_copies(netlist: Netlist, copies: int, path: Path) -> None:
    """The netlist several times side by side, flat; inputs are shared, outputs left open."""
    inputs = {net for port in netlist.ports if port.direction == "input" for net in port.nets}
    constants = {0: "1'h0", 1: "1'h1"}
    ports = [f"i{net}" if netlist.net_names[net] != "clk" else "clk" for net in sorted(inputs)]
    shared = dict(zip(sorted(inputs), ports, strict=True)) | constants
    with path.open("w") as file:
        file.write(f"module top({', '.join(ports)});\n")
        file.writelines(f"  input {port};\n" for port in ports)
        for copy in range(copies):
            names = [shared.get(net, f"_{copy}_{net}_") for net in range(netlist.net_count)]
            file.writelines(
                f"  wire {name};\n" for net, name in enumerate(names) if net not in shared
            )
            for cell, name in enumerate(netlist.cell_names):
                kind = netlist.cells[netlist.cell_types[cell]]
                first = int(netlist.pin_start[cell])
                pins = ",\n".join(
                    f"    .{pin.name}({names[net] if net >= 0 else ''})"
                    for pin, net in zip(
                        kind.pins, netlist.pin_net[first : first + len(kind.pins)], strict=True
                    )
                )
                file.write(f"  {kind.name} c{copy}_{name} (\n{pins}\n  );\n")
        file.write("endmodule\n")


if __name__ == "__main__":
    main()
