"""The page of multiplier: structures, gating and pipelining."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from figure_values import area, energy, line, percent_less, percent_more, rate, share, span
from figures import Runs
from page_figures import Text

from block_texts.common import SUPPLIES, choice


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
    yield from _structures(runs)
    yield from _multiplier_gating(runs)
    yield from _pipelines(runs)


def _structures(runs: Runs) -> Iterator[Text]:
    rows = {
        "Dadda, Sklansky adder (defaults)": {},
        "Wallace": {"structure": "wallace"},
        "array": {"structure": "array"},
        "array, ripple adder": {"structure": "array", "adder": "ripple"},
        "Dadda, Booth rows": {"recoding": "booth"},
        "`operator`: `*`, built by Yosys": {"structure": "operator"},
        "Dadda, 7 places truncated": {"truncated_bits": 7},
    }
    points = [choice(runs, "multiplier", hardware) for hardware in rows.values()]
    for label, point in zip(rows, points, strict=True):
        yield line(
            label,
            ("{:,.0f}", point["area_um2"]),
            ("{:.0f}", point["f_max_mhz"]),
            ("{:.1f}", point["energy_pj_per_op"]),
            ("{:.0f} %", 100 * point["glitch_power_frac"]),
        )
    tree, *_, truncated = points
    arrays = points[2:4]
    yield Text(
        words="the array takes {:.0f} to {:.0f} % more energy than the tree, at {:.0f} to {:.0f} % "
        "less speed. Truncation to 9 of 16 places saves {:.0f} % of the area and {:.0f} % of the "
        "energy",
        values=(
            *span(percent_more(p["energy_pj_per_op"], tree["energy_pj_per_op"]) for p in arrays),
            *span(percent_less(p["f_max_mhz"], tree["f_max_mhz"]) for p in arrays),
            *(percent_less(truncated[n], tree[n]) for n in ("area_um2", "energy_pj_per_op")),
        ),
    )


def _multiplier_gating(runs: Runs) -> Iterator[Text]:
    gates = {"clock_gating": 4}

    def taken(hardware: dict[str, Any], workload: dict[str, Any], synthesis: Any = ()) -> float:
        return choice(runs, "multiplier", hardware, workload, dict(synthesis))["energy_pj_per_op"]

    zero, idle, rare = {"gating": "zero"}, {"gating": "idle"}, {"duty": 0.1}
    sparse = taken({}, {"sparsity": 0.9})
    yield line("none, every cycle", ("{:.1f}", taken({}, {})))
    yield line("none, nine tenths of a zero", ("{:.1f}", sparse))
    names = {"no zeros": {}, "half of a zero": {"sparsity": 0.5}}
    names |= {"nine tenths of a zero": {"sparsity": 0.9}}
    for name, workload in names.items():
        yield line(f"zero, {name} |", ("{:.1f}", taken(zero, workload, gates)))
    plain, held = taken({}, rare), taken(idle, rare)
    gated, least = taken(idle, rare, gates), taken(zero, {"sparsity": 0.9}, gates)
    yield line("none, operands in a tenth of the cycles", ("{:.0f}", plain))
    yield line("idle, the same", ("{:.0f}", held), ("{:.1f}", gated))
    yield Text(
        words="with nine tenths of zeros it saves {:.0f} % of the energy that remains without it. "
        "Of the {:.1f} pJ, {:.2f} pJ belong to the tenth of the products that remains. Registers "
        "that keep their values in idle cycles save {:.0f} % of the energy of a multiplier that is "
        "mostly idle, with clock gates {:.0f} %.",
        values=(
            *(percent_less(least, sparse), least, taken(zero, {}, gates) / 10),
            *(percent_less(held, plain), percent_less(gated, plain)),
        ),
    )
    areas = (
        choice(runs, "multiplier", zero, {}, gates)["area_um2"],
        choice(runs, "multiplier", {})["area_um2"],
    )
    yield Text(
        words="Zero gating costs {:.0f} % of energy with dense operands and {:.0f} % of area",
        values=(percent_more(taken(zero, {}, gates), taken({}, {})), percent_more(*areas)),
    )


def _pipelines(runs: Runs) -> Iterator[Text]:
    at = {
        (recoding, stages, vdd_v): runs.row(
            "multiplier", recoding=recoding, pipeline_stages=stages, vdd_v=vdd_v
        )
        for recoding, stages, vdd_v in product(("none", "booth"), range(4), SUPPLIES)
    }
    for recoding, stages in product(("none", "booth"), range(4)):
        points = [at[recoding, stages, vdd_v] for vdd_v in SUPPLIES]
        yield line(
            f"{recoding}, {stages}",
            ("{:,.0f}", area(points[0])),
            *(("{}, {:.2f}", rate(point), energy(point)) for point in points),
            ("{:.0f} %", share(points[0], "glitch")),
        )

    plain, staged, booth = at["none", 0, 1.6], at["none", 1, 1.4], at["booth", 0, 1.6]
    yield Text(
        words="**At {:.0f} Mproduct/s**, which the sweep requires, one register saves {:.0f} % of "
        "the energy ({:.2f} pJ at 1.4 V against {:.2f} pJ at 1.6 V without it) for {:.0f} % more "
        "area. Booth recoding without a register takes {:.0f} % more energy than without recoding "
        "in {:.0f} % less area, also at 1.6 V.",
        values=(
            *(150, percent_less(energy(staged), energy(plain)), energy(staged), energy(plain)),
            *(percent_more(area(staged), area(plain)), percent_more(energy(booth), energy(plain))),
            percent_less(area(booth), area(plain)),
        ),
    )

    def both(*points: Any) -> tuple[float, ...]:
        return tuple(figure for point in points for figure in (rate(point), energy(point)))

    yield Text(
        words="{} Mproduct/s take {:.2f} pJ without a register (1.6 V), and {} Mproduct/s take "
        "{:.2f} pJ with one (1.4 V). The highest speed without a register, {} Mproduct/s, takes "
        "{:.2f} pJ (1.8 V), and {} Mproduct/s with one take {:.2f} pJ (1.6 V)",
        values=both(
            *(at["none", 0, 1.6], at["none", 1, 1.4], at["none", 0, 1.8], at["none", 1, 1.6])
        ),
    )
    slow, staged = at["none", 0, 1.4], at["none", 1, 1.2]
    yield Text(
        words="{} Mproduct/s for {:.2f} pJ without (1.4 V), {} Mproduct/s for {:.2f} pJ with one "
        "(1.2 V).",
        values=both(slow, staged),
    )
    stages = [at["none", number, 1.8] for number in range(4)]
    yield Text(
        words="{:.0f} % of the energy without a register, {:.0f} % with one, {:.0f} % with three.",
        values=tuple(share(stages[number], "glitch") for number in (0, 1, 3)),
    )
    yield Text(
        words="registers with their clock take {:.0f} % of the energy without stages, {:.0f} % "
        "with one, {:.0f} % with three.",
        values=tuple(share(stages[number], "register", "clock_tree") for number in (0, 1, 3)),
    )
    booth = at["booth", 0, 1.8]
    yield Text(
        words="{:.0f} % less area, but {:.0f} % more energy (at {:.0f} % more speed), because its "
        "selectors have more glitches ({:.0f} %).",
        values=(
            percent_less(area(booth), area(stages[0])),
            percent_more(energy(booth), energy(stages[0])),
            percent_more(rate(booth), rate(stages[0])),
            share(booth, "glitch"),
        ),
    )
