"""Draw each block's front: area, energy, throughput of a few of its designs at two supplies.

    python -m tools.gallery                      # all blocks: docs/gallery.md and docs/gallery/
    python -m tools.gallery fir mac_array        # only these are evaluated again
    python -m tools.gallery --draw               # draw again what was evaluated

Quick settings: up to `--points` parameter choices a block, small ones first, its default workload,
two supplies. What was measured stays in docs/gallery/points.json; stage results in the store.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from chipdse.api import evaluate_point
from chipdse.errors import ChipdseError, MachineError
from chipdse.study.front import is_on_front
from hdl import BLOCKS
from hdl.block import Block

matplotlib.use("svg")
DOCS = Path(__file__).parents[1] / "docs"
FOLDER, PAGE = DOCS / "gallery", DOCS / "gallery.md"
POINTS = FOLDER / "points.json"
SUPPLIES_V = (1.2, 1.8)
LARGEST_CYCLES = 20_000
SHOWN = ("block_area_m2", "block_energy_per_op_j", "block_throughput_ops_per_s", "ops_per_cycle")


def choices(block: Block, count: int) -> list[Any]:
    """Parameter records near the default, none with a larger number than it; the default first."""
    axes = {}
    for field in dataclasses.fields(block.parameters):
        about, default = field.metadata, field.default
        if about.get("choices") is not None:
            values = list(about["choices"])
        elif isinstance(default, bool):
            values = [False, True]
        elif isinstance(default, int):
            least = about.get("minimum")
            values = [v for v in (default, default // 2) if least is None or v >= least]
        else:
            values = [default]
        axes[field.name] = list(dict.fromkeys([default, *values]))
    found = []
    for values in itertools.islice(itertools.product(*axes.values()), 5000):
        try:
            found.append(block.parameters(**dict(zip(axes, values, strict=True))))
        except (ValueError, TypeError):
            continue
    first, rest = found[:1], found[1:]
    return [*first, *random.Random(1).sample(rest, min(count - 1, len(rest)))]


def measure(block: Block, count: int, seconds: float) -> list[dict[str, Any]]:
    """Area, energy and throughput of some of a block's designs; stops when the time is up."""
    workload = block.workload()
    started, points = time.monotonic(), []
    for parameters in choices(block, count):
        if time.monotonic() - started > seconds and len(points) > 2:
            break
        if block.cycles(parameters, workload) > LARGEST_CYCLES:
            continue
        for vdd_v in SUPPLIES_V:
            given = dataclasses.asdict(parameters)
            try:
                found = evaluate_point(block.name, given, operating={"vdd_v": vdd_v}).flat()
            except MachineError:
                raise
            except ChipdseError as error:
                print(f"{block.name} {given}: {error}", file=sys.stderr)
                break
            points.append({"parameters": given, "vdd_v": vdd_v, **{k: found[k] for k in SHOWN}})
    print(
        f"{block.name}: {len(points)} points in {time.monotonic() - started:.0f} s", file=sys.stderr
    )
    return points


def front(points: Sequence[dict[str, Any]]) -> np.ndarray:
    """Which points no other beats in area, energy and throughput."""
    columns = [[p["block_area_m2"], p["block_energy_per_op_j"]] for p in points]
    speed = [[-p["block_throughput_ops_per_s"]] for p in points]
    return is_on_front(np.hstack([columns, speed]))


def draw(name: str, points: Sequence[dict[str, Any]], unit: str, path: Path) -> None:
    """Energy over throughput, area as the size of a mark, the front joined to its supply."""
    from matplotlib import pyplot

    on_front = front(points)
    figure, axes = pyplot.subplots(figsize=(4.6, 3.2), layout="constrained")
    largest = max(p["block_area_m2"] for p in points)
    for vdd_v, colour in zip(SUPPLIES_V, ("#1f77b4", "#d62728"), strict=True):
        own = [n for n, p in enumerate(points) if p["vdd_v"] == vdd_v]
        for chosen, face in ((True, colour), (False, "none")):
            some = [points[n] for n in own if on_front[n] == chosen]
            axes.scatter(
                [p["block_throughput_ops_per_s"] / 1e6 for p in some],
                [p["block_energy_per_op_j"] * 1e12 for p in some],
                s=[15 + 200 * p["block_area_m2"] / largest for p in some],
                facecolors=face,
                edgecolors=colour,
                alpha=0.7,
                label=f"{vdd_v:g} V" if chosen else None,
            )
    axes.set(xscale="log", yscale="log", title=name)
    axes.set_xlabel(f"throughput [10⁶ {unit}/s]")
    axes.set_ylabel(f"energy [pJ/{unit}]")
    axes.grid(which="both", alpha=0.2)
    axes.legend(title=f"largest mark {largest * 1e12:,.0f} µm²", fontsize=7, title_fontsize=7)
    matplotlib.rcParams["svg.hashsalt"] = "gallery"
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def page(every: dict[str, dict[str, Any]]) -> str:
    """The gallery as Markdown."""
    lines = [
        "# The gallery",
        "",
        "The blocks that ship, a few designs of each: area (size of a mark), energy, throughput",
        "of the block alone with the library `sky130` at 25 °C, as fast as timing allows, default",
        "workload. Full marks are on the front of what was evaluated.",
        "",
        "    python -m tools.gallery",
        "",
        "draws it again. These are quick looks over few points, not searches: `sweeps/` asks real",
        "questions.",
        "",
    ]
    for name, about in sorted(every.items()):
        points, on_front = about["points"], front(about["points"])
        best = min((p for p, own in zip(points, on_front, strict=True) if own), key=_energy)
        chosen = ", ".join(f"{k}={v}" for k, v in best["parameters"].items())
        lines += [
            f"## {name}",
            "",
            f"{about['summary']}.",
            "",
            f"![{name}: energy over throughput](gallery/{name}.svg)",
            "",
            f"{len(points)} designs, {int(on_front.sum())} on the front. Least energy:"
            f" {best['block_energy_per_op_j'] * 1e12:.3g} pJ/{about['unit']} at"
            f" {best['block_throughput_ops_per_s'] / 1e6:,.3g}·10⁶/s and"
            f" {best['block_area_m2'] * 1e12:,.0f} µm² ({best['vdd_v']:g} V; {chosen}).",
            "",
        ]
    if missing := [name for name in BLOCKS if name not in every]:
        lines += [f"Not evaluated yet: {', '.join(missing)}.", ""]
    return "\n".join(lines)


def _energy(point: dict[str, Any]) -> float:
    return float(point["block_energy_per_op_j"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("blocks", nargs="*", help="default all")
    parser.add_argument("--points", type=int, default=8, help="parameter choices a block")
    parser.add_argument("--seconds", type=float, default=120, help="begin no new one after these")
    parser.add_argument("--draw", action="store_true", help="evaluate nothing")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    every = json.loads(POINTS.read_text()) if POINTS.exists() else {}
    for name in () if arguments.draw else arguments.blocks or BLOCKS:
        block = BLOCKS[name]
        if points := measure(block, arguments.points, arguments.seconds):
            unit = block.work(block.parameters(), block.workload()).unit
            every[name] = {"summary": block.summary, "unit": unit, "points": points}
        POINTS.write_text(json.dumps(every, indent=0) + "\n")
    for name, about in every.items():
        draw(name, about["points"], about["unit"], FOLDER / f"{name}.svg")
    PAGE.write_text(page(every))


if __name__ == "__main__":
    main()
