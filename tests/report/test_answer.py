"""The answer in words says what the table has: best points, knee, what is never on the front."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from chipdse.report.answer import answer_of, warnings_of
from chipdse.report.page import report_html
from chipdse.study.question.sweep_file import Sweep, read_sweep
from chipdse.study.results.points import points_table
from tests.support.report_cases import make_study
from tests.support.small_sweep import SWEEP, call


def small(folder: Path, **columns: list[float]) -> tuple[Sweep, pd.DataFrame]:
    """A table of feasible points with given columns; the rest is from a made study."""
    study = make_study(folder / "study", 200)
    table = points_table(study)
    table = table[table["state"] == "feasible"].head(len(next(iter(columns.values()))))
    return study.sweep, table.assign(on_front=False, **columns).reset_index(drop=True)


@pytest.mark.slow
def test_the_answer_of_four_points_is_that_by_hand(tmp_path: Path) -> None:
    sweep, table = small(
        tmp_path,
        energy_per_op_j=[1e-12, 2e-12, 1.2e-12, 3e-12],
        throughput_ops_per_s=[1e9, 3e9, 2.8e9, 1e9],
        cost_usd=[1.0, 1.0, 1.0, 1.0],
        rows=[2, 3, 2, 5],
        columns=[2, 2, 2, 2],
    )
    table["trial"], table["on_front"] = [10, 11, 12, 13], [True, True, True, False]
    importances = {"energy_per_op_j": {"rows": 0.8, "vdd_v": 0.15, "columns": 0.05}}
    importances["rows"] = {"rows": 1.0}  # a swept number as an objective decides itself
    answer = answer_of(sweep, table, importances)
    text = "\n".join(answer.sentences)
    assert re.search(r"Least energy: 1 pJ/MAC, trial 10 \(rows 2", text)
    assert re.search(r"Most throughput: 3 GMAC/s, trial 11 \(rows 3", text)
    assert re.search(r"Knee .*: energy 1.2 pJ/MAC, throughput 2.8 GMAC/s, .* trial 12", text)
    assert "rows 5 (tried 1 time)" in text  # and rows 4 was never tried
    assert "rows 4" not in text
    assert "energy rows 80%, vdd_v 15%." in text
    assert dict(answer.designs)["knee"] == 12
    assert "columns" not in answer.differing and ("columns", "2") in answer.constant


def scaled(table: pd.DataFrame, **factors: object) -> pd.DataFrame:
    return table.assign(**{name: table[name] * factor for name, factor in factors.items()})


@pytest.mark.slow
def test_a_parameter_that_scales_two_objectives(tmp_path: Path) -> None:
    count = 60
    sweep, table = small(
        tmp_path,
        energy_per_op_j=[1e-12 * (1 + 0.01 * (n % 7)) for n in range(count)],
        throughput_ops_per_s=[1e9 * (1 + 0.01 * (n % 5)) for n in range(count)],
        cost_usd=[1 + 0.01 * (n % 3) for n in range(count)],
    )
    rows = table["rows"].astype(float)
    alike = scaled(table, throughput_ops_per_s=rows, cost_usd=rows)
    (warning,) = warnings_of(sweep, alike)
    assert warning.startswith("rows scales throughput and recurring cost alike")
    # A supply that buys speed for energy by another law is a question, not a mistake.
    other = scaled(table, throughput_ops_per_s=rows**3, cost_usd=rows)
    assert not list(warnings_of(sweep, other))
    # Nor is a parameter that makes both better.
    both = scaled(table, throughput_ops_per_s=rows, cost_usd=1 / rows)
    assert not list(warnings_of(sweep, both))


@pytest.mark.slow
@pytest.mark.parametrize(("on_front", "warned"), [(20, False), (21, True)])
def test_a_large_front(tmp_path: Path, on_front: int, warned: bool) -> None:
    sweep, table = small(tmp_path, energy_per_op_j=[1e-12 + 1e-15 * n for n in range(60)])
    table["on_front"] = table.index < on_front
    assert any("of 60 feasible points" in text for text in warnings_of(sweep, table)) == warned


@pytest.mark.slow
def test_report_and_front_have_it(tmp_path: Path) -> None:
    study = make_study(tmp_path / "a study", 80, on_disk=True)
    page = report_html(study, None)
    table = points_table(study)
    answer = answer_of(study.sweep, table, {})
    assert page.index('id="answer"') < page.index('id="front-plot"')
    assert answer.sentences[0].split(" (")[0] in page
    front = call("front", study.path).stdout
    assert f"{int(table['on_front'].sum())} of 80 points" in front
    length = front.count("length")
    assert length == 0  # fixed in the file, hence in no column


@pytest.mark.parametrize(
    ("change", "warned"),
    [
        ("", True),
        ("ambient_c = 30\n", False),
        ("spreader_side_m = [0.03, 0.06]\n", False),
    ],
)
def test_coolers_by_their_defaults_are_not_compared(
    tmp_path: Path, change: str, warned: bool
) -> None:
    file = tmp_path / "coolers.toml"
    swept = '[package]\ncooling = ["heatsink_forced_air", "cold_plate"]\n'
    file.write_text(SWEEP.replace("[package]\n", swept + change))
    sweep = read_sweep(file)
    names = [axis.name for axis in sweep.space.axes] + [o.metric for o in sweep.objectives]
    none = pd.DataFrame({name: [] for name in ("state", "on_front", *names)})
    assert any("cooling is swept" in text for text in warnings_of(sweep, none)) == warned
