"""Results of another flow compared with the estimates: worked by hand, and refusals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.export.results import DIRECT, compare, corners_of, left_out, read_results
from chipdse.metrics import METRICS

OURS = {
    "block_area_m2": 1.1e-9,
    "block_cell_count": 90.0,
    "block_power_w": 3e-3,
    "critical_path_s": 4e-9,
    "worst_hold_slack_s": 0.2e-9,
    "clock_frequency_hz": 2e8,
}
LIBRELANE = {
    "design__instance__area": 2000,
    "design__instance__area__stdcell": 1000,
    "design__instance__count__stdcell": 100,
    "timing__setup__ws": -1.0,
    "timing__setup__ws__corner:nom_ss_100C_1v60": -1.0,
    "timing__setup__ws__corner:nom_tt_025C_1v80": 1.5,
    "timing__hold__ws__corner:nom_tt_025C_1v80": 0.1,
    "power__total": 0.004,
    "design__name": "top",
    "synthesis__check_error__count": float("inf"),
}
# Slack 1.5 ns of a period of 5 ns: a critical path of 3.5 ns, ours is 4 / 3.5 - 1 above it.
EXPECTED = {
    "block_area_m2": (1e-9, 0.1),
    "block_cell_count": (100.0, -0.1),
    "block_power_w": (0.004, -0.25),
    "critical_path_s": (3.5e-9, 4 / 3.5 - 1),
    "worst_hold_slack_s": (0.1e-9, 1.0),
}


def as_json(folder: Path) -> Path:
    path = folder / "metrics.json"
    path.write_text(json.dumps(LIBRELANE))
    return path


def as_csv(folder: Path) -> Path:
    path = folder / "metrics.csv"
    path.write_text("Metric,Value\n" + "".join(f"{k},{v}\n" for k, v in LIBRELANE.items()))
    return path


@pytest.mark.parametrize("write", [as_json, as_csv])
def test_librelane_metrics_against_hand_worked_errors(tmp_path: Path, write: object) -> None:
    results = read_results(write(tmp_path))  # type: ignore[operator]
    found = {one.metric: (one.theirs, one.error_frac) for one in compare(OURS, results)}
    assert found.keys() == EXPECTED.keys()
    for name, (theirs, error) in EXPECTED.items():
        assert found[name] == pytest.approx((theirs, error), rel=1e-12), name


def test_corner_clock_and_unit_can_be_chosen(tmp_path: Path) -> None:
    results = read_results(as_json(tmp_path))
    assert corners_of(results) == ["nom_ss_100C_1v60", "nom_tt_025C_1v80"]
    slow = compare(OURS, results, corner="nom_ss_100C_1v60", clock_period_s=6e-9, time_unit_s=1e-12)
    paths = {one.metric: one.theirs for one in slow}
    assert paths["critical_path_s"] == pytest.approx(6e-9 + 1e-12)


def test_openroad_stage_prefixes_and_reports(tmp_path: Path) -> None:
    path = tmp_path / "6_report.json"
    path.write_text(
        json.dumps({"finish__timing__setup__ws": 1.0, "detailedroute__route__wirelength": 1200})
    )
    found = {
        o.metric: o.theirs for o in compare(OURS | {"wire_length_m": 1e-3}, read_results(path))
    }
    assert found == {
        "critical_path_s": pytest.approx(4e-9),
        "wire_length_m": pytest.approx(1.2e-3),
    }
    report = tmp_path / "6_finish.rpt"
    report.write_text(
        "worst slack max 0.50\nDesign area 1234.5 u^2 43% utilization.\n"
        "Group                  Internal  Switching    Leakage      Total\n"
        "Sequential             1.00e-03   1.00e-03   1.00e-06   2.00e-03  66.7%\n"
        "Total                  1.50e-03   1.49e-03   1.00e-05   3.00e-03 100.0%\n"
    )
    found = {o.metric: o.theirs for o in compare(OURS, read_results(report))}
    assert found["block_power_w"] == pytest.approx(3e-3)
    assert found["block_area_m2"] == pytest.approx(1234.5e-12)
    assert found["critical_path_s"] == pytest.approx(4.5e-9)


def test_metadata_of_openroad_flow_scripts_in_the_order_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    metadata = {  # sorted by name, as the flow writes them: globalroute comes after finish
        "constraints__clocks__details": ["core_clock: 8.0"],
        "cts__timing__setup__ws": 3.0,
        "detailedroute__route__wirelength": 1500,
        "finish__design__instance__area__class:tap_cell": 40.0,
        "finish__design__instance__area__stdcell": 1040.0,
        "finish__design__instance__count__class:clock_buffer": 9,
        "finish__design__instance__count__class:clock_inverter": 3,
        "finish__design__instance__count__class:sequential_cell": 30,
        "finish__design__instance__count__class:tap_cell": 20,
        "finish__design__instance__count__stdcell": 120,
        "finish__timing__fmax": 250e6,
        "finish__timing__setup__ws": 4.0,
        "globalroute__timing__setup__ws": 2.0,
        "run__flow__design": "top",
    }
    path.write_text(json.dumps(metadata))
    ours = OURS | {
        "wire_length_m": 1.2e-3,
        "clock_buffer_count": 10.0,
        "block_flip_flop_count": 30.0,
        "f_max_hz": 2.4e8,
    }
    found = {one.metric: one.theirs for one in compare(ours, read_results(path))}
    assert found == {
        "block_area_m2": pytest.approx(1000e-12),
        "block_cell_count": 100,
        "block_flip_flop_count": 30,
        "f_max_hz": 250e6,
        "wire_length_m": pytest.approx(1.5e-3),
        "clock_buffer_count": 12,
        "critical_path_s": pytest.approx(4e-9),  # 8 ns, as their run says, less 4 ns of slack
    }
    without = compare(ours | {"wire_length_m": 0.0}, read_results(path), clock_period_s=9e-9)
    found = {one.metric: one.theirs for one in without}
    assert "wire_length_m" not in found  # ours were not counted
    assert found["critical_path_s"] == pytest.approx(5e-9)


def test_what_is_imported_are_metrics_of_ours(tmp_path: Path) -> None:
    everything = dict.fromkeys(METRICS, 1.0)
    found = {one.metric for one in compare(everything, read_results(as_json(tmp_path)))}
    assert {*EXPECTED} <= found
    assert {*DIRECT} <= METRICS.keys()


def test_names_read_here_are_those_librelane_writes() -> None:
    metrics = pytest.importorskip("librelane.common.metrics", reason="LibreLane is not installed")
    names = ("power__total", "power__internal__total", "timing__setup__ws", "timing__hold__ws")
    for name in (*names, "design__instance__area", "design__instance__count", "route__wirelength"):
        assert name in metrics.Metric.by_name, name


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("none.json", None, "cannot be read: No such file"),
        ("bad.json", "{", "are not JSON"),
        ("list.json", "[]", "must be one JSON object"),
        ("empty.csv", "Metric,Value\n", "hold no metric known here"),
        ("other.rpt", "nothing of use\n", "hold no metric known here"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DesignError, match=says):
        read_results(tmp_path / name)


@pytest.mark.parametrize("infinite", ["1.0000000433293989E+39", "1e30", "INF", "inf", "-1e+30"])
def test_no_path_is_no_result(
    tmp_path: Path, infinite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "metrics.csv"
    lines = ["Metric,Value", "power__total,0.004", f"timing__fmax,{infinite}"]
    lines += [f"timing__{check}__ws,{infinite}" for check in ("setup", "hold")]
    results.write_text("\n".join([*lines, ""]))
    ours = OURS | {"f_max_hz": 2e8}
    assert [one.metric for one in compare(ours, read_results(results))] == ["block_power_w"]
    left = left_out(ours, read_results(results))
    assert [line.split()[0] for line in left] == [
        *("f_max_hz", "critical_path_s", "worst_hold_slack_s")
    ]
    assert all("no path is constrained" in line for line in left)
    (tmp_path / "metrics.json").write_text(json.dumps({k: {"value": v} for k, v in ours.items()}))
    assert main(["import-results", str(tmp_path), str(results)]) == 0
    printed = capsys.readouterr()
    assert "no path is constrained" in printed.err and "critical_path_s" not in printed.out


def test_a_report_without_paths(tmp_path: Path) -> None:
    report = tmp_path / "6_finish.rpt"
    report.write_text("Design area 1000 u^2 43% utilization.\nworst slack max INF\nwns max 0.00\n")
    report.write_text(report.read_text().replace("wns max 0.00\n", "worst slack min 1e+30\n"))
    assert [one.metric for one in compare(OURS, read_results(report))] == ["block_area_m2"]
    report.write_text("worst slack max INF\n")
    with pytest.raises(DesignError, match="no metric in common; critical_path_s is left out"):
        compare(OURS, read_results(report))


def test_a_slack_beyond_the_period_asks_for_the_clock(tmp_path: Path) -> None:
    # Our clock is 5 ns; a slack of 7 ns means that theirs is not.
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps({"power__total": 0.004, "timing__setup__ws": 7.0}))
    results = read_results(path)
    assert [one.metric for one in compare(OURS, results)] == ["block_power_w"]
    (line,) = left_out(OURS, results)
    assert "slack of 7 ns is more than the clock period of 5 ns" in line and "--clock" in line
    found = {one.metric: one.theirs for one in compare(OURS, results, clock_period_s=10e-9)}
    assert found["critical_path_s"] == pytest.approx(3e-9)
    assert left_out(OURS, results, clock_period_s=10e-9) == []


@pytest.mark.parametrize("broken", [".", "3.03-e", "nan", "", "1_0", "0x10", "--1", "1e", "true"])
def test_a_broken_number_is_one_line(tmp_path: Path, broken: str) -> None:
    files = {
        "a.csv": f"Metric,Value\npower__total,{broken}\n",
        "b.json": json.dumps({"finish__power__total": broken}),
        "c.json": json.dumps({"timing__setup__ws__corner:nom_tt_025C_1v80": broken}),
        "d.json": json.dumps(
            {"power__total": 1.0, "constraints__clocks__details": [f"c:{broken}"]}
        ),
        "e.rpt": f"worst slack max {broken}\n",
        "f.rpt": f"Total 1.5e-03 1.0e-03 {broken or '-'} 3.0e-03 100.0%\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(DesignError, match="is no finite number; correct it") as refused:
            read_results(tmp_path / name)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("power__total,0.005", "have power__total twice, as '0.004' and '0.005'"),
        ("power__leakage__total,-1", "power__leakage__total is '-1', less than 0"),
        ("design__instance__count,-3", "less than 0"),
        ("route__wirelength,1,234", "line of route__wirelength has 3 cells instead of 2"),
        ("route__wirelength", "line of route__wirelength has 1 cells instead of 2"),
        ("route__wirelength," + "1" * 60_000 + "x", "is '1111111111"),  # at once, not in a minute
    ],
)
def test_a_line_that_is_no_metric_is_one_line(tmp_path: Path, line: str, says: str) -> None:
    path = as_csv(tmp_path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DesignError) as error:
        read_results(path)
    assert says in str(error.value) and "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_metric_twice_in_json_and_empty_lines_of_a_report(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"power__total": 1, "power__total": 2}')
    with pytest.raises(DesignError, match="power__total twice, as '1' and '2'"):
        read_results(tmp_path / "a.json")
    (tmp_path / "b.json").write_text('{"power__total": 1, "x": [1], "x": 2, "power__total": 1}')
    assert read_results(tmp_path / "b.json") == {"power__total": 1, "x": 2}
    (tmp_path / "report").write_text("\n" * 100_000 + "Design area 5 um^2 50% utilization.\n")
    assert read_results(tmp_path / "report") == {"design__instance__area": 5}


def test_what_a_flow_did_not_find_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    found = {"finish__power__total": 0.004, "finish__timing__setup__ws": "N/A"}
    path.write_text(json.dumps(found | {"finish__timing__fmax": "ERR", "timing__hold__ws": None}))
    assert [one.metric for one in compare(OURS, read_results(path))] == ["block_power_w"]


NAMES = ["power__total", "timing__setup__ws", "timing__fmax", "clock__period", "design__name"]
VALUES = st.one_of(
    st.floats(),
    st.integers(),
    st.none(),
    st.booleans(),
    st.text(max_size=6),
    st.text(alphabet="0123456789.eE+-nai", max_size=8),
    st.lists(st.integers(), max_size=2),
)


@pytest.mark.slow
@given(
    values=st.dictionaries(st.sampled_from([*NAMES, "constraints__clocks__details"]), VALUES),
    report=st.text(alphabet="0123456789.e+-in \t", max_size=12),
    kind=st.sampled_from([".json", ".csv", ".rpt"]),
)
def test_any_file_gives_finite_results_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, object], report: str, kind: str
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / f"results{kind}"
    if kind == ".json":
        text = json.dumps(values)
    elif kind == ".csv":
        text = "".join(f"{name},{value}\n" for name, value in values.items())
    else:
        text = f"worst slack max {report}\nDesign area {report} u^2\nTotal {report} 100.0%\n"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        results = read_results(path)
        rows = compare(OURS | {"f_max_hz": 2e8}, results)
    except DesignError as error:
        assert "Traceback" not in str(error)
        return
    assert all(math.isfinite(row.theirs) for row in rows)
    assert all(row.theirs > 0 for row in rows if row.metric == "critical_path_s")


@pytest.mark.parametrize(
    ("name", "number", "metric"),
    [
        ("power__total", -1.0, "block_power_w"),
        ("power__total", 0, "block_power_w"),
        ("design__instance__area", 0, "block_area_m2"),
        ("design__instance__count__stdcell", 0, "block_cell_count"),
    ],
)
def test_an_impossible_number_is_no_result(
    tmp_path: Path, name: str, number: float, metric: str
) -> None:
    values = {key: value for key, value in LIBRELANE.items() if "area" not in key}
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps(values | {name: number}))
    results = read_results(path)
    assert metric not in [row.metric for row in compare(OURS, results)]
    (line,) = left_out(OURS, results)
    assert line.startswith(f"{metric} is left out: their value of") and "impossible" in line


def test_an_unknown_corner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="corner 'fast' is not in the results; they have"):
        compare(OURS, read_results(as_json(tmp_path)), corner="fast")


def test_the_verb_prints_and_keeps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    point = tmp_path / "point"
    point.mkdir()
    (point / "metrics.json").write_text(json.dumps({k: {"value": v} for k, v in OURS.items()}))
    results = as_json(tmp_path)
    for _ in range(2):
        assert main(["import-results", str(point), str(results), "--json"]) == 0
        (first, *_) = json.loads(capsys.readouterr().out)
        assert first["error_frac"] == pytest.approx(0.1)
    kept = json.loads((point / "imported.json").read_text())
    assert len(kept) == 1 and len(kept[0]["metrics"]) == len(EXPECTED)
    assert main(["import-results", str(point), str(results)]) == 0
    assert "+14.3%" in capsys.readouterr().out
    assert main(["import-results", str(point), str(results), "--trial", "3"]) == 2


def test_what_cannot_be_kept_is_printed_and_a_damaged_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    point = tmp_path / "point"
    point.mkdir()
    (point / "metrics.json").write_text(json.dumps({k: {"value": v} for k, v in OURS.items()}))
    results = as_json(tmp_path)
    kept, command = point / "imported.json", ["import-results", str(point), str(results)]
    kept.mkdir()
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "+14.3%" in printed and "imported.json cannot be written (" in printed
    kept.rmdir()
    for text in ("[", "[1]", "3", "[{}]"):
        kept.write_text(text)
        assert main(command) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "imported.json is damaged" in line and line.endswith("; remove it")


@pytest.mark.parametrize("text", [json.dumps(LIBRELANE), "[1]", '{"a": {"value": "x"}}', "{", "{}"])
def test_results_of_another_flow_are_no_exported_point(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """LibreLane writes a metrics.json too."""
    (tmp_path / "theirs").mkdir()
    results = as_json(tmp_path / "theirs")
    (tmp_path / "metrics.json").write_text(text)
    assert main(["import-results", str(tmp_path), str(results)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "metrics.json is not what 'chipdse export' wrote" in line
