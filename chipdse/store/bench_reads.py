"""Loaded by cocotb ahead of a bench: notes what the bench reads in the file CHIPDSE_READS names.

A line of JSON a read, written when it happens: a simulator may end without telling Python.
"""

from __future__ import annotations

import json
import os

from chipdse.store import recorder
from chipdse.store.recorder import digest_of, environment_digest, link_digest, presence_of

_SEEN: set[tuple[str, str]] = set()


def _write(kind: str, name: str) -> None:
    if (kind, name) in _SEEN or kind == "directory":  # a bench runs in the stage's own folder
        return
    _SEEN.add((kind, name))
    digest = ""
    if kind in ("file", "folder", "updated", "presence", "link"):
        if recorder.is_standard(name) or name.startswith(_HERE + os.sep):
            return
        digest = {"presence": presence_of, "link": link_digest}.get(kind, digest_of)(name)
    elif kind == "environment":
        digest = environment_digest(name)
    _OUT.write(json.dumps([kind, name, digest]) + "\n")
    _OUT.flush()


_HERE = os.getcwd()  # noqa: PTH109
if "CHIPDSE_READS" in os.environ:
    _OUT = open(os.environ["CHIPDSE_READS"], "a", encoding="utf-8")  # noqa: PTH123, SIM115
    recorder.start(_write)
