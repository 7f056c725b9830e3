"""Carbon against ACT's and ECO-CHIP's results and by hand."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from chipdse.errors import DesignError
from chipdse.system.described import evaluate_described, from_block
from chipdse.system.evaluate import evaluate_systems
from chipdse.system.models import carbon
from chipdse.system.parameters import GRIDS, PackageParameters
from chipdse.system.restated import die_carbon
from chipdse.system.restated.eco_chip import (
    EcoDie,
    EcoPackage,
    design_carbon,
    interposer_outline,
    manufacturing_carbon,
    operational_carbon,
)
from chipdse.technology.constants import Sources
from tests.support.system_cases import block

KWH = 3.6e6


def test_act_logic_reference(shared: Path) -> None:
    """ACT's default grids: 2022 for Taiwan; its table mixes years, so the grid is given here."""
    intensity = {"taiwan": 583, "korea": 430, "usa": 380, "world": 301, "coal": 820, "wind": 11}
    sources = Sources()
    with (shared / "reference/carbon/act_logic.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 108
    for row in rows:
        node = row["node"].removesuffix("nm")
        gas = [sources(f"carbon.fab_gas_{p}.n{node}") for p in (95, 99)]
        if row["abatement"] == "GPA97":
            chosen = die_carbon.gas_act_97(*gas)
        else:
            chosen = gas[row["abatement"] == "GPA99"]
        cpa = carbon.wafer_area_carbon(
            intensity[row["fab_ci"]] * 1e-3 / KWH,
            sources(f"carbon.fab_energy.n{node}"),
            chosen,
            sources(f"carbon.fab_material.n{node}"),
        )
        good = cpa / 10 / float(row["yield"])
        assert good == approx(float(row["cpa_g_per_cm2"]), rel=1e-6)
        area = float(row["area_mm2"]) * 1e-6
        grams = die_carbon.die_carbon_act(area, cpa, float(row["yield"])) * 1e3
        assert grams == approx(float(row["carbon_g"]), rel=1e-6, abs=1e-4)


def test_abatement_of_97_percent_is_the_mean() -> None:
    assert carbon.gas_at_abatement(350.0, 200.0, 0.97) == approx(
        die_carbon.gas_act_97(350.0, 200.0)
    )


def eco_case(shared: Path, name: str):
    folder = shared / "reference/carbon/eco_chip" / name
    read = {
        n: json.loads((folder / f"{n}.json").read_text())
        for n in ("architecture", "designC", "operationalC", "packageC")
    }
    kind = read["architecture"].pop("pkg_type")
    dies = [
        EcoDie(name=n, kind=d["type"], area_m2=d["area"] * 1e-6, node_nm=d["node"])
        for n, d in read["architecture"].items()
    ]
    settings_ = read["packageC"]
    package = EcoPackage(
        kind=kind,
        interposer_node_nm=settings_["interposer_node"],
        rdl_layers=settings_["rdl_layers"],
        metal_layers=settings_["num_beol"],
        bridge_pitch_m=settings_["emib_pitch"] * 1e-3,
        via_pitch_m=settings_["tsv_pitch"] * 1e-3,
        via_size_m=settings_["tsv_size"] * 1e-3,
    )
    text = (folder / "expected.txt").read_text()
    expected = [
        [float(x) for x in re.findall(r"\d+\.\d+", line)]
        for line in text.splitlines()
        if line.startswith("(")
    ]
    return dies, package, read, expected


@pytest.mark.parametrize("name", ["A15", "test-monolithic"])
def test_eco_chip_reference(shared: Path, name: str) -> None:
    dies, package, read, (made, designed, used, _) = eco_case(shared, name)
    found = manufacturing_carbon(dies, package, Sources(), wafer_diameter_m=0.45)
    assert list(found.values()) == approx(made, rel=1e-4, abs=1e-6)
    share = read["designC"]["num_iter"] / read["designC"]["num_prt_mfg"]
    design = design_carbon(dies, package, 0.7 / KWH, share, Sources())
    assert list(design.values()) == approx(designed, rel=1e-4, abs=2e-6)
    use = operational_carbon(
        dies,
        read["designC"]["power"],
        0.7 / KWH,
        read["operationalC"]["lifetime"] * 3600,
        Sources(),
    )
    assert [*use.values(), 0.0] == approx(used, rel=1e-4, abs=1e-6)


def test_wafers_of_300_mm_by_default(shared: Path) -> None:
    """The original divides 450 mm wafers, which nobody makes; the smaller wafer wastes more."""
    dies, package, _, _ = eco_case(shared, "test-monolithic")
    small = manufacturing_carbon(dies, package, Sources())
    large = manufacturing_carbon(dies, package, Sources(), wafer_diameter_m=0.45)
    assert small["CPU"] > large["CPU"]


@pytest.mark.parametrize("kind", ["passive", "active", "RDL", "EMIB", "3D"])
def test_every_eco_chip_package_has_a_footprint(kind: str) -> None:
    dies = [EcoDie(name=f"d{i}", kind="logic", area_m2=1e-4, node_nm=7) for i in range(3)]
    assert manufacturing_carbon(dies, EcoPackage(kind=kind), Sources())["Packaging"] > 0


def test_an_unknown_eco_chip_package_is_refused() -> None:
    die = EcoDie(name="d", kind="logic", area_m2=1e-4, node_nm=7)
    with pytest.raises(DesignError, match="'foil' is not one of passive"):
        manufacturing_carbon([die, die], EcoPackage(kind="foil"), Sources())


def test_outline_of_two_dies_by_hand() -> None:
    # Each 2:1 across the first axis: 7.07 x 14.14 mm, side by side with 0.5 mm between.
    side = math.sqrt(100e-6 / 2)
    width, height, bridges = interposer_outline([100e-6, 100e-6], 10e-3)
    assert (width, height, bridges) == (approx(2 * side + 0.5e-3), approx(2 * side), 2)


@pytest.mark.parametrize("side_mm", [2, 3, 5, 7, 20])
def test_vias_of_a_side_that_is_a_multiple_of_their_pitch(side_mm: int) -> None:
    """500 vias across 5 mm at 10 um, although 0.005 / 1e-5 is below 500 in binary."""
    package = EcoPackage(kind="3D", via_pitch_m=10e-6, via_size_m=5e-6)
    dies = [EcoDie(name=n, kind="logic", area_m2=(side_mm * 1e-3) ** 2, node_nm=7) for n in "ab"]
    sources = Sources()
    cpa, defects = sources("carbon.eco_cpa.n7"), sources("carbon.eco_defect_density.n7")

    def good(area_m2: float):
        return cpa * area_m2 * (1 + defects * area_m2 / 10) ** 10

    area = (side_mm * 1e-3) ** 2
    vias = (side_mm * 100) ** 2 * 5e-6**2
    router = 0.33e-6 / sources("carbon.eco_logic_area.n14")
    routers = 2 * cpa * router * (1 + defects * 2 * router / 10) ** 10
    by_hand = (2 * (good(area + vias) - good(area)) + routers) / 0.99**2
    assert manufacturing_carbon(dies, package, sources)["Packaging"] == approx(by_hand, rel=1e-9)


def test_operation_by_hand() -> None:
    # 100 W for one year at half duty on 238 g/kWh: 100·8766·0.5/1000 kWh
    found = carbon.operational_carbon(0.238 / KWH, 100.0, 1.0, 0.5)
    assert found == approx(0.238 * 438.3)


def test_wafer_share_tends_to_area_share() -> None:
    """For tiny dies without scribe or edge loss, share of the wafer and of the area agree."""
    area, wafer = 1e-9, math.pi * 0.3**2 / 4
    share = die_carbon.die_carbon_wafer(10.0, 0.3, wafer / area, 0.9)
    assert share == approx(die_carbon.die_carbon_act(area, 10.0, 0.9))


def test_extra_metal_layers_by_hand() -> None:
    # 7 nm: 2.15 kWh/cm² and two more layers of 0.086
    assert die_carbon.energy_with_layers(2.15, 0.086, 2) == approx(2.322)


def system(**package):
    values = {"tiles": 20000, "node_nm": 7.0}
    return evaluate_described(from_block(block(), PackageParameters(**(values | package))), cells=4)


def test_grids_of_making_and_running_are_apart() -> None:
    home = system(grid_fab="taiwan", grid_use="alberta").metrics
    moved = system(grid_fab="taiwan", grid_use="quebec").metrics
    built = system(grid_fab="iceland", grid_use="alberta").metrics
    assert moved.embodied_kgco2e == home.embodied_kgco2e
    assert moved.operational_kgco2e < 0.01 * home.operational_kgco2e
    assert built.operational_kgco2e == home.operational_kgco2e
    assert built.embodied_kgco2e < home.embodied_kgco2e


def test_ranges_enclose_the_value() -> None:
    found = system().metrics
    assert found.embodied_low_kgco2e < found.embodied_kgco2e < found.embodied_high_kgco2e


def test_design_carbon_follows_its_iterations() -> None:
    """The original always takes 90."""
    half = system(design_iterations=45.0).parts.carbon.design_kg[0]
    assert half == approx(system(design_iterations=90.0).parts.carbon.design_kg[0] / 2)


def test_carbon_parts_sum_to_the_metric() -> None:
    found = system(arrangement="silicon_interposer", chiplets=4, link="ucie_advanced")
    split = found.parts.carbon
    parts = (split.dies_kg, split.edge_kg, split.yield_kg, split.interposer_kg, split.bonding_kg,
             split.package_kg, split.design_kg)  # fmt: skip
    assert all(p[0] >= 0 for p in parts)
    assert sum(p[0] for p in parts) == approx(found.metrics.embodied_kgco2e)
    assert split.interposer_kg[0] > 0 < split.bonding_kg[0]


def test_losses_of_the_supply_are_paid_in_use_only() -> None:
    whole, lossy = (
        evaluate_systems([block()], [PackageParameters(tiles=1000, supply_efficiency=share)])
        for share in (1.0, 0.8)
    )
    whole, lossy = whole.at(0, 0), lossy.at(0, 0)
    assert lossy.operational_kgco2e == approx(whole.operational_kgco2e / 0.8)
    assert lossy.embodied_kgco2e == whole.embodied_kgco2e
    assert (lossy.power_w, lossy.peak_temperature_c) == (whole.power_w, whole.peak_temperature_c)


def test_every_province_and_the_uk_are_there() -> None:
    provinces = {"alberta", "british_columbia", "manitoba", "new_brunswick", "nova_scotia",
                 "newfoundland_and_labrador", "ontario", "prince_edward_island", "quebec",
                 "saskatchewan", "yukon", "northwest_territories", "nunavut"}  # fmt: skip
    assert provinces | {"united_kingdom", "canada"} <= set(GRIDS)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.sampled_from(GRIDS), st.floats(0.1, 20), st.floats(0.01, 1.0))
def test_use_is_proportional(grid, years: float, duty: float) -> None:
    package = PackageParameters(tiles=1000, grid_use=grid, life_years=years, duty=duty)
    one, two = (
        evaluate_systems([block()], [p]).at(0, 0)
        for p in (
            package,
            PackageParameters(tiles=1000, grid_use=grid, life_years=2 * years, duty=duty),
        )
    )
    assert two.operational_kgco2e == approx(2 * one.operational_kgco2e)
    assert np.isfinite(one.carbon_per_op_kgco2e)
