"""System files: the examples, and what is refused in which words."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest import approx

from chipdse.errors import DesignError
from chipdse.system.described import Die, evaluate_described
from chipdse.system.system_file import load_system, read_quantity

EXAMPLES = sorted((Path(__file__).parents[2] / "sweeps/systems").glob("*.toml"))
GOOD = """
name = "good"
[[die]]
name = "logic"
count = 2
area = "100 mm2"
node = "7 nm"
dynamic_power = "20 W"
throughput = "10 Top/s"
[package]
arrangement = "organic"
"""


def load(tmp_path: Path, text: str):
    path = tmp_path / "case.toml"
    path.write_text(text)
    return load_system(path)


def evaluate(tmp_path: Path, text: str):
    return evaluate_described(load(tmp_path, text), cells=6)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples_are_feasible(path: Path) -> None:
    found = evaluate_described(load_system(path), cells=8)
    assert found.complaints == ()
    assert found.metrics.cost_usd > 0


def test_quantities_are_read_in_their_unit(tmp_path: Path) -> None:
    (die,) = load(tmp_path, GOOD).dies
    assert die.area_m2 == approx(100e-6)
    assert die.node_nm == 7.0
    assert die.throughput_ops_per_s == approx(1e13)
    assert read_quantity("150 um", "m", "x") == approx(150e-6)
    assert read_quantity(3, "W", "x") == 3.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('area = "100 mm2"', 'aera = "100 mm2"', r"unknown key 'aera'; did you mean 'area'\?"),
        ("count = 2", 'cooling = "cold_plate"', r"'cooling'; it is a key of \[package\]"),
        ('area = "100 mm2"', 'area = "100 W"', r"area='100 W' has unit 'W'; units for it: m2"),
        ('area = "100 mm2"', 'area = "big"', "area='big' has no number"),
        ('area = "100 mm2"', 'area = "-5 mm2"', "area_m2=-4.99.* is too small|area_m2=-5e-06"),
        ('area = "100 mm2"\n', "", r"\[\[die\]\] 1 lacks 'area'"),
        ('"20 W"', '"-20 W"', r"die 'logic' dynamic_power_w=-20.0 is too small; use >= 0.0 W"),
        ("count = 2", "count = 2.5", "count=2.5 must be of type int"),
        ("count = 2", "count = 1", "arrangement='organic' joins dies"),
        ('"organic"', '"origami"', "arrangement='origami' is unknown; use one of monolithic"),
        ("[package]", '[package]\ndie_material = "tofu"', "die_material='tofu' is unknown"),
        ("[package]", "[package]\nchiplets = 3", r"\[package\]: unknown key 'chiplets'"),
        ("[package]", "[pakage]", r"file: unknown key 'pakage'; did you mean 'package'\?"),
        ("[package]", '[link]\ntraffic = "5 m"\n[package]', "traffic='5 m' has unit 'm'"),
        ("[package]", '[link]\nreach = "5 mm"\n[package]', "lacks 'energy_per_bit'"),
        ("[package]", "[block]\narea = 1e-8\n[package]", r"\[block\] lacks 'dynamic_power_w'"),
        (
            "[package]",
            '[conductivity]\ndiamond = "5000 W/mK"\n[package]',
            "diamond='5000 W/mK' is outside the measured range of 1600 to 2000 W/mK",
        ),
        ('name = "good"', "name = ", "is not TOML"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(DesignError, match=message) as error:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert "case.toml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), "1" * 60_000 + " 1 x"])
def test_numbers_beyond_all_bounds_are_one_line(value: str) -> None:
    with pytest.raises(DesignError, match="here") as error:
        read_quantity(value, "W", "here")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="cannot be read"):
        load_system(tmp_path / "none.toml")


CUSTOM = """
[link]
energy_per_bit = "0.4 pJ/b"
edge_bandwidth = "100 GB/s/mm"
reach = "{reach}"
traffic = "{traffic}"
"""


def test_a_custom_link_is_used(tmp_path: Path) -> None:
    found = evaluate(tmp_path, GOOD + CUSTOM.format(reach="5 mm", traffic="1000 GB/s"))
    assert found.complaints == ()
    # Two dies: half of the traffic crosses, at 0.4 pJ/b, and idle wires.
    busy = 0.5 * 8e12 * 0.4e-12
    assert found.metrics.link_power_w > busy
    assert found.sources.used["links.reach.custom"].source == "the system file"


@pytest.mark.slow
def test_a_link_longer_than_its_reach_is_named(tmp_path: Path) -> None:
    found = evaluate(tmp_path, GOOD + CUSTOM.format(reach="0.4 mm", traffic="1 GB/s"))
    (complaint,) = found.complaints
    assert "link 'custom' is 0.6 mm longer than its reach" in complaint


def test_traffic_beyond_the_edge_is_named(tmp_path: Path) -> None:
    found = evaluate(tmp_path, GOOD + CUSTOM.format(reach="5 mm", traffic="90000 GB/s"))
    assert any("less than the traffic needs" in c for c in found.complaints)


def test_a_die_beyond_the_reticle_is_named(tmp_path: Path) -> None:
    found = evaluate(tmp_path, GOOD.replace("100 mm2", "900 mm2"))
    assert any(c.startswith("die 'logic' of 9") and "reticle" in c for c in found.complaints)


def test_dies_beyond_the_interposer_are_named(tmp_path: Path) -> None:
    text = 'interposer_area = "150 mm2"\n' + GOOD
    text = text.replace('"organic"', '"silicon_interposer"\nlink = "ucie_advanced"')
    found = evaluate(tmp_path, text)
    assert any("exceed the interposer of 150 mm2" in c for c in found.complaints)


def test_a_measured_conductivity_is_used(tmp_path: Path) -> None:
    text = GOOD.replace("[package]", '[conductivity]\nsilicon = "100 W/mK"\n[package]')
    assert evaluate(tmp_path, text).metrics.peak_temperature_c > (
        evaluate(tmp_path, GOOD).metrics.peak_temperature_c
    )


def test_a_die_without_price_carbon_and_unique_area_has_none() -> None:
    die = Die(name="logic", area_m2=1e-4)
    assert (die.price_usd, die.carbon_kgco2e, die.unique_area_m2) == (None, None, None)
    # Older files state numbers instead.
    assert (
        Die(name="logic", area_m2=1e-4, price_usd=-1, carbon_kgco2e=-1.0, unique_area_m2=0) == die
    )
    assert Die(name="logic", area_m2=1e-4, price_usd=0.0).price_usd == 0.0
    with pytest.raises(DesignError, match=r"die 'logic' price_usd=-0\.5 is too small; use >= 0"):
        Die(name="logic", area_m2=1e-4, price_usd=-0.5)
    with pytest.raises(DesignError, match="price_usd='free' must be of type float"):
        Die(name="logic", area_m2=1e-4, price_usd="free")


def test_bought_dies_have_their_price_and_carbon(tmp_path: Path) -> None:
    memory = """
[[die]]
name = "memory"
role = "memory"
third_party = true
area = "50 mm2"
price_usd = {price}
carbon_kgco2e = {carbon}
"""
    cheap = evaluate(
        tmp_path, GOOD.replace("[package]", memory.format(price=10, carbon=1) + "[package]")
    )
    dear = evaluate(
        tmp_path, GOOD.replace("[package]", memory.format(price=110, carbon=3) + "[package]")
    )
    scrap = 0.99**3  # three dies placed
    assert dear.metrics.cost_usd - cheap.metrics.cost_usd == approx(100 / scrap)
    more = dear.metrics.embodied_kgco2e - cheap.metrics.embodied_kgco2e
    assert more == approx(2 / scrap)
