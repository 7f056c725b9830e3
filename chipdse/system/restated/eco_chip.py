"""ECO-CHIP's own model of a chiplet system, kept whole to compare with its results [1]_.

.. [1] C. C. Sudarshan, N. Matkar, S. Vrudhula, S. S. Sapatnekar, V. A. Chhabria, ECO-CHIP,
   HPCA 2024; github.com/ASU-VDA-Lab/ECO-CHIP at fe998d9.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, pi, sqrt

from chipdse import numerics
from chipdse.errors import DesignError
from chipdse.system.models.links import ROUNDING
from chipdse.system.models.yields import yield_negative_binomial
from chipdse.technology.constants import Sources

PACKAGES = ("passive", "active", "RDL", "EMIB", "3D")
_EMIB_NODE = 22
_ROUTER_NODE = 14
_SPACING_M = 0.5e-3


@dataclass(frozen=True, kw_only=True)
class EcoDie:
    """kind : "logic", "sram" or "analog"; area_m2 : at 7 nm; node_nm : where it is made."""

    name: str
    kind: str
    area_m2: float
    node_nm: int


@dataclass(frozen=True, kw_only=True)
class EcoPackage:
    """The original's package settings, its defaults."""

    kind: str = "RDL"
    interposer_node_nm: int = 65
    rdl_layers: int = 6
    metal_layers: int = 8
    bridge_pitch_m: float = 10e-3
    via_pitch_m: float = 0.025e-3
    via_size_m: float = 0.005e-3


def interposer_outline(
    areas_m2: list[float], bridge_pitch_m: float, axis: int = 0
) -> tuple[float, float, int]:
    """Width, height and number of bridged interfaces of a floorplan found by halving [1]_.

    Dies are dealt, smallest first, to the half with the smaller sum; halves are laid side by side
    in turns along x and y, half a millimetre apart; a single die is twice as long as wide across
    the axis in turn.
    """
    if len(areas_m2) <= 1:
        side = sqrt(sum(areas_m2) / 2)
        return (2 * side, side, 0) if axis == 0 else (side, 2 * side, 0)
    halves: list[list[float]] = [[], []]
    sums = [0.0, 0.0]
    for area in sorted(areas_m2):
        smaller = 0 if sums[0] <= sums[1] else 1
        halves[smaller].append(area)
        sums[smaller] += area
    first = interposer_outline(halves[0], bridge_pitch_m, 1 - axis)
    second = interposer_outline(halves[1], bridge_pitch_m, 1 - axis)
    along = first[axis] + second[axis] + _SPACING_M
    across = max(first[1 - axis], second[1 - axis])
    bridges = (
        first[2]
        + second[2]
        + ceil(min(first[1 - axis], second[1 - axis]) / bridge_pitch_m * (1 - ROUNDING))
    )
    return (along, across, bridges) if axis == 0 else (across, along, bridges)


def _table(sources: Sources, entry: str, node_nm: int) -> float:
    return sources(f"carbon.eco_{entry}.n{node_nm}")


def _good_area(sources: Sources, area_m2: float, node_nm: int, defect_ratio: float = 1.0) -> float:
    """Area spent per good area."""
    defects = _table(sources, "defect_density", node_nm) / defect_ratio
    return area_m2 / float(yield_negative_binomial(area_m2, defects, 10.0))


def wafer_waste(area_m2: float, cpa_kg_per_m2: float, wafer_diameter_m: float) -> float:
    """Carbon of the wafer area no die covers, per die [kg] [1]_."""
    dies = pi * wafer_diameter_m * (wafer_diameter_m / (4 * area_m2) - 1 / sqrt(2 * area_m2))
    unused = pi * numerics.square(wafer_diameter_m) / 4 - floor(dies) * area_m2
    return unused * cpa_kg_per_m2 / dies


def manufacturing_carbon(
    dies: list[EcoDie], package: EcoPackage, sources: Sources, *, wafer_diameter_m: float = 0.3
) -> dict[str, float]:
    """Manufacturing carbon of each die and, under "Packaging", of the package [kg] [1]_.

    Parameters
    ----------
    wafer_diameter_m : 0.3 m; the original assumes 0.45 m, which nobody makes

    Notes
    -----
    Die: ``s·CPA·A/Y`` (α = 10) plus its share of unused wafer. Packages: passive interposer, the
    metal layers' share of an interposer die with a quarter of the defects; RDL, times
    layers/`metal_layers`; active, with 4.47 mm² of full router per chiplet; EMIB, 25 mm² bridges
    at 22 nm; 3D, the vias' area in each die. Routers in the dies otherwise; all over the bonding
    yield, once per die for 3D. A single die has no package.
    """
    if package.kind not in PACKAGES:
        raise DesignError(f"package kind {package.kind!r} is not one of {', '.join(PACKAGES)}")
    carbon: dict[str, float] = {}
    scaled: list[float] = []
    for die in dies:
        scale = sources(f"carbon.eco_{die.kind}_area.n{die.node_nm}")
        area = scale * die.area_m2
        cpa = _table(sources, "cpa", die.node_nm)
        fabrication = cpa * _good_area(sources, area, die.node_nm)
        carbon[die.name] = fabrication + wafer_waste(area, cpa, wafer_diameter_m)
        scaled.append(area)
    carbon["Packaging"] = 0.0
    if len(dies) > 1:
        carbon["Packaging"] = _packaging(dies, scaled, package, sources)
    return carbon


