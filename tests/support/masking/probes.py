"""What a probe on each net of a masked netlist can see, glitches included.

A net may take, for a moment, any value of the registers and ports in its fan-in: whoever probes it
sees all of them. So masking of first order holds only if no fan-in has both shares of a variable.
Shares are recognised by the names of registers and ports (`chipdse_hdl.shares`). That the shares of
different variables are independent of each other is not verified here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from chipdse_hdl.shares import RANDOM

from chipdse.design import Design
from chipdse.hardware.elaborate import elaborate
from chipdse.netlist.activity.recording import RegisterBit, read_register_map
from chipdse.netlist.library.cells import FlipFlop
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.reader import read_verilog
from chipdse.stages.build import synthesise_rtl
from chipdse.stages.load import cells_of
from chipdse.store.store import Store

Bit = tuple[str, int]  # a signal and one of its bits
_SHARE = re.compile(r"(.*)_share_([01])(.*)")


@dataclass(frozen=True, kw_only=True)
class Probes:
    """The verdict over a netlist.

    nets : how many were probed
    joined : of each net whose fan-in has both shares of a variable, one such variable
    mixed : of each register and output bit whose fan-in has variables in share 0 and others in
        share 1, the random bits of its fan-in
    """

    nets: int
    joined: Mapping[str, Bit]
    mixed: Mapping[Bit, frozenset[int]]

    def unblinded(self) -> set[Bit]:
        """What mixes shares without a random bit, or with one that another variable uses too."""
        users: dict[int, set[Bit]] = {}
        for (name, bit), random in self.mixed.items():
            for source in random:
                users.setdefault(source, set()).add((_variable(name), bit))
        return {
            reader
            for reader, random in self.mixed.items()
            if not any(len(users[source]) == 1 for source in random)
        }


def masked_netlist(design: Design, store: Store) -> tuple[Netlist, dict[str, RegisterBit]]:
    """A design's mapped netlist and the register bit of each of its flip-flops."""
    rtl = elaborate(design.block, design.parameters, store)
    mapped = synthesise_rtl(design, rtl, store)
    netlist = read_verilog(Path(mapped.netlist), cells_of(design.library, rtl.macros), mapped.top)
    return netlist, read_register_map(mapped.register_map)


def probe(netlist: Netlist, registers: Mapping[str, RegisterBit]) -> Probes:
    """Probe every net that logic drives, and every data pin and output."""
    sources = _sources(netlist, registers)
    shares, random = _numbered(sources)
    low, high, blinding = _fan_ins(netlist, sources, shares, random)
    variables = {number: variable for variable, number in shares.items()}
    joined = {}
    for net, name in enumerate(netlist.net_names):
        both = low[net] & high[net]
        if both:
            joined[name] = variables[both.bit_length() - 1]
    mixed = {}
    for reader, nets in _readers(netlist, registers).items():
        one, other, bits = (
            int(np.bitwise_or.reduce(np.array([sets[n] for n in nets], dtype=object)))
            for sets in (low, high, blinding)
        )
        if one and other:
            mixed[reader] = frozenset(n for n in range(bits.bit_length()) if bits >> n & 1)
    return Probes(nets=netlist.net_count, joined=joined, mixed=mixed)


def _variable(name: str) -> str:
    return _SHARE.sub(r"\1\3", name)


def _sources(netlist: Netlist, registers: Mapping[str, RegisterBit]) -> dict[int, Bit]:
    """The register or input bit on each net where logic begins."""
    sources = {
        net: (port.name, bit)
        for port in netlist.ports
        if port.direction == "input"
        for bit, net in enumerate(port.nets)
    }
    for instance in _flip_flops(netlist):
        cell = netlist.cells[netlist.cell_types[instance]]
        stored = registers[netlist.cell_names[instance]]
        for position in cell.outputs:
            net = int(netlist.pin_net[netlist.pin_start[instance] + position])
            if net >= 0:
                sources[net] = (stored.signal, stored.bit)
    return sources


def _flip_flops(netlist: Netlist) -> list[int]:
    return [
        instance
        for instance, kind in enumerate(netlist.cell_types)
        if isinstance(netlist.cells[kind].sequential, FlipFlop)
    ]


def _numbered(sources: Mapping[int, Bit]) -> tuple[dict[Bit, int], dict[Bit, int]]:
    """A number for each variable that has shares, and one for each random bit."""
    shared = {(_variable(name), bit) for name, bit in sources.values() if _SHARE.match(name)}
    random = {source for source in sources.values() if source[0] == RANDOM}
    return (
        {variable: number for number, variable in enumerate(sorted(shared))},
        {source: source[1] for source in random},
    )


def _fan_ins(
    netlist: Netlist,
    sources: Mapping[int, Bit],
    shares: Mapping[Bit, int],
    random: Mapping[Bit, int],
) -> tuple[list[int], list[int], list[int]]:
    """Of every net the set of variables in share 0, of those in share 1, and of random bits."""
    low, high, blinding = ([0] * netlist.net_count for _ in range(3))
    for net, (name, bit) in sources.items():
        if match := _SHARE.match(name):
            side = high if match[2] == "1" else low
            side[net] = 1 << shares[_variable(name), bit]
        elif (name, bit) in random:
            blinding[net] = 1 << random[name, bit]
    settled = np.zeros(netlist.net_count, bool)
    settled[[0, 1, *sources]] = True
    waiting = [
        instance
        for instance, kind in enumerate(netlist.cell_types)
        if netlist.cells[kind].sequential is None
    ]
    while waiting:
        later = []
        for instance in waiting:
            cell = netlist.cells[netlist.cell_types[instance]]
            start = netlist.pin_start[instance]
            inputs = [int(netlist.pin_net[start + position]) for position in cell.inputs]
            if not all(net < 0 or settled[net] for net in inputs):
                later.append(instance)
                continue
            for position in cell.outputs:
                net = int(netlist.pin_net[start + position])
                settled[net] = True
                for sets in (low, high, blinding):
                    for source in inputs:
                        sets[net] |= sets[source] if source >= 0 else 0
        assert len(later) < len(waiting), "logic that begins nowhere"
        waiting = later
    return low, high, blinding


def _readers(netlist: Netlist, registers: Mapping[str, RegisterBit]) -> dict[Bit, list[int]]:
    """The nets at the inputs of each register bit, and of each output bit."""
    readers: dict[Bit, list[int]] = {}
    for instance in _flip_flops(netlist):
        cell = netlist.cells[netlist.cell_types[instance]]
        stored = registers[netlist.cell_names[instance]]
        start = netlist.pin_start[instance]
        readers[stored.signal, stored.bit] = [
            net for position in cell.inputs if (net := int(netlist.pin_net[start + position])) >= 0
        ]
    for port in netlist.ports:
        if port.direction == "output":
            readers |= {(port.name, bit): [net] for bit, net in enumerate(port.nets)}
    return readers
