"""Figures of docs/blocks/sweeps.md: the question of each shipped sweep and its answer."""

from __future__ import annotations

from collections.abc import Iterator

from figure_values import PJ
from figures import Runs
from page_figures import Text

from chipdse.study.question.shipped import questions
from concept_texts.block_answers import (
    AREA,
    BLOCK_ANSWERS,
    ENERGY,
    Answer,
    Answers,
    holds,
    least,
    more,
)
from concept_texts.fronts import LARGE_FRONT_FRAC, LARGE_FRONTS, front_counts


def shipped_sweeps(runs: Runs) -> Iterator[Text]:
    """One row per sweep that ships; a sweep without an answer here is an error.

    Raises
    ------
    LookupError : more than a third of a sweep's points are on its front, and no reason is stated
    """
    large = set()
    for name, question in questions().items():
        page, answer = ANSWERS[name]
        words, *values = answer(runs)
        asked = " ".join(question.split()).partition(" (docs/")[0]
        label = f"[`{name}`]({page})"
        counts = front_counts(runs, name)
        if counts is None:
            yield Text(words=f"| {label} | {asked} | {words} | |", values=tuple(values))
            continue
        front, points = counts
        if front > LARGE_FRONT_FRAC * points:
            large.add(name)
        yield Text(
            words=f"| {label} | {asked} | {words} | {{:.0f}} of {{:.0f}} |",
            values=(*values, front, points),
        )
    if large != set(LARGE_FRONTS):
        raise LookupError(f"fronts of {sorted(large)} are large, not of {sorted(LARGE_FRONTS)}")
    for name, reason in LARGE_FRONTS.items():
        yield Text(words=f"- `{name}` {reason}.", values=())


def _edge_classifier(runs: Runs) -> Answer:
    table = runs.table("edge_classifier")
    energy, latency, cost = (
        table.loc[table[name].idxmin()] for name in ("energy_per_task_j", "latency_s", "cost_usd")
    )
    for row, size in ((energy, 8), (latency, 8), (cost, 4)):
        holds(row, array_rows=size, array_columns=size)
    return (
        "{:.0f} arrays of 8 x 8 at {:.1f} V take the least energy and carbon ({:.1f} µJ); at "
        "{:.1f} V they are the fastest ({:.0f} µs); {:.0f} array of 4 x 4 is the cheapest ({:.2f} "
        "USD).",
        energy["array_count"],
        energy["array_vdd_v"],
        energy["energy_per_task_j"] * 1e6,
        latency["array_vdd_v"],
        latency["latency_s"] * 1e6,
        cost["array_count"],
        cost["cost_usd"],
    )


def _fir_folding(runs: Runs) -> Answer:
    table = runs.table("fir_folding")
    complete, half, single = (least(table, f"vdd_v == 1.8 and folding == {n}") for n in (1, 2, 8))
    return (
        "Not at all for energy: half of the multipliers take {:.1f} times the energy per sample "
        "and {:.0f} % less area, one multiplier {:.1f} times and {:.0f} % less (1.8 V).",
        half[ENERGY] / complete[ENERGY],
        -more(half[AREA], complete[AREA]),
        single[ENERGY] / complete[ENERGY],
        -more(single[AREA], complete[AREA]),
    )


def _packages(runs: Runs) -> Answer:
    table = runs.table("mac_array_packages").query(
        "rows == 8 and columns == 8 and cooling == 'heatsink_forced_air'"
    )
    cheapest = table.loc[table["cost_usd"].idxmin()]
    cleanest = table.loc[table["total_kgco2e"].idxmin()]
    coolest = table.loc[table["peak_temperature_c"].idxmin()]
    holds(cleanest, arrangement="stack_hybrid")
    holds(coolest, arrangement="organic")
    return (
        "{:.0f} die is the cheapest ({:.2f} USD), {:.0f} hybrid-bonded dies emit least over the "
        "life, {:.0f} dies side by side are the coolest ({:.1f} °C).",
        cheapest["chiplets"],
        cheapest["cost_usd"],
        cleanest["chiplets"],
        coolest["chiplets"],
        coolest["peak_temperature_c"],
    )


