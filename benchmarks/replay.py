"""Replay of a mac_array on its mapped netlist, against Icarus gate-level simulation with a dump.

Prints one JSON line: for 2,000, 20,000 and 200,000 cycles the time of each step, cell-cycles per
second of both engines (toggles counted on every net, self-check on), with and without joint
states; for copies of the netlist up to 250,000 cells the cost of 10,000 cycles; peak memory.

    python benchmarks/replay.py --liberty LIBRARY.lib.gz
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import rtlil
from chipdse_hdl.mac_array import MacArray, MacArrayParameters

from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.recording import DATA, LAYOUT, write_recorder
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import synthesise
from chipdse.kernels.build import compiler
from chipdse.netlist.activity.recording import (
    RecordedSignal,
    Recording,
    read_recording,
    read_register_map,
)
from chipdse.netlist.activity.replay.planner import plan_replay
from chipdse.netlist.activity.replay.replay import replay
from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from chipdse.netlist.library.cells import Cell, FlipFlop
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.netlist import Netlist, Port
from chipdse.netlist.verilog.reader import read_verilog

CYCLES = (2_000, 20_000, 200_000)
COPIES = (1, 2, 4, 8, 16, 24)
SCALE_CYCLES = 10_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--liberty", type=Path, nargs="+", required=True)
    arguments.add_argument("--cycles", type=int, nargs="+", default=CYCLES)
    arguments.add_argument("--gate-cycles", type=int, default=300, help="simulated as gates")
    arguments.add_argument("--copies", type=int, nargs="*", default=COPIES)
    arguments.add_argument("--repeat", type=int, default=5, help="the best of so many runs counts")
    arguments.add_argument("--plot", type=Path, help="draw the cost against cells and cycles here")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        results = measure(Path(name), given)
    if given.plot:
        draw(results, given.plot)
    print(json.dumps(results))


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    parameters = MacArrayParameters(accumulator_bits=32, overlapped_drain=True)
    source = folder / "rtl.il"
    source.write_text(rtlil.convert(MacArray(parameters), name="top", emit_src=False))
    rtl = Rtl(rtlil=source, verilog=source, top="top", content="")
    library = read_liberty(given.liberty)
    mapped = synthesise(rtl, given.liberty, SynthesisOptions(), folder / "synthesise")
    netlist = read_verilog(mapped.netlist, library, "top")
    registers = read_register_map(mapped.register_map)
    recorder = write_recorder(rtl, folder / "record")
    bench = folder / "bench.v"
    bench.write_text(bench_text(netlist))
    run_icarus(folder, [bench, *recorder.sources], max(given.cycles) + 10)
    layout, data = folder / "record" / LAYOUT, folder / DATA
    recording = read_recording(layout, data)

    runs = []
    for cycles in given.cycles:
        window = {"first_cycle": 5, "cycles": cycles}
        part = dataclasses.replace(recording, words=recording.words[: cycles + 10])
        plain = plan_replay(netlist, part, registers)
        joint = plan_replay(netlist, part, registers, states=netlist.used_types.tolist())
        row: dict[str, Any] = {
            "cycles": cycles,
            "read_recording_s": best(
                given.repeat, lambda: np.array(read_recording(layout, data).words)
            ),
            "plan_s": best(given.repeat, lambda p=part: plan_replay(netlist, p, registers)),
            "recording_to_toggles_s": best(
                given.repeat,
                lambda n=cycles: replay(
                    netlist,
                    read_recording(layout, data),
                    registers,
                    first_cycle=5,
                    cycles=n,
                    states=False,
                ),
            ),
        }
        for engine in ("numpy", "compiled") if compiler() else ("numpy",):
            for label, plan in (("", plain), ("_with_states", joint)):
                repeat = given.repeat if engine == "compiled" else 1 + (cycles <= 20_000)
                replay(netlist, part, registers, plan=plan, engine=engine, cycles=500)
                seconds = best(
                    repeat,
                    lambda p=part, q=plan, e=engine, w=window: replay(
                        netlist, p, registers, plan=q, engine=e, **w
                    ),
                )
                row[f"{engine}{label}_s"] = seconds
                row[f"{engine}{label}_cell_cycles_per_s"] = netlist.cell_count * cycles / seconds
        runs.append(row)
    gates = gate_level(folder, netlist, mapped.netlist, bench, recorder.sources, given.gate_cycles)
    return {
        "benchmark": "replay",
        "library": library.name,
        "cells": netlist.cell_count,
        "register_bits": len(registers),
        "runs": runs,
        "gate_level": gates,
        "times_quicker_than_gates": [
            row["cycles"] / gates["cycles_per_s"] / row["recording_to_toggles_s"] for row in runs
        ],
        "scale": [scaled(netlist, registers, recording, copies) for copies in given.copies],
        "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "load_average": os.getloadavg()[0],
    }


def draw(results: dict[str, Any], path: Path) -> None:
    """Two lines: processor time against cells and against cycles."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "replay"
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    scale, runs = results["scale"], results["runs"]
    left.plot([s["cells"] for s in scale], [1e3 * s["replay_s"] for s in scale], "o-")
    left.set(xlabel="cells", ylabel="replay [ms]", title=f"{SCALE_CYCLES:,} cycles")
    for key, label in (("compiled_s", "compiled"), ("numpy_s", "NumPy")):
        right.plot([r["cycles"] for r in runs], [1e3 * r[key] for r in runs], "o-", label=label)
    right.set(xlabel="cycles", title=f"{results['cells']:,} cells", xscale="log", yscale="log")
    right.legend()
    left.set_xlim(0)
    left.set_ylim(0)
    figure.savefig(path, metadata={"Date": None})


