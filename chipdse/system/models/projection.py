"""A measured block in a node or device that no library describes: estimates, marked as such.

Two published models: Stillmaker and Baas between CMOS nodes, BCB 3.0 from high-performance CMOS to
devices beyond it. How far they can be trusted is measured in docs/concepts/library.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from chipdse.errors import DesignError
from chipdse.system.models.scaling import FLAVOURS, scale, scale_area
from chipdse.technology.constants import Constant, Sources, variants

REFERENCE_DEVICE = "cmos_hp"
DEVICES = tuple(name for name in variants("devices.supply") if name != REFERENCE_DEVICE)
# Two devices' reference supplies count as equal within this.
_SAME_SUPPLY_V = 0.005


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is known of a block.

    node : flavour of Stillmaker and Baas, e.g. "n130" or "hp7"; a device's name after
        `project_to_device`
    delay_s, energy_per_op_j, leakage_w, area_m2 : critical path, energy of an operation without
        leakage, leakage power, cell area; leakage None where the model says nothing of it
    evidence : "measured" or "modelled"
    sources : constants used
    """

    node: str
    supply_v: float
    delay_s: float
    energy_per_op_j: float
    area_m2: float
    leakage_w: float | None = None
    evidence: str = "measured"
    sources: tuple[Constant, ...] = ()


def project_to_node(figures: Figures, node: str, supply_v: float) -> Figures:
    """A block in another CMOS node at another supply [1]_.

    Parameters
    ----------
    figures : of a block in one of the nodes below
    node : "n180", "n130", "n90", "n65", or "hp45" to "hp7", "lp45" to "lp7" (high performance,
        low power)
    supply_v : in that node

    Notes
    -----
    ``X' = X · f(node', V') / f(node, V)`` with fitted polynomials of the supply; area by a table.
    Leakage is not part of the model and comes out as None. Refused where a fit has left its
    supplies: where it is not positive or has the wrong slope.

    References
    ----------
    .. [1] A. Stillmaker and B. Baas, Scaling equations for the accurate prediction of CMOS device
       performance from 180 nm to 7 nm, Integration 58, 2017.
    """
    for name in (figures.node, node):
        if name not in FLAVOURS:
            raise DesignError(f"node {name!r} is not one of {', '.join(FLAVOURS)}")
    sources = Sources()
    source, target = (figures.node, figures.supply_v), (node, supply_v)
    return Figures(
        node=node,
        supply_v=supply_v,
        delay_s=scale("delay", figures.delay_s, source, target, sources),
        energy_per_op_j=scale("energy", figures.energy_per_op_j, source, target, sources),
        area_m2=scale_area(figures.area_m2, _nanometres(figures.node), _nanometres(node), sources),
        evidence="modelled",
        sources=(*figures.sources, *sources.used.values()),
    )


def project_to_device(figures: Figures, device: str) -> Figures:
    """A block of high-performance CMOS near 0.73 V, built of another device [1]_.

    Parameters
    ----------
    figures : of "hp14" or "hp16" at 0.73 V, the node and supply of the model's CMOS
    device : "tigfet", "hetjtfet", "ncfet", ...

    Notes
    -----
    Ratios of a 32-bit ALU between the device and CMOS HP, each at its own supply; there is no
    other supply in the model. An ALU stands for all logic: blocks with other shares of wires or
    registers scale otherwise, and none of these devices has been made in such numbers.

    References
    ----------
    .. [1] D. E. Nikonov and I. A. Young, Benchmarking of beyond-CMOS exploratory devices for logic
       integrated circuits, IEEE J. Exploratory Solid-State Computational Devices and Circuits 1,
       2015; the code's version 3.0 as run by the authors of TIGFET-BCB.
    """
    if device not in DEVICES:
        raise DesignError(f"device {device!r} is not one of {', '.join(DEVICES)}")
    sources = Sources()
    reference_v = sources(f"devices.supply.{REFERENCE_DEVICE}")
    if figures.node not in ("hp14", "hp16") or abs(figures.supply_v - reference_v) > _SAME_SUPPLY_V:
        raise DesignError(
            f"{figures.node} at {figures.supply_v:g} V is not the CMOS the devices are compared "
            f"with; project to hp14 or hp16 at {reference_v:g} V first"
        )

    def ratio(quantity: str) -> float:
        ours = sources(f"devices.{quantity}.{REFERENCE_DEVICE}")
        return sources(f"devices.{quantity}.{device}") / ours

    return Figures(
        node=device,
        supply_v=sources(f"devices.supply.{device}"),
        delay_s=figures.delay_s * ratio("alu_delay"),
        energy_per_op_j=figures.energy_per_op_j * ratio("alu_energy"),
        area_m2=figures.area_m2 * ratio("alu_area"),
        leakage_w=None if figures.leakage_w is None else figures.leakage_w * ratio("alu_standby"),
        evidence="modelled",
        sources=(*figures.sources, *sources.used.values()),
    )


def _nanometres(flavour: str) -> int:
    """130 of "n130", 7 of "hp7"."""
    return int(flavour.lstrip("nhlp"))
