"""A metric's evidence is declared with it, and the same in every output."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pandas as pd
import pytest

import chipdse
from chipdse.cli import main
from chipdse.export.bundle import repeat_command
from chipdse.metrics import METRICS, Basis, BlockReport, basis_of, evidence_of
from chipdse.records import EVIDENCE, PARTS, metric
from chipdse.report.page.data import _columns
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.results.points import basis_of as basis_of_table
from chipdse.study.results.points import described_columns
from chipdse.system.metrics import SystemMetrics


def test_every_number_is_declared_once() -> None:
    fields = [*dataclasses.fields(BlockReport), *dataclasses.fields(SystemMetrics)]
    numbers = [each for each in fields if each.type in ("Number", "Count")]
    assert set(METRICS) == {each.name for each in numbers}
    for each in numbers:
        assert METRICS[each.name] == each.metadata
        assert each.metadata["doc"] and each.metadata["unit"]
        assert each.metadata["evidence"] in EVIDENCE and set(each.metadata["rests_on"]) <= {*PARTS}


def test_no_better_than_what_it_rests_on() -> None:
    best = {name: evidence_of(name, "modelled") for name in METRICS}
    for part in ("cells", "activity", "layout"):
        weak = {n: evidence_of(n, "modelled", Basis(**{part: "estimated"})) for n in METRICS}
        for name, about in METRICS.items():
            rests = part in about["rests_on"]
            assert weak[name] == ("estimated" if rests else best[name])
    # An input is what was asked for, whatever the results rest on.
    inputs = {name for name, kind in best.items() if kind == "input"}
    assert inputs == {
        *("vdd_v", "library_temperature_c", "wire_level", "glitches_counted", "clock_tree_counted"),
        *(
            "added_cells_counted",
            "guaranteed",
            "setup_supply_v",
            "setup_temperature_c",
            "hold_supply_v",
        ),
        *("hold_temperature_c", "leakage_supply_v", "leakage_temperature_c"),
        "timing_sigma",
    }
    # Every power and energy of the block is what its workload switches.
    powers = {n for n in METRICS if n.startswith("block_") and METRICS[n]["unit"] in ("W", "J/op")}
    assert all("activity" in METRICS[name]["rests_on"] for name in powers)
    assert evidence_of("operand_bits", "modelled") == "chosen"


def test_the_basis_of_a_point() -> None:
    assert basis_of({}, checked=True) == Basis()
    assert basis_of({"block_memory_area_m2": 1e-9}, checked=True).cells == "modelled"
    assert basis_of({"wire_level": 1}, checked=False) == Basis(
        activity="estimated", layout="modelled"
    )
    assert basis_of({"clock_tree_counted": 1}, checked=True).layout == "modelled"


def test_evidence_and_corners_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="evidence 'guessed' is not one of"):
        metric("a number", "1", "guessed")
    with pytest.raises(ValueError, match="corner 'nowhere' is not one of"):
        metric("a number", "1", "measured", corner="nowhere")
    with pytest.raises(ValueError, match="rests_on .'luck'. are not among"):
        metric("a number", "1", "measured", rests_on=("luck",))


CHIP = """
[parts.array]
block = "mac_array"
count = [1, 2]
hardware = { rows = 2, columns = 2 }
physical = { wires = "none", clock_tree = false, added_cells = false }
[parts.control]
block = "own.toml"
PHYSICAL
[memories.main]
kind = "hbm2e"
[application]
network = "resnet8"
operations = { control = 2000 }
[derived]
product_j_s = { expression = "energy_per_task_j * latency_s", unit = "J s" }
[objectives]
energy_per_task_j = "minimize"
latency_s = "minimize"
"""
WITHOUT_LAYOUT = "physical = { wires = 'none', clock_tree = false, added_cells = false }"


def chip(folder: Path, physical: str) -> Sweep:
    """A chip with a part that no bench checks: its activity is that of random inputs."""
    (folder / "own.v").write_text("module own(input clk, a, output reg y); endmodule\n")
    (folder / "own.toml").write_text('sources = ["own.v"]\ntop = "own"\nclock = "clk"\n')
    (folder / "sweep.toml").write_text(CHIP.replace("PHYSICAL", physical))
    return read_sweep(folder / "sweep.toml")


def one_row(sweep: Sweep, system_evidence: str) -> pd.DataFrame:
    names = [*(axis.name for axis in sweep.space.axes), *sweep.metrics, "product_j_s"]
    return pd.DataFrame([{name: 1.0 for name in names} | {"system_evidence": system_evidence}])


def test_a_chip_has_the_weakest_evidence_of_its_parts(tmp_path: Path) -> None:
    sweep = chip(tmp_path, "")
    assert basis_of_table(sweep, pd.DataFrame()) == Basis(activity="estimated", layout="modelled")
    for systems in ("modelled", "estimated"):
        columns = described_columns(sweep, one_row(sweep, systems))
        kinds = {name: about["evidence"] for name, about in columns.items()}
        estimated = (
            "energy_per_task_j",
            "operations_energy_j",
            "product_j_s",
            "peak_temperature_c",
        )
        assert {kinds[name] for name in estimated} == {"estimated"}
        # Time, traffic and area do not depend on the switching activity, nor on tables by node.
        for name in ("latency_s", "dram_bits_per_task", "dram_energy_j", "die_area_m2"):
            assert kinds[name] == "modelled"
        assert {kinds["cost_usd"], kinds["embodied_per_task_kgco2e"]} == {systems}
        assert kinds["array_count"] == "chosen"


def test_the_layout_of_a_chip_is_that_of_any_part(tmp_path: Path) -> None:
    assert basis_of_table(chip(tmp_path, WITHOUT_LAYOUT), pd.DataFrame()).layout == "measured"
    assert basis_of_table(chip(tmp_path, ""), pd.DataFrame()).layout == "modelled"


def test_a_swept_supply_is_chosen_in_every_output_of_a_study(tmp_path: Path) -> None:
    (tmp_path / "sweep.toml").write_text(
        'block = "adder"\n[library]\nname = "sky130"\n[operating]\nvdd_v = [1.5, 1.8]\n'
        '[hardware]\nbits = [4, 6]\n[objectives]\nblock_area_m2 = "minimize"\n'
        'energy_per_op_j = "minimize"\n'
    )
    sweep = read_sweep(tmp_path / "sweep.toml")
    row = {**dict.fromkeys(METRICS, 1.0), "bits": 4, "vdd_v": 1.8, "system_evidence": "modelled"}
    table = pd.DataFrame([row])
    page = {column["name"]: column["evidence"] for column in _columns(sweep, table)}
    columns = {name: about["evidence"] for name, about in described_columns(sweep, table).items()}
    for name in ("bits", "vdd_v"):
        assert page[name] == columns[name] == "chosen"


@pytest.mark.tools
def test_export_eval_and_report_agree(
    warm_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(warm_store))
    study = chipdse.load_study(warm_store / "undisturbed")
    table = study.points()
    trial = int(table["trial"].iloc[0])
    study.export(trial, tmp_path / "point")
    described = json.loads((tmp_path / "point" / "metrics.json").read_text())
    exported = {name: about["evidence"] for name, about in described.items()}
    assert set(exported) == {*METRICS}
    plan = study.folder.sweep
    parameters = study.folder.study.trials[trial].params
    words = repeat_command(plan.template.design(plan.space.point(parameters))).split()
    main([*words[1:], "--json"])
    assert json.loads(capsys.readouterr().out)["evidence"] == exported
    shown = {one["name"]: one["evidence"] for one in _columns(plan, pd.DataFrame(table.iloc[:1]))}
    assert {name: shown[name] for name in METRICS} == exported
