"""Verbs say which version made a study's points, and what changed since; no export mixes two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy

import chipdse
from chipdse.cli import main
from chipdse.report.page.serve import make_server
from chipdse.store.store import Store
from chipdse.study.storage.folder import kept_in
from chipdse.study.storage.since import version_text
from tests.support import kernels
from tests.support import small_sweep as sweeps
from tests.support.counter_project import COUNTER, counter_project

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("coarse_temperatures")]

SWEEP = """
question = "Which width?"
block = "counter.toml"
[hardware]
WIDTH = [2, 3]
[workload]
length = 20
[library]
name = "sky130"
[package]
node_nm = 130.0
[physical]
wires = "none"
glitches = false
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
[search]
sampler = "grid"
harvest = false
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    counter_project(folder)
    (folder / "sweep.toml").write_text(SWEEP)
    sweeps.here(folder / "sweep.toml", folder / "study", store=folder / "store" / "stages")
    return folder


@pytest.fixture(params=["as it was", "edited"])
def since(request: pytest.FixtureRequest, project: Path) -> str:
    """What is to be said after "version ...;", with the block as it was or edited."""
    source = project / "counter.v"
    source.write_text(COUNTER if request.param == "as it was" else COUNTER.replace("+ 1", "+ 3"))
    request.addfinalizer(lambda: source.write_text(COUNTER))
    return "nothing changed since" if request.param == "as it was" else "changed since: counter.v"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, list[str]]:
    """Exit code, standard output, and lines of standard error of a verb."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    streams = capsys.readouterr()
    return code, streams.out, streams.err.splitlines()


def test_verbs_say_what_changed(
    project: Path, since: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = project / "study"
    kept = kept_in(chipdse.load_study(study).folder.study.user_attrs)
    assert kept is not None
    line = f"{study}: version {kept.text}; {since}"
    for verb in (
        ["front", study, "--format", "json"],
        ["report", study, "--details", "-o", tmp_path / "report.html", "--json"],
        ["plot", study, "-o", tmp_path / "front.png", "--json"],
        ["compare", study, study, "--json"],
    ):
        code, out, errors = said(capsys, *verb)
        assert code == 0 and line in errors, verb
        json.loads(out)
    page = (tmp_path / "report.html").read_text()
    shown = f"The points are of version {kept.text}; {since}."
    assert (f"<strong>{shown}</strong>" if "counter" in since else shown) in page
    said(capsys, "compare", study, study, "-o", tmp_path / "compare.html")
    assert f"version {kept.text}; {since}" in (tmp_path / "compare.html").read_text()


@pytest.mark.few_cases(1)
def test_what_is_computed_now_is_not_mixed_with_points_of_another_version(
    project: Path,
    since: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(project / "store")))
    study, target = project / "study", tmp_path / "export"
    export = said(capsys, "export", study, "--trial", 0, "--to", target)
    power = said(capsys, "plot", study, "--kind", "power", "-o", tmp_path / "power.png")
    page = chipdse.load_study(study).write_report(tmp_path / "report.html", details=[0])
    draws = ("--ranges", "--draws", 64)
    front = said(capsys, "front", study, *draws)
    report = said(capsys, "report", study, "--details", *draws, "-o", tmp_path / "ranges.html")
    if "counter" not in since:
        assert (export[0], power[0], front[0], report[0]) == (0, 0, 0, 0) and (
            target / "netlist.v"
        ).exists()
        return
    for (code, _, errors), what in (
        (export, "an export"),
        (power, "looking into a point"),
        (front, "a front with ranges"),
        (report, "a report with ranges"),
    ):
        assert code == 2
        assert f"{what} would mix two versions: changed since the points of " in errors[-1]
        assert errors[-1].endswith(
            "counter.v; restore that, or evaluate the points again with 'chipdse sweep ... "
            "--re-evaluate'"
        )
    assert not target.exists() and not (tmp_path / "power.png").exists()
    assert "looking into a point would mix two versions" in page.read_text()


def test_explore_forgets_what_it_looked_into(project: Path) -> None:
    with make_server(
        project / "study", "127.0.0.1", 0, Store(root=project / "store" / "stages")
    ) as server:
        assert "nothing changed since" in server.page()
        assert "kinds" in server.detail(0)
        (project / "counter.v").write_text(COUNTER.replace("+ 1", "+ 3"))
        try:
            assert "changed since: counter.v" in server.page()
            assert "would mix two versions" in server.detail(0)["error"]
        finally:
            (project / "counter.v").write_text(COUNTER)
        assert "kinds" in server.detail(0)


def test_a_study_without_versions_says_so(
    tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweeps.here(project / "sweep.toml", tmp_path / "study", store=project / "store" / "stages")
    folder = chipdse.load_study(tmp_path / "study").folder
    with folder.storage.optuna.engine.begin() as connection:
        for table in ("study_user_attributes", "trial_user_attributes"):
            connection.execute(sqlalchemy.text(f"DELETE FROM {table} WHERE key = 'fingerprint'"))
    folder = chipdse.load_study(tmp_path / "study").folder
    unknown = "no version; changed since: unknown, because a chipdse that kept no versions made"
    assert version_text(folder).startswith(unknown)
    code, _, errors = said(
        capsys, "export", tmp_path / "study", "--trial", 0, "--to", tmp_path / "x"
    )
    assert code == 2 and "would mix two versions" in errors[-1]


def test_a_library_that_was_replaced_or_removed(
    project: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(tmp_path / "cache")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    cells, study = tmp_path / "cells.lib", tmp_path / "study"
    assert main(["library", "export", "sky130", "--to", str(cells)]) == 0
    assert main(["library", "add", "mine", str(cells)]) == 0
    file = project / "mine.toml"
    file.write_text(SWEEP.replace('"sky130"', '"mine"'))
    sweeps.here(file, study, store=tmp_path / "store")
    assert "nothing changed since" in said(capsys, "front", study)[2][-1]
    cells.write_text(cells.read_text() + "/* another release */")
    assert main(["library", "add", "mine", str(cells), "--replace"]) == 0
    (line,) = said(capsys, "front", study)[2]
    assert line.endswith("; changed since: library mine:cells.lib")
    code, _, errors = said(capsys, "export", study, "--trial", 0, "--to", tmp_path / "x")
    assert code == 2 and "would mix two versions" in errors[-1]
    assert main(["library", "remove", "mine"]) == 0
    (line,) = said(capsys, "front", study)[2]
    assert "; changed since: library 'mine' is not known" in line
    assert said(capsys, "export", study, "--trial", 0, "--to", tmp_path / "x")[0] == 2
    assert not (tmp_path / "x").exists()
