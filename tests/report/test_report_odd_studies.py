"""Studies that are empty, damaged or gone: every verb that reads one says one clear line."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from optuna.storages._rdb import models
from optuna.trial import create_trial

from chipdse import load_study
from chipdse.cli import main
from chipdse.errors import DesignError, InfeasibleError
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results.points import points_table
from chipdse.study.storage.begin import start_study
from tests.support.report_cases import make_study


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("studies") / "good", 1, on_disk=True).path


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(study: Path) -> None:
        text = (study / name).read_text()
        assert old in text
        (study / name).write_text(text.replace(old, new))

    return change


def replace(name: str, text: str) -> Callable[[Path], None]:
    def change(study: Path) -> None:
        (study / name).write_text(text)

    return change


DAMAGE = {
    "no JSON": (edit("study.json", "{", "{{"), "study.json is damaged (JSONDecodeError"),
    "no storage": (edit("study.json", '"storage"', '"else"'), "study.json is damaged (KeyError"),
    "other kinds": (edit("study.json", '"storage": "', '"storage": ["], "x": "'), "is damaged"),
    "deep JSON": (replace("study.json", "[" * 100_000), "study.json is damaged (RecursionError"),
    "no folder": (edit("study.json", '"folder": "', '"folder": -1, "x": "'), "is damaged"),
    "no text": (
        edit("study.json", '"storage"', '"liberty": ["\\ud800"], "storage"'),
        "study.json is damaged (UnicodeEncodeError",
    ),
    "no database": (lambda study: (study / "study.db").unlink(), "has lost its trials: study.db"),
    "no database file": (
        lambda study: (study / "study.db").write_text("junk" * 999),
        "cannot be opened: file is not a database; put a copy of it back, or sweep into a new",
    ),
    "no TOML": (edit("sweep.toml", "[hardware]", "[hardware"), "sweep.toml"),
    "another version's block": (edit("sweep.toml", "mac_array", "no_such"), "no_such"),
    "gone": (shutil.rmtree, "is not a study; name the folder that 'chipdse sweep' printed"),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_studies_are_refused_in_one_line(
    damage: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, file = shutil.copytree(good, tmp_path / "study"), str(tmp_path / "f.svg")
    results = tmp_path / "metrics.json"
    results.write_text('{"design__instance__area": 1.0}')
    change, says = DAMAGE[damage]
    change(study)
    for words in (
        ["front", study],
        ["report", study, "-o", file],
        ["plot", study, "-o", file],
        ["compare", good, study],
        ["explore", study],
        ["export", study, "--trial", 0, "--to", tmp_path / "to"],
        ["import-results", study, results, "--trial", 0],
    ):
        assert main(list(map(str, words))) == 2, words
        said = capsys.readouterr().err
        assert says in said and said.count("\n") == 1, said
    assert not Path(file).exists() and not (tmp_path / "to").exists()


@pytest.mark.slow
def test_a_damaged_database_is_refused_in_one_line(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that opens, and has a table that cannot be read."""
    study, file = shutil.copytree(good, tmp_path / "study"), tmp_path / "f.svg"
    with closing(sqlite3.connect(study / "study.db")) as database:
        database.execute("ALTER TABLE trial_params RENAME COLUMN param_value TO lost")
        database.commit()
    for words in (
        ["front", study],
        ["report", study, "-o", file],
        ["plot", study, "-o", file],
        ["compare", good, study],
        ["export", study, "--knee", "--to", tmp_path / "to"],
    ):
        assert main(list(map(str, words))) == 1, words
        said = capsys.readouterr().err
        assert "the trials of" in said and said.count("\n") == 1, said
    assert not file.exists() and not (tmp_path / "to").exists()


