"""Cost against Chiplet Actuary's results and by hand."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from chipdse.system.described import Die, System, evaluate_described
from chipdse.system.evaluate import evaluate_systems
from chipdse.system.models import cost
from chipdse.system.parameters import PackageParameters
from chipdse.system.restated import catch
from tests.support.system_cases import block

ARRANGEMENTS = {
    "SoC_OS": "monolithic",
    "MCM_OS": "organic",
    "InFO_chip_last": "fanout_chip_last",
    "InFO_chip_first": "fanout_chip_first",
    "2.5D_SI": "silicon_interposer",
}


def chiplets(arrangement: str, count: int, module_mm2: float, node_nm: float, **package):
    """`module_mm2` of logic in equal dies, a tenth more for interfaces where there are several."""
    die = Die(name="logic", count=count, area_m2=module_mm2 / count * 1e-6, node_nm=float(node_nm))
    return System(
        name="case",
        dies=(die,),
        package=PackageParameters(
            arrangement=arrangement,
            chiplets=count,
            tiles=count,
            interface_area_frac=0.1 if count > 1 else 0.0,
            **package,
        ),
    )


def rows(shared: Path):
    with (shared / "reference/cost/actuary_recurring.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_recurring_cost_of_all_reference_cases(shared: Path) -> None:
    for row in rows(shared):
        arrangement = ARRANGEMENTS[row["integration"]]
        found = evaluate_described(
            chiplets(
                arrangement, int(row["n_chiplets"]), float(row["module_area_mm2"]), row["node_nm"]
            ),
            cells=4,
        )
        made, split = found.parts.fabrication, found.parts.cost.recurring
        assert made.dies_on_wafer[0, 0] == approx(float(row["dies_per_wafer"]), rel=1e-4)
        assert made.die_yield[0, 0] == approx(float(row["die_yield"]), rel=1e-4)
        for ours, theirs in (
            (split.raw_chips, "RE_raw_chips"),
            (split.defect_chips, "RE_defect_chips"),
            (split.raw_package, "RE_raw_package"),
            (split.defect_package, "RE_defect_package"),
            (split.wasted_dies, "RE_wasted_kgd"),
            (split.total, "RE_total"),
        ):
            assert float(np.asarray(ours)[0]) == approx(float(row[theirs]), rel=1e-4), row
        assert made.substrate_m2[0] * 1e6 == approx(float(row["pkg_area_mm2"]), rel=1e-4)


def test_package_nre_of_flat_packages(shared: Path) -> None:
    for row in rows(shared):
        if row["integration"] not in ("SoC_OS", "MCM_OS"):
            continue
        found = evaluate_described(
            chiplets(
                ARRANGEMENTS[row["integration"]],
                int(row["n_chiplets"]),
                float(row["module_area_mm2"]),
                row["node_nm"],
            ),
            cells=4,
        )
        nre = found.parts.cost.nre_package_usd[0]
        assert nre == approx(float(row["pkg_NRE_usd"]), rel=1e-4)


def test_fanout_nre_as_published_and_corrected(shared: Path) -> None:
    """The original divides the fixed part by 300 and prices the substrate's design at its
    material price; both are repeated only on request."""
    row = next(r for r in rows(shared) if r["integration"] == "InFO_chip_last")
    area = float(row["module_area_mm2"]) * 1.1 * 1.2
    published = cost.nre_fanout(area * 1e-6, 1.5e7, 0.5, 300e-6, as_published=True)
    published += 4 * area * 0.005
    assert published == approx(float(row["pkg_NRE_usd"]), rel=1e-4)
    corrected = cost.nre_fanout(area * 1e-6, 1.5e7, 0.5, 300e-6)
    assert corrected - published == approx(0.5 * 1.5e7 * (1 - 1 / 300), rel=1e-5)


def test_two_chiplets_at_5_nm_cost_three_quarters() -> None:
    """Feng and Ma's observation at 800 mm²: two chiplets on organic cost about 0.74 of one."""
    one = evaluate_described(chiplets("monolithic", 1, 800, 5), cells=4).metrics.cost_usd
    two = evaluate_described(chiplets("organic", 2, 800, 5), cells=4).metrics.cost_usd
    assert two / one == approx(0.74, abs=0.005)