def best(repeat: int, action: Callable[[], Any]) -> float:
    """Seconds of processor time of the quickest run: others may be using the machine."""
    taken = []
    for _ in range(repeat):
        start = time.process_time()
        action()
        taken.append(time.process_time() - start)
    return min(taken)


def bench_text(netlist: Netlist) -> str:
    """Random values on every input, a reset of three cycles; the gates beside it on demand."""
    ports = netlist.ports
    names = ", ".join(f".{p.name}({p.name})" for p in ports if p.direction == "input")
    declared = [
        f"  reg [{len(p.nets) - 1}:0] {p.name} = 0;" for p in ports if p.direction == "input"
    ]
    driven = [
        f"    {p.name} <= {{{', '.join(['$random'] * (-(-len(p.nets) // 32)))}}};"
        for p in ports
        if p.direction == "input" and p.name not in ("clk", "rst")
    ]
    return "\n".join(
        [
            "`timescale 1ns/1ps",
            "module bench;",
            *declared,
            "  integer cycles, edges = 0;",
            "`ifdef GATES",
            f"  top gates({names});",
            '  initial begin $dumpfile("gates.vcd"); #50 $dumpvars(0, gates); end',
            "`else",
            f"  recorder recorder({names});",
            "`endif",
            '  initial if (!$value$plusargs("cycles=%d", cycles)) cycles = 100;',
            "  always #5 clk = ~clk;",
            "  always @(posedge clk) begin",
            "    rst <= edges < 3;",
            *driven,
            "    edges <= edges + 1;",
            "    if (edges == cycles) $finish;",
            "  end",
            "endmodule",
            "",
        ]
    )


