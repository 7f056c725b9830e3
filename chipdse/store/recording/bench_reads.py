"""Loaded by cocotb before a bench: notes what the bench reads, in the file that the environment
variable CHIPDSE_READS names.

The file has one line of JSON per read. Each line is written when the read happens, because a
simulator may end without ending Python.
"""

from __future__ import annotations

import json
import os

from chipdse.store.recording.digests import digest_of, environment_digest, link_digest, presence_of
from chipdse.store.recording.origins import is_standard
from chipdse.store.recording.recorder import start

_SEEN: set[tuple[str, str]] = set()


def _write(kind: str, name: str) -> None:
    if (kind, name) in _SEEN or kind == "directory":  # a bench runs in the stage's own folder
        return
    _SEEN.add((kind, name))
    digest = ""
    if kind in ("file", "folder", "updated", "presence", "link"):
        if is_standard(name) or name.startswith(_HERE + os.sep):
            return
        digest = {"presence": presence_of, "link": link_digest}.get(kind, digest_of)(name)
    elif kind == "environment":
        digest = environment_digest(name)
    _OUT.write(json.dumps([kind, name, digest]) + "\n")
    _OUT.flush()


_HERE = os.getcwd()  # noqa: PTH109
if "CHIPDSE_READS" in os.environ:
    _OUT = open(os.environ["CHIPDSE_READS"], "a", encoding="utf-8")  # noqa: PTH123, SIM115
    start(_write)
