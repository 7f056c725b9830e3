"""Combinations of parts: each is the chip evaluated by itself, and operations by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from chipdse_hdl.mac_array import BLOCK, MacArrayParameters

from chipdse.application.chips import run_task
from chipdse.application.compose import MeasuredPart, PartPoint, Task, compose
from chipdse.application.layers import Layer, LayerColumns
from chipdse.application.memories import dram, sram_buffer
from chipdse.application.parts import Chip, chip_columns, contract_of, measured_part
from chipdse.application.tables import read_network
from chipdse.errors import DesignError

NETWORK = LayerColumns.of(read_network("resnet8").layers)
RESNET8 = Task(layers=NETWORK, operations={})


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
    table = compose([CONTROL], [None], [None], Task(layers=None, operations={"control": 100.0}))
    latency_s = 100 / (2 * 8e8)
    assert table.latency_s.tolist() == [latency_s]
    assert table.energies_j["operations"][0] == pytest.approx(100 * 4e-3 / 8e8)
    assert table.energies_j["leakage"][0] == pytest.approx(2e-3 * latency_s)
    assert table.area_m2[0] == pytest.approx(2e-8)


def test_parts_run_one_after_another_or_at_once() -> None:
    network = LayerColumns.of([Layer(name="g", kind="gemm", m=8, n=8, k=100)])
    parts, work = [ARRAY, CONTROL], {"control": 100.0}
    alone = compose([ARRAY], [None], [None], Task(layers=network, operations={}))
    series = compose(parts, [None], [None], Task(layers=network, operations=work))
    overlapped = compose(
        parts, [None], [None], Task(layers=network, operations=work, overlapped=True)
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
