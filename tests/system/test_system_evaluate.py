"""Whole systems: metrics of packages, constraints, arrays against single evaluations."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from chipdse.errors import DesignError
from chipdse.records import EVIDENCE
from chipdse.system.arrays.columns import BlockPoints
from chipdse.system.described import evaluate_described, from_block
from chipdse.system.evaluate import evaluate_system, evaluate_systems
from chipdse.system.metrics import CONSTRAINTS, SystemMetrics
from chipdse.system.models.links import (
    grid_edges,
    link_power,
    mean_hops,
    mean_levels,
)
from chipdse.system.parameters import ARRANGEMENTS, PackageParameters
from tests.support.fuzzing.examples import examples
from tests.support.system_cases import block


def several(arrangement: str, **changes):
    """A buildable package of two dies."""
    values: dict[str, Any] = {"arrangement": arrangement, "chiplets": 2, "tiles": 20000}
    if arrangement == "monolithic":
        values["chiplets"] = 1
    if arrangement == "stack_hybrid":
        values |= {"link": "ucie_3d", "link_transfers_per_s": 4e9}
    elif arrangement not in ("monolithic", "organic"):
        values["link"] = "ucie_advanced"
    return PackageParameters(**(values | changes))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_every_arrangement_evaluates(arrangement: str) -> None:
    found = evaluate_system(block(), several(arrangement))
    assert not found.violations
    for field in dataclasses.fields(SystemMetrics):
        value = getattr(found, field.name)
        if isinstance(value, float):
            assert np.isfinite(value) and value >= 0, field.name
    assert set(found.constraints) <= set(CONSTRAINTS)
    assert found.cost_usd > 0 < found.nre_usd
    assert found.total_kgco2e == approx(found.embodied_kgco2e + found.operational_kgco2e)


def test_metrics_carry_unit_and_evidence() -> None:
    for field in dataclasses.fields(SystemMetrics):
        assert field.metadata["evidence"] in EVIDENCE
        assert field.metadata["doc"]


def test_one_die_by_hand() -> None:
    found = evaluate_system(block(), PackageParameters(tiles=1000))
    assert found.throughput_ops_per_s == approx(1e12)
    assert found.power_w == approx(1000 * (2e-3 + 1e-5))
    assert found.energy_per_op_j == approx(2.01e-12)
    assert found.die_area_m2 == approx(1000 * 0.02e-6)
    assert found.bound_by == "compute"
    life = 5 * 365.25 * 24 * 3600 * 0.667
    assert found.carbon_per_op_kgco2e == approx(found.total_kgco2e / (1e12 * life))
    assert found.total_cost_usd == approx(found.cost_usd + found.nre_usd)
    assert found.energy_delay_product_j_s == approx(2.01e-12 * 1e-12)
    assert found.total_carbon_delay_product_kg_s == approx(found.total_kgco2e * 1e-12)


@pytest.mark.slow
@examples(40)
@given(
    st.sampled_from(ARRANGEMENTS),
    st.integers(2, 6),
    st.sampled_from(["cold_plate", "heatsink_forced_air"]),
    st.floats(1e-4, 5e-3),
)
def test_arrays_equal_single_evaluations(
    arrangement: str, chiplets: int, cooling: str, power_w: float
) -> None:
    chiplets = 1 if arrangement == "monolithic" else chiplets
    packages = [
        several(arrangement, chiplets=chiplets, cooling=cooling),
        several("bridge"),
        several("organic", grid_use="ontario"),
    ]
    blocks = [block(), block(dynamic_power_w=power_w)]
    together = evaluate_systems(blocks, packages)
    assert together.shape == (2, 3)
    for i, j in itertools.product(range(2), range(3)):
        alone = evaluate_system(blocks[i], packages[j])
        at = together.at(i, j)
        for field in dataclasses.fields(SystemMetrics):
            one, other = getattr(alone, field.name), getattr(at, field.name)
            assert one == (approx(other, rel=1e-9) if isinstance(one, float | dict) else other)


def test_a_flat_package_and_its_description_agree() -> None:
    package = several("silicon_interposer", memory_dies=2, chiplets=4, die_overhead_frac=0.2)
    flat = evaluate_system(block(), package)
    described = evaluate_described(from_block(block(), package)).metrics
    for name in ("cost_usd", "nre_usd", "embodied_kgco2e", "throughput_ops_per_s", "power_w",
                 "peak_temperature_c", "link_power_w", "total_kgco2e"):  # fmt: skip
        assert getattr(flat, name) == approx(getattr(described, name), rel=1e-6), name


def test_links_limit_throughput_and_say_so() -> None:
    hungry = block(io_bits_per_op=16.0)
    package = several("organic", chiplets=4, link_edge_frac=0.25)
    bound = evaluate_system(hungry, package)
    assert bound.bound_by == "link"
    assert bound.throughput_ops_per_s < 20000e9
    # Twice the edge carries twice the traffic, as long as links bind.
    wider = evaluate_system(hungry, several("organic", chiplets=4, link_edge_frac=0.5))
    ratio = wider.throughput_ops_per_s / bound.throughput_ops_per_s
    assert 1.5 < ratio < 2.5
    near = evaluate_system(hungry, several("organic", chiplets=4, local_traffic_frac=1.0))
    assert near.bound_by == "compute"


def test_link_limit_by_hand() -> None:
    """Two dies, half of the traffic crosses, every crossing loads both."""
    hungry = block(io_bits_per_op=64.0)
    found = evaluate_system(hungry, several("organic"))
    edge = 4 * np.sqrt(10000 * 0.02e-6) * 0.25
    modules = np.floor(edge / 0.5715e-3)
    one_die = modules * 1024e9 * 16 / 32
    assert found.throughput_ops_per_s == approx(one_die / (64.0 / 2))


def test_memory_technology_costs_energy_and_limits_bandwidth() -> None:
    package = several("silicon_interposer", memory_dies=1)
    plain = evaluate_system(block(), package)
    stacked = evaluate_system(block(), dataclasses.replace(package, memory_technology="hbm2e"))
    # One stack carries 461 GB/s; every bit costs 6 pJ in the device.
    assert stacked.bound_by == "link"
    assert stacked.throughput_ops_per_s == approx(461e9 * 8 / 0.5)
    free = dataclasses.replace(package, memory_technology="gddr6")
    more = evaluate_system(block(), free).power_w - plain.power_w
    assert more == approx(20000e9 * 0.5 * 7.5e-12, rel=0.01)


def test_hops_by_hand() -> None:
    assert mean_hops(1) == 0
    assert mean_hops(2) == 0.5
    # 2 x 2: of 16 pairs 4 stay, 8 cross one link, 4 two
    assert mean_hops(4) == 1.0
    assert mean_levels(3) == approx(8 / 9)
    assert [grid_edges(n) for n in (1, 2, 4, 9)] == [0, 1, 4, 12]


def test_link_power_by_hand() -> None:
    # 1 Tb/s of 2 at 0.5 pJ/b: 0.5 W busy and 15 % of 0.5 W idle
    assert link_power(1e12, 2e12, 0.5e-12, 0.15) == approx(0.575)


def test_a_link_takes_no_more_traffic_than_its_bandwidth() -> None:
    with pytest.raises(DesignError, match=r"bits_per_s=3e\+12 is more than capacity_bits_per_s=2e"):
        link_power(np.array([1e12, 3e12]), 2e12, 0.5e-12, 0.15)
    assert link_power(2e12 * (1 + 1e-12), 2e12, 0.5e-12, 0.15) == approx(1.0)


@pytest.mark.parametrize(
    ("package", "limit"),
    [
        ({"arrangement": "monolithic", "chiplets": 1, "tiles": 50000}, "reticle"),
        ({"arrangement": "organic", "link": "ucie_advanced"}, "link_pitch_m"),
        ({"arrangement": "organic", "link_transfers_per_s": 2e9}, "link_rate_per_s"),
        (
            {"arrangement": "stack_hybrid", "link": "ucie_3d", "link_transfers_per_s": 16e9},
            "link_rate_per_s",
        ),
        ({"arrangement": "organic", "tiles": 20, "link_edge_frac": 0.05}, "link_edge"),
        ({"arrangement": "organic", "temperature_limit_c": 46.0}, "temperature_k"),
    ],
)
def test_limits_are_violated_by_an_amount(package: dict[str, Any], limit: str) -> None:
    values = {"chiplets": 2, "tiles": 20000} | package
    found = evaluate_system(block(), PackageParameters(**values))
    assert found.violations[limit] > 0


def test_reticle_excess_by_hand() -> None:
    found = evaluate_system(block(), PackageParameters(tiles=50000))
    assert found.violations == {"reticle": approx(1000 / 858 - 1)}


def test_leakage_runs_away_when_hot() -> None:
    leaky = block(leakage_power_w=5e-3)
    calm = PackageParameters(tiles=20000, leakage_doubling_k=60.0, cooling="jet")
    found = evaluate_system(leaky, calm)
    assert found.constraints["runaway"] == 0
    assert found.leakage_power_w > 20000 * 5e-3
    wild = dataclasses.replace(calm, leakage_doubling_k=6.0, cooling="heatsink_forced_air")
    assert evaluate_system(leaky, wild).violations["runaway"] == 1


def test_leakage_outside_the_library_is_reported() -> None:
    cold = block(leakage_temperatures_c=(0.0, 25.0), leakage_powers_w=(5e-6, 1e-5))
    found = evaluate_system(cold, PackageParameters(tiles=20000))
    assert found.violations["leakage_table_k"] == approx(found.peak_temperature_c - 25, abs=3)


def test_a_stack_is_hotter_than_side_by_side() -> None:
    beside = evaluate_system(block(), several("silicon_interposer"))
    stacked = evaluate_system(block(), several("stack_microbump"))
    ambient = 45.0
    assert stacked.peak_temperature_c - ambient > 1.3 * (beside.peak_temperature_c - ambient)


def test_diamond_spreads_better_and_grease_worst() -> None:
    by_spreader = [
        evaluate_system(block(), several("organic", spreader_material=m)).peak_temperature_c
        for m in ("aluminium", "copper", "diamond")
    ]
    assert by_spreader == sorted(by_spreader, reverse=True)
    by_interface = [
        evaluate_system(block(), several("organic", interface_material=m)).peak_temperature_c
        for m in ("grease", "interface_low", "interface_typical", "interface_high")
    ]
    assert by_interface == sorted(by_interface, reverse=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid_use": "mars"}, "grid_use='mars' is unknown; use one of world"),
        ({"die_material": "unobtainium"}, "die_material='unobtainium' is unknown"),
        ({"chiplets": 0}, "chiplets=0 is too small; use >= 1"),
        ({"memory_power_w": -1.0}, r"memory_power_w=-1.0 is too small; use >= 0.0 W"),
        ({"tiles": 2.5}, "tiles=2.5 must be of type int"),
        ({"ambient_c": float("nan")}, "ambient_c=nan is not finite"),
        ({"node_nm": 2.0}, "node_nm=2.0 is too small; use >= 3.0 nm, or leave it out"),
    ],
)
def test_wrong_values_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        PackageParameters(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chiplets": 2, "tiles": 2}, "arrangement='monolithic' has one die, not 2"),
        ({"arrangement": "organic"}, "arrangement='organic' joins dies but"),
        ({"arrangement": "organic", "chiplets": 4, "tiles": 2}, "chiplets=4 exceeds tiles=2"),
        ({"arrangement": "stack_hybrid", "chiplets": 9, "tiles": 9}, "stacks 9 dies; use at"),
    ],
)
def test_combinations_that_cannot_be_built_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        PackageParameters(**changes)


@pytest.mark.parametrize("name", ["area_m2", "dynamic_power_w", "leakage_power_w"])
def test_negative_block_figures_are_refused(name: str) -> None:
    with pytest.raises(DesignError, match=f"block {name}=-1.0 must be finite"):
        block(**{name: -1.0})


def test_points_must_share_their_leakage_temperatures() -> None:
    other = block(leakage_temperatures_c=(0.0, 25.0), leakage_powers_w=(1e-6, 1e-5))
    with pytest.raises(DesignError, match="same temperatures"):
        BlockPoints.of([block(), other])


def test_tiny_systems_work() -> None:
    """A tenth of a square millimetre on 130 nm is a legal die."""
    found = evaluate_system(block(), PackageParameters(tiles=5))
    assert found.die_area_m2 == approx(0.1e-6)
    assert 0 < found.cost_usd < 1
    assert found.die_yield_frac > 0.999


def test_the_best_package_moves_with_the_objective() -> None:
    """Cheapest: four chiplets, small dies yield better. Coolest: two, which spread the heat and
    have fewer links. Least carbon on a coal grid: a hybrid stack, whose links take least energy;
    where electricity is clean the dies count, and the four chiplets waste least silicon."""
    packages = [
        several(a, chiplets=1 if a == "monolithic" else c, node_nm=7.0, grid_use=g)
        for a in ("monolithic", "organic", "silicon_interposer", "stack_hybrid")
        for c in (2, 4)
        for g in ("alberta", "quebec")
    ]
    found = evaluate_systems([block(io_bits_per_op=0.1)], packages)
    assert found.feasible.all()

    def best(metric: str, grid: str):
        here = [i for i, p in enumerate(packages) if p.grid_use == grid]
        chosen = packages[min(here, key=lambda i: found[metric][0, i])]
        return chosen.arrangement, chosen.chiplets

    assert best("cost_usd", "alberta") == ("organic", 4)
    assert best("peak_temperature_c", "alberta") == ("organic", 2)
    assert best("total_kgco2e", "alberta") == ("stack_hybrid", 2)
    assert best("total_kgco2e", "quebec") == ("organic", 4)
