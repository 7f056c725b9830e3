"""VCD as Amaranth's simulator writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import enum
from amaranth.sim import Simulator

from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from tests.netlist.activity.test_vcd_dialects import netlist


class State(enum.Enum, shape=1):
    IDLE = 0
    RUN = 1


class Counter(Elaboratable):
    """An enumeration, which Amaranth dumps as a string too, and a signal of no bits."""

    def __init__(self) -> None:
        self.state = Signal(State)
        self.none = Signal(0)
        self.flag = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        with m.If(self.state == State.IDLE):
            m.d.sync += self.state.eq(State.RUN)
        with m.Else():
            m.d.sync += self.state.eq(State.IDLE)
        m.d.sync += self.flag.eq(~self.flag)
        m.d.comb += self.none.eq(self.flag)
        with m.FSM():
            with m.State("FIRST STEP"):
                m.next = "SECOND"
            with m.State("SECOND"):
                m.next = "FIRST STEP"
        return m


def test_amaranths_simulator(tmp_path: Path) -> None:
    dut = Counter()
    simulator = Simulator(dut)
    simulator.add_clock(10e-9)
    with simulator.write_vcd(str(tmp_path / "t.vcd")):
        simulator.run_until(100e-9)
    text = "module top (input flag, output y); INV g (.A(flag), .Y(y)); endmodule"
    header = (tmp_path / "t.vcd").read_text()
    assert "$var string" in header
    found = read_vcd_activity(tmp_path / "t.vcd", "bench.top", netlist(text), clock_period_s=10e-9)
    # flag changes at each rising edge; Amaranth's clock rises every 10 ns
    flag = netlist(text).net_names.index("flag")
    assert found.annotated[flag] and found.toggles[flag] == pytest.approx(10, abs=1)
