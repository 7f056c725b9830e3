"""The C of the package: free of warnings, clean under sanitizers, checked arguments, counted."""

from __future__ import annotations

import ast
import ctypes
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import chipdse
from chipdse.kernels.build import (
    array_of,
    c_text,
    compile_command,
    compiler,
    declared,
    kernels,
    text_key,
)
from chipdse.netlist.activity.replay.c_functions import functions_text
from chipdse.netlist.activity.replay.plan import Operation
from chipdse.netlist.activity.runs.c_functions import functions_text as runs_text
from chipdse.netlist.library.logic import Constant, parse_function
from chipdse.store.source_files import c_files
from chipdse.store.sources import code_files
from chipdse.study.storage.code import point_files

PACKAGE = Path(chipdse.__file__).parent
C_FILES = sorted(path.name for path in (PACKAGE / "kernels").glob("*.c"))
BESIDE_POINTS = {"runs.c"}  # of traces, which are computed when they are asked for
HEADERS = sorted(path.name for path in (PACKAGE / "kernels").glob("*.h"))
# With and without AVX-512 and its counts of ones, which select other code.
OTHERS = ["x86-64", "x86-64-v4", "icelake-server"]
PROCESSORS = ["native", *(OTHERS if platform.machine() == "x86_64" else [])]
OPERATIONS = [
    *(Operation(expression=None, inputs=inputs, joint=True) for inputs in (1, 2, 3, 5)),
    *(Operation(expression=Constant(value), inputs=0, joint=False) for value in (False, True)),
    Operation(expression=parse_function("i0"), inputs=1, joint=False),
    Operation(expression=parse_function("!i2"), inputs=3, joint=False),
    Operation(expression=parse_function("!i2"), inputs=3, joint=True),
    Operation(expression=parse_function("(i0 & i1) | (i2 ^ !i3)"), inputs=4, joint=True),
]


def gcc() -> str:
    path = shutil.which("gcc")
    if path is None:
        pytest.skip("GCC is not installed: sudo apt-get install gcc")
    return path


