"""RTLIL with each module once: modules whose texts are equal become one with several instances.

Amaranth writes each instance as a module of its own. Passes of Yosys that compare all modules with
each other then take a time that grows with the square of their number.
"""

from __future__ import annotations

from pathlib import Path

from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.shared.shared_modules import children_first, split_modules

ONCE = "once.il"
_MARK = "@"
"""Ends the name of a module here, so that `uniquify` finds the names of its copies free."""


def rtl_once(rtl: Rtl, folder: Path) -> Path:
    """The file `ONCE` in a folder, with each module of an RTL once; RTL that has no modules with
    equal texts stays where it is."""
    if rtl.rtlil.suffix != ".il":
        return rtl.rtlil
    text = rtl.rtlil.read_text()
    once = modules_once(text, rtl.top)
    if once is text:
        return rtl.rtlil
    (folder / ONCE).write_text(once)
    return folder / ONCE


def modules_once(rtlil: str, top: str) -> str:
    """A design with one module for all whose texts are equal, names of wires and cells included.

    The paths of instances and all names below them are those of the given design. Text without
    equal modules is returned as it is.

    Parameters
    ----------
    rtlil : a hierarchical design
    top : name of its top module, without a backslash
    """
    texts = dict(split_modules(rtlil))
    boxes = frozenset(
        name
        for name, lines in texts.items()
        if any(line.startswith("attribute \\blackbox ") for line in lines)
    )
    first: dict[str, str] = {}
    name_of: dict[str, str] = {}
    parts = ["\n".join(texts[name]) for name in texts if name in boxes]
    for name in children_first(texts, boxes, f"\\{top}"):
        body = "\n".join(_renamed(line, name, name_of) for line in texts[name])
        if name == f"\\{top}":
            parts.append(body.replace("module \\\n", f"module {name}\n", 1))
        elif body in first:
            name_of[name] = first[body]
        else:
            name_of[name] = first[body] = name + _MARK
            parts.append(body.replace("module \\\n", f"module {name}{_MARK}\n", 1))
    if len(first) == len(name_of):
        return rtlil
    return "\n".join(["autoidx 1000000", *parts, ""])


def _renamed(line: str, module: str, name_of: dict[str, str]) -> str:
    """A line with instances of the new modules; the line that names the module without its name."""
    if line.startswith("  cell "):
        _, kind, cell = line.split()
        return f"  cell {name_of.get(kind, kind)} {cell}"
    return "module \\" if line == f"module {module}" else line
