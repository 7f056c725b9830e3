"""The package parameters that a sweep may set: one flat record; every field has its meaning."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse.errors import DesignError
from chipdse.records import Absent, check_knobs, knob, read_absent
from chipdse.system.models.yields import YIELD_LAWS
from chipdse.technology.constants import variants
from chipdse.technology.own_figures import CUSTOM, own_grid_fault

ARRANGEMENTS = (
    "monolithic",
    "organic",
    "fanout_chip_last",
    "fanout_chip_first",
    "silicon_interposer",
    "active_interposer",
    "bridge",
    "glass",
    "stack_microbump",
    "stack_hybrid",
)
STACKS = ("stack_microbump", "stack_hybrid")
LINKS = ("ucie_standard", "ucie_advanced", "ucie_3d", "bow", "custom")
COOLINGS = ("heatsink_forced_air", "cold_plate", "microchannel", "jet")
GRIDS = variants("grids.intensity") + variants("grids.intensity_canada")
INTERFACES = ("grease", "interface_low", "interface_typical", "interface_high")
DIE_MATERIALS = ("silicon", "gan_on_silicon", "silicon_carbide", "gan", "gallium_oxide")
SPREADERS = ("copper", "aluminium", "diamond")
MEMORIES = ("none", *variants("memory.device_energy"), CUSTOM)
FAB_CARBONS = ("act", "imec_netzero")
COST_MODELS = ("chiplet_actuary", "catch")
CATCH_ARRANGEMENTS = ("monolithic", "organic", "silicon_interposer")
"""Arrangements of which CATCH publishes figures."""


@dataclass(frozen=True, kw_only=True)
class PackageParameters:
    """One package around copies of a measured block.

    `tiles` copies of the block are distributed evenly over `chiplets` equal dies (the last places
    stay empty if the number is not divisible). A stack puts the dies on top of each other. Memory
    dies come from a third party; they lie beside the compute dies, or on top of the stack.

    Values that are valid alone but cannot be combined (for example an interposer package with one
    die) are refused at construction too; a sweep omits such combinations.
    """

    arrangement: str = knob("monolithic", "how the dies are joined", choices=ARRANGEMENTS)
    chiplets: int = knob(1, "equal compute dies", minimum=1, maximum=64)
    tiles: int = knob(1, "copies of the block in the system", minimum=1, maximum=10_000_000)
    die_overhead_frac: float = knob(
        0.0, "die area beyond the tiles, as a share of theirs", minimum=0.0, maximum=10.0
    )
    node_nm: float | None = knob(
        None,
        "process of the compute dies for cost and carbon",
        "nm",
        kind=float,
        minimum=3.0,
        maximum=1000.0,
        absent=Absent(written=0, meaning="the block's process"),
    )
    memory_dies: int = knob(0, "third-party memory dies", minimum=0, maximum=64)
    memory_area_m2: float = knob(
        100e-6, "area of one memory die", "m2", minimum=1e-8, maximum=858e-6
    )
    memory_power_w: float = knob(1.0, "power of one memory die", "W", minimum=0.0, maximum=1e3)
    memory_node_nm: float = knob(14.0, "process of the memory dies", "nm", minimum=3.0, maximum=130)
    memory_technology: str = knob(
        "none",
        "adds the device's energy per bit, and its bandwidth per stack where published, to the"
        " memory dies' traffic",
        choices=MEMORIES,
    )
    link: str = knob("ucie_standard", "link between dies", choices=LINKS)
    link_transfers_per_s: float = knob(
        16e9, "transfer rate of a link's lane", "1/s", minimum=1e9, maximum=64e9
    )
    link_edge_frac: float = knob(
        0.25, "share of a die's edge given to links", minimum=0.01, maximum=1.0
    )
    link_area_frac: float = knob(
        0.1, "largest share of a die's area given to vertical links", minimum=1e-4, maximum=1.0
    )
    local_traffic_frac: float = knob(
        0.0, "share of the blocks' data that never leaves its die", minimum=0.0, maximum=1.0
    )
    interface_area_frac: float | None = knob(
        None,
        "interface area over compute area",
        kind=float,
        above=0.0,
        maximum=1.0,
        absent=Absent(written=0, meaning="the area of the link's modules"),
    )
    stack_bonding: str = knob("die", "stack die by die or wafer by wafer", choices=("die", "wafer"))
    cooling: str = knob("heatsink_forced_air", "cooler of the package", choices=COOLINGS)
    interface_material: str = knob("grease", "between die and spreader", choices=INTERFACES)
    spreader_material: str = knob("copper", "heat spreader", choices=SPREADERS)
    die_material: str = knob("silicon", "substrate of the dies", choices=DIE_MATERIALS)
    die_thickness_m: float = knob(
        150e-6,
        "thickness of a die, thinned to a third in a stack",
        "m",
        minimum=10e-6,
        maximum=1e-3,
    )
    spreader_side_m: float = knob(
        0.03,
        "side of the heat spreader, enlarged to cover the dies",
        "m",
        minimum=1e-3,
        maximum=0.2,
    )
    sink_side_m: float = knob(
        0.06,
        "side of the heat sink, enlarged to cover the spreader",
        "m",
        minimum=1e-3,
        maximum=0.5,
    )
    ambient_c: float = knob(45.0, "air or coolant temperature", "°C", minimum=-40.0, maximum=100.0)
    temperature_limit_c: float = knob(
        105.0, "highest temperature allowed in a die", "°C", minimum=0.0, maximum=300.0
    )
    leakage_doubling_k: float | None = knob(
        None,
        "temperature rise that doubles leakage, if the library gives one temperature only",
        "K",
        kind=float,
        above=0.0,
        maximum=1000.0,
        absent=Absent(written=0, meaning="constant leakage"),
    )
    grid_fab: str = knob(
        "taiwan",
        "electricity where the chip is made: a grid, or a carbon intensity, e.g. 50 g/kWh",
        choices=GRIDS,
        beside=own_grid_fault,
    )
    grid_use: str = knob(
        "united_kingdom",
        "electricity where the chip is used, likewise",
        choices=GRIDS,
        beside=own_grid_fault,
    )
    grid_design: str = knob(
        "world",
        "electricity where the chip is designed, likewise",
        choices=GRIDS,
        beside=own_grid_fault,
    )
    gas_abatement: float = knob(
        0.97, "share of fab gas emissions abated", minimum=0.95, maximum=0.99
    )
    volume: float = knob(1e6, "number of systems made", minimum=1.0, maximum=1e12)
    products_sharing: float = knob(
        1.0, "products that share the compute die's design", minimum=1.0, maximum=1000.0
    )
    life_years: float = knob(5.0, "years in use", "a", minimum=0.01, maximum=100.0)
    duty: float = knob(
        0.667,
        "share of the life at the stated throughput; the rest is off",
        minimum=1e-6,
        maximum=1.0,
    )
    supply_efficiency: float = knob(
        1.0,
        "share of the drawn electricity that reaches the package; the rest is lost in"
        " conversion outside it",
        minimum=0.01,
        maximum=1.0,
    )
    fab_carbon: str = knob(
        "act",
        "source of the carbon per wafer area of dies; imec.netzero's depends on neither"
        " grid_fab nor gas_abatement",
        choices=FAB_CARBONS,
    )
    cost_model: str = knob(
        "chiplet_actuary",
        "source of the yields, prices and assembly of dies and interposer",
        choices=COST_MODELS,
    )
    yield_law: str = knob("negative_binomial", "yield of dies", choices=tuple(YIELD_LAWS))
    test_coverage: float = knob(
        1.0, "share of bad dies that the wafer test finds", minimum=0.0, maximum=1.0
    )
    design_iterations: float = knob(
        90.0, "design runs until tape-out, for design carbon", minimum=0.0, maximum=1e4
    )

    def __post_init__(self) -> None:
        read_absent(self)
        check_knobs(self, "package")
        dies = self.chiplets + self.memory_dies
        if self.arrangement == "monolithic" and dies != 1:
            raise DesignError(
                f"package arrangement='monolithic' has one die, not {dies};"
                " use chiplets=1 and memory_dies=0, or another arrangement"
            )
        if self.arrangement != "monolithic" and dies == 1:
            raise DesignError(
                f"package arrangement={self.arrangement!r} joins dies but chiplets="
                f"{self.chiplets} and memory_dies={self.memory_dies} make one;"
                " use arrangement='monolithic' or more dies"
            )
        if self.chiplets > self.tiles:
            raise DesignError(
                f"package chiplets={self.chiplets} exceeds tiles={self.tiles};"
                " every die needs at least one tile"
            )
        if self.cost_model == "catch" and self.arrangement not in CATCH_ARRANGEMENTS:
            raise DesignError(
                f"package cost_model='catch' has no figures for arrangement="
                f"{self.arrangement!r}; use one of {', '.join(CATCH_ARRANGEMENTS)}, or"
                " cost_model='chiplet_actuary'"
            )
        if self.arrangement in STACKS and dies > 8:
            raise DesignError(
                f"package arrangement={self.arrangement!r} stacks {dies} dies; use at most 8"
            )


STATED_BY_DIES = frozenset(
    {
        "chiplets",
        "tiles",
        "memory_dies",
        "memory_area_m2",
        "memory_power_w",
        "memory_node_nm",
        "die_overhead_frac",
        "leakage_doubling_k",
        "node_nm",
    }
)
"""Fields of `PackageParameters` that described dies state for themselves."""
