"""A package as heat sees it: layers of materials in rectangles, and what cools them."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse.errors import DesignError


@dataclass(frozen=True, kw_only=True)
class Material:
    """conductivities [W/m/K] along x, y and through the layer; heat capacity [J/m³/K]."""

    name: str
    conductivity_w_per_mk: float
    vertical_w_per_mk: float = 0.0
    heat_capacity_j_per_m3k: float = 1.6e6
    lateral_y_w_per_mk: float = 0.0

    @property
    def xyz(self) -> tuple[float, float, float]:
        """Conductivity along x, y, z; those not given equal the one along x."""
        k = self.conductivity_w_per_mk
        return k, self.lateral_y_w_per_mk or k, self.vertical_w_per_mk or k


@dataclass(frozen=True, kw_only=True)
class Rectangle:
    """An area of the package, from the package's centre [m]."""

    name: str
    left_m: float
    bottom_m: float
    width_m: float
    height_m: float

    @property
    def right_m(self) -> float:
        return self.left_m + self.width_m

    @property
    def top_m(self) -> float:
        return self.bottom_m + self.height_m


def centred(name: str, width_m: float, height_m: float) -> Rectangle:
    """A rectangle around the package's centre."""
    return Rectangle(
        name=name, left_m=-width_m / 2, bottom_m=-height_m / 2, width_m=width_m, height_m=height_m
    )


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a stack.

    outline : where the layer exists
    material : what fills it where no region says otherwise
    regions : (rectangle, material) pairs; later ones cover earlier ones
    sources : rectangles that dissipate power, by name, in this layer
    slices : cells through the thickness
    """

    name: str
    thickness_m: float
    outline: Rectangle
    material: Material
    regions: tuple[tuple[Rectangle, Material], ...] = ()
    sources: tuple[Rectangle, ...] = ()
    slices: int = 1


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Layers from the board's side to the cooler's side, and what cools them.

    cooler_resistance_k_per_w : from the top of the last layer to the air, for its whole area
    board_resistance_k_per_w : from the bottom of the first layer; infinite means none
    cooler_capacity_j_per_k : heat capacity at the cooler, for transients
    """

    layers: tuple[Layer, ...]
    cooler_resistance_k_per_w: float
    board_resistance_k_per_w: float = float("inf")
    cooler_capacity_j_per_k: float = 0.0

    def __post_init__(self) -> None:
        if not self.layers or not self.cooler_resistance_k_per_w > 0:
            raise DesignError("a thermal stack needs layers and a cooler resistance > 0 K/W")
        for layer in self.layers:
            if not layer.thickness_m > 0 or layer.slices < 1:
                raise DesignError(
                    f"layer {layer.name!r} is {layer.thickness_m!r} m thick in {layer.slices}"
                    " slices; use a thickness > 0 and at least one slice"
                )
            for material in (layer.material, *(m for _, m in layer.regions)):
                if min(material.xyz) <= 0:
                    raise DesignError(
                        f"material {material.name!r} of layer {layer.name!r} conducts"
                        f" {min(material.xyz)!r} W/mK; use a conductivity > 0"
                    )

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of all heat sources, layer by layer."""
        return tuple(s.name for layer in self.layers for s in layer.sources)
