"""The same figures to the last bit whatever the processor, and what of chipdse could prevent it.

QEMU emulates processors without AVX2 and with it; NumPy and OpenBLAS can be told to leave out what
the processor has. None of the means reaches AVX-512 where the processor lacks it: for that stands
the list of what is called at all.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chipdse.kernels.build import compiler
from tests.support.portable import arrays, points

ROOT = Path(__file__).parents[2]
PROCESSORS = ["Nehalem", "Haswell"]


@pytest.fixture(scope="module")
def here(portable_store: Path) -> dict[str, str]:
    return run(portable_store, OPENBLAS_NUM_THREADS="2")


def run(store: Path, *before: str, **environment: str) -> dict[str, str]:
    """The figures as another process computes them."""
    return printed([*before, sys.executable, "-m", points.__name__, str(store)], environment)


def printed(command: list[str], environment: dict[str, str]) -> dict[str, str]:
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, str] = json.loads(done.stdout)
    return found


def compiler_for(folder: Path, processor: str) -> str:
    """A C compiler that takes another processor for this one; "" where there is none."""
    native = compiler()
    if native is None:
        return ""
    script = folder / f"cc-{processor}"
    script.write_text(
        "#!/bin/sh\n"
        "for each; do shift\n"
        f'  [ "$each" = -march=native ] && each=-march={processor}\n'
        '  set -- "$@" "$each"\n'
        f'done\nexec "{native}" "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


@pytest.mark.tools
def test_the_figures_are_those_of_the_stages(here: dict[str, str]) -> None:
    # Placement, glitches, temperature, cost and carbon all took part.
    for name in ("wire_length_m", "block_glitch_power_w", "peak_temperature_c", "cost_usd"):
        assert float.fromhex(here[f"0.{name}"]) > 0
    assert float.fromhex(here["1.total_kgco2e"]) > 0


@pytest.mark.tools
def test_same_without_a_compiler(portable_store: Path, here: dict[str, str]) -> None:
    assert run(portable_store, CHIPDSE_CC="") == here


@pytest.mark.tools
def test_same_with_less_of_the_processor(portable_store: Path, here: dict[str, str]) -> None:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])  # type: ignore[index]
    less = {"NPY_DISABLE_CPU_FEATURES": " ".join(found), "OPENBLAS_CORETYPE": "Nehalem"}
    assert run(portable_store, **less, OPENBLAS_NUM_THREADS="1") == here


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("processor", PROCESSORS)
def test_arrays_are_the_same_on_another_processor(
    here: dict[str, str], tmp_path: Path, processor: str
) -> None:
    """Placement, sorts, series and products; `test_same_on_another_processor` has the rest."""
    program = [*emulator(processor), sys.executable, "-m", arrays.__name__]
    emulated = compiler_for(tmp_path, processor.lower())
    found = printed(program, {"CHIPDSE_CC": emulated, "OPENBLAS_NUM_THREADS": "1"})
    assert found == {name: here[name] for name in found} and len(found) == 3


@pytest.mark.exhaustive  # most of a minute is what QEMU takes for the imports of an evaluation
@pytest.mark.tools
@pytest.mark.parametrize("processor", PROCESSORS)
def test_same_on_another_processor(
    portable_store: Path, here: dict[str, str], tmp_path: Path, processor: str
) -> None:
    emulated = compiler_for(tmp_path, processor.lower())
    assert run(portable_store, *emulator(processor), CHIPDSE_CC=emulated) == here


def emulator(processor: str) -> list[str]:
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        pytest.skip("QEMU is not installed; sudo apt-get install qemu-user")
    return [qemu, "-cpu", processor]


_CALLS = """
exp exp2 expm1 log log2 log10 log1p logaddexp power float_power pow cbrt hypot sin cos tan arcsin
arccos arctan arctan2 sinh cosh tanh asin acos atan atan2 erf gamma lgamma dist dot vdot inner
matmul tensordot einsum convolve correlate polyfit polyval interp logspace geomspace linalg fft
special splu spsolve cg eigsh optimize argpartition partition
"""
CALLS = frozenset(_CALLS.split())
MODULES = {"np", "numpy", "math", "scipy", "sp", "sla", "cmath"}
_WHOLE = "whole numbers"
_INTERP = "one product and one sum per value, without dispatch"
_FOR_PEOPLE = "how a number is written for people"
_SPARSE = "a sparse matrix: SciPy sums in order, in code without dispatch"
_ONCE = "simulates with ngspice and writes a file; results depend on the file"
LEFT = {
    "chipdse/application/digits.py": {"@": _WHOLE},
    "chipdse/application/tiles.py": {"@": _WHOLE},
    "chipdse/characterise/bench.py": {"interp": _ONCE},
    "chipdse/characterise/combinational.py": {"**": _ONCE},
    "chipdse/characterise/run.py": {"**": _ONCE, "geomspace": _ONCE},
    "chipdse/characterise/sequential.py": {"**": _ONCE, "interp": _ONCE},
    "chipdse/characterise/tables.py": {"**": _ONCE, "interp": _ONCE},
    "chipdse/units.py": {"log10": _FOR_PEOPLE, "**": _FOR_PEOPLE},
    "chipdse/netlist/activity/waveform/vcd_changes.py": {"**": _WHOLE},
    "chipdse/netlist/layout/placer/start.py": {
        "optimize": "linear_sum_assignment adds, subtracts and compares",
        "@": _SPARSE,
    },
    "chipdse/netlist/library/mismatch.py": {"interp": _INTERP},
    "chipdse/system/arrays/dies.py": {"interp": _INTERP},
    "chipdse/system/thermal/solver.py": {"@": _SPARSE},
    "chipdse/system/thermal/refined.py": {"@": _SPARSE},
    "chipdse/system/thermal/nested_meshes.py": {"interp": _INTERP},
    "chipdse/system/thermal/hottest.py": {"@": _SPARSE},
    "chipdse/system/thermal/transient.py": {"@": _SPARSE},
    "chipdse/system/thermal/linear_solver.py": {
        "splu": "where a refinement to the last bit starts",
        "@": "exact in any order, but for what lies beyond the digits kept",
    },
}
"""What of the kind is called outside search and report, and why no result depends on it."""


def calls(tree: ast.Module) -> Iterator[str]:
    """Names of functions whose last bits may depend on the processor, and products of matrices."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult):
            yield "@"
        elif isinstance(node, ast.Attribute) and node.attr in CALLS:
            base = node.value
            while isinstance(base, ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name) and base.id in MODULES:
                yield node.attr
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
            "math",
            "numpy",
            "scipy",
        ):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if name in CALLS)
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Pow):
            base = node.left if isinstance(node, ast.BinOp) else node.target
            if not (isinstance(base, ast.Constant) and type(base.value) is int):
                yield "**"  # of single numbers it is the C library's, also with 2
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if node.func.attr == "dot" and not (
                isinstance(owner, ast.Name) and owner.id in {*MODULES, "numerics"}
            ):
                yield "dot"


