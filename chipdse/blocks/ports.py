"""The ports of a block: of an Amaranth component, or of RTL."""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Record, Signal, UnusedElaboratable, Value, ValueCastable
from amaranth.lib import wiring

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


def component_ports(make: Callable[[], Any]) -> list[BlockPort]:
    """Ports of the component that `make` returns, without the clock and reset of elaboration."""
    with warnings.catch_warnings():
        # Only looked at: Amaranth would warn that it, or a part of it, is never elaborated.
        warnings.simplefilter("ignore", UnusedElaboratable)
        ports = _ports(make())
        gc.collect()
    return ports


def attribute_ports(component: Any) -> dict[str, tuple[Value, None]] | None:
    """What stands for ports where there is no signature: attributes that are signals.

    Of an attribute that holds several, a record or an interface, each counts; names as Amaranth
    makes them, ``bus__valid``. Which way a port goes follows from who drives it. None if the
    component has a signature.

    Raises
    ------
    ValueError : there is nothing that could be a port
    """
    if isinstance(getattr(component, "signature", None), wiring.Signature):
        return None
    ports: dict[str, tuple[Value, None]] = {}
    seen: set[int] = set()
    while "_elaboratable_" in vars(component):  # a DomainRenamer's, around the thing itself
        component = component._elaboratable_
    for attribute, held in vars(component).items():
        for name, signal in [] if attribute.startswith("_") else _signals_of(attribute, held):
            if id(signal) not in seen:
                seen.add(id(signal))
                ports[name] = (signal, None)
    if not ports:
        raise ValueError(f"{type(component).__name__} has no signature and no signal as attribute")
    return ports


def _signals_of(name: str, held: Any) -> Iterator[tuple[str, Signal]]:
    if isinstance(held, Elaboratable):
        return  # a part, not a port
    if isinstance(getattr(held, "signature", None), wiring.Signature):
        for path, _, value in held.signature.flatten(held):
            yield from _signals_of("__".join(map(str, (name, *path))), value)
    elif isinstance(held, Record):
        for field in held.fields:
            yield from _signals_of(f"{name}__{field}", held.fields[field])
    elif isinstance(held, Value | ValueCastable) and isinstance(Value.cast(held), Signal):
        yield name, Value.cast(held)


def _ports(component: Any) -> list[BlockPort]:
    ports = attribute_ports(component)
    if ports is None:
        return _signature_ports(component)
    lines = rtlil.convert(component, ports=ports, emit_src=False).splitlines()
    return [port for port in _ports_of(lines, "top") if port.name in ports]


def _signature_ports(component: Any) -> list[BlockPort]:
    return [
        BlockPort(
            name="__".join(map(str, path)),
            direction="in" if member.flow == wiring.In else "out",
            bits=len(Value.cast(value)),
        )
        for path, member, value in component.signature.flatten(component)
    ]


def rtl_ports(file: Path, top: str) -> list[BlockPort]:
    """Ports of a module, in the order of its declaration."""
    with file.open() as lines:
        return _ports_of(lines, top)


def _ports_of(lines: Iterable[str], top: str) -> list[BlockPort]:
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
