"""Several dies, tensors, the guaranteed view and ranges in one study, with what must hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipdse import sweep
from chipdse.api.chip import Chips, evaluate_chips
from chipdse.store.store import Store
from chipdse.study.harvest.ranges import study_ranges

pytestmark = pytest.mark.tools

CHIP = """
[parts.array]
block = "mac_array"
hardware = { rows = 1, columns = 2, operand_bits = 2, accumulator_bits = 10, signed = false }
workload = { length = 32, depth = 8 }
operating = { view = ["typical", "guaranteed"] }
DIE_OF_ARRAY
[memories.buffer]
kind = "sram"
bytes = 1408
DIE_OF_BUFFER
[application]
network = "net.csv"
tensors = "tensors"
"""
TWO_DIES = """
[package]
arrangement = "organic"
link_edge_frac = 1.0
leakage_doubling_k = 20
[dies.compute]
other_area_m2 = 4e-6
[dies.host]
node_nm = 65
other_area_m2 = 2e-6
"""
ONE_DIE = "[package]\nleakage_doubling_k = 20\n"
GOALS = '[objectives]\nlatency_s = "minimize"\npeak_temperature_c = "minimize"\n'
ENERGIES = ("tile", "sram", "dram", "link", "operations")


def text_of(array: str = "", buffer: str = "", more: str = ONE_DIE) -> str:
    """A chip file whose array and buffer lie on these dies."""
    text = CHIP + more
    for place, die in (("DIE_OF_ARRAY", array), ("DIE_OF_BUFFER", buffer)):
        text = text.replace(place, f'die = "{die}"' if die else "")
    return text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(2)
    (tmp_path / "net.csv").write_text("name,m,n,k\nfirst,6,2,8\n")
    (tmp_path / "tensors").mkdir()
    np.save(tmp_path / "tensors" / "first.inputs.npy", random.integers(0, 2, (6, 8)))
    np.save(tmp_path / "tensors" / "first.weights.npy", random.integers(0, 4, (8, 2)))
    return tmp_path


def check_views(chips: Chips) -> None:
    """Energies are means over all chips; a guaranteed chip is slower and its leakiest is hotter."""
    typical, guaranteed = (
        {name: column[chip] for name, column in chips.metrics.items()} for chip in range(2)
    )
    assert guaranteed["latency_s"] > 1.2 * typical["latency_s"]
    for level in ENERGIES:
        same = pytest.approx(typical[f"{level}_energy_j"], rel=1e-9)
        assert guaranteed[f"{level}_energy_j"] == same, level
    one, buffer = chips.chip_at(0), chips.buffers[0]
    links = one.links()
    assert buffer is not None
    # Idle macros take energy per clock cycle, of which both views need the same number.
    standing_w = chips.parts[0].points[0].metrics["block_leakage_power_w"] + buffer.leakage_w
    standing_w += 0.0 if links is None else float(links.idle_w[0])
    longer_s = guaranteed["latency_s"] - typical["latency_s"]
    more_j = guaranteed["leakage_energy_j"] - typical["leakage_energy_j"]
    assert more_j == pytest.approx(standing_w * longer_s, rel=1e-9)
    assert chips.table.leakage_w[1] > chips.table.leakage_w[0]
    assert chips.table.temperature_c.tolist() == [25.0, 85.0]
    assert guaranteed["die_area_m2"] == typical["die_area_m2"]


def test_two_dies_with_tensors_in_both_views_and_under_ranges(
    folder: Path, warm_store: Path
) -> None:
    stages, file = warm_store / "stages", folder / "chip.toml"
    found: dict[str, Any] = {}
    for name, text in (
        ("without", text_of()),
        ("one", text_of("all", "all", ONE_DIE + "[dies.all]\n")),
        ("two", text_of("compute", "host", TWO_DIES)),
    ):
        file.write_text(text)
        found[name] = evaluate_chips(file, store=stages)
    for name, column in found["without"].metrics.items():
        assert found["one"].metrics[name] == pytest.approx(column, rel=1e-12, abs=0), name
    for chips in found.values():
        check_views(chips)
        for chip in range(2):
            (layer,) = chips.layers(chip)
            assert layer["tile_energy_j"] == pytest.approx(chips.metrics["tile_energy_j"][chip])
            assert layer["constant_tile_error_frac"] > 0.05  # three quarters of the bits are 0
    crossing = found["two"].metrics["link_energy_j"] > 0
    assert crossing.all() and not found["one"].metrics["link_energy_j"].any()

    file.write_text(text_of("compute", "host", TWO_DIES) + GOALS)
    with ThreadPoolExecutor(1) as thread:
        study = sweep(file, study=folder / "study", store=stages, executor=thread, workers=1,
                      report=False, progress=False)  # fmt: skip
    points = study.points()
    for row in points.to_dict("records"):
        chip = int(row["array_view"] == "guaranteed")
        for name, column in found["two"].metrics.items():
            assert row[name] == pytest.approx(column[chip], rel=1e-9), name
    drawn = study_ranges(study.folder, points, Store(root=stages), draws=64)
    stated = points[points["state"] == "feasible"].reset_index(drop=True)
    for name in ("tile_energy_j", "link_energy_j", "leakage_energy_j", "energy_per_task_j"):
        assert (drawn.low[name] < drawn.high[name]).all(), name
    for name in ("tile_energy_j", "latency_s"):
        assert (drawn.low[name] <= stated[name] * (1 + 1e-9)).all(), name
        assert (drawn.high[name] >= stated[name] * (1 - 1e-9)).all(), name
    error = "constant_tile_error_frac"
    assert error not in drawn.low or drawn.low[error] == pytest.approx(drawn.high[error])
