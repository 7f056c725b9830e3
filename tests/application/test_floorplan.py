"""Floorplans: every copy has its area and its power, and tiles neither overlap nor leave room."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipdse.application.inside.floorplan import MOST_TILES, Region, floorplan, regions_of
from chipdse.errors import DesignError
from tests.application.one_chips import LARGE, make_chip


def region(name: str, copies: int, area_m2: float) -> Region:
    return Region(name=name, copies=copies, area_m2=area_m2, dynamic_w=2.0, leakage_w=1.0)


@pytest.mark.slow
@given(
    copies=st.lists(st.integers(1, 100), min_size=1, max_size=4),
    areas=st.lists(st.floats(1e-8, 1e-5), min_size=4, max_size=4),
    buffer=st.none() | st.integers(1, 80),
)
def test_tiles_fill_the_square(copies: list[int], areas: list[float], buffer: int | None) -> None:
    parts = [
        region(f"p{i}", n, area) for i, (n, area) in enumerate(zip(copies, areas, strict=False))
    ]
    memory = None if buffer is None else region("buffer", buffer, 2e-6)
    tiles = floorplan(parts, memory)
    total = sum(part.area_m2 for part in parts) + (2e-6 if buffer else 0.0)
    half = math.sqrt(total) / 2 * (1 + 1e-9)
    boxes = [tile.rectangle for tile in tiles]
    assert sum(b.width_m * b.height_m for b in boxes) == pytest.approx(total)
    assert all(max(-b.left_m, -b.bottom_m, b.right_m, b.top_m) <= half for b in boxes)
    for i, a in enumerate(boxes):  # no two overlap
        for b in boxes[:i]:
            wide = min(a.right_m, b.right_m) - max(a.left_m, b.left_m)
            high = min(a.top_m, b.top_m) - max(a.bottom_m, b.bottom_m)
            assert min(wide, high) <= 1e-9 * half
    for part in [*parts, *([] if memory is None else [memory])]:
        own = [t for t in tiles if t.rectangle.name.split()[0] == part.name]
        assert len(own) == (part.copies if part.copies <= MOST_TILES else 1)
        assert sum(tile.copies for tile in own) == part.copies
        assert sum(tile.dynamic_w for tile in own) == pytest.approx(2.0)
        sizes = [t.rectangle.width_m * t.rectangle.height_m for t in own]
        assert sizes == pytest.approx([part.area_m2 / len(own)] * len(own))


def test_regions_have_the_energy_of_the_task() -> None:
    chip = make_chip(operations={"control": 100.0})
    table = chip.task()
    parts, buffer = regions_of(chip)
    assert buffer is not None and chip.buffer is not None
    assert [(part.name, part.copies) for part in parts] == [("array", 4), ("control", 1)]
    joules = table.energies_j
    latency_s = table.latency_s[0]
    assert parts[0].dynamic_w * latency_s == pytest.approx(joules["tile"][0])
    assert parts[1].dynamic_w * latency_s == pytest.approx(joules["operations"][0])
    assert buffer.dynamic_w * latency_s == pytest.approx(joules["sram"][0])
    leakage_w = sum(part.leakage_w for part in parts) + buffer.leakage_w
    assert leakage_w == pytest.approx(table.leakage_w[0])
    area_m2 = sum(part.area_m2 for part in parts) + buffer.area_m2
    assert area_m2 == pytest.approx(table.area_m2[0])


def test_a_network_that_does_not_fit_has_no_floorplan() -> None:
    with pytest.raises(DesignError, match="does not fit on this chip"):
        regions_of(make_chip(layers=(LARGE,), copies=5000))
