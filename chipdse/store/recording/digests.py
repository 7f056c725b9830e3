"""What a read is compared by: digests of files, folders, links and environment variables.

Computed while the code runs, and again before its result is reused.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from chipdse.secret_names import may_hold_secret

COMPILED = "__pycache__"  # which running the code makes


PLACES = ("TMPDIR", "TMP", "TEMP")
"""Variables that say where temporary files go: each stage has its own place for them."""


EVERY = "*"
"""Stands for the names of all environment variables, where code goes through them."""


_SESSION = ("_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "WINDOWID", "DISPLAY", "TMUX", "STY")


_SESSIONS = ("SSH_", "XDG_", "DBUS_", "TERM", "TMUX_", "VSCODE_", "SLURM_", "CHIPDSE_", "PYTEST_")


REPLACED: dict[str, str | None] = {}
"""What variables were, None if not set, before the user's code changed them."""


def digest_of(path: str | Path) -> str:
    """SHA-256 of a file, of the names in a folder, or "" where there is neither."""
    try:
        if os.path.isdir(path):  # noqa: PTH112
            names = "\0".join(sorted({*os.listdir(path)} - {COMPILED}))  # noqa: PTH208
            return hashlib.sha256(names.encode(errors="surrogateescape")).hexdigest()
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def digest_of_text(text: str) -> str:
    """SHA-256 of a text. The text itself is kept nowhere."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


@functools.cache
def _digest_of_variable(name: str, text: str) -> str:
    """As `digest_of_text`; for a secret a digest that is slow to compute, so that a stored one does
    not help to guess a weak password."""
    if not may_hold_secret(name, text):
        return digest_of_text(text)
    value = text.encode(errors="surrogateescape")
    return hashlib.pbkdf2_hmac("sha256", value, f"chipdse {name}".encode(), 200_000).hex()


def presence_of(path: str | Path) -> str:
    """What a path is: "file", "folder", or "" where there is nothing."""
    if os.path.isdir(path):  # noqa: PTH112
        return "folder"
    return "file" if os.path.exists(path) else ""  # noqa: PTH110


def link_digest(path: str | Path) -> str:
    """The digest of where a path leads: what it is itself, and the file that it ends at, seen from
    it, so that a project that was moved has the same."""
    is_link = os.path.islink(path)  # noqa: PTH114
    target = os.readlink(path) if is_link else presence_of(path)  # noqa: PTH115
    end = os.path.relpath(os.path.realpath(path), path)
    return digest_of_text(f"{is_link}\0{target}\0{end}")


def environment_digest(name: str) -> str:
    """The digest of a variable's value as this process was given it; "" where it was not set.

    What the user's code sets is no input of it. Of `EVERY` the names of all variables, without
    those that differ from one terminal to the next.
    """
    if name == EVERY:
        names = {variable for variable in os.environ if variable not in REPLACED}
        names |= {variable for variable, value in REPLACED.items() if value is not None}
        return digest_of_text("\0".join(sorted(n for n in names if not is_of_session(n))))
    value = REPLACED[name] if name in REPLACED else os.environ.get(name)
    return "" if value is None else _digest_of_variable(name, value)


def is_of_session(name: str) -> bool:
    """Whether a variable says where, when or in which terminal a program runs."""
    return name in _SESSION or name in PLACES or name.startswith(_SESSIONS)
