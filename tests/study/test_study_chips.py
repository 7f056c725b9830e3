"""Sweeps of chips of several parts: what is proposed, what is composed, and mistakes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import optuna
import pytest

from chipdse.errors import DesignError
from chipdse.records import BlockMetrics
from chipdse.study.harvest.chips import composed_finishes, known_points
from chipdse.study.harvest.composed import Known, check_chip, composed_chips
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.running.plan import composed_text
from chipdse.study.search.parts import open_space
from chipdse.study.search.samplers import make_sampler
from chipdse.study.storage.attributes import PART_POINTS
from chipdse.study.storage.fast_writes import complete
from chipdse.study.storage.trials import finished
from chipdse.system.evaluate import evaluate_system
from chipdse.system.parameters import PackageParameters

CHIP = """
question = "Which chip?"
[parts.array]
block = "mac_array"
count = [1, 4]
hardware = { rows = [2, 4, 8], columns = [4, 8] }
operating = { vdd_v = [1.6, 1.8] }
[parts.sums]
block = "adder"
hardware = { bits = [8, 16] }
[memories.buffer]
kind = "sram"
bytes = [16384, 65536]
[memories.main]
kind = "hbm2e"
[application]
network = "net.csv"
operations = { sums = 100 }
[objectives]
energy_per_task_j = "minimize"
latency_s = "minimize"
cost_usd = "minimize"
"""
NETWORK = "name,m,n,k\nfirst,64,32,50\nsecond,1,10,64\n"


def read(folder: Path, text: str = CHIP) -> Sweep:
    path = folder / "chip.toml"
    path.write_text(text)
    (folder / "net.csv").write_text(NETWORK)
    return read_sweep(path)


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return read(tmp_path)


def metrics(size: float, vdd_v: float) -> dict[str, float]:
    """A part point with round numbers: `size` operations per cycle of a clock that grows with the
    supply."""
    clock_hz = 1e8 * (vdd_v - 0.6)
    return {
        "block_power_w": size * clock_hz * 1e-12 * vdd_v**2 + size * 1e-5,
        "block_leakage_power_w": size * 1e-5,
        "block_throughput_ops_per_s": size * clock_hz,
        "clock_frequency_hz": clock_hz,
        "block_area_m2": size * 1e-9,
        "block_core_area_m2": 0.0,
        "library_temperature_c": 25.0,
        "timing_slack_s": 0.0,
        "critical_path_s": 1 / clock_hz,
    }


def measured(sweep: Sweep, point: dict[str, object]) -> dict[str, list[dict[str, float]]]:
    """What an evaluation of that hardware would hand over, in round numbers."""
    macs = float(point["array_rows"]) * float(point["array_columns"])  # type: ignore[arg-type]
    return {
        "array": [metrics(macs, 1.6), metrics(macs, 1.8)],
        "sums": [metrics(float(point["sums_bits"]), 1.8)],  # type: ignore[arg-type]
    }


ONE_PART = """
[parts.sums]
block = "adder"
hardware = { bits = [8, 16] }
[application]
operations = { sums = 1 }
[objectives]
energy_per_task_j = "minimize"
cost_usd = "minimize"
"""


def block_of(point: dict[str, float]) -> BlockMetrics:
    """A part point as the block that a package contains."""
    return BlockMetrics(
        area_m2=point["block_area_m2"],
        dynamic_power_w=point["block_power_w"] - point["block_leakage_power_w"],
        leakage_power_w=point["block_leakage_power_w"],
        temperature_c=25.0,
        throughput_ops_per_s=point["block_throughput_ops_per_s"],
        io_bits_per_op=0.0,
        node_nm=130.0,
    )


def run(sweep: Sweep) -> optuna.Study:
    """Every evaluation of a sweep, with round numbers in place of measured ones."""
    assert sweep.chip is not None
    study = optuna.create_study(directions=["minimize"] * 3)
    for _ in range(sweep.chip.evaluations):
        space = open_space(sweep, study)
        study.sampler = make_sampler("lattice", space, 100, 1)
        trial = study.ask(space.distributions())
        point = space.point(trial.params)
        known = known_points(sweep.chip, finished(study))
        proposed, harvested = composed_finishes(
            sweep, point, measured(sweep, point), known, trial.number
        )
        complete(study, trial._trial_id, proposed, harvested, sweep.space.distributions())
    return study


def test_the_axes_of_a_chip(sweep: Sweep) -> None:
    assert sweep.space.names == (
        *("array_rows", "array_columns", "sums_bits"),
        *("array_vdd_v", "array_count", "buffer_bytes"),
    )
    assert sweep.proposed_space.names == ("array_rows", "array_columns", "sums_bits")
    assert sweep.chip is not None
    # Six points of the array and two of the adder: the first evaluation has one of each.
    assert sweep.chip.evaluations == 6 + 2 - 1


@pytest.mark.slow
def test_each_part_point_is_proposed_once_and_all_combinations_are_composed(sweep: Sweep) -> None:
    study = run(sweep)
    trials = [trial for trial in study.trials if PART_POINTS in trial.user_attrs]
    assert len(trials) == 7
    points = [
        (name, number)
        for trial in trials
        for name, numbers in trial.user_attrs[PART_POINTS].items()
        for number in numbers
    ]
    assert len(points) == len(set(points)) == 8
    # Each chip is composed exactly once, beside the chips of the trial's own hardware.
    assert sum(trial.user_attrs["cheap_points"] for trial in trials) == sweep.space.size
    assert composed_text(finished(study)) == "96 chips, composed of 8 measured part points"
    assert not len(open_space(sweep, study).every)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_front_is_that_of_every_chip(sweep: Sweep) -> None:
    """The study's front equals that of one composition of all chips."""
    study = run(sweep)
    assert sweep.chip is not None
    known: Known = {part.name: {} for part in sweep.chip.parts}
    for number in sweep.proposed_space.every:  # type: ignore[union-attr]
        point = sweep.proposed_space.point_at(int(number))
        for name, points in measured(sweep, dict(point)).items():
            known[name][sweep.chip.part_numbers(point)[name]] = points
    every = composed_chips(sweep, known, np.arange(sweep.space.size))
    front = every.take(np.isfinite(every.objectives).all(axis=1)).local_front()
    expected = np.unique(front.objectives.round(18), axis=0)
    best = np.unique(np.array([trial.values for trial in study.best_trials]).round(18), axis=0)
    np.testing.assert_allclose(best, expected, rtol=1e-9)


