"""Synthesis: what it writes, what it keeps apart, what it refuses."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import ChipdseError, DesignError, MachineError
from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.mapping_library import mapping_library
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.hardware.synthesise import read_synthesised, synthesise
from chipdse.netlist.activity.recording import read_register_map
from chipdse.tools import run_yosys
from tests.support.replay_runs import DESIGN, LIBRARIES, liberty_files, need_icarus

pytestmark = pytest.mark.tools


def rtl_of(folder: Path, text: str) -> Rtl:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "design.v"
    file.write_text(text)
    return Rtl(rtlil=file, verilog=file, top="top", content="")


def test_netlist_is_plain_verilog_that_icarus_and_yosys_read(shared: Path, tmp_path: Path) -> None:
    need_icarus()
    files = liberty_files(shared, "ihp-sg13g2")
    made = synthesise(rtl_of(tmp_path, DESIGN), files, SynthesisOptions(), tmp_path / "out")
    text = made.netlist.read_text()
    assert "signed" not in text
    assert not re.search(r"\$_|always|\bassign\b.*[&|^?]", text)
    kinds = set(re.findall(r"^  (sg13g2_\w+) ", text, re.MULTILINE))
    stubs = "".join(f"module {k}(); endmodule\n" for k in kinds)
    (tmp_path / "stubs.v").write_text(re.sub(r"\(\)", "(" + ")", stubs))
    run_yosys(f'read_verilog "{made.netlist}"\nhierarchy -top top\n', tmp_path, "read")
    done = subprocess.run(
        ["iverilog", "-t", "null", "-i", "-s", "top", str(made.netlist)], capture_output=True
    )
    assert b"syntax error" not in done.stderr
    assert made == read_synthesised(tmp_path / "out", "top")
    assert len(read_register_map(made.register_map)) == text.count("sg13g2_dfrbpq")


def test_the_seed_changes_the_netlist_and_repeats(shared: Path, tmp_path: Path) -> None:
    files = liberty_files(shared, "ihp-sg13g2")
    rtl = rtl_of(tmp_path, DESIGN)
    made = [
        synthesise(rtl, files, SynthesisOptions(seed=seed), tmp_path / f"{i}").netlist.read_text()
        for i, seed in enumerate((0, 1, 1))
    ]
    assert made[0] != made[1] == made[2]


def test_full_effort_is_no_worse_at_what_it_aims_for(shared: Path, tmp_path: Path) -> None:
    files = liberty_files(shared, "ihp-sg13g2")
    rtl = rtl_of(tmp_path, DESIGN)
    relaxed = SynthesisOptions(target_period_s=1e-6)
    quick = synthesise(rtl, files, relaxed, tmp_path / "quick")
    full = synthesise(rtl, files, dataclasses.replace(relaxed, effort="full"), tmp_path / "full")
    assert full.area_m2 <= quick.area_m2


def test_a_latch_without_a_latch_cell_is_refused(shared: Path, tmp_path: Path) -> None:
    rtl = rtl_of(
        tmp_path, "module top(input e, input d, output reg q); always @* if (e) q = d; endmodule"
    )
    with pytest.raises(DesignError, match="latch"):
        synthesise(rtl, liberty_files(shared, "gt2n"), SynthesisOptions(), tmp_path / "out")


def test_an_asynchronous_load_is_refused(shared: Path, tmp_path: Path) -> None:
    rtl = rtl_of(
        tmp_path,
        "module top(input c, input r, input d, input v, output reg q);"
        "always @(posedge c or posedge r) if (r) q <= v; else q <= d; endmodule",
    )
    with pytest.raises(ChipdseError):
        synthesise(rtl, liberty_files(shared, "asap7")[3:], SynthesisOptions(), tmp_path / "out")


@pytest.mark.few_cases(2)
@pytest.mark.parametrize("family", LIBRARIES)
def test_reduced_libraries(family: str, shared: Path, tmp_path: Path) -> None:
    library = mapping_library(liberty_files(shared, family), tmp_path)
    again = mapping_library(liberty_files(shared, family), tmp_path)
    assert library == again
    text = library.liberty.read_text()
    assert not re.search(r"^\s*(internal_power|leakage_power|receiver_\w+) ?\(", text, re.MULTILINE)
    assert library.tie_high and library.tie_low and library.flip_flops
    assert not any("lpflow" in name or "dly" in name for name in library.area)
    assert 1e-16 < library.input_capacitance_f < 1e-14


def test_a_damaged_reduced_library_is_made_again(shared: Path, tmp_path: Path) -> None:
    files = liberty_files(shared, "gt2n")
    library = mapping_library(files, tmp_path)
    whole = library.liberty.read_text()
    library.liberty.write_text(whole[:1000])
    assert mapping_library(files, tmp_path).liberty.read_text() == whole


@given(st.integers(0, 400))
def test_a_cut_liberty_file_is_refused(shared: Path, length: int) -> None:
    text = (
        "library (small) {\n  capacitive_load_unit(1, pf);\n  cell (INV) {\n    area : 1;\n"
        "    pin (A) { direction : input; capacitance : 0.001; }\n"
        '    pin (Y) { direction : output; function : "!A"; }\n  }\n}\n'
    )
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "cut.lib"
        file.write_text(text[:length])
        if length >= len(text.rstrip()):
            assert mapping_library([file], Path(name)).driving_cell == "INV"
        else:
            with pytest.raises(DesignError, match=r"cut\.lib"):
                mapping_library([file], Path(name))


def test_options_refuse_nonsense() -> None:
    with pytest.raises(DesignError, match="target_period_s"):
        SynthesisOptions(target_period_s=0.0)
    with pytest.raises(DesignError, match="seed"):
        SynthesisOptions(seed=-1)


def test_upper_bits_that_are_always_zero_are_cut_off(shared: Path, tmp_path: Path) -> None:
    """Without an initial value Yosys narrows the register itself, not only its flip-flops."""
    text = """
module top(input clk, rst_n, input [3:0] a, output y);
  reg [11:0] count;
  always @(posedge clk or negedge rst_n)
    if (!rst_n) count <= 0; else count <= (^a) << 2;
  assign y = ^count;
endmodule
"""
    files = liberty_files(shared, "ihp-sg13g2")
    made = synthesise(rtl_of(tmp_path, text), files, SynthesisOptions(), tmp_path / "out")
    held = read_register_map(made.register_map)
    assert [(each.signal, each.bit) for each in held.values()] == [("count", 2)]


def test_a_cache_that_cannot_be_written_is_the_machines_fault(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    files = liberty_files(shared, "ihp-sg13g2")
    with pytest.raises(MachineError, match="cache of libraries, .*file/cache, cannot be written"):
        mapping_library(files, tmp_path / "file" / "cache")
