"""Every script in `benchmarks/` can be loaded: what it imports exists."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search.judges import Judge, dtlz2, table_judge, zdt3
from benchmarks.search.race import keep, main, race, runs_of, summary
from benchmarks.search.searches import SEARCHES
from benchmarks.search.table import read_table
from chipdse.study.results.front import is_on_front
from tests.support.docs_pages import ROOT


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py")))
def test_a_script_loads(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")  # its main() runs only when it is started


def test_the_public_table_is_read_as_its_page_says(shared: Path) -> None:
    """BOOM-Explorer's table has all parameters in one cell and names each in the header."""
    places, values = read_table(
        shared / "reference/search/boom_demo.csv", ["cycle", "power"], {"fetchWidth": 4}
    )
    page = (ROOT / "docs/concepts/searching.md").read_text()
    assert f"its {len(values)} different designs" in page
    assert f"{places.shape[1]} parameters, cycles and power" in page
    assert places.min() == 0 and places.max() == 1
    assert values[0] == pytest.approx([69559.0, 0.0842])


def test_a_header_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b,c,cycle\n1 2,3\n2 2,4\n")
    with pytest.raises(ValueError, match="rows of 2 parameters, a header of 3"):
        read_table(table, ["cycle"])
    table.write_text("parameters,cycle\n1 2,3\n2 4,4\n2 4,5\n")  # both change together
    places, values = read_table(table, ["cycle"])
    assert places.tolist() == [[0], [1]] and values.tolist() == [[3], [4]]


def test_the_fronts_of_the_published_functions_are_the_known_ones() -> None:
    """DTLZ2's is a part of the unit sphere; on ZDT3's all coordinates but the first are 0."""
    places, values = dtlz2()
    front = is_on_front(values)
    assert np.linalg.norm(values[front], axis=1) == pytest.approx(1)
    assert (places[front, 2:] == 0.5).all() and front.sum() == 49
    places, values = zdt3()
    front = is_on_front(values)
    assert (places[front, 1:] == 0).all()
    parts = np.diff(places[front, 0].round(6)) > 0.05  # it has gaps
    assert len(values) == 2025 and parts.sum() >= 3


def small() -> tuple[np.ndarray, np.ndarray]:
    places = np.array([[a, b] for a in np.linspace(0, 1, 6) for b in np.linspace(0, 1, 6)])
    return places, np.stack([places[:, 0], (1 - places[:, 0]) ** 2 + places[:, 1]], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random", "tpe", "nsga2", "lattice", "lattice_2_workers"])
def test_a_search_of_a_table_proposes_every_row_once(name: str) -> None:
    places, values = small()
    order = SEARCHES[name](places, values, np.array([1.1, 2.2]), 1, 20)
    assert len(set(order)) == len(order) == 20


def test_all_rows_are_the_full_hypervolume() -> None:
    places, values = small()
    judge = table_judge(places, values, is_complete=False)
    gave, spent = judge.run("random", 1, 36)
    assert judge.share(np.concatenate(gave)) == pytest.approx(1.0)
    assert judge.share(np.concatenate(gave[:3])) < 1.0
    assert spent >= 0


def test_workers_do_not_know_what_others_evaluate(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def scores(candidates: np.ndarray, known: object) -> np.ndarray:
        seen.append(known)
        return np.ones(len(candidates))

    monkeypatch.setattr("benchmarks.search.searches.scores", scores)
    places, values = small()
    SEARCHES["lattice_8_workers"](places, values, np.ones(2), 0, 20)
    assert [len(one.places) for one in seen] == [8, 9, 10, 11, 12]  # type: ignore[attr-defined]
    assert {len(one.pending) for one in seen} == {7}  # type: ignore[attr-defined]


def test_a_race_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    places, values = small()
    judge = table_judge(places, values, is_complete=False)
    asked = []

    def run(search: str, seed: int, budget: int) -> tuple[list[np.ndarray], float]:
        asked.append((search, seed, budget))
        return judge.run(search, seed, budget)

    watched = Judge(run=run, share=judge.share)
    monkeypatch.setattr("benchmarks.search.race.judge", lambda name, table: watched)
    file = tmp_path / "runs.json"
    keep({"judge": "zdt3", "search": "random", "seed": 0} | race(watched, "random", 0, 25), file)
    asked.clear()
    options = ["--judges", "zdt3", "--searches", "random", "--runs", str(file), "--seeds", "2"]
    monkeypatch.setattr("sys.argv", ["race", *options, "--budget", "25"])
    main()
    assert asked == [("random", 1, 25)]
    assert [run["seed"] for run in runs_of(file)] == [0, 1]
    row = summary(runs_of(file))["zdt3 random"]
    assert row["seeds"] == 2 and len(row["25"]) == 3 and "50" not in row
    assert '"zdt3 random"' in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["race", *options, "--budget", "30"])
    main()  # a longer search takes the place of a shorter one
    assert [len(run["curve"]) for run in runs_of(file)] == [6, 6]