def test_small_dies_are_cheaper_in_one_piece() -> None:
    one = evaluate_described(chiplets("monolithic", 1, 100, 14), cells=4).metrics.cost_usd
    two = evaluate_described(chiplets("organic", 2, 100, 14), cells=4).metrics.cost_usd
    assert two > 1.2 * one


def test_bumps_count_for_every_chip() -> None:
    """The original forgets to multiply microbumps by the number of equal chips."""
    two = evaluate_described(chiplets("fanout_chip_last", 2, 400, 7), cells=4)
    raw_dies = 2 * 9346 / two.parts.fabrication.dies_on_wafer[0, 0]
    bumps = float(np.asarray(two.parts.cost.recurring.raw_chips)[0]) - raw_dies
    assert bumps == approx(0.01 * 440)


def test_nre_by_hand() -> None:
    # 5 nm: N = 542e6. One 300 mm² chip: module 0.5·N + chip 0.3·N + 0.2·N = N
    found = evaluate_described(chiplets("monolithic", 1, 300, 5, volume=1e6), cells=4)
    price = found.parts.cost
    assert price.nre_modules_usd[0] + price.nre_chips_usd[0] == approx(542e6)
    substrate = 4 * 300 * 3000 + 3e5
    assert found.metrics.nre_usd == approx((542e6 + substrate) / 1e6)


def test_sharing_a_die_shares_its_design_but_not_its_package() -> None:
    alone = evaluate_described(chiplets("organic", 2, 400, 7), cells=4)
    shared_by_4 = evaluate_described(chiplets("organic", 2, 400, 7, products_sharing=4.0), cells=4)
    package = alone.parts.cost.nre_package_usd[0] / 1e6
    assert shared_by_4.metrics.nre_usd - package == approx((alone.metrics.nre_usd - package) / 4)


def test_untested_dies_cost_packages() -> None:
    tested = evaluate_described(chiplets("organic", 4, 400, 7), cells=4)
    blind = evaluate_described(chiplets("organic", 4, 400, 7, test_coverage=0.0), cells=4)
    assert float(np.asarray(blind.parts.cost.recurring.defect_chips)[0]) == 0
    assert blind.metrics.cost_usd > tested.metrics.cost_usd
    # All dies of a good system must be good: raw cost over Y⁴·0.99⁴.
    raw = blind.parts.cost.recurring
    good = blind.parts.fabrication.die_yield[0, 0] ** 4 * 0.99**4
    whole = (float(np.asarray(raw.raw_chips)[0]) + float(np.asarray(raw.raw_package)[0])) / good
    assert blind.metrics.cost_usd == approx(whole)


def test_wafers_stacked_blind_multiply_their_yields() -> None:
    kinds = {
        "chiplets": 2,
        "tiles": 2,
        "arrangement": "stack_hybrid",
        "link": "ucie_3d",
        "link_transfers_per_s": 4e9,
    }
    die = Die(name="logic", count=2, area_m2=100e-6, node_nm=7.0)
    by_die, by_wafer = (
        evaluate_described(
            System(name="s", dies=(die,), package=PackageParameters(stack_bonding=how, **kinds)),
            cells=4,
        )
        for how in ("die", "wafer")
    )
    y = by_wafer.parts.fabrication.die_yield[0, 0]
    raw = 2 * 9346 / by_wafer.parts.fabrication.dies_on_wafer[0, 0]
    lost = float(np.asarray(by_wafer.parts.cost.recurring.defect_chips)[0])
    assert lost == approx(raw * (1 / y**2 - 1))
    assert by_die.metrics.cost_usd < by_wafer.metrics.cost_usd


def test_catch_by_hand() -> None:
    # A layer of 1 USD with 30 % lithography on a half-used reticle: 0.7 + 0.3/0.5
    assert catch.layer_cost(1.0, 0.3, 0.5) == approx(1.3)
    # A carrier of 8 USD that passes at 0.8, children 20, assembly 1, test 1, passing at 0.8
    assert cost.recursive_cost(8.0, 0.8, 20.0, 1.0, 1.0, 0.8) == approx(40.0)


