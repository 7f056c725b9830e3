"""Run outside programs: in a folder, with a log, and an error that names both."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chipdse.errors import CrashedError, DesignError, KilledError, MachineError, ToolError
from chipdse.store.folder import check_room

# After a script the process ends without freeing the design, which takes a tenth of a run.
_YOSYS = """
import ctypes, os, sys
from pyosys import libyosys
design = libyosys.Design()
libyosys.run_pass("script " + sys.argv[1], design)
ctypes.CDLL(None).fflush(None)
os._exit(0)
"""


def run_tool(
    name: str,
    command: list[str],
    folder: Path,
    *,
    environment: dict[str, str] | None = None,
    timeout_s: float | None = None,
) -> Path:
    """Run `command` in `folder`; its whole output goes to ``folder/NAME.log``, which is returned.

    Its temporary files are in `folder` too, and are removed with it, so that a full disk elsewhere
    (``/tmp``) stops no design.

    Parameters
    ----------
    name : the program's name in messages; also the name of the log
    environment : variables on top of the ones inherited
    timeout_s : give up after this long [s]; None waits for ever

    Raises
    ------
    ToolError : exited with another code than 0, or too slow
    MachineError : missing, or there is no room for its files
    KilledError : ended by a signal, or by a lack of memory; it may succeed when tried again
    OSError : `folder` cannot be written
    """
    log = folder / f"{name}.log"
    scratch = tempfile.mkdtemp(prefix=".tmp.", dir=folder.absolute())
    try:
        # Icarus gives the paths of its temporary files to a shell, so an odd one gets a link.
        with log.open("wb") as out, plain_prefix(Path(scratch)) as link:
            temporary = dict.fromkeys(_TEMPORARY, link.rstrip("/") or scratch)
            done = subprocess.run(
                command,
                cwd=folder,
                env=os.environ | temporary | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
    except FileNotFoundError as error:
        raise MachineError(
            f"{command[0]!r} is not installed or not on PATH; see README, 'Start'"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name} took longer than {timeout_s:g} s and was stopped", log) from error
    except OSError as error:
        if error.filename == str(log):
            raise
        kind = KilledError if error.errno in (errno.ENOMEM, errno.EAGAIN) else MachineError
        raise kind(f"{name} cannot be started ({error.strerror})") from error
    else:
        if done.returncode != 0:
            check_room(folder)  # before its temporary files go
            raise _failure(name, done.returncode, log)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return log


_TEMPORARY = ("TMPDIR", "TMP", "TEMP")
"""What programs read to find the folder for temporary files; Icarus prefers TMP."""
_CRASHES = {
    *(signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS, signal.SIGTRAP),
}
"""Signals that a program's own fault raises; any other comes from outside."""
# A program that runs another reports the signal in words, with an exit code of its own: g++
# ("Killed signal terminated program cc1plus"), collect2, make, a shell, Yosys of ABC, Verilator.
# Whole lines count, from the name of the program on: a log also repeats lines of the user's sources
# and what the user's code prints, which may have such words in it.
_KILLED = re.compile(
    r"^[\w.+/-]+: (internal compiler|fatal) error: "
    r"(Killed\b|.*\bterminated with signal (9|15)\b)"
    r"|^collect2: error: ld returned (9|15|137|143) exit status"
    r"|^make(\[\d+\])?: \*\*\* \[.*\] (Killed|Terminated|Error (137|143))\b"
    r"|^(\S*sh: )?(line )?\d+:? +\d* *Killed\b|^Killed$"
    r"|^ERROR: ABC: execution of .* failed: return code (9|15|137|143)\b"
    r"|^%Error: .*\bstatus (9|15|137|143)\b",
    re.MULTILINE,
)
_MEMORY = re.compile(
    r"^(ERROR: |terminate called after .*'|\s*what\(\): *)std::bad_alloc\b"
    r"|^(.*: |.*\[Errno 12\] )[Cc]annot allocate memory$|^MemoryError\b"
    r"|^cannot allocate memory for thread-local data: ABORT$"
    r"|^([\w.+/-]+: )*(virtual memory exhausted|out of memory allocating\b|memory exhausted$)",
    re.MULTILINE,
)
_DISK = re.compile(
    r"^.*(: |\[Errno \d+\] )"
    r"(No space left on device|Disk quota exceeded|Read-only file system)(: '.*')?$",
    re.MULTILINE,
)


def _failure(name: str, code: int, log: Path) -> ToolError:
    """The error of a program that ended with this code, from its log where the code hides it."""
    text = log.read_text(errors="replace")
    number = -code if code < 0 else code - 128 if code in (128 + 9, 128 + 15) else 0
    if _MEMORY.search(text):
        return KilledError(f"{name} found no memory: {_reason(log)}", log)
    if number and number not in _CRASHES:
        return KilledError(f"{name} was ended by {_signal_name(number)}", log)
    if _KILLED.search(text):
        return KilledError(f"{name} had a part that was ended by a signal: {_reason(log)}", log)
    if _DISK.search(text):
        return MachineError(f"{name} cannot write its files: {_reason(log)}", log)
    if number:
        return CrashedError(f"{name} crashed ({_signal_name(number)}): {_reason(log)}", log)
    return ToolError(f"{name} exited with {code}: {_reason(log)}", log)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"


def version_text(command: list[str]) -> str:
    """The version text that a program prints.

    Raises
    ------
    MachineError : it does not run, or prints nothing
    """
    for _ in range(_VERSION_TRIES):
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        except OSError as error:
            raise MachineError(f"{command[0]} cannot be started ({error.strerror})") from error
        if done.stdout.strip():
            return done.stdout.strip()
    raise MachineError(
        f"'{' '.join(command)}' prints no version (exit code {done.returncode}); install it again, "
        "or give this machine more memory"
    )


_VERSION_TRIES = 3


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
    """What to put before the name of a file of `folder` for a program that takes no odd path.

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
    """Remove the links of `script_path`: a stored result contains no file from elsewhere."""
    for link in (*folder.glob("link_*"), *folder.glob("include_*")):
        if link.is_symlink():
            link.unlink()


def _ending(path: Path) -> str:
    return path.suffix if re.fullmatch(r"\.\w+", path.suffix, re.ASCII) else ""


def is_identifier(name: str) -> bool:
    """Whether a name is an ordinary one in Verilog, Yosys's scripts, Tcl after `get_ports`, C."""
    return _IDENTIFIER.fullmatch(name) is not None


def _reason(log: Path) -> str:
    """The line of a log that states what failed: the last one with ERROR, else the last one."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no output"])[-1]
