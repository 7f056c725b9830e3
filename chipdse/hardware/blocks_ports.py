"""The ports of a block: of an Amaranth component, or of RTL."""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import UnusedElaboratable, Value
from amaranth.lib import wiring

_WIRE = re.compile(
    r"^  wire (?:width (\d+) )?(?:upto )?(?:offset \S+ )?(input|output) (\d+) +\\(\S+)$"
)


@dataclass(frozen=True, kw_only=True)
class BlockPort:
    """name : as in the RTL; direction : "in" or "out"; bits : its width"""

    name: str
    direction: str
    bits: int


def component_ports(make: Callable[[], Any]) -> list[BlockPort]:
    """Ports of the component that `make` returns, without the clock and reset of elaboration."""
    with warnings.catch_warnings():
        # Only looked at: Amaranth would warn that it, or a part of it, is never elaborated.
        warnings.simplefilter("ignore", UnusedElaboratable)
        ports = _signature_ports(make())
        gc.collect()
    return ports


def _signature_ports(component: Any) -> list[BlockPort]:
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
    ports: dict[int, BlockPort] = {}
    inside = False
    with rtlil.open() as file:
        for line in file:
            if line.startswith("module "):
                inside = line.split()[1] == f"\\{top}"
            elif inside and (found := _WIRE.match(line.rstrip())):
                width, direction, place, name = found.groups()
                ports[int(place)] = BlockPort(
                    name=name, direction=direction.removesuffix("put"), bits=int(width or 1)
                )
    return [port for _, port in sorted(ports.items())]
