"""Slews of files that measure them between different voltages, as OpenSTA converts them.

OpenSTA multiplies a slew that goes from a pin of one file to a pin of another by the ratio of
(upper - lower slew threshold) / slew derate of the two, and leaves delays alone where all are
measured at the same voltage. Ports have the thresholds of the file that is read first.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipdse.errors import DesignError
from chipdse.netlist.library.join import join_corners
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.liberty.writer import liberty_text as export
from chipdse.netlist.library.library import CellLibrary, Thresholds
from chipdse.netlist.library.macros import macro_cells, with_macros
from chipdse.netlist.library.npz import load_saved, save_library
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.paths import critical_path
from chipdse.netlist.timing.slack import pin_slacks
from chipdse.netlist.timing.timing import MAX, MIN, Timing, analyse_timing
from chipdse.technology.sram import MacroSize
from tests.support.netlist_cases import CELLS, liberty_text, netlist_of

NS = 1e-9


def thresholds(lower: float, upper: float, derate: float = 1.0) -> str:
    """Attributes of a library that measures slews between these percentages of the supply."""
    return "".join(
        f"slew_lower_threshold_pct_{edge} : {lower:g}; slew_upper_threshold_pct_{edge} : {upper:g};"
        for edge in ("rise", "fall")
    ) + (f"slew_derate_from_library : {derate:.17g};" if derate != 1 else "")


def with_head(head: str, text: str) -> bytes:
    return text.replace("delay_model : table_lookup;", head, 1).encode()


FAR = liberty_text(re.sub(r"cell \((\w+)\)", r"cell (FAR_\1)", CELLS))


def both(first: str, second: str, text: str = FAR) -> CellLibrary:
    """The small library and its copy, named FAR_..., each with thresholds of its own."""
    contents = [with_head(first, liberty_text()), with_head(second, text)]
    return read_liberty([Path("a.lib"), Path("b.lib")], contents)


def timed(body: str, library: CellLibrary, **options: float) -> Timing:
    netlist = netlist_of(body, library)
    graph = build_timing_graph(netlist, "clk")
    return analyse_timing(graph, library.at(), 5 * NS, **options)


def test_a_chain_through_two_files_by_hand() -> None:
    # 20 to 80 %: a ramp of T has a slew of 0.6 T; 10 to 90 % with a derate of 0.5: of 1.6 T
    library = both(thresholds(20, 80), thresholds(10, 90, 0.5))
    timing = timed(
        "wire n, m; INV i (.A(a), .Y(n)); FAR_INV f (.A(n), .Y(m)); INV o (.A(m), .Y(y));", library
    )

    def at(net: str) -> tuple[float, float]:
        """Arrival and slew [ns] of the edge that `a` falling causes."""
        edge = {"n": 0, "m": 1, "y": 0}[net]  # rise, fall, rise
        place = 2 * timing.netlist.nets_by_name[net] + edge
        arrival, slew = timing.arrival_s[MAX, 0, 0, place], timing.slew_s[MAX, 0, place]
        return float(arrival) / NS, float(slew) / NS

    # delay = base + 0.2 slew + 2 load, slew = base / 2 + 0.2 slew + 2 load (ns, pF); INV has
    # 0.1 for rising and 0.08 for falling, each load is 2 fF
    arrival, slew = 0.1 + 0.004, 0.05 + 0.004
    assert at("n") == pytest.approx((arrival, slew))
    seen = slew * 1.6 / 0.6
    arrival += 0.08 + 0.2 * seen + 0.004
    slew = (0.04 + 0.2 * seen + 0.004) * 0.6 / 1.6
    assert at("m") == pytest.approx((arrival, slew))
    arrival += 0.1 + 0.2 * slew
    assert at("y") == pytest.approx((arrival, 0.05 + 0.2 * slew))
    # read alone, or with the same thresholds, a file's slews are its own
    same = timed(
        "wire n, m; INV i (.A(a), .Y(n)); FAR_INV f (.A(n), .Y(m)); INV o (.A(m), .Y(y));",
        both(thresholds(20, 80), thresholds(20, 80)),
    )
    plain = timed(
        "wire n, m; INV i (.A(a), .Y(n)); INV f (.A(n), .Y(m)); INV o (.A(m), .Y(y));",
        read_liberty([Path("a.lib")], [liberty_text().encode()]),
    )
    assert same.critical_path_s == plain.critical_path_s


def test_a_slew_at_a_port_means_what_the_first_file_means() -> None:
    body = "FAR_INV f (.A(a), .Y(y));"
    library = both(thresholds(20, 80), thresholds(10, 90))
    timing = timed(body, library, input_slew_s=0.3 * NS)
    # 0.3 ns between 20 and 80 % are 0.4 ns between 10 and 90 %
    assert timing.critical_path_s == pytest.approx((0.1 + 0.2 * 0.4) * NS)
    # one of the two files first decides
    swapped = read_liberty(
        [Path("b.lib"), Path("a.lib")],
        [with_head(thresholds(10, 90), FAR), with_head(thresholds(20, 80), liberty_text())],
    )
    timing = timed(body, swapped, input_slew_s=0.3 * NS)
    assert timing.critical_path_s == pytest.approx((0.1 + 0.2 * 0.3) * NS)
    assert swapped.thresholds == Thresholds(lower_frac=(0.1, 0.1), upper_frac=(0.9, 0.9))


def test_constraints_see_the_slew_that_their_file_means() -> None:
    body = "wire n; INV i (.A(a), .Y(n)); FAR_DFF r (.CK(clk), .D(n), .Q(y));"
    timing = timed(body, both(thresholds(20, 80), thresholds(30, 70, 0.5)))
    # setup = 0.05 + 0.2 slew for rising data; a ramp of T has 0.6 T here and 0.8 T there
    rise = 0.104 + 0.05 + 0.2 * 0.054 * 0.8 / 0.6
    fall = 0.084 + 0.06 + 0.2 * 0.044 * 0.8 / 0.6
    to_register = min(5 - rise, 5 - fall)
    from_register = 5 - 0.35
    assert timing.worst_setup_slack_s == pytest.approx(min(to_register, from_register) * NS)
    slack = timing.check_slack_s[0] / NS
    assert slack.min() == pytest.approx(
        min(to_register, 0.104 - 0.01 - 0.2 * 0.054 * 0.8 / 0.6, 0.084 - 0.02 - 0.2 * 0.044 / 0.75)
    )


@pytest.mark.slow
@settings(max_examples=25)
@given(st.integers(0, 45), st.integers(55, 100), st.sampled_from([1.0, 0.5, 0.8]))
def test_a_file_restated_with_other_thresholds_changes_nothing(
    lower: int, upper: int, derate: float
) -> None:
    """The same cells, with all slews rewritten for other thresholds: the same times and slews."""
    ratio = (upper - lower) / 100 / derate / 0.6
    text = re.sub(r'index_1 \("0, 1"\)', f'index_1 ("0, {ratio:.15g}")', FAR)
    axis = f'index_1 ("0, {ratio:.15g}"); index_2 ("0, 1")'
    constrained = "constrained_pin_transition;\n    " + axis
    assert constrained in text
    text = text.replace(constrained, constrained.replace('"0, 1"', f'"0, {ratio:.15g}"'))

    def scaled(found: re.Match[str]) -> str:
        return re.sub(r"[\d.]+", lambda number: f"{float(number[0]) * ratio:.15g}", found[0])

    text = re.sub(r"(?<=_transition \(delay\) \{ )values \(.*?\)", scaled, text)
    body = (
        "wire n, m, k; INV i (.A(a), .Y(n)); FAR_NAND2 g (.A(n), .B(b), .Y(m)); "
        "FAR_DFF r (.CK(clk), .D(m), .Q(k)); XOR2 x (.A(k), .B(n), .Y(y));"
    )
    restated = timed(body, both(thresholds(20, 80), thresholds(lower, upper, derate), text))
    plain = timed(body, both(thresholds(20, 80), ""))
    for which in (MAX, MIN):
        assert restated.slew_s[which] == pytest.approx(plain.slew_s[which], rel=1e-9)
    assert restated.critical_path_s == pytest.approx(plain.critical_path_s, rel=1e-9)
    assert restated.check_slack_s == pytest.approx(plain.check_slack_s, rel=1e-9)


def test_thresholds_survive_saving_and_writing(tmp_path: Path) -> None:
    text = with_head(thresholds(30, 70, 0.5), liberty_text())
    library = read_liberty([Path("a.lib")], [text])
    expected = Thresholds(lower_frac=(0.3, 0.3), upper_frac=(0.7, 0.7), slew_derate=0.5)
    assert library.thresholds == expected
    save_library(library, tmp_path / "a.npz")
    assert load_saved(tmp_path / "a.npz").thresholds == expected
    written = read_liberty([Path("b.lib")], [export(library.at()).encode()])
    assert written.thresholds == expected
    with pytest.raises(DesignError, match="they measure slews or delays between other voltages"):
        warm = replace(library, temperature_c=np.array([85.0]), thresholds=Thresholds())
        join_corners([library, warm])


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("slew_lower_threshold_pct_rise : 80;", "slew_lower_threshold_pct_rise is 80, slew_upper"),
        ("slew_upper_threshold_pct_fall : 120;", "is 120; expected 0 to 100"),
        ("slew_derate_from_library : 0;", "slew_derate_from_library is 0; it must be positive"),
        ("slew_lower_threshold_pct_rise : low;", "is 'low'; expected a number"),
    ],
)
def test_impossible_thresholds_are_refused(head: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        both("", head)


def test_slew_thresholds_of_another_ratio_for_each_edge_are_refused() -> None:
    with pytest.raises(DesignError, match=r"thresholds to those of a\.lib differs between rise"):
        both("", "slew_lower_threshold_pct_rise : 10;")


# Delays of the first file start and end at 50 %; a delay of the second starts at 30 % for rising
# edges and 60 % for falling ones, and ends at 70 % and 40 %.
MEETS_ELSEWHERE = (
    "input_threshold_pct_rise : 30; input_threshold_pct_fall : 60; "
    "output_threshold_pct_rise : 70; output_threshold_pct_fall : 40; "
)
CHAIN = "wire n, m; INV i (.A(a), .Y(n)); FAR_INV f (.A(n), .Y(m)); INV o (.A(m), .Y(y));"


def test_delays_that_end_at_another_voltage_by_hand() -> None:
    """OpenSTA: later by slew (load's input - driver's output threshold) / driver's slew span."""
    library = both(thresholds(20, 80), thresholds(10, 90, 0.5) + MEETS_ELSEWHERE)
    timing = timed(CHAIN, library)
    netlist = timing.netlist

    def arrival(net: str, edge: int, which: int = MAX) -> float:
        return float(timing.arrival_s[which, 0, 0, 2 * netlist.nets_by_name[net] + edge]) / NS

    # n rises with a slew of 0.054 from 20 to 80 %: at 30 %, where f's delay starts, it is
    # 0.054 (0.3 - 0.5) / 0.6 = -0.018 ns later than at 50 %
    assert arrival("n", 0) == pytest.approx(0.104)
    seen = 0.054 * 1.6 / 0.6
    assert arrival("m", 1) == pytest.approx(0.104 - 0.018 + 0.08 + 0.2 * seen + 0.004)
    # m falls with this slew in the second file's measure; its delay ends at 40 %, o's starts at
    # 50 %, which a falling edge passes earlier: - slew (0.5 - 0.4) / 0.8
    slew = 0.04 + 0.2 * seen + 0.004
    rise = 0.1 + 0.2 * slew * 0.6 / 1.6
    assert arrival("y", 0) == pytest.approx(arrival("m", 1) - slew * 0.1 / 0.8 + rise)
    # n falls with 0.044: at 60 % it is 0.044 x 0.1 / 0.6 earlier than at 50 %
    seen = 0.044 * 1.6 / 0.6
    early = 0.084 - 0.044 * 0.1 / 0.6
    assert arrival("m", 0) == pytest.approx(early + 0.1 + 0.2 * seen + 0.004)
    # one arc only: the early analysis sees the same
    assert arrival("y", 0, MIN) == pytest.approx(arrival("y", 0))
    end, path = critical_path(timing)
    assert end == "y"
    assert path[-1].arrival_s == pytest.approx(timing.critical_path_s[0])
    assert pin_slacks(timing)[0].min() == pytest.approx(timing.worst_setup_slack_s[0])


