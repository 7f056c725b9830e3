"""The ports of an Amaranth component."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Record, Signal, UnusedElaboratable, Value, ValueCastable
from amaranth.lib import wiring

from chipdse.blocks.ports import BlockPort, ports_in


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
    return [port for port in ports_in(lines, "top") if port.name in ports]


def _signature_ports(component: Any) -> list[BlockPort]:
    return [
        BlockPort(
            name="__".join(map(str, path)),
            direction="in" if member.flow == wiring.In else "out",
            bits=len(Value.cast(value)),
        )
        for path, member, value in component.signature.flatten(component)
    ]
