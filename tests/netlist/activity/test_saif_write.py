"""SAIF files, read back by a parser of the grammar that knows nothing of the writer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError, ToolError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.activity.saif import escaped, write_saif
from chipdse.netlist.activity.waveform.activity import read_vcd_activity
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.verilog.reader import read_verilog

# IEEE 1801 annex: tokens are parentheses, quoted strings, and words with escaped characters.
TOKEN = re.compile(r'\s*(?:(\()|(\))|"([^"]*)"|((?:\\.|[^\s()"\\])+))')
HEADER = {
    *("SAIFVERSION", "DIRECTION", "DESIGN", "DATE", "VENDOR", "PROGRAM_NAME", "VERSION"),
    *("DIVIDER", "TIMESCALE", "DURATION", "INSTANCE"),
}


def parse(text: str) -> list[Any]:
    """One list from its parentheses; anything before, after or in between is an error."""
    stack: list[list[Any]] = [[]]
    position, end = 0, len(text.rstrip())
    while position < end:
        found = TOKEN.match(text, position)
        assert found, text[position : position + 20]
        position = found.end()
        if found[1]:
            stack.append([])
        elif found[2]:
            inner = stack.pop()
            stack[-1].append(inner)
        else:
            stack[-1].append(
                found[3] if found[3] is not None else re.sub(r"\\(.)", r"\1", found[4])
            )
    assert len(stack) == 1 and len(stack[0]) == 1
    return stack[0][0]


def read(path: Path) -> tuple[float, list[str], dict[str, dict[str, int]]]:
    """Duration [s], instance path, and the counts of each net, all rules checked."""
    file = parse(path.read_text())
    assert file[0] == "SAIFILE"
    fields = {entry[0]: entry[1:] for entry in file[1:]}
    assert fields.keys() <= HEADER
    assert fields["SAIFVERSION"] == ["2.0"] and fields["DIRECTION"] == ["backward"]
    assert fields["DIVIDER"] == ["/"]
    number, unit = fields["TIMESCALE"]
    assert number in ("1", "10", "100")
    step = int(number) * {"fs": 1e-15, "ps": 1e-12, "ns": 1e-9}[unit]
    duration = int(fields["DURATION"][0])
    instance, levels = ["INSTANCE", *fields["INSTANCE"]], []
    while True:
        levels.append(instance[1])
        (inner,) = instance[2:]
        if inner[0] == "NET":
            break
        assert inner[0] == "INSTANCE"
        instance = inner
    nets = {}
    for name, *counts in inner[1:]:
        values = {key: int(value) for key, value in counts}
        assert set(values) == {"T0", "T1", "TX", "TC", "IG"}
        assert values["T0"] + values["T1"] + values["TX"] == duration
        assert min(values.values()) >= 0 and name not in nets
        nets[name] = values
    return duration * step, levels, nets


@pytest.fixture(scope="module")
def netlist(shared: Path) -> Netlist:
    files = [shared / "pdk" / "ihp-sg13g2" / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"]
    folder = shared / "reference" / "timing-power" / "ihp-sg13g2"
    return read_verilog(folder / "mac8.v", load_library(files), "mac8")


@pytest.mark.slow
def test_a_trace_comes_back(netlist: Netlist, shared: Path, tmp_path: Path) -> None:
    trace = shared / "reference" / "timing-power" / "ihp-sg13g2" / "mac8.vcd.gz"
    activity = read_vcd_activity(trace, "tb.dut", netlist, clock_period_s=10e-9)
    write_saif(activity, netlist, tmp_path / "mac8.saif", "tb/dut")
    duration, levels, nets = read(tmp_path / "mac8.saif")
    assert duration == pytest.approx(10e-6) and levels == ["tb", "dut"]
    assert len(nets) == activity.annotated[2:].sum()
    for name, values in nets.items():
        net = netlist.nets_by_name[name]
        assert values["TC"] == round(activity.toggles[net])
        assert values["T1"] / 10_000 == pytest.approx(activity.high_fraction[net], abs=1e-4)
    # The clock has two toggles in each of 1,000 cycles and is high half the time.
    assert nets["clk"]["TC"] == 2000 and nets["clk"]["T1"] == nets["clk"]["T0"]
    assert "acc[3]" in nets


def test_only_annotated_nets_are_written(netlist: Netlist, tmp_path: Path) -> None:
    count = netlist.net_count
    annotated = np.zeros(count, dtype=bool)
    annotated[[0, 1, 7]] = True
    activity = Activity(
        toggles=np.full(count, 3.0),
        high_fraction=np.full(count, 0.25),
        annotated=annotated,
        cycles=10,
        duration_s=1.28e-8,
        origin="replay",
    )
    write_saif(activity, netlist, tmp_path / "one.saif")
    duration, levels, nets = read(tmp_path / "one.saif")
    assert levels == ["mac8"] and duration == pytest.approx(12.8e-9)
    # 12.8 ns is no whole number of ns: 12,800 ps, a quarter of them high
    assert nets == {netlist.net_names[7]: {"T0": 9600, "T1": 3200, "TX": 0, "TC": 3, "IG": 0}}
    with pytest.raises(ToolError, match="cannot write"):
        write_saif(activity, netlist, tmp_path / "none" / "one.saif")
    annotated[:] = False
    with pytest.raises(DesignError, match="nothing to write"):
        write_saif(activity, netlist, tmp_path / "none.saif")


@pytest.mark.parametrize(
    ("duration_s", "high", "expected"),
    [
        (10e-9, 0.3, ("10", "ns", "3")),
        # 3 cycles of 2.5 ns, high in one of them and half of another
        (7.5e-9, 0.5, ("7500", "ps", "3750")),
        # 10 ns, a third of a per mille of them: 3.3 ps
        (10e-9, 0.00033, ("10000000", "fs", "3300")),
    ],
)
def test_times_are_whole_steps(
    netlist: Netlist, tmp_path: Path, duration_s: float, high: float, expected: tuple[str, ...]
) -> None:
    annotated = np.zeros(netlist.net_count, dtype=bool)
    annotated[7] = True
    activity = Activity(
        toggles=np.zeros(netlist.net_count),
        high_fraction=np.full(netlist.net_count, high),
        annotated=annotated,
        cycles=1,
        duration_s=duration_s,
        origin="replay",
    )
    write_saif(activity, netlist, tmp_path / "t.saif")
    text = (tmp_path / "t.saif").read_text()
    duration, unit, high_time = expected
    assert f"(TIMESCALE 1 {unit})" in text and f"(DURATION {duration})" in text
    assert f"(T0 {int(duration) - int(high_time)}) (T1 {high_time}) (TX 0)" in text


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_any_verilog_name_comes_back(name: str) -> None:
    assert parse(f"({escaped(name)})") == [name]
