"""Clock and reset of an Amaranth block are those of its domain, whatever its ports are called."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from amaranth.back import rtlil
from chipdse_hdl import BLOCKS

from chipdse.api.point import evaluate_point
from chipdse.design import Design, LibraryChoice, PhysicalOptions, find_block
from chipdse.errors import DesignError
from chipdse.evaluate import evaluate
from chipdse.export.bundle import export_point
from chipdse.hardware.elaborate import Rtl, elaborate
from chipdse.hardware.simulate import simulate
from chipdse.netlist.activity.recording import read_recording
from chipdse.store.store import Store
from tests.support.own_projects import write_project

SOURCE = '''
from amaranth.hdl import (
    ClockDomain, ClockSignal, DomainRenamer, Elaboratable, Module, ResetSignal, Signal
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Held(wiring.Component):
    """A counter that only the domain's reset clears, and an input that is only registered."""

    def __init__(self, name: str = "go", other: str = "also", domain: str = "sync"):
        self.names, self.domain = (name, other), domain
        super().__init__({name: In(1), other: In(1), "count": Out(8), "seen": Out(2)})

    def elaborate(self, platform):
        m = Module()
        m.d[self.domain] += self.count.eq(self.count + 1)
        for bit, name in enumerate(self.names):
            m.d[self.domain] += self.seen[bit].eq(getattr(self, name))
        return m


class Shows(wiring.Component):
    """Outputs called as the domain's clock and reset."""

    clk: Out(1)
    rst: Out(1)
    count: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.count.eq(self.count + 1)
        m.d.comb += [self.clk.eq(self.count[0]), self.rst.eq(self.count[1])]
        return m


class Own(wiring.Component):
    """Defines its domain from ports of its own."""

    def __init__(self, edge="pos", low: bool = False, late: bool = False, bare: bool = False):
        self.about = (edge, low, late, bare)
        super().__init__({"ck": In(1), "res": In(1), "rst": In(1), "count": Out(8), "seen": Out(1)})

    def elaborate(self, platform):
        edge, low, late, bare = self.about
        m = Module()
        m.domains.sync = ClockDomain(clk_edge=edge, async_reset=late, reset_less=bare)
        m.d.comb += ClockSignal().eq(self.ck)
        if not bare:
            m.d.comb += ResetSignal().eq(~self.res if low else self.res)
        m.d.sync += [self.count.eq(self.count + 1), self.seen.eq(self.rst)]
        return m


class Soft(Own):
    """Its reset is a word of the run as well."""

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.d.comb += [ClockSignal().eq(self.ck), ResetSignal().eq(self.res & self.rst)]
        m.d.sync += self.count.eq(self.count + 1)
        return m


class Still(wiring.Component):
    """Its clock is driven by nothing."""

    count: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.d.sync += self.count.eq(self.count + 1)
        return m


class Two(wiring.Component):
    a: In(1)
    y: Out(1)
    z: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(self.a)
        m.d.usb += self.z.eq(self.a)
        return m


class Attributes(Elaboratable):
    def __init__(self):
        self.rst, self.clk, self.count = Signal(), Signal(2), Signal(8)
        setattr(self, "rst$4", Signal())

    def elaborate(self, platform):
        m = Module()
        seen = Signal(4)
        m.d.sync += [self.count.eq(self.count + 1 + seen[:0])]
        m.d.sync += seen.eq(self.rst + self.clk + getattr(self, "rst$4"))
        m.d.sync += self.clk.eq(seen)
        return m
