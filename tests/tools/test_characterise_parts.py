"""Parts of the characterisation that need no simulator: functions, decks, table filling."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.characterise.deck import Corner, Start, deck
from chipdse.characterise.tables import Arc, CellTables, combinational_energy
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.logic import truth_table, variables
from tools.characterise import catalogue, fill, inputs, settings
from tools.characterise.deck import LayoutCircuit
from tools.characterise.liberty_text import library_text
from tools.characterise.official import read_official
from tools.characterise.processes import Effect, Ratio


@pytest.mark.parametrize(
    ("name", "levels", "output", "value"),
    [
        ("nand2_1", {"A": 1, "B": 1}, "Y", 0),
        ("nor2b_1", {"A": 0, "B_N": 1}, "Y", 1),
        ("and2b_1", {"A_N": 0, "B": 1}, "X", 1),
        ("a221oi_1", {"A1": 1, "A2": 1, "B1": 0, "B2": 1, "C1": 0}, "Y", 0),
        ("o21bai_1", {"A1": 1, "A2": 0, "B1_N": 1}, "Y", 1),
        ("o21ba_1", {"A1": 1, "A2": 0, "B1_N": 0}, "X", 1),
        ("fa_1", {"A": 1, "B": 0, "CIN": 1}, "COUT", 1),
        ("mux4_1", {"A0": 0, "A1": 0, "A2": 1, "A3": 0, "S0": 0, "S1": 1}, "X", 1),
    ],
)
def test_functions_by_hand(name: str, levels: dict[str, int], output: str, value: int) -> None:
    assert catalogue.cell(name).value(output, levels) == value


@pytest.mark.slow
def test_functions_equal_the_official_library(shared: Path) -> None:
    """Every combinational cell, over all its input states."""
    file = shared / "pdk" / "sky130hd" / "sky130_fd_sc_hd__tt_025C_1v80.lib.gz"
    official = read_liberty([file])
    checked = 0
    for name in settings.CELLS:
        cell = catalogue.cell(name)
        theirs = official.cell(cell.full_name)
        assert {p.name for p in theirs.pins} == {*cell.inputs, *cell.outputs}
        if cell.sequential is not None or not cell.inputs:
            continue
        for output in cell.outputs:
            function = theirs.pin(output).function
            assert function is not None
            names = variables(function)
            table = truth_table(function, names)
            for values in itertools.product((0, 1), repeat=len(cell.inputs)):
                levels = dict(zip(cell.inputs, values, strict=True))
                row = sum(levels[pin] << place for place, pin in enumerate(names))
                assert cell.value(output, levels) == table[row], (name, output, levels)
        checked += 1
    assert checked == 79


def test_extracted_inverter_by_hand() -> None:
    layouts, models = inputs.load()
    nmos, pmos = layouts["inv_1"].devices
    # drawn 0.65 and 1.0 µm wide, 0.15 µm long; 0.26 µm of diffusion either side of the gate
    assert (nmos.kind, pmos.kind) == ("n", "p")
    assert nmos.width_m == pytest.approx(0.65e-6)
    assert pmos.width_m == pytest.approx(1.0e-6)
    assert nmos.stress_source_m == pytest.approx(0.26e-6)
    # junction: the diffusion beside the gate, 0.26 µm x 0.65 µm
    assert nmos.area_drain_m2 == pytest.approx(0.26e-6 * 0.65e-6)
    assert nmos.perimeter_drain_m == pytest.approx(2 * (0.26e-6 + 0.65e-6))
    # two contacts on n, three on p diffusion
    assert nmos.contact_source_ohm == pytest.approx(185 / 2)
    assert pmos.contact_source_ohm == pytest.approx(585 / 3)
    assert (nmos.source, pmos.source) == ("VGND", "VPWR")
    assert layouts["inv_1"].area_m2 == pytest.approx(3.7536e-12)
    assert set(models) == {"tt", "tt_leak", "ss", "ff", "leak"}


def test_parallel_fingers_are_merged() -> None:
    layouts, _ = inputs.load()
    assert [device.count for device in layouts["inv_4"].devices] == [4, 4]
    fingers = Counter(d.kind for d in layouts["inv_4"].devices for _ in range(d.count))
    assert fingers == {"n": 4, "p": 4}


def test_every_deck_has_a_model_for_every_size() -> None:
    layouts, models = inputs.load()
    card = inputs.model_card(models, "tt")
    corner = Corner(supply_v=1.8, temperature_c=25.0, fo4_s=1e-10)
    for name in settings.CELLS:
        cell = catalogue.cell(name)
        circuit = LayoutCircuit(layout=layouts[name], model_card=card, stress_inset_m=15e-9)
        text = deck(circuit, cell, corner, Start())
        assert text.count("\nm") == len(layouts[name].devices)
        assert "lmin" not in text
        assert "{" not in text


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_filling_is_exact_for_cubics(coefficients: list[float]) -> None:
    """A table that is a cubic in the index comes back from every second point."""
    index = np.arange(7.0)
    column = np.polyval(coefficients, index / 6)
    table = column[:, None] + 2 * column[None, :]
    pick = np.ix_(list(settings.COARSE), list(settings.COARSE))
    assert fill.spread(table[pick]) == pytest.approx(table, abs=1e-12)


def _tables(output_energy: float) -> CellTables:
    grid = np.full((7, 7), 1e-10)
    edges = {"rise": grid, "fall": 2 * grid}
    return CellTables(
        cell=catalogue.cell("inv_1"),
        area_m2=3.75e-12,
        slews_s=np.geomspace(1e-11, 1.5e-9, 7),
        loads_f=np.geomspace(5e-16, 1e-13, 7),
        quiet_slews_s=np.zeros(0),
        constraint_slews_s=np.zeros(0),
        arcs=[
            Arc(
                pin="A",
                output="Y",
                sense="negative_unate",
                timing_type="combinational",
                delay_s=edges,
                transition_s=edges,
            )
        ],
        output_energy_j={("Y", "A"): {e: np.full((7, 7), output_energy) for e in ("rise", "fall")}},
        input_energy_j={},
        capacitance_f={"A": {"rise": 2e-15, "fall": 3e-15}},
        constraints={},
        leakage_w=[("A", 1e-12), ("!A", 3e-12)],
    )


def test_liberty_text_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "one.lib"
    file.write_text(library_text([_tables(5e-15)], 0.9, -40.0, "test"))
    library = read_liberty([file])
    assert library.supply_v.tolist() == [0.9]
    assert library.temperature_c.tolist() == [-40.0]
    assert library.pin_capacitance_f[0, 0, :2] == pytest.approx([2e-15, 3e-15])
    assert library.cell_leakage_w[0, 0] == pytest.approx(2e-12)
    assert sorted(set(library.tables.values[0].round(20))) == pytest.approx([5e-15, 1e-10, 2e-10])


def test_one_state_costs_what_the_other_output_leaves() -> None:
    """Half adder, energies by hand: SUM alone 10 fJ, both together 25 fJ; so COUT is 15 fJ."""
    cell = catalogue.cell("ha_1")

    def arc(out: str, sense: str, energy: float, others: list[list[str]]) -> dict[str, object]:
        return {
            "pin": "A",
            "output": out,
            "sense": sense,
            "rise_energy_j": [[energy]],
            "fall_energy_j": [[energy]],
            "energies_j": [[energy, energy]],
            "others": others,
            "worst": {"rise": 0, "fall": 0},
        }

    raw = {
        "loads_f": [0.0],
        "slews_s": [1e-11],
        "supply_v": 1.8,
        "quiet_energy_j": {},
        "arcs": [
            arc("SUM", "positive_unate", 10e-15, [[]]),  # B = 0
            arc("SUM", "negative_unate", 25e-15, [["COUT"]]),  # B = 1
            arc("COUT", "positive_unate", 25e-15, [["SUM"]]),
        ],
    }
    energy = combinational_energy(cell, raw)
    assert energy["SUM", "A"]["rise"] == pytest.approx(np.array([[10e-15]]))
    assert energy["COUT", "A"]["fall"] == pytest.approx(np.array([[15e-15]]))


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_three_points_fill_a_parabola(coefficients: list[float]) -> None:
    """A ratio that is the exponential of a parabola in the index comes back from three points."""
    index = np.arange(7.0) / 6
    column = np.polyval(coefficients, index)
    ratio = np.exp(column[:, None] - column[None, :])
    whole = 1e-10 * (1 + index[:, None] + 2 * index[None, :])
    table = ratio * whole
    assert fill.by_ratio(fill.at_points(table, 3), whole) == pytest.approx(table, rel=1e-9)


def test_tables_that_change_sign_are_filled_by_difference() -> None:
    index = np.arange(7.0)
    whole = np.add.outer(index, index) - 3.0
    # the same shape plus a plane, which three points determine
    table = whole + 0.1 * index[:, None]
    assert fill.by_ratio(fill.at_points(table, 3), whole)[0, 0] == pytest.approx(-3.0)


def test_constraints_from_fast_clock_edges_and_equal_slews() -> None:
    # slews 0, 1, 2: the difference to the other corner is 1 at (0, 0), 2 at (0, 2), 3 at (2, 2);
    # (2, 0) is 3 + 1 - 2 = 2, as the data's slew adds 1 with a fast clock edge
    coarse = np.array([[1.0, 2.0], [2.0, 3.0]])
    filled = fill.constraint(coarse, np.zeros((3, 3)), np.array([0.0, 1.0, 2.0]))
    assert filled == pytest.approx(np.array([[1, 1.5, 2], [1.5, 2, 2.5], [2, 2.5, 3]]))


def test_grids_of_corners() -> None:
    assert settings.points("typical", 1.8, 25.0) == tuple(range(7))
    assert settings.points("typical", 1.4, 25.0) == settings.COARSE
    assert settings.points("slow", 1.8, 25.0) == settings.SPARSE
    assert not settings.works("slow", 0.5, -40.0)
    assert settings.works("fast", 0.5, -40.0)


def test_official_json_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "ss_100C_1v60.json.gz"
    table = {"index_1": [0.1, 0.2], "index_2": [0.01, 0.02], "values": [[1, 2], [3, 4]]}
    timing = {
        "related_pin": "A",
        "timing_sense": "negative_unate",
        **{f"{kind},del_1_7_7": table for kind in ("cell_rise", "cell_fall")},
        **{f"{kind},del_1_7_7": table for kind in ("rise_transition", "fall_transition")},
    }
    cell = {
        "area": 3.75,
        "cell_leakage_power": 2.5,
        "leakage_power": [{"value": 2.0, "when": "A"}, {"value": 3.0, "when": "!A"}],
        "pin,A": {"direction": "input", "capacitance": 0.002},
        "pin,Y": {"direction": "output", "function": "!A", "timing": timing},
    }
    head = {
        "nom_voltage": 1.6,
        "nom_temperature": 100.0,
        "default_operating_conditions": "ss_100C_1v60",
    }
    with gzip.open(file, "wt") as stream:
        json.dump({"library": head, "cells": {"inv": cell}}, stream)
    library = read_official(file)
    assert (library.supply_v[0], library.temperature_c[0]) == (1.6, 100.0)
    assert library.tables.values[0, :4] == pytest.approx([1e-9, 2e-9, 3e-9, 4e-9])
    assert library.leakages.value_w[0] == pytest.approx([2e-9, 3e-9])
    assert library.pin_capacitance_f[0, 0, 0] == pytest.approx(2e-15)


def test_the_effect_at_a_corner_is_learned_from_small_cells() -> None:
    """Two entries of a small cell show that the effect is half way between two corners; the
    entry of another cell, simulated at these alone, follows."""
    nothing = np.nan
    unit = _OneTable()
    corners = ((1.0, 0.0), (1.2, 0.0), (1.4, 0.0), (1.0, 100.0), (1.2, 100.0), (1.4, 100.0))
    own = np.array([[0.1, 0.3], [0.2, 0.2], [0.3, 0.1]] * 2)
    small = Ratio(
        corners=corners,
        positive=np.array([True, True, False]),
        numbers=np.column_stack([own, np.full(6, nothing)]),
    )
    every = Ratio(
        corners=(corners[0], corners[2]),
        positive=np.ones(3, dtype=bool),
        numbers=np.array([[0.1, 0.3, 0.5], [0.3, 0.1, 0.7]]),
    )
    effect = Effect(unit=unit, small=small, every=every)  # type: ignore[arg-type]
    found = effect.at(1.2, 50.0)
    assert np.log(found) == pytest.approx([0.2, 0.2, 0.6], rel=1e-3)


def test_another_state_of_the_inputs_stays_at_a_corner_between() -> None:
    """A ratio that is equal at both corners, because it is that of another state, is the same half
    way between them, although the small cells, which have one state, fall to less than half."""
    unit = _OneTable()
    corners = ((1.0, 0.0), (1.2, 0.0), (1.4, 0.0), (1.0, 100.0), (1.2, 100.0), (1.4, 100.0))
    own = np.array([[0.1, 0.3], [0.05, 0.05], [0.3, 0.1]] * 2)
    small = Ratio(
        corners=corners,
        positive=np.array([True, True, False]),
        numbers=np.column_stack([own, np.full(6, np.nan)]),
    )
    every = Ratio(
        corners=(corners[0], corners[2]),
        positive=np.ones(3, dtype=bool),
        numbers=np.array([[0.1, 0.3, -0.6], [0.3, 0.1, -0.6]]),
    )
    errors = []
    for other_states in (False, True):
        effect = Effect(unit=unit, small=small, every=every, other_states=other_states)  # type: ignore[arg-type]
        errors.append(abs(float(np.log(effect.at(1.2, 50.0)[2])) + 0.6))
    assert errors[1] < 0.25 < 0.4 < errors[0]


class _OneTable:
    """Units of a library with three times, all one for typical transistors."""

    times = np.ones(3, dtype=bool)
    known = np.ones((2, 3))

    def typical(self, supply_v: float, temperature_c: float) -> np.ndarray:
        return np.ones(3)
