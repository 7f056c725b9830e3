"""Results of one stage that differ in what the user's code read: which names to look at.

``<key>.reads`` beside the results of a stage lists, for one key of what is known beforehand, the
names of what its results read. The digests that these names have now lead to a result's own key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chipdse.store.files import write_whole
from chipdse.store.folder import hash_with_reads
from chipdse.store.place import Read

Names = tuple[tuple[str, str], ...]
"""Kinds and names of reads."""
_KEPT = 50
"""So many different sets of names are kept, the latest first."""


def known_reads(base: Path) -> list[Names]:
    """The names that results of a key read, the latest first; damaged lists hold none."""
    try:
        sets: list[list[list[str]]] = json.loads(_list_of(base).read_text(encoding="utf-8"))
        return [tuple((str(kind), str(name)) for kind, name in names) for names in sets]
    except (OSError, ValueError, TypeError):
        return []


def note_reads(base: Path, reads: Iterable[Read]) -> None:
    """Put the names of some reads first in the list of a key; for its one builder."""
    names = tuple((read.kind, read.name) for read in sorted(set(reads)))
    sets = [names, *(earlier for earlier in known_reads(base) if earlier != names)][:_KEPT]
    _list_of(base).parent.mkdir(parents=True, exist_ok=True)
    write_whole(_list_of(base), json.dumps(sets))


def variant(base: Path, inputs: Mapping[str, Any], reads: Iterable[Read]) -> Path:
    """The folder of the result that read this.

    Parameters
    ----------
    base : folder of the key of what is known beforehand, which is `inputs`
    """
    lines = [(read.kind, read.name, read.digest) for read in sorted(set(reads))]
    return base.with_name(hash_with_reads(dict(inputs), lines))


def _list_of(base: Path) -> Path:
    return base.with_name(f"{base.name}.reads")
