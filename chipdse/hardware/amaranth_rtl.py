"""From an Amaranth component to RTLIL, with the ports that are its clock and its reset.

Both are found by the clock domain, never by their names: Amaranth names what a domain needs after
the component's own ports, so a component with a data port `rst` has its reset elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Fragment, Signal, Value, ValueCastable
from amaranth.hdl._ir import Design, PortDirection, build_netlist
from amaranth.hdl._nir import Netlist, Operator
from amaranth.lib import wiring

from chipdse.blocks.components import attribute_ports
from chipdse.blocks.ports import Clocking

ONLY_LOGIC = Clocking(
    problem="has no clock: it is only logic; put registers at its inputs and outputs, so that it "
    "has a clock period"
)


def convert_component(component: Any, top: str) -> tuple[str, Clocking]:
    """RTLIL of a component, and which of its ports are clock and reset.

    A domain that the component leaves to its surroundings gets ports for its clock and reset.
    They are called as Amaranth calls them (`clk` and `rst`, of other domains `usb_clk`) unless a
    port of the component has that name; then `sync_clk` and `sync_rst`. Ports of no bits are left
    out.

    Raises
    ------
    Exception : any error that the component raises during elaboration
    """
    ports = {name: port for name, port in _ports(component).items() if len(port[0])}
    taken, domains = set(ports), []

    def missing(name: str) -> ClockDomain:
        domain = ClockDomain(name)
        for signal, kind in ((domain.clk, "clk"), (domain.rst, "rst")):
            signal.name = _free_name(signal.name, f"{name}_{kind}", taken)
            taken.add(signal.name)
        domains.append(domain)
        return domain

    fragment = Fragment.get(component, None)
    design = fragment.prepare(ports=ports, hierarchy=(top,), missing_domain=missing)
    text, _ = rtlil.convert_fragment(design, name=top, emit_src=False)
    if len(domains) > 1:
        names = sorted(domain.name for domain in domains)
        problem = (
            f"has the clock domains {', '.join(names)}; a block has one clock: put its domains "
            f"together, e.g. with DomainRenamer({{{names[1]!r}: {names[0]!r}}}) in a function"
        )
        return text, Clocking(problem=problem)
    if domains:
        return text, Clocking(clock=domains[0].clk.name, reset=domains[0].rst.name)
    return text, _driven_by_ports(design)


def _ports(component: Any) -> dict[str, tuple[Value, PortDirection | None]]:
    """The ports of a component's signature, as Amaranth's own conversion has them."""
    attributes = attribute_ports(component)
    if attributes is not None:
        return dict(attributes)
    ports: dict[str, tuple[Value, PortDirection | None]] = {}
    for path, member, value in component.signature.flatten(component):
        held = value.as_value() if isinstance(value, ValueCastable) else value
        if isinstance(held, Value):
            is_input = member.flow == wiring.In
            direction = PortDirection.Input if is_input else PortDirection.Output
            ports["__".join(map(str, path))] = (held, direction)
    return ports


def _free_name(wanted: str, alternative: str, taken: set[str]) -> str:
    """A name for a port that no other port has."""
    if wanted not in taken:
        return wanted
    number, name = 1, alternative
    while name in taken:
        number += 1
        name = f"{alternative}_{number}"
    return name


def _driven_by_ports(design: Design) -> Clocking:
    """Clock and reset of a component that defines its domains itself, from ports of its own."""
    netlist = build_netlist(design, name="top")
    clocks: dict[str, ClockDomain] = {}
    resets: dict[tuple[str, int], ClockDomain] = {}
    domains = list(_used_domains(design, netlist))
    for domain in domains:
        clock, _ = _source(netlist, domain.clk)
        if clock is not None:
            clocks.setdefault(clock, domain)
        if domain.rst is not None and domain.rst in netlist.signals:
            reset, level = _source(netlist, domain.rst)
            if reset is not None:
                resets.setdefault((reset, level), domain)
            elif not _is_constant(netlist, domain.rst):
                return Clocking(
                    clock=next(iter(clocks), ""),
                    problem=f"makes the reset of its domain {domain.name!r} by logic, so which "
                    "input resets it is unknown; give it a bench, or connect the reset to a port",
                )
    if not domains:
        return ONLY_LOGIC
    if not clocks:
        return Clocking(
            problem=f"clocks its domain {domains[0].name!r} by nothing that is an input; connect "
            "the domain's clk to a one-bit port, or do not define the domain"
        )
    if len(clocks) > 1:
        return Clocking(problem=f"has the clocks {', '.join(sorted(clocks))}; a block has one")
    if len(resets) > 1:
        names = ", ".join(sorted(reset for reset, _ in resets))
        return Clocking(
            clock=next(iter(clocks)), problem=f"has the resets {names}; give it a bench, or one"
        )
    if not resets:
        return Clocking(clock=next(iter(clocks)))
    (reset, level) = next(iter(resets))
    return Clocking(clock=next(iter(clocks)), reset=reset, reset_level=level)


def _used_domains(design: Design, netlist: Netlist) -> Iterator[ClockDomain]:
    """Every domain whose clock reaches something, in the order of the hierarchy."""
    seen = set()
    for fragment in design.fragments:
        for domain in fragment.domains.values():
            if id(domain) not in seen and domain.clk in netlist.signals:
                seen.add(id(domain))
                yield domain


def _source(netlist: Netlist, signal: Signal) -> tuple[str | None, int]:
    """The one-bit input that a signal is or inverts, and at which level of it the signal is 1.

    None for a signal that is neither.
    """
    net, level = netlist.signals[signal][0], 1
    while net.is_cell and net.cell != 0:
        cell = netlist.cells[net.cell]
        if not isinstance(cell, Operator) or cell.operator not in ("~", "b"):
            return None, level
        level ^= cell.operator == "~"
        net = cell.inputs[0][net.bit]
    for name, (start, width) in netlist.cells[0].ports_i.items():
        if width == 1 and net.is_cell and net.bit == start:
            return name, int(level)
    return None, level


def _is_constant(netlist: Netlist, signal: Signal) -> bool:
    return bool(netlist.signals[signal][0].is_const)
