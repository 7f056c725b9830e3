"""The page on guaranteed chips has the figures that its benchmark computes today."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import guarantee
from tests.support import kernels
from tests.support.docs_pages import ROOT

pytestmark = pytest.mark.tools
PAGE = ROOT / "docs" / "concepts" / "guarantee.md"


def table_of(title: str) -> dict[str, list[str]]:
    """Rows of the table whose first cell is a title, by their own first cells."""
    lines = PAGE.read_text().splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith(f"| {title} |"))
    rows = {}
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[name] = cells
    return rows


@pytest.mark.exhaustive
def test_frequencies_and_energies_of_the_adder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPDSE_CACHE", str(kernels.lend(tmp_path / "cache")))
    title = "`adder`, supply voltage [V]"
    table = table_of(title)
    stated_v = [float(supply_v) for supply_v in table[title]]
    assert len(stated_v) == 6 and {*stated_v, 0.75} <= set(guarantee.SUPPLIES_V)
    # The page's supplies, and the end of the curve of typical chips below them.
    monkeypatch.setattr(guarantee, "SUPPLIES_V", (0.75, *stated_v))
    measured, places = guarantee.curves("adder"), slice(1, None)
    for row, view in (
        ("highest frequency, typical [MHz]", "typical"),
        ("guaranteed, without mismatch [MHz]", "guaranteed"),
        ("guaranteed, with mismatch [MHz]", "mismatch"),
    ):
        stated_hz = 1e6 * np.array(table[row], dtype=float)
        assert stated_hz == pytest.approx(measured[view].f_max_hz[places], rel=0.02), view
        energy_j = 1e-12 * np.array(table["energy per operation, all three [pJ]"], dtype=float)
        assert energy_j == pytest.approx(measured[view].energy_per_op_j[places], rel=0.01), view
    ranges = [
        [row["more_energy_frac"] for row in guarantee.energy_of_guarantee(measured, view)]
        for view in ("guaranteed", "mismatch")
    ]
    stated = table["more energy per operation at equal frequency: without, with mismatch"]
    at_1_v = [float(cell) / 100 for cell in stated[1].removesuffix(" %").split(",")]
    assert [values[0] for values in ranges] == pytest.approx(at_1_v, abs=0.01)
