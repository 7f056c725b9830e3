"""Chips on named dies: what links cost by hand, one die as before, and the same as a system."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipdse.application.inside.one_chip import OneChip
from chipdse.application.inside.system import chip_system, link_figures, system_text
from chipdse.application.task_metrics import TaskColumns, task_metrics
from chipdse.system.arrays.columns import PackageColumns
from chipdse.system.described import evaluate_described
from chipdse.system.each_die import each_die
from chipdse.system.system_file import load_system
from chipdse.technology.constants import Sources
from tests.application.one_chips import make_chip

OPERATIONS = {"control": 100.0}
APART: dict[str, Any] = {
    "array": "compute",
    "control": "host",
    "buffer": "host",
    "main": "host",
}
JOINED: dict[str, Any] = {"arrangement": "organic", "link_edge_frac": 1.0, "copies": 64}
"""Dies with room for modules of UCIe on their edges."""


def metrics_of(chip: OneChip) -> TaskColumns:
    return task_metrics(
        chip.task(),
        PackageColumns.of([chip.package]),
        np.zeros(1, np.int64),
        node_nm=chip.node_nm,
        sources=chip.sources,
        dies=chip.dies,
    )


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("operations", [None, OPERATIONS])
@pytest.mark.parametrize("memories", [{}, {"buffer_bytes": None, "kind": None}])
def test_one_named_die_is_the_chip_without_dies(
    operations: dict[str, float] | None, memories: dict[str, Any]
) -> None:
    names = ["array", *(["control"] if operations else []), *([] if memories else ["buffer"])]
    changes = {"operations": operations, "die_overhead_frac": 0.2, **memories}
    before = metrics_of(make_chip(**changes))
    named = metrics_of(make_chip(**changes, dies=dict.fromkeys([*names, "main"][:4], "all")))
    for name, column in before.columns.items():
        assert named.columns[name] == pytest.approx(column, rel=1e-12, abs=0), name
    assert {n: c.tolist() for n, c in named.constraints.items()} == {
        n: pytest.approx(c.tolist()) for n, c in before.constraints.items()
    }


def test_time_and_energy_of_links_by_hand() -> None:
    chip = make_chip(dies={k: v for k, v in APART.items() if k != "control"}, **JOINED)
    links = chip.links()
    assert links is not None and chip.buffer is not None
    sources = Sources()
    host_m = np.sqrt(chip.buffer.area_m2)
    modules = np.floor(4 * host_m / sources("links.module_edge.ucie_standard"))
    assert modules == 4
    share = 16e9 / sources("links.rate_max.ucie_standard")
    capacity = modules * sources("links.module_bandwidth.ucie_standard") * share
    together = make_chip(copies=64)
    bits = sum(
        8 * (layer["reads"] + layer["writes"]) for layer in chip.layers()
    )  # operands and results of 8 bits
    assert chip.task().flow_bits == {"array to buffer": pytest.approx([bits])}
    for layer, before in zip(chip.layers(), together.layers(), strict=True):
        crossing = 8 * (layer["reads"] + layer["writes"])
        assert layer["link_s"] == pytest.approx(crossing / capacity)
        assert layer["latency_s"] == pytest.approx(max(before["latency_s"], layer["link_s"]))
        used = 0.85 * sources("links.energy_to_16.ucie_standard")  # an idle link takes 15 %
        assert sources("links.idle_power_frac") == 0.15
        assert layer["link_energy_j"] == pytest.approx(crossing * used)
    power_w = evaluate_described(chip_system(chip)).metrics.link_power_w
    joules = chip.task().energies_j["link"][0] + links.idle_w[0] * chip.task().latency_s[0]
    assert joules == pytest.approx(power_w * chip.task().latency_s[0])
    (flow,) = link_figures(chip)
    assert flow["time_s"] == pytest.approx(bits / capacity)
    assert flow["dies"] == ["compute", "host"]


def test_a_slow_link_binds() -> None:
    slow = make_chip(
        dies=APART,
        operations=OPERATIONS,
        arrangement="organic",
        link="bow",
        link_transfers_per_s=4e9,
        link_edge_frac=0.01,
        copies=64,
        buffer_bytes=262144,
    )
    rows = slow.layers()
    assert rows[0]["bound"] == "link"
    assert rows[0]["latency_s"] == rows[0]["link_s"] > rows[0]["compute_s"]
    assert slow.roofs().link_bits_per_s == float("inf")  # the DRAM is on the buffer's die


@pytest.mark.parametrize("overlapped", [False, True])
def test_stated_traffic_takes_time_of_its_own(overlapped: bool) -> None:
    def task(traffic: float) -> Any:
        chip = make_chip(dies=APART, operations=OPERATIONS, traffic=traffic, **JOINED)
        application = dataclasses.replace(chip.application, overlapped=overlapped)
        return dataclasses.replace(chip, application=application)

    chip = task(1e9)
    seconds = next(f["time_s"] for f in link_figures(chip) if f["name"] == "array to control")
    before, after = task(0.0).task().latency_s[0], chip.task().latency_s[0]
    assert seconds > before
    assert after == pytest.approx(seconds if overlapped else before + seconds)


@pytest.mark.slow
@pytest.mark.parametrize(
    "package",
    [
        {"arrangement": "organic"},
        {"arrangement": "silicon_interposer", "leakage_doubling_k": 12.0, "grid_use": "50 g/kWh"},
        {"arrangement": "stack_hybrid", "link": "ucie_3d", "link_transfers_per_s": 4e9},
    ],
)
def test_a_chip_is_the_system_that_is_written_for_the_verb_package(
    package: dict[str, Any], tmp_path: Path
) -> None:
    chip = make_chip(dies=APART, operations=OPERATIONS, traffic=1e6, **{**JOINED, **package})
    columns = metrics_of(chip).columns
    path = tmp_path / "chip.toml"
    path.write_text(system_text(chip_system(chip)))
    for system in (chip_system(chip), load_system(path)):
        evaluation = evaluate_described(system)
        metrics = evaluation.metrics
        for name in ("cost_usd", "nre_usd", "embodied_kgco2e", "peak_temperature_c"):
            assert columns[name][0] == pytest.approx(getattr(metrics, name), rel=1e-12), name
        assert metrics.throughput_ops_per_s == pytest.approx(1 / columns["latency_s"][0])
        dies = each_die(evaluation)
        assert [die.name for die in dies] == ["compute", "host"]
        assert max(d.peak_temperature_c for d in dies) == pytest.approx(metrics.peak_temperature_c)
        assert columns["die_area_m2"][0] == max(die.area_m2 for die in dies)
        assert sum(die.power_w for die in dies) == pytest.approx(metrics.power_w)


@pytest.mark.slow
def test_copies_on_several_dies_share_the_traffic() -> None:
    one = make_chip(dies=APART, operations=OPERATIONS, **JOINED)
    four = make_chip(dies={**APART, "compute": 4}, operations=OPERATIONS, **JOINED)
    links, shared = one.links(), four.links()
    assert links is not None and shared is not None
    assert links.of("operands").s_per_bit[0, 1] == shared.of("operands").s_per_bit[0, 1]
    area = four.task().die_area_m2["compute"]
    assert 4 * area == pytest.approx(one.task().die_area_m2["compute"])
    evaluation = evaluate_described(chip_system(four))
    compute, host = each_die(evaluation)
    assert (compute.count, host.count) == (4, 1)
    assert 4 * compute.power_w + host.power_w == pytest.approx(evaluation.metrics.power_w, rel=1e-4)
    # The share of the dies' price, by hand: the cost of tested dies is that of raw and lost ones.
    split = evaluation.parts.cost.recurring
    bumps = split.raw_chips + split.defect_chips - 4 * compute.tested_usd - host.tested_usd
    c4 = evaluation.sources("cost.substrate_bump_price")
    assert bumps == pytest.approx(c4 * evaluation.metrics.silicon_area_m2)
    tested_kg = 4 * compute.tested_kgco2e + host.tested_kgco2e
    carbon = evaluation.parts.carbon
    assembled = (carbon.dies_kg + carbon.edge_kg + carbon.yield_kg)[0]
    assert assembled * 0.9 < tested_kg < assembled  # placing them loses some


def test_a_die_without_room_for_a_link_runs_nothing() -> None:
    chip = make_chip(dies=APART, operations=OPERATIONS, arrangement="organic")
    assert np.isinf(chip.task().latency_s[0])
    assert np.isnan(metrics_of(chip).columns["cost_usd"][0])
