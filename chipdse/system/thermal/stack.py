"""The thermal description of a package: layers of material rectangles, and their cooling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.errors import DesignError


@dataclass(frozen=True, kw_only=True)
class Softening:
    """How thermal resistivity rises with temperature: ``r = constant + linear·T + quadratic·T²``.

    T is in kelvin; r is relative to the material's conductivity as given, so r is 1 where that
    conductivity was measured. Valid between `low_k` and `high_k`. Beyond them r keeps its value at
    the end of the range, so that iterations go on to a temperature; that temperature is reported
    as outside the range (`beyond_k`, the constraint `conductivity_table_k`).
    """

    constant: float
    linear_per_k: float
    quadratic_per_k2: float
    low_k: float = 250.0
    high_k: float = 600.0

    def ratio(self, temperature_k: Floats) -> Floats:
        """Thermal resistivity relative to that of the conductivity given."""
        inside = np.clip(temperature_k, self.low_k, self.high_k)
        return np.asarray(
            self.constant + inside * (self.linear_per_k + inside * self.quadratic_per_k2)
        )

    def slope(self, temperature_k: Floats) -> Floats:
        """Change of `ratio` per kelvin."""
        slope = self.linear_per_k + 2 * self.quadratic_per_k2 * temperature_k
        return np.where(self.beyond_k(temperature_k) > 0, 0.0, slope)

    def beyond_k(self, temperature_k: Floats) -> Floats:
        """How far temperatures lie outside the range of validity [K]; negative inside it."""
        return np.asarray(np.maximum(temperature_k - self.high_k, self.low_k - temperature_k))


@dataclass(frozen=True, kw_only=True)
class Material:
    """conductivities [W/m/K] along x, y and through the layer; heat capacity [J/m³/K].

    softening : how the conductivity falls with temperature; None where it is constant
    """

    name: str
    conductivity_w_per_mk: float
    vertical_w_per_mk: float = 0.0
    heat_capacity_j_per_m3k: float = 1.6e6
    lateral_y_w_per_mk: float = 0.0
    softening: Softening | None = None

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
    slices : cells through the thickness, of equal heights
    cuts : where the thickness is cut into slices of unequal heights instead, as shares of it from
        the board's side, ascending between 0 and 1; see `chipdse.system.thermal.nested_meshes`
    """

    name: str
    thickness_m: float
    outline: Rectangle
    material: Material
    regions: tuple[tuple[Rectangle, Material], ...] = ()
    sources: tuple[Rectangle, ...] = ()
    slices: int = 1
    cuts: tuple[float, ...] = ()

    @property
    def slice_heights_m(self) -> tuple[float, ...]:
        """Heights of the slices [m], from the board's side."""
        if not self.cuts:
            return (self.thickness_m / self.slices,) * self.slices
        ends = (0.0, *self.cuts, 1.0)
        return tuple(self.thickness_m * (b - a) for a, b in zip(ends, ends[1:], strict=False))


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Layers from the board's side to the cooler's side, with their cooling.

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
            if not min(layer.slice_heights_m) > 0:
                raise DesignError(
                    f"layer {layer.name!r} has cuts={layer.cuts!r}; write ascending shares of its"
                    " thickness between 0 and 1"
                )
            for material in (layer.material, *(m for _, m in layer.regions)):
                if min(material.xyz) <= 0:
                    raise DesignError(
                        f"material {material.name!r} of layer {layer.name!r} conducts"
                        f" {min(material.xyz)!r} W/mK; use a conductivity > 0"
                    )

    @property
    def softening(self) -> Softening | None:
        """How the materials that soften do so; None where every conductivity is constant."""
        materials = {m for la in self.layers for m in (la.material, *(m for _, m in la.regions))}
        curves = {m.softening for m in materials if m.softening is not None}
        if len(curves) > 1:
            raise DesignError(
                "a thermal stack has materials of different softening; give those whose"
                " conductivity depends on temperature the same curve"
            )
        return next(iter(curves), None)

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of all heat sources, layer by layer."""
        return tuple(s.name for layer in self.layers for s in layer.sources)
