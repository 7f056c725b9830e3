"""Delay, energy, power and area of a circuit in another node: estimates from published fits."""

from __future__ import annotations

from chipdse.errors import DesignError
from chipdse.technology.constants import Sources, variants

FLAVOURS = variants("scaling.delay_a0")
QUANTITIES = {
    "delay": ("delay_a3", "delay_a2", "delay_a1", "delay_a0"),
    "energy": ("energy_b2", "energy_b1", "energy_b0"),
    "power": ("power_c2", "power_c1", "power_c0"),
}


def factor(quantity: str, flavour: str, vdd_v: float, sources: Sources) -> float:
    """The fitted factor of a quantity at a node and supply, in the fit's own unit [1]_.

    Parameters
    ----------
    quantity : "delay", "energy" or "power"
    flavour : "n180" to "n65", "hp45" to "hp7" (high performance), "lp45" to "lp7" (low power)
    vdd_v : supply voltage

    Notes
    -----
    Polynomial in the supply. The source gives no range of supplies with its coefficients; where
    the factor is not positive, or a delay rises or an energy or power falls with the supply, the
    fit has left it, and the call is refused.

    References
    ----------
    .. [1] A. Stillmaker and B. Baas, Scaling equations for the accurate prediction of CMOS device
       performance from 180 nm to 7 nm, Integration 58, 2017.
    """
    if quantity not in QUANTITIES:
        raise DesignError(f"quantity {quantity!r} is not one of {', '.join(QUANTITIES)}")
    if flavour not in FLAVOURS:
        raise DesignError(f"node {flavour!r} is not one of {', '.join(FLAVOURS)}")
    value = slope = 0.0
    for name in QUANTITIES[quantity]:
        slope = slope * vdd_v + value
        value = value * vdd_v + sources(f"scaling.{name}.{flavour}")
    right_way = slope <= 0 if quantity == "delay" else slope >= 0
    if value <= 0 or not right_way:
        raise DesignError(
            f"vdd={vdd_v!r} V is outside the supplies for which the {quantity} of {flavour!r} was"
            " fitted; use a supply nearer the node's nominal one"
        )
    return value


def scale(
    quantity: str,
    value: float,
    source: tuple[str, float],
    target: tuple[str, float],
    sources: Sources,
) -> float:
    """A measured delay, energy or power moved to another node and supply: an estimate [1]_.

    Parameters
    ----------
    source, target : node flavour and supply voltage

    Notes
    -----
    ``X' = X · f(target) / f(source)`` (Stillmaker and Baas, 2017).
    """
    return value * factor(quantity, *target, sources) / factor(quantity, *source, sources)


def scale_area(area_m2: float, source_nm: int, target_nm: int, sources: Sources) -> float:
    """A measured area in another node: an estimate (Stillmaker and Baas, 2017, area table)."""
    return area_m2 * sources(f"scaling.area_from_n{source_nm}.n{target_nm}")
