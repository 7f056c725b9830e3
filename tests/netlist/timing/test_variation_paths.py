"""Mismatch of whole paths against ngspice with every transistor drawn, and its physics.

`tools/characterise/data/mismatch_paths.json.gz` holds 200 drawn chips per path and supply voltage,
1000 of inverters and full adders at 0.6 V (`python -m tools.characterise paths`): no sensitivity,
no table and no code of chipdse is in them.
"""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.skewed import Skewed
from chipdse.netlist.timing.timing import MAX, Timing, Wires, analyse_timing
from chipdse.netlist.timing.variation import varied_arrivals
from chipdse.netlist.verilog.reader import read_verilog

SAMPLES = Path(__file__).parents[3] / "tools/characterise/data/mismatch_paths.json.gz"
Z_997 = 2.748  # 99.7 % of a normal variable lie below so many deviations
SUPPLIES_V = (1.8, 0.8, 0.6)
PATHS = ("inverters", "gates", "carries")
CASES = [(path, supply_v) for path in PATHS for supply_v in SUPPLIES_V]


@functools.cache
def samples() -> dict[tuple[str, float], dict[str, Any]]:
    with gzip.open(SAMPLES, "rt") as stream:
        return {(each["path"], each["supply_v"]): each for each in json.load(stream)}


@functools.cache
def library(process: str) -> CellLibrary:
    return resolve("sky130").load(process)


def chain(path: str, process: str, supply_v: float) -> Timing:
    """A drawn path as a netlist: wires and input slew as in the simulation."""
    sample = samples()[path, supply_v] if (path, supply_v) in samples() else samples()[path, 1.8]
    cells, known = library(process), sample["steps"]
    lines = []
    for place, step in enumerate(known):
        pins = {step["pin"]: f"n{place}", step["output"]: f"n{place + 1}"}
        pins |= {pin: f"1'b{level}" for pin, level in step["side"].items()}
        ports = ", ".join(f".{pin}({net})" for pin, net in pins.items())
        lines.append(f"sky130_fd_sc_hd__{step['cell']} g{place} ({ports});")
    last = len(known)
    wires = "".join(f"wire n{place}; " for place in range(1, last))
    head = f"module top (n0, n{last}); input n0; output n{last}; {wires}"
    text = "\n".join([head, *lines, "endmodule"])
    netlist = read_verilog(Path("path.v"), cells, text=text)
    return analyse_timing(
        build_timing_graph(netlist),
        cells.at([supply_v], [25.0]),
        1.0,
        input_slew_s=sample["slew_s"],
        wires=Wires(
            net_capacitance_f=np.full(netlist.net_count, sample["wire_f"]),
            pin_delay_s=np.zeros(len(netlist.pin_net)),
        ),
    )


def drawn_edge(path: str) -> int:
    """The edge of the path's end that a rising input causes: 0 rise, 1 fall."""
    inverting = {"inv", "nand2", "nor2", "nand3", "nor3", "a21oi", "o21ai"}
    steps = samples()[path, 1.8]["steps"]
    return sum(step["cell"].rsplit("_", 1)[0] in inverting for step in steps) % 2


def ours(path: str, process: str, supply_v: float) -> tuple[float, float, float, float]:
    """Nominal delay, mean and standard deviation of the drawn edge [s], and its skewness."""
    timing = chain(path, process, supply_v)
    arrivals = varied_arrivals(timing, 3.0)
    end = f"n{len(samples()[path, 1.8]['steps'])}"
    edge = 2 * timing.netlist.nets_by_name[end] + drawn_edge(path)
    assert arrivals.third_s3 is not None
    deviation = float(arrivals.variance_s2[MAX, 0, 0, edge]) ** 0.5
    return (
        float(timing.arrival_s[MAX, 0, 0, edge]),
        float(arrivals.mean_s[MAX, 0, 0, edge]),
        deviation,
        float(arrivals.third_s3[MAX, 0, 0, edge]) / deviation**3,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("path", "supply_v"), CASES)
def test_paths_against_drawn_transistors(path: str, supply_v: float) -> None:
    """Relative to the nominal delay, whose own error is that of the library."""
    sample = samples()[path, supply_v]
    delays = np.array(sample["delays_s"]) / sample["nominal_s"]
    nominal, mean, deviation, skew = ours(path, "typical", supply_v)
    assert len(delays) >= 200
    assert deviation / nominal == pytest.approx(delays.std(ddof=1), rel=0.15)
    distribution = Skewed(
        mean=np.array([mean / nominal]),
        deviation=np.array([deviation / nominal]),
        skew=np.array([skew]),
    )
    point = float(distribution.at(Z_997)[0])
    assert point == pytest.approx(float(np.quantile(delays, 0.997)), rel=0.10)


@pytest.mark.parametrize("path", ["inverters", "carries"])
def test_slow_chips_are_further_from_the_mean_than_fast_ones(path: str) -> None:
    """At 0.6 V single weak transistors decide a cell: the third moment of 1000 chips."""
    sample = samples()[path, 0.6]
    delays = np.array(sample["delays_s"]) / sample["nominal_s"]
    drawn = float((((delays - delays.mean()) / delays.std()) ** 3).mean())
    assert ours(path, "typical", 0.6)[3] == pytest.approx(drawn, rel=0.35)


@pytest.mark.parametrize("supply_v", [0.8, 0.6])
def test_the_mean_chip_is_slower_than_the_nominal_one(supply_v: float) -> None:
    """Near threshold: by log-normal delays, and by the slews that these give the next cells."""
    sample = samples()["inverters", supply_v]
    nominal, mean, _, _ = ours("inverters", "typical", supply_v)
    drawn = np.mean(sample["delays_s"]) / sample["nominal_s"] - 1
    assert mean / nominal - 1 == pytest.approx(float(drawn), rel=0.25)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("process", ["typical", "slow", "fast"])
@pytest.mark.parametrize("path", PATHS)
def test_mismatch_grows_as_the_supply_falls(path: str, process: str) -> None:
    relative = []
    for supply_v in (1.8, 1.4, 1.2, 1.0, 0.9, 0.8, 0.7):
        nominal, _, deviation, _ = ours(path, process, supply_v)
        relative.append(deviation / nominal)
    assert relative == sorted(relative)
    assert relative[-1] > 4 * relative[0]
