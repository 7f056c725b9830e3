"""Resistivity of narrow metal wires."""

from __future__ import annotations

import numpy as np

from chipdse import numerics
from chipdse.arrays import Numbers


def surface_scattering(
    bulk_ohm_m: float, mean_free_path_m: float, specularity: float, width_m: Numbers
) -> Numbers:
    """Resistivity a wire's surfaces add [Ω·m] [1]_.

    ``3/8·ρ₀·(1 - p)·λ/w``: thin-wire limit of Fuchs and Sondheimer, good for w above about λ/2.

    References
    ----------
    .. [1] E. H. Sondheimer, The mean free path of electrons in metals, Adv. Phys. 1(1), 1952.
    """
    return 0.375 * bulk_ohm_m * (1 - specularity) * np.divide(mean_free_path_m, width_m)


def grain_scattering(
    bulk_ohm_m: float, mean_free_path_m: float, reflection: float, grain_m: Numbers
) -> Numbers:
    """Resistivity at grain boundaries [Ω·m] [1]_.

    ``ρ₀ / (3·(1/3 - a/2 + a² - a³·ln(1 + 1/a)))`` with ``a = λ/d · R/(1 - R)``: includes ρ₀.

    References
    ----------
    .. [1] A. F. Mayadas and M. Shatzkes, Phys. Rev. B 1(4), 1970.
    """
    a = np.divide(mean_free_path_m, grain_m) * reflection / (1 - reflection)
    series = 1 / 3 - a / 2 + a * a - a * a * a * numerics.log(1 + 1 / a)
    return np.asarray(bulk_ohm_m / (3 * series))


def wire_resistivity(
    bulk_ohm_m: float,
    mean_free_path_m: float,
    specularity: float,
    reflection: float,
    width_m: Numbers,
    temperature_k: Numbers = 293.15,
    coefficient_per_k: float = 0.0,
) -> Numbers:
    """Resistivity of a wire whose grains are as large as it is wide [Ω·m].

    Surface and grain-boundary scattering add; only the bulk part grows with temperature, by
    `coefficient_per_k` over its value at 20 °C.
    """
    surface = surface_scattering(bulk_ohm_m, mean_free_path_m, specularity, width_m)
    grain = grain_scattering(bulk_ohm_m, mean_free_path_m, reflection, width_m)
    warm = bulk_ohm_m * coefficient_per_k * (np.asarray(temperature_k) - 293.15)
    return np.asarray(grain + surface + warm)
