"""Power by hand, by brute force over states, and its invariants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.cells import cell_power
from chipdse.netlist.power.modules import assign_modules
from chipdse.netlist.power.power import Power, analyse_power
from chipdse.netlist.power.states import independent_probabilities, independent_states
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from tests.support.netlist_cases import CELLS, liberty_text, netlist_of, tiny_library

NS, FF, NW = 1e-9, 1e-15, 1e-9
PERIOD = 10 * NS

# AND2 with everything power has: energies in pJ (V² * pF), over slew 0 and 1 ns.
_ENERGY = (
    'rise_power (energy) {{ values ("{0}, {1}"); }} fall_power (energy) {{ values ("{2}, {3}"); }}'
)
AND2 = f"""
  cell (AND2) {{
    area : 3; cell_leakage_power : 9;
    leakage_power () {{ when : "A&B"; value : 7; }}
    leakage_power () {{ when : "!A&B"; value : 5; }}
    leakage_power () {{ when : "!B"; value : 2; }}
    pin (A) {{ direction : input; capacitance : 0.002;
      internal_power () {{ when : "!B"; {_ENERGY.format(0.001, 0.003, 0.002, 0.004)} }}
      internal_power () {{ when : "Y"; {_ENERGY.format(0.01, 0.01, 0.01, 0.01)} }} }}
    pin (B) {{ direction : input; capacitance : 0.002; }}
    pin (Y) {{ direction : output; function : "A&B"; capacitance : 0.0005;
      timing () {{ related_pin : "A"; timing_sense : positive_unate;
        cell_rise (scalar) {{ values ("0.1"); }} rise_transition (scalar) {{ values ("0.5"); }}
        cell_fall (scalar) {{ values ("0.1"); }} fall_transition (scalar) {{ values ("0.25"); }} }}
      timing () {{ related_pin : "B"; timing_sense : positive_unate;
        cell_rise (scalar) {{ values ("0.1"); }} rise_transition (scalar) {{ values ("0.5"); }}
        cell_fall (scalar) {{ values ("0.1"); }} fall_transition (scalar) {{ values ("0.25"); }} }}
      internal_power () {{ related_pin : "A"; {_ENERGY.format(0.02, 0.04, 0.03, 0.05)} }}
      internal_power () {{ related_pin : "B"; {_ENERGY.format(0.06, 0.06, 0.08, 0.08)} }} }}
  }}
