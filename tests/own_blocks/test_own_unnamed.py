"""Registers that got no name of their own are found, recorded and replayed like others."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.api.point import evaluate_point

pytestmark = pytest.mark.tools
SOURCE = """
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Delay(wiring.Component):
    def __init__(self, stages: int = 2):
        self.stages = stages
        super().__init__({"a": In(4), "y": Out(4)})

    def elaborate(self, platform):
        m = Module()
        line = [Signal(4) for _ in range(self.stages)]
        first, *rest = line
        m.d.sync += first.eq(self.a + 1)
        for before, after in zip(line, rest):
            m.d.sync += after.eq(before ^ self.a)
        m.d.comb += self.y.eq(line[-1])
        return m
"""


def test_unnamed_registers_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "delays_without_names.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    metrics = evaluate_point(
        "delays_without_names:Delay",
        {"stages": 3},
        physical={"wires": "none", "clock_tree": False, "glitches": False},
        store=tmp_path / "store",
    )
    assert metrics.block.block_flip_flop_count == 12
    assert metrics.block.annotated_frac == 1
