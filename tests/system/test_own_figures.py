"""Figures of the user in place of the tables': grammar, effect, marks, refusals."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.export.bundle import repeat_command
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.storage.extend import extensions
from chipdse.system.evaluate import evaluate_system
from chipdse.system.parameters import PackageParameters
from chipdse.system.system_file import load_system
from chipdse.technology.constants import SI_FACTORS, Sources
from chipdse.technology.own_figures import (
    OWN_TABLES,
    USER,
    own_grid,
    own_setting,
    read_own,
    read_own_table,
    units_of,
)
from tests.support.small_sweep import SWEEP
from tests.support.system_cases import block

SYSTEMS = Path(__file__).parents[2] / "sweeps/systems"


def own(**figures: str) -> Sources:
    """Sources with the user's figures; `__` stands for the dot."""
    constants = {key.replace("__", "."): text for key, text in figures.items()}
    return Sources.of(read_own_table(constants, ""))


def test_a_figure_has_value_unit_range_and_source() -> None:
    figure = read_own("cost.wafer_price.n7", "9000 USD", "")
    assert (figure.value, figure.low, figure.high) == (9000, 9000, 9000)
    figure = read_own("cost.defect_density.n7", "0.12 /cm2 (0.08 to 0.2) from our fab, 2026", "")
    assert (figure.value, figure.low, figure.high) == approx((1200, 800, 2000))
    assert figure.source == f"{USER}: our fab, 2026"
    assert figure.evidence == "input"
    # 12 /mm2 are 1,200 /cm2, in which the table prints it.
    assert read_own("cost.defect_density.n7", "12 /mm2", "").published == approx(1200)


def test_dotted_and_quoted_keys_are_one() -> None:
    nested = read_own_table({"cost": {"wafer_price": {"n7": "9000 USD"}}}, "")
    assert nested == read_own_table({"cost.wafer_price.n7": "9000 USD"}, "")


@given(st.floats(1e-3, 1e6), st.sampled_from(["cost.wafer_price.n5", "memory.device_energy.hbm2e"]))
def test_a_figure_is_written_as_it_is_read(value: float, key: str) -> None:
    unit = {"cost.wafer_price.n5": "USD", "memory.device_energy.hbm2e": "pJ/b"}[key]
    figure = read_own(key, f"{value!r} {unit} ({value / 2!r} to {value * 2!r}) from a quote", "")
    again = read_own(key, own_setting(figure).partition("=")[2], "")
    assert again.value == figure.value
    assert (again.low, again.high) == approx((figure.low, figure.high), rel=1e-12)
    assert again.source == figure.source


@given(st.floats(1e-3, 1e3), st.sampled_from(["/cm2", "/mm2", "/m2"]), st.booleans())
def test_a_range_that_ends_at_the_value_is_read_back_exactly(
    value: float, unit: str, at_the_low_end: bool
) -> None:
    spread = f"{value!r} to {value * 2!r}" if at_the_low_end else f"{value / 2!r} to {value!r}"
    figure = read_own("cost.defect_density.n7", f"{value!r} {unit} ({spread})", "")
    again = read_own("cost.defect_density.n7", own_setting(figure).partition("=")[2], "")
    assert (again.value, again.low, again.high) == approx(
        (figure.value, figure.low, figure.high), rel=1e-15
    )


def test_units_have_the_factors_of_the_tables() -> None:
    for unit, factor in SI_FACTORS.items():
        assert units_of(unit)[unit] == approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("cost.wafer_price.n7", "9000", r"has no unit; write one of 'USD'$"),
        ("cost.wafer_price.n7", "9000 EUR", r"has unit 'EUR'; write one of 'USD'$"),
        ("cost.wafer_price.n7", 9000, r"must be text with a unit"),
        ("cost.wafer_price.n7", "many", r"is not a figure; write VALUE UNIT"),
        ("cost.wafer_price.n7", "-9 USD", r"must be finite and > 0"),
        ("cost.wafer_price.n7", "1e999 USD", r"must be finite and > 0"),
        ("cost.wafer_price.n7", "9 USD (10 to 12)", r"lies outside its own range"),
        ("cost.wafer_prize.n7", "9 USD", r"did you mean 'cost\.wafer_price\.n7'\?"),
        ("cost.wafer_price.seven", "9 USD", r"is not a constant of the tables"),
        ("cost.substrate_bonding_yield", "97", r"exceeds 1; write a share from 0 to 1, or in %"),
        ("wires.capacitance", "9 fF/um", r"constants of 'wires' cannot be given"),
        ("cost.wafer_price.n7", "9 USD from \x1b[2J", r"has the character '\\x1b'; write one line"),
        ("cost.wafer_price.n7", "9 USD from a\rb", r"has the character '\\r'"),
        ("cost.wafer_price.n7", "9 USD from a\nb", r"has the character '\\n'"),
        ("cost.wafer_price.n7", "9 USD from a\u2028b", r"has the character '\\u2028'"),
        ("cost.wafer_price.n7", "9 USD from a\u202eb", r"has the character '\\u202e'"),
    ],
)
def test_refusals_are_one_line(key: str, text: object, says: str) -> None:
    with pytest.raises(DesignError, match=says) as refusal:
        read_own_table({key: text}, "x.toml: ")
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith("x.toml: [constants] ")


def test_every_table_that_may_be_given_has_figures_that_read_back() -> None:
    from chipdse.technology.constants import load_table

    for table in OWN_TABLES:
        for key, constant in load_table(table).items():
            if constant.value > 0:
                unit = "" if constant.unit == "-" else constant.unit
                figure = read_own(key, f"{constant.published!r} {unit}", "")
                assert figure.value == approx(constant.value, rel=1e-12)