def run_icarus(folder: Path, sources: list[Path], cycles: int, *defines: str) -> float:
    """Simulate; seconds of processor time, without compiling."""
    command = ["iverilog", "-g2012", "-o", "bench.vvp", "-s", "bench", *defines]
    subprocess.run([*command, *map(str, sources)], cwd=folder, check=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        ["vvp", "-n", "bench.vvp", f"+cycles={cycles}"], cwd=folder, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def gate_level(
    folder: Path, netlist: Netlist, verilog: Path, bench: Path, rtl: tuple[Path, ...], cycles: int
) -> dict[str, float]:
    """Icarus on the same netlist with a dump of every net, and our reader on the dump."""
    gates = folder / "gates"
    gates.mkdir()
    models = gates / "cells.v"
    models.write_text("\n".join(model(netlist.cells[kind]) for kind in netlist.used_types))
    seconds = run_icarus(gates, [bench, verilog, models], cycles, "-DGATES")
    trace = gates / "gates.vcd"
    size = trace.stat().st_size
    start = time.process_time()
    read_vcd_activity(trace, "bench.gates", netlist, clock_period_s=10e-9)
    return {
        "cycles": cycles,
        "simulation_s": seconds,
        "cycles_per_s": cycles / seconds,
        "trace_bytes": size,
        "read_trace_s": time.process_time() - start,
    }


def model(cell: Cell) -> str:
    """Zero-delay Verilog of a cell, from its Liberty functions; flip-flops start at 0."""
    ports = ", ".join(pin.name for pin in cell.pins)
    lines = [f"module {cell.name}({ports});"]
    lines += [f"  {pin.direction} {pin.name};" for pin in cell.pins]
    if isinstance(flip_flop := cell.sequential, FlipFlop):
        state = flip_flop.state
        events = [f"posedge {each}" for each in ("clock_", "clear_", "preset_")]
        lines += [
            f"  reg {state} = 0;",
            f"  wire {flip_flop.state_inverted} = ~{state};",
            f"  wire clock_ = {text(flip_flop.clocked_on)};",
            f"  wire clear_ = {text(flip_flop.clear) if flip_flop.clear else 0};",
            f"  wire preset_ = {text(flip_flop.preset) if flip_flop.preset else 0};",
            f"  always @({' or '.join(events)})",
            f"    {state} <= clear_ ? 0 : preset_ ? 1 : {text(flip_flop.next_state)};",
        ]
    lines += [
        f"  assign {pin.name} = {text(pin.function)};"
        for pin in cell.pins
        if pin.direction == "output" and pin.function is not None
    ]
    return "\n".join([*lines, "endmodule"])


def text(function: object) -> str:
    return str(function).replace("!", "~")


def scaled(
    netlist: Netlist, registers: dict[str, Any], recording: Recording, copies: int
) -> dict[str, float]:
    """Replay so many copies of the netlist side by side, each on other cycles of the recording."""
    big, big_registers, big_recording = tiled(netlist, registers, recording, copies)
    plan_s = time.process_time()
    plan = plan_replay(big, big_recording, big_registers)
    plan_s = time.process_time() - plan_s
    replay(big, big_recording, big_registers, plan=plan, cycles=1000)
    seconds = best(2, lambda: replay(big, big_recording, big_registers, plan=plan))
    return {
        "cells": big.cell_count,
        "cycles": SCALE_CYCLES,
        "plan_s": plan_s,
        "replay_s": seconds,
        "cell_cycles_per_s": big.cell_count * SCALE_CYCLES / seconds,
        "peak_memory_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def tiled(
    netlist: Netlist, registers: dict[str, Any], recording: Recording, copies: int
) -> tuple[Netlist, dict[str, Any], Recording]:
    nets, pins = netlist.net_count, len(netlist.pin_net)
    clock = netlist.port_of["clk"].nets[0]

    def moved(array: np.ndarray, copy: int) -> np.ndarray:
        kept = (array < 2) | (array == clock)
        return np.where(kept, array, array + copy * nets).astype(np.int32)

    ports = [netlist.port_of["clk"]]
    for copy in range(copies):
        ports += [
            Port(
                name=f"{p.name}_{copy}",
                direction=p.direction,
                nets=tuple(moved(np.array(p.nets), copy).tolist()),
                indices=p.indices,
            )
            for p in netlist.ports
            if p.name != "clk"
        ]
    big = Netlist(
        top="copies",
        library=netlist.library,
        cell_names=[f"{name}_{copy}" for copy in range(copies) for name in netlist.cell_names],
        cell_types=np.tile(netlist.cell_types, copies),
        net_names=[f"{name}_{copy}" for copy in range(copies) for name in netlist.net_names],
        pin_start=np.append(
            (netlist.pin_start[:-1][None] + pins * np.arange(copies)[:, None]).ravel(),
            pins * copies,
        ).astype(np.int32),
        pin_net=np.concatenate([moved(netlist.pin_net, copy) for copy in range(copies)]),
        ports=tuple(ports),
    )
    rows, row_bits = SCALE_CYCLES + 1, 32 * recording.words.shape[1]
    spare = recording.rows - rows - 5
    words = [recording.words[5 + (copy * 97) % max(spare, 1) :][:rows] for copy in range(copies)]
    signals = {
        f"{s.name}_{copy}": RecordedSignal(
            name=f"{s.name}_{copy}", kind=s.kind, width=s.width, offset=s.offset + copy * row_bits
        )
        for copy in range(copies)
        for s in recording.signals.values()
    }
    held = {
        f"{cell}_{copy}": dataclasses.replace(bit, signal=f"{bit.signal}_{copy}")
        for copy in range(copies)
        for cell, bit in registers.items()
    }
    return big, held, Recording(words=np.concatenate(words, axis=1), signals=signals, clock="clk")


if __name__ == "__main__":
    main()
