"""Cross-sections of a package: to scale, and the dies and joints with their height stretched."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle as Patch
from matplotlib.ticker import MaxNLocator
from scipy.optimize import isotonic_regression

from chipdse.arrays import Floats
from chipdse.report.pictures.package_page import LINE, MICRO, MM, PAGE, STEPS, panel
from chipdse.system.arrays.geometry import material_label
from chipdse.system.thermal.solver import Operator
from chipdse.system.thermal.stack import Layer, Material

SECTION_WIDTH_IN, STACK_WIDTH_IN = 5.05, 1.2
"""Width of the two sections [inches]."""
_COLOURS = {
    "silicon": "#8da0b3",
    "gan_on_silicon": "#7f8fb5",
    "silicon_carbide": "#5f7f6f",
    "copper": "#c98a4b",
    "aluminium": "#b9bec4",
    "diamond": "#a9cbd8",
    "organic": "#7a9a5b",
    "glass": "#b5dbe6",
    "metal_stack": "#d9b44a",
    "underfill": "#e3ddd0",
    "bump_layer": "#a8a29a",
    "grease": "#d98f8f",
    "interface_low": "#d98f8f",
    "interface_typical": "#d98f8f",
    "interface_high": "#d98f8f",
}


def whole_section(axes: Axes, operator: Operator) -> None:
    """Draw the package from substrate to sink, to scale."""
    layers = operator.network.stack.layers
    half = widest(layers) * MM / 2
    bottom = 0.0
    labels: list[tuple[float, float, str]] = []
    for layer in layers:
        height = layer.thickness_m * MM
        _patches(axes, layer, bottom, MM, MM)
        if layer.name in ("substrate", "spreader", "sink"):
            text = f"{layer.name}, {material_label(layer.material.name)}"
            labels.append((layer.outline.right_m * MM, bottom + height / 2, text))
        bottom += height
    axes.set(xlim=(-half, half), ylim=(0, bottom), xlabel="x [mm]", ylabel="z [mm]")
    axes.xaxis.labelpad = axes.yaxis.labelpad = 2
    axes.yaxis.set_major_locator(MaxNLocator(2 if bottom < 5 else 4, steps=STEPS))
    axes.spines[["top", "right"]].set_visible(False)
    _beside(axes, labels, SECTION_WIDTH_IN * bottom / (2 * half))
    panel(axes, "a", "Cross-section, to scale (dies and joints in b)")


def magnified_section(axes: Axes, operator: Operator, inches: float) -> None:
    """Everything between substrate and spreader, thickness stretched but to one scale."""
    layers = operator.network.stack.layers
    inner = between(layers)
    wide = 1.08 * widest(inner) * MM
    total = sum(la.thickness_m for la in inner) * MICRO
    slab = 0.07 * total
    ends = {la.name: la for la in layers if la.name in ("substrate", "spreader")}
    for name, start in (("substrate", -slab), ("spreader", total)):
        colour = _colour(ends[name].material)
        axes.add_patch(Patch((-wide / 2, start), wide, slab, edgecolor="none", facecolor=colour))
    labels: list[tuple[float, float, str]] = [(wide / 2, -slab / 2, "substrate")]
    bottom = 0.0
    for layer in inner:
        _patches(axes, layer, bottom, MM, MICRO)
        thick = layer.thickness_m * MICRO
        labels.append((layer.outline.right_m * MM, bottom + thick / 2, layer_label(layer)))
        bottom += thick
    labels.append((wide / 2, total + slab / 2, "spreader"))
    axes.set(xlim=(-wide / 2, wide / 2), ylim=(-slab, total + slab))
    axes.set(xlabel="x [mm]", ylabel="z over substrate [µm]")
    axes.xaxis.labelpad = axes.yaxis.labelpad = 2
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=STEPS, symmetric=True))
    if wide < 0.2:  # the labels of hundredths of millimetres are longer
        end = float(f"{0.4 * wide:.0e}")
        axes.set_xticks([-end, 0, end])
    axes.spines[["top", "right"]].set_visible(False)
    _beside(axes, labels, inches)
    stretch = (inches / (total + 2 * slab)) / (STACK_WIDTH_IN / wide) * MICRO / MM
    panel(axes, "b", f"Dies and joints, height stretched {float(f'{stretch:.2g}'):g}×")


def widest(layers: tuple[Layer, ...]) -> float:
    """Width of the widest layer [m]."""
    return max(la.outline.width_m for la in layers)


def between(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """The layers between substrate and spreader."""
    names = [la.name for la in layers]
    return layers[names.index("substrate") + 1 : names.index("spreader")]


def _colour(material: Material) -> str:
    return _COLOURS.get(material.name, "#cccccc")


def _patches(axes: Axes, layer: Layer, bottom: float, lateral: float, vertical: float) -> None:
    """The layer where the vertical plane through its largest region cuts it."""
    height = layer.thickness_m * vertical
    cut = _cut(layer)
    for box, material in [(layer.outline, layer.material), *layer.regions]:
        if box.bottom_m <= cut <= box.top_m:
            axes.add_patch(
                Patch(
                    (box.left_m * lateral, bottom),
                    box.width_m * lateral,
                    height,
                    facecolor=_colour(material),
                    edgecolor="#333333",
                    linewidth=0.3,
                )
            )


def _cut(layer: Layer) -> float:
    """Height of the cutting plane: through the middle of the row of dies nearest the centre."""
    middles = [(b.bottom_m + b.top_m) / 2 for b, _ in layer.regions] or [0.0]
    return min(middles, key=lambda y: (abs(y), -y))


def spread(wanted: list[float], gap: float, low: float, high: float) -> Floats:
    """Ascending positions nearest to the wanted ones, `gap` apart, within `low` and `high`.

    If they cannot all fit, they are set evenly between the two.
    """
    steps = np.arange(len(wanted)) * min(gap, (high - low) / max(len(wanted) - 1, 1))
    nearest = isotonic_regression(np.asarray(wanted) - steps).x
    return np.asarray(np.clip(nearest, low, high - steps[-1]) + steps)


def _beside(axes: Axes, labels: list[tuple[float, float, str]], inches: float) -> None:
    """Texts right of the axes, each joined to its point; labels are (x, y, text), y ascending."""
    low, high = axes.get_ylim()
    line = LINE * (high - low) / inches
    heights = spread([y for _, y, _ in labels], line, low + 0.4 * line, high - 0.4 * line)
    for (x, y, text), shown in zip(labels, heights, strict=True):
        axes.annotate(
            text,
            (x, y),
            xytext=(1.0, shown),
            textcoords=axes.get_yaxis_transform(),
            va="center",
            fontsize=7.5,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.5,
                "color": "#555555",
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0.0, 0.5),
            },
        ).set_x(1.0 + 0.12 / axes.get_position().width / PAGE)


def layer_label(layer: Layer) -> str:
    """A thin layer for people: what it is, of what, how thick."""
    material = layer.regions[-1][1] if layer.regions else layer.material
    label, kind = layer.name, material.name
    if layer.name == "interface":
        known = kind.startswith("interface")
        conducts = f"interface, {material.conductivity_w_per_mk:g} W/mK"
        label = conducts if known else material_label(kind)
    elif kind == "metal_stack":
        label = f"metal of {layer.name.removeprefix('metal').strip() or 'the dies'}"
    elif kind in ("bump_layer", "underfill"):
        label += " in underfill"
    else:
        label += f", {material_label(kind)}"
    return f"{label}, {layer.thickness_m * MICRO:.3g} µm"
