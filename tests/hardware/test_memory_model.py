"""SRAM macros: the model against published macros, and beside a library's cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.macros import check_macro_supply, macro_cells, macro_pins, with_macros
from chipdse.technology.constants import load_constants
from chipdse.technology.sram import MacroSize, column_mux, macro_figures, macro_range
from tools.sram_fit import MODEL, SOURCES, fit, read_macro, read_macros, toml_of


def size(family: str, words: int, bits: int, mask_bits: int = 0) -> MacroSize:
    return MacroSize(family=family, words=words, bits=bits, mask_bits=mask_bits or bits)


def test_a_macro_by_hand() -> None:
    # 512 x 32 of ihp_1p: 16384 cells, 128 rows of four words (data/sram.toml):
    # area 3.1955 * 16384 + 564.639 * 32 + 72.8589 * 128 = 52355 + 18068 + 9326 = 79749 um2
    # read 5.91277 + 0.000712099 * 16384 + 0.503453 * 32 = 5.913 + 11.667 + 16.110 = 33.69 pJ
    # leakage 12.0859 pW * 16384 = 198.0 nW
    found = macro_figures(size("ihp_1p", 512, 32))
    assert found.area_m2 == pytest.approx(79749e-12, rel=1e-3)
    assert found.read_energy_j == pytest.approx(33.69e-12, rel=1e-3)
    assert found.leakage_w == pytest.approx(198.0e-9, rel=1e-3)


PUBLISHED = {
    # words, bits: area [um2], write and read energy of a cycle [pJ], leakage [nW], as the files say
    ("ihp_1p", 1024, 16): (79673.7, 32.918, 26.486, 198.0),
    ("ihp_1p", 2048, 64): (491634.0, 155.368, 122.394, 1584.0),
    ("ihp_1p", 64, 64): (50489.0, 50.498, 39.051, 49.5),
    ("sky130_1rw1r", 256, 64): (419463.0, 91.237, 91.237, 20080.0),
    ("sky130_1rw1r", 64, 44): (105706.7, 20.707, 20.707, 3998.0),
}


@pytest.mark.parametrize("macro", PUBLISHED)
def test_published_macros_within_the_fits_error(macro: tuple[str, int, int]) -> None:
    found = macro_figures(size(*macro))
    area, write, read, leakage = PUBLISHED[macro]
    assert found.area_m2 * 1e12 == pytest.approx(area, rel=0.023)
    assert found.write_energy_j * 1e12 == pytest.approx(write, rel=0.052)
    assert found.read_energy_j * 1e12 == pytest.approx(read, rel=0.11)
    assert found.leakage_w * 1e9 == pytest.approx(leakage, rel=0.006)


@pytest.mark.slow
def test_the_data_file_is_what_the_fit_gives(shared: Path) -> None:
    macros = read_macros(shared / "pdk" / "sram")
    assert len(macros) == 14
    shipped = Path("chipdse/technology/data/sram.toml")
    assert toml_of(macros) == (Path(__file__).parents[2] / shipped).read_text()


@pytest.mark.slow
def test_left_out_macros_are_predicted(shared: Path) -> None:
    macros = read_macros(shared / "pdk" / "sram")
    worst = {
        (family, quantity): max(map(abs, fit(quantity, family, macros).left_out))
        for family in SOURCES
        for quantity in MODEL
    }
    # What docs/howto/memories.md says of the model.
    assert worst["ihp_1p", "area"] < 0.01 and worst["ihp_1p", "access"] < 0.08
    assert worst["ihp_1p", "read"] < 0.13 and worst["ihp_1p", "write"] < 0.07
    assert worst["sky130_1rw1r", "area"] < 0.10 and worst["sky130_1rw1r", "access"] < 0.05
    assert worst["sky130_1rw1r", "read"] < 0.04 and worst["sky130_1rw1r", "leakage"] < 0.01


@pytest.mark.slow
def test_leaving_one_out_by_hand(shared: Path) -> None:
    # Leakage of ihp_1p has one term, so leaving one out fits the mean of the others' leakage over
    # cells to the relative error: with r = cells / leakage, c = sum(r) / sum(r^2).
    macros = [one for one in read_macros(shared / "pdk" / "sram") if one.family == "ihp_1p"]
    ratio = np.array([one.words * one.bits / one.leakage_w for one in macros])
    others = np.delete(ratio, 0)
    predicted = others.sum() / (others**2).sum() * ratio[0] - 1
    assert fit("leakage", "ihp_1p", macros).left_out[0] == pytest.approx(predicted)


SIZES = st.builds(
    lambda family, words, bits: size(family, words, bits),
    st.just("ihp_1p"),
    st.sampled_from([64, 128, 256, 512, 1024, 2048, 4096]),
    st.integers(8, 64),
)


@given(SIZES)
def test_more_words_or_bits_never_cost_less(one: MacroSize) -> None:
    found = macro_figures(one)
    if one.words < 4096 and column_mux("ihp_1p", 2 * one.words) == column_mux("ihp_1p", one.words):
        deeper = macro_figures(size(one.family, 2 * one.words, one.bits))
        assert deeper.area_m2 > found.area_m2 and deeper.access_s > found.access_s
        assert deeper.read_energy_j > found.read_energy_j and deeper.leakage_w > found.leakage_w
    if one.bits < 64:
        wider = macro_figures(size(one.family, one.words, one.bits + 1))
        assert wider.area_m2 > found.area_m2 and wider.write_energy_j > found.write_energy_j


@pytest.mark.parametrize(
    ("family", "words", "bits", "message"),
    [
        ("ihp_1p", 8192, 8, "64 to 4096 words"),
        ("ihp_1p", 64, 4, "8 to 64 bits"),
        ("sky130_1rw1r", 32, 64, "64 to 256 words"),
        ("sky130_1rw1r", 64, 129, "44 to 128 bits"),
        ("tsmc", 64, 64, "use one of"),
    ],
)
def test_outside_the_fitted_sizes_is_refused(
    family: str, words: int, bits: int, message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        macro_figures(size(family, words, bits))


def test_the_range_is_that_of_the_published_macros() -> None:
    covered = macro_range("ihp_1p")
    assert (covered.words_min, covered.words_max) == (64, 4096)
    assert (covered.bits_min, covered.bits_max) == (8, 64)
    assert load_constants()["sram.area_cell.ihp_1p"].source.startswith("RM_IHPSG13_1P")


def test_a_macro_is_a_cell_with_its_pins_and_energies() -> None:
    one = size("sky130_1rw1r", 64, 48, 8)
    library, about = macro_cells([one]), macro_figures(one)
    cell = library.cells[0]
    assert cell.is_macro and cell.area_m2 == pytest.approx(about.area_m2, rel=1e-5)
    assert {bus: len(bits) for bus, bits in cell.buses.items()} == {
        bus: bits for bus, _, bits in macro_pins(one) if bits > 1
    }
    energies = {
        library.conditions[condition] if condition >= 0 else "": library.tables.values[
            0, library.tables.start[rise]
        ]
        for condition, rise in zip(library.powers.condition, library.powers.rise, strict=True)
    }
    # A write and nothing else: what every cycle takes, and what the write adds on its port.
    idle = about.idle_energy_j
    assert energies[""] == pytest.approx(2 * idle, rel=1e-4)
    assert energies[""] + energies["we"] == pytest.approx(about.write_energy_j + idle, rel=1e-4)
    assert energies[""] + energies["we"] + energies["re"] == pytest.approx(
        about.write_energy_j + about.read_energy_j, rel=1e-4
    )


@pytest.mark.slow
def test_beside_a_librarys_cells_at_another_supply() -> None:
    one = size("sky130_1rw1r", 64, 44)
    plain = resolve("sky130").load()
    both, own = with_macros(plain, [one]), macro_figures(one)
    place = both.index[one.name]
    rows = np.flatnonzero(both.powers.cell == place)
    write = next(r for r in rows if both.conditions[both.powers.condition[r]] == "we")
    start = both.tables.start[both.powers.rise[write]]
    at = both.at([1.8, 1.2], [25.0, 25.0])
    energy = at.interpolate(both.tables.values[:, start])
    expected = own.write_energy_j - own.idle_energy_j
    assert energy == pytest.approx([expected, expected * (1.2 / 1.8) ** 2], rel=2e-3)
    arc = np.flatnonzero((both.arcs.cell == place) & (both.arcs.kind == 4))[0]  # falling edge
    delays = at.interpolate(both.tables.values[:, both.tables.start[both.arcs.rise_delay[arc]]])
    assert delays[0] == pytest.approx(own.access_s + 1e-15 * own.access_per_load_s_per_f, rel=1e-3)
    # The library's own cells are untouched, and slower by a like factor at the lower supply.
    assert np.array_equal(
        both.tables.values[:, : plain.tables.values.shape[1]], plain.tables.values
    )
    gates = np.unique(plain.arcs.rise_delay[plain.arcs.kind == 0])
    firsts = plain.tables.values[:, plain.tables.start[gates[gates >= 0]]]
    slower = plain.at([1.8, 1.2], [25.0, 25.0]).interpolate(firsts)
    assert delays[1] / delays[0] == pytest.approx(np.median(slower[1] / slower[0]), rel=0.3)


def test_supplies_at_which_macros_may_not_work_are_refused() -> None:
    sizes = [size("sky130_1rw1r", 64, 44)]
    check_macro_supply(sizes, 1.2)
    check_macro_supply([], 0.5)
    for vdd_v in (1.1, 2.0):
        with pytest.raises(DesignError, match=r"outside 1.2 to 1.98 V"):
            check_macro_supply(sizes, vdd_v)


def test_a_published_file_is_read_as_it_stands(shared: Path) -> None:
    file = "RM_IHPSG13_1P_1024x16_c2_bm_bist_typ_1p20V_25C.lib.gz"
    macro = read_macro(shared / "pdk" / "sram" / file)
    # values (26.4857) of A_MEN & !A_WEN & A_REN; area : 79673.728; leakage 198.0155 nW
    assert (macro.words, macro.bits) == (1024, 16)
    assert macro.read_j == pytest.approx(26.4857e-12, rel=1e-3)
    assert macro.area_m2 == pytest.approx(79673.728e-12)
    assert macro.leakage_w == pytest.approx(1.980155e-7)
