"""Costs as CATCH computes them, restated to compare results with it.

What chipdse itself computes is in `chipdse.system.models.cost`.
"""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Numbers


def layer_cost(base: Numbers, litho_share: Numbers, reticle_utilisation: Numbers) -> Numbers:
    """Cost of a layer when the exposure field is not full [1]_.

    ``C = C₀·((1 - litho) + litho/utilisation)``.

    References
    ----------
    .. [1] Graening et al., CATCH.
    """
    return np.asarray(base) * ((1 - np.asarray(litho_share)) + litho_share / reticle_utilisation)


def recursive_cost(
    own: Numbers,
    own_pass: Numbers,
    children: Numbers,
    assembly: Numbers,
    test: Numbers,
    assembly_pass: Numbers,
) -> Numbers:
    """Cost of an assembly from the cost of what it carries [1]_.

    Parameters
    ----------
    own, own_pass : untested cost of the carrier, fraction that passes its test
    children : summed cost of the tested parts placed on it
    assembly, test : cost of placing and of testing
    assembly_pass : fraction of assemblies that pass

    References
    ----------
    .. [1] Graening et al., CATCH: ``(own/t_own + Σ children + assembly + test) / t_assembly``.
    """
    placed = np.asarray(own) / own_pass + children + assembly + test
    return np.asarray(placed / assembly_pass)
