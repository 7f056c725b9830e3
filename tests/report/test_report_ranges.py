"""The front of a real study under ranges, by the commands that print it."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.store.store import Store, default_store
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results.points import points_table
from chipdse.study.results.ranges import ranges_of
from chipdse.study.storage.folder import open_study
from chipdse.technology.own_figures import USER

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("coarse_temperatures")]

SWEEP = """
block = "mac_array"
[hardware]
rows = 1
columns = 1
operand_bits = 2
accumulator_bits = 10
signed = false
[workload]
length = 32
depth = 8
[library]
name = "sky130"
[physical]
wires = "none"
[package]
arrangement = ["monolithic", "organic", "silicon_interposer"]
chiplets = [1, 4]
tiles = [400000, 410000]
node_nm = 7
link = "ucie_advanced"
[constants]
cost.wafer_price.n7 = "9000 USD (7000 to 12000) from a quote"
[objectives]
total_cost_usd = "minimize"
embodied_kgco2e = "minimize"
throughput_ops_per_s = "maximize"
[search]
trials = 12
sampler = "grid"
harvest = false
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ranges")
    file = folder / "packages.toml"
    file.write_text(SWEEP)
    to = folder / "study"
    assert main(["sweep", str(file), "--study", str(to), "--workers", "1", "--no-report"]) == 0
    return to


def test_every_point_has_an_interval_and_a_probability(study: Path) -> None:
    opened = open_study(study)
    table = points_table(opened)
    ranges = ranges_of(opened.sweep, table, Store(root=default_store()), draws=256)
    feasible = table[table["state"] == "feasible"]
    assert list(ranges.trials) == list(feasible["trial"])
    assert ((ranges.probability >= 0) & (ranges.probability <= 1)).all()
    assert ranges.probability.sum() >= 1  # a front is never empty
    for name in ranges.names:
        assert (ranges.low[name] <= ranges.high[name]).all()
    # The throughput rests on no constant that is drawn.
    assert (ranges.low["throughput_ops_per_s"] == ranges.high["throughput_ops_per_s"]).all()
    assert {"cost.wafer_price", "source of carbon per area"} <= {i.name for i in ranges.inputs}
    assert max(ranges.decisive["embodied_kgco2e"].values()) > 0.5
    again = ranges_of(opened.sweep, table, Store(root=default_store()), draws=256)
    assert (again.probability == ranges.probability).all()


