"""Simulate: run a block's cocotb bench on its RTL, checked and recorded."""

from __future__ import annotations

import dataclasses
import functools
import glob
import json
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from chipdse_hdl.block import Block, Record

from chipdse.blocks.own import RANDOM_BENCH, OwnBlock
from chipdse.blocks.ports import rtl_ports
from chipdse.blocks.resets import check_asynchronous, check_released
from chipdse.errors import DesignError, ToolError
from chipdse.hardware import simulators
from chipdse.hardware.elaborate import Rtl, declared_reads, place_of
from chipdse.hardware.recording import LAYOUT, RECORDER, Recorder, write_recorder
from chipdse.hardware.simulated_rtl import ASSERTION_FAILED
from chipdse.hardware.workload_files import (
    check_unchanged_files,
    file_digests,
    identified_text,
    workload_text,
)
from chipdse.netlist.activity.recording import read_recording
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.macros import macro_cells
from chipdse.store.imports import module_hash
from chipdse.store.place import Place, Read, search_folders
from chipdse.store.reads import bench_modules, bench_notes, reads_of
from chipdse.store.sources import Builder
from chipdse.store.stage import Stage
from chipdse.store.store import Store, hash_file

RESULT, WAVES, NOTES = "result.json", "waves", "reads.jsonl"
PUBLIC_PORTS = f'`verilator_config\npublic_flat_rw -module "{RECORDER}" -var "*"\n'


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """A run of a bench whose every check passed.

    layout, data : the recording (see `chipdse.hardware.recording`)
    first_cycle, cycles : the rising clock edges, from 0, in which the workload ran
    folder : logs, Verilog and, if asked for, the waves
    phases : where the bench states them, the cycle of the window in which each begins, and its name
    """

    layout: Path
    data: Path
    first_cycle: int
    cycles: int
    simulator: str
    folder: Path
    phases: tuple[tuple[int, str], ...] = ()


def simulate(
    block: Block,
    parameters: Record,
    workload: Record,
    rtl: Rtl,
    store: Store,
    *,
    simulator: str = "auto",
    waves: bool = False,
) -> Simulation:
    """Run the bench of a block; every output is compared with the reference.

    Parameters
    ----------
    simulator : "icarus", "verilator" or "auto", the one that is expected to finish first
    waves : also dump every signal (FST from Icarus, VCD from Verilator)

    Raises
    ------
    ToolError : an output differs, the bench or a simulator failed; names the log
    """
    check_clocking(block, rtl)
    cycles = _cycles(block, parameters, workload)
    ports = [port.name for port in rtl_ports(rtl.rtlil, rtl.top)]
    size = rtl.verilog.stat().st_size
    tool = simulators.pick_for_ports(block.name, ports, simulator, size, cycles)
    environment = _environment(block, parameters, workload, rtl)
    digests = file_digests(workload)
    values = {
        "rtl": rtl.content,
        "models": None if rtl.models is None else hash_file(rtl.models),
        "clocking": [rtl.clock, rtl.reset, rtl.reset_level],
        "bench": _bench(block),
        "environment": environment
        | {"HDL_WORKLOAD": identified_text(workload, digests)}
        | simulators.chosen_tests(),
        "simulator": dataclasses.asdict(tool),
        "waves": waves,
    }
    build = functools.partial(
        run_bench,
        block,
        rtl,
        store,
        tool=tool,
        environment=environment,
        macros=macro_cells(rtl.macros).cells if rtl.macros else (),
        waves=waves,
        check=functools.partial(check_unchanged_files, workload, digests),
    )
    also = _code_of_some(block, rtl)
    folder = SIMULATE.folder(store, values, build, also=also, place=place_of(block))
    window = json.loads((folder / RESULT).read_text())
    return Simulation(
        layout=folder / LAYOUT,
        data=folder / "recording.bin",
        first_cycle=window["first_cycle"],
        cycles=window["cycles"],
        simulator=f"{tool.name} {tool.version}",
        folder=folder,
        phases=tuple((cycle, name) for cycle, name in window.get("phases", [])),
    )


def _environment(block: Block, parameters: Record, workload: Record, rtl: Rtl) -> dict[str, str]:
    """Variables from which a bench learns what it runs, part of the result's key."""
    environment = {
        "HDL_PARAMETERS": json.dumps(dataclasses.asdict(parameters)),
        "HDL_WORKLOAD": workload_text(workload),
        "HDL_RESULT": RESULT,
    }
    if isinstance(block, OwnBlock) and not block.is_checked:
        environment["HDL_PORTS"] = json.dumps(random_ports(block, rtl))
    if is_own_bench(block):
        # A bench may drive an input after the edge that a register waits for, where Icarus does
        # an inertial write before the register reads; ours drive between the edges.
        environment["COCOTB_TRUST_INERTIAL_WRITES"] = "0"
    return environment