TABLES = sorted(models.BaseModel.metadata.tables)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("table", TABLES)
def test_a_database_that_lacks_a_table_is_refused(
    table: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Optuna would create an empty one, and the parameters of each point would be None."""
    study = shutil.copytree(good, tmp_path / "study")
    with closing(sqlite3.connect(study / "study.db")) as database:
        database.execute(f"DROP TABLE {table}")
        database.commit()
    before = (study / "study.db").read_bytes()
    for words in (
        ["front", study],
        ["report", study, "-o", tmp_path / "f.html"],
        ["compare", good, study],
        ["sweep", study / "sweep.toml", "--study", study, "--no-report", "--workers", "1"],
    ):
        assert main(list(map(str, words))) == 2, words
        said = capsys.readouterr().err
        assert f"is damaged: it lacks the table {table}; put a copy of it back" in said, said
        assert said.count("\n") == 1
    assert (study / "study.db").read_bytes() == before


def test_a_point_that_lost_a_parameter_is_refused(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = shutil.copytree(good, tmp_path / "study")
    with closing(sqlite3.connect(study / "study.db")) as database:
        database.execute("DELETE FROM trial_params WHERE param_name = 'columns'")
        database.commit()
    assert main(["front", str(study)]) == 1
    said = capsys.readouterr().err
    assert "trial 0 is complete and has lost its columns" in said and said.count("\n") == 1


def test_a_damaged_status_is_none(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = shutil.copytree(good, tmp_path / "study")
    (study / "status.json").write_text("[" * 100_000)
    assert main(["status", str(study)]) == 2
    said = capsys.readouterr().err
    assert "status" in said and said.count("\n") == 1


@pytest.mark.slow
def test_an_empty_study_has_a_report_and_nothing_to_draw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = str(make_study(tmp_path / "empty", 0, on_disk=True).path)
    page = tmp_path / "page.html"
    assert main(["report", empty, "-o", str(page)]) == 0
    assert "No feasible point: there is no front." in page.read_text()
    for words in (["plot", empty, "-o", str(tmp_path / "f.svg")], ["compare", empty, empty]):
        capsys.readouterr()
        assert main(words) == 1
        assert "feasible point" in capsys.readouterr().err
    assert main(["export", empty, "--trial", "3", "--to", str(tmp_path / "to")]) == 2
    assert "has no finished trial 3" in capsys.readouterr().err


def test_a_renamed_study_keeps_its_points(good: Path, tmp_path: Path) -> None:
    from chipdse.study.storage.folder import open_study

    moved = shutil.copytree(good, tmp_path / "another name")
    assert len(points_table(open_study(moved))) == 1


def test_another_way_of_evaluating_is_another_question(good: Path, tmp_path: Path) -> None:
    """Points harvested and points proposed one by one, or without spread, are not one table."""
    text = (good / "sweep.toml").read_text()
    for line in ("harvest = false", "replicates = 2"):
        file = tmp_path / "other.toml"
        file.write_text(f"{text}[search]\n{line}\n")
        says = f"is a study of another sweep: its search.{line.split()[0]} differs"
        with pytest.raises(DesignError, match=says):
            start_study(read_sweep(file), good, None, {})
    file.write_text(f"{text}[search]\ntrials = 3\nsampler = 'random'\n")
    assert start_study(read_sweep(file), shutil.copytree(good, tmp_path / "s"), None, {})


@pytest.mark.slow
def test_why_nothing_is_feasible(tmp_path: Path) -> None:
    folder = tmp_path / "hot"
    made = make_study(folder, 0, on_disk=True)
    made.study.add_trials(
        create_trial(
            params={axis.name: axis.values[0] for axis in made.sweep.space.axes},
            distributions=made.sweep.space.distributions(),
            values=[1.0, 1.0, 1.0],
            constraints={"timing": -1.0, **missed},
        )
        for missed in ({"cost_usd <= 1": 1.0, "energy": 1.0}, {"energy": 2.0})
    )
    with pytest.raises(InfeasibleError, match="2 infeasible, most often: energy\\)"):
        load_study(folder).front()
