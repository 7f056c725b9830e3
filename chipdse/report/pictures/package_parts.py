"""What a package's cost and embodied carbon consist of; each sums to the reported figure."""

from __future__ import annotations

import numpy as np

from chipdse.system.described import Evaluation


def cost_parts(evaluation: Evaluation) -> dict[str, float]:
    """Cost of one good system by cause, its share of the design included [USD]."""
    cost = evaluation.parts.cost
    split = cost.recurring
    volume = evaluation.system.package.volume
    shared = evaluation.system.package.products_sharing
    return {
        "dies": float(np.asarray(split.raw_chips)[0]),
        "dies lost at test": float(np.asarray(split.defect_chips)[0]),
        "package": float(np.asarray(split.raw_package)[0]),
        "packages lost": float(np.asarray(split.defect_package)[0]),
        "good dies lost": float(np.asarray(split.wasted_dies)[0]),
        "die design": float((cost.nre_modules_usd + cost.nre_chips_usd)[0] / shared / volume),
        "package design": float(cost.nre_package_usd[0] / volume),
    }


def carbon_parts(evaluation: Evaluation) -> dict[str, float]:
    """Embodied carbon of one good system by cause [kg CO2e]."""
    split = evaluation.parts.carbon
    return {
        "dies": float(split.dies_kg[0]),
        "wafer edge": float(split.edge_kg[0]),
        "lost dies": float(split.yield_kg[0]),
        "interposer": float(split.interposer_kg[0]),
        "bonding": float(split.bonding_kg[0]),
        "package": float(split.package_kg[0]),
        "design": float(split.design_kg[0]),
    }
