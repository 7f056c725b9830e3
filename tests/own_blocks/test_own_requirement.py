"""The requirement that a new project states for chipdse: never a bare name."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chipdse.cli import requirement as requirement_module
from chipdse.cli.new import write_starter
from chipdse.cli.requirement import _of_record, requirement

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {
                "url": "https://me:secret@example.org/chipdse.git",
                "vcs_info": {"vcs": "git", "commit_id": COMMIT},
            },
            f"chipdse @ git+https://example.org/chipdse.git@{COMMIT}",
        ),
        (
            {
                "url": "ssh://git@example.org/chipdse.git",
                "vcs_info": {"vcs": "git", "commit_id": COMMIT},
            },
            f"chipdse @ git+ssh://git@example.org/chipdse.git@{COMMIT}",
        ),
        (
            {"url": "file:///home/me/chipdse", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
            "",
        ),
        (
            {"url": "https://example.org/chipdse-0.2.0.tar.gz", "archive_info": {}},
            "chipdse @ https://example.org/chipdse-0.2.0.tar.gz",
        ),
        ({"url": "file:///home/me/chipdse-0.2.0-py3-none-any.whl", "archive_info": {}}, ""),
        ({"url": "file:///no/such/folder", "dir_info": {"editable": True}}, ""),
    ],
)
def test_of_a_record_of_installation(record: dict[str, Any], expected: str) -> None:
    assert _of_record(record) == expected


def git(folder: Path, *words: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", "-C", folder, *settings, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://me:secret@example.org/chipdse.git", "https://example.org/chipdse.git"),
        ("git@example.org:group/chipdse.git", "ssh://git@example.org/group/chipdse.git"),
    ],
)
def test_of_a_checkout_only_a_commit_that_its_remote_has(
    tmp_path: Path, origin: str, url: str
) -> None:
    remote, checkout = tmp_path / "remote.git", tmp_path / "check out"
    remote.mkdir()
    git(remote, "init", "--bare", "--quiet")
    git(tmp_path, "clone", "--quiet", str(remote), str(checkout))
    record = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    git(checkout, "commit", "--allow-empty", "--quiet", "--message", "a")
    git(checkout, "push", "--quiet", "origin", "HEAD")
    assert _of_record(record) == ""  # the remote is a folder of this machine
    git(checkout, "remote", "set-url", "origin", origin)
    assert _of_record(record) == f"chipdse @ git+{url}@{git(checkout, 'rev-parse', 'HEAD')}"
    git(checkout, "commit", "--allow-empty", "--quiet", "--message", "b")
    assert _of_record(record) == ""


@pytest.mark.parametrize("text", ["", "chipdse @ git+https://example.org/chipdse.git@abc"])
def test_the_project_states_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(requirement_module, "requirement", lambda: text)
    write_starter("smoother", tmp_path / "smoother")
    project = tomllib.loads((tmp_path / "smoother" / "pyproject.toml").read_text())
    assert project["project"]["dependencies"] == ([text] if text else [])


def test_never_a_bare_name() -> None:
    assert requirement() != "chipdse"
