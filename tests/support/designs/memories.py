"""Designs with memories, for tests: one with a bench, one with every kind of memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from chipdse_hdl.block import Block, Work, check_parameters, parameter


@dataclass(frozen=True, kw_only=True)
class TableParameters:
    """The parameters of the hardware."""

    words: int = parameter(64, "words", minimum=2, maximum=4096)
    bits: int = parameter(16, "bits of a word", minimum=1, maximum=256)

    def __post_init__(self) -> None:
        check_parameters(self)


@dataclass(frozen=True, kw_only=True)
class TableWorkload:
    """Writes and reads at random places."""

    length: int = parameter(300, "cycles after the table is filled", minimum=1, maximum=10**5)
    writes: float = parameter(0.25, "fraction of cycles that write", minimum=0.0, maximum=1.0)
    reads: float = parameter(0.5, "fraction of cycles that read", minimum=0.0, maximum=1.0)
    filled: bool = parameter(True, "every word is written before it is read")
    clash: bool = parameter(False, "also read the word that is being written")

    def __post_init__(self) -> None:
        check_parameters(self)


def accesses(p: TableParameters, load: TableWorkload) -> dict[str, list[int]]:
    """What happens in each cycle: we, wa, wd, re, ra."""
    random = np.random.default_rng(1)
    fill = p.words if load.filled else 0
    count = fill + load.length
    we, re = random.random(count) < load.writes, random.random(count) < load.reads
    wa, ra = random.integers(0, p.words, (2, count))
    we[:fill], wa[:fill], re[:fill] = True, np.arange(fill), False
    same = wa == ra
    re &= ~(same & we) if not load.clash else True
    if load.clash:
        ra = np.where(re & we & (np.arange(count) % 3 == 0), wa, ra)
    data = [int.from_bytes(random.bytes(32), "little") % 2**p.bits for _ in range(count)]
    lists = {"we": we, "wa": wa, "re": re, "ra": ra}
    return {name: values.astype(int).tolist() for name, values in lists.items()} | {"wd": data}


def table_reference(p: TableParameters, given: dict[str, list[int]]) -> list[int]:
    """What the read port holds after each cycle: Amaranth's memory, old data where both meet."""
    cells, held, found = [0] * p.words, 0, []
    for we, wa, wd, re, ra in zip(*(given[k] for k in ("we", "wa", "wd", "re", "ra")), strict=True):
        held = cells[ra] if re else held
        if we:
            cells[wa] = wd
        found.append(held)
    return found


class Table(wiring.Component):
    """A memory with one write and one read port, behind registers."""

    def __init__(self, p: TableParameters) -> None:
        self.parameters = p
        address = max((p.words - 1).bit_length(), 1)
        ports = {"we": 1, "wa": address, "wd": p.bits, "re": 1, "ra": address}
        super().__init__({name: In(bits) for name, bits in ports.items()} | {"rd": Out(p.bits)})

    def elaborate(self, platform: object) -> Module:
        m, p = Module(), self.parameters
        m.submodules.mem = mem = Memory(shape=p.bits, depth=p.words, init=[])
        write, read = mem.write_port(), mem.read_port()
        pins = [(write.en, self.we), (write.addr, self.wa), (write.data, self.wd)]
        pins += [(read.en, self.re), (read.addr, self.ra)]
        for number, (pin, port) in enumerate(pins):
            held = Signal.like(port, name=f"held_{number}")
            m.d.sync += held.eq(port)
            m.d.comb += pin.eq(held)
        m.d.sync += self.rd.eq(read.data)
        return m


class Twins(wiring.Component):
    """Two equal tables, and what both of them read."""

    def __init__(self, p: TableParameters) -> None:
        self.tables = {name: Table(p) for name in ("left", "right")}
        super().__init__(self.tables["left"].signature)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, table in self.tables.items():
            m.submodules[name] = table
            for port in ("we", "wa", "wd", "re", "ra"):
                m.d.comb += getattr(table, port).eq(getattr(self, port))
        m.d.comb += self.rd.eq(self.tables["left"].rd & self.tables["right"].rd)
        return m


TABLE = Block(
    name="table",
    summary="a memory behind registers",
    parameters=TableParameters,
    workload=TableWorkload,
    hardware=Table,
    bench="tests.support.designs.bench_table",
    work=lambda p, load: Work(count=load.length, unit="cycle", input_bits=0, output_bits=0),
    cycles=lambda p, load: load.length + p.words,
)


class Zoo(wiring.Component):
    """A memory of each kind, all as large, and what becomes of them in sky130."""

    def __init__(self) -> None:
        super().__init__({"a": In(8), "d": In(48), "e": In(12), "q": Out(48)})

    def elaborate(self, platform: object) -> Module:
        m = Module()

        def memory(name: str, *, depth: int = 256, init: list[int] | None = None) -> Memory:
            m.submodules[name] = one = Memory(shape=48, depth=depth, init=init or [])
            return one

        reads = []
        for name, init in (("plain", None), ("loaded", [0] * 7 + [3])):
            one = memory(name, init=init)
            write, read = one.write_port(), one.read_port()
            m.d.comb += [write.addr.eq(self.a), write.data.eq(self.d), write.en.eq(self.e[0])]
            m.d.comb += read.addr.eq(self.d[:8])
            reads.append(read)
        for name, depth in (("bytes", 256), ("fine", 256), ("deep", 1024)):
            one = memory(name, depth=depth)
            covers = {"bytes": 8, "fine": 4, "deep": 48}[name]
            write, read = one.write_port(granularity=covers), one.read_port()
            m.d.comb += [write.addr.eq(self.a), write.data.eq(self.d), read.addr.eq(self.d)]
            m.d.comb += write.en.eq(self.e)
            reads.append(read)
        one = memory("bypass")
        write = one.write_port()
        read = one.read_port(transparent_for=[write])
        m.d.comb += [write.addr.eq(self.a), write.data.eq(self.d), write.en.eq(self.e[1])]
        m.d.comb += read.addr.eq(self.d[4:12])
        reads.append(read)
        one = memory("at_once")
        write, read = one.write_port(), one.read_port(domain="comb")
        m.d.comb += [write.addr.eq(self.a), write.data.eq(self.d), write.en.eq(self.e[2])]
        m.d.comb += read.addr.eq(self.a)
        reads.append(read)
        one = memory("two_writers")
        for port in range(2):
            write = one.write_port()
            m.d.comb += [write.addr.eq(self.a + port), write.data.eq(self.d)]
            m.d.comb += write.en.eq(self.e[3 + port])
        read = one.read_port()
        m.d.comb += read.addr.eq(self.d[:8])
        reads.append(read)
        small = memory("small", depth=8)
        write, read = small.write_port(), small.read_port()
        m.d.comb += [write.addr.eq(self.a), write.data.eq(self.d), write.en.eq(self.e[0])]
        m.d.comb += read.addr.eq(self.a)
        reads.append(read)
        mixed = Signal(48)
        for read in reads:
            mixed = mixed ^ read.data
        m.d.sync += self.q.eq(mixed)
        return m
