"""The restated model of HotSpot against HotSpot's own results, and beside the right solution."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest import approx

from chipdse.system.restated.hotspot import HotSpotPackage, hotspot_rises
from chipdse.system.thermal.assembly import assemble
from chipdse.system.thermal.solver import solve
from chipdse.system.thermal.stack import Layer, Material, Rectangle, Stack, centred
from tests.support.system_cases import COPPER, GREASE, SILICON, layer


def hotspot_package(values: Mapping[str, Any]):
    return HotSpotPackage(
        spreader_side_m=values["spreader"]["side_m"],
        spreader_thickness_m=values["spreader"]["thickness_m"],
        spreader_w_per_mk=values["spreader"]["conductivity_w_per_mk"],
        sink_side_m=values["sink"]["side_m"],
        sink_thickness_m=values["sink"]["thickness_m"],
        sink_w_per_mk=values["sink"]["conductivity_w_per_mk"],
        convection_k_per_w=values["r_convec_k_per_w"],
    )


def rectangles(floorplan: Sequence[Mapping[str, Any]]):
    width = max(b["left_m"] + b["width_m"] for b in floorplan)
    height = max(b["bottom_m"] + b["height_m"] for b in floorplan)
    placed = tuple(
        Rectangle(
            name=b["name"],
            left_m=b["left_m"] - width / 2,
            bottom_m=b["bottom_m"] - height / 2,
            width_m=b["width_m"],
            height_m=b["height_m"],
        )
        for b in floorplan
    )
    return placed, centred("die", width, height)


def single_die(shared: Path, case: str):
    data = json.loads((shared / "reference/thermal/single_die.json").read_text())
    chosen, values = data["cases"][case], data["package"]
    sources, outline = rectangles(chosen["floorplan"])
    layers = (
        Layer(name="die", thickness_m=values["die"]["thickness_m"], outline=outline,
              material=SILICON, sources=sources),
        Layer(name="interface", thickness_m=values["interface"]["thickness_m"], outline=outline,
              material=GREASE),
    )  # fmt: skip
    return layers, values, chosen


@pytest.mark.slow
@pytest.mark.parametrize("case", ["uni", "hot"])
@pytest.mark.parametrize("grid", [32, 64, pytest.param(128, marks=pytest.mark.exhaustive)])
def test_hotspot_single_die(shared: Path, case: str, grid: int) -> None:
    layers, values, chosen = single_die(shared, case)
    found = hotspot_rises(layers, hotspot_package(values), chosen["power_w"], grid)
    for name, kelvin in chosen["expected_k"][f"grid{grid}_avg"].items():
        assert found[name][0] + values["ambient_k"] == approx(kelvin, abs=0.011)
    if grid == 64:
        for name, kelvin in chosen["expected_k"]["grid64_max"].items():
            assert found[name][1] + values["ambient_k"] == approx(kelvin, abs=0.011)


def stacked_layers(shared: Path):
    data = json.loads((shared / "reference/thermal/stack.json").read_text())
    layers = []
    for given_layer in data["layers"]:
        sources, outline = rectangles(data["floorplans"][given_layer["floorplan"]])
        layers.append(
            Layer(
                name=given_layer["name"],
                thickness_m=given_layer["thickness_m"],
                outline=outline,
                material=Material(
                    name=given_layer["name"],
                    conductivity_w_per_mk=given_layer["conductivity_w_per_mk"],
                ),
                sources=sources if given_layer["dissipates"] else (),
            )
        )
    return tuple(layers), data


@pytest.mark.slow
@pytest.mark.parametrize("grid", [32, 64])
def test_hotspot_stack(shared: Path, grid: int) -> None:
    layers, data = stacked_layers(shared)
    found = hotspot_rises(
        layers, hotspot_package(data["package"]), data["power_w"], grid, detailed_3d=True
    )
    expected = data["expected_k"][f"grid{grid}"]
    for name, (rise, _) in found.items():
        number = 0 if name.startswith("t") else 2
        assert rise + 318.15 == approx(expected[f"layer_{number}_{name}"], abs=0.011)


def test_the_right_solution_beside_hotspot(shared: Path) -> None:
    """Full finite volumes are warmer than HotSpot's lumped rims, within a tenth of the rise."""
    layers, values, chosen = single_die(shared, "uni")
    right = solve(assemble(package_of(layers, values), 24)).average[0, 0] * 100.0
    theirs = chosen["expected_k"]["grid128_avg"]["die"] - values["ambient_k"]
    assert theirs < right < 1.12 * theirs


@pytest.mark.slow
def test_hotspot_counts_convection_twice_in_stacks(shared: Path) -> None:
    """Its stacks lie far above the right solution, and below it without the double count."""
    layers, data = stacked_layers(shared)
    around = hotspot_package(data["package"])
    plain = hotspot_rises(layers, around, data["power_w"], 32)
    doubled = hotspot_rises(layers, around, data["power_w"], 32, detailed_3d=True)
    operator = solve(assemble(package_of(layers, data["package"]), 24))
    right = operator.rise(np.array([data["power_w"][n] for n in operator.sources])).max()
    hottest = max(r for r, _ in plain.values())
    assert hottest < right < max(r for r, _ in doubled.values()) - 5


def package_of(layers: Sequence[Layer], values: Mapping[str, Any]):
    spreader, sink = values["spreader"], values["sink"]
    return Stack(
        layers=(
            *layers,
            layer("spreader", spreader["thickness_m"], spreader["side_m"], COPPER),
            layer("sink", sink["thickness_m"], sink["side_m"], COPPER, slices=3),
        ),
        cooler_resistance_k_per_w=values["r_convec_k_per_w"],
    )
