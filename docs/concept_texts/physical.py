"""Figures of docs/concepts/physical.md: which conclusions wires and glitches change, and Keccak."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from figure_values import line, percent_more
from figures import Runs
from page_figures import Text

from concept_texts.glitches import JOULES


def physical(runs: Runs) -> Iterator[Text]:
    """Which conclusions change, and Keccak level by level."""
    yield from _front(runs)
    yield from _conclusions(runs)
    for name in ("sky130hd", "ihp"):
        row = runs.result("physical_keccak", library=name, case="keccak")
        levels = row["levels"].values()
        complete = row["levels"]["all"]
        yield line(
            f"{name} keccak",
            ("{:,d}, {:d}, {:d}", row["cells"], row["registers"], row["clock_buffers"]),
            ("{:.0f}, {:.2f}", complete["wire_mm"], row["wire_over_published"]),
            (
                "{:.1f} / {:.1f} / {:.1f} / {:.1f} / {:.1f}",
                *(level["energy_pj_per_cycle"] for level in levels),
            ),
            (
                "{:.2f} / {:.2f} / {:.2f} / {:.2f} / {:.2f}",
                *(level["delay_ns"] for level in levels),
            ),
            (
                "{:.0f} %, {:.0f} %, {:.0f} %",
                *(
                    100 * complete[part]
                    for part in ("wires_frac", "clock_tree_frac", "glitch_frac")
                ),
            ),
        )
    delays = [
        [row["levels"][level]["delay_ns"] for level in ("none", "formula", "placed")]
        for row in runs.benchmark("physical_keccak")["results"]
    ]
    yield Text(
        words="and up to {:.0f} % to the ciphers",
        values=(max(percent_more(placed, none) for none, _, placed in delays),),
    )
    yield Text(
        words="(for Keccak {:.1f} and {:.1f})",
        values=tuple(
            levels["all"]["energy_pj_per_cycle"] / levels["none"]["energy_pj_per_cycle"]
            for levels in (row["levels"] for row in runs.benchmark("physical_keccak")["results"])
        ),
    )


def _front(runs: Runs) -> Iterator[Text]:
    def at(variant: str, level: str, mapped: str = "") -> dict[str, Any]:
        return runs.result(f"physical_front{mapped}", "nominal", variant=variant, level=level)

    cells, all_of_it = "as mapped", "everything"
    speed = "mops_per_mm2"
    for block, unit in (("mac", "GMAC"), ("fir", "Gsample")):
        pair = [at(block, level) for level in (cells, all_of_it)]
        late = [at(block, level, "_delay") for level in (cells, all_of_it)]
        yield line(
            block,
            *(("{:.1f} pJ", point[JOULES]) for point in pair),
            *((f"{{:.1f}} {unit}/s/mm²", point[speed] / 1e3) for point in pair),
            _parts(pair[1]),
            *(("{:.1f} pJ", point[JOULES]) for point in late),
        )
    for variant in VARIANTS:
        block = variant.split(",")[0]
        mapped = [] if "for delay" in variant else ["_delay"]
        yield line(
            variant,
            *(
                ("{:+.0f} %", percent_more(at(variant, level)[name], at(block, level)[name]))
                for name in (JOULES, speed)
                for level in (cells, all_of_it)
            ),
            _parts(at(variant, all_of_it)),
            *(
                (
                    "{:+.0f} %",
                    percent_more(at(variant, level, way)[JOULES], at(block, level, way)[JOULES]),
                )
                for way in mapped
                for level in (cells, all_of_it)
            ),
        )


def _conclusions(runs: Runs) -> Iterator[Text]:
    change = functools.partial(_changes, runs)
    yield Text(
        words="Mapped for delay, the array takes {:.0f} % more energy with cells alone and {:.0f} "
        "% more with everything, the filter {:.0f} % and {:.0f} %.",
        values=(*change("mac, for delay", "mac"), *change("fir, for delay", "fir")),
    )
    both = "", "_delay"
    stage = change("mac, 1 stage", "mac", *both)
    yield Text(
        words="A stage costs the array {:.0f} % with cells alone and saves {:.0f} % with "
        "everything (mapped for delay: {:.0f} % and {:.0f} %); carry-save sums go from {:+.0f} % "
        "to {:+.0f} % (from {:+.0f} % to {:+.0f} %). The stage of the filter goes from {:+.0f} % "
        "to {:+.0f} % (from {:+.0f} % to {:+.0f} %).",
        values=(
            *(stage[0], -stage[1], stage[2], -stage[3]),
            *change("mac, carry save", "mac", *both),
            *change("fir, 1 stage", "fir", *both),
        ),
    )
    isolated = change("mac, isolated", "mac", *both)
    yield Text(
        words="Isolation costs {:.0f} % with cells alone and saves {:.0f} % with everything "
        "(mapped for delay it saves {:.0f} % and {:.0f} %)",
        values=(isolated[0], *(-each for each in isolated[1:])),
    )
    yield Text(
        words="zero gating goes from {:+.0f} % to {:+.0f} % (from {:+.0f} % to {:+.0f} %).",
        values=change("mac, zero gating", "mac", *both),
    )
    yield from _clock_gates_and_fronts(runs)


def _changes(runs: Runs, variant: str, base: str, *mapped: str) -> tuple[float, ...]:
    """Change of the energy of a variant, with cells alone and with everything [%]."""

    def energy_pj(variant: str, level: str, way: str) -> float:
        result = runs.result(f"physical_front{way}", "nominal", variant=variant, level=level)
        return float(result[JOULES])

    return tuple(
        percent_more(energy_pj(variant, level, way), energy_pj(base, level, way))
        for way in mapped or ("",)
        for level in ("as mapped", "everything")
    )


def _clock_gates_and_fronts(runs: Runs) -> Iterator[Text]:
    plain = ("mac, zero gating", "mac, isolated")
    yield Text(
        words="On top of zero gating they save {:.0f} % with cells alone and {:.0f} % with "
        "everything; on top of isolation {:.0f} and {:.0f} %. The share of the clock tree rises "
        "from {:.0f} % to {:.0f} % and from {:.0f} % to {:.0f} % of all power",
        values=(
            *(-each for name in plain for each in _changes(runs, f"{name}, clock gates", name)),
            *(
                100
                * runs.result("physical_front", "nominal", variant=variant, level="everything")[
                    "clock_frac"
                ]
                for name in plain
                for variant in (name, f"{name}, clock gates")
            ),
        ),
    )
    fronts = runs.benchmark("physical_front")["fronts"]
    yield Text(
        words="the front of the array has {:d} instead of {:d} points",
        values=tuple(len(fronts["mac"][level]) for level in ("everything", "as mapped")),
    )
    yield Text(
        words="that of the filter has {:d} instead of {:d}",
        values=tuple(
            sum("balanced" not in name for name in fronts["fir"][level])  # the default twice
            for level in ("everything", "as mapped")
        ),
    )


VARIANTS = (
    "mac, for delay",
    "mac, carry save",
    "mac, 1 stage",
    "mac, 2 stages",
    "mac, isolated",
    "mac, zero gating",
    "mac, zero gating, clock gates",
    "mac, isolated, clock gates",
    "fir, transposed",
    "fir, 1 stage",
    "fir, for delay",
)


def _parts(point: dict[str, Any]) -> tuple[str, float, float, float]:
    parts = (100 * point[name] for name in ("wire_frac", "clock_frac", "glitch_frac"))
    return ("{:.0f} %, {:.0f} %, {:.0f} %", *parts)
