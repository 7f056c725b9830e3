"""RTLIL with each module once: modules whose texts are equal become one with several instances.

Amaranth writes each instance as a module of its own. Passes of Yosys that compare all modules with
each other then take a time that grows with the square of their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from chipdse.hardware.elaborate import Rtl

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
    boxes = black_boxes(texts)
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


def split_modules(rtlil: str) -> Iterator[tuple[str, list[str]]]:
    """Name and lines of every module of RTLIL, attributes in front of it included."""
    lines: list[str] = []
    name = ""
    for line in rtlil.splitlines():
        if line.startswith("module "):
            name = line.split()[1]
        elif not name and not line.startswith("attribute "):
            continue
        if line:
            lines.append(line)
        if line == "end":
            yield name, lines
            lines, name = [], ""


def black_boxes(texts: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Names of the modules that RTLIL marks as black boxes.

    Parameters
    ----------
    texts : the lines of each module by name, as `split_modules` gives them
    """
    return frozenset(
        name
        for name, lines in texts.items()
        if any(line.startswith("attribute \\blackbox ") for line in lines)
    )


def children_first(
    texts: Mapping[str, Iterable[str]], boxes: frozenset[str], top: str
) -> Iterator[str]:
    """The modules below `top`, each after those that it instantiates."""
    done: set[str] = set()
    waiting = [(top, False)]
    while waiting:
        name, ready = waiting.pop()
        if ready:
            yield name
        elif name not in done:
            done.add(name)
            waiting.append((name, True))
            for line in texts[name]:
                if line.startswith("  cell "):
                    kind = line.split()[1]
                    if kind in texts and kind not in boxes:
                        waiting.append((kind, False))


def _renamed(line: str, module: str, name_of: dict[str, str]) -> str:
    """A line with instances of the new modules; the line that names the module without its name."""
    if line.startswith("  cell "):
        _, kind, cell = line.split()
        return f"  cell {name_of.get(kind, kind)} {cell}"
    return "module \\" if line == f"module {module}" else line
