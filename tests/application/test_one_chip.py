"""One chip, looked into: its layers are its task, and only its supply varies over its supplies."""

from __future__ import annotations

import pytest

from chipdse.errors import DesignError
from tests.application.one_chips import LARGE, make_chip


def test_layers_sum_to_the_task() -> None:
    chip = make_chip()
    layers, table = chip.layers(), chip.task()
    assert [layer["name"] for layer in layers] == ["first", "second"]
    assert sum(layer["latency_s"] for layer in layers) == pytest.approx(table.latency_s[0])
    assert sum(layer["energy_j"] for layer in layers) == pytest.approx(table.energy_j[0])


def test_no_layer_is_above_a_roof() -> None:
    chip = make_chip()
    roofs = chip.roofs()
    assert roofs.macs_per_s == pytest.approx(4 * 64 * 1e8)  # 1.8 V: 100 MHz
    for layer in chip.layers():
        rate = layer["macs"] / layer["latency_s"]
        dram_bits = layer["dram_read_bits"] + layer["dram_write_bits"]
        sram_bits = layer["sram_read_bits"] + layer["sram_write_bits"]
        assert rate <= roofs.macs_per_s
        assert rate <= layer["macs"] / dram_bits * roofs.dram_bits_per_s * (1 + 1e-12)
        assert rate <= layer["macs"] / sram_bits * roofs.sram_bits_per_s * (1 + 1e-12)


def test_supplies_are_those_of_points_that_differ_in_nothing_else_and_meet_timing() -> None:
    over = make_chip().over_supply()
    assert (over.part, over.vdd_v.tolist()) == ("array", [1.4, 1.6, 1.8])
    # The energy of a MAC by hand: 8 mW x V² (V - 0.8) at 64 MACs x 1e8 (V - 0.8) per second.
    macs = 64 * 48 * 80 + 10 * 640
    for vdd_v, joules in zip(over.vdd_v, over.energies_j["tile"], strict=True):
        assert joules == pytest.approx(macs * 8e-3 * vdd_v**2 / (64 * 1e8))
    assert over.latency_s[-1] == pytest.approx(make_chip().task().latency_s[0])


def test_without_a_network_the_part_with_the_most_supplies_varies() -> None:
    chip = make_chip(layers=(), operations={"control": 100.0})
    assert chip.layers() == []
    over = chip.over_supply()
    assert (over.part, len(over.vdd_v)) == ("array", 3)
    # The array does nothing: its supply changes leakage at most, which is 1 mW at each.
    assert over.energies_j["operations"].tolist() == [over.energies_j["operations"][0]] * 3


def test_a_layer_that_does_not_fit_is_named() -> None:
    chip = make_chip(layers=(LARGE,), copies=5000)
    with pytest.raises(DesignError, match="layer 'large' does not fit"):
        chip.layers()
