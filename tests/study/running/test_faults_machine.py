"""What the machine does to a sweep: killed tools, no memory, a full temporary folder, no executor.

None of it is a word about the design: the sweep goes on, or stops in one line, and no trial is
recorded as failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import chipdse
from chipdse.errors import CrashedError, KilledError, MachineError, ToolError
from chipdse.store import store as store_module
from chipdse.store.store import Store
from chipdse.study.running import executors
from chipdse.tools import run_tool
from tests.study.running import test_faults_disk
from tests.support import kernels, programs, servers
from tests.support import small_sweep as sweeps
from tests.support.counter_project import counter_project


def sweep(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`chipdse sweep` by the installed program, one worker."""
    words = ("sweep", folder / "sweep.toml", "--study", folder / "study", "--workers", "1")
    cache = {"CHIPDSE_CACHE": str(kernels.lend(folder / "cache"))}
    return programs.run(
        *(programs.INSTALLED, *words, "--no-report"),
        environment=os.environ | cache | environment,
        timeout=900,
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a sweep that stopped with exit code 1, no point recorded as failed."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def states(folder: Path) -> list[str]:
    return list(chipdse.load_study(folder / "study").points()["state"])


def wrapper(folder: Path, tool: str, lines: str) -> str:
    """A PATH on which a shell script stands before the real tool, which it may run as "$TOOL"."""
    real = subprocess.run(["which", tool], capture_output=True, text=True).stdout.strip()
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    script = place / tool
    script.write_text(
        f'#!/bin/sh\nTOOL={real}\nCOUNT={folder / "count"}\n{lines}\nexec $TOOL "$@"\n'
    )
    script.chmod(0o755)
    return f"{place}{os.pathsep}{os.environ['PATH']}"


ONCE = "if [ ! -e $COUNT ]; then touch $COUNT; kill -9 $$; fi"


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("tool", ["iverilog", "vvp"])
def test_a_tool_killed_once_is_started_again(
    tmp_path: Path, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", wrapper(tmp_path, tool, ONCE))
    sweeps.here(counter_project(tmp_path), tmp_path / "study", store=tmp_path / "store")
    assert (tmp_path / "count").exists()
    assert states(tmp_path) == ["feasible", "feasible"]


class Hunter(threading.Thread):
    """Ends processes of a name among the descendants of this process, the first `times` of them.

    A context manager; `killed` lists the process ids.
    """

    def __init__(self, name: str, times: int = 1) -> None:
        super().__init__(daemon=True)
        self._wanted, self._times, self._ended = name[:15], times, threading.Event()
        self.killed: list[int] = []

    def __enter__(self) -> Hunter:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        while len(self.killed) < self._times and not self._ended.wait(0.005):
            killed = (pid for pid in self._descendants() if self._kill(pid))
            self.killed += [pid for pid in [next(killed, None)] if pid is not None]

    def _descendants(self) -> Iterator[int]:
        waiting = [os.getpid()]
        while waiting:
            with suppress(OSError):  # a process or thread that has ended
                for tasks in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
                    children = [int(pid) for pid in tasks.read_text().split()]
                    waiting += children
                    yield from children

    def _kill(self, pid: int) -> bool:
        try:
            if pid in self.killed or Path(f"/proc/{pid}/comm").read_text().strip() != self._wanted:
                return False
            os.kill(pid, signal.SIGKILL)
        except OSError:  # it has ended
            return False
        return True


@pytest.mark.tools
@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_a_part_of_synthesis_killed_once_fails_no_trial(tmp_path: Path) -> None:
    """The real process, as the kernel chooses it; Yosys reports it in words of its own."""
    file = counter_project(tmp_path)
    with Hunter("yosys-abc") as hunter:
        sweeps.here(file, tmp_path / "study", store=tmp_path / "store")
    assert hunter.killed
    assert states(tmp_path) == ["feasible", "feasible"]


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("tool", "end"),
    [
        ("iverilog", '[ "$1" = -V ] || kill -15 $$'),  # its version is printed
        ("vvp", "sh -c 'kill -9 $$'; exit $?"),  # a shell between: 137
    ],
)
def test_a_tool_killed_each_time_fails_no_trial(
    tmp_path: Path, tool: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, store = counter_project(tmp_path), tmp_path / "store"
    with monkeypatch.context() as patched, pytest.raises(MachineError, match="of 3 tries") as said:
        patched.setenv("PATH", wrapper(tmp_path, tool, end))
        sweeps.here(file, tmp_path / "study", store=store)
    assert "SIGKILL" in str(said.value) or "SIGTERM" in str(said.value)
    assert states(tmp_path) == []
    sweeps.here(file, tmp_path / "study", store=store)
    assert states(tmp_path) == ["feasible", "feasible"]


@pytest.mark.tools
def test_a_killed_tool_stops_the_program_in_one_line(tmp_path: Path) -> None:
    counter_project(tmp_path)
    killed = '[ "$1" = -V ] || kill -9 $$'  # its version is printed
    line = last_line(sweep(tmp_path, PATH=wrapper(tmp_path, "iverilog", killed)))
    assert "SIGKILL (at each of 3 tries)" in line
    assert "give it more memory, or use fewer --workers; full log: " in line
    assert Path(line.rpartition("full log: ")[2]).is_file()
    assert states(tmp_path) == []


@pytest.mark.tools
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_the_temporary_folder_is_full(tmp_path: Path) -> None:
    counter_project(tmp_path)
    with test_faults_disk.small_disk(tmp_path / "tmp", "64k") as disk:
        (disk / "all").write_bytes(bytes(64 << 10))
        done = sweep(tmp_path, TMPDIR=str(disk), TMP=str(disk), TEMP=str(disk))
    assert done.returncode == 0, done.stderr
    assert states(tmp_path) == ["feasible", "feasible"]


@pytest.mark.tools
def test_a_version_that_is_not_printed_is_the_machines(tmp_path: Path) -> None:
    counter_project(tmp_path)
    path = wrapper(tmp_path, "iverilog", "")
    (tmp_path / "bin" / "iverilog").write_text("#!/bin/sh\nkill -9 $$\n")
    done = sweep(tmp_path, PATH=path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "'iverilog -V' prints no version (exit code -9)" in done.stderr


SCRIPT = "import os, signal, sys, tempfile; "


def run_python(folder: Path, text: str) -> Path:
    return run_tool("tool", [sys.executable, "-c", SCRIPT + text], folder)


def test_temporary_files_lie_in_the_stages_folder_and_go(tmp_path: Path) -> None:
    text = "print(tempfile.mkstemp()[1], *map(os.environ.get, ('TMP', 'TEMP', 'TMPDIR')))"
    file, *places = run_python(tmp_path, text).read_text().split()
    assert set(places) == {str(Path(file).parent)}
    assert Path(file).is_relative_to(tmp_path) and not Path(file).parent.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["tool.log"]


@pytest.mark.quick_cases(7)
@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", KilledError, "ended by SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGXCPU)", KilledError, "ended by SIGXCPU"),
        ("os.kill(os.getpid(), signal.SIGBUS)", KilledError, "ended by SIGBUS"),
        ("sys.exit(137)", KilledError, "ended by SIGKILL"),
        ("sys.exit('make: *** [Vtop.mk:1: a.o] Killed')", KilledError, "a part .* Killed"),
        ("sys.exit('make: *** [Vtop.mk:1: a.o] Error 137')", KilledError, "a part .* Error 137"),
        ("sys.exit('collect2: fatal error: ld terminated with signal 9 [Killed]')", KilledError,
         "a part"),
        ("sys.exit('cc1plus: out of memory allocating 65536 bytes')", KilledError, "no memory"),
        ("print(\"what(): std::bad_alloc\", flush=True); os.abort()", KilledError, "no memory"),
        ("raise MemoryError", KilledError, "no memory"),
        ("sys.exit('cannot allocate memory for thread-local data: ABORT')", KilledError,
         "no memory"),
        ("raise OSError(12, 'Cannot allocate memory')", KilledError, "no memory"),
        ("sys.exit('g++: fatal error: Killed signal terminated program cc1plus')", KilledError,
         "a part"),
        ("sys.exit('sh: line 1: 4711 Killed   ivl')", KilledError, "a part"),
        ("sys.exit('ERROR: ABC: execution of command \"abc\" failed: return code 137.')",
         KilledError, "a part"),
        ("raise OSError(28, 'No space left on device', 'folder/a')", MachineError, "cannot write"),
        # Lines of the user's sources and prints, which logs repeat.
        ("sys.exit('f.v:3: ERROR: unknown task: $fatal(1, \"bad status 9\");')", ToolError,
         "exited with 1"),
        ("sys.exit('FATAL: f.v:3: return code 15 of the core')", ToolError, "exited with 1"),
        ("sys.exit('  2 ns INFO bench: Cannot allocate memory, as the model says')", ToolError,
         "exited with 1"),
        ("sys.exit(' $display(\"store: No space left on device\");')", ToolError, "exited with 1"),
        ("sys.exit('a.s: No space left on device')", MachineError, "cannot write its files"),
        ("os.abort()", CrashedError, r"crashed \(SIGABRT\)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", CrashedError, r"crashed \(SIGSEGV\)"),
        ("sys.exit('ERROR: no module top')", ToolError, "exited with 1: ERROR: no module top"),
    ],
)  # fmt: skip
def test_how_a_tool_ended(tmp_path: Path, text: str, kind: type, said: str) -> None:
    with pytest.raises(ToolError, match=said) as caught:
        run_python(tmp_path, text)
    assert type(caught.value) is kind


