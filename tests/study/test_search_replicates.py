"""Replicates: other seeds, means and spread, and points that cannot be told apart."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chipdse.design import Design, LibraryChoice, find_block
from chipdse.errors import DesignError
from chipdse.study.harvest.cheap import CheapPoints
from chipdse.study.harvest.replicates import average, replicated
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results.points import front_among
from chipdse.study.results.ties import differ, tied
from tests.support import kernels
from tests.support import small_sweep as sweeps
from tests.support.metric_columns import metric_columns


def test_each_replicate_has_seeds_of_its_own() -> None:
    block = find_block("mac_array")
    design = Design(
        block=block,
        parameters=block.parameters(),
        workload=block.workload(seed=7),
        library=LibraryChoice(name="sky130"),
    )
    assert replicated(design, 0) == design
    third = replicated(design, 2)
    assert (third.workload.seed, third.synthesis.seed) == (9, 2)


def points(objectives: list[float], amount: float) -> CheapPoints:
    return CheapPoints(
        numbers=np.arange(len(objectives)),
        metrics=metric_columns(len(objectives), power_w=objectives),
        constraints={"limit": np.full(len(objectives), amount)},
        estimated=np.zeros(len(objectives), dtype=bool),
        objectives=np.array(objectives)[:, None],
    )


def test_means_spread_and_the_worst_constraint() -> None:
    both = average([points([1.0, 4.0], -0.5), points([3.0, 4.0], 0.25)])
    assert both.metrics.system.power_w.tolist() == [2.0, 4.0]
    assert both.objectives[:, 0].tolist() == [2.0, 4.0]
    assert both.constraints["limit"].tolist() == [0.25, 0.25]
    assert both.spread is not None
    assert both.spread[:, 0] == pytest.approx([2**0.5, 0.0])


def test_welch_by_hand() -> None:
    # Means 2 apart, deviations 1, three replicates: t = 2 / sqrt(2/3) = 2.449 with 4 degrees of
    # freedom, beyond which 7.0 % lie (both sides); 3 apart: t = 3.674 and 2.1 %.
    mean, spread = np.array([[10.0]]), np.array([[1.0]])
    assert not differ(mean, spread, np.array([[12.0]]), spread, 3).any()
    assert differ(mean, spread, np.array([[13.0]]), spread, 3).all()
    # Two objectives share the 5 %: 2.1 % is still below a half of it, but not below a third.
    for objectives, found in ((2, True), (3, False)):
        wide = np.ones((1, objectives))
        assert differ(10 * wide, wide, 13 * wide, wide, 3).all() == found


def test_without_spread_any_difference_counts() -> None:
    zero = np.zeros((1, 2))
    assert differ(zero + 1, zero, zero + [1, 1.1], zero, 3).tolist() == [[False, True]]


def test_points_of_one_evaluation_are_not_tied() -> None:
    mean = np.array([[1.0, 2.0], [1.1, 1.9], [9.0, 9.0]])
    spread, front = np.full((3, 2), 0.5), np.array([True, True, False])
    assert tied(mean, spread, front, np.array([0, 1, 2]), 3) == [[1], [0], []]
    assert tied(mean, spread, front, np.array([0, 0, 2]), 3) == [[], [], []]


SWEEP = """
block = "mac_array"
[hardware]
rows = 1
columns = 1
operand_bits = [2, 3]
accumulator_bits = 10
[workload]
length = 32
depth = 8
[library]
name = "sky130"
[operating]
clock_frac = [0.5, 1.0]
[objectives]
block_energy_per_op_j = "minimize"
block_throughput_ops_per_s = "maximize"
[search]
replicates = 2
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for both sweeps: they evaluate the same designs."""
    return kernels.lend(tmp_path_factory.mktemp("cache"))


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("harvest", ["true", "false"])
def test_a_front_with_error_bars(
    harvest: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(cache))
    text = f"{SWEEP}harvest = {harvest}\ntrials = 2\nsampler = 'grid'\n"
    study = sweeps.here(sweeps.sweep_file(tmp_path, text), tmp_path / "study")
    table = study.points()
    assert (table["state"] == "feasible").all()
    assert (table["block_energy_per_op_j_std"] > 0).all()
    assert (table["block_energy_per_op_j_std"] < table["block_energy_per_op_j"]).all()
    assert set(table.columns) > {"block_throughput_ops_per_s_std", "tied_with"}
    assert front_among(study.folder, table).equals(table)


def test_ties_are_with_the_front_of_the_rows_that_are_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Trial 0 beats trial 1 by less than the spread; trial 2 is far away.
    speed, energy = "block_throughput_ops_per_s", "block_energy_per_op_j"
    table = pd.DataFrame({"trial": [0, 1, 2], "state": "feasible", "on_front": [True, False, True]})
    table = table.assign(**{energy: [1.0, 1.01, 9.0], speed: [2.01, 2.0, 9.0], "tied_with": "?"})
    table = table.assign(**{f"{energy}_std": 0.5, f"{speed}_std": 0.5})
    trials = [SimpleNamespace(number=number, user_attrs={}) for number in range(3)]
    monkeypatch.setattr("chipdse.study.results.points._counted", lambda folder: trials)
    folder: Any = SimpleNamespace(sweep=read_sweep(sweeps.sweep_file(tmp_path, SWEEP)))
    among = front_among(folder, table)
    assert among["tied_with"].tolist() == ["", "0", ""]
    among = front_among(folder, table[table["trial"] != 0])
    assert among["on_front"].tolist() == [True, True]
    assert among["tied_with"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("replicates = 0", "search.replicates = 0; write a whole number >= 1"),
        ("replicates = 2\n[synthesis]\nseed = [0, 1]", "sets the seeds, but a seed is swept"),
    ],
)
def test_numbers_of_replicates_that_mean_nothing_are_refused(
    line: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "small.toml"
    file.write_text(SWEEP.replace("replicates = 2", line))
    with pytest.raises(DesignError, match=says):
        read_sweep(file)