@pytest.mark.few_cases(7)
@pytest.mark.tools
@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("name", [*C_FILES, "functions of cells", "functions of runs"])
def test_compiles_without_warnings(name: str, processor: str, tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    if name in C_FILES:
        source.write_text(c_text(name))
    elif name == "functions of runs":
        source.write_text(runs_text([each for each in OPERATIONS if each.expression is not None]))
    else:
        source.write_text(functions_text(OPERATIONS))
    command = compile_command(gcc(), source, tmp_path / "library.so")
    command += ["-Werror", f"-march={processor}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


SANITIZED = """#!/bin/sh
exec env -u LD_PRELOAD {gcc} "$@" -fsanitize=address,undefined -fno-sanitize-recover=all -g -O1
"""


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which kernels are compiled with sanitizers and can be loaded."""
    find = [gcc(), "-print-file-name=libasan.so"]
    library = subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(library).is_absolute():
        pytest.skip("GCC has no sanitizer libraries here: sudo apt-get install libasan8 libubsan1")
    folder = tmp_path_factory.mktemp("sanitized")
    script = folder / "cc"
    script.write_text(SANITIZED.format(gcc=gcc()))
    script.chmod(0o755)
    # Python itself frees little at its end, which is no leak of the kernels.
    options = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
    places = {"CHIPDSE_CC": str(script), "CHIPDSE_CACHE": str(folder / "cache")}
    return {**os.environ, **options, **places, "LD_PRELOAD": library}


def run_sanitized(environment: dict[str, str], program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=root
    )


OVERRUN = """
import numpy as np
from chipdse.kernels.build import kernels
import ctypes
count, number = ctypes.c_int64, np.zeros(4000)
arrays = [ctypes.c_void_p(number.ctypes.data) for _ in range(3)]
kernels().library("products.c").matrix_product(count(100), count(1), count(41), *arrays)
"""


@pytest.mark.tools
def test_sanitizers_notice_an_overrun(sanitized: dict[str, str]) -> None:
    done = run_sanitized(sanitized, OVERRUN)
    assert done.returncode != 0
    assert "heap-buffer-overflow" in done.stderr and "products-" in done.stderr


ARRAYS = """
import numpy as np
from chipdse import numerics
from chipdse.netlist.activity.glitches.replay import timed_replay
from chipdse.netlist.activity.recording import RecordedSignal, Recording, RegisterBit
from chipdse.netlist.activity.replay.replay import replay
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from tests.support.portable import arrays
from tests.support.netlist_cases import netlist_of
multiply = numerics.compiled_product()
for shape in [(1, 1, 1), (4, 3, 8), (9, 300, 17), (70, 5, 3), (0, 3, 2), (3, 0, 2), (9, 3, 0)]:
    rows, terms, columns = shape
    multiply(np.ones((rows, terms)), np.ones((terms, columns)))
arrays.computed()
gates = "NAND2 n (.A(a), .B(q), .Y(w)); XOR2 x (.A(w), .B(b), .Y(d)); INV i (.A(w), .Y(v));"
netlist = netlist_of(gates + "DFF f (.CK(clk), .D(d), .Q(q)); XOR2 o (.A(v), .B(q), .Y(y));")
rows = np.random.default_rng(0).integers(0, 8, (1100, 1)).astype(np.uint32)
for row in range(1, len(rows)):  # q: what the gates before it made of the row above
    a, b, q = rows[row - 1, 0] & 1, rows[row - 1, 0] >> 1 & 1, rows[row - 1, 0] >> 2 & 1
    rows[row, 0] = rows[row, 0] & 3 | ((1 - a * q) ^ b) << 2
kinds = {"a": "input", "b": "input", "q": "register"}
signals = {
    name: RecordedSignal(name=name, kind=kind, width=1, offset=bit, clock="clk")
    for bit, (name, kind) in enumerate(kinds.items())
}
recording = Recording(words=rows, signals=signals, clock="clk")
registers = {"f": RegisterBit(signal="q", bit=0, inverted=False)}
timing = analyse_timing(build_timing_graph(netlist, "clk"), netlist.library.at(None, None), 2e-8)
found = replay(netlist, recording, registers, engine="compiled")
assert found.checked_bits and not found.unmapped
timed = timed_replay(timing, recording, registers, found, sampled=None, engine="compiled")
assert timed.engine == "compiled" and timed.glitch_toggles.any()
"""


@pytest.mark.tools
def test_kernels_run_clean_under_sanitizers(sanitized: dict[str, str]) -> None:
    """Replay, glitch replay, placement and products of small designs."""
    done = run_sanitized(sanitized, ARRAYS)
    assert done.returncode == 0, done.stderr[-3000:]
    libraries = list(Path(sanitized["CHIPDSE_CACHE"]).glob("kernels/*/*.so"))
    names = {path.name.partition("-")[0] for path in libraries}
    of_points = set(C_FILES) - BESIDE_POINTS
    assert names > {name.removesuffix(".c") for name in of_points}  # and a library of cells
    assert all(b"__asan" in path.read_bytes() for path in libraries)


POINTS = """
import sys
from tests.support.portable import points
sys.argv[1:] = [{store!r}]
points.main()
"""


@pytest.mark.exhaustive
@pytest.mark.tools
def test_points_are_clean_under_sanitizers(sanitized: dict[str, str], portable_store: Path) -> None:
    """The kernels with the cells and sizes of a mapped block."""
    done = run_sanitized(sanitized, POINTS.format(store=str(portable_store)))
    assert done.returncode == 0, done.stderr[-3000:]


RUNS = """
import numpy as np
from chipdse.netlist.activity.runs.plan import plan_runs
from chipdse.netlist.activity.runs.runs import start_runs
from chipdse.netlist.activity.runs.steps import Wanted
from chipdse.netlist.activity.runs.weights import weigh
from tests.support.netlist_cases import netlist_of
chain = [f"INV i{n} (.A(n{n}), .Y(n{n + 1}));" for n in range(300)]
body = " ".join(chain) + "XOR2 x (.A(n300), .B(a), .Y(d)); DFF f (.CK(clk), .D(d), .Q(n0));"
plan = plan_runs(netlist_of(body + "BUF o (.A(n0), .Y(y));"), "clk")
slots = np.arange(plan.plan.base, plan.plan.slots, dtype=np.int32)
random = np.random.default_rng(0)
group = random.integers(0, 3, len(slots)).astype(np.int32)
weights = weigh(["a", "b", "c"], group, slots, random.uniform(-1, 1, len(slots)), bits=32)
sources = random.integers(0, 2**64, (9, 2, 16), dtype=np.uint64)
sums = []
for engine in ("numpy", "compiled"):
    wanted = Wanted(probes=slots, watched=slots[3:])
    runs = start_runs(plan, weights, wanted=wanted, words=2, engine=engine)
    runs.begin(sources[0], sources[1, :1])
    sums.append(runs.advance(sources[1:]).sums)
assert (sums[0] == sums[1]).all() and sums[0].any()
"""


@pytest.mark.tools
def test_runs_are_clean_under_sanitizers(sanitized: dict[str, str]) -> None:
    done = run_sanitized(sanitized, RUNS)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.tools
def test_arguments_of_c_functions_are_checked() -> None:
    if compiler() is None:
        pytest.skip("no C compiler")
    count, floats = ctypes.c_int64, array_of(np.float64)
    multiply = declared(
        kernels().library("products.c"), "matrix_product", *[count] * 3, *[floats] * 3
    )
    right, out = np.ones((2, 2)), np.zeros((2, 2))
    multiply(2, 2, 2, np.ones((2, 2)), right, out)
    assert out.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    wrong_type, with_gaps = np.ones((2, 2), dtype=np.float32), np.ones((2, 4))[:, ::2]
    for wrong in (wrong_type, with_gaps, None):
        with pytest.raises(ctypes.ArgumentError):
            multiply(2, 2, 2, wrong, right, out)


def test_headers_stand_once_where_they_are_included() -> None:
    assert list(c_files("placer.c")) == ["products.h", "placer.c"]
    assert list(c_files("glitches.c")) == ["lanes.h", "glitches.c"]
    for name in C_FILES:
        assert '#include "' not in c_text(name)
        assert c_text(name).count("typedef double four") <= 1
    assert text_key(c_text("placer.c")) != text_key(c_text("products.c"))


def test_c_files_are_code_of_what_uses_them() -> None:
    replayed = code_files("chipdse.netlist.activity.replay.replay:replay")
    assert {"kernels/replay.c", "kernels/lanes.h"} <= set(replayed)
    assert not {"kernels/placer.c", "kernels/glitches.c"} & set(replayed)
    product = {"kernels/products.c", "kernels/products.h"}
    assert product <= set(code_files("chipdse.numerics:matmul"))
    assert not product & set(code_files("chipdse.numerics:exp"))


def test_every_c_file_is_code_of_points() -> None:
    files = {*C_FILES, *HEADERS} - BESIDE_POINTS
    assert {f"kernels/{name}" for name in files} <= set(point_files())


def unnamed(tree: ast.Module) -> Iterator[int]:
    """Lines that read C by a name that does not stand in the module as a text."""
    texts = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", None))
        if name in ("c_text", "c_files") or (name == "library" and node.args):
            argument = node.args[0]
            is_named = isinstance(argument, ast.Name) and argument.id in texts
            if not isinstance(argument, ast.Constant) and not is_named:
                yield node.lineno


def test_c_is_read_by_names_that_stand_in_the_code() -> None:
    """Else a stage would use C that its key does not know."""
    keepers = {PACKAGE / "kernels/build.py", PACKAGE / "store/sources.py"}
    for path in sorted(set(PACKAGE.rglob("*.py")) - keepers):
        text = path.read_text()
        if "kernels.build" in text:
            assert not list(unnamed(ast.parse(text))), path
        assert "#include" not in text, f"{path}: C of fixed text belongs in chipdse/kernels"
