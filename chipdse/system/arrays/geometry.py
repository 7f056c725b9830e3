"""From a package description to layers: what lies where, how thick, of what."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from chipdse.system.arrays.dies import BOND
from chipdse.system.models.links import grid_shape
from chipdse.system.parameters import STACKS
from chipdse.system.thermal.refined import REFERENCE_K
from chipdse.system.thermal.stack import Layer, Material, Rectangle, Softening, Stack, centred
from chipdse.technology.constants import Sources, load_constants


@dataclass(frozen=True, kw_only=True)
class DieOutline:
    """A die on the package; those of a kind always have the same power."""

    name: str
    area_m2: float
    kind: int = 0


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Everything the temperature depends on except power; equal geometries share an operator."""

    arrangement: str
    dies: tuple[DieOutline, ...]
    cooling: str
    interface_material: str
    spreader_material: str
    die_material: str
    die_thickness_m: float
    spreader_side_m: float
    sink_side_m: float


def material(name: str, sources: Sources) -> Material:
    """A named material; without a published heat capacity it serves steady states only."""

    def optional(table: str, otherwise: float) -> float:
        key = f"materials.{table}.{name}"
        return sources(key) if key in load_constants() else otherwise

    soft = _SOFTEN_AS.get(name)
    return Material(
        name=name,
        conductivity_w_per_mk=sources(f"materials.conductivity.{name}"),
        lateral_y_w_per_mk=optional("conductivity_along_y", 0.0),
        vertical_w_per_mk=optional("conductivity_vertical", 0.0),
        heat_capacity_j_per_m3k=optional("heat_capacity", float("nan")),
        softening=_softening(soft, sources) if soft else None,
    )


_SOFTEN_AS = {
    "silicon": "silicon",
    "gan_on_silicon": "silicon",
    "gan": "gan",
    "silicon_carbide": "silicon_carbide",
    "gallium_oxide": "gallium_oxide",
}
"""Materials whose conductivity falls with temperature, and whose curve they follow."""
_MEASURED_AT_K = 300.0
"""Temperature of the conductivities in the table."""


def _softening(name: str, sources: Sources) -> Softening:
    """The curve of a material, relative to its resistivity at the table's temperature."""
    a, b, c = (
        sources(f"materials.thermal_resistivity_{term}.{name}")
        for term in ("constant", "linear", "quadratic")
    )
    reference = a + _MEASURED_AT_K * (b + _MEASURED_AT_K * c)
    return Softening(
        constant=a / reference,
        linear_per_k=b / reference,
        quadratic_per_k2=c / reference,
        low_k=sources(f"materials.measured_from.{name}"),
        high_k=sources(f"materials.measured_to.{name}"),
    )


def _interposer(name: str, dies: Material, sources: Sources) -> Material:
    """The interposer's material; its conductivity is constant where dies have another curve.

    The mesh follows one curve. Dies are hotter than what lies under them, so it is theirs.
    """
    interposer = material(name, sources)
    if interposer.softening is None or interposer.softening == dies.softening:
        return interposer
    k = interposer.conductivity_w_per_mk / float(interposer.softening.ratio(np.array(REFERENCE_K)))
    return dataclasses.replace(interposer, conductivity_w_per_mk=k, softening=None)


_LABELS = {
    "metal_stack": "metal stack",
    "bump_layer": "bumps in underfill",
    "grease": "thermal grease",
    "interface_low": "interface material",
    "interface_typical": "interface material",
    "interface_high": "interface material",
    "gan_on_silicon": "GaN on silicon",
    "silicon_carbide": "silicon carbide",
    "gan": "gallium nitride",
    "gallium_oxide": "gallium oxide",
    "organic": "organic build-up",
}


def material_label(name: str) -> str:
    """A material's name for people."""
    return _LABELS.get(name, name)


