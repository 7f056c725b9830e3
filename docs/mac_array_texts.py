"""The texts of the page of the first sweeps that hold figures of the stored runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from figure_values import CM2, MHZ, PERCENT, PJ, TERA, UM2, energy, percent_more, rate, share
from figures import Runs
from page_figures import Text

SUPPLIES = (1.8, 1.4, 1.2, 1.0)


def mac_array(runs: Runs) -> Iterator[Text]:
    """The page of the first sweeps."""
    yield from _array(runs)
    yield from _precision(runs)
    yield from _filter(runs)


def _array(runs: Runs) -> Iterator[Text]:
    table = runs.table("mac_array")
    system = functools.partial(_system, runs)
    yield from _array_counts(table)
    yield from _array_points(system)
    yield from _array_pipeline(system)
    yield from _array_system(runs, system)
    yield from _array_widths(system)
    yield from _array_layout(table, system)


def _system(
    runs: Runs,
    rows: int,
    columns: int,
    stages: int,
    vdd_v: float,
    physical: dict[str, Any] | None = None,
    **more: Any,
) -> Any:
    """A point of the sweep: 256 arrays at full clock unless `more` states otherwise."""
    values: dict[str, Any] = {
        **{"rows": rows, "columns": columns, "pipeline_stages": stages, "vdd_v": vdd_v},
        **{"accumulator_bits": 21, "overlapped_drain": False, "clock_frac": 1.0},
        **{"tiles": 256, "chiplets": 1, "arrangement": "monolithic"},
    }
    return runs.point("mac_array", physical, **(values | more))


def _array_counts(table: Any) -> Iterator[Text]:
    """How many points the study has."""
    front = table[table["on_front"]]
    proposed = int((front["origin"] == "proposed").sum())
    yield Text(
        words="the study records {:d} points of {:d} designs; {:d} are on the front: {:d} of the "
        "{:d} proposed ones, and {:d} harvested around them.",
        values=(
            *(len(table), int((table["origin"] == "proposed").sum()), len(front), proposed),
            *(int((table["origin"] == "proposed").sum()), len(front) - proposed),
        ),
    )


def _array_points(system: Callable[..., Any]) -> Iterator[Text]:
    """Points of the front, and the energy over the supply."""
    shown = (
        ("least energy | 2 x 2 | 1 | 1.2 V | 256", system(2, 2, 1, 1.2)),
        ("middle | 4 x 2 | 1 | 1.4 V | 4,096", system(4, 2, 1, 1.4, tiles=4096)),
        ("fast | 4 x 4 | 2 | 1.8 V | 4,096", system(4, 4, 2, 1.8, tiles=4096)),
    )
    for name, point in shown:
        yield Text(
            words=f"| {name} | {{}} pJ | {{:.2g}} TMAC/s | {{}} $ |"
            if "fast" not in name
            else f"| {name} | {{}} pJ | {{}} TMAC/s | {{:.0f}} $ |",
            values=(
                point["energy_per_op_j"] * PJ,
                point["throughput_ops_per_s"] * TERA,
                point["cost_usd"],
            ),
        )
    low, high = system(2, 2, 1, 1.2), system(2, 2, 1, 1.4)
    yield Text(
        words="The array of least energy takes {} pJ at {} MHz and 1.2 V, and {} pJ at {:.1f} MHz "
        "and 1.4 V: energy follows the square of the supply (a ratio of {} against 1.36)",
        values=(
            *(energy(low), low["clock_frequency_hz"] * MHZ),
            *(energy(high), high["clock_frequency_hz"] * MHZ, energy(high) / energy(low)),
        ),
    )


def _array_pipeline(system: Callable[..., Any]) -> Iterator[Text]:
    """What a pipeline stage and result registers change."""
    none, single = system(2, 2, 0, 1.8), system(2, 2, 1, 1.8)
    wide, wider = system(2, 4, 1, 1.8), system(2, 4, 2, 1.8)
    yield Text(
        words="{:.2f} pJ at {:.0f} MHz without and {:.2f} pJ at {:.0f} MHz with it (2 x 2, 1.8 V)."
        " Glitches fall from {:.0f} to {:.0f} % of the power, registers and clock tree rise from "
        "{:.0f} to {:.0f} %.",
        values=(
            *(energy(none), none["f_max_hz"] * MHZ, energy(single), single["f_max_hz"] * MHZ),
            *(share(none, "glitch"), share(single, "glitch")),
            *(share(none, "register", "clock_tree"), share(single, "register", "clock_tree")),
        ),
    )
    yield Text(
        words="{:.1f} pJ at {:.0f} MHz with one, {:.1f} pJ at {:.0f} MHz with two (2 x 4, 1.8 V), "
        "for {:.0f} % more area",
        values=(
            *(energy(wide), wide["f_max_hz"] * MHZ, energy(wider), wider["f_max_hz"] * MHZ),
            percent_more(wider["block_area_m2"], wide["block_area_m2"]),
        ),
    )
    plain, drained = system(4, 4, 0, 1.8), system(4, 4, 0, 1.8, overlapped_drain=True)
    yield Text(
        words="({:.1f} MACs per cycle of 16); with result registers it is {:.1f}.",
        values=(plain["ops_per_cycle"], drained["ops_per_cycle"]),
    )


def _array_widths(system: Callable[..., Any]) -> Iterator[Text]:
    """What overlapped draining and wider sums cost."""
    short, long = system(4, 2, 1, 1.8), system(4, 2, 1, 1.8, overlapped_drain=True)
    yield Text(
        words="they give {:.0f} % more throughput for {:.0f} % more area and {:.0f} % more energy",
        values=tuple(
            percent_more(long[name], short[name])
            for name in ("block_throughput_ops_per_s", "block_area_m2", "block_energy_per_op_j")
        ),
    )
    usual = [system(2, 2, stages, 1.8) for stages in (0, 1)]
    wider_sums = [system(2, 2, stages, 1.8, accumulator_bits=24) for stages in (0, 1)]
    yield Text(
        words="cost {:.0f} % of energy without a stage and {:.0f} % with one (2 x 2, 1.8 V)",
        values=tuple(
            percent_more(energy(more), energy(less))
            for more, less in zip(wider_sums, usual, strict=True)
        ),
    )


def _array_layout(table: Any, system: Callable[..., Any]) -> Iterator[Text]:
    """What wires, clock tree and glitches change."""
    none, single = system(2, 2, 0, 1.8), system(2, 2, 1, 1.8)
    shares = [
        [share(point, part) for _, point in table[table["on_front"]].iterrows()]
        for part in ("wire", "clock_tree", "glitch")
    ]
    ranges = [_range(part) for part in shares]
    yield Text(
        words="wires take {} of the power, the clock tree {}, and glitches {}.".format(
            *(slots for slots, _ in ranges)
        ),
        values=tuple(number for _, ends in ranges for number in ends),
    )
    cells = {"wires": "none", "clock_tree": False, "glitches": False}
    bare = [energy(system(2, 2, stages, 1.8, physical=cells)) for stages in (0, 1)]
    slow = [energy(system(2, 2, stages, 1.2, physical=cells)) for stages in (0, 1)]
    slow += [energy(system(2, 2, stages, 1.2)) for stages in (0, 1)]
    yield Text(
        words="a pipeline stage costs {:.0f} % of energy; with wires, clock tree and "
        "glitches it saves {:.0f} %. At 1.2 V the effect is similar: {:.2f} and {:.2f} pJ "
        "become {:.2f} and {:.2f} pJ.",
        values=(percent_more(bare[1], bare[0]), -percent_more(energy(single), energy(none)), *slow),
    )
    wired = {"glitches": False}
    for name, stages in (("no pipeline stage", 0), ("one stage", 1)):
        levels = [system(2, 2, stages, 1.8, physical=each) for each in (cells, wired, None)]
        yield Text(
            words=f"| {name} |" + " {:.2f} pJ, {:.0f} MHz |" * 3,
            values=tuple(
                number for point in levels for number in (energy(point), point["f_max_hz"] * MHZ)
            ),
        )


def _range(shares: list[float]) -> tuple[str, tuple[float, ...]]:
    """Slots and figures of a range in percent; one slot where both ends are printed alike."""
    low, high = min(shares), max(shares)
    if f"{low:.0f}" == f"{high:.0f}":
        return "{:.0f} %", (low,)
    return "{:.0f} to {:.0f} %", (low, high)


def _array_system(runs: Runs, system: Callable[..., Any]) -> Iterator[Text]:
    """Copies, chiplets and clocks."""
    smallest, fast = system(2, 2, 1, 1.2), system(4, 4, 2, 1.8, tiles=4096)
    yield Text(
        words="from {:.3f} for 256 copies of the smallest array to {:.2f} for the largest die "
        "here ({:.1f} cm²)",
        values=(smallest["die_yield_frac"], fast["die_yield_frac"], fast["die_area_m2"] * CM2),
    )
    four = {"chiplets": 4, "arrangement": "organic"}
    middle = [system(4, 2, 1, 1.2, tiles=1024, **more) for more in ({}, four)]
    larger = [system(4, 2, 1, 1.4, tiles=4096, **more) for more in ({}, four)]
    fastest = [system(4, 4, 2, 1.8, tiles=4096, **more) for more in ({}, four)]
    yield Text(
        words="cost {:.2f} $ at {:.2f} pJ on one die, {:.2f} $ at {:.2f} pJ on four; 4,096 copies "
        "{:.1f} against {:.1f} $; the fast point of {:.1f} cm² {:.0f} against {:.0f} $.",
        values=(
            *(n for each in middle for n in (each["cost_usd"], each["energy_per_op_j"] * PJ)),
            *(each["cost_usd"] for each in larger),
            fast["die_area_m2"] * CM2,
            *(each["cost_usd"] for each in fastest),
        ),
    )


def _precision(runs: Runs) -> Iterator[Text]:
    def array(bits: int, sparsity: float, stages: int) -> Any:
        return runs.row(
            "mac_precision", operand_bits=bits, sparsity=sparsity, pipeline_stages=stages
        )

    for bits in (2, 4, 6, 8):
        dense, staged = array(bits, 0.0, 0), array(bits, 0.0, 1)
        yield Text(
            words=f"| {bits} | {{:.2f}} | {{:.2f}} | {{:.2f}} | {{:.0f}} % | {{:.2f}} | "
            "{:.0f} % | {:.0f}, {:.0f} MHz |",
            values=(
                *(energy(array(bits, sparsity, 0)) for sparsity in (0.0, 0.5, 0.9)),
                *(share(dense, "glitch"), energy(staged), share(staged, "glitch")),
                *(dense["f_max_hz"] * MHZ, staged["f_max_hz"] * MHZ),
            ),
        )
    yield from _precision_stage(array)
    eight, two = array(8, 0.0, 0), array(2, 0.0, 0)
    yield Text(
        words="({:.1f} times for four times the bits)", values=(energy(eight) / energy(two),)
    )
    yield Text(
        words="{:.0f} % at half zeros, {:.0f} % at 90 %.",
        values=tuple(
            -percent_more(energy(array(8, zeros, 0)), energy(eight)) for zeros in (0.5, 0.9)
        ),
    )


def _precision_stage(array: Callable[..., Any]) -> Iterator[Text]:
    """What the pipeline stage costs and saves."""

    def part(point: Any, *parts: str) -> float:
        return share(point, *parts) / PERCENT * energy(point)

    dense, staged = array(8, 0.0, 0), array(8, 0.0, 1)
    clocked = [part(point, "register", "clock_tree") for point in (dense, staged)]
    yield Text(
        words="Registers and clock tree take {:.1f} of {:.1f} pJ",
        values=(clocked[0], energy(dense)),
    )
    yield Text(
        words="adds {:.1f} pJ of registers and clock tree at 8 bits and stops {:.1f} pJ of "
        "glitches: {:.0f} % more speed",
        values=(
            clocked[1] - clocked[0],
            part(dense, "glitch") - part(staged, "glitch"),
            percent_more(staged["f_max_hz"], dense["f_max_hz"]),
        ),
    )
    yield Text(
        words="({:.2f} against {:.2f} pJ at 90 %)",
        values=(energy(array(8, 0.9, 1)), energy(array(8, 0.9, 0))),
    )
    four, two = ((array(bits, 0.0, 0), array(bits, 0.0, 1)) for bits in (4, 2))
    yield Text(
        words="At 4 bits the stage adds {:.0f} % of speed at nearly equal energy, at 2 bits it "
        "costs {:.0f} % of energy for {:.0f} % of speed",
        values=(
            percent_more(four[1]["f_max_hz"], four[0]["f_max_hz"]),
            percent_more(energy(two[1]), energy(two[0])),
            percent_more(two[1]["f_max_hz"], two[0]["f_max_hz"]),
        ),
    )


def _fir(runs: Runs, form: str, samples: int, stages: int, vdd_v: float) -> Any:
    """A point of the sweep of filters."""
    return runs.row(
        "fir", form=form, samples_per_cycle=samples, pipeline_stages=stages, vdd_v=vdd_v
    )


def _filter(runs: Runs) -> Iterator[Text]:
    fir = functools.partial(_fir, runs)
    yield from _filter_table(runs.table("fir"), fir)
    yield from _filter_forms(fir)
    yield from _filter_rates(fir)


def _filter_table(table: Any, fir: Callable[..., Any]) -> Iterator[Text]:
    """Every form over the supply."""
    yield Text(
        words="all {:d} points. {:d} are on the front.",
        values=(len(table), int(table["on_front"].sum())),
    )
    for form in ("direct", "transposed"):
        for samples in (1, 2, 4):
            for stages in (0, 1):
                points = [fir(form, samples, stages, vdd_v) for vdd_v in SUPPLIES]
                yield Text(
                    words=f"| {form}, {samples}, {stages} | {{:,.0f}} |"
                    + " {}, {} |" * len(SUPPLIES)
                    + " {:.0f} %, {:.0f} %, {:.0f} % |",
                    values=(
                        points[0]["block_area_m2"] * UM2,
                        *(n for point in points for n in (rate(point), energy(point))),
                        *(share(points[0], part) for part in ("wire", "clock_tree", "glitch")),
                    ),
                )


def _filter_forms(fir: Callable[..., Any]) -> Iterator[Text]:
    """Direct against transposed, and several samples per cycle."""
    direct, transposed = fir("direct", 1, 0, 1.8), fir("transposed", 1, 0, 1.8)
    yield Text(
        words="(at 1.8 V, one sample per cycle: {} against {} pJ). The transposed form is "
        "faster ({:.0f} against {:.0f} MHz)",
        values=(
            *(energy(direct), energy(transposed)),
            *(transposed["f_max_hz"] * MHZ, direct["f_max_hz"] * MHZ),
        ),
    )
    staged = [fir(form, 1, 1, 1.8) for form in ("transposed", "direct")]
    yield Text(
        words="the slower form ({:.0f} against {:.0f} MHz), and the difference in energy remains "
        "({} against {} pJ).",
        values=(*(each["f_max_hz"] * MHZ for each in staged), *map(energy, staged)),
    )
    wide = [fir("direct", samples, 0, 1.8) for samples in (1, 2, 4)]
    yield Text(
        words="two samples per cycle save {:.0f} % (registers and their clock are shared), and "
        "four cost {:.0f} % more than one: wires go from {:.0f} to {:.0f} to {:.0f} % of the "
        "energy, glitches from {:.0f} to {:.0f} to {:.0f} %.",
        values=(
            -percent_more(energy(wide[1]), energy(wide[0])),
            percent_more(energy(wide[2]), energy(wide[0])),
            *(share(each, part) for part in ("wire", "glitch") for each in wide),
        ),
    )


def _filter_rates(fir: Callable[..., Any]) -> Iterator[Text]:
    """Which filter has the least energy at a rate."""
    direct, staged = fir("direct", 1, 0, 1.8), fir("direct", 1, 1, 1.8)
    low, high = fir("direct", 4, 1, 1.0), fir("direct", 2, 0, 1.2)
    yield Text(
        words="with a stage: {:.1f} Msamples/s at {} pJ (1.0 V), where two take {} pJ (1.2 V).",
        values=(rate(low), energy(low), energy(high)),
    )
    piped, both = fir("direct", 1, 1, 1.6), fir("direct", 4, 1, 1.2)
    yield Text(
        words="one sample, one stage, 1.6 V: {:.0f} Msamples/s at {} pJ, faster than without a "
        "stage at 1.8 V and with less energy, because glitches fall from {:.0f} to {:.0f} %.",
        values=(
            *(rate(piped), energy(piped)),
            *(share(each, "glitch") for each in (direct, piped)),
        ),
    )
    yield Text(
        words="four samples and a stage at 1.2 V: {:.0f} Msamples/s at {} pJ, where one sample and "
        "a stage take {} pJ at 1.8 V for {:.0f} Msamples/s.",
        values=(rate(both), energy(both), energy(staged), rate(staged)),
    )
    two, four = fir("direct", 2, 0, 1.4), fir("direct", 4, 0, 1.2)
    yield Text(
        words="One sample per cycle at 1.8 V: {:.0f} Msamples/s at {} pJ. Two at 1.4 V: {:.0f} "
        "Msamples/s at {} pJ, {:.1f} times less energy for {:.1f} times the area. Four at 1.2 V: "
        "{:.0f} Msamples/s at {} pJ, {:.1f} times less for {:.1f} times the area.",
        values=(
            *(rate(direct), energy(direct)),
            *(rate(two), energy(two), energy(direct) / energy(two)),
            two["block_area_m2"] / direct["block_area_m2"],
            *(rate(four), energy(four), energy(direct) / energy(four)),
            four["block_area_m2"] / direct["block_area_m2"],
        ),
    )
