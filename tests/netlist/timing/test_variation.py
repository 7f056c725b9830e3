"""Mismatch along paths, against sums by hand, drawn chips, and Liberty variation tables."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from chipdse.errors import DesignError
from chipdse.netlist.library.join import join_corners
from chipdse.netlist.library.liberty.reader import read_liberty
from chipdse.netlist.library.liberty.writer import liberty_text as export
from chipdse.netlist.library.library import EARLY, LATE, CellLibrary
from chipdse.netlist.library.npz import load_saved, save_library
from chipdse.netlist.library.sigmas import knows_mismatch
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.records import Wires
from chipdse.netlist.timing.skewed import Skewed, upper_tail
from chipdse.netlist.timing.timing import MAX, Timing, analyse_timing
from chipdse.netlist.timing.variation import varied_arrivals, vary
from tests.support.netlist_cases import CELLS, liberty_text, netlist_of

NS = 1e-9
DELAY, SLEW = 0.01, 0.004  # standard deviations [ns]


def table(kind: str, value: float, extra: str = "") -> str:
    return f'{kind} (delay) {{ {extra} values ("{value}, {value}", "{value}, {value}"); }}'


def with_deviations(delay: float = DELAY, slew: float = 0.0, extra: str = "") -> CellLibrary:
    """The small library; every delay and every slew has the same standard deviation."""
    added = {
        name: table(f"ocv_sigma_{name}", value, extra)
        for names, value in (
            (("cell_rise", "cell_fall"), delay),
            (("rise_transition", "fall_transition"), slew),
        )
        for name in names
        if value
    }
    text = liberty_text(CELLS)
    for name, group in added.items():
        text = re.sub(rf"(?<!_){name} \(delay\)", f"{group} {name} (delay)", text)
    return read_liberty([Path("a.lib")], [text.encode()])


def chain(library: CellLibrary, length: int) -> Timing:
    nets = ["a", *(f"n{number}" for number in range(1, length)), "y"]
    wires = "".join(f"wire {net}; " for net in nets[1:-1])
    cells = " ".join(
        f"INV i{number} (.A({nets[number]}), .Y({nets[number + 1]}));" for number in range(length)
    )
    netlist = netlist_of(wires + cells, library)
    return analyse_timing(build_timing_graph(netlist, "clk"), library.at(), 5 * NS)


def variance(timing: Timing, sigma: float = 3.0) -> float:
    """Of the later edge of the output [ns²]."""
    arrivals = varied_arrivals(timing, sigma)
    net = timing.netlist.nets_by_name["y"]
    edges = slice(2 * net, 2 * net + 2)
    latest = arrivals.mean_s[MAX, 0, 0, edges].argmax()
    return float(arrivals.variance_s2[MAX, 0, 0, edges][latest]) / NS**2


@pytest.mark.parametrize("length", [1, 2, 9])
def test_deviation_of_equal_stages_grows_with_the_root_of_their_number(length: int) -> None:
    timing = chain(with_deviations(), length)
    assert variance(timing) == pytest.approx(length * DELAY**2, rel=1e-9)


def test_a_slow_edge_delays_the_next_cell() -> None:
    # A delay and a slew follow the slew at the input with 0.2; delay and slew vary as one.
    timing = chain(with_deviations(slew=SLEW), 3)
    first = DELAY + 0.2 * SLEW + 0.2 * 0.2 * SLEW
    second, third = DELAY + 0.2 * SLEW, DELAY
    assert variance(timing) == pytest.approx(first**2 + second**2 + third**2, rel=1e-6)


@pytest.mark.slow
def test_period_of_several_endpoints_is_that_of_the_latest() -> None:
    """Equal endpoints share the failures; drawn chips have the same quantile."""
    library, count = with_deviations(), 8
    wires = "".join(f"wire m{number}; " for number in range(count))
    cells = " ".join(
        f"INV a{n} (.A(a), .Y(m{n})); DFF f{n} (.D(m{n}), .CK(clk), .Q());" for n in range(count)
    )
    timing = analyse_timing(
        build_timing_graph(netlist_of(wires + cells, library), "clk"), library.at(), 5 * NS
    )
    single = chain(library, 1)
    varied = vary(timing, 3.0)
    assert float(varied.min_period_s[0]) > float(timing.min_period_s[0])
    assert 0.9 * count < float(varied.near_critical[0]) < 2.1 * count
    drawn = np.random.default_rng(1).standard_normal((400_000, count)).max(axis=1)
    mean, deviation = float(varied.path_mean_s[0]), float(varied.path_deviation_s[0])
    assert deviation == pytest.approx(DELAY * NS, rel=1e-6)
    ratio = deviation / mean  # without a third moment, delays are log-normal
    needs = Skewed(
        mean=np.array(mean), deviation=np.array(deviation), skew=np.array(3 * ratio + ratio**3)
    )
    kept = 1 - float(upper_tail(np.array([3.0]))[0])
    quantile = float(needs.at(float(np.quantile(drawn, kept))))
    assert float(varied.min_period_s[0]) == pytest.approx(quantile, rel=0.005)
    assert variance(single) == pytest.approx(DELAY**2)


@pytest.mark.parametrize("port_s", [0.0, 2 * NS])
def test_the_wire_to_an_output_port_is_on_the_path(port_s: float) -> None:
    bare = chain(with_deviations(), 2)
    netlist = bare.netlist
    wires = Wires(
        net_capacitance_f=np.zeros(netlist.net_count),
        pin_delay_s=np.zeros(len(netlist.pin_net)),
        port_delay_s=np.full(len(netlist.output_nets), port_s),
    )
    timing = analyse_timing(bare.graph, bare.library, 5 * NS, wires=wires)
    assert timing.min_period_s[0] == pytest.approx(bare.min_period_s[0] + port_s)
    varied = vary(timing, 3.0)
    assert varied.path_mean_s[0] == pytest.approx(timing.min_period_s[0])
    assert varied.path_deviation_s[0] == pytest.approx(math.sqrt(2) * DELAY * NS)


def test_hold_slack_shrinks_with_the_deviations() -> None:
    library = with_deviations()
    timing = chain(library, 3)
    slack_s = float(timing.worst_hold_slack_s[0])
    slacks = [float(vary(timing, sigma).worst_hold_slack_s[0]) for sigma in (1.0, 3.0)]
    assert slack_s > slacks[0] > slacks[1]
    assert slacks[1] == pytest.approx(slack_s - 3 * math.sqrt(3) * DELAY * NS, rel=0.02)


def test_a_library_without_deviations_changes_nothing() -> None:
    library = read_liberty([Path("a.lib")], [liberty_text(CELLS).encode()])
    timing = chain(library, 4)
    assert not knows_mismatch(library)
    assert float(vary(timing, 3.0).min_period_s[0]) == pytest.approx(
        float(timing.min_period_s[0]), rel=1e-9
    )


def test_deviations_survive_files_and_joins(tmp_path: Path) -> None:
    library = with_deviations(slew=SLEW)
    assert library.sigma_tables is not None
    save_library(library, tmp_path / "l.npz")
    stored = load_saved(tmp_path / "l.npz")
    assert np.array_equal(stored.sigma_tables, library.sigma_tables)  # type: ignore[arg-type]
    text = export(library.at(), deviations=True)
    assert text.count("ocv_sigma_cell_rise") == int((library.arcs.kind < 13).sum())
    again = read_liberty([tmp_path / "again.lib"], [text.encode()])
    assert variance(chain(again, 3)) == pytest.approx(variance(chain(library, 3)), rel=1e-9)
    assert "ocv_sigma" not in export(library.at())


def test_early_and_late_deviations_are_told_apart() -> None:
    library = with_deviations(extra='sigma_type : "late";')
    assert library.sigma_tables is not None
    assert (library.sigma_tables[LATE] >= 0).any()
    assert not (library.sigma_tables[EARLY] >= 0).any()
    timing = chain(library, 3)
    assert float(vary(timing, 3.0).worst_hold_slack_s[0]) == pytest.approx(
        float(timing.worst_hold_slack_s[0]), rel=1e-6
    )
    with pytest.raises(DesignError, match="sigma_type 'both'; expected early, late"):
        with_deviations(extra='sigma_type : "both";')


def test_deviations_below_0_and_given_twice_are_refused() -> None:
    with pytest.raises(DesignError, match="a standard deviation is below 0"):
        with_deviations(-0.01)
    groups = " ".join(
        table("ocv_sigma_cell_rise", DELAY, f"sigma_type : {sigma_type};")
        for sigma_type in ("late", "early_and_late")
    )
    text = liberty_text(CELLS).replace("cell_rise (delay)", f"{groups} cell_rise (delay)", 1)
    with pytest.raises(DesignError, match="a table has two tables of its standard deviations"):
        read_liberty([Path("a.lib")], [text.encode()])


def test_corners_with_and_without_deviations_are_not_joined() -> None:
    plain = liberty_text(CELLS, volts=1.2)
    other = read_liberty([Path("b.lib")], [plain.encode()])
    with pytest.raises(DesignError, match="only one states standard deviations"):
        join_corners([with_deviations(), other])


def test_tail_of_the_normal_distribution() -> None:
    deviations = np.linspace(-5, 8, 27)
    exact = [0.5 * math.erfc(value / math.sqrt(2)) for value in deviations.tolist()]
    assert upper_tail(deviations).tolist() == pytest.approx(exact, rel=3e-7)


@pytest.mark.few_cases(1)
@pytest.mark.slow
@pytest.mark.parametrize("skew", [1.0, 0.1, 2.5])
def test_a_shifted_log_normal_variable_has_the_moments_it_is_given(skew: float) -> None:
    needs = Skewed(mean=np.array([2.0]), deviation=np.array([0.6]), skew=np.array([skew]))
    sigmas = np.random.default_rng(2).standard_normal(400_000)
    drawn = np.array([needs.at(sigma)[0] for sigma in np.linspace(-6, 6, 801)])
    drawn = np.interp(sigmas, np.linspace(-6, 6, 801), drawn)
    assert drawn.mean() == pytest.approx(2.0, rel=0.005)
    assert drawn.std() == pytest.approx(0.6, rel=0.02)
    third = float((((drawn - drawn.mean()) / drawn.std()) ** 3).mean())
    assert third == pytest.approx(skew, rel=0.1, abs=0.01)
    assert needs.sigma(float(needs.at(2.5)[0]))[0] == pytest.approx(2.5)


def test_without_constant_it_is_log_normal() -> None:
    # Relative deviation 0.3: skewness 0.3³ + 3 · 0.3; variance of the logarithm ln(1 + 0.09).
    needs = Skewed(mean=np.array([2.0]), deviation=np.array([0.6]), skew=np.array([0.927]))
    spread = math.sqrt(math.log(1.09))
    expected = 2.0 / math.sqrt(1.09) * math.exp(3 * spread)
    assert needs.at(3.0)[0] == pytest.approx(expected)
