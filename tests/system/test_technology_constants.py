"""The tables: every number with a source and a unit, and equal to the reference tables."""

from __future__ import annotations

import csv
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from pytest import approx

from chipdse.errors import DesignError
from chipdse.technology.constants import SI_FACTORS, TABLES, Sources, load_constants, variants


def test_every_constant_says_where_it_comes_from() -> None:
    for constant in load_constants().values():
        assert len(constant.source) >= 10, constant.key
        assert constant.doc, constant.key
        assert constant.unit in SI_FACTORS
        assert constant.evidence in ("modelled", "estimated")
        assert constant.low <= constant.value <= constant.high, constant.key


def test_entries_hold_nothing_else() -> None:
    allowed = {"doc", "unit", "source", "note", "evidence", "readiness", "year", "value", "values",
               "low", "high"}  # fmt: skip
    folder = resources.files("chipdse.technology") / "data"
    for table in TABLES:
        content = tomllib.loads((folder / f"{table}.toml").read_text(encoding="utf-8"))
        for name, entry in content.items():
            assert set(entry) <= allowed, (table, name)
            assert ("value" in entry) != ("values" in entry), (table, name)


def test_materials_say_how_ready_they_are() -> None:
    for key, constant in load_constants().items():
        if key.startswith(("materials.conductivity", "memory.")):
            assert constant.readiness in ("production", "early", "research"), key


def reference(shared: Path, name: str):
    with (shared / f"reference/tables/{name}.csv").open() as file:
        return {row["name"]: row for row in csv.DictReader(file)}


# Our key, table, name there; published values must be equal.
SAMPLES = [
    *((f"cost.wafer_price.n{n}", "cost_yield", f"actuary.{n}.wafer_cost") for n in (3, 5, 7, 55)),
    *((f"cost.defect_density.n{n}", "cost_yield", f"actuary.{n}.defect_density") for n in (3, 40)),
    *((f"cost.design_nre.n{n}", "cost_yield", f"actuary.{n}.NRE") for n in (5, 28)),
    ("cost.fanout_bonding_yield", "cost_yield", "actuary.FO.bonding_yield"),
    (
        "cost.stack_bonding_yield.hybrid_die",
        "cost_yield",
        "3dcarbon.bonding_yield.Hybridbonding_D2W",
    ),
    *((f"carbon.fab_energy.n{n}", "carbon", f"ACT.EPA.{n}nm") for n in (3, 7, 28)),
    *((f"carbon.fab_gas_99.n{n}", "carbon", f"ACT.GPA99.{n}nm") for n in (3, 7, 28)),
    ("carbon.eco_cpa.n65", "carbon", "ECO.cpa.65nm"),
    ("carbon.rdl_energy", "carbon", "3DC.epa_substrate.RDL"),
    ("carbon.bonding_energy.hybrid", "carbon", "3DC.epa_bonding.DBI"),
    ("grids.intensity.taiwan", "carbon", "ACT.CI2023.taiwan"),
    ("grids.intensity.france", "carbon", "CI2023.France"),
    ("links.edge_bandwidth.ucie_standard", "d2d_links", "UCIe-S.shoreline_max"),
    ("thermal.cooler_resistance.heatsink_forced_air", "thermal", "hotspot.r_convec"),
    ("thermal.film_coefficient.microchannel", "thermal", "microchannel.htc"),
    ("materials.conductivity.glass", "thermal", "k.glass"),
    ("scaling.delay_a3.n130", "technology", "SB.130.delay_a3"),
    ("scaling.area_from_n130.n7", "technology", "SB.area.from_130_to_7"),
]


def test_constants_equal_the_reference_tables(shared: Path) -> None:
    tables: dict[str, dict[str, dict[str, str]]] = {}
    for key, table, name in SAMPLES:
        if table not in tables:
            tables[table] = reference(shared, table)
        row = tables[table][name]
        assert row["verified"] == "yes"
        assert load_constants()[key].published == approx(float(row["value"])), key


def test_nothing_recalled_without_a_source(shared: Path) -> None:
    for constant in load_constants().values():
        assert "recall" not in constant.source.lower(), constant.key


@pytest.mark.parametrize(
    ("key", "si"),
    [
        ("cost.defect_density.n5", 1100.0),
        ("carbon.fab_energy.n7", 2.15 * 3.6e6 * 1e4),
        ("carbon.fab_gas_95.n7", 3500 / 1000 * 1000),
        ("grids.intensity.coal", 0.820 / 3.6e6),
        ("links.energy_to_16.ucie_standard", 0.5e-12),
        ("links.edge_bandwidth.ucie_standard", 224e9 * 8 / 1e-3),
        ("cost.substrate_price", 0.005e6),
        ("materials.mean_free_path.copper", 39e-9),
    ],
)
def test_units_become_si(key: str, si: float) -> None:
    assert load_constants()[key].value == approx(si)


def test_sources_remember_what_was_read() -> None:
    sources = Sources()
    sources("cost.wafer_price.n7")
    nodes, values = sources.nodes("cost.defect_density", [7, 17, 130])
    assert nodes == sorted(nodes)
    assert len(nodes) == len(values) == len(variants("cost.defect_density"))
    # A node of the table, the neighbours of one between, and the coarsest for one beyond.
    read = {f"cost.defect_density.n{node}" for node in (7, 14, 20, 55)}
    assert set(sources.used) == {"cost.wafer_price.n7", *read}


def test_an_unknown_constant_is_refused_with_what_there_is() -> None:
    with pytest.raises(DesignError, match=r"'grids.intensity.mars' is not in the tables; known: w"):
        Sources()("grids.intensity.mars")


@pytest.mark.parametrize("link", ["ucie_standard", "ucie_advanced"])
def test_modules_along_an_edge_have_the_bandwidth_of_the_standard(link: str) -> None:
    constants = load_constants()
    module, edge_m, per_edge = (
        constants[f"links.{name}.{link}"].value
        for name in ("module_bandwidth", "module_edge", "edge_bandwidth")
    )
    assert module / edge_m == approx(per_edge, rel=1e-3)
