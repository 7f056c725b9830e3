"""Glitches against Icarus with the same delay on every pin of every instance."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import numpy as np
import pytest
from amaranth.back import rtlil
from chipdse_hdl.fft import Fft, FftParameters
from chipdse_hdl.mac_array import MacArray, MacArrayParameters

from chipdse.netlist.activity.glitches.drawn import glitches_of_cycles
from chipdse.netlist.activity.glitches.replay import (
    FINEST_RESOLUTION_S,
    TimedActivity,
)
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_files_for_synthesis
from chipdse.netlist.library.library import OperatingLibrary
from tests.support.designs.timed import DESIGNS, FIRST_CYCLE, TimedDesign, make_design
from tests.support.timed_icarus import toggles, toggles_by_cycle

CYCLES = 60
IHP = "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz"

# Blocks that ship, small.
BLOCKS = {
    "mac_array": MacArray(MacArrayParameters(rows=2, columns=2)),
    "fft": Fft(FftParameters(points=4, data_bits=6, twiddle_bits=6)),
}

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest):
    """Mapped and recorded designs by name and library, made when first asked for."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")

    @functools.cache
    def made(name: str, library: str) -> TimedDesign:
        folder = tmp_path_factory.mktemp(f"{name}_{library}")
        operating: OperatingLibrary
        if library == "sky130":
            entry = resolve("sky130")
            operating = entry.load().at(1.8, 25.0)
            files = liberty_files_for_synthesis(entry, folder / "library")
        else:
            files = [Path(request.getfixturevalue("shared")) / IHP]
            operating = load_library(files).at()
        if name in BLOCKS:
            source = rtlil.convert(BLOCKS[name], name="top", emit_src=False)
        else:
            source = DESIGNS[name]
        return make_design(folder, source, operating, files, cycles=CYCLES + 5)

    return made


def icarus(design: TimedDesign) -> np.ndarray:
    """Transitions of every net."""
    found = toggles(design.simulate(CYCLES)[0], design.timing.netlist.net_count)
    found[:2] = 0
    return found


def counted(design: TimedDesign, resolution_s: float | None, **options) -> TimedActivity:
    return design.timed(CYCLES, sampled=None, resolution_s=resolution_s, **options)


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("library", ["sky130", "ihp"])
@pytest.mark.parametrize("name", list(DESIGNS))
def test_as_icarus_with_the_same_delays(designs, name: str, library: str) -> None:
    design = designs(name, library)
    timing, reference = design.timing, icarus(design)
    logic = timing.graph.clock.polarity == 0
    capacitance = timing.load_f[0].reshape(-1, 2).max(axis=1)[logic]

    def deviation(resolution_s: float | None) -> tuple[float, float, float, float]:
        """Of all toggles and switched capacitance, correlation by net, share of equal nets."""
        ours = counted(design, resolution_s).total.toggles[logic]
        theirs = reference[logic]
        return (
            abs(ours.sum() / theirs.sum() - 1),
            abs((ours @ capacitance) / (theirs @ capacitance) - 1),
            float(np.corrcoef(ours, theirs)[0, 1]),
            float((ours == theirs).mean()),
        )

    zero_delay = design.replayed(CYCLES).activity.toggles[logic].sum() / reference[logic].sum()
    assert zero_delay < 0.85  # there is something to find
    # In femtoseconds nothing is rounded; what differs is the order of changes at one instant.
    count, charge, correlation, equal = deviation(1e-15)
    assert count < 3e-4 and charge < 3e-4 and correlation > 0.9999 and equal > 0.85
    count, charge, correlation, _ = deviation(FINEST_RESOLUTION_S)
    assert count < 0.005 and charge < 0.005 and correlation > 0.99
    count, charge, correlation, _ = deviation(None)  # what sweeps use
    assert count < 0.02 and charge < 0.02 and correlation > 0.99


@pytest.mark.few_cases(1)
@pytest.mark.parametrize("library", ["sky130", "ihp"])
@pytest.mark.parametrize("name", ["array", "butterfly", "mac_array", "fft"])
def test_as_icarus_with_each_wire_an_element_of_its_own(designs, name: str, library: str) -> None:
    # In Icarus the wire to each pin is a transport delay before the cell, and the cell has its
    # own delay alone; with wires no two changes share a femtosecond, so every net is equal.
    design = designs(name, library).placed()
    timing, reference = design.timing, icarus(design)
    assert timing.wires.pin_delay_s.max() > 50e-12  # a buffer's delay where the net has buffers
    logic = timing.graph.clock.polarity == 0
    for engine in ("compiled", "python"):
        found = counted(design, 1e-15, engine=engine)
        assert (found.total.toggles[logic] == reference[logic]).all()
    late = timing.arrival_s[0, :, 0].max(axis=0).reshape(-1, 2).max(axis=1)
    moved = found.latest_s > 0
    assert (found.latest_s[moved] < late[moved] + 20e-15).all()  # 20 cells deep, rounded
    for resolution_s, most in ((FINEST_RESOLUTION_S, 0.005), (None, 0.02)):
        ours = counted(design, resolution_s).total.toggles[logic]
        assert abs(ours.sum() / reference[logic].sum() - 1) < most


@pytest.mark.few_cases(1)
@pytest.mark.parametrize(("name", "library"), [("array", "sky130"), ("butterfly", "ihp")])
def test_single_cycles_as_icarus(designs, name: str, library: str) -> None:
    """Of the transitions of a net in a cycle all are glitches but one, if their number is odd."""
    design = designs(name, library).placed()
    timing = design.timing
    period_fs = round(float(timing.clock_period_s[0]) * 1e15)
    edges = [period_fs * 3 // 2 + period_fs * (FIRST_CYCLE + n) for n in range(CYCLES + 1)]
    reference = toggles_by_cycle(design.simulate(CYCLES)[0], timing.netlist.net_count, edges)
    drawn = np.arange(0, CYCLES, 7)
    logic = timing.graph.clock.polarity == 0
    logic[:2] = False
    expected = (reference[drawn] // 2 * 2)[:, logic]
    assert (expected.sum(axis=1) > 0).sum() > len(drawn) // 2

    def found(resolution_s: float | None) -> np.ndarray:
        run = design.timing, design.recording, design.plan, FIRST_CYCLE + drawn
        return glitches_of_cycles(*run, resolution_s=resolution_s)[:, logic]

    assert (found(1e-15) == expected).all()
    # Charge of each cycle, all its transitions, at the resolution of a trace.
    capacitance = timing.load_f[0].reshape(-1, 2).max(axis=1)[logic]
    charge = reference[drawn][:, logic] @ capacitance
    error = (found(None) - expected) @ capacitance
    assert abs(error.sum() / charge.sum()) < 0.02
    assert (np.abs(error) < 0.1 * charge).all()
