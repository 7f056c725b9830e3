"""Run a Yosys script in this process, then write the list of files that Yosys read.

    python yosys_files.py SCRIPT PROCESSOR_TIME_S MEMORY_BYTES [LIST]

Yosys keeps the list for ``yosys -E``: sources, what they include, and the files of `$readmemh` and
`$readmemb`, however their names are put together. The wheel has no program `yosys` and its Python
module does not show the list, so it is read from the library's memory: a ``std::set<std::string>``
of GCC's library. Where there is no such symbol nothing is written, and the sources are searched
for names instead (`chipdse.blocks.verilog_files`).
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

OVER_MEMORY = "reading has reached the limit of memory"
_SYMBOL = "_ZN5Yosys17yosys_input_filesB5cxx11E"
# Offsets in a node of the tree: left, right, then the value: address and length of the text.
_ROOT, _LEFT, _RIGHT, _TEXT, _LENGTH = 16, 16, 24, 32, 40


def files_read(library: ctypes.CDLL) -> list[str] | None:
    """The paths that Yosys read, as it opened them; None where the library does not tell."""
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    try:
        start = ctypes.addressof(ctypes.c_char.in_dll(library, _SYMBOL))
    except ValueError:
        return None
    return list(_texts(_pointer(start + _ROOT)))


def _texts(node: int) -> Iterator[str]:
    if node:
        yield from _texts(_pointer(node + _LEFT))
        length = ctypes.c_size_t.from_address(node + _LENGTH).value
        text = ctypes.string_at(_pointer(node + _TEXT), length)
        yield text.decode(errors="surrogateescape")
        yield from _texts(_pointer(node + _RIGHT))


def _pointer(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0


def limit(kind: int, amount: int) -> None:
    """Limit a resource of this process, unless the limit that it inherited is lower."""
    soft, hard = resource.getrlimit(kind)
    if soft == resource.RLIM_INFINITY or soft > amount:
        resource.setrlimit(kind, (amount, hard))


def limits_memory(memory_bytes: int) -> bool:
    """Whether this limit of memory is lower than those that the process inherits."""
    soft = resource.getrlimit(resource.RLIMIT_DATA)[0]
    is_lower = soft == resource.RLIM_INFINITY or soft > memory_bytes
    return is_lower and resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


def main(script: str, time_s: str, memory_bytes: str, listed: str = "") -> None:
    """Run a script within limits; write the list as JSON if there is a name for it.

    The kernel ends the process by SIGXCPU after so much processor time.
    """
    from pyosys import libyosys

    limit(resource.RLIMIT_CPU, int(time_s))
    is_limited = limits_memory(int(memory_bytes))
    limit(resource.RLIMIT_DATA, int(memory_bytes))
    try:
        libyosys.run_pass(f"script {script}", libyosys.Design())
    except MemoryError:
        if not is_limited:
            raise
        sys.exit(f"ERROR: {OVER_MEMORY}")
    files = files_read(ctypes.CDLL(libyosys.__file__)) if listed else None
    if files is not None:
        Path(listed).write_text(json.dumps(sorted(files)))


if __name__ == "__main__":
    main(*sys.argv[1:])