def test_a_network_that_does_not_fit_is_a_failed_point_whose_parts_are_known(
    tmp_path: Path,
) -> None:
    text = CHIP.replace("[16384, 65536]", "1408").replace("count = [1, 4]", "count = 4000")
    sweep = read(tmp_path, text)
    assert sweep.chip is not None
    point = sweep.proposed_space.point_at(5)
    finish, harvested = composed_finishes(
        sweep, point, measured(sweep, dict(point)), {"array": {}, "sums": {}}, 0
    )
    assert finish.values is None and not harvested
    assert "network 'net' fits on no chip" in finish.attributes["failure"]
    assert set(finish.attributes[PART_POINTS]) == {"array", "sums"}


def test_one_part_alone_is_the_block_in_its_package(tmp_path: Path) -> None:
    """Energy, time, cost and carbon equal the evaluation of the block by itself."""
    sweep = read(tmp_path, ONE_PART)
    point = sweep.proposed_space.point_at(0)
    block = metrics(8.0, 1.8)
    finish, _ = composed_finishes(sweep, point, {"sums": [block]}, {"sums": {}}, 0)
    alone = evaluate_system(block_of(block), PackageParameters())
    values = finish.attributes["metrics"]
    assert values["latency_s"] == pytest.approx(1 / block["block_throughput_ops_per_s"], rel=1e-9)
    assert values["energy_per_task_j"] == pytest.approx(
        block["block_power_w"] / block["block_throughput_ops_per_s"], rel=1e-9
    )
    for name in ("cost_usd", "nre_usd", "embodied_kgco2e", "die_area_m2", "peak_temperature_c"):
        assert values[name] == pytest.approx(getattr(alone, name), rel=1e-9)


