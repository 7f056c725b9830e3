"""The ports of a block: of an Amaranth component, or of RTL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Value
from amaranth.lib import wiring

_WIRE = re.compile(
    r"^  wire (?:width (\d+) )?(?:upto )?(?:offset \S+ )?(input|output) \d+ +\\(\S+)$"
)


@dataclass(frozen=True, kw_only=True)
class BlockPort:
    """name : as in the RTL; direction : "in" or "out"; bits : its width"""

    name: str
    direction: str
    bits: int


def component_ports(component: Any) -> list[BlockPort]:
    """Ports of a component, without the clock and reset that elaboration adds."""
    # Only looked at: Amaranth would warn that it is never elaborated.
    component._MustUse__silence = True
    return [
        BlockPort(
            name="__".join(map(str, path)),
            direction="in" if member.flow == wiring.In else "out",
            bits=len(Value.cast(value)),
        )
        for path, member, value in component.signature.flatten(component)
    ]


def rtl_ports(rtlil: Path, top: str) -> list[BlockPort]:
    """Ports of a module, in the order of its declaration."""
    ports: list[BlockPort] = []
    inside = False
    with rtlil.open() as file:
        for line in file:
            if line.startswith("module "):
                inside = line.split()[1] == f"\\{top}"
            elif inside and (found := _WIRE.match(line.rstrip())):
                width, direction, name = found.groups()
                ports.append(
                    BlockPort(
                        name=name, direction=direction.removesuffix("put"), bits=int(width or 1)
                    )
                )
    return ports