@functools.cache
def parsed() -> dict[str, ast.Module]:
    """Every module of the package by its path."""
    paths = sorted(ROOT.glob("chipdse/**/*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in paths}


@pytest.mark.slow
def test_nothing_that_differs_between_processors_feeds_a_result() -> None:
    found = {}
    for name, tree in parsed().items():
        if not name.startswith(("chipdse/study/", "chipdse/report/", "chipdse/cli/")):
            counted = Counter(calls(tree))
            if counted:
                found[name] = set(counted)
    left = {name: set(reasons) for name, reasons in LEFT.items()}
    assert found == left, "use chipdse.numerics, or say in LEFT why no result depends on it"


def unstable_sorts(tree: ast.Module) -> Iterator[str]:
    """Sorts that return positions and are not stable: NumPy sorts these with vector instructions.

    Equal numbers come in an order that depends on the processor, and QEMU's emulation of AVX2
    returns wrong positions.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("unique_inverse", "argpartition"):
            yield node.attr
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        match node.func.attr:
            case "argsort":
                kind = given.get("kind")
                if not (isinstance(kind, ast.Constant) and kind.value == "stable"):
                    yield "argsort"
            case "unique" if "return_index" not in given:
                if "return_inverse" in given or len(node.args) > 1:
                    yield "unique"
            case "isin" | "in1d":  # calls `unique` for positions
                yield node.func.attr
            case "intersect1d" | "setdiff1d" if "return_indices" in given:
                yield node.func.attr


@pytest.mark.slow
def test_positions_come_from_stable_sorts() -> None:
    """In the searches and reports too, so that a study proposes the same points everywhere."""
    found = {}
    for name, tree in parsed().items():
        if sorts := list(unstable_sorts(tree)):
            found[name] = sorts
    assert found == {}, "use chipdse.sorting, or kind='stable'"


@pytest.mark.parametrize(
    "call",
    [
        "np.unique(x, return_inverse=True)",
        "np.unique(x, False, True)",
        "x.argsort()",
        "np.isin(x, y)",
    ],
)
def test_the_check_of_sorts_finds_each_kind(call: str) -> None:
    assert len(list(unstable_sorts(ast.parse(call)))) == 1