def test_checks_and_ports_see_the_voltage_of_their_own_file() -> None:
    library = both(thresholds(20, 80), thresholds(20, 80) + MEETS_ELSEWHERE)
    timing = timed("wire n; INV i (.A(a), .Y(n)); FAR_DFF r (.CK(clk), .D(n), .Q(y));", library)
    # D rises 0.018 earlier at 30 % and falls 0.044 x 0.1 / 0.6 earlier at 60 %
    rise = 0.104 - 0.018 + 0.05 + 0.2 * 0.054
    fall = 0.084 - 0.044 / 6 + 0.06 + 0.2 * 0.044
    setup = timing.check_slack_s[0, timing.graph.check_is_setup] / NS
    assert setup.min() == pytest.approx(5 - max(rise, fall))
    # Q's delays end at 70 and 40 %; a port has 50 %, as the first file does
    plain = timed("wire n; INV i (.A(a), .Y(n)); DFF r (.CK(clk), .D(n), .Q(y));", library)
    net = 2 * timing.netlist.nets_by_name["y"]
    slew = timing.slew_s[MAX, 0, net : net + 2]
    late = timing.arrival_s[MAX, 0, 0, net : net + 2]
    expected = 5 * NS - max(
        late[0] + slew[0] * (0.5 - 0.7) / 0.6, late[1] - slew[1] * (0.5 - 0.4) / 0.6
    )
    assert timing.output_slack_s[MAX, 0, 0] == pytest.approx(expected)
    assert plain.output_slack_s[MAX, 0, 0] == pytest.approx(5 * NS - late.max())