@pytest.mark.slow
@settings(max_examples=25)
@given(
    st.floats(1, 800),
    st.sampled_from(["organic", "fanout_chip_last", "silicon_interposer", "glass", "bridge"]),
    st.integers(2, 9),
)
def test_cost_grows_with_area(area: float, arrangement: str, count: int) -> None:
    small = evaluate_described(chiplets(arrangement, count, area, 7), cells=2)
    large = evaluate_described(chiplets(arrangement, count, area * 1.1, 7), cells=2)
    assert large.metrics.cost_usd > small.metrics.cost_usd > 0


@pytest.mark.parametrize("node_nm", [3, 5, 7, 10, 14, 20, 28, 40, 55])
def test_nodes_of_the_table_are_exact(node_nm: int) -> None:
    found = evaluate_described(chiplets("monolithic", 1, 100, node_nm), cells=2)
    raw = (
        found.sources(f"cost.wafer_price.n{node_nm}") / found.parts.fabrication.dies_on_wafer[0, 0]
    )
    assert float(np.asarray(found.parts.cost.recurring.raw_chips)[0]) == approx(raw + 0.5)


def test_a_node_beyond_the_tables_is_marked() -> None:
    coarse = evaluate_systems([block()], [PackageParameters(tiles=100)]).at(0, 0)
    assert coarse.evidence == "estimated"
    fine = evaluate_systems([block(node_nm=28.0)], [PackageParameters(tiles=100)]).at(0, 0)
    assert fine.evidence == "modelled"
    moved = evaluate_systems([block()], [PackageParameters(tiles=100, node_nm=28.0)]).at(0, 0)
    assert moved.evidence == "estimated"


def two_dies(first_nm: float, second_nm: float, **second):
    dies = (
        Die(name="a", area_m2=100e-6, node_nm=first_nm),
        Die(name="b", area_m2=300e-6, node_nm=second_nm, **second),
    )
    package = PackageParameters(arrangement="organic", chiplets=2, tiles=2)
    return evaluate_described(System(name="two", dies=dies, package=package), cells=4).parts.cost


def test_an_interface_is_designed_once_per_process() -> None:
    """By hand: modules take 0.5 N/300 mm² of their area, and the interface 20 mm² of it per node.

    N is 542 M USD at 5 nm and 298 M USD at 7 nm (Chiplet Actuary).
    """
    per_mm2 = {5.0: 0.5 * 542e6 / 300, 7.0: 0.5 * 298e6 / 300}
    for first, second in ((5.0, 5.0), (7.0, 7.0)):
        # Unlike dies of one process share the interface: 100 + 300 + 20 mm².
        assert two_dies(first, second).nre_modules_usd[0] == approx(420 * per_mm2[first])
    # Of two processes, each designs its own: 120 mm² in one, 320 mm² in the other.
    mixed = two_dies(5.0, 7.0).nre_modules_usd[0]
    assert mixed == approx(120 * per_mm2[5.0] + 320 * per_mm2[7.0])
    # A bought die brings its interface along.
    bought = two_dies(5.0, 5.0, third_party=True).nre_modules_usd[0]
    assert bought == approx(120 * per_mm2[5.0])


@pytest.mark.slow
@given(st.lists(st.sampled_from([5.0, 7.0, 14.0, 28.0]), min_size=2, max_size=5))
def test_the_order_of_dies_changes_no_design_cost(nodes) -> None:
    def modules(order: Sequence[float]):
        dies = tuple(
            Die(name=f"{at}", area_m2=50e-6, node_nm=node) for at, node in enumerate(order)
        )
        package = PackageParameters(arrangement="organic", chiplets=len(dies), tiles=len(dies))
        system = System(name="s", dies=dies, package=package)
        return evaluate_described(system, cells=4).parts.cost.nre_modules_usd[0]

    dear = {5.0: 542e6, 7.0: 298e6, 14.0: 106e6, 28.0: 51e6}
    expected = sum(dear[n] * 0.5 / 300 * 50 for n in nodes)
    expected += sum(dear[n] * 0.5 / 300 * 20 for n in set(nodes))
    assert modules(nodes) == approx(expected)
    assert modules(nodes[::-1]) == approx(expected)
