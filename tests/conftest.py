"""What all tests share: the reference folder, and what is installed."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time, and no time limit for one: a slow machine is no fault.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

# A shell that starts the tests in the background lets them ignore SIGINT, and their children too:
# the tests that interrupt a sweep need what a program has in a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All cases of a test after its `quick_cases` have the marker `slow`."""
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

    folder = tmp_path_factory.mktemp("warm")
    sweeps.run(sweeps.sweep_file(folder), folder / "undisturbed", folder)
    return folder


@pytest.fixture(scope="session")
def docs_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all that the documentation runs: its pages ask about the same adders."""
    return tmp_path_factory.mktemp("docs_store")
