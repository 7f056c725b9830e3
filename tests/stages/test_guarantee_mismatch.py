"""Mismatch in the guaranteed view: clock and hold slack at a stated number of deviations."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipdse.design import Design, LibraryChoice, OperatingPoint, PhysicalOptions, find_block
from chipdse.errors import DesignError
from chipdse.metrics import BlockColumns, corner_text
from chipdse.stages.build import build_hardware
from chipdse.stages.guarantee import timing_sigma
from chipdse.stages.load import Hardware
from chipdse.stages.measure import corners_of, job_of
from chipdse.stages.operate import operate
from chipdse.store.store import Store
from chipdse.technology.calibration import calibration_of

SUPPLIES_V = (0.53, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(root=tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def design() -> Design:
    block = find_block("adder")
    return Design(
        block=block,
        parameters=block.parameters(bits=8),
        workload=block.workload(length=200),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(wires="none", glitches=False, clock_tree=False),
    )


@pytest.fixture(scope="module")
def hardware(design: Design, store: Store) -> Hardware:
    return build_hardware(design, store)[1]


def over_supply(
    design: Design, hardware: Hardware, store: Store, supplies_v: tuple[float, ...], **view: Any
) -> BlockColumns:
    """The block at its highest clock at some supply voltages and 85 °C."""
    points = [OperatingPoint(vdd_v=vdd_v, temperature_c=85.0, **view) for vdd_v in supplies_v]
    corners, count = corners_of(design, hardware, store, points), len(points)
    places, clocks = np.arange(count), np.full(count, np.nan)
    return operate(corners, places, clocks, np.ones(count), job_of(design, hardware)).report


def guaranteed(sigma: float | None) -> dict[str, Any]:
    # At 25 °C slow transistors are characterised down to 0.5 V.
    return {"view": "guaranteed", "timing_sigma": sigma, "lowest_temperature_c": 25.0}


@pytest.mark.tools
def test_more_deviations_are_a_slower_clock(
    design: Design, hardware: Hardware, store: Store
) -> None:
    reports = [
        over_supply(design, hardware, store, (1.8, 1.0), **guaranteed(sigma))
        for sigma in (0.0, 1.0, 3.0)
    ]
    for name, falls in (("f_max_hz", True), ("worst_hold_slack_s", True), ("timing_sigma", False)):
        columns = np.array([getattr(report, name) for report in reports])
        steps = np.diff(columns, axis=0)
        assert (steps < 0).all() if falls else (steps > 0).all(), name
    none, _, three = reports
    assert (none.mismatch_delay_s == 0).all()
    without_s = three.critical_path_s - three.mismatch_delay_s
    assert without_s == pytest.approx(none.critical_path_s, rel=1e-9)
    assert (three.near_critical_endpoints >= 1).all()
    # Energy is that of a typical chip: mismatch changes it only by leakage over a longer cycle.
    assert three.block_energy_per_op_j[0] == pytest.approx(none.block_energy_per_op_j[0], rel=1e-3)


@pytest.mark.tools
def test_layout_lengthens_the_path_of_every_view_alike(
    design: Design, hardware: Hardware, store: Store
) -> None:
    """Clock, mismatch and the typical clock grow by the measured share of routed designs."""

    def report(added_cells: bool) -> BlockColumns:
        physical = dataclasses.replace(
            design.physical, wires="formula", added_cells=added_cells, clock_tree=added_cells
        )
        laid = dataclasses.replace(design, physical=physical)
        return over_supply(laid, hardware, store, (1.8,), **guaranteed(3.0))

    before, after = report(False), report(True)
    calibration = calibration_of("sky130")
    growth = calibration.path_growth / (1 - calibration.skew_frac)
    assert growth > 1
    assert after.critical_path_s == pytest.approx(before.critical_path_s * growth, rel=1e-12)
    assert after.mismatch_delay_s == pytest.approx(before.mismatch_delay_s * growth, rel=1e-9)
    assert after.nominal_f_max_hz == pytest.approx(before.nominal_f_max_hz / growth, rel=1e-12)
    added_s = after.layout_delay_s + after.clock_skew_s
    nominal_s = 1 / after.nominal_f_max_hz - 1 / before.nominal_f_max_hz
    assert added_s == pytest.approx(nominal_s, rel=1e-9)


@pytest.mark.slow
def test_three_deviations_are_the_default_where_they_are_known(
    design: Design, shared: Path
) -> None:
    view = OperatingPoint(view="guaranteed")
    assert timing_sigma(dataclasses.replace(design, operating=view)) == 3.0
    folder = shared / "pdk" / "ihp-sg13g2"
    names = ("typ_1p20V_25C", "slow_1p08V_125C", "fast_1p32V_m40C")
    files = tuple(folder / f"sg13g2_stdcell_{name}.lib.gz" for name in names)
    other = dataclasses.replace(design, library=LibraryChoice(files=files), operating=view)
    assert timing_sigma(other) == 0.0
    stated = dataclasses.replace(view, timing_sigma=2.0)
    with pytest.raises(DesignError, match="slow corner of library .* no standard deviations"):
        timing_sigma(dataclasses.replace(other, operating=stated))
    assert timing_sigma(dataclasses.replace(design, operating=stated)) == 2.0
    with pytest.raises(DesignError, match=r"timing_sigma=2.0 is of the guaranteed view"):
        OperatingPoint(timing_sigma=2.0)


def test_figures_name_the_mismatch_they_contain() -> None:
    values = {
        "guaranteed": 1.0,
        "timing_sigma": 3.0,
        **{f"{name}_supply_v": 1.71 for name in ("setup", "hold", "leakage")},
        **{f"{name}_temperature_c": 0.0 for name in ("setup", "hold", "leakage")},
    }
    assert corner_text("f_max_hz", values) == "slow, 1.71 V, 0 °C, 3 sigma of mismatch"
    assert corner_text("worst_hold_slack_s", values).endswith("3 sigma of mismatch")
    assert corner_text("block_leakage_power_w", values) == "fast, 1.71 V, 0 °C"


@pytest.mark.tools
def test_supply_of_least_energy_moves_up(design: Design, hardware: Hardware, store: Store) -> None:
    """A guaranteed chip is clocked more slowly, so it leaks for longer in each operation."""
    best = []
    for view in ({}, guaranteed(0.0), guaranteed(3.0)):
        report = over_supply(design, hardware, store, SUPPLIES_V, **view)
        best.append(SUPPLIES_V[int(report.block_energy_per_op_j.argmin())])
    assert best == sorted(set(best))


@pytest.mark.tools
def test_hold_gets_worse_with_faster_chips(
    design: Design, hardware: Hardware, store: Store
) -> None:
    slow, typical, fast = (
        over_supply(design, hardware, store, (1.8, 1.2), process=process).worst_hold_slack_s
        for process in ("slow", "typical", "fast")
    )
    assert (slow > typical).all()
    assert (typical > fast).all()
