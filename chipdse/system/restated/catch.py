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
