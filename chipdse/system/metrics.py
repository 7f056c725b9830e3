"""What an evaluated package returns: every number with its unit and kind of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from chipdse.arrays import Floats
from chipdse.records import metric

# The parts that groups of metrics depend on, besides the models that compute them.
_ACTIVITY = ("activity",)
_NODE = ("node",)
_BOTH = ("activity", "node")

CONSTRAINTS = {
    "reticle": "area of the largest designed die over that of the exposure field, minus 1",
    "wafer": "interposer too large for a wafer: 1, else 0",
    "link_pitch_m": "excess of the package's bond pitch over the coarsest pitch of the link",
    "link_reach_m": "excess of the gap between dies over the reach of the link",
    "link_rate_per_s": "transfer rate outside the link's range",
    "link_edge": "interface modules missing on a die's edge",
    "link_bandwidth": "share of the demanded traffic that the links cannot carry",
    "interposer": "area of the dies over that of the interposer, minus 1",
    "temperature_k": "excess of the hottest die's temperature over the limit",
    "runaway": "1 where leakage and temperature have no stable point, else 0",
    "leakage_table_k": "die temperature outside the library's characterised range",
    "conductivity_table_k": "die temperature outside the published range of the conductivities",
}


Number = TypeVar("Number")


@dataclass(frozen=True, kw_only=True)
class SystemValues(Generic[Number]):
    """The metrics of a packaged system: numbers of one system, or columns of many."""

    throughput_ops_per_s: Number = metric("operations per second", "op/s", "modelled")
    power_w: Number = metric("power in operation", "W", "modelled", rests_on=_ACTIVITY)
    energy_per_op_j: Number = metric("energy per operation", "J/op", "modelled", rests_on=_ACTIVITY)
    link_power_w: Number = metric("power of the links between dies", "W", "modelled")
    leakage_power_w: Number = metric(
        "leakage at the dies' temperatures", "W", "modelled", rests_on=_ACTIVITY
    )
    link_utilisation: Number = metric("traffic over link bandwidth", "-", "modelled")
    silicon_area_m2: Number = metric("area of all dies", "m2", "modelled")
    die_area_m2: Number = metric("area of one compute die", "m2", "modelled")
    package_area_m2: Number = metric("area of the package substrate", "m2", "modelled")
    die_yield_frac: Number = metric("yield of a compute die", "-", "modelled", rests_on=_NODE)
    peak_temperature_c: Number = metric(
        "junction temperature at the hottest point of any die", "°C", "modelled", rests_on=_ACTIVITY
    )
    peak_temperature_error_k: Number = metric(
        "discretisation error of the hottest point, by refinement",
        "K",
        "modelled",
        rests_on=_ACTIVITY,
    )
    mean_temperature_c: Number = metric(
        "mean over the compute dies", "°C", "modelled", rests_on=_ACTIVITY
    )
    cost_usd: Number = metric("recurring cost of a good system", "USD", "modelled", rests_on=_NODE)
    nre_usd: Number = metric(
        "design cost, shared over the volume", "USD", "modelled", rests_on=_NODE
    )
    total_cost_usd: Number = metric(
        "recurring and design cost of a good system", "USD", "modelled", rests_on=_NODE
    )
    embodied_kgco2e: Number = metric("carbon before use", "kg", "modelled", rests_on=_NODE)
    embodied_low_kgco2e: Number = metric(
        "lower end of the sources' ranges", "kg", "modelled", rests_on=_NODE
    )
    embodied_high_kgco2e: Number = metric(
        "upper end of the sources' ranges", "kg", "modelled", rests_on=_NODE
    )
    operational_kgco2e: Number = metric(
        "carbon of the life's electricity", "kg", "modelled", rests_on=_ACTIVITY
    )
    total_kgco2e: Number = metric(
        "embodied and operational carbon", "kg", "modelled", rests_on=_BOTH
    )
    carbon_per_op_kgco2e: Number = metric(
        "total carbon over the life's operations", "kg/op", "modelled", rests_on=_BOTH
    )
    energy_delay_product_j_s: Number = metric(
        "energy per operation times the time per operation", "J s", "modelled", rests_on=_ACTIVITY
    )
    total_carbon_delay_product_kg_s: Number = metric(
        "tCDP: total carbon times the time per operation", "kg s", "modelled", rests_on=_BOTH
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class SystemColumns(SystemValues[Floats]):
    """Many packaged systems: each metric is a column, or an array [block points, packages]."""


@dataclass(frozen=True, kw_only=True)
class SystemMetrics(SystemValues[float]):
    """One packaged system. A constraint above 0 is violated by that amount."""

    bound_by: str = metric("what limits the throughput: compute or link", "", "modelled")
    constraints: dict[str, float] = metric("violation of each limit", "", "modelled")
    evidence: str = metric(
        "estimated where a node is outside the tables or not the block's", "", "modelled"
    )

    @property
    def violations(self) -> dict[str, float]:
        """The constraints that are violated, by how much."""
        return {k: v for k, v in self.constraints.items() if v > 0}
