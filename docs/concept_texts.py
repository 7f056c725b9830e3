"""Which sentences and tables of the concepts' and how-to pages hold which figures of stored runs.

See `docs/figures.py`. Each function gives the texts of one page, as its page words them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from figure_values import TERA, area, energy, line, percent_less, percent_more, share, span
from figures import Runs, Text

from chipdse.technology.constants import load_constants

MAPPED = {"sky130": "sky130", "ihp-sg13g2": "sg13g2_stdcell_typ_1p20V_25C.lib.gz"}
"""Libraries of `benchmarks/mapping.py`: as on the page, and as the benchmark calls them."""
PATH, SIZE, JOULES = "critical_path_ns", "area_um2", "energy_pj_per_op"


def glitches(runs: Runs) -> Iterator[Text]:
    """Mapping for delay, and clock gates."""
    yield from _mapping(runs)
    yield from _clock_gates(runs)


def _mapping(runs: Runs) -> Iterator[Text]:
    at = {
        (name, block, goal): runs.result(
            "mapping", library=library, block=block, goal=goal, clock_period_s=None
        )
        for name, library in MAPPED.items()
        for block in ("mac_array", "fir")
        for goal in ("balanced", "delay")
    }
    slow = {
        block: next(
            row
            for row in runs.benchmark("mapping")["results"]
            if row["block"] == block and "clock_period_s" in row
        )
        for block in ("mac_array", "fir")
    }
    for (name, block, goal), row in at.items():
        yield line(
            f"{name} {block} | {goal}",
            *(("{:,d}", row["cells"]), ("{:,d}", row[SIZE])),
            ("{:.2f} ({:.2f})", row[PATH], row["path_of_cells_ns"])
            if block == "mac_array"
            else ("{:.2f}", row[PATH]),
            *(("{}", row[JOULES]), ("{:.0f} %", 100 * row["glitch_power_frac"])),
            ("{:.1f}", row["synthesis_s"]),
        )
    for block, row in slow.items():
        yield line(
            f"sky130 {block}",
            ("delay, at {:.2f} V", row["vdd_v"]),
            *(("{:,d}", row["cells"]), ("{:,d}", row[SIZE]), ("{:.2f}", row[PATH])),
            *(("{}", row[JOULES]), ("{:.0f} %", 100 * row["glitch_power_frac"])),
        )

    def change(quantity: str, of: Callable[[float, float], float], **only: str) -> Any:
        """Range over libraries and blocks of what mapping for delay changes."""
        return span(
            of(at[name, block, "delay"][quantity], at[name, block, "balanced"][quantity])
            for name, block, goal in at
            if goal == "delay" and name == only.get("name", name)
        )

    yield Text(
        words="makes the path {:.0f} to {:.0f} % shorter ({:.0f} to {:.0f} % on the array without "
        "wires), for {:.0f} to {:.0f} % (sky130) and {:.0f} to {:.0f} % (ihp) more area and {:.0f} "
        "to {:.0f} % more energy",
        values=(
            *change(PATH, percent_less),
            *change("path_of_cells_ns", percent_less, block="mac_array"),
            *change(SIZE, percent_more, name="sky130"),
            *change(SIZE, percent_more, name="ihp-sg13g2"),
            *change(JOULES, percent_more),
        ),
    )
    yield Text(
        words="the array takes as much energy as with the default mapping ({:+.1f} %), and the "
        "filter {:.0f} % more. Synthesis takes {:.1f} to {:.1f} times as long.",
        values=(
            percent_more(slow["mac_array"][JOULES], at["sky130", "mac_array", "balanced"][JOULES]),
            percent_more(slow["fir"][JOULES], at["sky130", "fir", "balanced"][JOULES]),
            *change("synthesis_s", lambda a, b: a / b),
        ),
    )


def _clock_gates(runs: Runs) -> Iterator[Text]:
    for name, library in MAPPED.items():
        for block in ("mac_array", "fir", "fifo"):
            bare, gated = (
                runs.result("mapping", library=library, block=block, clock_gating=group)
                for group in (0, 4)
            )
            saved = (percent_more(gated[JOULES], bare[JOULES]),)
            for row, label, form, figures in (
                (bare, "none", "{}", ()),
                (gated, "groups of 4", "{} ({:.0f} %)", saved),
            ):
                yield line(
                    f"{name} {block} | {label}",
                    *(("{:,d}", row[SIZE]), ("{:.2f}", row[PATH])),
                    (form, row[JOULES], *figures),
                    ("{:.0f} %", 100 * row["register_power_frac"]),
                )


def physical(runs: Runs) -> Iterator[Text]:
    """Which conclusions change, and Keccak level by level."""
    yield from _front(runs)
    yield from _conclusions(runs)
    for name in ("sky130hd", "ihp"):
        row = runs.result("physical_keccak", library=name, case="keccak")
        levels = row["levels"].values()
        whole = row["levels"]["all"]
        yield line(
            f"{name} keccak",
            ("{:,d}, {:d}, {:d}", row["cells"], row["registers"], row["clock_buffers"]),
            ("{:.0f}, {:.2f}", whole["wire_mm"], row["wire_over_published"]),
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
                *(100 * whole[part] for part in ("wires_frac", "clock_tree_frac", "glitch_frac")),
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
    for block in ("mac", "fir"):
        pair = [at(block, level) for level in (cells, all_of_it)]
        late = [at(block, level, "_delay") for level in (cells, all_of_it)]
        yield line(
            block,
            *(("{:.1f} pJ", point[JOULES]) for point in pair),
            *(("{:.1f} Gops/s/mm²", point[speed] / 1e3) for point in pair),
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
    def taken(variant: str, level: str, way: str) -> float:
        result = runs.result(f"physical_front{way}", "nominal", variant=variant, level=level)
        return float(result[JOULES])

    def change(variant: str, base: str, *mapped: str) -> tuple[float, ...]:
        """Of the energy, with cells alone and with everything [%]."""
        return tuple(
            percent_more(taken(variant, level, way), taken(base, level, way))
            for way in mapped or ("",)
            for level in ("as mapped", "everything")
        )

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
    plain = ("mac, zero gating", "mac, isolated")
    yield Text(
        words="On top of zero gating they save {:.0f} % with cells alone and {:.0f} % with "
        "everything; on top of isolation {:.0f} and {:.0f} %. The share of the clock tree falls "
        "from {:.0f} % to {:.0f} % and from {:.0f} % to {:.0f} % of all power",
        values=(
            *(-each for name in plain for each in change(f"{name}, clock gates", name)),
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
    *("mac, for delay", "mac, carry save", "mac, 1 stage", "mac, 2 stages", "mac, isolated"),
    *("mac, zero gating", "mac, zero gating, clock gates", "mac, isolated, clock gates"),
    *("fir, transposed", "fir, 1 stage", "fir, for delay"),
)


def _parts(point: dict[str, Any]) -> tuple[str, float, float, float]:
    parts = (100 * point[name] for name in ("wire_frac", "clock_frac", "glitch_frac"))
    return ("{:.0f} %, {:.0f} %, {:.0f} %", *parts)


FLAVOURS = {name: f"gt2_6t_w31_{name}_tt_0p7v25c.lib.gz" for name in ("hvt", "svt", "lvt", "ulvt")}
"""Liberty files of the flavours of `docs/concepts/library.md`."""


def library(runs: Runs) -> Iterator[Text]:
    """Threshold flavours."""
    cells, full = (
        {
            name: runs.result("flavours", library=file, level=level)
            for name, file in FLAVOURS.items()
        }
        for level in ("cells alone", "wires and glitches")
    )
    for name, row in cells.items():
        yield line(
            f"gt2n {name}",
            ("{:.0f} ps", row["critical_path_ps"]),
            ("{:.2g} µW", row["leakage_uw"]),
            ("{:.2f} G/s", row["throughput_gops_per_s"]),
            ("{:.0f} fJ", row["energy_fj_per_op"]),
        )
    high, low, last = cells["hvt"], cells["lvt"], cells["ulvt"]
    yield Text(
        words="is {:.1f} times as fast as the highest and leaks {:.0f} times as much.",
        values=(
            last["throughput_gops_per_s"] / high["throughput_gops_per_s"],
            last["leakage_uw"] / high["leakage_uw"],
        ),
    )
    yield Text(
        words="doubles leakage for {:.1f} % more speed.",
        values=(percent_more(last["throughput_gops_per_s"], low["throughput_gops_per_s"]),),
    )
    yield Text(
        words="take {:.0f}, {:.0f}, {:.0f} and {:.0f} fJ at full clock, in the same order",
        values=tuple(row["energy_fj_per_op"] for row in full.values()),
    )


def memories(runs: Runs) -> Iterator[Text]:
    """Flip-flops or a macro."""

    def queue(depth: int, macro_bits: int) -> Any:
        return runs.row("memory_boundary", depth=depth, memory_macro_bits=macro_bits, vdd_v=1.5)

    depths = (17, 33, 65, 129)
    for depth in depths:
        cells, macro = queue(depth, 0), queue(depth, 512)
        yield line(
            f"{depth}",
            ("{:,.0f} µm², {} pJ", area(cells), energy(cells)),
            ("{:,.0f} µm², {} pJ", area(macro), energy(macro)),
        )
    words = boundary(runs)
    yield Text(
        words="equal at about {:.0f} words of 44 bits ({:.1f} kbit)",
        values=(words, words * 44 / 1000),
    )
    yield Text(
        words="The area of the macro is still {:.0f} % larger at 129 words.",
        values=(percent_more(area(queue(129, 512)), area(queue(129, 0))),),
    )
    bare = [
        energy(
            runs.point(
                "memory_boundary",
                synthesis={"clock_gating": 0},
                **{"depth": depth, "memory_macro_bits": 0, "vdd_v": 1.5},
            )
        )
        for depth in (17, 129)
    ]
    yield Text(
        words="flip-flops take {:.1f} to {:.1f} times the energy ({} pJ at 17 words, {} pJ at 129)",
        values=(
            *span(e / energy(queue(n, 0)) for e, n in zip(bare, (17, 129), strict=True)),
            *bare,
        ),
    )


def packages(runs: Runs) -> Iterator[Text]:
    """The packages of 1,024 copies of the 8 x 8 array."""
    table = runs.table("mac_array_packages").query(
        "rows == 8 and columns == 8 and cooling == 'heatsink_forced_air'"
    )
    by_kind = table.set_index(["arrangement", "chiplets", "link"]).sort_index()
    one = by_kind.loc["monolithic", 1, "ucie_standard"]
    two, four = (by_kind.loc["organic", dies, "ucie_standard"] for dies in (2, 4))
    stack = by_kind.loc["stack_hybrid", 2, "ucie_3d"]
    interposer = by_kind.loc["silicon_interposer", 2, "ucie_advanced"]
    yield from (
        _package("one die of {:.0f} mm²", one, "cost_usd", one["die_area_m2"] * 1e6),
        _package("2 dies, organic, UCIe standard", two, "peak_temperature_c"),
        _package("4 dies, organic, UCIe standard", four, "embodied_kgco2e"),
        _package("2 dies, hybrid-bonded", stack, "total_kgco2e"),
        _package("2 dies, silicon interposer, UCIe advanced", interposer, ""),
    )
    yield Text(words="with {:.1f} TMAC/s in total", values=(one["throughput_ops_per_s"] * TERA,))
    yield Text(
        words="({:.2f} W of {:.1f} W with two dies, {:.2f} W with four)",
        values=(two["link_power_w"], two["power_w"], four["link_power_w"]),
    )
    yield Text(words="stack draws {:.2f} W for its links", values=(stack["link_power_w"],))


def _package(label: str, row: Any, best: str, *figures: float) -> Text:
    """A row of the table, the figure in bold for which this package is the best."""
    constants = load_constants()
    quebec, alberta = (
        constants[f"grids.intensity_canada.{name}"].value for name in ("quebec", "alberta")
    )
    in_quebec = row["embodied_kgco2e"] + row["operational_kgco2e"] * quebec / alberta
    cells = (
        ("cost_usd", "{:.2f}", row["cost_usd"]),
        ("embodied_kgco2e", "{:.2f}", row["embodied_kgco2e"]),
        ("total_kgco2e", "{:.1f}", row["total_kgco2e"]),
        ("embodied_kgco2e", "{:.2f}", in_quebec),  # the same package is the best by both
        ("peak_temperature_c", "{:.1f}", row["peak_temperature_c"]),
    )
    words = [f"**{form}**" if metric == best else form for metric, form, _ in cells]
    return Text(
        words=" | ".join([f"| {label}", *words]) + " |",
        values=(*figures, *(value for *_, value in cells)),
    )


def power_over_time(runs: Runs) -> Iterator[Text]:
    """What masking costs an S-box, and what its power reveals."""
    designs = {
        (structure, shares): runs.row("masked", structure=structure, shares=shares)
        for structure, shares in (("composite", 1), ("table", 1), ("composite", 2))
    }
    for (structure, shares), row in designs.items():
        yield line(
            f"{structure}, shares = {shares}",
            ("{:,.0f}", area(row)),
            ("{:.2f}", energy(row)),
            ("{:.2f}", row["peak_power_w"] * 1e3),
            ("{:.1f}", row["max_t_first_order"]),
        )
    plain, masked = designs["composite", 1], designs["composite", 2]
    yield Text(
        words="Two shares take {:.1f} times the area and {:.1f} times the energy per byte of the "
        "same S-box without",
        values=tuple(of(masked) / of(plain) for of in (area, energy)),
    )
    table = designs["table", 1]
    yield Text(
        words="The table takes {:.0f} % less energy than the plain composite S-box, in {:.1f} "
        "times the area: glitches are {:.0f} % of its power, and {:.0f} % of the other's",
        values=(
            percent_less(energy(table), energy(plain)),
            area(table) / area(plain),
            share(table, "glitch"),
            share(plain, "glitch"),
        ),
    )


def boundary(runs: Runs) -> float:
    """Number of words from which on a macro takes less energy than flip-flops, interpolated."""
    table = runs.table("memory_boundary").query("vdd_v == 1.5").set_index("depth").sort_index()
    saved = (
        table.query("memory_macro_bits == 0")["block_energy_per_op_j"]
        - table.query("memory_macro_bits == 512")["block_energy_per_op_j"]
    )
    return float(np.interp(0.0, saved.to_numpy(), saved.index.to_numpy()))


PAGES: dict[str, Callable[[Runs], Iterator[Text]]] = {
    "docs/concepts/glitches.md": glitches,
    "docs/concepts/library.md": library,
    "docs/concepts/packages.md": packages,
    "docs/concepts/physical.md": physical,
    "docs/concepts/power_over_time.md": power_over_time,
    "docs/howto/memories.md": memories,
}

SWEEPS: dict[str, tuple[str, ...]] = {
    "docs/concepts/packages.md": ("mac_array_packages",),
    "docs/concepts/power_over_time.md": ("masked",),
    "docs/howto/memories.md": ("memory_boundary",),
}

BENCHMARKS: dict[str, tuple[str, ...]] = {
    "docs/concepts/glitches.md": ("mapping",),
    "docs/concepts/library.md": ("flavours",),
    "docs/concepts/physical.md": ("physical_keccak", "physical_front", "physical_front_delay"),
}