def test_a_program_that_cannot_be_started_is_the_machines(tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\n")
    with pytest.raises(MachineError, match="tool cannot be started"):
        run_tool("tool", [str(tmp_path / "tool")], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGKILL, MachineError), (signal.SIGSEGV, ToolError)]
)
def test_a_signal_at_every_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type
) -> None:
    """From outside it is the machine's fault; a crash that comes back is the design's."""
    monkeypatch.setattr(store_module, "KILLED_PAUSE_S", 0.0)
    tries = []

    def build(folder: Path) -> None:
        assert [path.name for path in folder.iterdir()] == ["inputs.json"]
        tries.append(folder)
        run_python(folder, f"os.kill(os.getpid(), {number})")

    with pytest.raises(ToolError, match=r"\(at each of 3 tries\)") as caught:
        Store(root=tmp_path).folder("stage", {"a": 1}, build)
    assert type(caught.value) is kind and len(tries) == 3
    assert caught.value.log is not None and caught.value.log.is_file()


class Broken(Executor):
    """An executor whose every point ends with an error."""

    def __init__(self, error: BaseException, *, at_once: bool = False) -> None:
        self._error, self._at_once = error, at_once

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._at_once:
            raise self._error
        future: Future[Any] = Future()
        future.set_exception(self._error)
        return future


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [False, True])
def test_a_lost_connection_is_the_executors(tmp_path: Path, at_once: bool) -> None:
    error = ConnectionResetError(104, "Connection reset by peer")
    with pytest.raises(MachineError, match="the executor is gone; start it again"):
        chipdse.sweep(
            counter_project(tmp_path),
            study=tmp_path / "study",
            report=False,
            progress=False,
            executor=Broken(error, at_once=at_once),
            workers=1,
        )
    assert states(tmp_path) == []


