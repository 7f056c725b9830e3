"""A network on a measured point of a study: energies and times are those of the block."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipdse import load_study
from chipdse.api.application import block_of_trial, map_network
from chipdse.application.layers import Layer, Network
from chipdse.cli import main
from chipdse.errors import DesignError

pytestmark = pytest.mark.tools


def test_one_part_and_one_layer_are_the_block_itself(warm_store: Path) -> None:
    study = load_study(warm_store / "undisturbed")
    trials = study.points().query("state == 'feasible'")["trial"].tolist()
    assert trials
    for trial in trials:
        design, values = study.design(trial)
        p, workload = design.parameters, design.workload
        layer = Layer(
            name="workload",
            kind="gemm",
            m=p.rows * workload.products,
            n=p.columns,
            k=workload.depth,
        )
        part = block_of_trial(study, trial)
        result = map_network(
            Network(name="n", layers=(layer,)), part.block, part.parameters, metrics=part.metrics
        )
        totals, work = result["totals"], design.block.work(p, workload)
        assert totals["macs"] == work.count
        energy_j = work.count * values["block_energy_per_op_j"]
        latency_s = work.count / values["block_throughput_ops_per_s"]
        assert totals["energy_j"] == pytest.approx(energy_j, rel=1e-9)
        assert totals["latency_s"] == pytest.approx(latency_s, rel=1e-9)


def test_the_verb_takes_a_point_of_a_study(
    warm_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(warm_store / "undisturbed")
    code = main(["map", "ds_cnn", "--study", path, "--best", "energy_per_op_j", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert code == 0
    assert result["parameters"]["rows"] == 1
    assert result["totals"]["energy_j"] >= result["totals"]["macs"] * result["mac_energy_j"]
    assert main(["map", "ds_cnn", "--study", path, "--knee"]) == 0
    assert "ds_cnn on 1 x mac_array" in capsys.readouterr().out


def test_mistakes_are_one_line(warm_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(warm_store / "undisturbed")
    for words, message in [
        (["--study", path], "--study needs --trial N, --knee or --best METRIC"),
        (["--study", path, "--trial", "99999"], "no finished trial 99999"),
        (["--study", "nowhere", "--trial", "1"], "nowhere"),
        (["--study", path, "--trial", "1", "--set", "rows=2"], "--set and --study are both given"),
        (["--trial", "1"], "need --study DIR"),
    ]:
        code = main(["map", "ds_cnn", *words])
        error = capsys.readouterr().err
        assert code == 2 and message in error and error.count("\n") == 1, words


def test_another_clock_changes_times_but_not_dynamic_energy(warm_store: Path) -> None:
    study = load_study(warm_store / "undisturbed")
    trial = study.front()["trial"].iloc[0]
    part = block_of_trial(study, int(trial))
    network = Network(name="n", layers=(Layer(name="g", kind="gemm", m=8, n=8, k=8),))

    def totals(clock_hz: float) -> dict[str, float]:
        result = map_network(
            network, part.block, part.parameters, metrics=part.metrics, clock_hz=clock_hz
        )
        return result["totals"]  # type: ignore[no-any-return]

    slow, fast = totals(1e6), totals(2e6)
    assert slow["latency_s"] == pytest.approx(2 * fast["latency_s"])
    assert slow["tile_energy_j"] == fast["tile_energy_j"]
    assert slow["leakage_energy_j"] == pytest.approx(2 * fast["leakage_energy_j"])


def test_a_trial_without_a_result_is_refused(warm_store: Path) -> None:
    study = load_study(warm_store / "undisturbed")
    with pytest.raises(DesignError, match="no finished trial 12345"):
        study.design(12345)