def _cycles(block: Block, parameters: Record, workload: Record) -> int:
    """Cycles of a run, as the block states them; DesignError for a workload that it cannot run."""
    try:
        return block.cycles(parameters, workload)
    except ValueError as error:
        if isinstance(block, OwnBlock):
            raise
        raise DesignError(f"{block.name}: {error}") from error


def _bench(block: Block) -> list[str]:
    """Module of the bench, and the hash of its files where the block ships."""
    return [block.bench] if isinstance(block, OwnBlock) else [block.bench, module_hash(block.bench)]


def _code_of_some(block: Block, rtl: Rtl) -> list[Builder]:
    """Those of the stage's cases that apply."""
    macros: list[Builder] = [macro_cells] if rtl.macros else []
    is_random = isinstance(block, OwnBlock) and not block.is_checked
    return [*macros, RANDOM_BENCH] if is_random else macros


def run_bench(
    block: Block,
    rtl: Rtl,
    store: Store,
    folder: Path,
    *,
    tool: simulators.Simulator,
    environment: dict[str, str],
    macros: Sequence[Cell],
    waves: bool,
    check: Callable[[], None],
) -> tuple[Read, ...]:
    """Run the bench of a block in a folder, where the recording and the logs stay.

    Parameters
    ----------
    check : raises MachineError if an input changed meanwhile

    Returns
    -------
    What the bench read, where it is the user's
    """
    recorder = write_recorder(rtl, folder, clock=rtl.clock_port, black_boxes=macros)
    check_one_clock(recorder)
    if _is_only_described(block):
        check_asynchronous(block.name, rtl.reset, rtl.reset_level, recorder.resets)
    sources = [*recorder.sources, *([rtl.models] if rtl.models is not None else [])]
    if tool.name == "verilator":
        (folder / "ports.vlt").write_text(PUBLIC_PORTS)
        sources.insert(0, folder / "ports.vlt")
    scratch = folder / "build"
    scratch.mkdir()
    place = place_of(block)
    noted = {} if not is_own_bench(block) else {"CHIPDSE_READS": NOTES}
    simulators.build(tool, sources, recorder.top, scratch, store, waves)
    given = simulators.run(
        *(tool, recorder.top, block.bench, scratch, environment | noted, waves),
        path=place.path,
        asserting=_asserting(block),
    )
    check()
    _check_run(block, rtl, recorder, scratch)
    reads = _reads_of_bench(block, place, scratch / NOTES, given) if noted else ()
    results = [recorder.data, RESULT, "results.xml", *(f"{WAVES}.fst", "dump.vcd")]
    for path in scratch.iterdir():
        if path.name in results or path.suffix == ".log":
            path.rename(folder / path.name)
    shutil.rmtree(scratch)
    return reads


def _check_run(block: Block, rtl: Rtl, recorder: Recorder, scratch: Path) -> None:
    """Raise unless a run passed and left its window; a block without a bench is given one."""
    check_results(block.name, scratch)
    check_assertions(block, scratch / "simulation.log")
    if isinstance(block, OwnBlock) and not (scratch / RESULT).exists():
        window = window_after_reset(
            recorder.layout, scratch / recorder.data, block.name, rtl.reset, rtl.reset_level
        )
        (scratch / RESULT).write_text(json.dumps(window))
    if _is_only_described(block):
        window = json.loads((scratch / RESULT).read_text())
        recording = read_recording(recorder.layout, scratch / recorder.data)
        check_released(block.name, rtl.reset, rtl.reset_level, recording, window["first_cycle"])
    if not (scratch / RESULT).is_file():
        log = scratch / "simulation.log"
        raise ToolError(f"the bench of {block.name} left no result", log)


def _reads_of_bench(
    block: Block, place: Place, file: Path, given: Collection[str]
) -> tuple[Read, ...]:
    """What a user's bench read, by the notes that it left in a file."""
    notes = bench_notes(file)
    for name in {*given} & {*notes.environment}:  # in the key already, or only places
        del notes.environment[name]
    return (*reads_of(place, notes, bench_modules(notes, place)), *declared_reads(block))


def _is_only_described(block: Block) -> bool:
    """Whether a block's reset is known from a description of Verilog only, with no bench."""
    return isinstance(block, OwnBlock) and block.verilog is not None and not block.is_checked


def _asserting(block: Block) -> tuple[str, ...]:
    """Patterns of the files whose assertions are to say which values they compared.

    Benches that ship compare by functions with messages of their own.
    """
    if not isinstance(block, OwnBlock) or not block.is_checked:
        return ()
    folders = search_folders(Path(block.folder))
    names = ("chipdse_hdl/*bench*.py", f"{block.bench.rpartition('.')[2]}.py")
    return (*names, *(f"{glob.escape(str(folder))}/*.py" for folder in folders))


SIMULATE = Stage(
    name="simulate",
    does="runs the bench, which compares every output with the reference, and records the run",
    inputs={
        "rtl": "hash of the RTL",
        "models": "hash of the SRAM macros' models",
        "clocking": "clock, reset, and the level at which the reset is active",
        "bench": "module of the bench, and its source files where the block ships",
        "environment": "parameters, workload, and which of the bench's tests run; files that the "
        "workload names by their content",
        "simulator": "name and version of the simulator",
        "waves": "whether every signal is dumped",
    },
    builder=run_bench,
    cases=(macro_cells, RANDOM_BENCH),
    packages=("cocotb", "pyosys"),
    runs_user_code=True,
)


