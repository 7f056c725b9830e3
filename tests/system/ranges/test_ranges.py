"""Draws of constants: against closed forms, both sources inside, common draws, refusals."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from chipdse.errors import DesignError
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.evaluate import evaluate_pairs
from chipdse.system.parameters import PackageParameters
from chipdse.system.ranges.draws import Systems, scaled
from chipdse.system.ranges.inputs import Input, draws_of, inputs_of, sample
from chipdse.system.ranges.response import Response
from chipdse.system.ranges.statistics import distinguishable, interval, variance_shares
from chipdse.technology.constants import Sources, load_constants
from chipdse.technology.own_figures import read_own_table
from tests.support.system_cases import block

STATED = ("fab_carbon", "cost_model", "gas_abatement")
"""Parameters that a test keeps, to look at constants alone."""


def systems(*packages: PackageParameters, fixed: tuple[str, ...] = (), **constants: str) -> Systems:
    given = read_own_table({k.replace("__", "."): v for k, v in constants.items()}, "")
    blocks = BlockPoints.of([block(leakage_power_w=0.0)] * len(packages))
    return Systems.of(blocks, PackageColumns.of(packages), given=given, fixed=fixed)


def drawn(case: Systems, metric: str, draws: int = 1024) -> np.ndarray:
    """One metric [draws x systems]."""
    inputs = case.inputs()
    return case.values(inputs, sample(inputs, draws), [metric])[0][metric]


def test_a_uniform_grid_gives_uniform_carbon() -> None:
    case = systems(PackageParameters(grid_use="50 g/kWh (40 to 80)"), fixed=STATED)
    values = drawn(case, "operational_kgco2e")[:, 0]
    stated = case.nominal()[0].metrics.operational_kgco2e[0]
    # Uniform from 40 to 80: the 5 % and 95 % points are 42 and 78, the mean is 60.
    low, high = interval(values[:, None])
    assert (low[0], high[0]) == approx((stated * 42 / 50, stated * 78 / 50), rel=1e-3)
    assert values.mean() == approx(stated * 60 / 50, rel=1e-4)


def test_price_times_yield_has_the_moments_of_the_product() -> None:
    """Die cost = price / dies / yield, with the price and the defect density uniform."""
    package = PackageParameters(node_nm=7, yield_law="poisson", tiles=5000)
    case = systems(
        package,
        fixed=STATED,
        cost__wafer_price__n7="9000 USD (6000 to 12000)",
        cost__defect_density__n7="0.2 /cm2 (0.1 to 0.3)",
    )
    rows = case.nominal()[0]
    area_cm2 = rows.metrics.die_area_m2[0] * 1e4
    dies = rows.parts.fabrication.dies_on_wafer[0, 0]
    # Mean of exp(A D) over D uniform from a to b: (exp(A b) - exp(A a)) / (A (b - a))
    mean = (np.exp(area_cm2 * 0.3) - np.exp(area_cm2 * 0.1)) / (area_cm2 * 0.2)
    inputs = case.inputs()
    made = [row.parts for row in case.drawn(inputs, sample(inputs, 4096))]
    chips = [p.cost.recurring.raw_chips + p.cost.recurring.defect_chips for p in made]
    chips = np.concatenate(chips)
    bumps = 0.005 * area_cm2 * 100
    assert np.mean(chips) - bumps == approx(9000 / dies * mean, rel=2e-3)


def test_intervals_contain_both_sources() -> None:
    # Of the grids the stated values are ends of their ranges: they are held here.
    grids = {"grids__intensity__taiwan": "642 g/kWh", "grids__intensity__world": "481 g/kWh"}
    for arrangement, chiplets in (("monolithic", 1), ("silicon_interposer", 4)):
        package = PackageParameters(
            arrangement=arrangement, chiplets=chiplets, tiles=20000, node_nm=7, link="ucie_advanced"
        )
        for metric, parameter, names in (
            ("embodied_kgco2e", "fab_carbon", ("act", "imec_netzero")),
            ("cost_usd", "cost_model", ("chiplet_actuary", "catch")),
            ("die_yield_frac", "cost_model", ("chiplet_actuary", "catch")),
        ):
            case = systems(package, fixed=tuple({*STATED} - {parameter}), **grids)
            low, high = interval(drawn(case, metric))
            for name in names:
                stated = systems(dataclasses.replace(package, **{parameter: name})).nominal()[0]
                assert low[0] * 0.999 <= getattr(stated.metrics, metric)[0] <= high[0] * 1.001


def test_carbon_at_7_nm_spreads_no_more_than_carbonclarity() -> None:
    """Its 95th percentile is up to 1.6 of the mean (arXiv 2507.01145), with more parameters."""
    values = drawn(systems(PackageParameters(node_nm=7, tiles=5000)), "embodied_kgco2e")[:, 0]
    assert 1.1 < np.quantile(values, 0.95) / values.mean() < 1.6


@given(st.lists(st.floats(0.1, 10), min_size=2, max_size=5))
@settings(max_examples=20)
def test_shares_of_a_sum_are_the_squares_of_its_weights(weights: list[float]) -> None:
    inputs = tuple(Input(name=f"x{n}", parameter=f"x{n}", high=1.0) for n in range(len(weights)))
    shares = sample(inputs, 4096)
    expected = np.square(weights) / np.square(weights).sum()
    assert variance_shares(shares, shares @ np.array(weights)) == approx(expected, abs=0.03)


def test_what_decides_nothing_has_no_share() -> None:
    inputs = tuple(Input(name=f"x{n}", parameter=f"x{n}", high=1.0) for n in range(8))
    shares = sample(inputs)
    explained = variance_shares(shares, np.where(shares[:, 3] > 0.5, 1.0, 2.0))
    assert explained[3] == approx(1.0)
    assert np.delete(explained, 3) == approx(0, abs=0.05)
    assert not variance_shares(shares, np.ones(len(shares))).any()
    # Nor does rounding: a product of the draws whose value is the same.
    assert not variance_shares(shares, 3.3 * (shares[:, 0] + 1) / (shares[:, 0] + 1)).any()


def test_points_share_their_draws() -> None:
    same = PackageParameters(node_nm=7, tiles=5000)
    larger = dataclasses.replace(same, tiles=5100)
    values = drawn(systems(same, same, larger), "embodied_kgco2e")
    assert (values[:, 0] == values[:, 1]).all()
    # The intervals overlap nearly entirely, and yet the larger die emits more in every draw.
    low, high = interval(values)
    assert low[2] < high[0]
    apart = distinguishable(values)
    assert apart[0, 2] and apart[2, 0] and not apart[0, 1] and not apart[0, 0]


def test_a_stated_alternative_is_kept() -> None:
    package = PackageParameters(node_nm=7, fab_carbon="imec_netzero", gas_abatement=0.95)
    case = systems(package, fixed=("cost_model",))
    inputs = case.inputs()
    stated = case.nominal()[0].parts.carbon.dies_kg
    for rows in case.drawn(inputs, sample(inputs, 64)):
        assert rows.parts.carbon.dies_kg == approx(stated[0])


def test_expanded_temperatures_are_those_of_the_full_model() -> None:
    """Powers up to a third from the stated ones, with leakage that doubles every 20 K."""
    packages = [
        PackageParameters(arrangement="organic", chiplets=4, tiles=40000, leakage_doubling_k=20),
        PackageParameters(tiles=20000, leakage_doubling_k=20),
        PackageParameters(tiles=1, leakage_doubling_k=20),
    ]
    # The last is a single small block: 2 mW on 2,000 µm².
    blocks = [block(leakage_power_w=2e-4, area_m2=1e-8)] * 2
    blocks.append(block(leakage_power_w=1e-9, area_m2=2e-9, dynamic_power_w=2e-3))
    points = BlockPoints.of(blocks)
    columns, heat = PackageColumns.of(packages), Response()
    base = evaluate_pairs(points, columns, Sources(), heat=heat)
    for factor in (0.7, 0.9, 1.1, 1.3):
        changed = scaled(points, np.full(3, factor))
        full = evaluate_pairs(changed, columns, Sources()).metrics
        near = evaluate_pairs(changed, columns, Sources(), heat=heat).metrics
        rise = full.peak_temperature_c - 45
        assert (np.abs(near.peak_temperature_c - full.peak_temperature_c) < 0.02 * rise.max()).all()
        assert near.leakage_power_w == approx(full.leakage_power_w, rel=0.1)
        assert near.power_w == approx(full.power_w, rel=0.02)
    exact = evaluate_pairs(points, columns, Sources()).metrics
    assert (base.metrics.peak_temperature_c == exact.peak_temperature_c).all()


def test_power_of_systems_follows_the_drawn_error_of_the_block() -> None:
    case = systems(PackageParameters(tiles=100), PackageParameters(tiles=7))
    case = dataclasses.replace(
        case, error_low=np.array([-0.2, 0.0]), error_high=np.array([0.25, 0.0])
    )
    inputs = case.inputs()
    shares = sample(inputs, 64)
    power_w = case.values(inputs, shares, ["power_w"])[0]["power_w"]
    factors = case.power_factors(inputs, shares)
    assert factors.min() >= 1 / 1.25 and factors.max() <= 1 / 0.8
    assert factors[:, 0].max() / factors[:, 0].min() > 1.4  # nearly the whole range of 1.5625
    assert (factors[:, 1] == 1).all()
    assert power_w / case.nominal()[0].metrics.power_w == approx(factors, rel=1e-9)


def test_nodes_of_a_table_move_together_and_grids_do_not() -> None:
    tables = load_constants()
    ranged = [
        dataclasses.replace(tables[key], low=0.0, high=2 * tables[key].value)
        for key in ("cost.wafer_price.n7", "cost.wafer_price.n5")
    ]
    grids = [tables["grids.intensity.taiwan"], tables["grids.intensity.world"]]
    inputs = inputs_of([*ranged, *grids], fixed=STATED)
    assert [each.name for each in inputs] == [
        "cost.wafer_price",
        "grids.intensity.taiwan",
        "grids.intensity.world",
    ]
    draws = draws_of(inputs, np.array([[0.75, 0.0, 1.0]])).constants
    for constant in ranged:
        assert draws[constant.key][1] == approx(1.5 * constant.value)
    assert draws[grids[0].key][1] == approx(grids[0].low)
    assert draws[grids[1].key][1] == approx(grids[1].high)


@pytest.mark.slow
def test_draws_together_are_those_one_by_one() -> None:
    """A range of a constant that cannot vary by row makes every draw its own evaluation."""
    packages = [
        PackageParameters(
            arrangement=arrangement,
            chiplets=2,
            tiles=20000,
            node_nm=16,
            link="ucie_advanced",
            grid_use="50 g/kWh (40 to 60)",
        )
        for arrangement in ("organic", "active_interposer", "bridge", "fanout_chip_last")
    ]
    ranged = {
        "cost__wafer_price__n14": "4000 USD (3000 to 5000)",
        "cost__defect_density__n55": "0.07 /cm2 (0.05 to 0.09)",
        "links__energy_to_16__ucie_advanced": "0.25 pJ/b (0.2 to 0.3)",
    }
    together = systems(*packages, **ranged)
    alone = systems(*packages, **ranged, cost__edge_loss="5 mm (4.99999999 to 5)")
    inputs, more = together.inputs(), alone.inputs()
    assert {each.name for each in more} - {each.name for each in inputs} == {"cost.edge_loss"}
    shares = sample(inputs, 64)
    place = [each.name for each in more].index("cost.edge_loss")
    names = ("cost_usd", "total_kgco2e", "link_power_w", "peak_temperature_c")
    fast, _ = together.values(inputs, shares, names)
    slow, _ = alone.values(more, np.insert(shares, place, 1.0, axis=1), names)
    for name in names:
        assert fast[name] == approx(slow[name], rel=1e-9)
        assert fast[name].std(axis=0).max() > 0


@pytest.mark.parametrize("draws", [0, 63, 100_000])
def test_too_few_or_many_draws_are_refused(draws: int) -> None:
    with pytest.raises(DesignError, match=f"draws={draws} must be from 64 to 65536"):
        sample((), draws)


def test_which_conclusions_about_packages_survive() -> None:
    """1,024 copies of the 8 x 8 array on one or several dies, as on the page about packages."""
    array = block(
        area_m2=0.55e-6, dynamic_power_w=0.159, leakage_power_w=1e-6, throughput_ops_per_s=7.86e9
    )
    stated = {
        "tiles": 1024,
        "node_nm": 130.0,
        "link_transfers_per_s": 4e9,
        "local_traffic_frac": 0.9,
        "grid_use": "alberta",
    }
    kinds = (("monolithic", 1), ("organic", 2), ("organic", 4), ("silicon_interposer", 2))
    packages = [PackageParameters(arrangement=a, chiplets=c, **stated) for a, c in kinds]
    case = Systems.of(BlockPoints.of([array] * 4), PackageColumns.of(packages))
    inputs = case.inputs()
    metrics, _ = case.values(inputs, sample(inputs), ["cost_usd", "embodied_kgco2e"])
    cost, embodied = metrics["cost_usd"], metrics["embodied_kgco2e"]
    # One die is the cheapest by one cost model and four dies by the other.
    assert (cost.argmin(axis=1) == 0).mean() == approx(0.5, abs=0.01)
    assert (cost.argmin(axis=1) == 2).mean() == approx(0.5, abs=0.01)
    decides = variance_shares(sample(inputs), (cost[:, 0] - cost[:, 2]))
    assert inputs[int(decides.argmax())].name == "source of yields and prices"
    # Four dies emit least before use, and an interposer more than dies on an organic substrate.
    assert (embodied.argmin(axis=1) == 2).all()
    assert (embodied[:, 3] > embodied[:, [1, 2]].max(axis=1)).all()
