"""The verb `chip` on a block that the tests' sweep has measured already."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from chipdse import load_study, sweep
from chipdse.api.chip import BEST_IN, evaluate_chips
from chipdse.cli import main
from chipdse.errors import DesignError, InfeasibleError
from tests.application.one_chips import same_chip

pytestmark = pytest.mark.tools

CHIP = """
question = "Which chip?"
[parts.array]
block = "mac_array"
library = "sky130"
count = [1, 2]
hardware = { rows = 1, columns = [1, 2], operand_bits = 2, accumulator_bits = 10, signed = false }
workload = { length = 32, depth = 8 }
[memories.buffer]
kind = "sram"
bytes = [1408, 22528]
[memories.main]
kind = "hbm2e"
[application]
network = "net.csv"
[package]
life_years = 2
"""


@pytest.fixture
def chip_file(tmp_path: Path) -> Path:
    (tmp_path / "net.csv").write_text("name,m,n,k\nfirst,16,12,20\nsecond,1,10,64\n")
    path = tmp_path / "chip.toml"
    path.write_text(CHIP)
    return path


def test_chips_of_measured_parts(
    chip_file: Path,
    warm_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    picture = chip_file.parent / "layers.svg"
    page = chip_file.parent / "chips.html"
    words = ["chip", str(chip_file), "--json", "--plot", str(picture), "--report", str(page)]
    assert main(words) == 0
    result = json.loads(capsys.readouterr().out)
    shown = json.loads(page.read_text().partition('id="data">')[2].partition("</script>")[0])
    for chip in shown["chips"]:
        rows = chip["inside"]["layers"]
        assert [row["name"] for row in rows] == ["first", "second"]
        latency_s = sum(row["latency_s"] for row in rows)
        assert latency_s == pytest.approx(chip["metrics"]["latency_s"])
    assert main(["chip", str(chip_file), "--report", str(page.parent / "no" / "chips.html")]) == 2
    assert "chips.html' cannot be written: No such file" in capsys.readouterr().err
    assert picture.read_text().startswith("<?xml")
    for best in result["best"].values():
        layers = best["layers"]
        assert [layer["name"] for layer in layers] == ["first", "second"]
        latency_s = sum(layer["latency_s"] for layer in layers)
        assert latency_s == pytest.approx(best["latency_s"])
        energy_j = sum(layer["energy_j"] for layer in layers)
        assert energy_j == pytest.approx(best["energy_per_task_j"])
    assert main(["chip", str(chip_file), "--plot", str(picture.with_suffix(".gif"))]) == 2
    assert "must end in .png, .svg, .pdf" in capsys.readouterr().err.strip().splitlines()[-1]
    assert (result["evaluations"], result["chips"], len(result["all"])) == (2, 8, 8)
    for metric in BEST_IN:
        values = [chip[metric] for chip in result["all"]]
        assert result["best"][metric][metric] == min(values)
    for chip in result["all"]:
        energies = chip["energy_by_level_j"]
        assert chip["energy_per_task_j"] == pytest.approx(sum(energies.values()))
        # Two years at the default duty of 66.7 %: tasks one after another.
        tasks = 2 * 365.25 * 86400 * 0.667 / chip["latency_s"]
        embodied = chip["embodied_kgco2e"] / tasks
        assert chip["embodied_per_task_kgco2e"] == pytest.approx(embodied)
        use = chip["use_per_task_kgco2e"]
        assert chip["carbon_per_task_kgco2e"] == pytest.approx(embodied + use)
    small, large = (
        next(c for c in result["all"] if c["parts"]["array"] == {**settings, "count": 2})
        for settings in (
            result["all"][0]["parts"]["array"],
            result["all"][-1]["parts"]["array"],
        )
    )
    assert small["latency_s"] > large["latency_s"]
    assert small["die_area_m2"] < large["die_area_m2"]


def test_parts_are_those_of_the_study(chip_file: Path, warm_store: Path) -> None:
    study = load_study(warm_store / "undisturbed")
    chips = evaluate_chips(chip_file, store=warm_store / "stages")
    energies = {
        values["block_energy_per_op_j"]
        for trial in study.points().query("state == 'feasible'")["trial"].tolist()
        for design, values in [study.design(trial)]
        if design.workload.sparsity == 0 and design.operating.clock_frac == 1
    }
    measured = {point.metrics["block_energy_per_op_j"] for point in chips.parts[0].points}
    assert energies and energies <= measured
    with pytest.raises(DesignError, match="metric 'area' is unknown; did you mean '.*area"):
        chips.best("area")
    assert math.isfinite(chips.row(0)["peak_temperature_c"])


def test_a_network_that_fits_on_no_chip(chip_file: Path, warm_store: Path) -> None:
    text = CHIP.replace("count = [1, 2]", "count = 5000").replace("[1408, 22528]", "1408")
    chip_file.write_text(text)
    (chip_file.parent / "net.csv").write_text("m,n,k\n500,500,20\n")
    why = r"chip.toml: the network fits on no chip: layer '2' does not fit: not even one double"
    with pytest.raises(InfeasibleError, match=why):
        evaluate_chips(chip_file, store=warm_store / "stages")


def test_mistakes_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path))
    path = tmp_path / "chip.toml"
    for text, message in [
        (None, "cannot be read"),
        (CHIP, "net.csv cannot be read"),
        (CHIP.replace("net.csv", "resnet8").replace("life_years", "lifetime"), "'lifetime'"),
        (CHIP.replace("net.csv", "resnet8").replace("rows = 1", "rows = 0"), "rows=0 is too small"),
        (CHIP.replace("net.csv", "resnet8").replace("sky130", "sky999"), "sky999"),
        (CHIP.replace("net.csv", "resnet8").replace("1408", "100"), "smaller than a macro"),
        (CHIP.replace("net.csv", "resnet8").replace("hbm2e", "ddr5"), "no published energy"),
        (CHIP.replace("net.csv", "resnet8").replace("mac_array", "mac"), "mac"),
    ]:
        if text is not None:
            path.write_text(text)
        assert main(["chip", str(path)]) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1, error
        assert f"{path}: " in error or text is None or "cannot be read" in message, error


def test_a_sweep_of_parts_suggests_no_export(
    chip_file: Path,
    warm_store: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`export` is for one block."""
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    chip_file.write_text(f'{CHIP}[objectives]\nlatency_s = "minimize"\ncost_usd = "minimize"\n')
    folder = chip_file.parent / "study"
    assert (
        main(["sweep", str(chip_file), "--study", str(folder), "--no-report", "--workers", "1"])
        == 0
    )
    printed = capsys.readouterr().out
    assert "chips:   " in printed and "export:" not in printed
    assert main(["report", str(folder), "--details", "0"]) == 0
    page = (folder / "report.html").read_text()
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    inside, points = data["details"]["0"], load_study(folder).points().set_index("trial")
    assert inside["energy_j"] == pytest.approx(points["energy_per_task_j"][0], rel=1e-9)
    assert inside["latency_s"] == pytest.approx(points["latency_s"][0], rel=1e-9)
    assert inside["floorplans"][0]["area_m2"] == pytest.approx(points["die_area_m2"][0], rel=1e-9)
    assert data["chips"] and "constants used by" in page
    assert main(["plot", str(folder), "--kind", "power", "-o", str(folder / "p.svg")]) == 2
    assert "the study is of chips; 'chipdse report'" in capsys.readouterr().err
    assert main(["export", str(folder), "--knee", "--to", str(folder / "out")]) == 2


