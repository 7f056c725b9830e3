"""A forked program is what a started one is: arguments, folder, variables, files, signals, end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import programs, servers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems start an interpreter"),
]
TELL = """
import json, os, sys
print(json.dumps([sys.argv, os.getcwd(), dict(os.environ), sys.path[0], sys.stdin.read()]))
print("and so", file=sys.stderr)
sys.exit(3)
"""


def test_what_it_is_given_and_what_it_returns(tmp_path: Path) -> None:
    variables = {"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", "ONLY": "this"}
    variables |= {
        name: value for name, value in os.environ.items() if name.startswith(programs.READ_AT_START)
    }
    assert not programs.needs_interpreter(variables)
    done = programs.run("-c", TELL, "a b", "c", cwd=tmp_path, environment=variables)
    told = json.loads(done.stdout)
    assert told == [["-c", "a b", "c"], str(tmp_path), variables, "", ""]
    assert (done.returncode, done.stderr) == (3, "and so\n")
    (tmp_path / "tell.py").write_text(TELL)
    words, *_, first, _ = json.loads(programs.run(tmp_path / "tell.py", "a").stdout)
    assert (words, first) == ([str(tmp_path / "tell.py"), "a"], str(tmp_path))


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise SystemExit('no')", 1, "no\n"),
        ("raise SystemExit", 0, ""),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("raise KeyboardInterrupt", -signal.SIGINT, "KeyboardInterrupt\n"),
        ("import atexit, sys; atexit.register(print, 'end', file=sys.stderr)", 0, "end\n"),
        ("import sys, threading, time\n"
         "def late(): time.sleep(0.1); print('late', file=sys.stderr)\n"
         "threading.Thread(target=late).start()", 0, "late\n"),
    ],
)  # fmt: skip
def test_how_it_ends(code: str, status: int, said: str) -> None:
    done = programs.run("-c", code)
    assert done.returncode == status and done.stderr.endswith(said)


def test_chipdse_is_the_installed_program() -> None:
    assert programs.chipdse("--version").stdout == programs.run("-m", "chipdse", "--version").stdout
    assert "'nosuch' is not a verb" in programs.chipdse("nosuch", code=2).stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_reach_it(tmp_path: Path, number: signal.Signals) -> None:
    sleep = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    program = programs.start("-c", sleep, tmp_path / "on")
    assert program.poll() is None and os.getpgid(program.pid) == program.pid
    servers.wait_until((tmp_path / "on").exists, "its start", 60)
    program.send_signal(number)
    assert program.wait(60) == -number
    program.kill()  # it has ended


def test_time_is_limited() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        programs.run("-c", "import time; time.sleep(600)", timeout=0.1)


def test_variables_that_are_read_at_start_start_an_interpreter() -> None:
    done = programs.run("-c", "print(__debug__)", environment=os.environ | {"PYTHONOPTIMIZE": "1"})
    assert done.stdout == "False\n"


def test_from_a_shell(tmp_path: Path) -> None:
    shim = programs.shim(tmp_path)
    script = "chipdse --version | cat; chipdse nosuch 2> said; echo $?; cat said"
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    version, status, said = done.stdout.splitlines()
    assert version.startswith("chipdse ") and status == "2" and "'nosuch' is not a verb" in said
    assert shim.name == "chipdse"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_shim(tmp_path: Path, number: signal.Signals) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import os, time; print(os.getpid(), flush=True); time.sleep(600)\n")
    (tmp_path / "bin").mkdir()
    shim = programs.shim(tmp_path / "bin", sleeper)
    with subprocess.Popen([shim], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        pid = int(started.stdout.readline())
        started.send_signal(number)
        assert started.wait(60) == -number
    servers.wait_until(lambda: not Path(f"/proc/{pid}").exists(), "its end", 60)
