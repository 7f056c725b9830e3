"""The ports of RTL, and which of them are clock and reset."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_WIRE = re.compile(
    r"^  wire (?:width (\d+) )?(?:upto )?(?:offset \S+ )?(input|output) (\d+) +"
    r"(?:signed +)?\\(\S+)$"
)


@dataclass(frozen=True, kw_only=True)
class BlockPort:
    """name : as in the RTL; direction : "in" or "out"; bits : its width"""

    name: str
    direction: str
    bits: int


@dataclass(frozen=True, kw_only=True)
class Clocking:
    """Which ports of the RTL's top are its clock and its reset.

    clock : input port; None where it is not known
    reset : input port; None where it is not known or there is none
    reset_level : level at which the reset is active
    problem : why they are not known, as the end of a sentence that begins with the block's name;
        None if they are
    """

    clock: str | None = None
    reset: str | None = None
    reset_level: int = 1
    problem: str | None = None


def rtl_ports(file: Path, top: str) -> list[BlockPort]:
    """Ports of a module, in the order of its declaration."""
    with file.open() as lines:
        return ports_in(lines, top)


def ports_in(lines: Iterable[str], top: str) -> list[BlockPort]:
    """Ports of a module of RTLIL, as `rtl_ports`, from the lines of its text."""
    ports: dict[int, BlockPort] = {}
    inside = False
    for line in lines:
        if line.startswith("module "):
            inside = line.split()[1] == f"\\{top}"
        elif inside and (match := _WIRE.match(line.rstrip())):
            width, direction, place, name = match.groups()
            ports[int(place)] = BlockPort(
                name=name, direction=direction.removesuffix("put"), bits=int(width or 1)
            )
    return [port for _, port in sorted(ports.items())]
