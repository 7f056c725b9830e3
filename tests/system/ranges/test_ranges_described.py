"""Systems described die by die under ranges: equal to those of a sweep, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest import approx

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.described import from_block
from chipdse.system.parameters import PackageParameters
from chipdse.system.ranges.described_system import described_ranges
from chipdse.system.ranges.draws import Systems
from chipdse.system.ranges.factored import values_of
from chipdse.system.ranges.inputs import sample
from chipdse.system.ranges.statistics import interval
from tests.support.system_cases import block

SYSTEMS = Path(__file__).parents[3] / "sweeps/systems"


@pytest.mark.slow
def test_it_is_the_range_of_the_same_system_in_a_sweep() -> None:
    package = PackageParameters(
        arrangement="silicon_interposer", chiplets=4, tiles=20000, node_nm=7, link="ucie_advanced"
    )
    measured = block(leakage_power_w=0.0)
    described = described_ranges(from_block(measured, package), 64)
    swept = Systems.of(BlockPoints.of([measured]), PackageColumns.of([package]))
    inputs = swept.inputs()
    assert [each.name for each in described.inputs] == [each.name for each in inputs]
    names = ("cost_usd", "die_yield_frac", "link_power_w", "power_w", "embodied_kgco2e")
    values, _ = values_of(swept, inputs, sample(inputs, 64), names)
    for name in names:
        low, high = interval(values[name])
        assert (described.low[name], described.high[name]) == approx((low[0], high[0]), rel=1e-9)
        assert described.low[name] < described.high[name]


@pytest.mark.slow
def test_the_command_prints_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    system = str(SYSTEMS / "two_chiplets.toml")
    assert main(["package", system, "--ranges", "--draws", "64"]) == 0
    out = capsys.readouterr().out
    assert "90 % intervals of 64 draws" in out and "source of yields and prices" in out
    assert main(["package", system, system, "--ranges", "--draws", "64", "--json"]) == 0
    documents = json.loads(capsys.readouterr().out)
    for document in documents:
        ranges = document["ranges"]
        assert ranges["draws"] == 64
        assert ranges["low"]["cost_usd"] <= document["metrics"]["cost_usd"]
        assert ranges["low"]["total_kgco2e"] < ranges["high"]["total_kgco2e"]
    assert main(["package", system, "--json"]) == 0
    assert "ranges" not in json.loads(capsys.readouterr().out)


def test_what_cannot_be_ranged_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    system = str(SYSTEMS / "two_chiplets.toml")
    assert main(["package", system, "--ranges", "--draws", "8"]) == 2
    assert "draws=8 must be from 64" in capsys.readouterr().err
    assert main(["package", system, system, "--ranges"]) == 2
    assert "--ranges of several systems needs --json" in capsys.readouterr().err
    with pytest.raises(DesignError, match="draws=100000"):
        described_ranges(from_block(block(), PackageParameters()), 100_000)