def test_losses_of_the_supply_are_carbon_of_use(tmp_path: Path) -> None:
    whole, lossy = (
        composed_finishes(
            read(tmp_path, ONE_PART + package), {"sums_bits": 8}, {"sums": [metrics(8.0, 1.8)]},
            {"sums": {}}, 0,
        )[0].attributes["metrics"]
        for package in ("", "[package]\nsupply_efficiency = 0.8\n")
    )  # fmt: skip
    assert lossy["use_per_task_kgco2e"] == pytest.approx(whole["use_per_task_kgco2e"] / 0.8)
    for name in ("energy_per_task_j", "embodied_per_task_kgco2e", "peak_temperature_c"):
        assert lossy[name] == whole[name]


def test_a_rule_may_name_any_part(tmp_path: Path) -> None:
    rules = 'rules = ["array_rows == array_columns", "buffer_bytes >= 16384 * array_count"]\n'
    sweep = read(tmp_path, rules + CHIP)
    points = list(sweep.space.points())
    assert points and all(p["array_rows"] == p["array_columns"] for p in points)
    assert all(p["buffer_bytes"] >= 16384 * p["array_count"] for p in points)  # type: ignore[operator]


def test_metrics_of_tasks_are_objectives_limits_and_derived(tmp_path: Path) -> None:
    text = CHIP + (
        '[limits]\nlatency_s = { max = 1e-3 }\n[derived]\ntasks_per_j = "1 / energy_per_task_j"\n'
    )
    sweep = read(tmp_path, text)
    point = sweep.proposed_space.point_at(0)
    finish, _ = composed_finishes(
        sweep, point, measured(sweep, dict(point)), {"array": {}, "sums": {}}, 0
    )
    values = finish.attributes["metrics"]
    assert values["tasks_per_j"] == pytest.approx(1 / values["energy_per_task_j"])
    levels = [values[f"{level}_energy_j"] for level in ("tile", "sram", "dram", "link", "leakage")]
    assert sum(levels) + values["operations_energy_j"] == pytest.approx(values["energy_per_task_j"])
    assert finish.values is not None and all(map(math.isfinite, finish.values))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('block = "mac_array"', 'block = "fft"', "chip.toml: no part has a contract"),
        ('block = "adder"', 'block = "mac_array"', "more than one part has a contract"),
        ("bits = [8, 16]", "bits = [8, 99]", "[parts.sums]"),
        ("bits = [8, 16]", "bitz = 8", "[parts.sums]: [hardware]: 'bitz' is not known here"),
        ("count = [1, 4]", "count = [0, 4]", "[parts.array]: count = 0 is not a whole number"),
        ("count = [1, 4]", "workload = { depth = [8, 9] }", "is the same in every point of a part"),
        ("latency_s =", "f_max_hz =", "[objectives]: 'f_max_hz' is not known here"),
        ("bytes = [16384, 65536]", "bytes = [16384, 16384]", "buffer_bytes repeats a value"),
        ("question =", 'block = "fir"\nquestion =', "'block' belongs to a part here"),
        ('"hbm2e"', '"hbm9"', "[memories.main] kind='hbm9' is unknown"),
        ('network = "net.csv"', 'network = "gone.csv"', "cannot be read"),
        (
            "[objectives]",
            "[search]\nharvest = false\n[objectives]",
            "search.harvest = False is for",
        ),
        ("[parts.sums]", "[parts.array_rows]", "'sums' is not known here"),
    ],
)
def test_mistakes_are_one_line(old: str, new: str, message: str, tmp_path: Path) -> None:
    assert old in CHIP
    text = CHIP.replace(old, new, 1)
    if new == 'block = "mac_array"':
        text = text.replace("bits = [8, 16]", "rows = 2")
    if new == 'block = "fft"':
        text = text.replace("rows = [2, 4, 8], columns = [4, 8]", "points = 16")
    with pytest.raises(DesignError) as error:
        check_chip(read(tmp_path, text))
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "chip.toml"))
    assert "\n" not in str(error.value)
