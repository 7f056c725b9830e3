"""What all tests share: the reference folder, and what is installed."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.support import kernels

# The same examples every time, and no time limit for one: a slow machine is no fault.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

# A shell that starts the tests in the background lets them ignore SIGINT, and their children too:
# the tests that interrupt a sweep need what a program has in a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the workers of xdist have the folder of their parent
        kernels.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        kernels.end()


# They take longest, and one worker runs all of a file: begun last, they would leave the other idle.
BEGIN_WITH = (
    *("study/running/", "test_flow.py", "test_cli.py", "docs/test_docs_run.py"),
    *("study/", "docs/", "own_blocks/", "blocks/", "report/", "numerics/", "store/"),
)


def _place(item: pytest.Item) -> int:
    """Where a test's file stands in the order of the run."""
    name = item.path.relative_to(Path(__file__).parent).as_posix()
    return next(
        (at for at, begin in enumerate(BEGIN_WITH) if name.startswith(begin)), len(BEGIN_WITH)
    )


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; all cases of a test after its `quick_cases` have the marker `slow`."""
    items.sort(key=_place)
    seen: Counter[str] = Counter()
    for item in items:
        mark = item.get_closest_marker("quick_cases")
        if mark is not None:
            test = item.nodeid.partition("[")[0]
            seen[test] += 1
            if seen[test] > mark.args[0]:
                item.add_marker(pytest.mark.slow)


SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The read-only folder of reference results and cell libraries; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the reference folder ../shared is not here")
    return SHARED


@pytest.fixture(scope="session")
def warm_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that has what the designs of `sweeps.SWEEP` need, and the study that filled it."""
    from tests.support import small_sweep as sweeps

    folder, shared = tmp_path_factory.mktemp("warm"), tmp_path_factory.getbasetemp().parent
    if "PYTEST_XDIST_WORKER" not in os.environ:
        sweeps.run(sweeps.sweep_file(folder), folder / "undisturbed", folder)
        return folder
    with FileLock(shared / "warm.lock"):  # the other workers copy what the first has made
        if not (shared / "warm").is_dir():
            sweeps.run(sweeps.sweep_file(folder), folder / "undisturbed", folder)
            shutil.copytree(folder, shared / "warm", symlinks=True)
            return folder
    shutil.copytree(shared / "warm", folder, symlinks=True, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def lend_verilator(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Puts what all verilated designs link into a folder of stages, compiled once for all tests."""
    from chipdse.hardware import simulators
    from chipdse.store.store import Store

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers; the store's locks keep them apart

    def lend(stages: Path) -> None:
        tool = simulators.pick("verilator", 0, 0)
        made = simulators._verilator_runtime(tool, Store(root=folder / "verilator"), waves=False)
        shutil.copytree(made.parent, stages / made.parent.name)

    return lend


@pytest.fixture(scope="session")
def docs_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all that the documentation runs: its pages ask about the same adders."""
    return kernels.lend(tmp_path_factory.mktemp("docs_store"))