def test_of_several_arcs_the_latest_counts_even_if_it_is_the_steepest() -> None:
    """OpenSTA merges delays of arcs, not slews: a delay that falls with the slew is greatest for
    the arc of least slew."""
    library = both(thresholds(20, 80), thresholds(20, 80) + MEETS_ELSEWHERE)
    timing = timed("wire n; NAND2 g (.A(a), .B(b), .Y(n)); FAR_INV f (.A(n), .Y(y));", library)
    net = 2 * timing.netlist.nets_by_name["n"]
    rise = timing.slew_s[MAX, 0, net] / NS, timing.opposite_slew_s[MAX, 0, net] / NS
    # arcs from A (0.11) and B (0.1): slews are half of that, and 0.004 for the load
    assert rise == pytest.approx((0.059, 0.054))
    fall_slew = 0.2 * 0.059
    expected = 0.11 + 0.004 - 0.054 * 0.2 / 0.6 + 0.08 + fall_slew
    y = 2 * timing.netlist.nets_by_name["y"] + 1
    assert timing.arrival_s[MAX, 0, 0, y] / NS == pytest.approx(expected)


def test_delay_thresholds_survive_saving_and_joining(tmp_path: Path) -> None:
    library = both(thresholds(20, 80), thresholds(20, 80) + MEETS_ELSEWHERE)
    expected = timed(CHAIN, library).critical_path_s
    save_library(library, tmp_path / "a.npz")
    assert timed(CHAIN, load_saved(tmp_path / "a.npz")).critical_path_s == expected
    warm = replace(library, temperature_c=np.array([85.0]))
    assert join_corners([library, warm]).file_thresholds == library.file_thresholds
    with pytest.raises(DesignError, match="they measure slews or delays between other voltages"):
        join_corners([library, replace(warm, file_thresholds=(), file_cells=())])
    with pytest.raises(DesignError, match="one Liberty file cannot state; use the original"):
        export(library.at())


