"""The report's data: packing, hostile names, history and importance worked by hand."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chipdse.cli import main
from chipdse.report.history import history
from chipdse.report.importance import importance
from chipdse.report.page import SCRIPTS, _chosen, report_html
from chipdse.report.page.data import as_script, page_data
from chipdse.report.page.plotly_local import CONFIG, plotly_library
from chipdse.study.results.points import points_table
from chipdse.study.storage.folder import StudyFolder
from tests.support.report_cases import HOSTILE, make_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    return make_study(tmp_path_factory.mktemp("studies") / "made", 120)


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def data_of(page: str) -> dict:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


@pytest.mark.slow
def test_columns_come_back_as_they_are_in_the_table(study: StudyFolder) -> None:
    table, page = points_table(study), report_html(study, None)
    assert "on the front. Limits: peak temperature at most 95 °C." in page
    data = data_of(page)
    assert data["count"] == 120 and len(data["failures"][0][1]) == 3
    columns = {one["name"]: one for one in data["columns"]}
    for name in ("energy_per_op_j", "vdd_v", "block_area_m2"):
        got = unpacked(columns[name]["values"], "<f4")
        assert np.allclose(got, table[name], rtol=1e-6, equal_nan=True)
    texts = columns["values"]["texts"]
    codes = unpacked(columns["values"]["values"], "<f4").astype(int)
    assert [texts[code] for code in codes] == table["values"].tolist()
    states = unpacked(data["state"], "u1")
    assert [("feasible", "infeasible", "failed")[s] for s in states] == table["state"].tolist()
    assert unpacked(data["on_front"], "u1").astype(bool).tolist() == table["on_front"].tolist()


@pytest.mark.slow
def test_hostile_names_are_text(tmp_path: Path) -> None:
    made = make_study(tmp_path / "hostile", 60, question=HOSTILE, failure=f"ToolError: {HOSTILE}")
    page = report_html(made, None)
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=" in page
    assert data_of(page)["failures"][0][0] == f"ToolError: {HOSTILE}"


def test_a_script_element_cannot_be_left() -> None:
    text = as_script({"</script>": ["<!--", "\u2028", float("nan")]})
    assert "<" not in text and "\u2028" not in text
    assert json.loads(text) == {"</script>": ["<!--", "\u2028", None]}


@pytest.mark.slow
def test_the_page_asks_no_network(study: StudyFolder) -> None:
    page = report_html(study, None)
    own = page.split('id="plotly"')[0] + page.split("</script>", 3)[-1]
    assert not re.findall(r"(?:src|href)=[\"']?https?:", own)
    assert "default-src 'none'" in page


def test_no_chart_is_set_up_to_be_uploaded() -> None:
    """Plotly's own default uploads to a cloud since version 7; the page and Python agree."""
    parts = resources.files("chipdse.report").joinpath("page")
    script = "\n".join(parts.joinpath(f"{part}.js").read_text("utf-8") for part in SCRIPTS)
    settings = re.findall(r"const config = \{(.*?)\};", script)
    assert len(settings) == 1
    for name, value in CONFIG.items():
        assert f"{name}: {json.dumps(value)}" in settings[0]
    assert CONFIG["showSendToCloud"] is False
    # Every chart is drawn with these settings.
    assert len(re.findall(r"Plotly\.(?:react|newPlot)\(", script)) == script.count("config)") + (
        script.count("...config")
    )
    library = plotly_library()
    assert "plotlyServerURL" in library
    assert not re.findall(r'https?://[^"]*(?:newchart|chart-studio|cloud\.plotly)', library)