"""
LIBRARY = tiny_library(liberty_text(CELLS + AND2))


def activity(netlist: Netlist, **nets: tuple[float, float]) -> Activity:
    """Toggles per cycle and duty of nets by name; everything else is quiet."""
    toggles, high = np.zeros(netlist.net_count), np.zeros(netlist.net_count)
    for name, (rate, duty) in nets.items():
        toggles[netlist.nets_by_name[name]] = rate * 100
        high[netlist.nets_by_name[name]] = duty
    return Activity(
        toggles=toggles,
        high_fraction=high,
        annotated=np.ones(netlist.net_count, dtype=bool),
        cycles=100,
        duration_s=100 * PERIOD,
        origin="replay",
    )


def power_of(netlist: Netlist, nets: Activity, clock: str | None = None, **more: object) -> Power:
    graph = build_timing_graph(netlist, clock)
    timing = analyse_timing(graph, netlist.library.at(), PERIOD, output_load_f=3 * FF)
    return analyse_power(timing, nets, **more)  # type: ignore[arg-type]


def test_every_term_by_hand() -> None:
    netlist = netlist_of(
        "wire n; AND2 g (.A(a), .B(b), .Y(n)); AND2 h (.A(n), .B(b), .Y(y));", LIBRARY
    )
    nets = activity(netlist, a=(0.4, 0.5), b=(0.2, 0.25), n=(0.1, 0.125), y=(0.05, 0.1))
    power = power_of(netlist, nets, state_probability="independent")
    hz = 1 / PERIOD
    # switching: n has h/A (2 fF) and g/Y itself (0.5 fF); y has the load (3 fF) and h/Y
    assert power.switching_w[0] == pytest.approx(
        [0.5 * 2.5 * FF * 0.1 * hz, 0.5 * 3.5 * FF * 0.05 * hz]
    )
    # leakage, cell g: 7 P(A&B) + 5 P(!A&B) + 2 P(!B); the three conditions leave nothing over
    assert power.leakage_w[0, 0] == pytest.approx((7 * 0.125 + 5 * 0.125 + 2 * 0.75) * NW)
    # internal of g, slews 0 at the ports. Pin A: mean 1.5 fJ * P(!B) + 10 fJ * P(dY/dA = B)
    pin_a = 0.4 * hz * (1.5 * FF * 0.75 + 10 * FF * 0.25)
    # Pin Y: A has D 0.4 * P(B) = 0.1, B has 0.2 * P(A) = 0.1: half and half of 25 and 70 fJ
    pin_y = 0.1 * hz * (0.5 * 25 * FF + 0.5 * 70 * FF)
    assert power.internal_w[0, 0] == pytest.approx(pin_a + pin_y)
    # h/A has slews 0.5 (rise) and 0.25 (fall): 1 + 2 * 0.5, 2 + 2 * 0.25; 20 + 20 * 0.5, 30 + ...
    pin_a = 0.1 * hz * ((2 + 2.5) / 2 * FF * 0.75 + 10 * FF * 0.25)
    share = 0.1 * 0.25 / (0.1 * 0.25 + 0.2 * 0.125)
    pin_y = 0.05 * hz * (share * (30 + 35) / 2 * FF + (1 - share) * 70 * FF)
    assert power.internal_w[0, 1] == pytest.approx(pin_a + pin_y)


def test_exact_states_equal_counting_the_states() -> None:
    # b follows a most of the time, so that independence is badly wrong
    random = np.random.default_rng(7)
    a = random.random(4000) < 0.5
    b = np.where(random.random(4000) < 0.9, a, ~a)
    counted = np.mean(np.where(b, np.where(a, 7.0, 5.0), 2.0)) * NW
    netlist = netlist_of("AND2 g (.A(a), .B(b), .Y(y));", LIBRARY)
    nets = activity(netlist, a=(0.4, a.mean()), b=(0.4, b.mean()), y=(0.3, (a & b).mean()))
    states = np.bincount(a + 2 * b, minlength=4)[None, :] / 4000
    exact = Activity(**(vars(nets) | {"states": {LIBRARY.index["AND2"]: states}}))
    joint = power_of(netlist, exact)
    assert joint.leakage_w[0, 0] == pytest.approx(counted, rel=1e-12)
    independent = power_of(netlist, exact, state_probability="independent")
    assert abs(independent.leakage_w[0, 0] / counted - 1) > 0.05
    # with independent states as the joint ones, both agree
    product = independent_states(np.array([[a.mean(), b.mean()]]))
    same = Activity(**(vars(nets) | {"states": {LIBRARY.index["AND2"]: product}}))
    np.testing.assert_allclose(power_of(netlist, same).leakage_w, independent.leakage_w)
    np.testing.assert_allclose(power_of(netlist, same).internal_w, independent.internal_w)


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_probabilities_are_probabilities(high: list[float]) -> None:
    power = cell_power(LIBRARY, LIBRARY.index["AND2"])
    chance = independent_probabilities(power, np.array([high]))[0]
    assert ((chance >= 0) & (chance <= 1 + 1e-12)).all()
    brute = np.zeros(len(power.expressions))
    for state in range(8):
        bits = [bool(state >> place & 1) for place in range(3)]
        weight = np.prod([p if bit else 1 - p for p, bit in zip(high, bits, strict=True)])
        values = dict(zip("ABY", bits, strict=True))
        for column, expression in enumerate(power.expressions):
            text = str(expression)
            for old, new in (("!", " not "), ("&", " and "), ("|", " or "), ("^", " != ")):
                text = text.replace(old, new)
            brute[column] += weight * bool(eval(text, {}, values))
    assert chance == pytest.approx(brute)


def test_quiet_nets_cost_only_leakage_and_power_is_additive() -> None:
    netlist = netlist_of("wire n; AND2 g (.A(a), .B(b), .Y(n)); INV h (.A(n), .Y(y));", LIBRARY)
    quiet = power_of(netlist, activity(netlist))
    assert quiet.internal_w.sum() == 0 and quiet.switching_w.sum() == 0
    assert quiet.leakage_w[0].tolist() == pytest.approx([2 * NW, NW])
    busy = power_of(netlist, activity(netlist, a=(1, 0.5), n=(0.5, 0.5), y=(0.5, 0.5)))
    groups = busy.by_group()
    total = sum(float(watts[0]) for kinds in groups.values() for watts in kinds.values())
    assert total == pytest.approx(busy.total_w[0])
    twice = power_of(netlist, activity(netlist, a=(2, 0.5), n=(1, 0.5), y=(1, 0.5)))
    assert twice.internal_w == pytest.approx(2 * busy.internal_w)


def test_density_is_limited_by_the_slew() -> None:
    slow = tiny_library(liberty_text(CELLS.replace('"0.05, 2.05"', '"40, 40"')))
    netlist = netlist_of("INV g (.A(a), .Y(y));", slow)
    nets = activity(netlist, a=(2, 0.5), y=(2000, 0.5))
    power = power_of(netlist, nets)
    # y: fall slew 0.04 + 2 * 0.003 ns is the shorter; 1 / 46 ps is less than 2000 per 10 ns
    assert power.limited_nets[0] == 1
    assert power.switching_w[0, 0] == pytest.approx(0.5 * 3 * FF / (0.046 * NS))


def test_a_density_that_was_limited_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nets = "(NET (a (T0 50) (T1 50) (TC 20)) (y (T0 50) (T1 50) (TC {})))"
    module = "module top (a, y); input a; output y; INV g (.A(a), .Y(y)); endmodule"
    library = liberty_text(CELLS.replace('"0.05, 2.05"', '"40, 40"'))
    command = ["power", str(tmp_path / "n.v"), "--trace", str(tmp_path / "t.saif"), "--scope",
               "top", "--liberty", str(tmp_path / "t.lib"), "--clock", "10ns"]  # fmt: skip
    (tmp_path / "n.v").write_text(module)
    (tmp_path / "t.lib").write_text(library)
    said = []
    for toggles in (20, 20_000):
        saif = f"(SAIFILE (TIMESCALE 1 ns) (DURATION 100) (INSTANCE top {nets.format(toggles)}))"
        (tmp_path / "t.saif").write_text(saif)
        assert main(command) == 0
        said.append(capsys.readouterr().out)
    assert "more often than once per slew" not in said[0]
    assert "1 nets change more often than once per slew of their signal" in said[1]
    assert main([*command, "--modules", "-3"]) == 2
    assert "--modules -3 is no depth; use 0 or more" in capsys.readouterr().err


def test_the_clock_and_its_pins() -> None:
    energy = "internal_power () { " + _ENERGY.format(0.004, 0.004, 0.002, 0.002) + " }"
    library = tiny_library(
        liberty_text(CELLS.replace("capacitance : 0.001; clock : true;",
                                   "capacitance : 0.001; clock : true; " + energy))
    )  # fmt: skip
    netlist = netlist_of("DFF r (.CK(clk), .D(a), .Q(y));", library)
    power = power_of(netlist, activity(netlist), "clk")
    # 2 transitions a period of 3 fJ on average, whatever the waveform says of the clock
    assert power.clock_pin_w[0, 0] == pytest.approx(2 / PERIOD * 3 * FF)
    assert power.by_group()["sequential"]["internal_w"] == pytest.approx(2 / PERIOD * 3 * FF)


def test_too_little_activity_is_refused_then_estimated() -> None:
    body = (
        "wire n, m; DFF r (.CK(clk), .D(m), .Q(n)); AND2 g (.A(a), .B(n), .Y(m));"
        "INV h (.A(m), .Y(y));"
    )
    netlist = netlist_of(body, LIBRARY)
    nets = activity(netlist, a=(0.5, 0.5))
    known = np.zeros(netlist.net_count, dtype=bool)
    known[[netlist.nets_by_name["a"], netlist.nets_by_name["clk"]]] = True
    partial = Activity(**(vars(nets) | {"annotated": known, "origin": "propagated"}))
    with pytest.raises(DesignError, match=r"only 40.0% of the nets have activity.*--allow-unanno"):
        power_of(netlist, partial, "clk")
    power = power_of(netlist, partial, "clk", allow_unannotated=True)
    assert power.annotated_fraction == pytest.approx(0.4)
    # n = a & n in equilibrium: never high again, so nothing moves
    assert power.switching_w[0].max() < 2e-9


def test_estimated_density_by_hand() -> None:
    netlist = netlist_of(
        "wire n; AND2 g (.A(a), .B(b), .Y(n)); XOR2 h (.A(n), .B(a), .Y(y));", LIBRARY
    )
    nets = activity(netlist, a=(0.4, 0.5), b=(0.2, 0.25))
    known = np.zeros(netlist.net_count, dtype=bool)
    known[[netlist.nets_by_name["a"], netlist.nets_by_name["b"]]] = True
    partial = Activity(**(vars(nets) | {"annotated": known, "origin": "propagated"}))
    power = power_of(netlist, partial, allow_unannotated=True)
    n = 0.4 * 0.25 + 0.2 * 0.5
    loads = [(4 + 0.5) * FF, 3 * FF]  # h/A and g/Y; the output load
    expected = [0.5 * loads[0] * n / PERIOD, 0.5 * loads[1] * (n + 0.4) / PERIOD]
    assert power.switching_w[0] == pytest.approx(expected)


def test_a_gated_clock_is_estimated_from_its_enable() -> None:
    netlist = netlist_of(
        "wire g; GATE c (.CK(clk), .EN(a), .GCK(g)); DFF r (.CK(g), .D(b), .Q(y));", LIBRARY
    )
    nets = activity(netlist, a=(0.2, 0.25), b=(0.5, 0.5))
    known = np.zeros(netlist.net_count, dtype=bool)
    known[[netlist.nets_by_name["a"], netlist.nets_by_name["b"]]] = True
    partial = Activity(**(vars(nets) | {"annotated": known, "origin": "propagated"}))
    power = power_of(netlist, partial, "clk", allow_unannotated=True)
    # 2 per cycle times P(EN), and the enable's own moves while the clock is high
    moves = 2 * 0.25 + 0.2 * 0.5
    assert power.switching_w[0, 0] == pytest.approx(0.5 * 1 * FF * moves / PERIOD)
    # y: 0.5 toggles per cycle, at most 2 p (1 - p) of its clock's
    assert power.switching_w[0, 1] == pytest.approx(0.5 * 3 * FF * 0.5 * moves / PERIOD)


def test_another_period_and_other_mistakes_are_refused() -> None:
    netlist = netlist_of("DFF r (.CK(clk), .D(a), .Q(y));", LIBRARY)
    nets = Activity(**(vars(activity(netlist, clk=(4, 0.5))) | {"origin": "vcd"}))
    with pytest.raises(DesignError, match="'clk' of the waveform has a period of 5 ns"):
        power_of(netlist, nets, "clk")
    with pytest.raises(DesignError, match="use 'joint' or 'independent'"):
        power_of(netlist, activity(netlist), "clk", state_probability="none")
    other = netlist_of("INV g (.A(a), .Y(y));", LIBRARY)
    with pytest.raises(DesignError, match="belongs to another netlist"):
        power_of(netlist_of("wire n; INV g (.A(a), .Y(n)); INV h (.A(n), .Y(y));", LIBRARY),
                 activity(other))  # fmt: skip


def test_modules_by_name_and_by_what_cells_feed() -> None:
    body = r"""
    wire \core.adder.sum[0] , \core.count , n, m, k;
    DFF ff_1 (.CK(clk), .D(n), .Q(\core.adder.sum[0] ));
    DFF ff_2 (.CK(clk), .D(k), .Q(\core.count ));
    AND2 _1_ (.A(a), .B(m), .Y(n));
    INV _2_ (.A(b), .Y(m));
    AND2 _3_ (.A(m), .B(\core.count ), .Y(k));
    INV \io.buffer (.A(\core.adder.sum[0] ), .Y(y));
    """
    netlist = netlist_of(body, LIBRARY)
    modules = assign_modules(build_timing_graph(netlist, "clk"))
    found = dict(zip(netlist.cell_names, (modules.names[i] for i in modules.of_cell), strict=True))
    assert found["ff_1"] == "core.adder" and found["ff_2"] == "core" and found["io.buffer"] == "io"
    assert found["_1_"] == "core.adder" and found["_3_"] == "core"
    assert found["_2_"] in ("core", "core.adder")  # it feeds one cell of each
    power = power_of(netlist, activity(netlist, a=(1, 0.5)), "clk")
    parts = modules.power(power)
    whole = sum(float(watts[0]) for kinds in parts.values() for watts in kinds.values())
    assert whole == pytest.approx(power.total_w[0])
    assert set(modules.at_depth(1).names) == {"", "core", "io"}
