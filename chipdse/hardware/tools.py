"""Run outside programs: in a folder, with a log, and an error that names both."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chipdse.errors import DesignError, MachineError, ToolError

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


# What neither Yosys's scripts nor slang's command files take for more than itself in quotes.
_PLAIN_PATH = re.compile(r"/(?:[\w ./+@,=:;!#&'()~%-])*", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_][\w$]*", re.ASCII)


def script_path(path: Path, folder: Path) -> str:
    """A path in quotes, for a script that runs in `folder`.

    A path that cannot be quoted (with a quotation mark, a dollar sign, a letter outside ASCII) gets
    a link in the folder, of the same ending.

    Raises
    ------
    DesignError : it has a control character, which logs and messages cannot show
    """
    text = str(path.absolute())
    if not text.isprintable():
        raise DesignError(f"the path {text!r} has a control character; rename it")
    if _PLAIN_PATH.fullmatch(text) and ".../" not in text:
        return f'"{text}"'
    link = folder / f"link_{hashlib.sha256(text.encode()).hexdigest()[:16]}{_ending(path)}"
    if not link.is_symlink():
        link.symlink_to(path.absolute())
    return f'"{link.name}"'


@contextmanager
def plain_prefix(folder: Path) -> Iterator[str]:
    """What to put before the name of a file of `folder` for ABC, which takes no odd path.

    Nothing if the folder's path is plain, else the path of a temporary link to it.
    """
    if re.fullmatch(r"[\w./+@,=:-]+", str(folder), re.ASCII):
        yield ""
        return
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "folder"
        place.symlink_to(folder.absolute())
        yield f"{place}/"


def remove_links(folder: Path) -> None:
    """Take away what `script_path` made: a stored result has no file of elsewhere in it."""
    for link in (*folder.glob("link_*"), *folder.glob("include_*")):
        if link.is_symlink():
            link.unlink()


def _ending(path: Path) -> str:
    return path.suffix if re.fullmatch(r"\.\w+", path.suffix, re.ASCII) else ""


def is_identifier(name: str) -> bool:
    """Whether a name is an ordinary one in Verilog, Yosys's scripts, Tcl after `get_ports`, C."""
    return _IDENTIFIER.fullmatch(name) is not None


def _reason(log: Path) -> str:
    """The line of a log that says what went wrong: the last with ERROR, else the last."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no output"])[-1]
