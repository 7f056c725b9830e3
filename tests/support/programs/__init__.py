"""Programs as users start them, in processes of their own that need not import chipdse again.

`run` and `start` are for `subprocess.run` and `subprocess.Popen`; `shim` is a program for a shell.
The process is forked from a server (`server.py`), one for each process of the test run, which has
everything imported. It is a real program in all else: its arguments, folder, environment, standard
files, signals and exit status are its own, and `pid` is its process.

A new interpreter runs where it could matter: with variables that are read while Python or a library
starts (`READ_AT_START`) other than the tests' own, and where tests start `INSTALLED` themselves.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

INSTALLED = Path(sys.executable).with_name("chipdse")
"""The program `chipdse` of this environment."""
SERVER = str(Path(__file__).with_name("server.py"))
READ_AT_START = ("PYTHON", "OPENBLAS", "OMP_", "MKL_", "NPY_", "LD_", "LC_", "LANG", "TZ")
"""How variables begin that a running Python does not take over."""
SHIM = """#!{python} -SE
import json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({address!r})
    asked = {{"words": [{program!r}, *sys.argv[1:]], "folder": os.getcwd(),
             "environment": dict(os.environ)}}
    socket.send_fds(server, [json.dumps(asked).encode()], [0, 1, 2])
    server.recv(16)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda sent, _: server.send(str(int(sent)).encode()))
    status = int(server.recv(16) or 255)
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


class Program:
    """A program under way, with the part of `subprocess.Popen` that tests use.

    It leads a process group of its own. What it prints is kept in memory, so that nobody has to
    read it while it runs.
    """

    def __init__(
        self, address: str, words: list[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.args = words
        self.returncode: int | None = None
        self._files = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
        self._printed: list[str] = []
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(address)
        asked = {"words": words, "folder": str(folder), "environment": dict(environment)}
        socket.send_fds(self._server, [json.dumps(asked).encode()], self._files)
        self.pid = int(self._server.recv(16))

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(timeout=1e-6)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, when it has ended; `subprocess.TimeoutExpired` after `timeout` [s]."""
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                status = self._server.recv(16)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0) from None
            assert status, "the server of the programs has ended"
            self._server.close()
            self.returncode = int(status)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has printed on stdout and stderr, when it has ended."""
        self.wait(timeout)
        if not self._printed:
            for number in self._files:
                with os.fdopen(number) as file:
                    file.seek(0)
                    self._printed.append(file.read())
        return self._printed[1], self._printed[2]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def _environment() -> dict[str, str]:
    """The variables with which servers are started."""
    return dict(os.environ)


@cache
def address(python: Path = Path(sys.executable)) -> str:
    """Where the server of an environment listens; it is started at first use and ends with us."""
    folder = Path(tempfile.mkdtemp(prefix="chipdse-", dir="/tmp"))  # a socket's name is short
    path = str(folder / "programs")
    server = subprocess.Popen(
        [str(python), SERVER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=_environment(),
    )
    assert server.stdin is not None and server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    atexit.register(server.communicate)  # which closes its standard input
    return path


def needs_interpreter(environment: Mapping[str, str]) -> bool:
    """Whether a variable that is read at start differs from the server's; or this is not Linux."""
    differ = {name for name, _ in environment.items() ^ _environment().items()}
    return sys.platform != "linux" or any(name.startswith(READ_AT_START) for name in differ)


def start(
    *words: object, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Program | subprocess.Popen[str]:
    """Start a program as the leader of a process group.

    words : `INSTALLED` or another file of Python, or `-c` or `-m` and what Python takes there;
        then the program's arguments
    """
    texts, variables = [str(word) for word in words], environment or os.environ
    if needs_interpreter(variables):
        python = [] if texts[0] == str(INSTALLED) else [sys.executable]
        return subprocess.Popen(
            [*python, *texts],
            cwd=cwd,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    return Program(address(), texts, cwd or Path.cwd(), variables)


def run(
    *words: object,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """The same, to its end: what it printed, and its exit status."""
    program = start(*words, cwd=cwd, environment=environment)
    try:
        output, errors = program.communicate(timeout)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.communicate()
        raise
    assert program.returncode is not None
    return subprocess.CompletedProcess(
        [str(word) for word in words], program.returncode, output, errors
    )


def chipdse(
    *words: object,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    code: int = 0,
) -> subprocess.CompletedProcess[str]:
    """`chipdse WORDS` as a user types it, which ends with `code`."""
    done = run(INSTALLED, *words, cwd=cwd, environment=environment)
    assert done.returncode == code, done.stderr + done.stdout
    return done


def shim(folder: Path, program: Path = INSTALLED, python: Path = Path(sys.executable)) -> Path:
    """A file for a shell, in `folder` and with the name of `program`, that lets the server of an
    environment run that program; it passes on signals and the exit status."""
    file = folder / program.name
    file.write_text(SHIM.format(python=python, address=address(python), program=str(program)))
    file.chmod(0o755)
    return file