def place(geometry: Geometry, sources: Sources) -> tuple[Rectangle, ...]:
    """Square dies in a grid around the package's centre; the dies of a stack share it."""
    if geometry.arrangement in STACKS or len(geometry.dies) == 1:
        return tuple(
            centred(d.name, math.sqrt(d.area_m2), math.sqrt(d.area_m2)) for d in geometry.dies
        )
    columns, rows = grid_shape(len(geometry.dies))
    row = "organic" if geometry.arrangement == "bridge" else BOND[geometry.arrangement]
    gap = sources(f"cost.die_separation.{row}")
    pitch = math.sqrt(max(d.area_m2 for d in geometry.dies)) + gap
    placed = []
    for i, die in enumerate(geometry.dies):
        side = math.sqrt(die.area_m2)
        in_row = min(columns, len(geometry.dies) - (i // columns) * columns)
        x = (i % columns - (in_row - 1) / 2) * pitch
        y = ((rows - 1) / 2 - i // columns) * pitch
        placed.append(
            Rectangle(
                name=die.name,
                left_m=x - side / 2,
                bottom_m=y - side / 2,
                width_m=side,
                height_m=side,
            )
        )
    return tuple(placed)


def bounding(rectangles: tuple[Rectangle, ...], name: str) -> Rectangle:
    """The smallest centred rectangle around all of them."""
    width = 2 * max(max(abs(r.left_m), abs(r.right_m)) for r in rectangles)
    height = 2 * max(max(abs(r.bottom_m), abs(r.top_m)) for r in rectangles)
    return centred(name, width, height)


def layers_of(geometry: Geometry, sources: Sources) -> Stack:
    """The package as a thermal stack, from the board side up."""
    dies = place(geometry, sources)
    under = bounding(dies, "dies")
    fill = material("underfill", sources)
    silicon = material(geometry.die_material, sources)
    outline = _grow(under, math.sqrt(sources("carbon.package_area_factor")))
    layers = [
        Layer(
            name="substrate",
            thickness_m=sources("thermal.substrate_thickness"),
            outline=outline,
            material=material("organic", sources),
        ),
        *_carrier_layers(geometry.arrangement, silicon, under, sources),
    ]
    metal_m, metal = sources("thermal.metal_thickness"), material("metal_stack", sources)
    if geometry.arrangement in STACKS:
        layers += _stacked(geometry, dies, under, fill, silicon, metal, metal_m, sources)
    else:
        regions = tuple((d, metal) for d in dies)
        layers.append(
            Layer(name="metal", thickness_m=metal_m, outline=under, material=fill, regions=regions)
        )
        layers.append(
            Layer(
                name="dies",
                thickness_m=geometry.die_thickness_m,
                outline=under,
                material=fill,
                regions=tuple((d, silicon) for d in dies),
                sources=dies,
            )
        )
    layers.append(
        Layer(
            name="interface",
            thickness_m=sources("thermal.interface_thickness"),
            outline=under,
            material=material(geometry.interface_material, sources),
        )
    )
    return _cooled(geometry, layers, under, sources)


def _carrier_layers(
    arrangement: str, dies: Material, under: Rectangle, sources: Sources
) -> list[Layer]:
    """The layers between substrate and dies: bumps, or bumps, an interposer and microbumps."""
    bumps = material("bump_layer", sources)
    bump_m = sources("thermal.bump_thickness")
    bump_layer = Layer(name="bumps", thickness_m=bump_m, outline=under, material=bumps)
    if arrangement not in ("silicon_interposer", "active_interposer", "glass"):
        return [bump_layer]
    interposer = Layer(
        name="interposer",
        material=_interposer("glass" if arrangement == "glass" else "silicon", dies, sources),
        thickness_m=sources("thermal.die_thickness"),
        outline=under,
    )
    microbumps = Layer(
        name="microbumps",
        thickness_m=sources("thermal.interface_thickness"),
        outline=under,
        material=bumps,
    )
    return [bump_layer, interposer, microbumps]


def _stacked(
    geometry: Geometry,
    dies: tuple[Rectangle, ...],
    under: Rectangle,
    fill: Material,
    silicon: Material,
    metal: Material,
    metal_m: float,
    sources: Sources,
) -> list[Layer]:
    layers: list[Layer] = []
    for level, die in enumerate(dies):
        top = level == len(dies) - 1
        thickness = geometry.die_thickness_m if top else geometry.die_thickness_m / 3
        if level and geometry.arrangement == "stack_microbump":
            layers.append(
                Layer(
                    name=f"microbumps {level}",
                    outline=under,
                    material=fill,
                    thickness_m=sources("thermal.interface_thickness"),
                )
            )
        layers.append(
            Layer(
                name=f"metal {die.name}",
                thickness_m=metal_m,
                outline=under,
                material=fill,
                regions=((die, metal),),
            )
        )
        layers.append(
            Layer(
                name=die.name,
                thickness_m=thickness,
                outline=under,
                material=fill,
                regions=((die, silicon),),
                sources=(die,),
            )
        )
    return layers


def _grow(r: Rectangle, factor: float) -> Rectangle:
    return centred(r.name, r.width_m * factor, r.height_m * factor)


def _cooled(geometry: Geometry, layers: list[Layer], under: Rectangle, sources: Sources) -> Stack:
    side = max(geometry.spreader_side_m, under.width_m, under.height_m)
    layers.append(
        Layer(
            name="spreader",
            thickness_m=sources("thermal.spreader_thickness"),
            outline=centred("spreader", side, side),
            material=material(geometry.spreader_material, sources),
        )
    )
    board = sources("thermal.board_resistance")
    if geometry.cooling != "heatsink_forced_air":
        film = sources(f"thermal.film_coefficient.{geometry.cooling}")
        return Stack(
            layers=tuple(layers),
            cooler_resistance_k_per_w=1 / (film * side * side),
            board_resistance_k_per_w=board,
        )
    sink = max(geometry.sink_side_m, side)
    layers.append(
        Layer(
            name="sink",
            thickness_m=sources("thermal.sink_thickness"),
            outline=centred("sink", sink, sink),
            material=material("copper", sources),
        )
    )
    return Stack(
        layers=tuple(layers),
        cooler_resistance_k_per_w=sources(f"thermal.cooler_resistance.{geometry.cooling}"),
        board_resistance_k_per_w=board,
        cooler_capacity_j_per_k=sources("thermal.cooler_capacity"),
    )
