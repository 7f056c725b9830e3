"""Chips of several parts under ranges: the block's where there is one part; any batch of draws."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from chipdse.errors import DesignError
from chipdse.store.store import Store
from chipdse.study.harvest import ranges
from chipdse.study.harvest.chips import known_points
from chipdse.study.harvest.composed import Known, composed_chips
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import is_on_front
from chipdse.study.results.ranges import power_bounds
from chipdse.study.storage.folder import StudyFolder
from chipdse.study.storage.trials import finished
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.parameters import PackageParameters
from chipdse.system.ranges.draws import Systems
from chipdse.system.ranges.statistics import interval
from tests.study.test_study_chips import ONE_PART, block_of, metrics, read, run


def table_of(sweep: Sweep, known: Known, numbers: list[int]) -> pd.DataFrame:
    """Chips as the table of a study has them."""
    chips = composed_chips(sweep, known, np.array(numbers))
    return pd.DataFrame(
        [
            {"trial": row, "state": "feasible", "on_front": on_front} | sweep.space.point_at(number)
            for row, (number, on_front) in enumerate(
                zip(numbers, is_on_front(chips.objectives), strict=True)
            )
        ]
    )


@pytest.mark.slow
def test_one_part_alone_has_the_intervals_of_the_block(tmp_path: Path) -> None:
    """The same draws by another way: `Systems`, which sweeps of one block use."""
    sweep = read(tmp_path, ONE_PART)
    assert sweep.chip is not None
    points = {number: [metrics(size, 1.8)] for number, size in enumerate((8.0, 16.0))}
    known: Known = {"sums": points}
    found = ranges.chip_ranges(sweep, table_of(sweep, known, [0, 1]), known, draws=64)
    blocks = [block_of(point) for (point,) in points.values()]
    low, high = power_bounds(sweep.chip.parts[0].designs({"bits": 8})[0])
    systems = Systems(
        blocks=BlockPoints.of(blocks),
        packages=PackageColumns.of([PackageParameters()] * 2),
        error_low=np.full(2, low),
        error_high=np.full(2, high),
        given={},
    )
    assert low < high
    # A chip has no grid of its design: every other input is the block's.
    assert {each.name for each in found.inputs} <= {each.name for each in systems.inputs()}
    names = ("cost_usd", "embodied_kgco2e", "peak_temperature_c", "die_area_m2")
    values, _ = systems.values(found.inputs, found.shares, names)
    for name in names:
        ends = interval(values[name])
        # `Systems` has temperatures by an expansion around the stated powers.
        rel = 1e-6 if name == "peak_temperature_c" else 1e-9
        assert found.low[name] == pytest.approx(ends[0], rel=rel), name
        assert found.high[name] == pytest.approx(ends[1], rel=rel), name
    power_w = np.array([point["block_power_w"] for (point,) in points.values()])
    rate = np.array([block.throughput_ops_per_s for block in blocks])
    energy_j = systems.power_factors(found.inputs, found.shares) * power_w / rate
    assert found.low["energy_per_task_j"] == pytest.approx(interval(energy_j)[0], rel=1e-9)
    assert found.objectives[:, :, 0] == pytest.approx(energy_j, rel=1e-9)
    assert found.low["cost_usd"][0] < found.high["cost_usd"][0]
    assert found.decisive["cost_usd"] == {
        "source of yields and prices": pytest.approx(1.0, abs=0.01)
    }


@pytest.mark.slow
def test_draws_together_are_draws_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chips of two parts with memories, whose bandwidth is drawn too."""
    sweep = read(tmp_path)
    assert sweep.chip is not None
    study = run(sweep)
    known = known_points(sweep.chip, finished(study))
    table = table_of(sweep, known, [17, 95])
    folder = cast(StudyFolder, SimpleNamespace(sweep=sweep, study=study))
    together = ranges.study_ranges(folder, table, Store(root=tmp_path / "store"), draws=64)
    monkeypatch.setattr(ranges, "_ROWS", 1)
    alone = ranges.chip_ranges(sweep, table, known, draws=64)
    monkeypatch.undo()
    monkeypatch.setattr(ranges, "_HELD", 64)  # one chip at a time
    chip_by_chip = ranges.chip_ranges(sweep, table, known, draws=64)
    assert "memory.unit_bandwidth.hbm2e" in {each.name for each in together.inputs}
    for other in (alone, chip_by_chip):
        np.testing.assert_allclose(together.objectives, other.objectives, rtol=1e-12)
        for name in together.low:
            np.testing.assert_allclose(together.low[name], other.low[name], rtol=1e-9)
        assert together.probability.tolist() == other.probability.tolist()
    assert together.probability[together.nominal].max() > 0
    sram = together.low["sram_energy_j"]
    assert sram.tolist() == together.high["sram_energy_j"].tolist()
    assert (together.low["tile_energy_j"] < together.high["tile_energy_j"]).all()


def test_no_chip_no_ranges(tmp_path: Path) -> None:
    sweep = read(tmp_path)
    table = pd.DataFrame({"trial": [0], "state": ["failed"]})
    with pytest.raises(DesignError, match="no point is feasible"):
        ranges.chip_ranges(sweep, table, {})
