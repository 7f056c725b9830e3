"""A study continues under a sweep file with more values; its points stay as they are."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.netlist.library.user import add_library
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results.points import points_table
from chipdse.study.storage import kept_fingerprint
from chipdse.study.storage.begin import start_study
from chipdse.study.storage.fingerprint import Fingerprint, comparable, differences
from chipdse.study.storage.folder import StudyFolder, kept_in, open_study
from chipdse.study.storage.trials import outdated_points
from tests.support import library_files, small_sweep
from tests.support.report_cases import make_study


def widened(study: StudyFolder, **changes: str) -> Path:
    """The study's sweep file with some lines replaced."""
    text = study.sweep.text
    for name, after in changes.items():
        old = {
            "columns": "columns = [2, 3, 4, 5]",
            "values": 'values = ["gaussian", "uniform"]',
            "vdd_v": "vdd_v = [1.2, 1.4, 1.6, 1.8]",
            "depth": "depth = 16",
            "operand_bits": "operand_bits = [4, 8]",
            "name": 'name = "sky130"',
        }[name]
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_library_is_added(
    study: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The points of the first library stay; a changed library is another version afterwards."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = library_files.liberty(tmp_path, "cells.lib", volts=1.2)
    add_library("mine", [file])
    before = points_table(open_study(study.path))
    wider = read_sweep(widened(study, name='["sky130", "mine"]'))
    start_study(wider, study.path, None, {})
    after = points_table(open_study(study.path))
    assert set(after.loc[after["state"] != "failed", "library"]) == {"sky130"}
    pd.testing.assert_frame_equal(after[before.columns], before)
    library_files.liberty(tmp_path, "cells.lib", volts=1.2, leak=2)
    add_library("mine", [file], replace=True)
    with pytest.raises(DesignError, match=r"another version of: library mine:cells\.lib;"):
        start_study(wider, study.path, None, {})


def test_what_is_added_to_a_sweep_is_no_other_version() -> None:
    before = {"library a:x.lib": "1", "library a:node and corners": "2", "calibration a.toml": "3"}
    added = {"library b:x.lib": "4", "library b:node and corners": "5", "calibration b.toml": "6"}
    assert differences(*comparable(before, before | added)) == []
    assert differences(*comparable(before | added, before | added | {"library b:x.lib": "7"})) == [
        "library b:x.lib"
    ]
    # Another library instead of the first is not an addition, nor are files on the command line.
    other = {"library b:x.lib": "1", "library b:node and corners": "2"}
    files = {"library :x.lib": "1", "library :node and corners": "2"}
    assert len(differences(*comparable(before, other))) == 4
    assert len(differences(*comparable(before, files))) == 4


@pytest.mark.slow
def test_a_refused_study_can_be_opened_and_continued(study: StudyFolder) -> None:
    """Values are added, and something else has changed: nothing of the study may be written."""
    kept = kept_in(study.study.user_attrs)
    assert kept is not None
    changed = Fingerprint(identity=kept.identity, parts={**kept.parts, "chipdse": "0.0.1"})
    kept_fingerprint._write(study.storage.optuna, study.study._study_id, changed, outdate=False)
    before = points_table(open_study(study.path))
    wider = read_sweep(widened(study, columns="[2, 3, 4, 5, 6]"))
    with pytest.raises(DesignError, match=r"another version of: chipdse \(0\.0\.1, now "):
        start_study(wider, study.path, None, {})
    pd.testing.assert_frame_equal(points_table(open_study(study.path)), before)
    start_study(wider, study.path, None, {}, re_evaluate=True)
    assert len(points_table(open_study(study.path))) == 0


@pytest.fixture
def no_writing() -> Iterator[None]:
    """Databases are only read, as those of another user are."""

    def only_read(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", only_read)
    yield
    sqlalchemy.event.remove(sqlalchemy.Engine, "connect", only_read)


@pytest.mark.usefixtures("no_writing")
def test_a_study_that_may_only_be_read(study: StudyFolder) -> None:
    assert len(points_table(open_study(study.path))) > 50
    with pytest.raises(DesignError, match="cannot be opened: attempt to write a readonly database"):
        start_study(study.sweep, study.path.parent / "new", None, {})


def test_a_report_that_cannot_be_written(
    study: StudyFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chipdse.report.page.report_html", lambda *given, **named: "a page")
    (study.path / "report.html").mkdir()
    assert main(["report", str(study.path), "--details", "0"]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert f"the report '{study.path}/report.html' cannot be written (" in line


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
