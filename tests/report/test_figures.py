"""Figures for papers: of a study and of any table, with their options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from chipdse.cli import main
from chipdse.report.figures.axes import Look
from chipdse.report.figures.front import caption_of, draw_front, points_of_csv, points_of_study
from chipdse.report.figures.kinds import _saved, _supply, draw_points
from chipdse.report.figures.parallel import _draw_lines, heights_of
from chipdse.report.quantities import StudyUnits
from chipdse.study.results.points import points_table
from chipdse.study.storage.folder import open_study
from tests.support.report_cases import make_study


def table_of(path: Path) -> Path:
    """A table of accelerators that no study made."""
    random = np.random.default_rng(3)
    count = 40
    pd.DataFrame(
        {
            "name": [f"m{number}" for number in range(count)],
            "dataflow": random.choice(["output", "row", "weight"], count),
            "pruned": random.integers(0, 2, count).astype(bool),
            "latency": random.lognormal(0, 1.5, count),
            "accuracy": random.uniform(0.6, 0.9, count),
        }
    ).to_csv(path, index=False)
    return path


def test_the_front_of_any_table_is_drawn_with_its_options(tmp_path: Path) -> None:
    table, figure = table_of(tmp_path / "table.csv"), tmp_path / "front.svg"
    words = ["plot", str(table), "--minimize", "latency", "--maximize", "accuracy"]
    words += ["-o", str(figure), "--color", "dataflow", "--title", "Accelerators of 2025"]
    assert main([*words, "--limits", "y=0:40", "--log", "x", "--data"]) == 0
    drawn = figure.read_text()
    for text in ("Accelerators of 2025", "dataflow weight", "less is better", ">40<"):
        assert text in drawn
    values = pd.read_csv(tmp_path / "front.data.csv")
    assert list(values)[:4] == ["row", "latency", "accuracy", "dataflow"] and len(values) == 40
    caption = (tmp_path / "front.caption.txt").read_text()
    assert f"{values['on_front'].sum()} points are on the Pareto front" in caption
    assert "latency minimised, accuracy maximised" in caption


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--maximize", "accuracy", "--kind", "power"], "a table has only the front"),
        ([], "no objective is given"),
        (["--minimize", "latency", "--color", "dataflo"], "did you mean 'dataflow'"),
        (["--minimize", "latency", "--limits", "x=1:0"], "must be the smaller"),
        (["--minimize", "latency", "--limits", "z=0:1"], "is not AXIS=LOW:HIGH"),
        (["--minimize", "latency", "--limits", "x=nan:1"], "is not AXIS=LOW:HIGH"),
        (["--minimize", "latency", "--y", "pruned", "--log", "y"], "is not a number"),
    ],
)
def test_mistakes_are_refused_in_one_line(
    words: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "front.svg"
    assert main(["plot", str(table_of(tmp_path / "t.csv")), "-o", str(figure), *words]) == 2
    refusal = capsys.readouterr().err
    assert reason in refusal and refusal.count("\n") == 1
    assert not figure.exists()


def test_the_drawn_table_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = table_of(tmp_path / "front.data.csv")
    before = table.read_bytes()
    words = ["plot", str(table), "--minimize", "latency", "-o", str(tmp_path / "front.svg")]
    assert main([*words, "--data"]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert table.read_bytes() == before


@pytest.mark.slow
def test_text_and_few_numbers_have_a_colour_and_a_legend_entry_each(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", 60)
    points = points_of_study(study, points_table(study))
    axes = ["energy_per_op_j", "throughput_ops_per_s"]
    for column, entries in (
        ("values", ("values gaussian", "values uniform")),
        ("operand_bits", ("operand bits 4", "operand bits 8")),
    ):
        figure = tmp_path / f"{column}.svg"
        draw_points(points, figure, [*axes, column])
        assert all(entry in figure.read_text() for entry in entries)
    draw_points(points, tmp_path / "text.svg", ["values", *axes], look=Look(title="By values"))
    assert "gaussian" in (tmp_path / "text.svg").read_text()
    assert "violate a limit" in caption_of(points, axes)


@pytest.mark.slow
def test_a_title_does_not_lie_on_the_legend(tmp_path: Path) -> None:
    points = points_of_csv(table_of(tmp_path / "table.csv"), ["latency"], ["accuracy"])
    look = Look(title="Accelerators")
    with _saved(tmp_path / "front.png", 3.5, "front", look) as (figure, plot):
        draw_front(figure, plot, points, [None, None, "dataflow"], look)
    figure.draw_without_rendering()  # at the resolution of the screen, as extents are
    (legend,) = figure.legends
    (title,) = figure.findobj(lambda artist: getattr(artist, "get_text", str)() == look.title)
    assert not legend.get_window_extent().overlaps(title.get_window_extent())


def test_a_supply_curve_has_plain_ticks_and_the_blocks_unit(tmp_path: Path) -> None:
    """A logarithmic axis labels its decades by formulas, which figures of studies do not parse."""
    supply = {
        "vdd_v": [1.2, 1.4, 1.6, 1.8],
        "energy_per_op_j": [1e-12, 2e-12, 3e-12, 4e-12],
        "f_max_hz": [1e5, 1e6, 1e7, 1e8],
    }
    with _saved(tmp_path / "supply.svg", 3.5, "supply", Look()) as (_, plot):
        _supply(plot, 3, {"supply": supply}, StudyUnits(work="addition"))
    drawn = (tmp_path / "supply.svg").read_text()
    assert "$" not in drawn and "mathdefault" not in drawn
    assert ">energy [pJ/addition]<" in drawn and ">0.1<" in drawn and ">100<" in drawn


@pytest.mark.slow
def test_several_studies_are_in_one_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, count in (("one", 60), ("two", 40)):
        make_study(tmp_path / name, count, on_disk=True)
    both = [str(tmp_path / "one"), str(tmp_path / "two")]
    figure = tmp_path / "both.svg"
    assert main(["plot", *both, "-o", str(figure), "--data"]) == 0
    drawn = figure.read_text()
    assert ">study one<" in drawn and ">study two<" in drawn
    data = pd.read_csv(tmp_path / "both.data.csv")
    assert set(data["study"]) == {"one", "two"}
    # Each study keeps its own front.
    opened = [open_study(Path(path)) for path in both]
    fronts = [points_of_study(f, points_table(f)).on_front.sum() for f in opened]
    assert data.groupby("study")["on_front"].sum().tolist() == [int(n) for n in fronts]
    capsys.readouterr()
    assert main(["plot", *both, "-o", str(figure), "--kind", "history"]) == 2
    assert "several studies have one figure of --kind front only" in capsys.readouterr().err


def test_heights_on_a_parallel_axis_by_hand() -> None:
    assert heights_of(np.array([1.0, 3.0, 2.0]), logarithmic=True).tolist() == [0, 1, 0.5]
    decades = heights_of(np.array([0.01, 1.0, 100.0]), logarithmic=True)
    assert decades.tolist() == pytest.approx([0, 0.5, 1])
    assert heights_of(np.array([0.0, 1.0, 100.0]), logarithmic=True)[1] == pytest.approx(0.01)
    assert heights_of(np.array([7.0, 7.0]), logarithmic=False).tolist() == [0.5, 0.5]


def test_equal_pieces_of_a_parallel_figure_are_drawn_once() -> None:
    """Three points share their first piece: it is as dark as three lines over each other."""
    plot = Figure().subplots()
    _draw_lines(plot, np.array([[0, 1, 0], [0, 1, 0.5], [0, 1, 0.5]]), "#000000", 1.0, 0.5)
    (drawn,) = plot.collections
    pieces = [path.vertices.tolist() for path in drawn.get_paths()]
    assert pieces == [[[0, 0], [1, 1]], [[1, 1], [2, 0]], [[1, 1], [2, 0.5]]]
    assert [color[3] for color in drawn.get_edgecolor()] == pytest.approx([0.875, 0.5, 0.75])
    assert not drawn.get_rasterized()


@pytest.mark.slow
def test_drawing_a_front_loads_no_solver(tmp_path: Path) -> None:
    """Details of points and their ranges need SciPy and Optuna; a front needs neither."""
    make_study(tmp_path / "study", 6, on_disk=True)
    code = (
        "import sys; from chipdse.cli import main; code = main(sys.argv[1:]); "
        "print(code, sorted({'scipy.stats', 'optuna', 'cocotb'} & set(sys.modules)))"
    )
    words = ["plot", str(tmp_path / "study"), "-o", str(tmp_path / "front.svg")]
    child = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    assert child.stdout.splitlines()[-1] == "0 []"
