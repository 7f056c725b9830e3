"""Draw each block's front: area, energy and throughput of every point of its sweep.

    python -m tools.gallery                      # all blocks: docs/blocks/gallery.md and gallery/
    python -m tools.gallery fir mac_array        # only these are swept again
    python -m tools.gallery --trials 4           # a quick look: so many points proposed per block
    python -m tools.gallery --draw               # draw again what was measured

Runs `sweeps/NAME.toml` of each block to its end, in studies/gallery/. What the pictures need stays
in docs/blocks/gallery/points.json; stage results are in the store, so that a second run takes
seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from chipdse_hdl import BLOCKS

from chipdse.api.study import sweep
from chipdse.study.results.front import is_on_front
from chipdse.units import show

matplotlib.use("svg")
ROOT = Path(__file__).parents[1]
FOLDER, PAGE = ROOT / "docs/blocks/gallery", ROOT / "docs/blocks/gallery.md"
POINTS, STUDIES = FOLDER / "points.json", ROOT / "studies" / "gallery"
AREA, ENERGY, SPEED = "block_area_m2", "block_energy_per_op_j", "block_throughput_ops_per_s"
SHOWN = (AREA, ENERGY, SPEED, "clock_frequency_hz")
MARKERS = "osD^vP"  # one per value of the parameter that is told apart


def measure(name: str, trials: int | None) -> dict[str, Any]:
    """Sweep a block; its question, and what varies and what is shown of every feasible point."""
    path = ROOT / "sweeps" / f"{name}.toml"
    started = time.monotonic()
    table = sweep(path, study=STUDIES / name, trials=trials, report=False).points()
    table = table[table["state"] == "feasible"].drop_duplicates(SHOWN[:3])
    print(f"{name}: {len(table)} points, {time.monotonic() - started:.0f} s", file=sys.stderr)
    asked = tomllib.loads(path.read_text())
    axes = [
        key
        for part in ("hardware", "workload", "synthesis", "operating")
        for key in asked.get(part, {})
        if key in table and table[key].nunique() > 1
    ]
    unit = BLOCKS[name].work(BLOCKS[name].parameters(), BLOCKS[name].workload()).unit
    return {
        "question": asked["question"],
        "hardware": [axis for axis in axes if axis in asked["hardware"]],
        "axes": axes,
        "unit": unit,
        "points": table[[*axes, *SHOWN]].to_dict(orient="records"),
    }


def front(points: pd.DataFrame) -> np.ndarray:
    """Which points no other beats in area, energy and throughput."""
    return is_on_front(points[[AREA, ENERGY, SPEED]].to_numpy() * [1, 1, -1])


def told_apart(sweep_texts: dict[str, Any], points: pd.DataFrame) -> str | None:
    """The first hardware parameter with few enough values to have a shape each."""
    few = (axis for axis in sweep_texts["hardware"] if points[axis].nunique() <= len(MARKERS))
    return next(few, None)


def draw(name: str, sweep_texts: dict[str, Any], path: Path) -> None:
    """Energy over throughput: colour is supply, shape the value of a parameter, size the area."""
    from matplotlib import pyplot, ticker

    points = pd.DataFrame(sweep_texts["points"])
    chosen, shape = front(points), told_apart(sweep_texts, points)
    supplies = sorted(points["vdd_v"].unique()) if "vdd_v" in points else [None]
    colours = pyplot.get_cmap("viridis")(np.linspace(0.05, 0.85, len(supplies)))
    values = list(points[shape].unique()) if shape else [None]
    largest = points[AREA].max()
    speed = 1e6 if points[SPEED].max() > 1e6 else 1e3
    energy = 1e-12 if points[ENERGY].max() < 1e-8 else 1e-9
    figure, axes = pyplot.subplots(figsize=(6.4, 3.9), layout="constrained")
    for vdd_v, colour in zip(supplies, colours, strict=True):
        for value, marker in zip(values, MARKERS, strict=False):
            is_shown = np.full(len(points), True)
            is_shown &= points["vdd_v"] == vdd_v if vdd_v else True
            is_shown &= points[shape] == value if shape else True
            for some, face in ((is_shown & chosen, colour), (is_shown & ~chosen, "none")):
                axes.scatter(
                    points[SPEED][some] / speed,
                    points[ENERGY][some] / energy,
                    s=12 + 110 * points[AREA][some] / largest,
                    facecolors=face,
                    edgecolors=[colour],
                    marker=marker,
                    alpha=0.8,
                    linewidths=0.9,
                )
    keys = [
        axes.scatter([], [], color=colour, marker="o", label=f"{vdd_v:g} V")
        for vdd_v, colour in zip(supplies, colours, strict=True)
        if vdd_v
    ]
    keys += [
        axes.scatter([], [], edgecolors="black", facecolors="none", marker=m, label=f"{shape}={v}")
        for v, m in zip(values, MARKERS, strict=False)
        if shape
    ]
    figure.legend(handles=keys, loc="outside right center", fontsize=7, frameon=False)
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):  # plain numbers, as many as there is room for
        low, high = axis.get_view_interval()
        decades = np.log10(high / low)
        subs = (1,) if decades > 2.5 else (1, 2, 5)
        few = ticker.MaxNLocator(5, steps=[1, 2, 5, 10])
        axis.set_major_locator(few if decades < 0.7 else ticker.LogLocator(subs=subs))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(ticker.NullFormatter())
    axes.set_title(f"{name}: largest mark {largest * 1e12:,.0f} µm²", fontsize=9)
    axes.set_xlabel(f"throughput [{'10⁶' if speed == 1e6 else '10³'} {sweep_texts['unit']}/s]")
    axes.set_ylabel(f"energy [{'pJ' if energy == 1e-12 else 'nJ'}/{sweep_texts['unit']}]")
    axes.grid(which="both", alpha=0.2)
    matplotlib.rcParams["svg.hashsalt"] = "gallery"
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def page(every: dict[str, dict[str, Any]]) -> str:
    """The gallery as Markdown; a block's `note` stands until the block is measured again."""
    lines = [
        "# The gallery",
        "",
        "This page shows every block that ships, measured by its own sweep (`sweeps/NAME.toml`):",
        "the block alone, in the library `sky130` at 25 °C, with wires, clock tree and glitches.",
        "Each mark is a design at one supply; its size is the area. Filled marks are on the",
        "front of area, energy and throughput.",
        "",
        "    python -m tools.gallery",
        "",
        "runs the sweeps and draws this page. The [page of each block](blocks.md) explains the",
        "results.",
        "",
    ]
    for name, sweep_texts in sorted(every.items()):
        points = pd.DataFrame(sweep_texts["points"])
        rows = points.astype(object)  # in a row of floats whole numbers would print as 1.0
        of_least, of_fastest = points[ENERGY].idxmin(), points[SPEED].idxmax()
        least = rows.loc[of_least]
        fastest = rows.loc[of_fastest]
        lines += [
            f"## {name}",
            "",
            f"{BLOCKS[name].summary}. *{sweep_texts['question']}*",
            "",
            f"![{name}: energy over throughput](gallery/{name}.svg)",
            "",
            *([sweep_texts["note"], ""] if "note" in sweep_texts else []),
            f"{len(points)} points, {int(front(points).sum())} on the front.",
            f"Least energy: {sentence(least, sweep_texts)}. "
            f"Fastest: {sentence(fastest, sweep_texts)}.",
            "",
        ]
    if missing := [name for name in BLOCKS if name not in every]:
        lines += [f"Not measured yet: {', '.join(missing)}.", ""]
    return "\n".join(lines)


def sentence(point: pd.Series, sweep_texts: dict[str, Any]) -> str:
    """A point in words."""
    chosen = ", ".join(f"`{axis}={point[axis]}`" for axis in sweep_texts["axes"])
    return (
        f"{show(point[ENERGY], 'J')}/{sweep_texts['unit']}, {_rounded(point[SPEED] / 1e6)}·10⁶/s,"
        f" {point[AREA] * 1e12:,.0f} µm² ({chosen})"
    )


def _rounded(value: float) -> str:
    """Three digits that count, written out."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("blocks", nargs="*", help="default all")
    parser.add_argument("--trials", type=int, help="points proposed per block; default the sweep's")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    parser.add_argument("--format", default="svg", choices=["svg", "png"], help="of the pictures")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    every = json.loads(POINTS.read_text()) if POINTS.exists() else {}
    for name in () if arguments.draw else arguments.blocks or BLOCKS:
        every[name] = measure(name, arguments.trials)
        POINTS.write_text(json.dumps(every, indent=0, sort_keys=True) + "\n")
    for name, sweep_texts in every.items():
        draw(name, sweep_texts, FOLDER / f"{name}.{arguments.format}")
    PAGE.write_text(page(every))


if __name__ == "__main__":
    main()
