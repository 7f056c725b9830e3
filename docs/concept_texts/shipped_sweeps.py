"""Figures of docs/blocks/sweeps.md: the question of each shipped sweep and its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from figure_values import PJ
from figures import Runs
from page_figures import Text

from chipdse.study.question.shipped import questions

Answer = tuple[str, *tuple[float, ...]]
ENERGY, AREA, SPEED = "block_energy_per_op_j", "block_area_m2", "block_throughput_ops_per_s"


def shipped_sweeps(runs: Runs) -> Iterator[Text]:
    """One row per sweep that ships; a sweep without an answer here is an error."""
    for name, question in questions().items():
        page, answer = ANSWERS[name]
        words, *values = answer(runs)
        asked = " ".join(question.split()).partition(" (docs/")[0]
        label = f"[`{name}`]({page})"
        yield Text(words=f"| {label} | {asked} | {words} |", values=tuple(values))


def _more(first: float, second: float) -> float:
    """By how many percent the first is above the second."""
    return (first / second - 1) * 100


def _least(table: Any, query: str, metric: str = ENERGY) -> Any:
    """The row with the least of a metric among those of a query."""
    chosen = table.query(query)
    return chosen.loc[chosen[metric].idxmin()]


def _adder(runs: Runs) -> Answer:
    ripple, fastest = (
        runs.row("adder", structure=name, vdd_v=1.8) for name in ("ripple", "kogge_stone")
    )
    return (
        "Ripple, at every supply; the fastest, Kogge-Stone, takes {:.0f} % more energy at 1.8 V "
        "and is {:.1f} times as fast.",
        _more(fastest[ENERGY], ripple[ENERGY]),
        fastest[SPEED] / ripple[SPEED],
    )


def _aes_sbox(runs: Runs) -> Answer:
    plain, shared = (runs.row("aes_sbox", shares=n, vdd_v=1.8) for n in (1, 2))
    return (
        "{:.1f} times the area and {:.1f} times the energy per byte at 1.8 V; the shares have "
        "registers, so that they are {:.1f} times as fast.",
        shared[AREA] / plain[AREA],
        shared[ENERGY] / plain[ENERGY],
        shared[SPEED] / plain[SPEED],
    )


def _ascon(runs: Runs) -> Answer:
    def at(function: str, rounds: int) -> Any:
        given = {"function": function, "message_bytes": 128, "vdd_v": 1.8}
        return runs.row("ascon", rounds_per_cycle=rounds, **given)

    one, four, both = at("encrypt", 1), at("encrypt", 4), at("both", 1)
    return (
        "One round per cycle; four are {:.2f} times as fast and take {:.1f} times the energy (128 "
        "bytes, 1.8 V). Decryption costs {:.1f} % energy.",
        four[SPEED] / one[SPEED],
        four[ENERGY] / one[ENERGY],
        _more(both[ENERGY], one[ENERGY]),
    )


def _cordic(runs: Runs) -> Answer:
    unrolled, iterative = (
        runs.row("cordic", architecture=name, iterations_per_cycle=1, vdd_v=1.8)
        for name in ("unrolled", "iterative")
    )
    return (
        "Unrolled with one iteration per cycle: {:.0f} % less energy and {:.1f} times the "
        "throughput of the iterative one at 1.8 V, in {:.1f} times the area.",
        -_more(unrolled[ENERGY], iterative[ENERGY]),
        unrolled[SPEED] / iterative[SPEED],
        unrolled[AREA] / iterative[AREA],
    )


def _d2d_link(runs: Runs) -> Answer:
    none = {"inversion": "none", "protection": "none", "replay": False}
    everything = {"inversion": "ac", "protection": "crc16", "replay": True}
    least, most = (
        runs.row("d2d_link", serialisation=serialisation, vdd_v=1.8, **given)
        for serialisation, given in ((1, none), (16, everything))
    )
    return (
        "{:.2f} pJ/bit with none of them at 1.8 V, {:.2f} with sixteenfold serialisation, "
        "inversion, CRC and replay.",
        least[ENERGY] * PJ,
        most[ENERGY] * PJ,
    )


def _dot_product(runs: Runs) -> Answer:
    best = runs.table("dot_product").groupby("number_format")[ENERGY].min() * PJ
    return (
        "At least {:.1f} pJ in int4, {:.1f} in int8, {:.1f} and {:.1f} in fp8 (e5m2, e4m3), "
        "{:.1f} in bf16.",
        *(best[name] for name in ("int4", "int8", "fp8_e5m2", "fp8_e4m3", "bf16")),
    )


def _edge_classifier(runs: Runs) -> Answer:
    table = runs.table("edge_classifier")
    energy, latency, cost = (
        table.loc[table[name].idxmin()] for name in ("energy_per_task_j", "latency_s", "cost_usd")
    )
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


def _fft(runs: Runs) -> Answer:
    table = runs.table("fft")
    best, worst = table.loc[table[ENERGY].idxmin()], table.loc[table[ENERGY].idxmax()]
    return (
        "Radix 2**2 with memories and scaled words ({:.0f} pJ per sample); radix 2 with shift "
        "registers and growing words takes {:.0f} % more.",
        best[ENERGY] * PJ,
        _more(worst[ENERGY], best[ENERGY]),
    )


def _fifo(runs: Runs) -> Answer:
    def at(depth: int, organisation: str) -> float:
        given = {"load": 0.9, "clock_gating": 4, "organisation": organisation}
        return float(runs.row("fifo", depth=depth, **given)[ENERGY])

    return (
        "Move the words of a queue of two ({:.0f} % less energy than a ring), the pointers from "
        "four words on; at sixteen words a shift queue takes {:.1f} times the energy (load 0.9, "
        "clock gates).",
        -_more(at(2, "shift"), at(2, "ring")),
        at(16, "shift") / at(16, "ring"),
    )


def _fir(runs: Runs) -> Answer:
    table = runs.table("fir")
    best, fastest = table.loc[table[ENERGY].idxmin()], table.loc[table[SPEED].idxmax()]
    return (
        "Direct form with {:.0f} samples per cycle at {:.1f} V ({:.1f} pJ per sample); with {:.0f} "
        "samples and a pipeline register at {:.1f} V it is the fastest ({:.0f}·10⁶/s).",
        best["samples_per_cycle"],
        best["vdd_v"],
        best[ENERGY] * PJ,
        fastest["samples_per_cycle"],
        fastest["vdd_v"],
        fastest[SPEED] * 1e-6,
    )


def _fir_folding(runs: Runs) -> Answer:
    table = runs.table("fir_folding")
    whole, half, one = (_least(table, f"vdd_v == 1.8 and folding == {n}") for n in (1, 2, 8))
    return (
        "Not at all for energy: half of the multipliers take {:.1f} times the energy per sample "
        "and {:.0f} % less area, one multiplier {:.1f} times and {:.0f} % less (1.8 V).",
        half[ENERGY] / whole[ENERGY],
        -_more(half[AREA], whole[AREA]),
        one[ENERGY] / whole[ENERGY],
        -_more(one[AREA], whole[AREA]),
    )


def _keccak(runs: Runs) -> Answer:
    table = runs.table("keccak")
    best = table.loc[table[ENERGY].idxmin()]
    four = _least(table, "vdd_v == 0.8 and rounds_per_cycle == 4")
    return (
        "{:.0f} round per cycle without an input buffer at {:.1f} V ({:.1f} pJ per byte); four "
        "rounds take {:.1f} times the energy and hash fewer bytes per second.",
        best["rounds_per_cycle"],
        best["vdd_v"],
        best[ENERGY] * PJ,
        four[ENERGY] / best[ENERGY],
    )


def _mac_array(runs: Runs) -> Answer:
    table = runs.table("mac_array").query("state == 'feasible'")
    joule, dollar = table.loc[table["energy_per_op_j"].idxmin()], table.loc[
        table["speed_per_usd"].idxmax()
    ]  # fmt: skip
    return (
        "{:.0f} x {:.0f} arrays at {:.1f} V for energy ({:.2f} pJ per MAC), {:.0f} x {:.0f} "
        "arrays at {:.1f} V for speed per dollar.",
        joule["rows"],
        joule["columns"],
        joule["vdd_v"],
        joule["energy_per_op_j"] * PJ,
        dollar["rows"],
        dollar["columns"],
        dollar["vdd_v"],
    )


def _packages(runs: Runs) -> Answer:
    table = runs.table("mac_array_packages").query(
        "rows == 8 and columns == 8 and cooling == 'heatsink_forced_air'"
    )
    cheapest = table.loc[table["cost_usd"].idxmin()]
    cleanest = table.loc[table["total_kgco2e"].idxmin()]
    coolest = table.loc[table["peak_temperature_c"].idxmin()]
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
        _least(table, f"operand_bits == {bits} and sparsity == {zeros}")[ENERGY]
        for bits, zeros in ((8, 0.0), (2, 0.0), (8, 0.9))
    )
    return (
        "2 bits take {:.0f} % less energy than 8 on dense data, 90 % zeros save {:.0f} % at 8 "
        "bits.",
        -_more(narrow, wide),
        -_more(sparse, wide),
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


def _multiplier(runs: Runs) -> Answer:
    def at(recoding: str, stages: int) -> Any:
        return runs.row("multiplier", recoding=recoding, pipeline_stages=stages, vdd_v=1.8)

    none, three, booth = at("none", 0), at("none", 3), at("booth", 0)
    return (
        "Near and beyond the highest speed of one without registers: three stages are {:.1f} "
        "times as fast and take {:.1f} times the energy at 1.8 V. Booth recoding takes {:.0f} % "
        "more energy in {:.0f} % less area.",
        three[SPEED] / none[SPEED],
        three[ENERGY] / none[ENERGY],
        _more(booth[ENERGY], none[ENERGY]),
        -_more(booth[AREA], none[AREA]),
    )


def _noc_router(runs: Runs) -> Answer:
    two, eight = (
        runs.row(
            "noc_router", buffer_flits=n, arbitration="fixed", flow="ready", load=0.6,
            clock_gating=4,
        )
        for n in (2, 8)
    )  # fmt: skip
    return (
        "{:.0f} flits: {:.1f} pJ per flit at a load of 0.6; eight flits take {:.0f} % more.",
        two["buffer_flits"],
        two[ENERGY] * PJ,
        _more(eight[ENERGY], two[ENERGY]),
    )


def _nodes(runs: Runs) -> Answer:
    table = runs.table("nodes")
    joule, old = table[ENERGY].min(), _least(table, "library == 'sky130'")[ENERGY]
    return (
        "2 nm per joule and second ({:.2f} pJ per MAC, 130 nm {:.1f}), 7 nm per dollar.",
        joule * PJ,
        old * PJ,
    )


def _ntt(runs: Runs) -> Answer:
    table = runs.table("ntt")
    best = table.loc[table[ENERGY].idxmin()]
    one = _least(table, "vdd_v == 0.8 and butterflies == 1")
    return (
        "{:.0f} butterflies, Montgomery's reduction and two stages ({:.1f} nJ at {:.1f} V); one "
        "butterfly takes {:.1f} times the energy at the same supply.",
        best["butterflies"],
        best[ENERGY] * 1e9,
        best["vdd_v"],
        one[ENERGY] / best[ENERGY],
    )


def _rv32(runs: Runs) -> Answer:
    table = runs.table("rv32").query("vdd_v == 0.8 and program == 'crc32'")
    best = table.loc[table[ENERGY].idxmin()]
    wide = _least(table, "registers == 32")
    staged = _least(table, "stages == 2")
    return (
        "Half of the registers, the second stage and the parallel shifter: 32 registers take "
        "{:.0f} % more energy per instruction, two stages {:.0f} % more (checksum, 0.8 V).",
        _more(wide[ENERGY], best[ENERGY]),
        _more(staged[ENERGY], best[ENERGY]),
    )


def _rv32_programs(runs: Runs) -> Answer:
    table = runs.table("rv32_programs").query("vdd_v == 0.8")
    run_j = "block_energy_per_run_j"
    ratios = []
    for program in ("aes128", "fir", "quicksort", "sha256"):
        small, wide = (
            _least(table, f"program == '{program}' and registers == {n}", run_j)[run_j]
            for n in (16, 32)
        )
        ratios.append(_more(wide, small))
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
        return -_more(isolate, none)

    return (
        "From a quarter of zeros on: isolation saves {:.0f} % of the energy there and {:.0f} % at "
        "90 % zeros; on dense data it costs {:.0f} %.",
        saved(0.25),
        saved(0.9),
        -saved(0.0),
    )


ANSWERS: dict[str, tuple[str, Callable[[Runs], Answer]]] = {
    "adder": ("adder.md", _adder),
    "aes_sbox": ("aes_sbox.md", _aes_sbox),
    "ascon": ("ascon.md", _ascon),
    "cordic": ("cordic.md", _cordic),
    "d2d_link": ("d2d_link.md", _d2d_link),
    "dot_product": ("dot_product.md", _dot_product),
    "edge_classifier": ("../tutorial/chips.md", _edge_classifier),
    "fft": ("fft.md", _fft),
    "fifo": ("fifo.md", _fifo),
    "fir": ("../tutorial/mac_array.md", _fir),
    "fir_folding": ("blocks.md", _fir_folding),
    "keccak": ("keccak.md", _keccak),
    "mac_array": ("../tutorial/mac_array.md", _mac_array),
    "mac_array_packages": ("../concepts/packages.md", _packages),
    "mac_precision": ("../tutorial/mac_array.md", _mac_precision),
    "masked": ("../concepts/power_over_time.md", _masked),
    "memory_boundary": ("../howto/memories.md", _memory_boundary),
    "multiplier": ("multiplier.md", _multiplier),
    "noc_router": ("noc_router.md", _noc_router),
    "nodes": ("../howto/nodes.md", _nodes),
    "ntt": ("ntt.md", _ntt),
    "rv32": ("rv32.md", _rv32),
    "rv32_programs": ("rv32.md", _rv32_programs),
    "supply": ("../concepts/library.md", _supply),
    "zero_gating": ("blocks.md", _zero_gating),
}
"""Of each sweep: the page that explains it, and its answer in a sentence."""
