"""Files that a workload names, as a processor's program: results depend on their content."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipdse_hdl.block import Record, is_file_name, named_files

from chipdse.errors import DesignError, MachineError
from chipdse.store.folder import hash_file


def file_digests(workload: Record) -> dict[str, str]:
    """SHA-256 of each file that a workload names, by field.

    Raises
    ------
    DesignError : there is no such file
    """
    digests = {}
    for name, path in named_files(workload).items():
        try:
            digests[name] = hash_file(path)
        except OSError as error:
            raise DesignError(f"{name} = {str(path)!r}: {error.strerror}; name a file") from error
    return digests


def workload_text(workload: Record) -> str:
    """A workload as JSON for a bench, which runs in another folder: paths are absolute."""
    named = {name: str(path.absolute()) for name, path in named_files(workload).items()}
    values = dataclasses.asdict(workload)
    metadata = {field.name: field.metadata for field in dataclasses.fields(workload)}
    paths = {name for name, value in values.items() if is_file_name(metadata[name], value)}
    return json.dumps({name: named[name] if name in paths else values[name] for name in values})


def identified_text(workload: Record, digests: Mapping[str, str]) -> str:
    """A workload as JSON for a key, with the content of files instead of their names."""
    return json.dumps(dataclasses.asdict(workload) | dict(digests))


def check_unchanged_files(workload: Record, digests: Mapping[str, str]) -> None:
    """Raise MachineError if a file was written after its digest was taken."""
    if file_digests(workload) != digests:
        names = ", ".join(str(path) for path in named_files(workload).values())
        raise MachineError(f"{names} changed while it was used; run again")


def located(kind: type[Record], values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Values of a record, with relative paths of files taken from a folder.

    Parameters
    ----------
    kind : the record's type
    """
    metadata = {field.name: field.metadata for field in dataclasses.fields(kind)}
    return {
        name: str(folder / value) if is_file_name(metadata.get(name, {}), value) else value
        for name, value in values.items()
    }
