"""The metrics of systems from the results of the stages: formulas without a sum over dies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.system.arrays.columns import Dies, PackageColumns
from chipdse.system.arrays.links import LinkResult
from chipdse.system.arrays.temperature import TemperatureResult
from chipdse.system.metrics import SystemColumns
from chipdse.system.models import carbon
from chipdse.technology.constants import Sources


@dataclass(frozen=True, kw_only=True, eq=False)
class Amounts:
    """The inputs of `metrics_of`: arrays whose shapes broadcast.

    compute_ops_per_s : throughput that links do not limit
    utilisation_limit : share of it that links carry
    fixed_w : power that does not depend on temperature
    leakage_w : of the chips with the largest power
    mean_leakage_w : of the chips for which energy and carbon are computed
    grid_use_kg_per_j : intensity of the electricity in use
    """

    compute_ops_per_s: Floats
    utilisation_limit: Floats
    traffic_bits_per_s: Floats
    capacity_bits_per_s: Floats
    link_power_w: Floats
    fixed_w: Floats
    leakage_w: Floats
    mean_leakage_w: Floats
    peak_c: Floats
    peak_error_k: Floats
    mean_c: Floats
    silicon_m2: Floats
    die_m2: Floats
    substrate_m2: Floats
    die_yield: Floats
    cost_usd: Floats
    nre_usd: Floats
    embodied_kg: Floats
    embodied_low_kg: Floats
    embodied_high_kg: Floats
    grid_use_kg_per_j: Floats
    life_years: Floats
    duty: Floats
    supply_efficiency: Floats


def metrics_of(amounts: Amounts) -> SystemColumns:
    """The metrics; each has the shape that its amounts broadcast to."""
    throughput = amounts.compute_ops_per_s * amounts.utilisation_limit
    power = amounts.fixed_w + amounts.leakage_w
    mean_power = amounts.fixed_w + amounts.mean_leakage_w
    years, duty = amounts.life_years, amounts.duty
    drawn_w = mean_power / amounts.supply_efficiency
    use = np.asarray(carbon.operational_carbon(amounts.grid_use_kg_per_j, drawn_w, years, duty))
    life_s = years * duty * carbon.SECONDS_PER_YEAR
    total = amounts.embodied_kg + use
    capacity = amounts.capacity_bits_per_s
    with np.errstate(divide="ignore", invalid="ignore"):
        busy = amounts.traffic_bits_per_s / capacity
        return SystemColumns(
            throughput_ops_per_s=throughput,
            power_w=power,
            energy_per_op_j=mean_power / throughput,
            link_power_w=amounts.link_power_w,
            leakage_power_w=amounts.leakage_w,
            link_utilisation=np.where(capacity > 0, busy, 0.0),
            silicon_area_m2=amounts.silicon_m2,
            die_area_m2=amounts.die_m2,
            package_area_m2=amounts.substrate_m2,
            die_yield_frac=amounts.die_yield,
            peak_temperature_c=amounts.peak_c,
            peak_temperature_error_k=amounts.peak_error_k,
            mean_temperature_c=amounts.mean_c,
            cost_usd=amounts.cost_usd,
            nre_usd=amounts.nre_usd,
            total_cost_usd=amounts.cost_usd + amounts.nre_usd,
            embodied_kgco2e=amounts.embodied_kg,
            embodied_low_kgco2e=amounts.embodied_low_kg,
            embodied_high_kgco2e=amounts.embodied_high_kg,
            operational_kgco2e=use,
            total_kgco2e=total,
            carbon_per_op_kgco2e=total / (throughput * life_s),
            energy_delay_product_j_s=mean_power / (throughput * throughput),
            # As in CORDOBA, https://openreview.net/forum?id=IjhyMJ1PWy
            total_carbon_delay_product_kg_s=total / throughput,
        )


def constraints_of(
    package: PackageColumns,
    dies: Dies,
    link: LinkResult,
    temperatures: TemperatureResult,
    interposers: Floats,
    sources: Sources,
) -> dict[str, Floats]:
    """The amount by which each limit is violated, where positive [systems].

    The arrays of `link`, `temperatures` and `interposers` may have an axis of draws before it.

    interposers : on a wafer
    """
    largest = np.where((dies.count > 0) & dies.is_designed, dies.area_m2, 0.0).max(axis=1)
    stuck = (link.utilisation_limit == 0).astype(np.float64)
    return {
        "reticle": largest / sources("cost.reticle_area") - 1,
        "wafer": (~(interposers >= 1)).astype(np.float64),
        "link_pitch_m": link.pitch_excess_m,
        "link_reach_m": link.reach_excess_m,
        "link_rate_per_s": link.rate_excess_per_s,
        "link_edge": stuck,
        "temperature_k": np.where(
            np.isnan(temperatures.peak_c), 0.0, temperatures.peak_c - package["temperature_limit_c"]
        ),
        "runaway": temperatures.runaway,
        "leakage_table_k": temperatures.beyond_table_k,
        "conductivity_table_k": temperatures.beyond_conductivity_k,
    }
