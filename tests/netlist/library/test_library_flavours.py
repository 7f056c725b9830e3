"""Threshold flavours as an axis: the user's own libraries, added by name, swept like any other."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import kernels
from tests.support.small_sweep import call

pytestmark = pytest.mark.tools

CHIPDSE = (sys.executable, "-c", "import sys, chipdse.cli; sys.exit(chipdse.cli.main())")
SWEEP = """
block = "mac_array"
[hardware]
rows = 1
columns = 1
operand_bits = 4
accumulator_bits = 12
[workload]
length = 32
depth = 8
[library]
name = {names}
[operating]
clock_frac = [0.001, 1.0]
[package]
die_overhead_frac = 4.0
[objectives]
block_energy_per_op_j = "minimize"
block_throughput_ops_per_s = "maximize"
[search]
trials = {trials}
sampler = "grid"
harvest = false
"""


class Person:
    """Somebody with the program, a configuration of their own, and Liberty files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sweeps(self, names: list[str]) -> dict[tuple[str, float], dict[str, Any]]:
        """Every point of the sweep by library and clock."""
        file = self.folder / "flavours.toml"
        file.write_text(SWEEP.format(names=json.dumps(names), trials=2 * len(names)))
        quiet = ("--workers", "1", "--no-report")
        words = [*CHIPDSE, "sweep", str(file), "--study", str(self.folder / "study"), *quiet]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with (self.folder / "study" / "points.csv").open() as stream:
            rows = list(csv.DictReader(stream))
        return {(row["library"], float(row["clock_frac"])): row for row in rows}


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setenv("CHIPDSE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(tmp_path / "cache")))
    return Person(tmp_path)


def test_what_a_threshold_buys(person: Person, shared: Path) -> None:
    """From high to low threshold: faster, leakier; neither end is beaten by the other."""
    flavours = [f"gt2n_{vt}" for vt in ("hvt", "lvt", "ulvt")]
    for name in flavours:
        file = shared / "pdk" / "gt2n" / f"gt2_6t_w31_{name[5:]}_tt_0p7v25c.lib.gz"
        added = call("library", "add", name, file, "--node", "2nm")
        assert added.stdout == f"{name}: 72 cells, typical: 0.7 V 25 °C\n"
    points = person.sweeps(flavours)
    assert len(points) == 6

    def of(quantity: str, clock_frac: float) -> list[float]:
        return [float(points[name, clock_frac][quantity]) for name in flavours]

    assert {float(row["vdd_v"]) for row in points.values()} == {0.7}  # each its own nominal one
    delay, leakage = of("critical_path_s", 1.0), of("block_leakage_power_w", 1.0)
    assert delay == sorted(delay, reverse=True)
    assert leakage == sorted(leakage)
    assert leakage[-1] > 100 * leakage[0]
    # slow clocks: energy is leakage; full clock: the highest threshold takes least energy, the
    # lowest is fastest (those between depend on how lucky the mapping of so small a block is)
    slow, full = of("block_energy_per_op_j", 0.001), of("block_energy_per_op_j", 1.0)
    assert slow == sorted(slow)
    assert slow[-1] > 10 * slow[0]
    assert min(full) == full[0]
    assert max(full) < 1.5 * full[0]
    front = {name for (name, _), row in points.items() if row["on_front"] == "True"}
    assert {"gt2n_hvt", "gt2n_ulvt"} <= front


def test_a_node_nobody_stated_is_asked_for(person: Person, shared: Path) -> None:
    file = shared / "pdk" / "gt2n" / "gt2_6t_w31_svt_tt_0p7v25c.lib.gz"
    call("library", "add", "nodeless", file)
    sweep = person.folder / "nodeless.toml"
    sweep.write_text(SWEEP.format(names='"nodeless"', trials=2))
    done = call("sweep", sweep, code=2)
    assert "library 'nodeless'" in done.stderr
    assert "library add nodeless FILE... --node 7nm --replace" in done.stderr