def _router_areas(dies: list[EcoDie], sources: Sources) -> list[float]:
    return [
        sources("carbon.eco_router_area")
        / sources(f"carbon.eco_{die.kind}_area.n{_ROUTER_NODE}")
        * sources(f"carbon.eco_{die.kind}_area.n{die.node_nm}")
        for die in dies
    ]


def _router_carbon(dies: list[EcoDie], sources: Sources) -> float:
    """Routers added to the dies; dies of one node are made as one piece of silicon."""
    areas = _router_areas(dies, sources)
    nodes = [die.node_nm for die in dies]
    total = 0.0
    for area, node in zip(areas, nodes, strict=True):
        piece = sum(areas) if len(set(nodes)) == 1 else area
        defects = _table(sources, "defect_density", node)
        good = float(yield_negative_binomial(piece, defects, 10.0))
        total += _table(sources, "cpa", node) * area / good
    return total


def _packaging(
    dies: list[EcoDie], areas: list[float], package: EcoPackage, sources: Sources
) -> float:
    bonding = sources("carbon.eco_bonding_yield")
    quarter = sources("carbon.eco_packaging_defect_ratio")
    width, height, bridges = interposer_outline(areas, package.bridge_pitch_m)
    node = package.interposer_node_nm
    outline = width * height
    # As chiplets, the original takes the interposer's full defect density, not a quarter of it.
    interposer = _table(sources, "cpa", node) * _good_area(sources, outline, node)
    metal = _table(sources, "beol_frac", node)
    if package.kind == "active":
        router_area = sources("carbon.eco_router_area_active") * len(dies)
        router = interposer * router_area / outline
        return ((interposer - router) * _table(sources, "beol_frac", 65) + router) / bonding
    router = _router_carbon(dies, sources)
    if package.kind == "passive":
        carrier = interposer * metal
    elif package.kind == "RDL":
        carrier = interposer * metal * package.rdl_layers / package.metal_layers
    elif package.kind == "EMIB":
        area = sources("cost.bridge_area")
        total = area * bridges
        defects = _table(sources, "defect_density", _EMIB_NODE) / quarter
        good = float(yield_negative_binomial(total, defects, 10.0))
        carrier = _table(sources, "cpa", _EMIB_NODE) * total / good
        carrier *= _table(sources, "beol_frac", _EMIB_NODE)
    else:
        carrier = 0.0
        for die, area in zip(dies, areas, strict=True):
            scale = sources(f"carbon.eco_{die.kind}_area.n{die.node_nm}")
            across = floor(sqrt(area) / package.via_pitch_m * (1 + ROUNDING))
            vias = across * across * numerics.square(package.via_size_m)
            cpa = _table(sources, "cpa", die.node_nm)
            for sign, piece in ((1, area + vias), (-1, area)):
                carrier += sign * cpa * _good_area(sources, piece * scale, die.node_nm)
        bonding = numerics.power_of(bonding, len(dies))
    return (carrier + router) / bonding


def design_carbon(
    dies: list[EcoDie],
    package: EcoPackage,
    grid_kg_per_j: float,
    iterations_per_part: float,
    sources: Sources,
) -> dict[str, float]:
    """Design carbon of each die and of the package's routers, per part [kg] [1]_.

    iterations_per_part : design iterations over parts made; the original takes 90 iterations
        whatever is asked for
    """

    def carbon_of_area(area_m2: float, node_nm: int) -> float:
        gates = area_m2 * _table(sources, "transistors", node_nm)
        gates /= sources("carbon.eco_transistors_per_gate")
        seconds = gates / _table(sources, "gates_per_hour", node_nm)
        energy = sources("carbon.eco_core_power") * seconds
        return grid_kg_per_j * energy * iterations_per_part

    carbon = {
        die.name: carbon_of_area(
            sources(f"carbon.eco_{die.kind}_area.n{die.node_nm}") * die.area_m2, die.node_nm
        )
        for die in dies
    }
    routers = _router_areas(dies, sources) if len(dies) > 1 and package.kind != "active" else []
    carbon["Packaging"] = sum(
        carbon_of_area(a, d.node_nm) for a, d in zip(routers, dies, strict=False)
    )
    return carbon


def operational_carbon(
    dies: list[EcoDie], power_w: float, grid_kg_per_j: float, life_s: float, sources: Sources
) -> dict[str, float]:
    """Carbon of use of each die, the power shared by area [kg] [1]_."""
    total = sum(d.area_m2 for d in dies)
    on = sources("carbon.eco_on_frac") * sources("carbon.eco_average_frac")
    activity = sources("carbon.eco_activity")
    carbon = {}
    for die in dies:
        dynamic = _table(sources, "dynamic_frac", die.node_nm)
        scale = sources(f"carbon.eco_{die.kind}_power.n{die.node_nm}")
        watts = power_w * die.area_m2 / total * scale * on * (dynamic * activity + 1 - dynamic)
        carbon[die.name] = grid_kg_per_j * watts * life_s
    return carbon