def test_a_file_alone_needs_no_shift() -> None:
    """OpenSTA shifts only between files, whatever one file states."""
    head = thresholds(20, 80) + MEETS_ELSEWHERE
    alone = read_liberty([Path("a.lib")], [with_head(head, liberty_text())])
    assert alone.file_thresholds == ()
    twice = both(head, head)
    assert len(twice.file_thresholds) == 2 and sum(twice.file_cells) == len(twice.cells)


def test_macros_beside_cells_whose_delays_end_elsewhere() -> None:
    size = MacroSize(family="ihp_1p", words=64, bits=16, mask_bits=16)
    text = with_head(thresholds(20, 80) + MEETS_ELSEWHERE, liberty_text(volts=1.2))
    cells = read_liberty([Path("a.lib")], [text])
    library = with_macros(cells, [size])
    assert library.file_thresholds == (
        cells.thresholds,
        Thresholds(lower_frac=(0.1, 0.1), upper_frac=(0.9, 0.9)),
    )
    assert library.file_cells == (len(cells.cells), 1)


@pytest.mark.slow
def test_a_compiled_memory_beside_its_cells(shared: Path) -> None:
    """IHP's cells measure from 20 to 80 %, its memories from 30 to 70 % with a derate of 0.5."""
    cells = next((shared / "pdk/ihp-sg13g2").glob("*typ_1p20V*"))
    memory = next((shared / "pdk/sram").glob("RM_IHPSG13_1P_256x48*"))
    alone, together = read_liberty([memory]), read_liberty([cells, memory])

    def slews(library: CellLibrary) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Slew axis, slews and delays of the arc from the clock to the first data output."""
        arcs, tables = library.arcs, library.tables
        number = library.index[alone.cells[0].name]
        row = int(np.flatnonzero((arcs.cell == number) & (arcs.rise_slew >= 0))[0])
        slew, delay = int(arcs.rise_slew[row]), int(arcs.rise_delay[row])
        axis = int(tables.row_axis[slew])
        span = slice(int(tables.axis_start[axis]), int(tables.axis_start[axis + 1]))
        values = [
            tables.values[0, tables.start[table] : tables.start[table + 1]]
            for table in (slew, delay)
        ]
        return tables.axis_values[0, span], values[0], values[1]

    for one, other, factor in zip(slews(together), slews(alone), (0.75, 0.75, 1), strict=True):
        assert one == pytest.approx(factor * other, rel=1e-12)  # 0.6 / (0.4 / 0.5) = 0.75


def test_a_modelled_macro_has_the_slews_of_the_cells_beside_it() -> None:
    """The model's own slews are 0.8 of a ramp, as the files that it was fitted to state."""
    size = MacroSize(family="ihp_1p", words=64, bits=16, mask_bits=16)
    own = macro_cells([size])
    text = with_head(thresholds(20, 80), liberty_text(volts=1.2))
    library = with_macros(read_liberty([Path("a.lib")], [text]), [size])
    slew = int(own.arcs.rise_slew.max())
    expected = own.tables.values[0, own.tables.start[slew]] * 0.6 / 0.8
    place = library.tables.start[int(library.arcs.rise_slew[-1])]
    assert slew >= 0 and library.tables.values[0, place] == pytest.approx(expected, rel=1e-9)
