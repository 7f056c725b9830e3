"""Glitches against Icarus with the same delay on every pin of every instance."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

import numpy as np
import pytest
from timed_designs import DESIGNS, FIRST_CYCLE, TimedDesign, make_design
from timed_icarus import toggles

from chipdse.netlist.cache import load_library
from chipdse.netlist.library import OperatingLibrary
from chipdse.netlist.timed_replay import FINEST_RESOLUTION_S, timed_replay
from chipdse.technology.libraries import liberty_files_for_synthesis, resolve

CYCLES = 60
IHP = "pdk/ihp-sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz"

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest):
    """Mapped, recorded and simulated designs by name and library, made when first asked for."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")

    @functools.cache
    def made(name: str, library: str) -> tuple[TimedDesign, np.ndarray]:
        folder = tmp_path_factory.mktemp(f"{name}_{library}")
        operating: OperatingLibrary
        if library == "sky130":
            entry = resolve("sky130")
            operating = entry.load().at(1.8, 25.0)
            files = liberty_files_for_synthesis(entry, folder / "library")
        else:
            files = [Path(request.getfixturevalue("shared")) / IHP]
            operating = load_library(files).at()
        design = make_design(folder, DESIGNS[name], operating, files, cycles=CYCLES + 5)
        trace, _ = design.simulate(CYCLES)
        return design, toggles(trace, design.timing.netlist.net_count)

    return made


@pytest.mark.parametrize("library", ["sky130", "ihp"])
@pytest.mark.parametrize("name", list(DESIGNS))
def test_as_icarus_with_the_same_delays(designs, name: str, library: str) -> None:
    design, reference = designs(name, library)
    timing = design.timing
    reference[:2] = 0
    logic = timing.graph.clock.polarity == 0
    capacitance = timing.load_f[0].reshape(-1, 2).max(axis=1)[logic]
    replayed = design.replayed(CYCLES)

    def deviation(resolution_s: float | None) -> tuple[float, float, float, float]:
        """Of all toggles and switched capacitance, correlation by net, share of equal nets."""
        found = timed_replay(
            timing,
            design.recording,
            design.registers,
            replayed,
            first_cycle=FIRST_CYCLE,
            cycles=CYCLES,
            sampled=None,
            resolution_s=resolution_s,
        )
        ours, theirs = found.total.toggles[logic], reference[logic]
        return (
            abs(ours.sum() / theirs.sum() - 1),
            abs((ours @ capacitance) / (theirs @ capacitance) - 1),
            float(np.corrcoef(ours, theirs)[0, 1]),
            float((ours == theirs).mean()),
        )

    zero_delay = replayed.activity.toggles[logic].sum() / reference[logic].sum()
    assert zero_delay < 0.85  # there is something to find
    # In femtoseconds nothing is rounded; what differs is the order of changes at one instant.
    count, charge, correlation, equal = deviation(1e-15)
    assert count < 3e-4 and charge < 3e-4 and correlation > 0.9999 and equal > 0.85
    count, charge, correlation, _ = deviation(FINEST_RESOLUTION_S)
    assert count < 0.005 and charge < 0.005 and correlation > 0.99
    count, charge, correlation, _ = deviation(None)  # what sweeps use
    assert count < 0.02 and charge < 0.02 and correlation > 0.99
