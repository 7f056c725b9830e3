"""Figures of docs/concepts/glitches.md: mapping for delay, and clock gates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from figure_values import line, percent_less, percent_more, span
from figures import Runs
from page_figures import Text

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
    yield from _rows(at, slow)

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


def _rows(at: dict[tuple[str, str, str], Any], slow: dict[str, Any]) -> Iterator[Text]:
    """The rows of the table: by library, block and goal, and at the lower supply of `slow`."""
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
