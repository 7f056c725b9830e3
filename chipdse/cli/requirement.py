"""What pip installs the running chipdse from, on another machine."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

_SSH = re.compile(r"(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?!/)(?P<path>.+)")
"""An address as `git clone git@host:path` takes it."""


def requirement() -> str:
    """A requirement for pyproject.toml; "" if only this machine has what it was installed from.

    By its record of installation (PEP 610): the index, an address, or a checkout whose commit is
    known to its remote repository. A bare name would install whatever an index has of that name.
    """
    distribution = importlib.metadata.distribution("chipdse")
    record = distribution.read_text("direct_url.json")
    if record is None:
        return f"chipdse>={distribution.version}"
    return _of_record(json.loads(record))


def _of_record(record: dict[str, Any]) -> str:
    """The requirement of a `direct_url.json`."""
    url = _without_user(record["url"])
    if "vcs_info" in record:
        vcs = record["vcs_info"]
        return _at(f"{vcs['vcs']}+{url}@{vcs['commit_id']}") if _is_remote(url) else ""
    if "dir_info" in record:
        return _of_checkout(Path(unquote(urlsplit(url).path)))
    return _at(url) if _is_remote(url) else ""


def _of_checkout(folder: Path) -> str:
    """The requirement of a folder's commit; "" if no remote repository is known to have it."""
    url, commit = _git(folder, "remote", "get-url", "origin"), _git(folder, "rev-parse", "HEAD")
    if match := _SSH.fullmatch(url):
        url = "ssh://{user}@{host}/{path}".format(**match.groupdict())
    url = _without_user(url)
    if not _is_remote(url) or not _git(folder, "branch", "--remotes", "--contains", commit):
        return ""
    return _at(f"git+{url}@{commit}")


def _git(folder: Path, *words: str) -> str:
    """What git prints; "" if there is no git, no repository, or no such thing."""
    try:
        done = subprocess.run(
            ["git", "-C", folder, *words], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _is_remote(url: str) -> bool:
    return urlsplit(url).scheme in ("https", "http", "ssh") and '"' not in url


def _without_user(url: str) -> str:
    """An address without user and password; of ssh the user stays, which is no secret there."""
    parts = urlsplit(url)
    if parts.scheme == "ssh":
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _at(url: str) -> str:
    return f"chipdse @ {url}"