def test_energy_of_the_block_has_the_range_of_its_power(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "block.toml"
    file.write_text(
        'block = "adder"\n[hardware]\nbits = 8\n[workload]\nlength = 64\n[library]\n'
        'name = "sky130"\n[physical]\nwires = "formula"\n[operating]\nvdd_v = [1.6, 1.8]\n'
        '[objectives]\nblock_energy_per_op_j = "minimize"\nblock_area_m2 = "minimize"\n'
        'block_throughput_ops_per_s = "maximize"\n[search]\ntrials = 2\nsampler = "grid"\n'
    )
    folder = tmp_path / "study"
    assert main(["sweep", str(file), "--study", str(folder), "--workers", "1", "--no-report"]) == 0
    opened = open_study(folder)
    table = points_table(opened)
    ranges = ranges_of(opened.sweep, table, Store(root=default_store()), draws=128)
    feasible = table[table["state"] == "feasible"]
    stated = feasible["block_energy_per_op_j"].to_numpy()
    low, high = (ends["block_energy_per_op_j"] for ends in (ranges.low, ranges.high))
    assert (low < stated).all() and (stated < high).all()
    # The same draws give the energy of the system, here the block alone, the same range.
    system = feasible["energy_per_op_j"].to_numpy()
    assert low / stated == pytest.approx(ranges.low["energy_per_op_j"] / system, rel=1e-3)
    assert high / stated == pytest.approx(ranges.high["energy_per_op_j"] / system, rel=1e-3)
    capsys.readouterr()
    assert main(["front", str(folder), "--ranges", "--draws", "64"]) == 0
    assert "Nothing that is drawn changes block area; " in capsys.readouterr().out


def test_the_commands_print_it(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["front", str(study), "--ranges", "--draws", "64"]) == 0
    out = capsys.readouterr().out
    assert "90 % intervals and share of 64 draws" in out
    assert "Importance (share" in out and "source of yields and prices" in out
    assert main(["front", str(study), "--ranges", "--draws", "64", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["draws"] == 64 and document["points"]
    assert main(["front", str(study)]) == 0
    assert f"{USER}: a quote" in capsys.readouterr().out


def _document(page: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_report_has_bands_and_probabilities(study: Path, tmp_path: Path) -> None:
    page = tmp_path / "ranges.html"
    asked = ["report", str(study), "--details", "-o", str(page), "--ranges", "--draws", "128"]
    assert main(asked) == 0
    opened = open_study(study)
    table = points_table(opened)
    ranges = ranges_of(opened.sweep, table, Store(root=default_store()), draws=128)
    shown = _document(page)["ranges"]

    def column(text: str) -> np.ndarray:
        return np.frombuffer(base64.b64decode(text), dtype=np.float32)

    feasible = (table["state"] == "feasible").to_numpy()
    assert shown["draws"] == 128
    assert column(shown["probability"])[feasible] == pytest.approx(ranges.probability)
    assert np.isnan(column(shown["probability"])[~feasible]).all()
    low, high = map(column, shown["columns"]["total_cost_usd"])
    assert low[feasible] == pytest.approx(ranges.low["total_cost_usd"])
    assert high[feasible] == pytest.approx(ranges.high["total_cost_usd"])
    # What no draw changes has no interval.
    assert "throughput_ops_per_s" not in shown["columns"]
    text = page.read_text()
    assert "<h2>Ranges</h2>" in text and "source of yields and prices" in text
    # Without the option the page has neither.
    assert main(["report", str(study), "--details", "-o", str(page)]) == 0
    assert "ranges" not in _document(page) and "<h2>Ranges</h2>" not in page.read_text()


def test_the_report_lists_what_to_cite(study: Path, tmp_path: Path) -> None:
    page = tmp_path / "cited.html"
    assert main(["report", str(study), "-o", str(page), "--details", "0"]) == 0
    text = page.read_text()
    section = text[text.index('<section id="sources">') : text.index("<h2>Provenance</h2>")]
    assert "ACT: Designing Sustainable" in section and "Chiplet Actuary" in section
    # The yield law is the negative binomial, and no other is named.
    assert "Murphy" not in section


def test_the_table_has_the_ends_of_intervals(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["front", str(study), "--ranges", "--draws", "64", "--format", "csv"]
    assert main(command) == 0
    front = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert (front["on_front"] | (front["front_probability"] > 0)).all()
    assert (front["total_cost_usd_low"] < front["total_cost_usd_high"]).all()
    assert list(front.columns)[list(front.columns).index("total_cost_usd") + 1] == (
        "total_cost_usd_low"
    )
    assert "throughput_ops_per_s_low" not in front.columns
    assert main([*command, "--all"]) == 0
    every = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(every["trial"]) == list(points_table(open_study(study))["trial"])
    assert every.loc[every["state"] != "feasible", "front_probability"].isna().all()


def test_what_cannot_be_ranged_is_refused(study: Path, tmp_path: Path) -> None:
    opened = open_study(study)
    table = points_table(opened)
    with pytest.raises(DesignError, match="draws=8 must be from 64"):
        ranges_of(opened.sweep, table, Store(root=default_store()), draws=8)
    table["state"] = "infeasible"
    with pytest.raises(DesignError, match="no point is feasible"):
        ranges_of(opened.sweep, table, Store(root=default_store()))
    assert read_sweep(study / "sweep.toml").constants[0].value == 9000
