"""Combinations of parts: each is the chip evaluated by itself, and operations by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from chipdse_hdl.mac_array import BLOCK, MacArrayParameters

from chipdse.application.chips import run_task
from chipdse.application.compose import Task, compose
from chipdse.application.files.work import Work
from chipdse.application.layers import Layer, LayerColumns
from chipdse.application.measured import MeasuredPart, PartPoint
from chipdse.application.memories import dram, sram_buffer
from chipdse.application.parts import Chip, chip_columns, contract_of, measured_part
from chipdse.application.tables import read_network
from chipdse.errors import DesignError

NETWORK = LayerColumns.of(read_network("resnet8").layers)
RESNET8 = Task(layers=NETWORK)


def point(rows: int, power_w: float, *, contract: bool = True) -> PartPoint:
    """A point with round metrics: a MAC per multiplier and cycle at 100 MHz, 1 mW of leakage."""
    p = MacArrayParameters(rows=rows, columns=8)
    return PartPoint(
        settings={"rows": rows},
        metrics={
            "block_power_w": power_w,
            "block_leakage_power_w": 1e-3,
            "block_throughput_ops_per_s": rows * 8 * 1e8,
            "clock_frequency_hz": 1e8,
            "block_area_m2": rows * 1e-8,
            "block_core_area_m2": 0.0,
            "library_temperature_c": 25.0,
        },
        contract=contract_of(BLOCK, p) if contract else None,
    )


ARRAY = MeasuredPart(name="array", counts=(1, 3), points=(point(4, 0.011), point(8, 0.031)))
CONTROL = MeasuredPart(name="control", counts=(2,), points=(point(1, 0.005, contract=False),))
BUFFERS = tuple(sram_buffer(size, "ihp_1p") for size in (16384, 65536))
OUTERS = tuple(dram(kind) for kind in ("hbm2e", "gddr6"))


def test_every_combination_is_the_chip_by_itself() -> None:
    table = compose([ARRAY], BUFFERS, OUTERS, RESNET8)
    assert len(table) == 2 * 2 * 2 * 2
    for i in range(len(table)):
        part_point = ARRAY.points[table.point["array"][i]]
        count = int(table.count["array"][i])
        assert part_point.contract is not None
        part = measured_part("array", part_point.contract, part_point.metrics, count)
        buffer, outer = BUFFERS[table.buffer[i]], OUTERS[table.outer[i]]
        alone = run_task(chip_columns([Chip(part=part, buffer=buffer, outer=outer)]), NETWORK)
        assert table.latency_s[i] == alone.latency_s[0]
        assert table.energy_j[i] == pytest.approx(alone.energy_j[0], rel=1e-12)
        assert table.area_m2[i] == pytest.approx(count * part.area_m2 + buffer.area_m2)
        assert table.leakage_w[i] == pytest.approx(count * 1e-3 + buffer.leakage_w)


def test_operations_by_hand() -> None:
    # 100 operations on two copies of 8e8 per second; 4 mW of dynamic power at that rate.
    table = compose(
        [CONTROL], [None], [None], Task(layers=None, work=Work(operations={"control": 100.0}))
    )
    latency_s = 100 / (2 * 8e8)
    assert table.latency_s.tolist() == [latency_s]
    assert table.energies_j["operations"][0] == pytest.approx(100 * 4e-3 / 8e8)
    assert table.energies_j["leakage"][0] == pytest.approx(2e-3 * latency_s)
    assert table.area_m2[0] == pytest.approx(2e-8)


def test_runs_of_a_program_take_the_operations_of_each() -> None:
    ran = dataclasses.replace(
        CONTROL.points[0], metrics=CONTROL.points[0].metrics | {"work_per_run": 50.0}
    )
    part = dataclasses.replace(CONTROL, points=(ran,))
    tables = [
        compose([part], [None], [None], Task(layers=None, work=work))
        for work in (
            Work(runs={"control": 3.0}),
            Work(operations={"control": 150.0}),
            Work(operations={"control": 100.0}, runs={"control": 1.0}),
        )
    ]
    for table in tables[1:]:
        assert table.latency_s.tolist() == tables[0].latency_s.tolist()
        assert table.energies_j["operations"][0] == tables[0].energies_j["operations"][0] > 0


def guaranteed(part: MeasuredPart) -> MeasuredPart:
    """The same at half the clock, whose leakiest chips leak 5 mW at 85 degrees Celsius."""
    points = []
    for point in part.points:
        dynamic_w = (point.metrics["block_power_w"] - 1e-3) / 2
        changed = {
            "guaranteed": 1.0,
            "block_power_w": dynamic_w + 5e-3,
            "block_leakage_power_w": 5e-3,
            "nominal_leakage_power_w": 1e-3,
            "leakage_temperature_c": 85.0,
            "block_throughput_ops_per_s": point.metrics["block_throughput_ops_per_s"] / 2,
            "clock_frequency_hz": 0.5e8,
        }
        points.append(dataclasses.replace(point, metrics=point.metrics | changed))
    return dataclasses.replace(part, points=tuple(points))


def test_guaranteed_parts_take_the_energy_of_typical_chips_and_the_heat_of_the_leakiest() -> None:
    task = Task(
        layers=LayerColumns.of([Layer(name="g", kind="gemm", m=8, n=8, k=100)]),
        work=Work(operations={"control": 1e4}),
    )
    before = compose([ARRAY, CONTROL], [None], [None], task)
    after = compose([guaranteed(ARRAY), guaranteed(CONTROL)], [None], [None], task)
    assert after.latency_s == pytest.approx(2 * before.latency_s)
    for level, joules in before.energies_j.items():  # leakage counts for twice the time
        factor = 2 if level == "leakage" else 1
        assert after.energies_j[level] == pytest.approx(factor * joules), level
    assert after.leakage_w == pytest.approx(5 * before.leakage_w)
    assert (before.temperature_c == 25).all() and (after.temperature_c == 85).all()
    mixed = compose([ARRAY, guaranteed(CONTROL)], [None], [None], task)
    assert (mixed.temperature_c == 85).all()  # two copies of 5 mW leak more than three of 1 mW
    part = guaranteed(ARRAY)
    contract = part.points[0].contract
    assert contract is not None
    assert measured_part("array", contract, part.points[0].metrics, 1).leakage_w == 1e-3


def test_parts_run_one_after_another_or_at_once() -> None:
    network = LayerColumns.of([Layer(name="g", kind="gemm", m=8, n=8, k=100)])
    parts, work = [ARRAY, CONTROL], {"control": 100.0}
    alone = compose([ARRAY], [None], [None], Task(layers=network))
    series = compose(parts, [None], [None], Task(layers=network, work=Work(operations=work)))
    overlapped = compose(
        parts, [None], [None], Task(layers=network, work=Work(operations=work), overlapped=True)
    )
    assert series.latency_s == pytest.approx(alone.latency_s + 100 / 16e8)
    assert overlapped.latency_s == pytest.approx(np.maximum(alone.latency_s, 100 / 16e8))
    # All parts leak during the whole task.
    counts = series.count["array"]
    assert series.energies_j["leakage"] == pytest.approx((counts + 2) * 1e-3 * series.latency_s)
    assert series.energies_j["tile"] == pytest.approx(alone.energies_j["tile"])


def test_a_network_needs_exactly_one_part_with_a_contract() -> None:
    with pytest.raises(DesignError, match="no part has a contract.*control"):
        compose([CONTROL], [None], [None], RESNET8)
    other = MeasuredPart(name="other", counts=(1,), points=ARRAY.points)
    with pytest.raises(DesignError, match="more than one part has a contract.*array, other"):
        compose([ARRAY, other], [None], [None], RESNET8)


def test_too_many_chips_are_refused() -> None:
    many = MeasuredPart(name="array", counts=tuple(range(1, 1_100_000)), points=ARRAY.points)
    with pytest.raises(DesignError, match="combinations are more than 2000000"):
        compose([many], [None], [None], RESNET8)


def test_a_chip_whose_buffer_is_too_small_is_nan_and_others_are_not() -> None:
    wide = MeasuredPart(name="array", counts=(1, 2000), points=(point(8, 0.03),))
    table = compose([wide], [sram_buffer(1024, "ihp_1p")], [None], RESNET8)
    assert [math.isnan(energy) for energy in table.energy_j] == [False, True]