def test_a_grid_may_be_a_number() -> None:
    package = PackageParameters(grid_use="50 g/kWh (40 to 60) from a contract")
    sources = Sources()
    metrics = evaluate_system(block(), package, sources)
    # 50 g/kWh on a year of 365.25 days: power x life x duty
    energy_j = metrics.power_w * 5 * 0.667 * 365.25 * 24 * 3600
    assert metrics.operational_kgco2e == approx(0.050 / 3.6e6 * energy_j)
    assert [c.source for c in sources.used.values() if USER in c.source] == [f"{USER}: a contract"]
    assert own_grid("50 g/kWh").low == own_grid("50 g/kWh").value
    with pytest.raises(
        DesignError, match=r"from \\x1b\[2J' has the character '\\x1b'; write one line"
    ):
        PackageParameters(grid_use="50 g/kWh from \x1b[2J")
    with pytest.raises(DesignError, match="grid_use='50 g' has unit 'g'; write one of"):
        PackageParameters(grid_use="50 g")
    with pytest.raises(DesignError, match="grid_use='texas' is unknown; use one of"):
        PackageParameters(grid_use="texas")


def test_a_wafer_price_changes_the_dies_and_nothing_else() -> None:
    package = PackageParameters(node_nm=7)
    before = evaluate_system(block(), package)
    doubled = evaluate_system(block(), package, own(cost__wafer_price__n7="18692 USD"))
    assert doubled.cost_usd > before.cost_usd
    same = {"cost_usd", "total_cost_usd"}
    for name, value in dataclasses.asdict(before).items():
        assert name in same or getattr(doubled, name) == value


def test_a_new_node_is_no_longer_interpolated() -> None:
    package = PackageParameters(node_nm=22)
    sources = own(cost__defect_density__n22="1 /cm2")
    area = evaluate_system(block(), package).die_area_m2
    # (1 + A D/10)^-10
    expected = (1 + area * 1e4 / 10) ** -10
    assert evaluate_system(block(), package, sources).die_yield_frac == approx(expected)


def test_a_memory_and_a_conductivity_of_the_user() -> None:
    package = PackageParameters(
        arrangement="organic", memory_dies=1, memory_technology="custom", tiles=4
    )
    with pytest.raises(DesignError, match=r"give memory\.device_energy\.custom"):
        evaluate_system(block(), package)
    lean = own(memory__device_energy__custom="1 pJ/b")
    hungry = own(memory__device_energy__custom="1000 pJ/b")
    large = block(area_m2=4e-6)  # with room for interface modules
    powers = [evaluate_system(large, package, s).power_w for s in (lean, hungry)]
    # 4 tiles x 1e9 op/s x 0.5 bit x (1,000 - 1) pJ
    assert powers[1] - powers[0] == approx(4 * 1e9 * 0.5 * 999e-12, rel=1e-6)
    poor = own(materials__conductivity__copper="40 W/mK")
    warm = block(dynamic_power_w=2.0)
    base = evaluate_system(warm, PackageParameters())
    assert evaluate_system(warm, PackageParameters(), poor).peak_temperature_c > (
        base.peak_temperature_c
    )


def test_figures_that_do_not_heat_leave_the_temperature_as_it_is() -> None:
    package = PackageParameters(tiles=100)
    base = evaluate_system(block(), package)
    other = evaluate_system(block(), package, own(cost__edge_loss="6 mm"))
    assert other.peak_temperature_c == base.peak_temperature_c


def test_a_system_file_gives_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (SYSTEMS / "two_chiplets.toml").read_text()
    file = tmp_path / "mine.toml"
    file.write_text(text + '\n[constants]\ncost.wafer_price.n5 = "20000 USD from a quote"\n')
    assert [c.key for c in load_system(file).constants] == ["cost.wafer_price.n5"]
    assert main(["package", str(file), "--json", "--sources"]) == 0
    document = json.loads(capsys.readouterr().out)
    marked = [s["key"] for s in document["sources"] if USER in s["source"]]
    assert marked == ["cost.wafer_price.n5"]
    file.write_text(text + '\n[constants]\ncost.wafer_price.n5 = "20000"\n')
    with pytest.raises(DesignError, match=r"mine\.toml: \[constants\] cost\.wafer_price\.n5"):
        load_system(file)


def test_a_sweep_file_gives_figures_to_every_point(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SWEEP + '\n[constants]\ncost.wafer_price.n90 = "2000 USD"\n')
    sweep = read_sweep(file)
    design = sweep.template.design(next(sweep.space.points()))
    assert [c.value for c in design.constants] == [2000.0]
    assert "--constants 'cost.wafer_price.n90=2000.0 USD'" in repeat_command(design)
    # A study made without the figure is not continued with it.
    with pytest.raises(DesignError, match="its constants differ from"):
        extensions(sweep, SWEEP, "studies/mine")
    file.write_text(SWEEP + '\n[constants]\ncost.wafer_price.n90 = "2000"\n')
    with pytest.raises(DesignError, match=r"mine\.toml: \[constants\] cost\.wafer_price\.n90"):
        read_sweep(file)


def test_nodes_of_the_user_join_those_of_the_table() -> None:
    nodes, values = own(cost__wafer_price__n22="3500 USD").nodes("cost.wafer_price", [22])
    assert np.all(np.diff(nodes) > 0)
    assert values[nodes.index(22)] == 3500
