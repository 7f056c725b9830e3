"""Reading Liberty: a small library in every detail, five families, and bad files."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.errors import ChipdseError, DesignError
from chipdse.netlist.library.cells import ClockGate, FlipFlop, Latch
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.library import ARC_KINDS, CellLibrary
from chipdse.netlist.library.logic import parse_function
from tests.support.netlist_cases import CELLS, liberty_text, tiny_library

TEXT = liberty_text()


def read(text: str) -> CellLibrary:
    return read_liberty([Path("bad.lib")], [text.encode()])


def test_logic_of_the_small_library() -> None:
    library = tiny_library()
    nand = library.cell("NAND2")
    assert nand.area_m2 == pytest.approx(2e-12)
    assert [(pin.name, pin.direction) for pin in nand.pins] == [
        ("A", "input"),
        ("B", "input"),
        ("Y", "output"),
    ]
    assert nand.pin("Y").function == parse_function("!(A & B)")
    assert library.cell("BUF").area_m2 == pytest.approx(2e-12)  # its area lacks the semicolon
    assert library.cell("DFF").sequential == FlipFlop(
        state="IQ",
        state_inverted="IQN",
        clocked_on=parse_function("CK"),
        next_state=parse_function("D"),
    )
    assert isinstance(library.cell("LATCH").sequential, Latch)
    assert library.cell("GATE").sequential == ClockGate(
        state="M", clock="CK", transparent_high=False, enable=parse_function("EN")
    )
    assert library.cell("GATE").pin("GCK").function == parse_function("CK & M")
    assert library.cell("TRI").pin("Y").three_state == parse_function("!EN")
    assert library.cell("DFF").state_variables == ("CK", "D", "IQ")


def test_numbers_of_the_small_library_are_si() -> None:
    library = tiny_library()
    inverter = library.index["INV"]
    pin = int(library.pin_start[inverter])
    assert library.pin_capacitance_f[0, pin].tolist() == pytest.approx([2e-15] * 4)
    assert library.cell_leakage_w[0, inverter] == pytest.approx(1e-9)
    arc = int(np.flatnonzero(library.arcs.cell == inverter)[0])
    assert ARC_KINDS[library.arcs.kind[arc]] == "combinational"
    table = int(library.arcs.rise_delay[arc])
    start = library.tables.start[table]
    # base 0.1 ns, +2 ns for 1 pF, +0.2 ns for 1 ns of slew
    assert library.tables.values[0, start : start + 4] == pytest.approx(
        [0.1e-9, 2.1e-9, 0.3e-9, 2.3e-9]
    )
    axis = library.tables.axis_start[library.tables.column_axis[table]]
    assert library.tables.axis_values[0, axis : axis + 2] == pytest.approx([0, 1e-12])


def test_a_table_written_load_first_is_turned() -> None:
    swapped = TEXT.replace(
        "variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;",
        "variable_1 : total_output_net_capacitance; variable_2 : input_net_transition;",
    )
    library, plain = read(swapped), tiny_library()
    table = int(plain.arcs.rise_delay[0])
    start = plain.tables.start[table]
    turned = library.tables.values[0, start : start + 4].reshape(2, 2)
    assert (turned == plain.tables.values[0, start : start + 4].reshape(2, 2).T).all()


@pytest.mark.parametrize(
    "written", ['"0.1 2.1", "0.3 2.3"', '"0.1, 2.1, 0.3, 2.3"', '"0.1, 2.1", \\\n "0.3\n 2.3",']
)
def test_values_may_be_written_in_several_ways(written: str) -> None:
    library, plain = read(TEXT.replace('"0.1, 2.1", "0.3, 2.3"', written)), tiny_library()
    assert (library.tables.values == plain.tables.values).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "pattern", "cells", "volts"),
    [
        ("sky130hd", "*.lib.gz", 428, 1.8),
        ("ihp-sg13g2", "*typ_1p20V*", 84, 1.2),
        ("gf180mcu", "*3v30*", 229, 3.3),
        ("asap7", "*_RVT_*", 202, 0.7),
        ("gt2n", "*_svt_*", 72, 0.7),
    ],
)
def test_five_families(shared: Path, family: str, pattern: str, cells: int, volts: float) -> None:
    library = read_liberty(sorted((shared / "pdk" / family).glob(pattern)))
    assert len(library.cells) == cells
    assert library.supply_v.tolist() == [volts] and library.temperature_c.tolist() == [25]
    assert not [cell.name for cell in library.cells if cell.is_macro]
    assert (library.pin_supply_v == volts).all()
    assert np.isfinite(library.tables.values).all()
    states = {type(cell.sequential).__name__ for cell in library.cells}
    assert "FlipFlop" in states
    gates = [cell for cell in library.cells if isinstance(cell.sequential, ClockGate)]
    assert (
        len(gates)
        == {"sky130hd": 6, "ihp-sg13g2": 2, "gf180mcu": 6, "asap7": 10, "gt2n": 0}[family]
    )
    for gate in gates:
        assert any(pin.function is not None for pin in gate.pins)


def test_a_memory_is_a_macro_with_buses(shared: Path) -> None:
    library = read_liberty([next((shared / "pdk/sram").glob("RM_IHPSG13_1P_256x48*"))])
    (cell,) = library.cells
    assert cell.is_macro
    bits = cell.buses["A_DOUT"]
    assert len(bits) == 48
    assert cell.pins[bits[0]].name == "A_DOUT[0]" and cell.pins[bits[-1]].name == "A_DOUT[47]"
    # its addresses have capacitances of their own inside the bus
    address = library.pin_start[0] + cell.buses["A_ADDR"][3]
    assert library.pin_capacitance_f[0, address, 0] == pytest.approx(7.66726e-15)


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ("", TEXT, "library (name) { ... }', found no group"),
        ("hello world", TEXT, "not a Liberty file"),
        (
            "include_file (cells.inc);",
            "/* a comment */",
            "include_file (cells.inc) is not followed",
        ),
        (TEXT[: TEXT.index("cell (XOR2)") + 40], TEXT, "the file ends inside group 'cell'"),
        ('"0, 1"); index_2', '"0, 1"); index_2 (', "expected"),
        ('index_1 ("0, x")', 'index_1 ("0, 1")', "an index is 'x'; expected a number"),
        ('index_1 ("1, 0")', 'index_1 ("0, 1")', "must rise"),
        ('values ("0.1, 2.1")', 'values ("0.1, 2.1", "0.3, 2.3")', "has 2 values; its indices ask"),
        ('values ("0.1, oops", "0.3, 2.3")', 'values ("0.1, 2.1", "0.3, 2.3")', "is 'oops'"),
        ("cell_rise (dealy)", "cell_rise (delay)", "uses template 'dealy', which is not declared"),
        ('"1parsec"', '"1ns"', "time_unit is '1parsec'"),
        ("(1, furlong)", "(1, pf)", "capacitive_load_unit"),
        ('related_pin : "Q"', 'related_pin : "A"', "which is no pin of cell 'INV'"),
        ('function : "!A +"', 'function : "!A"', "is not a Boolean function"),
        ("timing_type : nonsense", "timing_type : combinational", "timing_type 'nonsense'"),
        ("direction : sideways", "direction : output", "direction 'sideways'"),
        ("capacitance : much", "capacitance : 0.002", "capacitance is 'much'"),
    ],
)
def test_a_bad_file_is_an_error_with_file_and_line(wrong: str, right: str, message: str) -> None:
    text = wrong if right == TEXT else TEXT.replace(right, wrong, 1)
    assert text != TEXT
    with pytest.raises(DesignError) as caught:
        read(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("bad.lib:")


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read("\ufeff" + TEXT).index == read(TEXT).index


def test_the_line_is_the_right_one() -> None:
    line = TEXT[: TEXT.index("cell (NAND2)")].count("\n") + 3  # the first pins of NAND2
    broken = TEXT[: TEXT.index("cell (NAND2)")] + TEXT[TEXT.index("cell (NAND2)") :].replace(
        "capacitance : 0.002", "capacitance : ?", 1
    )
    with pytest.raises(DesignError, match=f"bad.lib:{line}: "):
        read(broken)


def test_files_that_do_not_belong_together() -> None:
    warm = liberty_text(CELLS.replace("INV", "INVX").replace("cell (", "cell (W_"), degrees=85.0)
    paths = [Path("a.lib"), Path("b.lib")]
    with pytest.raises(DesignError, match="one library has one corner"):
        read_liberty(paths, [TEXT.encode(), warm.encode()])
    with pytest.raises(DesignError, match=r"cell 'INV' occurs twice \(already in a.lib\)"):
        read_liberty(paths, [TEXT.encode(), TEXT.encode()])


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="cannot be read"):
        read_liberty([tmp_path / "none.lib"])
    damaged = tmp_path / "half.lib.gz"
    damaged.write_bytes(gzip.compress(TEXT.encode())[:400])
    with pytest.raises(DesignError, match="damaged gzip"):
        read_liberty([damaged])


@pytest.mark.slow
@settings(max_examples=300)
@given(
    st.integers(0, len(TEXT) - 1),
    st.integers(0, 60),
    st.text(alphabet='{}()";:,\\/*\n aB01.', max_size=6),
)
def test_damage_anywhere_is_read_or_refused(at: int, length: int, instead: str) -> None:
    with contextlib.suppress(ChipdseError):
        read(TEXT[:at] + instead + TEXT[at + length :])


@pytest.mark.slow
@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ChipdseError):
        read_liberty([Path("bad.lib")], [data])
