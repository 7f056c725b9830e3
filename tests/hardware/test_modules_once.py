"""RTLIL with each module once: what is merged, and that registers keep their names."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from chipdse.hardware.amaranth_rtl import convert_component
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.recording import write_recorder
from chipdse.hardware.shared.modules_once import modules_once


class Lane(wiring.Component):
    """A sum that grows by a constant times its input; `inner` makes a level below it."""

    def __init__(self, factor: int, inner: bool = False) -> None:
        super().__init__({"a": In(8), "y": Out(16)})
        self.factor, self.inner = factor, inner

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.inner:
            m.submodules.below = below = Lane(self.factor)
            m.d.comb += [below.a.eq(self.a), self.y.eq(below.y)]
            return m
        total = Signal(16)
        m.d.sync += total.eq(total + self.a * self.factor)
        m.d.comb += self.y.eq(total)
        return m


class Lanes(wiring.Component):
    """Lanes with these factors, of which some are a level deeper."""

    def __init__(self, factors: tuple[int, ...]) -> None:
        super().__init__({"a": In(8), "y": Out(16)})
        self.factors = factors

    def elaborate(self, platform: object) -> Module:
        m = Module()
        value: Any = 0
        for number, factor in enumerate(self.factors):
            lane = Lane(factor, inner=number % 2 == 1)
            m.submodules[f"lane_{number}"] = lane
            m.d.comb += lane.a.eq(self.a)
            value ^= lane.y
        m.d.comb += self.y.eq(value)
        return m


def modules(rtlil: str) -> list[str]:
    return re.findall(r"^module (\S+)$", rtlil, re.MULTILINE)


def test_equal_modules_become_one_and_a_constant_keeps_them_apart() -> None:
    text, _ = convert_component(Lanes((3, 3, 3, 3, 5)), "top")
    assert len(modules(text)) == 1 + 5 + 2
    once = modules_once(text, "top")
    # The top, two kinds of lane and what is below two of them, which is also a lane of its own.
    assert len(modules(once)) == 1 + 3 and "\\top" in modules(once)
    cells = re.findall(r"^  cell (\\\S+) (\S+)$", once, re.MULTILINE)
    kind_of = {name: kind for kind, name in cells}
    assert kind_of["\\lane_0"] == kind_of["\\lane_2"] == kind_of["\\below"]
    assert kind_of["\\lane_1"] == kind_of["\\lane_3"] != kind_of["\\lane_0"]
    assert kind_of["\\lane_4"] not in (kind_of["\\lane_0"], kind_of["\\lane_1"])


def test_a_design_without_equal_modules_stays_as_it_is() -> None:
    text, _ = convert_component(Lanes((3,)), "top")
    assert modules_once(text, "top") is text


@pytest.mark.tools
def test_a_recording_has_the_names_and_the_order_of_the_given_design(tmp_path: Path) -> None:
    text, _ = convert_component(Lanes((3, 3, 3, 3, 5)), "top")
    source = tmp_path / "rtl.il"
    source.write_text(text)
    rtl = Rtl(rtlil=source, verilog=source, top="top", content="")
    once = write_recorder(rtl, tmp_path / "once")
    assert (tmp_path / "once" / "rtl.v").read_text().count("endmodule") == 4
    # With a wire of its own, no module is equal to another one.
    for number, name in enumerate(modules(text)[1:]):
        text = text.replace(f"module {name}\n", f"module {name}\n  wire \\only_{number}\n")
    source.write_text(text)
    each = write_recorder(dataclasses.replace(rtl, rtlil=source), tmp_path / "each")
    assert (tmp_path / "each" / "rtl.v").read_text().count("endmodule") == 8
    assert once.layout.read_text() == each.layout.read_text()
    assert "lane_3.below.total" in once.layout.read_text()
