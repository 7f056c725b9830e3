"""`chipdse package`: text, JSON, sources, figures, exit codes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from chipdse.cli import main
from chipdse.report.pictures.package_section import spread

SYSTEMS = Path(__file__).parents[2] / "sweeps/systems"


def test_text_says_what_binds_and_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["package", str(SYSTEMS / "two_chiplets.toml")]) == 0
    out = capsys.readouterr().out
    for word in ("bound by compute", "USD recurring", "kg CO2e", "hottest", "yield"):
        assert word in out


def test_json_is_one_document_in_si(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["package", str(SYSTEMS / "two_chiplets.toml"), "--json", "--sources"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["dies"][0]["area_m2"] == approx(440e-6)
    assert document["violations"] == {}
    parts = document["cost_usd"]
    metrics = document["metrics"]
    assert sum(parts.values()) == approx(metrics["cost_usd"] + metrics["nre_usd"])
    assert sum(document["embodied_kgco2e"].values()) == approx(metrics["embodied_kgco2e"])
    used = {s["key"] for s in document["sources"]}
    assert {"cost.wafer_price.n5", "grids.intensity.united_kingdom"} <= used
    assert all(s["source"] for s in document["sources"])


def test_sources_are_listed_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    main(["package", str(SYSTEMS / "memory_on_logic.toml"), "--sources"])
    out = capsys.readouterr().out
    assert "constants used:" in out
    assert "Environment and Climate Change Canada" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "suffix"), [("interposer_with_memory", ".svg"), ("memory_on_logic", ".png")]
)
def test_figures_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, suffix: str
) -> None:
    path = tmp_path / f"figure{suffix}"
    assert main(["package", str(SYSTEMS / f"{name}.toml"), "--plot", str(path)]) == 0
    content = path.read_bytes()
    assert content[:4] == b"\x89PNG" if suffix == ".png" else b"Cross-section" in content


@pytest.mark.slow
def test_a_figure_is_the_same_every_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        main(["package", str(SYSTEMS / "mono_800mm2.toml"), "--plot", str(path)])
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.slow
def test_the_figure_agrees_with_the_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nine.svg"
    assert main(["package", str(SYSTEMS / "nine_chiplets.toml"), "--plot", str(path)]) == 0
    cost = next(li for li in capsys.readouterr().out.splitlines() if li.startswith("  cost"))
    recurring, design = cost.split()[1], cost.split()[4]
    assert f"{recurring} USD recurring + {design} USD design" in path.read_text()


@pytest.mark.slow
def test_every_die_of_a_stack_has_its_temperatures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "stack.svg"
    assert main(["package", str(SYSTEMS / "memory_on_logic.toml"), "--plot", str(path)]) == 0
    figure = path.read_text()
    assert "Temperature of each stacked die" in figure
    assert "28.6 W" in figure and "3.62 W" in figure


@given(
    wanted=st.lists(st.floats(0, 10), min_size=1, max_size=12).map(sorted),
    gap=st.floats(0.01, 2),
)
def test_labels_stay_apart_in_order_and_inside(wanted: list[float], gap: float) -> None:
    placed = spread(wanted, gap, 0.0, 10.0)
    least = min(gap, 10 / max(len(wanted) - 1, 1))
    assert (np.diff(placed) >= least - 1e-9).all()
    assert placed[0] >= -1e-9 and placed[-1] <= 10 + 1e-9
    if all(b - a >= gap for a, b in itertools.pairwise(wanted)):
        assert placed == approx(np.array(wanted), abs=1e-9)


def test_a_missed_limit_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (SYSTEMS / "mono_800mm2.toml").read_text().replace('800 mm2"', '900 mm2"', 2)
    path = tmp_path / "big.toml"
    path.write_text(text)
    assert main(["package", str(path), "--json"]) == 1
    streams = capsys.readouterr()
    assert "die 'logic' of 900 mm2 exceeds the reticle of 858 mm2" in streams.err
    assert json.loads(streams.out)["violations"]["reticle"] > 0


def test_wrong_input_is_exit_code_2_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('[[die]]\nname = "x"\narea = "1 W"\n')
    assert main(["package", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "bad.toml" in error and "'1 W'" in error


def test_a_figure_needs_a_known_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = str(SYSTEMS / "mono_800mm2.toml")
    assert main(["package", system, "--plot", str(tmp_path / "x.gif")]) == 2
    assert "must end in .png" in capsys.readouterr().err


@pytest.mark.slow
def test_thermal_runaway_is_drawn_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hot.toml"
    path.write_text(
        """
[[die]]
name = "logic"
area = "800 mm2"
node = "5 nm"
dynamic_power = "600 W"
leakage_power = "80 W"
leakage_doubling = "15 K"
[package]
arrangement = "monolithic"
"""
    )
    figure = tmp_path / "hot.svg"
    assert main(["package", str(path), "--plot", str(figure), "--json"]) == 1
    streams = capsys.readouterr()
    assert "thermal runaway" in streams.err
    metrics = json.loads(streams.out)["metrics"]
    assert metrics["peak_temperature_c"] is None
    assert metrics["throughput_ops_per_s"] is None
    assert b"no stable temperature" in figure.read_bytes()
