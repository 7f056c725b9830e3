"""A study continues under a sweep file with more values; its points stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from chipdse.errors import DesignError
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results.points import points_table
from chipdse.study.storage.begin import start_study
from chipdse.study.storage.folder import StudyFolder, open_study
from chipdse.study.storage.trials import outdated_points
from tests.support import small_sweep
from tests.support.report_cases import make_study


def widened(study: StudyFolder, **changes: str) -> Path:
    """The study's sweep file with some lines replaced."""
    text = study.sweep.text
    for name, after in changes.items():
        old = {"columns": "columns = [2, 3, 4, 5]", "values": 'values = ["gaussian", "uniform"]',
               "vdd_v": "vdd_v = [1.2, 1.4, 1.6, 1.8]", "depth": "depth = 16",
               "operand_bits": "operand_bits = [4, 8]"}[name]  # fmt: skip
        assert old in text
        text = text.replace(old, f"{name} = {after}")
    file = study.path.parent / "wider.toml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 60 points, to be copied."""
    return make_study(tmp_path_factory.mktemp("drawn") / "study", 60, on_disk=True).path


@pytest.fixture
def study(drawn: Path, tmp_path: Path) -> StudyFolder:
    """A copy of that study."""
    return open_study(shutil.copytree(drawn, tmp_path / "study"))


def test_numbers_and_texts_are_added_in_any_place(study: StudyFolder) -> None:
    before = points_table(open_study(study.path))
    file = widened(
        study,
        columns="{ min = 1, max = 16, powers_of_two = true }",
    )
    with pytest.raises(DesignError, match=r"its hardware differs from .*columns: \[2, 3, 4, 5\]"):
        start_study(read_sweep(file), study.path, None, {})  # 3 and 5 are lost
    file = widened(
        study,
        columns="[1, 2, 3, 4, 5, 6, 40]",  # the steps grow: Optuna's range becomes logarithmic
        values='["uniform", "gaussian"]',
    )
    start_study(read_sweep(file), study.path, None, {})
    continued = open_study(study.path)
    pd.testing.assert_frame_equal(points_table(continued), before)
    # The next point is asked for from the wider space, by Optuna's own call.
    continued.study.enqueue_trial({"columns": 40, "values": "gaussian"})
    trial = continued.study.ask(continued.sweep.space.distributions())
    assert trial.params["columns"] == 40 and trial.params["values"] == "gaussian"


def test_designs_are_queued_again_for_added_supplies(study: StudyFolder) -> None:
    """The harvest around a design has not seen these supplies."""
    count = len(points_table(open_study(study.path)))
    file = widened(study, vdd_v="[1.2, 1.3, 1.4, 1.6, 1.8]")
    start_study(read_sweep(file), study.path, None, {})
    continued = open_study(study.path)
    assert len(points_table(continued)) == 0
    names = continued.sweep.proposed_space.distributions()
    assert 10 < outdated_points(continued.study, names) <= count


def test_a_fixed_value_becomes_a_list(study: StudyFolder) -> None:
    before = points_table(open_study(study.path))
    start_study(read_sweep(widened(study, depth="[8, 16]")), study.path, None, {})
    after = points_table(open_study(study.path))
    assert set(after.loc[after["state"] != "failed", "depth"]) == {16}
    pd.testing.assert_frame_equal(after[before.columns], before)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"depth": "8"}, r"its workload differs from .*\(depth: 16, now 8\)"),
        ({"depth": "[8, 32]"}, r"\(depth: 16, now \[8, 32\]\)"),
        ({"operand_bits": "8"}, r"\(operand_bits: \[4, 8\], now 8\)"),
        ({"columns": "[2, 3, 4, 5]\npipeline_stages = [0, 1]"}, "pipeline_stages: not stated"),
    ],
)
def test_values_cannot_be_lost(study: StudyFolder, changes: dict[str, str], says: str) -> None:
    text = (study.path / "sweep.toml").read_text()
    with pytest.raises(DesignError, match=says) as refused:
        start_study(read_sweep(widened(study, **changes)), study.path, None, {})
    assert "\n" not in str(refused.value)
    assert (study.path / "sweep.toml").read_text() == text


def test_the_older_file_is_refused_afterwards(study: StudyFolder) -> None:
    older = study.path.parent / "older.toml"
    older.write_text(study.sweep.text)
    start_study(read_sweep(widened(study, vdd_v="[1.2, 1.4, 1.6, 1.8, 1.9]")), study.path, None, {})
    with pytest.raises(DesignError, match=r"vdd_v: \[1.2, 1.4, 1.6, 1.8, 1.9\], now"):
        start_study(read_sweep(older), study.path, None, {})


@pytest.mark.tools
def test_a_harvest_covers_the_added_clocks_of_designs_evaluated_before(tmp_path: Path) -> None:
    text = small_sweep.SWEEP.replace("harvest = false", "").replace(
        "columns = [1, 2]", "columns = 1"
    )
    text = text.replace("[0.5, 0.75, 1.0]", "[0.5, 0.75]").replace("[0.0, 0.5]", "0.5")
    file = small_sweep.sweep_file(tmp_path, text)
    first = small_sweep.here(file, tmp_path / "study", trials=1).points()
    assert first["clock_frac"].max() == 0.75
    file.write_text(text.replace("[0.5, 0.75]", "[0.5, 0.75, 1.0]"))
    second = small_sweep.here(file, tmp_path / "study", trials=1).points()
    assert second["clock_frac"].max() == 1.0
    assert second["trial"].is_unique and (second["origin"] == "proposed").sum() == 1
