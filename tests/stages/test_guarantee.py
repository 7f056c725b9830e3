"""The guaranteed view: each figure is that of the corner where it is worst, and says which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chipdse_hdl import BLOCKS

from chipdse.api.point import evaluate_point
from chipdse.design import Design, LibraryChoice, OperatingPoint
from chipdse.errors import DesignError
from chipdse.export.bundle import export_point
from chipdse.metrics import Metrics
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.liberty.head import read_corner
from chipdse.stages.build import build_hardware
from chipdse.stages.load import cells_of
from chipdse.stages.measure import corners_of, job_of
from chipdse.store.store import Store
from chipdse.study.harvest.cheap import CheapSpace
from chipdse.study.question.sweep_file import check_libraries, read_sweep
from chipdse.system.parameters import PackageParameters
from chipdse.technology.sram import MacroSize

TYPICAL = "sg13g2_stdcell_typ_1p20V_25C.lib.gz"
SLOW = "sg13g2_stdcell_slow_1p08V_125C.lib.gz"
FAST = "sg13g2_stdcell_fast_1p32V_m40C.lib.gz"
VIEW = {
    "view": "guaranteed",
    "supply_tolerance_frac": 0.1,
    "corner_temperatures": "library",
}


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "pdk" / "ihp-sg13g2"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def point(folder: Path, store: Path, names: tuple[str, ...], **operating: Any) -> Metrics:
    return evaluate_point(
        "adder",
        liberty=[folder / name for name in names],
        operating=operating,
        package={"node_nm": 130.0},
        store=store,
    )


@pytest.fixture(scope="module")
def guaranteed(folder: Path, store: Path) -> Metrics:
    return point(folder, store, (TYPICAL, SLOW, FAST), **VIEW)


@pytest.mark.slow
def test_clock_is_that_of_slow_chips_alone(folder: Path, store: Path, guaranteed: Metrics) -> None:
    slow = point(
        folder, store, (TYPICAL, SLOW), process="slow", vdd_v=1.08, temperature_c=125.0
    ).block
    block = guaranteed.block
    assert block.f_max_hz == pytest.approx(slow.f_max_hz, rel=1e-12)
    assert block.clock_frequency_hz == block.f_max_hz
    assert (block.setup_supply_v, block.setup_temperature_c) == (pytest.approx(1.08), 125)
    assert block.guaranteed == 1
    assert slow.guaranteed == 0


@pytest.mark.slow
def test_hold_and_leakage_are_those_of_fast_chips_alone(
    folder: Path, store: Path, guaranteed: Metrics
) -> None:
    fast = point(
        folder, store, (TYPICAL, FAST), process="fast", vdd_v=1.32, temperature_c=-40.0
    ).block
    block = guaranteed.block
    assert block.worst_hold_slack_s == pytest.approx(fast.worst_hold_slack_s, rel=1e-12)
    assert block.block_leakage_power_w == pytest.approx(fast.block_leakage_power_w, rel=1e-12)
    assert (block.hold_supply_v, block.hold_temperature_c) == (pytest.approx(1.32), -40)
    assert (block.leakage_supply_v, block.leakage_temperature_c) == (pytest.approx(1.32), -40)


@pytest.mark.slow
def test_energy_is_that_of_a_typical_chip_at_that_clock(
    folder: Path, store: Path, guaranteed: Metrics
) -> None:
    period_s = guaranteed.block.critical_path_s
    typical = point(folder, store, (TYPICAL,), clock_period_s=period_s)
    for name in ("energy_per_op_j", "operational_kgco2e", "total_kgco2e", "cost_usd"):
        same = pytest.approx(getattr(typical.system, name), rel=1e-9)
        assert getattr(guaranteed.system, name) == same, name
    block, other = guaranteed.block, typical.block
    assert block.block_energy_per_op_j == pytest.approx(other.block_energy_per_op_j, rel=1e-12)
    assert block.nominal_f_max_hz == pytest.approx(other.f_max_hz, rel=1e-12)
    assert block.nominal_leakage_power_w == pytest.approx(other.block_leakage_power_w, rel=1e-12)
    more = block.block_leakage_power_w - other.block_leakage_power_w
    assert more > 0
    assert block.block_power_w - other.block_power_w == pytest.approx(more, rel=1e-6)
    assert guaranteed.system.power_w > typical.system.power_w


def test_physics_of_the_corners(folder: Path) -> None:
    """Slow chips are slower than typical ones at the same supply, and leak less."""
    entry = resolve(tuple(folder / name for name in (TYPICAL, SLOW, FAST)))
    slow, fast = entry.load("slow"), entry.load("fast")
    assert entry.processes == ("typical", "slow", "fast")
    assert entry.load().process == "typical"
    delays = [float(np.median(each.tables.values)) for each in (fast, entry.load(), slow)]
    assert delays == sorted(delays)


def test_what_is_missing_is_said(folder: Path, store: Path) -> None:
    with pytest.raises(DesignError, match="typical and slow, not fast"):
        point(folder, store, (TYPICAL, SLOW), **VIEW)
    with pytest.raises(
        DesignError, match="1.14 V at 0 °C lies outside.*change vdd_v, .*corner_temperatures"
    ):
        point(folder, store, (TYPICAL, SLOW, FAST), view="guaranteed")
    with pytest.raises(DesignError, match="leave process out"):
        OperatingPoint(view="guaranteed", process="slow")
    with pytest.raises(DesignError, match="swap them"):
        OperatingPoint(lowest_temperature_c=90.0)
    with pytest.raises(
        DesignError, match="no slow-fast process corner, only typical, slow and fast"
    ):
        resolve("sky130").load("slow-fast")


SWEEP = """
block = "adder"
[hardware]
bits = 8
[library]
files = [{files}]
[operating]
view = ["typical", "guaranteed"]
supply_tolerance_frac = 0.1
corner_temperatures = "library"
clock_frac = [0.5, 1.0]
[package]
node_nm = 130.0
tiles = [1, 4]
[objectives]
energy_per_op_j = "minimize"
throughput_ops_per_s = "maximize"
"""


@pytest.mark.slow
def test_a_sweep_has_both_views(folder: Path, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "views.toml"
    names = ", ".join(f'"{folder / name}"' for name in (TYPICAL, SLOW, FAST))
    file.write_text(SWEEP.format(files=names))
    sweep = read_sweep(file)
    check_libraries(sweep)
    space, stages = CheapSpace.of(sweep), Store(root=store)
    numbers = space.numbers({})
    assert len(numbers) == 8
    design = sweep.template.design(space.part.point_at(0))
    _, hardware = build_hardware(design, stages)
    points = space.evaluate(
        {},
        design,
        numbers,
        lambda points: corners_of(design, hardware, stages, points),
        lambda other: job_of(other, hardware),
    )
    for row, number in enumerate(numbers.tolist()):
        cheap = space.part.point_at(number)
        alone = evaluate_point(
            "adder",
            {"bits": 8},
            liberty=[folder / name for name in (TYPICAL, SLOW, FAST)],
            operating={
                "view": cheap["view"],
                "clock_frac": cheap["clock_frac"],
                "supply_tolerance_frac": 0.1,
                "corner_temperatures": "library",
            },
            package={"node_nm": 130.0, "tiles": cheap["tiles"]},
            store=store,
        ).flat()
        for name, column in points.metrics.flat().items():
            assert float(column[row]) == pytest.approx(alone[name], rel=1e-9), (name, cheap)
    assert len(np.unique(points.metrics.block.guaranteed)) == 2


@pytest.mark.slow
def test_an_export_brings_the_library_at_its_corners(
    folder: Path, store: Path, guaranteed: Metrics, tmp_path: Path
) -> None:
    block = BLOCKS["adder"]
    design = Design(
        block=block,
        parameters=block.parameters(),
        workload=block.workload(),
        library=LibraryChoice(files=tuple(folder / name for name in (TYPICAL, SLOW, FAST))),
        operating=OperatingPoint(**VIEW),
        package=PackageParameters(node_nm=130.0),
    )
    metrics = guaranteed.flat()
    export_point(design, metrics, Store(root=store), tmp_path / "e", system_evidence="modelled")
    corners = {
        name: read_corner(tmp_path / "e" / f"{name}.lib")[0]
        for name in ("cells", "cells_slow", "cells_fast")
    }
    assert (corners["cells"].supply_v, corners["cells"].temperature_c) == (1.2, 25)
    slow, fast = corners["cells_slow"], corners["cells_fast"]
    assert (slow.supply_v, slow.temperature_c) == (pytest.approx(1.08), 125)
    assert (fast.supply_v, fast.temperature_c) == (pytest.approx(1.32), -40)
    described = json.loads((tmp_path / "e" / "metrics.json").read_text())
    assert described["f_max_hz"]["corner"] == "slow, 1.08 V, 125 °C"
    assert "corner" not in described["energy_per_op_j"]
    assert "--operating view=guaranteed" in (tmp_path / "e" / "README.md").read_text()


def test_memory_macros_are_refused_in_other_processes() -> None:
    size = MacroSize(family="sky130", words=64, bits=8, mask_bits=8)
    with pytest.raises(DesignError, match="SRAM macros have no slow process corner"):
        cells_of(LibraryChoice(name="sky130"), (size,), "slow")
