"""One figure of a package: cross-section, floorplan with temperatures, cost and carbon bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle as Patch

from chipdse.errors import DesignError
from chipdse.system.batch import Ints
from chipdse.system.geometry import material_label
from chipdse.system.system import Evaluation
from chipdse.system.temperature import geometry_of, operator_for
from chipdse.system.thermal import Layer, Operator

MM = 1e3
SUFFIXES = (".svg", ".png", ".pdf")
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
_BARS = ("#33658a", "#86bbd8", "#758e4f", "#f6ae2d", "#f26419", "#9a8c98", "#c9ada7")
_STYLE: Any = {
    "font.size": 7.5,
    "axes.titlesize": 8.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "chipdse",
}


def draw_package(found: Evaluation, path: Path) -> None:
    """Write the figure; the suffix of `path` says the format (.svg, .png, .pdf)."""
    if path.suffix not in SUFFIXES:
        raise DesignError(f"--plot {str(path)!r} must end in {', '.join(SUFFIXES)}")
    geometry = geometry_of(found.columns, found.parts.dies, 0)
    operator = operator_for(geometry, found.sources, cells=48)
    with plt.rc_context(_STYLE):
        figure = plt.figure(figsize=(7.2, 6.4), layout="constrained")
        grid = figure.add_gridspec(3, 2, height_ratios=(1.05, 1.5, 1.25), width_ratios=(1.25, 1))
        _whole(figure.add_subplot(grid[0, :]), operator)
        _magnified(figure.add_subplot(grid[1, 0]), operator)
        _floorplan(figure.add_subplot(grid[1, 1]), found, operator)
        bars = grid[2, :].subgridspec(3, 1)
        _bars(figure, bars, found)
        try:
            figure.savefig(path, dpi=220, metadata={"Date": None} if path.suffix == ".svg" else {})
        except OSError as error:
            raise DesignError(f"--plot {str(path)!r} cannot be written: {error.strerror}") from None
        finally:
            plt.close(figure)


def _panel(axes: Axes, letter: str, title: str) -> None:
    axes.set_title(f"$\\bf{{{letter}}}$  {title}", loc="left")


def _patches(axes: Axes, layer: Layer, bottom: float, lateral: float, vertical: float) -> None:
    """The layer where the vertical plane through its largest region cuts it."""
    height = layer.thickness_m * vertical
    parts = [(layer.outline, layer.material), *layer.regions]
    cut = _cut(layer)
    for box, material in parts:
        if box.bottom_m <= cut <= box.top_m:
            axes.add_patch(
                Patch(
                    (box.left_m * lateral, bottom),
                    box.width_m * lateral,
                    height,
                    facecolor=_COLOURS.get(material.name, "#cccccc"),
                    edgecolor="#333333",
                    linewidth=0.3,
                )  # fmt: skip
            )


def _cut(layer: Layer) -> float:
    """Height of the cutting plane: through the middle of the row of dies nearest the centre."""
    middles = [(b.bottom_m + b.top_m) / 2 for b, _ in layer.regions] or [0.0]
    return min(middles, key=lambda y: (abs(y), -y))


def _whole(axes: Axes, operator: Operator) -> None:
    layers = operator.network.stack.layers
    bottom = 0.0
    for layer in layers:
        _patches(axes, layer, bottom, MM, MM)
        bottom += layer.thickness_m * MM
    width = max(la.outline.width_m for la in layers) * MM
    axes.set(xlim=(-width * 0.52, width * 0.52), ylim=(-0.04 * bottom, 1.04 * bottom))
    axes.set_aspect("equal")
    axes.set(xlabel="x [mm]", ylabel="z [mm]")
    bottom = 0.0
    beside: list[tuple[float, float, str]] = []
    for layer in layers:
        middle = bottom + layer.thickness_m * MM / 2
        text = f"{layer.name}, {material_label(layer.material.name)}"
        if layer.name == "sink":
            axes.text(0, middle, text, ha="center", va="center")
        elif layer.name in ("substrate", "spreader"):
            beside.append((middle, layer.outline.right_m * MM, text))
        bottom += layer.thickness_m * MM
    heights = _spread([m for m, _, _ in beside], max(1.3, 0.02 * width))
    drop = 0.4 if layers[-1].name == "sink" else 0.0
    right = max(r for _, r, _ in beside) if drop else 0.52 * width
    for (middle, side, text), shown in zip(beside, heights, strict=True):
        axes.annotate(
            text, (side, middle), xytext=(right + 0.03 * width, shown - drop), va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "#555555", "shrinkA": 0},
        )  # fmt: skip
    axes.spines[["top", "right"]].set_visible(False)
    _panel(axes, "a", "Cross-section, to scale")


def _magnified(axes: Axes, operator: Operator) -> None:
    """Everything between substrate and spreader, thickness stretched but to one scale."""
    layers = operator.network.stack.layers
    names = [la.name for la in layers]
    inner = layers[names.index("substrate") + 1 : names.index("spreader")]
    width = max(la.outline.width_m for la in inner) * MM
    micron = 1e6
    total = sum(la.thickness_m for la in inner) * micron
    slab = 0.07 * total
    substrate, spreader = layers[names.index("substrate")], layers[names.index("spreader")]
    bottom = 0.0
    labels: list[tuple[float, str]] = []
    for part, start in ((substrate, -slab), (spreader, total)):
        axes.add_patch(
            Patch(
                (-0.54 * width, start),
                1.08 * width,
                slab,
                edgecolor="none",
                facecolor=_COLOURS.get(part.material.name, "#cccccc"),
            )  # fmt: skip
        )
    labels.append((-slab / 2, "substrate"))
    for layer in inner:
        _patches(axes, layer, bottom, MM, micron)
        thick = layer.thickness_m * micron
        material = layer.regions[-1][1] if layer.regions else layer.material
        text = f"{layer.name}: {material_label(material.name)}, {thick:.3g} µm"
        labels.append((bottom + thick / 2, text))
        bottom += thick
    labels.append((total + slab / 2, "spreader"))
    gap = (total + 2 * slab) / max(len(labels), 9)
    heights = _spread([y for y, _ in labels], gap)
    for (y, text), shown in zip(labels, heights, strict=True):
        axes.annotate(
            text, (0.54 * width, y), xytext=(0.68 * width, shown), va="center", fontsize=6.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "#555555", "shrinkA": 1,
                        "shrinkB": 0},
        )  # fmt: skip
    axes.set(xlim=(-0.54 * width, 1.45 * width), ylim=(-slab, total + slab))
    axes.set(xlabel="x [mm]", ylabel="height over substrate [µm]")
    axes.set_xticks([t for t in axes.get_xticks() if abs(t) <= 0.5 * width])
    axes.spines[["top", "right"]].set_visible(False)
    stretch = width / 1.08 / 1e3 * 1e6 / max(total, 1e-9)
    _panel(axes, "b", f"Dies and joints, height stretched about {_round(stretch)}×")


def _round(value: float) -> str:
    return f"{float(f'{value:.1g}'):g}"


def _spread(wanted: list[float], gap: float) -> list[float]:
    """Ascending positions near the wanted ones, at least `gap` apart."""
    placed = list(wanted)
    for _ in range(200):
        moved = False
        for i in range(len(placed) - 1):
            short = gap - (placed[i + 1] - placed[i])
            if short > 1e-9 * gap:
                placed[i] -= short / 2
                placed[i + 1] += short / 2
                moved = True
        if not moved:
            break
    return placed


def _floorplan(axes: Axes, found: Evaluation, operator: Operator) -> None:
    network = operator.network
    fixed = found.parts.power_w[0]
    dies = found.parts.dies
    kind = np.repeat(np.arange(len(dies.names)), dies.count[0].astype(int))
    leak = _leakage(found, operator, fixed[kind], kind)
    power = fixed[kind] + leak
    rise = operator.cell_rise(power)
    ambient = found.system.package.ambient_c
    hottest = _hottest_slice(network.cell, rise, network.slice_layer, operator)
    plane = network.cell[hottest]
    shown = np.where(plane >= 0, ambient + rise[np.maximum(plane, 0)], np.nan)
    mesh = axes.pcolormesh(network.x * MM, network.y * MM, shown, cmap="inferno", rasterized=True)
    layer = network.stack.layers[network.slice_layer[hottest]]
    for source, watts, name in _sources(network.stack.layers, layer, power, operator):
        axes.add_patch(
            Patch(
                (source.left_m * MM, source.bottom_m * MM),
                source.width_m * MM,
                source.height_m * MM,
                fill=False,
                edgecolor="white",
                linewidth=0.8,
            )  # fmt: skip
        )
        axes.text(
            (source.left_m + source.width_m / 2) * MM, (source.bottom_m + source.height_m / 2) * MM,
            f"{name}\n{watts:.3g} W", ha="center", va="center", color="white",
            fontsize=6.5 if len(operator.sources) <= 9 else 5,
            bbox={"facecolor": "black", "alpha": 0.45, "linewidth": 0, "pad": 1.2},
        )  # fmt: skip
    axes.set_aspect("equal")
    outline = layer.outline
    margin = 0.03 * outline.width_m * MM
    axes.set(
        xlim=(outline.left_m * MM - margin, outline.right_m * MM + margin),
        ylim=(outline.bottom_m * MM - margin, outline.top_m * MM + margin),
        xlabel="x [mm]", ylabel="y [mm]",
    )  # fmt: skip
    bar = axes.figure.colorbar(mesh, ax=axes, shrink=0.9, pad=0.03)
    bar.set_label("temperature [°C]")
    bar.outline.set_linewidth(0.6)
    calm = np.isfinite(found.metrics.peak_temperature_c)
    _panel(axes, "c", f"Floorplan, {layer.name} layer" + ("" if calm else ", without leakage"))


def _leakage(found: Evaluation, operator: Operator, fixed: Any, kind: Ints) -> Any:
    """Leakage of each die so that it sums to the metric, by share of the reference leakage."""
    static = found.parts.dies.static_w[0][kind]
    total = found.metrics.leakage_power_w
    return static * (total / static.sum()) if static.sum() > 0 and np.isfinite(total) else 0 * fixed


def _hottest_slice(cell: Ints, rise: Any, slice_layer: Ints, operator: Operator) -> int:
    layers = operator.network.stack.layers
    powered = [z for z, i in enumerate(slice_layer) if layers[i].sources]
    return max(powered, key=lambda z: float(rise[cell[z][cell[z] >= 0]].max()))


def _sources(layers: Any, shown: Layer, power: Any, operator: Operator) -> list[Any]:
    watts = dict(zip(operator.sources, power, strict=True))
    return [(s, float(watts[s.name]), s.name) for s in shown.sources]


def cost_parts(found: Evaluation) -> dict[str, float]:
    """Cost of one good system by cause [USD]."""
    split, price = found.parts.cost.recurring, found.parts.cost
    volume = found.system.package.volume
    shared = found.system.package.products_sharing
    return {
        "dies": float(np.asarray(split.raw_chips)[0]),
        "dies lost at test": float(np.asarray(split.defect_chips)[0]),
        "package": float(np.asarray(split.raw_package)[0]),
        "packages lost": float(np.asarray(split.defect_package)[0]),
        "good dies lost": float(np.asarray(split.wasted_dies)[0]),
        "die design": float((price.nre_modules_usd + price.nre_chips_usd)[0] / shared / volume),
        "package design": float(price.nre_package_usd[0] / volume),
    }


def carbon_parts(found: Evaluation) -> dict[str, float]:
    """Embodied carbon of one good system by cause [kg CO2e]."""
    split = found.parts.carbon
    return {
        "dies": float(split.dies_kg[0]),
        "wafer edge": float(split.edge_kg[0]),
        "lost dies": float(split.yield_kg[0]),
        "interposer": float(split.interposer_kg[0]),
        "bonding": float(split.bonding_kg[0]),
        "package": float(split.package_kg[0]),
        "design": float(split.design_kg[0]),
    }


def _life_title(stable: bool, total: float) -> str:
    if stable:
        return f"Carbon over the life: {total:.4g} kg CO₂e"
    return f"Carbon before use: {total:.4g} kg CO₂e; no stable temperature"


def _bars(figure: Any, grid: Any, found: Evaluation) -> None:
    embodied = carbon_parts(found)
    life = {"embodied": sum(embodied.values()), "operation": found.metrics.operational_kgco2e}
    stable = np.isfinite(life["operation"])
    if not stable:
        del life["operation"]
    cost = cost_parts(found)
    panels = (
        ("d", f"Cost of one system: {sum(cost.values()):.4g} USD", cost),
        ("e", f"Embodied carbon: {life['embodied']:.4g} kg CO₂e", embodied),
        ("f", _life_title(stable, sum(life.values())), life),
    )
    for row, (letter, title, parts) in enumerate(panels):
        axes = figure.add_subplot(grid[row, 0])
        left, total = 0.0, sum(parts.values())
        for colour, (name, value) in zip(_BARS, parts.items(), strict=False):
            if value <= 0:
                continue
            share = value / total
            label = f"{name} {value:.4g} ({share:.1%})"
            axes.barh(
                0, value, left=left, color=colour, edgecolor="white", linewidth=0.5, label=label
            )
            left += value
        axes.set(xlim=(0, total), ylim=(-0.4, 0.4), yticks=[])
        axes.margins(x=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.legend(
            loc="upper left", bbox_to_anchor=(1.0, 1.25), fontsize=6, frameon=False, ncols=2,
            handlelength=0.9, columnspacing=0.9, labelspacing=0.25, borderaxespad=0.2,
        )  # fmt: skip
        _panel(axes, letter, title)
