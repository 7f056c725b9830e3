"""What the page shows of one chip adds up, and the page of `chipdse chip` needs no network."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from chipdse.report.page.chip_details import (
    MOST_LAYERS,
    chip_detail,
    chip_detail_or_reason,
    shown_layers,
)
from chipdse.report.page.chip_page import NamedChip, chip_page_html
from tests.application.one_chips import LARGE, make_chip
from tests.support.report_cases import HOSTILE


@pytest.mark.slow
def test_figures_of_a_chip_add_up() -> None:
    chip = make_chip(operations={"control": 100.0})
    detail = chip_detail(chip)
    assert detail["application"] == "net, then 100 operations of control"
    assert sum(detail["levels"].values()) == pytest.approx(detail["energy_j"])
    in_layers = sum(sum(row["energies_j"].values()) for row in detail["layers"])
    # Leakage while the control part works belongs to no layer.
    rest = detail["levels"]["operations"] + detail["levels"]["leakage"]
    assert detail["energy_j"] - rest <= in_layers <= detail["energy_j"]
    for row in detail["layers"]:
        assert row["latency_s"] == row["times_s"][row["bound"]] == max(row["times_s"].values())
    supply = detail["supply"]
    at = supply["vdd_v"].index(1.8)
    assert sum(joules[at] for joules in supply["energies_j"].values()) == pytest.approx(
        detail["energy_j"]
    )
    plan = detail["floorplans"][0]
    watts = sum(tile["power_w"] for tile in plan["tiles"])
    assert watts == pytest.approx(sum(region["power_w"] for region in plan["regions"]))
    on_die_j = sum(detail["levels"][level] for level in ("tile", "sram", "operations"))
    assert watts >= on_die_j / detail["latency_s"]  # and leakage
    assert np.shape(plan["temperature_c"]) == (len(plan["y_m"]) - 1, len(plan["x_m"]) - 1)
    assert np.min(plan["temperature_c"]) > chip.package.ambient_c
    assert detail["sources"] and detail["cite"]


@pytest.mark.slow
def test_a_protocol_and_a_chip_without_memories_have_no_layers_or_roofs() -> None:
    protocol = chip_detail(make_chip(layers=(), operations={"control": 10.0}, kind=None))
    assert protocol["layers"] == [] and protocol["roofs"] is None
    bare = chip_detail(make_chip(buffer_bytes=None, kind=None))
    assert list(bare["roofs"]) == ["macs_per_s"]
    assert [region["name"] for region in bare["floorplans"][0]["regions"]] == ["array"]


def test_why_there_is_nothing() -> None:
    reason = chip_detail_or_reason(make_chip(layers=(LARGE,), copies=5000))
    assert "layer 'large' does not fit" in reason["error"]


def test_layers_with_the_least_energy_are_one_row() -> None:
    one = make_chip().layers()[0]
    layers = [
        {**one, "name": f"l{i}", "tile_energy_j": 1.0 + (i % 7), "bound": "sram" if i else "dram"}
        for i in range(MOST_LAYERS + 20)
    ]
    rows = shown_layers(layers)
    assert len(rows) == MOST_LAYERS and rows[-1]["name"] == "others (21)"
    assert rows[-1]["bound"] == "sram"
    assert {row["energies_j"]["tile"] for row in rows[:-1]} >= {4.0, 7.0}
    for name in ("macs", "latency_s", "dram_bits"):
        total = sum(row[name] for row in shown_layers(layers[:MOST_LAYERS])) / MOST_LAYERS
        assert sum(row[name] for row in rows) == pytest.approx(total * len(layers))
    kept = [int(row["name"][1:]) for row in rows[:-1]]
    assert kept == sorted(kept)


def named(name: str, best: str, **changes: int) -> NamedChip:
    return NamedChip(
        name=name,
        best=[best],
        settings={"array count": str(changes.get("copies", 4))},
        metrics={"energy_per_task_j": 2e-4, "cost_usd": 0.5, "carbon_per_task_kgco2e": 1.5e-11},
        chip=make_chip(**changes),
    )


def page_of_two_chips() -> str:
    return chip_page_html(
        "chip",
        [named("4 x array", "energy_per_task_j"), named(HOSTILE, "cost_usd", copies=1)],
        question=HOSTILE,
        summary="2 chips",
        notes=[HOSTILE],
        text=HOSTILE,
    )


@pytest.mark.slow
def test_the_page_shows_names_as_text_and_asks_no_network() -> None:
    page = page_of_two_chips()
    assert "<img src=x" not in page and "default-src 'none'" in page
    own = page.split('id="plotly"')[0] + page.split("</script>", 3)[-1]
    assert not re.findall(r"(?:src|href)=[\"']?https?:", own)
    found = re.search(r'id="data">(.*?)</script>', page)
    assert found is not None
    data = json.loads(found[1])
    assert [chip["best"] for chip in data["chips"]] == [
        "best in energy per task",
        "best in recurring cost",
    ]
    assert "0.5 USD" in page
