"""Bytes and text of the user's input files, plain or gzip, within bounded memory."""

from __future__ import annotations

import gzip
import io
import re
import tomllib
import zlib
from pathlib import Path
from typing import Any

from chipdse.errors import DesignError

# gzip reduces text of tools to 1/30 of its size or more; only repeated filler becomes smaller.
FREE_BYTES = 64 << 20  # any packed file may unpack to this size
LARGEST_RATIO = 200  # above that size: unpacked bytes per packed byte
LARGEST_BYTES = 2 << 30
LARGEST_TOML_BYTES = 16_000_000
_STEP_BYTES = 1 << 20
_LONG_KEY = re.compile(
    r"""(?:^|[\[{,])[ \t]*+(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""",
    re.ASCII | re.MULTILINE,
)
"""A dotted key of more than 100 parts: Python's reader takes a time that grows with its square."""


def many(pattern: str) -> str:
    """A regular expression: any number of a pattern, without backtracking into it.

    As an atomic group, because Python before 3.11.5 matches a possessive repeat of a group
    wrongly (CPython issue 106052); a repeat of a single character or set is matched correctly.
    """
    return f"(?>(?:{pattern})*)"


def some(pattern: str) -> str:
    """Like `many`, but at least one."""
    return f"(?>(?:{pattern})+)"


def read_bytes(path: Path) -> bytes:
    """A file's bytes as they are on disk.

    Raises
    ------
    DesignError : the file cannot be read, and why not
    """
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a name that no file can have
        raise DesignError(_unreadable(path, error)) from None


def check_exist(*paths: Path) -> None:
    """Raise the DesignError of `read_bytes` for the first file that does not exist.

    No file is opened: a path may be a pipe, which can be read only once.
    """
    for path in paths:
        try:
            path.stat()
        except (OSError, ValueError) as error:
            raise DesignError(_unreadable(path, error)) from None


def _unreadable(path: Path, error: OSError | ValueError) -> str:
    return f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"


def unpack(data: bytes, path: Path) -> bytes:
    """The content of a file: `data` itself, or what it unpacks to if it is gzip.

    The output of gzip is limited, because a few kilobytes can unpack to all of the memory: at most
    `LARGEST_BYTES`, and above `FREE_BYTES` at most `LARGEST_RATIO` times the packed size.

    Parameters
    ----------
    path : the file's name, for messages

    Raises
    ------
    DesignError : a damaged gzip file, or one that unpacks to more than the limit
    """
    if data[:2] != b"\x1f\x8b":
        return data
    limit = min(LARGEST_BYTES, max(FREE_BYTES, LARGEST_RATIO * len(data)))
    content = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while part := stream.read(_STEP_BYTES):
                if content.tell() + len(part) > limit:
                    raise DesignError(
                        f"{path} unpacks to more than {limit >> 20} MiB from {len(data)} bytes; "
                        "if that is what you want, unpack it first and give the plain file"
                    )
                content.write(part)
    except (OSError, EOFError, zlib.error) as error:
        raise DesignError(f"{path} is a damaged gzip file: {error}") from None
    return content.getvalue()


def read_text(path: Path) -> str:
    """A file's text, plain or gzip: UTF-8, where bytes of another encoding become U+FFFD.

    Raises
    ------
    DesignError : the file cannot be read, is damaged, or unpacks to more than `unpack` allows
    """
    return as_text(unpack(read_bytes(path), path))


def as_text(content: bytes) -> str:
    """UTF-8 text without its byte order mark; bytes of another encoding become U+FFFD."""
    return content.decode("utf-8-sig", errors="replace")


def toml_text(path: Path) -> str:
    """Return the text of a TOML file, without a byte order mark.

    Raises
    ------
    OSError : the file cannot be read
    ValueError : it is larger than `LARGEST_TOML_BYTES`, or is not UTF-8
    """
    with path.open("rb") as file:
        content = file.read(LARGEST_TOML_BYTES + 1)
    if len(content) > LARGEST_TOML_BYTES:
        raise ValueError(f"larger than {LARGEST_TOML_BYTES // 1_000_000} MB")
    return content.decode("utf-8-sig").replace("\r\n", "\n")


def read_toml(path: Path, named: str | None = None) -> dict[str, Any]:
    """Return the values of a TOML file.

    Parameters
    ----------
    named : what messages call a file that cannot be read; None is its path

    Raises
    ------
    DesignError : the file cannot be read, or is not TOML
    """
    try:
        return parse_toml(toml_text(path))
    except OSError as error:
        name = str(path) if named is None else named
        raise DesignError(f"{name} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DesignError(f"{path} is not TOML: {error}") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Return the values of a TOML text.

    Raises
    ------
    ValueError : the text is not TOML, is nested too deeply, or has a number of thousands of digits
    """
    if _LONG_KEY.search(text):
        raise ValueError("nested too deeply, by a key of more than 100 parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
