"""A multi-die system as 3DBlox: chiplet definitions (.3dbv) and their assembly (.3dbx).

Written as OpenROAD reads it (its 3dblox reader and checker, `src/odb/src/3dblox`): lengths in µm,
a chiplet's front is its metal side, dies are flipped (orientation MZ) so that the front faces the
package. What lies between two chiplets is the thickness of their connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chipdse.system.arrays.geometry import Geometry, layers_of
from chipdse.system.parameters import STACKS
from chipdse.system.thermal.stack import Layer, Rectangle
from chipdse.technology.constants import Sources

VERSION, PRECISION, MICRO = "2.5", 1000, 1e-6
"""Of the format, steps a µm, and the unit of lengths [m]."""


@dataclass(frozen=True, kw_only=True)
class Chiplet:
    """A piece of the assembly.

    bottom_m : height of its lower face above the substrate's lower face
    flipped : its front looks down
    through : it has vias from one face to the other
    """

    name: str
    kind: str
    outline: Rectangle
    thickness_m: float
    bottom_m: float
    flipped: bool
    through: bool


def threedblox_files(geometry: Geometry, sources: Sources, name: str) -> dict[str, str]:
    """The two files of a system, by file name."""
    base = _word(name)
    chiplets = chiplets_of(geometry, sources)
    return {
        f"{base}.3dbv": _definitions(chiplets),
        f"{base}.3dbx": _assembly(chiplets, base, geometry.arrangement in STACKS),
    }


def chiplets_of(geometry: Geometry, sources: Sources) -> tuple[Chiplet, ...]:
    """Substrate, interposer if there is one, and dies, from below."""
    chiplets: list[Chiplet] = []
    stacked = geometry.arrangement in STACKS
    height = 0.0
    metal_m = 0.0
    for layer in layers_of(geometry, sources).layers:
        if layer.name in ("substrate", "interposer"):
            chiplets.append(_board(layer, height))
        elif layer.name.startswith("metal"):
            metal_m = layer.thickness_m
        elif layer.sources:
            chiplets += [
                Chiplet(
                    name=die.name,
                    kind="die",
                    outline=die,
                    thickness_m=layer.thickness_m + metal_m,
                    bottom_m=height - metal_m,
                    flipped=True,
                    through=stacked and die.name != geometry.dies[-1].name,
                )
                for die in layer.sources
            ]
        height += layer.thickness_m
    return tuple(chiplets)


def _board(layer: Layer, height: float) -> Chiplet:
    return Chiplet(
        name=layer.name,
        kind="substrate",
        outline=layer.outline,
        thickness_m=layer.thickness_m,
        bottom_m=height,
        flipped=False,
        through=layer.name == "interposer",
    )


def _word(name: str) -> str:
    """A name of letters, digits and underscores."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _steps(value_m: float) -> int:
    return round(value_m / MICRO * PRECISION)


def _um(value_m: float) -> str:
    return f"{_steps(value_m) / PRECISION:.10g}"


def _header(include: str | None = None) -> str:
    included = f"  include:\n    - {include}\n" if include else ""
    return f'Header:\n  version: "{VERSION}"\n  unit: micron\n  precision: {PRECISION}\n{included}'


def _definitions(chiplets: tuple[Chiplet, ...]) -> str:
    lines = [_header() + "ChipletDef:"]
    for chiplet in chiplets:
        width, depth = _um(chiplet.outline.width_m), _um(chiplet.outline.height_m)
        lines += [
            f"  {_word(chiplet.name)}:",
            f"    type: {chiplet.kind}",
            f"    design_area: [{width}, {depth}]",
            "    shrink: 1",
            f"    tsv: {str(chiplet.through).lower()}",
            f"    thickness: {_um(chiplet.thickness_m)}",
            "    regions:",
        ]
        for side in ("front", "back"):
            corners = f"[[0, 0], [{width}, 0], [{width}, {depth}], [0, {depth}]]"
            lines += [f"      {side}:", f"        side: {side}", f"        coords: {corners}"]
    return "\n".join(lines) + "\n"


def _assembly(chiplets: tuple[Chiplet, ...], name: str, stacked: bool) -> str:
    left = min(chiplet.outline.left_m for chiplet in chiplets)
    bottom = min(chiplet.outline.bottom_m for chiplet in chiplets)
    words = [_word(chiplet.name) for chiplet in chiplets]
    lines = [_header(f"{name}.3dbv") + f"Design:\n  name: {name}\nChipletInst:"]
    for word in words:
        lines += [f"  {word}_inst:", f"    reference: {word}"]
    lines.append("Stack:")
    for word, chiplet in zip(words, chiplets, strict=True):
        x, y = _um(chiplet.outline.left_m - left), _um(chiplet.outline.bottom_m - bottom)
        lines += [
            f"  {word}_inst:",
            f"    loc: [{x}, {y}]",
            f"    z: {_um(chiplet.bottom_m)}",
            f"    orient: {'MZ' if chiplet.flipped else 'R0'}",
        ]
    lines += [
        "Connection:",
        f"  board_to_{words[0]}:",
        f"    top: {words[0]}_inst.regions.back",
        "    bot: ~",
        "    thickness: 0",
    ]
    for index, chiplet in enumerate(chiplets[1:], start=1):
        below = _below(chiplets, index, stacked)
        under = chiplets[below]
        # Of what is written, so that the faces meet to the last step.
        gap = _steps(chiplet.bottom_m) - _steps(under.bottom_m) - _steps(under.thickness_m)
        faces = ("front" if chiplet.flipped else "back", "back" if under.flipped else "front")
        lines += [
            f"  {words[below]}_to_{words[index]}:",
            f"    top: {words[index]}_inst.regions.{faces[0]}",
            f"    bot: {words[below]}_inst.regions.{faces[1]}",
            f"    thickness: {gap / PRECISION:.10g}",
        ]
    return "\n".join(lines) + "\n"


def _below(chiplets: tuple[Chiplet, ...], index: int, stacked: bool) -> int:
    """What a chiplet stands on: in a stack the one before, else the last that is no die."""
    if stacked:
        return index - 1
    return max(i for i in range(index) if chiplets[i].kind != "die")
