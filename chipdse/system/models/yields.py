"""Yield of dies, tests and assemblies. Every function takes numbers or arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chipdse import numerics
from chipdse.arrays import Numbers


def plain(value: npt.ArrayLike) -> Numbers:
    """A number as a float, anything else as an array."""
    array = np.asarray(value, dtype=np.float64)
    return array if array.ndim else float(array)


def yield_poisson(area_m2: Numbers, defects_per_m2: Numbers) -> Numbers:
    """Fraction of dies without a defect when defects fall independently [1]_.

    Parameters
    ----------
    area_m2 : die area [m²]
    defects_per_m2 : mean density of killer defects [m⁻²]

    Notes
    -----
    ``Y = exp(-A·D)``: the limit of `yield_negative_binomial` for infinite clustering parameter.

    References
    ----------
    .. [1] J. A. Cunningham, The use and evaluation of yield models in integrated circuit
       manufacturing, IEEE Trans. Semicond. Manuf. 3(2), 1990.
    """
    return plain(numerics.exp(-np.multiply(area_m2, defects_per_m2)))


def yield_murphy(area_m2: Numbers, defects_per_m2: Numbers) -> Numbers:
    """Fraction of good dies when the defect density varies triangularly over the wafer [1]_.

    Notes
    -----
    ``Y = ((1 - exp(-A·D)) / (A·D))²``; 1 for ``A·D = 0``.

    References
    ----------
    .. [1] B. T. Murphy, Cost-size optima of monolithic integrated circuits, Proc. IEEE 52(12),
       1964.
    """
    mean = np.asarray(np.multiply(area_m2, defects_per_m2), dtype=np.float64)
    safe = np.where(mean == 0, 1.0, mean)
    return plain(np.where(mean == 0, 1.0, numerics.square(numerics.expm1(-safe) / safe)))


def yield_negative_binomial(
    area_m2: Numbers, defects_per_m2: Numbers, clustering: Numbers
) -> Numbers:
    """Fraction of good dies with clustered defects [1]_.

    Parameters
    ----------
    clustering : α [-]; small means strongly clustered, infinite is Poisson. Chiplet Actuary uses
        10 for logic, 6 for silicon interposers, 3 for fan-out layers; CATCH 2 throughout.

    Notes
    -----
    ``Y = (1 + A·D/α) ** -α``. One critical layer set; no loss at the wafer's edge.

    References
    ----------
    .. [1] C. H. Stapper, F. M. Armstrong and K. Saji, Integrated circuit yield statistics,
       Proc. IEEE 71(4), 1983; used by Y. Feng and K. Ma, Chiplet Actuary, DAC 2022.
    """
    spread = np.asarray(clustering, dtype=np.float64)
    return plain(numerics.power(1 + np.multiply(area_m2, defects_per_m2) / spread, -spread))


Law = Callable[[Numbers, Numbers, Numbers], Numbers]
"""From die area [m²], defect density [m⁻²] and clustering parameter to the share of good dies."""


@dataclass(frozen=True, kw_only=True)
class YieldLaw:
    """A yield law with its publication.

    share : the function; a law without a clustering parameter ignores it
    publication : key of its entry in `chipdse/technology/data/references.toml`
    """

    share: Law
    publication: str

    def __call__(self, area_m2: Numbers, defects_per_m2: Numbers, clustering: Numbers) -> Numbers:
        return self.share(area_m2, defects_per_m2, clustering)


YIELD_LAWS: Mapping[str, YieldLaw] = {
    "negative_binomial": YieldLaw(share=yield_negative_binomial, publication="stapper1983yield"),
    "poisson": YieldLaw(
        share=lambda area_m2, defects_per_m2, _: yield_poisson(area_m2, defects_per_m2),
        publication="cunningham1990yield",
    ),
    "murphy": YieldLaw(
        share=lambda area_m2, defects_per_m2, _: yield_murphy(area_m2, defects_per_m2),
        publication="murphy1964cost",
    ),
}
"""The laws by the name that `yield_law` of a package has; code needs no other entry for a law."""


def dies_per_wafer(
    area_m2: Numbers, wafer_diameter_m: float, edge_loss_m: float, scribe_m: float
) -> Numbers:
    """Whole dies on a wafer with an unusable ring and scribe lanes [1]_.

    Notes
    -----
    ``A' = A + 2·s·√A + s²`` and ``N = π·(d/2-e)²/A' - π·(d-2e)/√(2A')``. Not rounded, so that
    costs are smooth in the area. NaN for dies so large that the formula finds no room.

    References
    ----------
    .. [1] Feng and Ma, Chiplet Actuary, DAC 2022.
    """
    side = np.sqrt(area_m2)
    pitch_area = numerics.square(side + scribe_m)
    usable = wafer_diameter_m - 2 * edge_loss_m
    count = np.pi * numerics.square(usable) / 4 / pitch_area - np.pi * usable / np.sqrt(
        2 * pitch_area
    )
    return plain(np.where(count > 0, count, np.nan))


def tested_good(die_yield: Numbers, coverage: Numbers) -> Numbers:
    """Fraction of dies that pass a test which finds the share `coverage` of bad dies [1]_.

    References
    ----------
    .. [1] Graening et al., CATCH, UCLA: ``t = 1 - (1 - Y)·coverage``.
    """
    # Summed without a difference from 1, in which the yield of a very large die would vanish.
    return (1 - np.asarray(coverage)) + np.multiply(coverage, die_yield)


def outgoing_quality(die_yield: Numbers, passed: Numbers) -> Numbers:
    """Fraction of the dies that passed the test which are good, ``Y / t`` (CATCH).

    passed : t, the fraction of dies that pass (`tested_good`)
    """
    return np.asarray(die_yield) / passed


def assembly_yield(
    dies: Numbers,
    bonds: Numbers,
    area_m2: Numbers,
    alignment_yield: float,
    bond_yield: float,
    via_yield: float = 1.0,
    vias: Numbers = 0.0,
    dielectric_defects_per_m2: float = 0.0,
) -> Numbers:
    """Yield of assembling dies with many bonds [1]_.

    Parameters
    ----------
    dies, bonds, vias : counts
    area_m2 : bonded area [m²]
    alignment_yield, bond_yield, via_yield : yield of one placement, one bond, one via [-]
    dielectric_defects_per_m2 : defects of a dielectric bond [m⁻²]

    References
    ----------
    .. [1] Graening et al., CATCH: ``y_align**dies · y_bond**bonds · y_tsv**vias / (1 + D·A)``.
    """
    placed = numerics.power(alignment_yield, dies) * numerics.power(bond_yield, bonds)
    clean = 1 + np.multiply(dielectric_defects_per_m2, area_m2)
    return plain(placed * numerics.power(via_yield, vias) / clean)
