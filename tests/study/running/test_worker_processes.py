"""Worker processes of this machine: what they have of their driver, and how long they live."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chipdse.study.running import executors
from chipdse.study.running.executors import open_workers
from tests.support import servers
from tests.support import small_sweep as sweeps

pytestmark = pytest.mark.slow

DRIVER = """
import os, time
from chipdse.study.running.executors import open_workers
if __name__ == "__main__":
    with open_workers("processes", 2) as workers:
        futures = [workers.executor.submit(os.getpid) for _ in range(2)]
        print(*[future.result() for future in futures], flush=True)
        time.sleep(600)
"""


def test_variables_and_folder_are_those_of_the_driver_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the server of the workers was started under others."""
    for value in ("one", "two"):
        folder = tmp_path / value
        folder.mkdir()
        monkeypatch.setenv("CHIPDSE_TEST_VALUE", value)
        monkeypatch.chdir(folder)
        with open_workers("processes", 1) as workers:
            submit = workers.executor.submit
            assert submit(os.getenv, "CHIPDSE_TEST_VALUE").result(120) == value
            assert submit(os.getcwd).result(120) == str(folder)
    monkeypatch.delenv("CHIPDSE_TEST_VALUE")
    with open_workers("processes", 1) as workers:
        assert workers.executor.submit(os.getenv, "CHIPDSE_TEST_VALUE").result(120) is None


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_driver(tmp_path: Path, end: signal.Signals) -> None:
    """Neither the workers nor the server that forks them, which hold what it prints to."""
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    driver = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    workers = {int(pid) for pid in driver.stdout.readline().split()}
    assert set(sweeps.workers_of(driver)) == workers
    started = [*workers, *sweeps.servers_of(driver)]
    driver.send_signal(end)
    driver.communicate(timeout=120)
    servers.wait_until(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in started), "their end", 60
    )


def test_a_temporary_folder_without_place_for_a_socket(tmp_path: Path) -> None:
    """As batch systems name them; the path of a socket has at most 107 characters."""
    folder = tmp_path / ("scratch" * 15)
    folder.mkdir()
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.replace("time.sleep(600)", ""))
    ended = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert len(ended.stdout.split()) == 2 and not ended.returncode, ended.stderr
    assert not ended.stderr


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_a_worker_that_is_killed_has_a_successor() -> None:
    with open_workers("processes", 1) as workers:
        first = workers.executor.submit(os.getpid).result(120)
        with pytest.raises(workers.lost):
            workers.executor.submit(os.kill, first, signal.SIGKILL).result(120)
        assert workers.executor.submit(os.getpid).result(120) != first
        assert workers.killed()


class _Ending(ThreadPoolExecutor):
    """Workers of a server that has been killed and looks alive: none starts."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        raise EOFError("unexpected EOF")


def test_a_server_that_ends_while_a_worker_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    start, ending = executors._one_process, [_Ending(), _Ending()]
    monkeypatch.setattr(executors, "_one_process", lambda: ending.pop() if ending else start())
    with open_workers("processes", 1) as workers:
        assert workers.executor.submit(abs, -2).result(timeout=60) == 2
    assert not ending
    monkeypatch.setattr(executors, "_one_process", _Ending)
    monkeypatch.setattr(executors, "STARTS", 2)
    with open_workers("processes", 1) as workers, pytest.raises(EOFError):
        workers.executor.submit(abs, -2)
