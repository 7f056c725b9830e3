"""What all tests share: the reference folder, and what is installed."""

from __future__ import annotations

import compileall
import contextlib
import gc
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support import kernels
from tests.support.rewritten import rewrite_all

# Several workers share the processors. Threads of OpenBLAS would mostly wait for each other, and
# actively: a search took four times the processor time. Programs inherit the variable; here it is
# set before NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell that starts the tests in the background lets them ignore SIGINT, and their children too:
# the tests that interrupt a sweep need what a program has in a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def bytecode_kept() -> Iterator[None]:
    """Python keeps bytecode, with the assertions that pytest rewrites, even if it usually does not
    here (`PYTHONDONTWRITEBYTECODE`)."""
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        yield
    finally:
        sys.dont_write_bytecode = kept


def pytest_configure(config: pytest.Config) -> None:
    with bytecode_kept():  # Hypothesis is a plugin of pytest, which rewrites all of its modules
        from hypothesis import settings

        from tests.support.fuzzing.examples import FEW, FEWEST, STEADY
    left_out = config.option.markexpr
    profile = FEWEST if "not slow" in left_out else FEW if "not exhaustive" in left_out else STEADY
    settings.load_profile(profile)
    if not hasattr(config, "workerinput"):  # the workers of xdist have the folder of their parent
        kernels.begin()
        # The tests start more than a thousand programs that import chipdse. Where Python keeps
        # no bytecode (PYTHONDONTWRITEBYTECODE), each would compile it in 0.3 s of processor time.
        for package in ("chipdse", "hdl"):
            compileall.compile_dir(ROOT / package, quiet=2)
        here = Path(__file__).parent
        if config.getoption("numprocesses", None) and config.args in (["tests"], [str(here)]):
            files = sorted(here.rglob("test_*.py"))
            rewrite_all(config, [f for f in files if not pytest_ignore_collect(f, config)])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives as long as the process: the garbage collector never visits it."""
    gc.disable()
    try:
        with bytecode_kept():
            return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file is not imported where a marker of all its tests is left out, as by `make check`."""
    expression = config.option.markexpr
    if collection_path.suffix != ".py" or not re.fullmatch(r"not \w+( and not \w+)*", expression):
        return None
    marked = re.search(
        r"^pytestmark = .*?(?=\n\n|\n[^\s\]])", collection_path.read_text(), re.M | re.S
    )
    markers = set(re.findall(r"\bpytest\.mark\.(\w+)", marked[0])) if marked else set()
    return True if markers & set(re.findall(r"not (\w+)", expression)) else None


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        kernels.end()


# They take longest, and one worker runs all of a file: begun last, they would leave the other idle.
BEGIN_WITH = (
    *("test_types.py", "study/running/", "test_flow.py", "test_cli.py", "docs/test_docs_run.py"),
    *("study/", "docs/", "own_blocks/", "blocks/", "report/", "numerics/", "store/"),
)


def _place(item: pytest.Item) -> int:
    """Where a test's file stands in the order of the run."""
    name = item.path.relative_to(Path(__file__).parent).as_posix()
    return next(
        (at for at, begin in enumerate(BEGIN_WITH) if name.startswith(begin)), len(BEGIN_WITH)
    )


def is_chosen(case: int, kept: int, cases: int) -> bool:
    """Whether a case is among `kept` of `cases`, which are spread evenly and include the first."""
    return kept >= cases or case == 0 or case * kept // cases != (case - 1) * kept // cases


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; cases beyond `quick_cases` are `slow`, those beyond `few_cases` are for
    `make test-all`."""
    items.sort(key=_place)
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in tests.values():
        quick = cases[0].get_closest_marker("quick_cases")
        few = cases[0].get_closest_marker("few_cases")
        for number, item in enumerate(cases):
            if quick is not None and number >= quick.args[0]:
                item.add_marker(pytest.mark.slow)
            if few is not None and not is_chosen(number, few.args[0], len(cases)):
                item.add_marker(pytest.mark.exhaustive)


SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The read-only folder of reference results and cell libraries; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the reference folder ../shared is not here")
    return SHARED


def common_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run, which all workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def untouched_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that has what the designs of `sweeps.SWEEP` need and nothing else, and the study
    that filled it. All workers share it: a test may read and copy it."""
    from tests.support import small_sweep as sweeps

    base = common_folder(tmp_path_factory)
    folder, part = base / "warm", base / "warm.part"
    with FileLock(base / "warm.lock"):
        if not folder.is_dir():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            sweeps.run(sweeps.sweep_file(part), part / "undisturbed", part)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def warm_store(untouched_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it, which the tests of one worker use and fill further."""
    folder = tmp_path_factory.mktemp("warm")
    return shutil.copytree(untouched_store, folder, symlinks=True, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def lend_verilator(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Puts what all verilated designs link into a folder of stages, compiled once for all tests."""
    from chipdse.hardware import simulators
    from chipdse.store.store import Store

    folder = common_folder(tmp_path_factory)  # the store's locks keep the workers apart

    def lend(stages: Path) -> None:
        tool = simulators.pick("verilator", 0, 0)
        made = simulators._verilator_runtime(tool, Store(root=folder / "verilator"), waves=False)
        shutil.copytree(made.parent, stages / made.parent.name)

    return lend


@pytest.fixture
def coarse_temperatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a point looks like inside takes a fraction of the time, in the test's own process: its
    hottest spot is computed on few squares."""
    kernels.coarse_temperatures(monkeypatch)


@pytest.fixture(scope="session")
def docs_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all that the documentation runs: its pages ask about the same adders."""
    folder = common_folder(tmp_path_factory) / "docs_store"
    with FileLock(folder.with_suffix(".lock")):
        return kernels.lend(folder)


@pytest.fixture(scope="session")
def portable_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the tools have run for `portable/points.py`, which leaves it as it is."""
    from tests.support.portable import points

    folder = common_folder(tmp_path_factory) / "portable"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            points.computed(folder)
    return folder


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheel and sdist by suffix, built once."""
    from tests.support.wheels import build_both

    folder = common_folder(tmp_path_factory) / "distributions"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            build_both(folder)
    return {path.suffix: path for path in folder.iterdir()}
