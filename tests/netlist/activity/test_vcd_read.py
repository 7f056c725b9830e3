"""The VCD reader: hand-written traces, OpenSTA's counts, and damaged files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.activity.waveform.activity import SignalCounter, read_vcd_activity
from chipdse.netlist.activity.waveform.vcd import open_vcd
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.verilog.reader import read_verilog

SMALL = b"""$date today $end
$timescale 10 ps $end
$scope module tb $end
$scope module dut $end
$var wire 1 ! a $end
$var wire 4 " v [3:0] $end
$var wire 1 # \\odd.name[2] $end
$var wire 1 b c [2] $end
$var real 64 r power $end
$upscope $end
$upscope $end
$enddefinitions $end
#100
$dumpvars
0!
b1 "
x#
1b
r1.5 r
$end
#110
1!
b1010 "
0#
#130
$comment nothing 1? here $end
x!
bx1 "
#140
0!
0b
r-2e3 r
#200
"""


def counts(path: Path) -> tuple[dict[str, float], dict[str, float], int, int]:
    trace = open_vcd(path)
    counter = SignalCounter(trace.header.signals)
    for changes in trace.changes():
        counter.add(changes)
    toggles, high = counter.finish(counter.last_time)
    names = dict(
        (name, signal) for each in trace.header.variables for name, signal in each.bit_names()
    )
    return (
        {name: float(toggles[signal]) for name, signal in names.items()},
        {name: float(high[signal]) for name, signal in names.items()},
        counter.first_time,
        counter.last_time,
    )


def test_a_small_trace_counts_as_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "small.vcd"
    file.write_bytes(SMALL)
    trace = open_vcd(file)
    trace.file.close()
    assert trace.header.time_unit_s == pytest.approx(10e-12)
    toggles, high, first, last = counts(file)
    assert (first, last) == (100, 200)
    # a: 0 -> 1 (1), 1 -> x (1/2), x -> 0 (1/2); at 1 from 110 to 130.
    assert toggles["a"] == 2.0 and high["a"] == 20
    # v: 0001 -> 1010 -> xxx1 (`bx1` repeats its first digit)
    assert [toggles[f"v[{i}]"] for i in (3, 2, 1, 0)] == [1.5, 0.5, 1.5, 2.0]
    assert [high[f"v[{i}]"] for i in (3, 2, 1, 0)] == [20, 0, 20, 80]
    # the first value is no change, and x -> 0 counts a half
    assert toggles["odd.name[2]"] == 0.5 and high["odd.name[2]"] == 0
    assert toggles["c[2]"] == 1.0 and high["c[2]"] == 40


def test_gzip_and_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plain.vcd").write_bytes(SMALL)
    with gzip.open(tmp_path / "packed.vcd.gz", "wb") as file:
        file.write(SMALL)
    plain = counts(tmp_path / "plain.vcd")
    assert counts(tmp_path / "packed.vcd.gz") == plain
    for size in (1, 7, 64, 300):
        monkeypatch.setattr("chipdse.netlist.activity.waveform.vcd._BLOCK_BYTES", size)
        assert counts(tmp_path / "plain.vcd") == plain


@pytest.mark.slow
@pytest.mark.parametrize("family", ["sky130hd", "ihp-sg13g2"])
def test_equals_opensta(family: str, shared: Path) -> None:
    folder = shared / "reference" / "timing-power" / family
    library_file = (
        next((shared / "pdk" / family).glob("*tt_025C_1v80*"))
        if (family == "sky130hd")
        else shared / "pdk" / family / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"
    )
    netlist = read_verilog(folder / "mac8.v", load_library([library_file]), "mac8")
    activity = read_vcd_activity(
        folder / "mac8.vcd.gz", "tb.dut", netlist, clock_period_s=10e-9, clocks=["clk"]
    )
    assert activity.duration_s == pytest.approx(10e-6)
    assert activity.cycles == pytest.approx(1000)
    pins = {netlist.pin_name(pin): pin for pin in range(len(netlist.pin_net))}
    compared = 0
    for line in (folder / "pins.tsv").read_text().splitlines()[1:]:
        name, *_, density, duty, origin = line.split("\t")
        net = netlist.pin_net[pins[name]] if name in pins else -1
        if origin != "vcd" or net < 0:
            continue
        compared += 1
        assert activity.annotated[net]
        density_hz = activity.toggles[net] / activity.duration_s
        assert density_hz == pytest.approx(float(density), rel=1e-5)
        assert activity.high_fraction[net] == pytest.approx(float(duty), abs=6e-4)
    assert compared > 1000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"1!\n", b"1?\n", r"small.vcd:22: code '\?' is not declared"),
        (b"#130", b"#90", r"small.vcd:25: the time goes back"),
        (b"#130", b"#1e3", r"small.vcd:25: not a time stamp"),
        (b'b1010 "', b'b1210 "', r"small.vcd:23: not a binary value"),
        (b'b1010 "', b'b11010 "', r"small.vcd:23: 5 bits given for a signal of 4"),
        (b'b1010 "', b'1"', r"small.vcd:23: one bit given for a vector"),
        (b"0b\n", b"query\n", r"small.vcd:31: expected a value change, got 'query'"),
        (b"#200\n", b"#2", r"small.vcd:33: the time goes back"),
        (b"#200\n", b"b1010\n", r"small.vcd:33: a value without the code"),
        (b"10 ps", b"10 p", r"small.vcd:2: timescale '10 p'; expected e.g. '1 ns'"),
        (b"v [3:0]", b"v [4:0]", r"small.vcd:6: 'v \[4:0\]' is declared with 4 bits"),
        (b"$enddefinitions $end", b"", r"no '\$enddefinitions'"),
    ],
)
def test_damage_is_named_with_its_line(
    old: bytes, new: bytes, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "small.vcd"
    file.write_bytes(SMALL.replace(old, new, 1))
    with pytest.raises(DesignError, match=message):
        counts(file)


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cut.vcd.gz"
    file.write_bytes(gzip.compress(SMALL)[:-20])
    with pytest.raises(DesignError, match="damaged or cut off"):
        counts(file)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(SMALL)), st.binary(max_size=6), st.integers(0, 5))
def test_fuzzing_gives_errors_not_crashes(at: int, noise: bytes, drop: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "fuzz.vcd"
        file.write_bytes(SMALL[:at] + noise + SMALL[at + drop :])
        try:
            toggles, *_ = counts(file)
        except DesignError as error:
            assert "fuzz.vcd" in str(error)
        else:
            assert all(value >= 0 for value in toggles.values())


@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.integers(1, 400),
    st.lists(
        st.tuples(st.integers(0, 399), st.sampled_from("01xz"), st.integers(0, 2)), max_size=200
    ),
)
def test_many_codes_against_a_plain_loop(signals: int, events: list[tuple[int, str, int]]) -> None:
    import tempfile

    def code(number: int) -> str:
        text = ""
        while True:
            text += chr(33 + number % 94)
            number //= 94
            if not number:
                return text

    lines = ["$timescale 1 ns $end", "$scope module top $end"]
    lines += [f"$var wire 1 {code(i * 977)} n{i} $end" for i in range(signals)]
    lines += ["$upscope $end", "$enddefinitions $end", "#0"]
    time = 0
    value: dict[int, str] = {}
    since: dict[int, int] = {}
    toggles, high = np.zeros(signals), np.zeros(signals)
    for number, new, wait in events:
        number %= signals
        if wait:
            time += wait
            lines.append(f"#{time}")
        lines.append(f"{new}{code(number * 977)}")
        old = value.get(number)
        if old is not None:
            high[number] += (time - since[number]) * (old == "1")
            same = old == new or {old, new} <= {"x", "z"}
            toggles[number] += 0 if same else 0.5 if {old, new} & {"x", "z"} else 1
        value[number], since[number] = new, time
    lines.append(f"#{time + 5}")
    for number, old in value.items():
        high[number] += (time + 5 - since[number]) * (old == "1")
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "loop.vcd"
        file.write_text("\n".join(lines) + "\n")
        found, ones, *_ = counts(file)
    assert [found[f"n{i}"] for i in range(signals)] == toggles.tolist()
    assert [ones[f"n{i}"] for i in range(signals)] == high.tolist()
