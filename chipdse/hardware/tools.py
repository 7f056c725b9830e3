"""Run outside programs: in a folder, with a log, and an error that names both."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from chipdse.errors import MachineError, ToolError

_YOSYS = (
    "import sys; from pyosys import libyosys as y; y.run_pass('script ' + sys.argv[1], y.Design())"
)


def run_tool(
    name: str,
    command: list[str],
    folder: Path,
    *,
    environment: dict[str, str] | None = None,
    timeout_s: float | None = None,
) -> Path:
    """Run `command` in `folder`; its whole output goes to ``folder/NAME.log``, which is returned.

    Parameters
    ----------
    name : what people call the program; also the name of the log
    environment : variables on top of the ones inherited
    timeout_s : give up after this long [s]; None waits for ever

    Raises
    ------
    ToolError : missing, exited with another code than 0, killed, or too slow
    """
    log = folder / f"{name}.log"
    try:
        with log.open("wb") as out:
            done = subprocess.run(
                command,
                cwd=folder,
                env=os.environ | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
    except FileNotFoundError as error:
        raise MachineError(
            f"{command[0]!r} is not installed or not on PATH; see README, 'Tools'"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name} took longer than {timeout_s:g} s and was stopped", log) from error
    if done.returncode != 0:
        raise ToolError(f"{name} exited with {done.returncode}: {_reason(log)}", log)
    return log


def run_yosys(script: str, folder: Path, name: str = "yosys") -> Path:
    """Run a Yosys script (kept as ``folder/NAME.ys``) and return its log.

    In a process of its own: a crash in synthesis must not take the sweep with it.
    """
    (folder / f"{name}.ys").write_text(script)
    return run_tool(name, [sys.executable, "-c", _YOSYS, f"{name}.ys"], folder)


def _reason(log: Path) -> str:
    """The line of a log that says what went wrong: the last with ERROR, else the last."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no output"])[-1]
