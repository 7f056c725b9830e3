"""Simulate: run a block's cocotb bench on its RTL, checked and recorded."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from chipdse.errors import ToolError
from chipdse.hardware import simulators
from chipdse.hardware.elaborate import Rtl, source_hash, versions
from chipdse.hardware.recording import LAYOUT, RECORDER, write_recorder
from chipdse.hardware.store import Store
from hdl.block import Block

RESULT, WAVES = "result.json", "waves"
_PUBLIC_PORTS = f'`verilator_config\npublic_flat_rw -module "{RECORDER}" -var "*"\n'


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A run of a bench whose every check passed.

    layout, data : the recording (see `chipdse.hardware.recording`)
    first_cycle, cycles : the rising clock edges, from 0, in which the workload ran
    folder : logs, Verilog and, if asked for, the waves
    """

    layout: Path
    data: Path
    first_cycle: int
    cycles: int
    simulator: str
    folder: Path


def simulate(
    block: Block,
    parameters: Any,
    workload: Any,
    rtl: Rtl,
    store: Store,
    *,
    simulator: str = "auto",
    waves: bool = False,
) -> Simulation:
    """Run the bench of a block; every output is compared with the reference.

    Parameters
    ----------
    simulator : "icarus", "verilator" or "auto", the one that is done first
    waves : also dump every signal (FST from Icarus, VCD from Verilator)

    Raises
    ------
    ToolError : an output differs, the bench or a simulator failed; names the log
    """
    cycles = block.cycles(parameters, workload)
    tool = simulators.pick(simulator, rtl.verilog.stat().st_size, cycles)
    environment = {
        "HDL_PARAMETERS": json.dumps(dataclasses.asdict(parameters)),
        "HDL_WORKLOAD": json.dumps(dataclasses.asdict(workload)),
        "HDL_RESULT": RESULT,
    }
    inputs = {
        "rtl": rtl.content,
        "bench": block.bench,
        "source": [source_hash(block.bench), source_hash("chipdse.hardware")],
        "environment": environment,
        "simulator": dataclasses.asdict(tool),
        "waves": waves,
        "versions": versions("cocotb", "pyosys"),
    }

    def build(folder: Path) -> None:
        recorder = write_recorder(rtl, folder)
        sources = list(recorder.sources)
        if tool.name == "verilator":
            (folder / "ports.vlt").write_text(_PUBLIC_PORTS)
            sources.insert(0, folder / "ports.vlt")
        scratch = folder / "build"
        scratch.mkdir()
        simulators.build(tool, sources, recorder.top, scratch, store, waves)
        simulators.run(tool, recorder.top, block.bench, scratch, environment, waves)
        _check(block, scratch)
        kept = [recorder.data, RESULT, "results.xml", *(f"{WAVES}.fst", "dump.vcd")]
        for path in scratch.iterdir():
            if path.name in kept or path.suffix == ".log":
                path.rename(folder / path.name)
        shutil.rmtree(scratch)

    folder = store.folder("simulate", inputs, build)
    window = json.loads((folder / RESULT).read_text())
    return Simulation(
        layout=folder / LAYOUT,
        data=folder / "recording.bin",
        first_cycle=window["first_cycle"],
        cycles=window["cycles"],
        simulator=f"{tool.name} {tool.version}",
        folder=folder,
    )


def _check(block: Block, folder: Path) -> None:
    """Raise unless cocotb says that every test passed and the bench left its result."""
    log = folder / "simulation.log"
    try:
        cases = list(ElementTree.parse(folder / "results.xml").iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        raise ToolError(f"the bench of {block.name} ended without a result", log) from error
    for case in cases:
        for kind in ("failure", "error"):
            failure = case.find(kind)
            if failure is not None:
                message = failure.get("message") or failure.get("error_msg") or "no message"
                raise ToolError(
                    f"the bench of {block.name} failed in {case.get('name')}: "
                    f"{message.strip().splitlines()[0]}",
                    log,
                )
    if not cases or not (folder / RESULT).is_file():
        raise ToolError(f"the bench of {block.name} ran no test or left no result", log)
