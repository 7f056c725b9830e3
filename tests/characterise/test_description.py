"""What `chipdse library characterise` refuses before it simulates, and what it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.characterise.cells import STATE
from chipdse.characterise.description import read_description
from chipdse.characterise.functions import bench_cell
from chipdse.characterise.run import Characteriser
from chipdse.characterise.spice import Models, Netlists
from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.cells import Cell, CellPin, FlipFlop
from chipdse.netlist.library.logic import parse_function, truth_table
from tests.characterise.small_process import CELLS, HEAD, TYPICAL, small_process
from tools.characterise import catalogue
from tools.characterise.settings import CELLS as SHIPPED


def refused(path: Path) -> str:
    """The one line of the DesignError, from reading the description or from its check."""
    with (
        pytest.raises(DesignError) as error,
        Characteriser(read_description(path), path.parent) as characteriser,
    ):
        characteriser.check()
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('section = "tt"', 'section = "xx"', "no section 'xx' (.lib); it has tt, ss"),
        ('"models.spice"', '"absent.spice"', "absent.spice cannot be read: No such file"),
        ('["cells.spice"]', '["absent.spice"]', "absent.spice cannot be read: No such file"),
        ('inputs = ["A", "B"]', 'inputs = ["A", "C"]', "function of Y names B, which is not among"),
        ('"mine"', '"mine_slow"', "contains the word 'slow' for a process corner"),
        ('"typical"', '"medium"', "process = 'medium' is not one of typical, slow, fast"),
        ('"1.8V"', '"1.8"', "[[corners]] supplies '1.8' has no unit; write e.g."),
        ('["20ps", "500ps"]', '["500ps", "20ps"]', "must be 2 or more positive values in rising"),
        ('["1fF", "20fF"]', '["1fF"]', "must be 2 or more positive values in rising order"),
        ('name = "mine"\n', "", 'name is missing; write name = "..."'),
        ("[grid]", "[grid]\nload = 3", "[grid] has an unknown key 'load'; known are slews"),
        ('power = ["VDD"]', 'power = ["VCC"]', "port VDD of its netlist is no pin of the cell"),
        ("[cells.nand]", "[cells.nor]", "cell nor: no .subckt nor in"),
        ("area_um2 = 2", "area_um2 = 0", "area_um2 = 0 is not a positive number"),
        ('"!A"', '"A"', "no inverter among the cells"),
        ('"!(A&B)"', '"!(A&"', "is not a Boolean function"),
    ],
)
def test_one_line_says_what_is_wrong(before: str, after: str, message: str, tmp_path: Path) -> None:
    assert message in refused(small_process(tmp_path, change=(before, after)))


def test_a_pin_that_the_netlist_does_not_have(tmp_path: Path) -> None:
    change = (
        'inputs = ["A", "B"]\nfunctions = {Y = "!(A&B)"}',
        'inputs = ["A", "C"]\nfunctions = {Y = "!(A&C)"}',
    )
    text = refused(small_process(tmp_path, change=change))
    assert "cell nand: pin C is not a port of its netlist, which has A, B, Y, VDD, VSS" in text


@pytest.mark.parametrize(
    ("netlist", "message"),
    [
        (".subckt inv A Y VDD VSS\nQ1 Y A VSS npn\n.ends\n", "Q1 in inv is no transistor"),
        (".subckt inv A Y VDD VSS W=1u\n.ends\n", ".subckt inv has parameters"),
        (".subckt inv A Y VDD VSS\n", ".subckt inv has no .ends"),
        (".subckt inv A Y VDD VSS\nX1 A Y VDD VSS inv\n.ends\n", "or contains itself"),
    ],
)
def test_netlists_that_are_not_understood(netlist: str, message: str, tmp_path: Path) -> None:
    description = small_process(tmp_path, ("inv",))
    (tmp_path / "cells.spice").write_text(netlist)
    assert message in refused(description)


def test_nested_cells_become_transistors(tmp_path: Path) -> None:
    small_process(tmp_path)
    netlists = Netlists(files=(tmp_path / "cells.spice",), power=("VDD",), ground=("VSS",))
    circuit = netlists.circuit("buf", ("A", "X"), (Models(file=tmp_path / "models.spice"),))
    assert circuit.elements == (
        "m0 inside_0 a 0 0 nch W=1u L=0.2u",
        "m1 inside_0 a vpwr vpwr pch W=2u L=0.2u",
        "m2 x inside_0 0 0 nch W=1u L=0.2u",
        "m3 x inside_0 vpwr vpwr pch W=2u L=0.2u",
        "c4 inside_0 0 1f",
    )


def test_included_model_files_count(tmp_path: Path) -> None:
    (tmp_path / "inner.spice").write_text(".model n nmos\n")
    (tmp_path / "middle.spice").write_text('.include "inner.spice"\n')
    (tmp_path / "outer.spice").write_text(".lib tt\n.lib middle.spice tt\n.endl tt\n")
    names = [path.name for path in Models(file=tmp_path / "outer.spice", section="tt").files()]
    assert names == ["outer.spice", "middle.spice", "inner.spice"]


@pytest.mark.slow
def test_every_shipped_cell_is_driven_as_its_library_states() -> None:
    """From the library's Liberty logic the bench gets what the characteriser of sky130 states."""
    library = resolve("sky130").load()
    checked = 0
    for name in SHIPPED:
        stated = catalogue.cell(name)
        if not stated.inputs:
            continue
        found = bench_cell(library.cell(stated.full_name))
        assert set(found.inputs) == set(stated.inputs)
        rule, wanted = found.sequential, stated.sequential
        assert (rule is None) == (wanted is None)
        if rule is None or wanted is None:
            for output in stated.outputs:
                tables = [
                    truth_table(parse_function(each.functions[output]), stated.inputs)
                    for each in (found, stated)
                ]
                assert (tables[0] == tables[1]).all(), (name, output)
        else:
            pins = ("kind", "clock", "data", "enable", "set_low", "reset_low")
            assert [getattr(rule, pin) for pin in pins] == [getattr(wanted, pin) for pin in pins]
        checked += 1
    assert checked == 86


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clocked_on": "!CK"}, "its clock is !CK"),
        ({"next_state": "D&E"}, "its next state is D&E, not a pin or a pin with an enable"),
        ({"clear": "R"}, "its clear is R"),
    ],
)
def test_cells_without_a_measurement(change: dict[str, str], message: str) -> None:
    texts = {"clocked_on": "CK", "next_state": "D"} | change
    flip_flop = FlipFlop(
        state=STATE,
        state_inverted="IQN",
        **{key: parse_function(text) for key, text in texts.items()},
    )
    pins = [CellPin(name=pin, direction="input") for pin in ("CK", "D", "E", "R")]
    output = CellPin(name="Q", direction="output", function=parse_function(STATE))
    cell = Cell(name="dff", area_m2=1e-12, pins=(*pins, output), sequential=flip_flop)
    with pytest.raises(DesignError, match="dff cannot be characterised") as error:
        bench_cell(cell)
    assert message in str(error.value)


def test_help_shows_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["library", "characterise", "--help"])
    said = capsys.readouterr().out
    assert "[[corners]]" in said and HEAD.splitlines()[0] in said


def test_a_description_that_is_absent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["library", "characterise", "absent.toml", "--to", "x"]) == 2
    assert "absent.toml cannot be read" in capsys.readouterr().err


def test_the_example_of_the_tests_is_complete(tmp_path: Path) -> None:
    description = read_description(small_process(tmp_path, tuple(CELLS), corners=TYPICAL))
    assert [cell.name for cell in description.cells] == list(CELLS)
    assert description.inverter == "inv"
    assert [corner.tag for corner in description.corners] == ["typical_25C_1p8V"]
