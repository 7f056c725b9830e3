"""Amaranth hardware older than signatures: its attributes are its ports."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chipdse.blocks.components import component_ports
from chipdse.design import find_block
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.simulate import simulate
from chipdse.store.store import Store
from tests.support.own_projects import run, write_project

OLDER = '''
from amaranth.hdl import DomainRenamer, Elaboratable, Module, Signal, signed, unsigned
from amaranth.hdl import Record
from amaranth.lib import data


class Older(Elaboratable):
    """Differences, scaled.

    Parameters
    ----------
    width : int
        bits of an operand
    """

    def __init__(self, width, part=False):
        self.width, self._hidden = width, Signal(3)
        self.a, self.b = Signal(signed(width)), Signal(signed(width))
        self.twice = self.a  # a second name of the same
        self.bus = Record([("valid", 1), ("word", width)])
        self.pair = Signal(data.StructLayout({"low": 2, "high": 2}))
        self.y = Signal(signed(width + 1))
        self.inner = Older(width) if part else None

    def elaborate(self, platform):
        m = Module()
        if self.inner is not None:
            m.submodules.inner = self.inner
            m.d.comb += self.inner.a.eq(self.a)
        m.d.sync += [self.y.eq(self.a - self.b + self._hidden), self.bus.valid.eq(self.pair.low[0])]
        m.d.comb += self.bus.word.eq(self.b)
        return m


def elsewhere(width=4):
    return DomainRenamer("usb")(Older(width))


def renamed(width=4):
    return DomainRenamer({"usb": "sync"})(Older(width))


class Closed(Elaboratable):
    def elaborate(self, platform):
        return Module()


def broken(width=4):
    older = Older(width)
    raise LookupError(f"no {older.width}")


class Plain:
    pass
'''


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    path = list(sys.path)
    yield write_project(tmp_path / "project", **{"older/__init__.py": OLDER})
    sys.path[:] = path
    sys.modules.pop("older", None)


@pytest.mark.slow
def test_attributes_are_ports_and_go_where_they_are_driven(project: Path) -> None:
    block = find_block("older:Older", project)
    ports = component_ports(lambda: block.hardware(block.parameters(width=4, part=True)))
    assert {(one.name, one.direction, one.bits) for one in ports} == {
        *(("a", "in", 4), ("b", "in", 4), ("pair", "in", 4)),
        *(("y", "out", 5), ("bus__valid", "out", 1), ("bus__word", "out", 4)),
    }
    work = block.work(block.parameters(width=4), block.workload(length=10))
    assert (work.input_bits, work.output_bits) == (120, 100)


@pytest.mark.slow
def test_what_has_nothing_to_connect_is_refused(project: Path, tmp_path: Path) -> None:
    block = find_block("older:Closed", project)
    with pytest.raises(DesignError, match="Closed has no signature and no signal as attribute"):
        elaborate(block, block.parameters(), Store(root=tmp_path / "store"))
    gc.collect()  # what was refused goes here, where Amaranth's warning is silenced


@pytest.mark.tools
@pytest.mark.parametrize("name", ["Older", "renamed", "elsewhere"])
def test_an_elaboratable_is_simulated_by_its_attributes(
    project: Path, tmp_path: Path, name: str
) -> None:
    block = find_block(f"older:{name}", project)
    assert block.work(block.parameters(width=4), block.workload(length=10)).input_bits == 120
    parameters, store = block.parameters(width=4), Store(root=tmp_path / "store")
    rtl = elaborate(block, parameters, store)
    run = simulate(block, parameters, block.workload(length=20), rtl, store, simulator="icarus")
    assert run.cycles == 20


@pytest.mark.slow
def test_a_refusal_is_not_followed_by_amaranths_warnings(project: Path, tmp_path: Path) -> None:
    found = run(project, "sim", "older:broken", cache=tmp_path / "store")
    assert found.returncode == 2 and "Unused" not in found.stderr, found.stderr
    assert found.stderr.endswith("refuses its parameters: no 4\n")


def test_a_class_without_hardware_is_told_apart(project: Path) -> None:
    with pytest.raises(DesignError, match="is a class of no hardware; name a Block record"):
        find_block("older:Plain", project)
    with pytest.raises(DesignError, match="has no 'Nothing'; it has Older"):
        find_block("older:Nothing", project)
