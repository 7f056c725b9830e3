"""A process that has imported chipdse and forks itself for each program that a test starts.

    python server.py FOLDER/SOCKET      ends when its standard input does, with its programs

Importing is most of what `chipdse eval` of a known design costs, and tests start a thousand such
programs. A connection is one program: it brings its arguments, folder, environment and standard
files, may bring signals for it, and gets its process id and at its end its exit status. A program
whose client is gone is killed with its group.

It uses nothing of the tests, so that the Python of another environment can run it.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import threading
import types
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

VERBS = "blocks cache compare design export front netlist package report results simulate status"
LOADED = (
    *(f"chipdse.cli.{verb}" for verb in (*VERBS.split(), "sweep")),
    *("chipdse.api.study", "chipdse.api.point", "chipdse.report.page", "chipdse.report.counted"),
    *("chipdse.report.terminal.progress", "chipdse.report.terminal.stages"),
    *("chipdse.netlist.library.cache", "chipdse.netlist.library.join", "chipdse_hdl.workloads"),
    *("chipdse.study.running.engine", "chipdse.study.running.plan", "chipdse.study.running.status"),
    *("chipdse.study.search.samplers", "chipdse.study.storage.begin"),
    *("optuna.storages", "optuna.storages._rdb.models", "alembic.command", "filelock", "moocore"),
    *("rich.live", "rich.progress", "scipy.optimize", "scipy.stats"),
    *("multiprocessing.forkserver", "multiprocessing.resource_tracker", "encodings.idna"),
)
"""What a program may need, beside what `chipdse.study.running.executors.LOADED_ONCE` names."""
COARSE = "CHIPDSE_TEST_COARSE_TEMPERATURES"
"""A variable that makes temperatures of placements coarse, as `kernels.coarse_temperatures`."""
LONGEST = 1 << 20
"""Bytes of a request, mostly its environment."""


def load() -> None:
    """Import what programs need, and read what every process keeps of the package's own files."""
    from chipdse.design import LibraryChoice
    from chipdse.stages.library import library_of
    from chipdse.store import sources
    from chipdse.study.running.executors import LOADED_ONCE

    for name in (*LOADED_ONCE, *LOADED):
        importlib.import_module(name)
    library_of(LibraryChoice(name="sky130")).load()
    sources._content()
    tempfile.tempdir = None
    gc.collect()
    gc.freeze()  # collections in the programs leave it, and its memory stays shared
    tasks = Path("/proc/self/task").iterdir()
    assert len(list(tasks)) == threading.active_count() == 1, "a fork lacks the other threads"


class Server:
    """The programs under way, by the file that reports their end and by their connection."""

    def __init__(self, path: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.path = Path(path)
        self.listener.listen(64)
        self.events = selectors.DefaultSelector()
        self.events.register(self.listener, selectors.EVENT_READ, self._begin)
        self.events.register(0, selectors.EVENT_READ, self._leave)
        self.running: set[int] = set()
        self.begun: dict[str, Any] | None = None

    def serve(self) -> dict[str, Any]:
        """Start what is asked for; returns in each program that was started, with its request."""
        print("ready", flush=True)
        while self.begun is None:
            for key, _ in self.events.select():
                key.data()
                if self.begun is not None:
                    break
        return self.begun

    def _begin(self) -> None:
        connection, _ = self.listener.accept()
        text, files, _, _ = socket.recv_fds(connection, LONGEST, 3)
        if not text:
            connection.close()
            return
        pid = os.fork()
        if pid == 0:
            for number, file in enumerate(files):
                os.dup2(file, number)
            self._close(connection)
            self.begun = json.loads(text)
            return
        for file in files:
            os.close(file)
        with suppress(OSError):  # it has ended, or its client is gone
            os.setpgid(pid, pid)
            connection.send(str(pid).encode())
        self.running.add(pid)
        ended = os.pidfd_open(pid)
        self.events.register(ended, selectors.EVENT_READ, lambda: self._end(pid, ended, connection))
        self.events.register(connection, selectors.EVENT_READ, lambda: self._hear(pid, connection))

    def _leave(self) -> None:
        for pid in self.running:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        self.path.unlink()
        self.path.parent.rmdir()
        os._exit(0)

    def _close(self, connection: socket.socket) -> None:
        """Let go, in a program, of the files of the server: none closes when it is collected."""
        opened = [key.fileobj for key in self.events.get_map().values()]
        for one in (connection, *opened):
            if isinstance(one, socket.socket):
                one.detach()
        self.events.close()
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))

    def _end(self, pid: int, ended: int, connection: socket.socket) -> None:
        _, status = os.waitpid(pid, 0)
        self.running.remove(pid)
        self.events.unregister(ended)
        os.close(ended)
        with suppress(KeyError, ValueError):  # the client is gone
            self.events.unregister(connection)
        with suppress(OSError), connection:
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())

    def _hear(self, pid: int, connection: socket.socket) -> None:
        if connection.fileno() < 0:  # it has ended in the meantime
            return
        message = b""
        with suppress(OSError):
            message = connection.recv(16)
        with suppress(ProcessLookupError):
            if message:
                os.kill(pid, int(message))
            else:
                self.events.unregister(connection)
                connection.close()
                os.killpg(pid, signal.SIGKILL)