def _mac_precision(runs: Runs) -> Answer:
    table = runs.table("mac_precision")
    wide, narrow, sparse = (
        least(table, f"operand_bits == {bits} and sparsity == {zeros}")[ENERGY]
        for bits, zeros in ((8, 0.0), (2, 0.0), (8, 0.9))
    )
    return (
        "2 bits take {:.0f} % less energy than 8 on dense data, 90 % zeros save {:.0f} % at 8 "
        "bits.",
        -more(narrow, wide),
        -more(sparse, wide),
    )


def _masked(runs: Runs) -> Answer:
    plain, shared = (runs.row("masked", structure="composite", shares=shares) for shares in (1, 2))
    return (
        "Two shares bring the largest t of first order from {:.0f} to {:.1f} (a leak is above "
        "4.5) for {:.1f} times the area and {:.1f} times the energy.",
        plain["max_t_first_order"],
        shared["max_t_first_order"],
        shared[AREA] / plain[AREA],
        shared[ENERGY] / plain[ENERGY],
    )


def _memory_boundary(runs: Runs) -> Answer:
    table = runs.table("memory_boundary")
    macro = table["memory_macro_bits"] > 0

    def first(metric: str) -> float:
        logic, macros = (table[which].set_index("depth")[metric] for which in (~macro, macro))
        return float(min(depth for depth in logic.index if macros[depth] < logic[depth]))

    return (
        "For energy from {:.0f} words on, for area from {:.0f} (of 17, 33, 65 and 129).",
        first("energy_per_op_j"),
        first("silicon_area_m2"),
    )


def _nodes(runs: Runs) -> Answer:
    table = runs.table("nodes")
    joule, old = (least(table, which) for which in ("index >= 0", "library == 'sky130'"))
    holds(joule, library="gt2n")
    speed = "throughput_ops_per_s"
    holds(table.loc[table[speed].idxmax()], library="gt2n")
    holds(table.loc[(table[speed] / table["cost_usd"]).idxmax()], library="asap7")
    return (
        "2 nm per joule and second ({:.2f} pJ per MAC, 130 nm {:.1f}), 7 nm per dollar.",
        joule[ENERGY] * PJ,
        old[ENERGY] * PJ,
    )


def _rv32_programs(runs: Runs) -> Answer:
    table = runs.table("rv32_programs").query("vdd_v == 0.8")
    run_j = "block_energy_per_run_j"
    ratios = []
    for program in ("aes128", "fir", "quicksort", "sha256"):
        small, wide = (
            least(table, f"program == '{program}' and registers == {n}", run_j)[run_j]
            for n in (16, 32)
        )
        ratios.append(more(wide, small))
    return (
        "RV32E with a parallel shifter, for a filter a serial one; 32 registers take {:.0f} to "
        "{:.0f} % more energy per program.",
        min(ratios),
        max(ratios),
    )


def _supply(runs: Runs) -> Answer:
    return (
        "The lower the throughput, the lower the supply: 1.8 V for the highest, 0.9 V for a "
        "hundredth of it.",
    )


def _zero_gating(runs: Runs) -> Answer:
    def saved(zeros: float) -> float:
        none, isolate = (
            runs.row("zero_gating", gating=gating, sparsity=zeros)[ENERGY]
            for gating in ("none", "isolate")
        )
        return -more(isolate, none)

    return (
        "From a quarter of zeros on: isolation saves {:.0f} % of the energy there and {:.0f} % at "
        "90 % zeros; on dense data it costs {:.0f} %.",
        saved(0.25),
        saved(0.9),
        -saved(0.0),
    )


ANSWERS: Answers = BLOCK_ANSWERS | {
    "edge_classifier": ("../tutorial/chips.md", _edge_classifier),
    "fir_folding": ("blocks.md", _fir_folding),
    "mac_array_packages": ("../concepts/packages.md", _packages),
    "mac_precision": ("../tutorial/mac_array.md", _mac_precision),
    "masked": ("../concepts/power_over_time.md", _masked),
    "memory_boundary": ("../howto/memories.md", _memory_boundary),
    "nodes": ("../howto/nodes.md", _nodes),
    "rv32_programs": ("rv32.md", _rv32_programs),
    "supply": ("../concepts/library.md", _supply),
    "zero_gating": ("blocks.md", _zero_gating),
}