def test_dependencies_have_upper_bounds() -> None:
    """A major version of Plotly brought the upload: none comes in unseen."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8")
    dependencies = tomllib.loads(text)["project"]["dependencies"]
    assert len(dependencies) > 10
    assert [one for one in dependencies if "<" not in one and "==" not in one] == []


def test_history_by_hand(study: StudyFolder) -> None:
    # The box spans energy 1 to 4 and throughput -4 to 5; scaled losses are (0, 8/9), (2/3, 0)
    # and (1, 1), cost is equal: areas up to (1, 1) are 1/9, and 1/9 * 1 + 8/9 * 1/3 = 11/27.
    objectives = [one.metric for one in study.sweep.objectives]
    table = pd.DataFrame(
        {
            "trial": [0, 1, 2, 3],
            "state": ["feasible", "failed", "feasible", "feasible"],
            "origin": ["proposed", "proposed", "proposed", "harvested"],
            "on_front": [True, False, True, False],
            objectives[0]: [1.0, np.nan, 3.0, 4.0],
            objectives[1]: [-3.0, np.nan, 5.0, -4.0],
            objectives[2]: [2.0, np.nan, 2.0, 2.0],
        }
    )
    found = history(study.sweep, table)
    assert found["evaluations"] == [1, 3, 3]
    assert found["hypervolume"] == pytest.approx([1 / 9, 11 / 27, 11 / 27])


def test_importance_finds_what_decides(study: StudyFolder) -> None:
    found = importance(study)
    assert set(found) == {one.metric for one in study.sweep.objectives}
    assert max(found["energy_per_op_j"], key=found["energy_per_op_j"].__getitem__) == "vdd_v"
    for shares in found.values():
        assert sum(shares.values()) == pytest.approx(1)


def test_details_are_those_of_the_knee_and_of_the_best_on_the_front(study: StudyFolder) -> None:
    # Trial 0 is as good as trial 1 in the first objective, and 1 beats it in the second.
    first, second, third = (one.metric for one in study.sweep.objectives)
    table = pd.DataFrame(
        {
            "trial": [0, 1, 2, 3],
            "on_front": [False, True, True, True],
            "state": "feasible",
            first: [1.0, 1.0, 2.0, 4.0],
            second: [1.0, 2.0, 9.0, 8.0],
            third: [5.0, 5.0, 5.0, 1.0],
        }
    )
    assert set(_chosen(study, table, None)) == {1, 2, 3}
    assert len(_chosen(study, table, 1)) == 1 and _chosen(study, table, [0]) == [0]


def test_texts_keep_the_order_of_the_sweep_file(study: StudyFolder) -> None:
    table = points_table(study).sort_values("values", ascending=False)
    columns = {column["name"]: column for column in page_data(study, table, {})["columns"]}
    assert [text for text in columns["values"]["texts"] if text] == ["gaussian", "uniform"]


def test_a_study_without_a_front_says_so(tmp_path: Path) -> None:
    made = make_study(tmp_path / "none", 8)
    table = points_table(made)
    table["state"], table["on_front"] = "failed", False
    data = page_data(made, table, {})
    assert data["feasible"] == 0 and data["history"]["evaluations"] == []


@pytest.mark.slow
def test_the_verbs_refuse_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = make_study(tmp_path / "disk", 30, on_disk=True)
    for words, says in (
        (["plot", str(made.path), "-o", str(tmp_path / "x.gif")], "must end in .png, .svg, .pdf"),
        (["plot", str(made.path), "-o", str(tmp_path / "x.png"), "--x", "cost_us"], "did you mean"),
        (["report", str(made.path), "--details", "99"], "has no trial 99; "),
        (["report", str(made.path), "--details", "99", "-o", str(tmp_path)], "cannot be written"),
        (["report", str(made.path), "-o", str(tmp_path / "no/r.html")], "cannot be written"),
        (["explore", str(tmp_path / "nothing")], "is not a study"),
        (["explore", str(made.path), "--port", "99999"], "between 0 and 65535"),
    ):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert says in said and said.count("\n") == 1
    for kind in ("front", "parallel", "importance", "history"):
        target = tmp_path / f"{kind}.svg"
        assert main(["plot", str(made.path), "--kind", kind, "-o", str(target)]) == 0
        first = target.read_bytes()
        main(["plot", str(made.path), "--kind", kind, "-o", str(target), "--data"])
        assert target.read_bytes() == first, kind
        assert len(pd.read_csv(tmp_path / f"{kind}.data.csv")) > 1, kind
        caption = (tmp_path / f"{kind}.caption.txt").read_text()
        assert str(made.path) in caption and caption.endswith(".\n"), kind


def test_replicates_show_as_error_bars_and_ties(study: StudyFolder) -> None:
    table = points_table(study)
    table["energy_per_op_j_std"] = 1e-14
    table["tied_with"] = ""
    table.loc[3, "tied_with"] = "1 17"
    data = page_data(study, table, {})
    assert data["ties"] == {str(table.loc[3, "trial"]): [1, 17]}
    assert "energy_per_op_j_std" in {one["name"] for one in data["columns"]}


def test_failed_points_without_cheap_parameters_do_not_disturb(study: StudyFolder) -> None:
    table = points_table(study)
    failed = table.index[table["state"] == "failed"][0]
    table = table.astype({"vdd_v": object, "values": object})
    table.loc[failed, ["vdd_v", "values"]] = None
    columns = {one["name"]: one for one in page_data(study, table, {})["columns"]}
    assert "texts" not in columns["vdd_v"]
    assert set(columns["values"]["texts"]) == {"", "gaussian", "uniform"}