def become(request: dict[str, Any]) -> None:
    """Take over what the program is started with."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    if COARSE in os.environ:
        from chipdse.system import power_map

        power_map.GRID, power_map.MESH_CELLS = 3, 6


def keep_spare() -> None:
    """Let the server of worker processes be a fork of this program as it is now.

    `multiprocessing` would start a new interpreter that imports everything once more.
    """
    from multiprocessing import forkserver, util

    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    spare = os.fork()
    if spare == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ours.close()
        text, files, _, _ = socket.recv_fds(its, LONGEST, 64)
        its.close()
        if not text:
            os._exit(0)  # the program has ended without workers
        order = json.loads(text)
        highest = max(order["files"]) + 1
        held = [fcntl.fcntl(file, fcntl.F_DUPFD, highest) for file in files]
        for number, file in zip(order["files"], held, strict=True):
            os.dup2(file, number)
        for file in {*held, *files} - {*order["files"]}:
            os.close(file)
        exec(order["code"], {"__name__": "__main__"})
        os._exit(0)
    its.close()
    start = util.spawnv_passfds

    def spawn(path: bytes, words: Sequence[Any], files: Sequence[int]) -> int:
        code = words[-1]
        if "forkserver" not in code or ours.fileno() < 0:
            return start(path, words, files)
        text = json.dumps({"code": code, "files": list(files)})
        with ours:
            socket.send_fds(ours, [text.encode()], list(files))
        return spare

    forkserver.util.spawnv_passfds = spawn


def run(words: list[str]) -> None:
    """Run the program: a file of Python, or `-c` code or `-m` module as Python has them."""
    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    if words[0] == "-c":
        sys.argv = ["-c", *words[2:]]
        sys.path.insert(0, "")
        code = compile(words[1], "<string>", "exec")
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
        main.__file__ = words[0]
        code = compile(Path(words[0]).read_bytes(), words[0], "exec")
    exec(code, main.__dict__)


def leave(status: object) -> None:
    """End as an interpreter does, without taking down what it has loaded."""
    threading._shutdown()
    atexit._run_exitfuncs()
    if status is not None and not isinstance(status, int):
        print(status, file=sys.stderr)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        os._exit(120)
    os._exit(int(status or 0) & 0xFF if isinstance(status, int | None) else 1)


if __name__ == "__main__":
    del sys.path[0]  # this folder; each program puts its own there
    load()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # in a terminal it is meant for the tests
    asked = Server(sys.argv[1]).serve()
    become(asked)
    if any("sweep" in word for word in asked["words"]):
        keep_spare()
    try:
        run(asked["words"])
    except SystemExit as stop:
        leave(stop.code)
    leave(0)