def is_own_bench(block: Block) -> bool:
    """Whether a block's bench is a module of the user's."""
    return isinstance(block, OwnBlock) and block.is_checked


def check_clocking(block: Block, rtl: Rtl) -> None:
    """Raise DesignError unless clock and reset are inputs, as far as the bench needs to know."""
    is_checked = not isinstance(block, OwnBlock) or block.is_checked
    if rtl.problem is not None and not (is_checked and rtl.clock is not None):
        raise DesignError(f"{block.name} {rtl.problem}")
    inputs = {port.name for port in rtl_ports(rtl.rtlil, rtl.top) if port.direction == "in"}
    for what, name in (("clock", rtl.clock), ("reset", rtl.reset)):
        if name and name not in inputs:
            raise DesignError(
                f"{block.name}: {what} = {name!r} is not an input of the top, which has "
                f"{', '.join(sorted(inputs)) or 'none'}; what is only logic needs registers "
                "around it"
            )


def random_ports(block: OwnBlock, rtl: Rtl) -> dict[str, Any]:
    """What the random bench needs to know of the ports."""
    check_clocking(block, rtl)
    ports = rtl_ports(rtl.rtlil, rtl.top)
    inputs = {port.name: port.bits for port in ports if port.direction == "in"}
    return {
        "inputs": {
            name: bits for name, bits in inputs.items() if name not in (rtl.clock, rtl.reset)
        },
        "clock": rtl.clock,
        "reset": rtl.reset,
        "reset_level": rtl.reset_level,
    }


def check_one_clock(recorder: Recorder) -> None:
    """Raise DesignError for what has no place between the edges of one clock.

    Latches, combinational loops, registers or memories on another clock than the recorded one.
    """
    for latch in recorder.latches:
        raise DesignError(f"{latch} is a latch; give it a value in every branch, or a clock")
    if recorder.loop is not None:
        raise DesignError(
            f"{recorder.loop} depends on itself without a register between: a combinational loop; "
            "put a register into it"
        )
    layout = json.loads(recorder.layout.read_text())
    for signal in layout["signals"]:
        if signal["clock"] not in (None, layout["clock"]):
            raise DesignError(
                f"{signal['name']} is clocked by {signal['clock']!r}, not by "
                f"{layout['clock']!r}; a block has one clock, without gates: use an enable"
            )


def window_after_reset(
    layout: Path, data: Path, block: str, reset: str | None, reset_level: int
) -> dict[str, int]:
    """The rising edges of a run whose bench names none: all after the first reset."""
    recording = read_recording(layout, data)
    per_cycle = 2 if recording.both_edges else 1
    first = 0
    if reset is not None and reset in recording.signals:
        values = recording.values(reset)[::per_cycle]
        inactive = [row for row, value in enumerate(values) if value != reset_level]
        # Before the first reset a bench may leave it inactive: registers are not known yet.
        active = next((row for row, value in enumerate(values) if value == reset_level), 0)
        first = next((row for row in inactive if row >= active), len(values))
    cycles = (recording.rows - 1) // per_cycle - first
    if cycles < 1:
        raise DesignError(f"the bench of {block} ends before a clock cycle without reset")
    return {"first_cycle": first, "cycles": cycles}


def check_assertions(block: Block, log: Path) -> None:
    """Raise ToolError if an assertion of the design failed."""
    with log.open(errors="replace") as lines:
        failed = [line.strip() for line in lines if line.startswith(ASSERTION_FAILED)]
    if failed:
        where = failed[0].removeprefix(f"{ASSERTION_FAILED}: ").replace(f"{RECORDER}.dut", "top")
        random = isinstance(block, OwnBlock) and not block.is_checked
        why = "; random inputs may be none that it allows: give the block a bench" if random else ""
        raise ToolError(f"an assertion of {block.name} failed: {where}{why}", log)


def _last_error(log: Path) -> str:
    """What Python complained of last: a bench that cannot be imported has no results."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return f": {errors[-1]}" if errors else ""


def check_results(name: str, folder: Path) -> None:
    """Raise unless cocotb says that every test passed."""
    log = folder / "simulation.log"
    try:
        cases = list(ElementTree.parse(folder / "results.xml").iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        raise ToolError(
            f"the bench of {name} ended without a result{_last_error(log)}", log
        ) from error
    for case in cases:
        for kind in ("failure", "error"):
            failure = case.find(kind)
            if failure is not None:
                message = failure.get("message") or failure.get("error_msg") or "no message"
                raise ToolError(
                    f"the bench of {name} failed in {case.get('name')}: "
                    f"{message.strip().splitlines()[0]}",
                    log,
                )
    if not cases:
        raise ToolError(f"the bench of {name} ran no test", log)
