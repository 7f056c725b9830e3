"""A point beside a routed netlist with its wires: what `import-results --spef` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipdse.cli import main
from tests.netlist.parasitics.test_routed_reference import case

OURS = {
    "critical_path_s": 2.5e-9,
    "clock_frequency_hz": 1e8,
    "block_area_m2": 6e-9,
    "block_cell_count": 500,
    "block_flip_flop_count": 159,
    "clock_buffer_count": 20,
    "block_clock_tree_power_w": 1e-3,
    "vdd_v": 1.8,
    "library_temperature_c": 25.0,
}


@pytest.fixture
def point(tmp_path: Path) -> Path:
    folder = tmp_path / "point"
    folder.mkdir()
    content = {name: {"value": value} for name, value in OURS.items()}
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder


@pytest.mark.slow
def test_every_metric_has_its_error(
    point: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netlist, spef, liberty, row = case(shared, "sky130hd__tt_um_4bit_cpu_with_fsm")
    given = ["import-results", str(point), str(netlist), "--spef", str(spef)]
    given += ["--liberty", str(liberty), "--clock", "clk=20ns"]
    assert main([*given, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    theirs = {entry["metric"]: entry["theirs"] for entry in printed}
    assert theirs["critical_path_s"] == pytest.approx(float(row["full_spef_crit_ns"]) * 1e-9, 1e-3)
    assert theirs["block_area_m2"] == pytest.approx(float(row["area_um2"]) * 1e-12, rel=1e-3)
    assert theirs["block_cell_count"] == int(row["cells"])
    assert theirs["block_flip_flop_count"] == int(row["sinks"])
    assert theirs["clock_buffer_count"] == int(row["clock_buffers"])
    clock_w = sum(
        float(row[f"full_spef_clock_{kind}_uW"]) for kind in ("internal", "switching", "leakage")
    )
    # At the point's 100 MHz, twice the 50 MHz of the table.
    assert theirs["block_clock_tree_power_w"] == pytest.approx(2 * clock_w * 1e-6, rel=1e-3)
    signal_f = float(row["spef_signal_fF"]) * 1e-15
    for level in ("formula", "placed"):
        assert theirs[f"wire_capacitance_f, {level}"] == pytest.approx(signal_f, rel=1e-3)
    for entry in printed:
        assert entry["error_frac"] == pytest.approx(entry["ours"] / entry["theirs"] - 1)
    kept = json.loads((point / "imported.json").read_text())
    assert [metric["metric"] for metric in kept[0]["metrics"]] == [
        entry["metric"] for entry in printed if "," not in entry["metric"]
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--liberty", "x.lib"], "--spef needs the clock of the routed netlist: --clock PORT=PERI"),
        (["--clock", "clk=8ns"], "--spef needs --liberty: the routed netlist's cells come from it"),
        (["--clock", "clk=8ns", "--liberty", "none.lib"], "none.lib cannot be read"),
        (["--clock", "clk=-8ns", "--liberty", "none.lib"], "must be positive"),
    ],
)
def test_what_is_missing_is_named(
    options: list[str], says: str, point: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["import-results", str(point), "routed.v", "--spef", "routed.spef"]
    assert main([*given, *options]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
