"""A block's unit of work is in every heading: a MAC is two operations to some readers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chipdse_hdl import BLOCKS

from chipdse.blocks.work import work_unit
from chipdse.report.page import report_html
from chipdse.report.quantities import StudyUnits, heading_scale, shown_metric
from chipdse.study.results.points import described_columns, points_table
from tests.support.report_cases import make_study
from tests.support.small_sweep import call

MAC = StudyUnits(work="MAC", derived={"macs_per_usd": "op/s/USD"})


def test_headings_by_hand() -> None:
    assert heading_scale("energy_per_op_j", [5e-12], MAC) == ("energy [pJ/MAC]", 1e-12)
    assert heading_scale("throughput_ops_per_s", [2e12, 1.0], MAC) == ("throughput [TMAC/s]", 1e12)
    assert heading_scale("macs_per_usd", [3e9], MAC) == ("macs per USD [GMAC/s/USD]", 1e9)
    assert heading_scale("ops_per_cycle", [4.0], MAC) == ("work per cycle [MAC]", 1.0)
    assert heading_scale("cost_usd", [4.0], MAC)[0] == "recurring cost [USD]"
    assert shown_metric("block_energy_per_op_j", 1.5e-12, MAC) == "1.5 pJ/MAC"
    assert shown_metric("power_w", 0.002, MAC) == "2 mW"
    # Without a unit: counts in full, shares near 1 with their digits.
    assert shown_metric("block_cell_count", 45340.0, MAC) == "45340"
    assert shown_metric("die_yield_frac", 0.999997, MAC) == "0.999997"
    assert shown_metric("max_t_first_order", 208.603, MAC) == "208.6"


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_every_block_counts_something(name: str) -> None:
    assert work_unit(BLOCKS[name]) not in ("", "op")


@pytest.mark.slow
def test_table_report_and_columns(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", 30, on_disk=True)
    done = call("front", study.path)
    assert "[GMAC/s]" in done.stdout and "[pJ/MAC]" in done.stdout
    page = report_html(study, None)
    assert '"unit":"J/MAC"' in page and '"unit":"MAC/s"' in page and '"J/op"' not in page
    columns = described_columns(study.sweep, points_table(study))
    assert columns["energy_per_op_j"]["unit"] == "J/MAC"
    assert columns["energy_per_op_j"]["role"] == "minimize"
    assert columns["rows"] == {"role": "parameter", "unit": "", "meaning": "", "evidence": "chosen"}
    json.dumps(columns)