'''


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    path = list(sys.path)
    yield write_project(tmp_path / "project", **{"clocked.py": SOURCE})
    sys.path[:] = path
    sys.modules.pop("clocked", None)


def rtl_of(project: Path, name: str, /, **given: object) -> Rtl:
    block = find_block(f"clocked:{name}", project)
    return elaborate(block, block.parameters(**given), Store(root=project / "store"))


def counts(project: Path, name: str, /, **given: object) -> tuple[list[int], list[int]]:
    """What the counter and the reset were before each clock edge of a random run."""
    block = find_block(f"clocked:{name}", project)
    parameters, store = block.parameters(**given), Store(root=project / "store")
    rtl = elaborate(block, parameters, store)
    run = simulate(block, parameters, block.workload(length=30), rtl, store, simulator="icarus")
    recording = read_recording(run.layout, run.data)
    step = 2 if recording.both_edges else 1
    reset = recording.values(rtl.reset) if rtl.reset else []
    assert run.cycles == 30
    return recording.values("count")[::step], reset[::step]


@pytest.mark.few_cases(4)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("name", "given", "clock", "reset"),
    [
        ("Held", {}, "clk", "rst"),
        ("Held", {"name": "rst"}, "clk", "sync_rst"),
        ("Held", {"name": "clk", "other": "rst"}, "sync_clk", "sync_rst"),
        ("Held", {"name": "clk", "other": "sync_clk"}, "sync_clk_2", "rst"),
        ("Held", {"domain": "usb"}, "usb_clk", "usb_rst"),
        ("Held", {"domain": "usb", "name": "usb_rst", "other": "rst"}, "usb_clk", "usb_rst_2"),
        ("Shows", {}, "sync_clk", "sync_rst"),
        ("Attributes", {}, "sync_clk", "sync_rst"),
    ],
)
def test_the_domain_resets_and_clocks_whatever_ports_are_called(
    project: Path, name: str, given: dict[str, str], clock: str, reset: str
) -> None:
    rtl = rtl_of(project, name, **given)
    assert (rtl.clock, rtl.reset, rtl.reset_level) == (clock, reset, 1)
    counted, reset_was = counts(project, name, **given)
    held = reset_was.index(0)
    assert held in (3, 4) and set(reset_was[held:]) == {0}
    # After the reset it counts: 0 before the first edge, 1 before the next.
    assert counted == [0] * held + list(range(len(counted) - held))


@pytest.mark.few_cases(3)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("given", "reset", "level"),
    [
        ({}, "res", 1),
        ({"low": True}, "res", 0),
        ({"edge": "neg"}, "res", 1),
        ({"late": True}, "res", 1),
        ({"late": True, "low": True}, "res", 0),
        ({"bare": True}, None, 1),
    ],
)
def test_a_domain_of_its_own_is_followed_to_the_ports(
    project: Path, given: dict[str, object], reset: str | None, level: int
) -> None:
    rtl = rtl_of(project, "Own", **given)
    assert (rtl.clock, rtl.reset, rtl.reset_level) == ("ck", reset, level)
    counted, reset_was = counts(project, "Own", **given)
    held = sum(value == level for value in reset_was)
    assert held in ((3, 4) if reset else (0,))
    late = counted[held + 2 :]
    assert all(after == before + 1 for before, after in zip(late, late[1:], strict=False))


@pytest.mark.tools
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Two", r"has the clock domains sync, usb; .*DomainRenamer\({'usb': 'sync'}\)"),
        ("Still", "clocks its domain 'sync' by nothing that is an input"),
        ("Soft", "makes the reset of its domain 'sync' by logic"),
    ],
)
def test_what_has_not_one_clock_is_refused_in_one_line(
    project: Path, name: str, message: str
) -> None:
    with pytest.raises(DesignError, match=message) as refused:
        counts(project, name)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_the_library_is_converted_as_amaranth_does_it(tmp_path: Path) -> None:
    block = BLOCKS["fir"]
    rtl = elaborate(block, block.parameters(), Store(root=tmp_path))
    text = rtlil.convert(block.hardware(block.parameters()), name="top", emit_src=False)
    assert rtl.rtlil.read_text() == text.replace("\\$", "\\unnamed_").replace(" signed \\", " \\")
    assert (rtl.clock, rtl.reset) == ("clk", "rst")


@pytest.mark.tools
def test_power_does_not_depend_on_the_name_of_a_port(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    plain = {"wires": "none", "clock_tree": False, "glitches": False}
    power = {}
    for name in ("go", "rst", "clk"):
        metrics = evaluate_point(
            "clocked:Held", {"name": name}, physical=plain, store=project / "store"
        )
        power[name] = metrics.block.block_power_w
    # The inputs' random words are dealt in the order of their names, hence the tolerance.
    assert power["rst"] == pytest.approx(power["go"], rel=0.01)
    assert power["clk"] == pytest.approx(power["go"], rel=0.01)


@pytest.mark.tools
def test_an_export_names_the_ports_of_the_domain(project: Path, tmp_path: Path) -> None:
    block, store = find_block("clocked:Held", project), Store(root=tmp_path / "store")
    design = Design(
        block=block,
        parameters=block.parameters(name="rst", other="clk"),
        workload=block.workload(length=40),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(wires="none", clock_tree=False, glitches=False),
    )
    metrics = evaluate(design, store)
    evidence = metrics.system.evidence
    export_point(design, metrics.flat(), store, project / "out", system_evidence=evidence)
    assert "[get_ports sync_clk]" in (project / "out" / "constraints.sdc").read_text()
    for words in ([], ["--cocotb"]):
        checked = subprocess.run(
            [sys.executable, "check.py", *words],
            cwd=project / "out",
            capture_output=True,
            text=True,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