@pytest.mark.slow
def test_a_client_closed_without_its_scheduler_prints_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("distributed")
    port = servers.free_port()
    scheduler = subprocess.Popen(
        [Path(sys.executable).with_name("dask"), "scheduler", "--host", "127.0.0.1",
         "--port", str(port), "--no-dashboard"],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with executors.open_workers(f"dask:tcp://127.0.0.1:{port}") as workers:
            client = workers.executor._client  # type: ignore[attr-defined]
            scheduler.kill()
            while client.status == "running":
                time.sleep(0.01)
            time.sleep(0.1)  # it has looked for the scheduler and waits to look again
    finally:
        scheduler.kill()
        scheduler.wait()
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.exhaustive  # its parts are the two tests of lost connections above
@pytest.mark.tools
def test_dask_without_scheduler_is_called_that(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    port = servers.free_port()
    program, address = Path(sys.executable).with_name("dask"), f"tcp://127.0.0.1:{port}"
    scheduler = subprocess.Popen(
        [program, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
        stderr=subprocess.DEVNULL,
    )
    counter_project(tmp_path)
    # The scheduler ends while the first point is simulated.
    path = wrapper(tmp_path, "iverilog", f"kill -9 {scheduler.pid}; sleep 3")
    worker = subprocess.Popen(
        [program, "worker", address, "--nthreads", "1", "--no-dashboard",
         "--local-directory", tmp_path / "dask"],
        stderr=subprocess.DEVNULL,
        env=os.environ | {"CHIPDSE_CACHE": str(kernels.lend(tmp_path / "cache")), "PATH": path},
    )  # fmt: skip
    try:
        words = ("sweep", tmp_path / "sweep.toml", "--study", tmp_path / "study", "--no-report")
        sweeping = programs.run(
            *(programs.INSTALLED, *words, "--executor", f"dask:{address}"), timeout=900
        )
        line = last_line(sweeping)
        assert "start it again, then run the same command to go on" in line
        assert "cannot be written" not in line
        assert states(tmp_path) == []
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()
    assert sweep(tmp_path).returncode == 0
    assert states(tmp_path) == ["feasible", "feasible"]


MEMORY = """
import resource, sys
from chipdse.cli import main
words = ["library", "info", "sky130"]
assert main(words) == 0
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (1 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(main(words))
"""


@pytest.mark.slow
def test_no_memory_is_said_in_a_line() -> None:
    """Outside a sweep, too: everything is imported, then one more MiB may be taken."""
    done = programs.run("-c", MEMORY)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("chipdse library: this machine has too little free memory")
