"""Values and captions beside figures of one point."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from chipdse.report.figures.beside import (
    history_beside,
    importance_beside,
    package_beside,
    parallel_beside,
    placement_beside,
    power_beside,
    supply_beside,
    write_beside,
)
from chipdse.report.quantities import StudyUnits
from chipdse.study.results.points import points_table
from tests.support.report_cases import make_study

DETAIL = {
    "power_w": 6e-6,
    "layout": "Counted: wires placed.",
    "kinds": {
        "groups": ["registers", "logic"],
        "kinds": ["inside cells", "leakage"],
        "power_w": [[1e-6, 2e-6], [3e-6, 0.0]],
    },
    "supply": {
        "vdd_v": [1.2, 1.8],
        "energy_per_op_j": [1e-12, 2e-12],
        "f_max_hz": [1e8, 3e8],
    },
    "modules": [
        {"id": "block", "label": "block", "parent": "", "power_w": 6e-6},
        {"id": "add", "label": "add", "parent": "block", "power_w": 4e-6},
    ],
    "cost_usd": {"dies": 1.5, "package": 0.5},
    "embodied_kgco2e": {"dies": 0.25},
}


def test_figures_of_a_point(tmp_path: Path) -> None:
    table, caption = power_beside(7, DETAIL, "studies/a")
    assert table.to_dict("list") == {
        "group": ["registers", "logic"],
        "inside_cells_w": [1e-6, 2e-6],
        "leakage_w": [3e-6, 0.0],
    }
    assert caption.startswith("Power of trial 7") and "6 µW in all (studies/a)" in caption
    table, caption = supply_beside(7, DETAIL, "studies/a")
    assert table.to_dict("list") == DETAIL["supply"]
    assert "2 characterised supply voltages from 1.2 to 1.8 V" in caption
    table, caption = placement_beside(7, DETAIL, "studies/a")
    assert table["module"].tolist() == ["block", "add"] and "wires placed" in caption
    table, caption = package_beside(7, DETAIL, "studies/a", StudyUnits(work="MAC"))
    assert table["value"].tolist() == [1.5, 0.5, 0.25]
    assert "2 USD" in caption and "0.25 kg CO2e" in caption
    write_beside(tmp_path / "package.svg", (table, caption))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "package.data.csv"), table)
    assert (tmp_path / "package.caption.txt").read_text() == f"{caption}\n"


def test_figures_of_a_study(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", 40)
    points = points_table(study)
    table, caption = parallel_beside(study.sweep, points, "studies/a")
    feasible = points[points["state"] == "feasible"]
    assert table["trial"].tolist() == feasible["trial"].tolist()
    assert f"one of {len(feasible)} feasible points" in caption and "maximised" in caption
    table, caption = history_beside(study.sweep, points, "studies/a")
    assert table["dominated_frac"].is_monotonic_increasing and "each evaluation" in caption
    shares = {"cost_usd": {"rows": 0.75, "vdd_v": 0.25}, "energy_per_op_j": {"vdd_v": 1.0}}
    table, caption = importance_beside(shares, "studies/a")
    assert table["parameter"].tolist() == ["rows", "vdd_v"]
    assert table["energy_per_op_j"].tolist() == pytest.approx([0.0, 1.0])
    assert "PED-ANOVA" in caption