def test_a_sweep_of_parts_has_the_chips_of_the_verb_chip(chip_file: Path, warm_store: Path) -> None:
    """The study's points are chips of `chipdse chip`, metric by metric, with the same best ones."""
    chips = evaluate_chips(chip_file, store=warm_store / "stages")
    goals = "".join(f'{metric} = "minimize"\n' for metric in BEST_IN)
    chip_file.write_text(f"{CHIP}[objectives]\n{goals}")
    with ThreadPoolExecutor(1) as thread:
        study = sweep(chip_file, study=chip_file.parent / "study", store=warm_store / "stages",
                      executor=thread, workers=1, report=False, progress=False)  # fmt: skip
    points = study.points()
    assert (points["origin"] == "proposed").sum() == chips.evaluations == 2
    for row in points.to_dict("records"):
        same = same_chip(row, chips)
        for metric in ("latency_s", "energy_per_task_j", "cost_usd", "carbon_per_task_kgco2e"):
            assert row[metric] == pytest.approx(same[metric], rel=1e-9)
    for metric in BEST_IN:
        assert points[metric].min() == pytest.approx(np.nanmin(chips.metrics[metric]), rel=1e-9)


def test_a_network_that_no_part_can_run_is_refused_before_anything_is_measured(
    chip_file: Path, tmp_path: Path
) -> None:
    array = CHIP[CHIP.index("[parts.array]") : CHIP.index("[memories.buffer]")]
    chip_file.write_text(CHIP.replace(array, '[parts.sums]\nblock = "adder"\n'))
    with pytest.raises(DesignError, match=r"chip.toml: \[parts\]: no part has a contract"):
        evaluate_chips(chip_file, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()
