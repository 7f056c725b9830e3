"""Which sentences and tables of the blocks' pages hold which figures of the stored runs.

See `docs/figures.py`. Each function gives the texts of one page, as its page words them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from concept_texts import boundary
from figure_values import (
    KILO,
    PJ_PER_NJ,
    area,
    energy,
    f_max,
    line,
    percent_less,
    percent_more,
    rate,
    share,
    span,
)
from figures import Runs, Text

SUPPLIES = (1.8, 1.6, 1.4, 1.2, 1.0, 0.8)


def adder(runs: Runs) -> Iterator[Text]:
    """Which adder at which supply."""
    structures = ("ripple", "carry_select", "brent_kung", "operator", "sklansky", "kogge_stone")
    at = {
        (name, vdd_v): runs.row("adder", structure=name, vdd_v=vdd_v)
        for name, vdd_v in product(structures, SUPPLIES)
    }
    for name in structures:
        points = [at[name, vdd_v] for vdd_v in SUPPLIES]
        yield line(
            f"`{name}`",
            ("{:,.0f}", area(points[0])),
            *(("{}, {:.2f}", rate(point), energy(point)) for point in points),
        )
    fast = at["ripple", 1.8], at["brent_kung", 1.2], at["sklansky", 1.2]
    yield Text(
        words="Ripple reaches {} Madd/s at 1.8 V with {:.2f} pJ; Brent-Kung reaches {} at 1.2 V "
        "with {:.2f}, Sklansky {} at 1.2 V with {:.2f}.",
        values=tuple(figure for point in fast for figure in (rate(point), energy(point))),
    )
    brent, kogge = at["brent_kung", 1.6], at["kogge_stone", 1.4]
    faster, sklansky = at["kogge_stone", 1.6], at["sklansky", 1.6]
    low = at["sklansky", 1.2], at["kogge_stone", 1.2]
    yield Text(
        words="Brent-Kung takes {:.2f} pJ for {} Madd/s (1.6 V), and Kogge-Stone {:.2f} for {} "
        "(1.4 V), {:.0f} % less. At 1.6 V Kogge-Stone takes {:.2f} for {}, and Sklansky {:.2f} for "
        "{}.",
        values=(
            *(energy(brent), rate(brent), energy(kogge), rate(kogge)),
            *(percent_less(energy(kogge), energy(brent)), energy(faster), rate(faster)),
            *(energy(sklansky), rate(sklansky)),
        ),
    )
    yield Text(
        words="{} for {:.2f} pJ against {} for {:.2f} (both 1.2 V).",
        values=tuple(figure for point in low for figure in (rate(point), energy(point))),
    )
    brent, sklansky, kogge = (at[name, 1.8] for name in ("brent_kung", "sklansky", "kogge_stone"))
    yield Text(
        words="Sklansky is {:.0f} % faster than Brent-Kung for {:.0f} % more energy and {:.0f} % "
        "more area, and Kogge-Stone {:.0f} % faster for {:.0f} % and {:.0f} %.",
        values=tuple(
            percent_more(of(point), of(brent))
            for point in (sklansky, kogge)
            for of in (rate, energy, area)
        ),
    )
    built = [percent_less(rate(at["operator", v]), rate(at["brent_kung", v])) for v in SUPPLIES]
    yield Text(
        words="takes the same energy as Brent-Kung, and is {:.0f} to {:.0f} % slower.",
        values=span(built),
    )
    ripple = at["ripple", 1.8]
    yield Text(
        words="{:.0f} % less than Brent-Kung at {:.0f} % of its speed",
        values=(percent_less(energy(ripple), energy(brent)), 100 * rate(ripple) / rate(brent)),
    )
    yield Text(
        words="Registers and clock tree take {:.0f} to {:.0f} % of the energy",
        values=span(share(at[name, 1.8], "register", "clock_tree") for name in structures),
    )


def aes_sbox(runs: Runs) -> Iterator[Text]:
    """What two shares cost."""
    at = {
        (shares, vdd_v): runs.row("aes_sbox", shares=shares, vdd_v=vdd_v)
        for shares, vdd_v in product((1, 2), (0.8, 1.8))
    }
    for shares in (1, 2):
        nominal, low = at[shares, 1.8], at[shares, 0.8]
        yield line(
            f"{shares}",
            ("{:,.0f}", area(nominal)),
            ("{:.0f}", f_max(nominal)),
            *(("{}", figure) for figure in (rate(nominal), energy(nominal))),
            ("{:.0f} %", share(nominal, "glitch")),
            *(("{}", figure) for figure in (rate(low), energy(low))),
        )
    plain, masked = at[1, 1.8], at[2, 1.8]
    yield Text(
        words="Two shares take {:.1f} times the area and {:.1f} times the energy per byte** at "
        "1.8 V, and their clock is {:.1f} times as fast",
        values=tuple(of(masked) / of(plain) for of in (area, energy, f_max)),
    )
    yield Text(
        words="Registers and clock tree take {:.0f} % of the energy with two shares and {:.0f} % "
        "with one",
        values=tuple(share(point, "register", "clock_tree") for point in (masked, plain)),
    )
    low = at[2, 0.8]
    yield Text(
        words="At 0.8 V two shares take {:.0f} % less energy than one share at 1.8 V, for {:.1f} "
        "instead of {:.0f} Mbyte/s",
        values=(percent_less(energy(low), energy(plain)), rate(low), rate(plain)),
    )


def ascon(runs: Runs) -> Iterator[Text]:
    """How many rounds per cycle."""

    def core(function: str, rounds: int, length: int = 128, vdd_v: float = 1.8) -> Any:
        return runs.row(
            "ascon",
            **{"function": function, "rounds_per_cycle": rounds},
            **{"message_bytes": length, "vdd_v": vdd_v},
        )

    for function, rounds in product(("encrypt", "both"), (1, 2, 4)):
        long, short = core(function, rounds), core(function, rounds, 16)
        low = core(function, rounds, vdd_v=0.8)
        yield line(
            f"{function} | {rounds}",
            ("{:,.0f}", area(long)),
            ("{:.0f}", f_max(long)),
            *(("{:.0f}, {:.0f}", rate(point), energy(point)) for point in (long, short)),
            ("{:.1f}, {:.1f}", rate(low), energy(low)),
            ("{:.0f} %", share(long, "glitch")),
        )
    first, second, fourth = (core("encrypt", rounds) for rounds in (1, 2, 4))
    yield Text(
        words="A second round gains {:.0f} % in speed for {:.0f} % more area and {:.0f} % more "
        "energy.",
        values=tuple(percent_more(of(second), of(first)) for of in (rate, area, energy)),
    )
    slow = core("encrypt", 2, vdd_v=1.6)
    yield Text(
        words="one round gives {:.0f} Mbyte/s for {:.0f} pJ per byte (1.8 V), two rounds {:.0f} "
        "for {:.0f} (1.6 V).",
        values=(rate(first), energy(first), rate(slow), energy(slow)),
    )
    yield Text(
        words="Four rounds gain {:.0f} % and take {:.1f} times the energy: the share of the "
        "registers falls from {:.0f} to {:.0f} %",
        values=(
            percent_more(rate(fourth), rate(first)),
            energy(fourth) / energy(first),
            *(share(point, "register") for point in (first, fourth)),
        ),
    )
    yield Text(
        words="**Decryption costs little**: {:.0f} % more area",
        values=(percent_more(area(core("both", 1)), area(first)),),
    )
    yield Text(
        words="cost {:.1f} times as much energy per byte",
        values=(energy(core("encrypt", 1, 16)) / energy(first),),
    )
    low = core("encrypt", 1, vdd_v=0.8)
    yield Text(
        words="the energy falls by a factor of {:.1f}, and the speed by a factor of {:.0f}",
        values=(energy(first) / energy(low), rate(first) / rate(low)),
    )


def cordic(runs: Runs) -> Iterator[Text]:
    """Unrolled or iterative."""

    def block(architecture: str, steps: int, vdd_v: float = 1.8) -> Any:
        return runs.row(
            "cordic", architecture=architecture, iterations_per_cycle=steps, vdd_v=vdd_v
        )

    for architecture, steps in product(("unrolled", "iterative"), (1, 2, 4)):
        points = [block(architecture, steps, vdd_v) for vdd_v in SUPPLIES[:-1]]
        yield line(
            f"{architecture}, {steps}",
            ("{:,.0f}", area(points[0])),
            *(("{}, {:.0f}", rate(point), energy(point)) for point in points),
            ("{:.0f} %", share(points[0], "glitch")),
        )
    unrolled, second, fourth = (block("unrolled", steps) for steps in (1, 2, 4))
    iterative, twice, four = (block("iterative", steps) for steps in (1, 2, 4))
    yield Text(
        words="{:.1f} times smaller and {:.1f} times slower, with {:.1f} times the energy.",
        values=(
            *(area(unrolled) / area(iterative), rate(unrolled) / rate(iterative)),
            energy(iterative) / energy(unrolled),
        ),
    )
    yield Text(
        words="take {:.0f} % more energy than after every iteration at the same supply, and {:.0f} "
        "% less area, but are {:.0f} % slower.",
        values=(
            percent_more(energy(second), energy(unrolled)),
            *(percent_less(of(second), of(unrolled)) for of in (area, rate)),
        ),
    )
    slow, fast = block("unrolled", 1, 1.4), block("unrolled", 2, 1.6)
    yield Text(
        words="{} Mvector/s for {:.0f} pJ (1.4 V) against {} for {:.0f} pJ (1.6 V). With "
        "registers after every fourth iteration, glitches take {:.0f} % of the energy.",
        values=(
            *(rate(slow), energy(slow), rate(fast), energy(fast)),
            share(fourth, "glitch"),
        ),
    )
    yield Text(
        words="{:.0f} % with two, at {:.0f} % more energy; {:.0f} % with four, at {:.0f} % more.",
        values=(
            percent_more(rate(twice), rate(iterative)),
            percent_more(energy(twice), energy(iterative)),
            percent_more(rate(four), rate(iterative)),
            percent_more(energy(four), energy(iterative)),
        ),
    )


def d2d_link(runs: Runs) -> Iterator[Text]:
    """Whether inversion pays, and what everything costs."""
    yield from _inversion(runs)

    def link(beats: int, protection: str, replay: bool = False, inversion: str = "none") -> Any:
        return runs.row(
            "d2d_link",
            **{"serialisation": beats, "protection": protection, "replay": replay},
            **{"inversion": inversion, "vdd_v": 1.8},
        )

    beats = (1, 4, 16)
    kinds = [(name, False) for name in ("none", "parity", "crc8", "crc16")]
    kinds += [(name, True) for name in ("parity", "crc8", "crc16")]
    for name, replay in kinds:
        points = [link(each, name, replay) for each in beats]
        yield line(
            f"{name}, replay" if replay else name,
            *(("{:.2f}, {:,.0f}, {:,.0f}", energy(p), area(p), f_max(p)) for p in points),
        )
    for coding in ("dc", "ac"):
        yield line(
            f"`{coding}` adds to none",
            *(
                ("{:.2f}", energy(link(n, "none", False, coding)) - energy(link(n, "none")))
                for n in beats
            ),
        )
    wide, middle, narrow = (energy(link(each, "none")) for each in beats)
    yield Text(
        words="a quarter of the wires costs {:.2f} pJ per bit more, a sixteenth {:.1f} pJ",
        values=(middle - wide, narrow - wide),
    )
    added = {
        name: [energy(link(n, name)) - energy(link(n, "none")) for n in beats]
        for name in ("parity", "crc8", "crc16")
    }
    yield Text(
        words="({:.2f} to {:.2f} pJ); a checksum costs {:.1f} to {:.1f}",
        values=(*span(added["parity"]), *span(added["crc8"] + added["crc16"])),
    )
    yield Text(
        words="**Replay** costs {:.1f} to {:.2f}",
        values=span(
            energy(link(n, name, True)) - energy(link(n, name)) for n in beats for name in added
        ),
    )
    yield Text(
        words="from {:,.0f} MHz for a register and a wire to {:.0f} with a checksum and replay",
        values=(f_max(link(1, "none")), min(f_max(link(1, n, True)) for n in added)),
    )


def _inversion(runs: Runs) -> Iterator[Text]:
    kinds = {
        "uniform": "random",
        "activations": "activations",
        "sparse": "half zero bytes",
        "counter": "counter",
    }
    for values, label in kinds.items():
        for inversion in ("none", "dc", "ac"):
            row = runs.result("link_coding", values=values, inversion=inversion)
            cells = [
                ("{:.2f}", row["logic_j_per_bit"] * 1e12),
                ("{:.3f}", row["toggles_per_bit"]),
                ("{:.3f}", row["high_per_bit"]),
            ]
            if row["break_even_j"] is not None:
                cells.append(("{:.1f} pJ", row["break_even_j"] * 1e12))
            yield line(f"{label} | {inversion}", *cells)
    codings = ("none", "dc", "ac")
    at = {
        (values, coding): runs.result("link_coding", values=values, inversion=coding)
        for values, coding in product(kinds, codings)
    }
    yield Text(
        words="the encoder and decoder change the energy by {:+.2f} to {:+.2f} pJ per bit",
        values=span(
            (row["logic_j_per_bit"] - at[values, "none"]["logic_j_per_bit"]) * 1e12
            for (values, coding), row in at.items()
            if coding != "none"
        ),
    )
    pays = at["uniform", "ac"]["break_even_j"]
    yield Text(
        words="from about {:.0f} pJ per transition: `C V² / 2` of {:.1f} pF at 1.8 V or {:.1f} pF "
        "at 1 V",
        values=(pays * 1e12, 2 * pays / 1.8**2 * 1e12, 2 * pays * 1e12),
    )
    yield Text(
        words="{:.0f} MHz without, {:.0f} with `dc`, {:.0f} with `ac`.",
        values=tuple(at["uniform", coding]["f_max_hz"] * 1e-6 for coding in codings),
    )


def dot_product(runs: Runs) -> Iterator[Text]:
    """What a MAC costs."""
    formats = ("fp8_e5m2", "fp8_e4m3", "bf16")
    at = {
        (name, guard, stages): runs.row(
            "dot_product", number_format=name, guard_bits=guard, pipeline_stages=stages
        )
        for name, guard, stages in product(("int4", "int8", *formats), (4, 12), (0, 1))
    }
    floats = [(name, guard) for name in formats for guard in (4, 12)]
    for name, guard in [("int4", 4), ("int8", 4), *floats]:
        plain, staged = at[name, guard, 0], at[name, guard, 1]
        yield line(
            name if name.startswith("int") else f"{name}, {guard}",
            ("{:,.0f}", area(plain)),
            ("{:,.0f}", rate(plain)),
            ("{:.1f}", energy(plain)),
            ("{:.0f} %", share(plain, "glitch")),
            ("{:,.0f}, {:.1f}", rate(staged), energy(staged)),
            ("{:.0f} %", share(staged, "glitch")),
        )
    int8 = energy(at["int8", 4, 0])
    yield Text(
        words="fp8 takes {:.1f} to {:.1f} times the energy at half the speed. int4 takes {:.1f} "
        "times less than int8.",
        values=(
            *(energy(at[name, 4, 0]) / int8 for name in ("fp8_e5m2", "fp8_e4m3")),
            int8 / energy(at["int4", 4, 0]),
        ),
    )
    yield Text(
        words="bf16 takes {:.1f} times the energy of int8",
        values=(energy(at["bf16", 4, 0]) / int8,),
    )
    yield Text(
        words="eight more cost {:.0f} % (bf16) to {:.0f} % (E4M3).",
        values=tuple(
            percent_more(energy(at[name, 12, 0]), energy(at[name, 4, 0]))
            for name in ("bf16", "fp8_e4m3")
        ),
    )
    yield Text(
        words="in floating point, {:.0f} to {:.0f} %,",
        values=span(share(at[*each, 0], "glitch") for each in floats),
    )
    changes = [percent_more(energy(at[*each, 1]), energy(at[*each, 0])) for each in floats]
    yield Text(
        words="change their energy by {:.0f} to {:+.0f} %, and all gain {:.0f} to {:.0f} % of "
        "speed.",
        values=(
            *span(changes),
            *span(percent_more(rate(at[*each, 1]), rate(at[*each, 0])) for each in floats),
        ),
    )
    pairs = [(at[name, 4, 1], at[name, 4, 0]) for name in ("int8", "int4")]
    yield Text(
        words="({:.0f} % for int8, {:.0f} % for int4), for {:.0f} to {:.0f} % more speed.",
        values=tuple(percent_more(of(a), of(b)) for of in (energy, rate) for a, b in pairs),
    )


def fft(runs: Runs) -> Iterator[Text]:
    """Which choice saves most."""
    at = {
        (radix, scaling, lines): runs.row("fft", radix=radix, scaling=scaling, delay_lines=lines)
        for radix, scaling, lines in product((2, 4), ("grow", "half"), ("shift", "memory"))
    }
    for (radix, scaling, lines), point in at.items():
        yield line(
            f"{radix}, {scaling}, {lines}",
            ("{:,.0f}", area(point)),
            ("{:.0f}", rate(point)),
            ("{:.0f}", energy(point)),
            *(("{:.0f} %", share(point, part)) for part in ("glitch", "register", "clock_tree")),
        )
    halved = [
        (at[radix, "half", lines], at[radix, "grow", lines])
        for radix, lines in product((2, 4), ("shift", "memory"))
    ]
    yield Text(
        words="take {:.0f} to {:.0f} % less energy and {:.0f} to {:.0f} % less area",
        values=tuple(
            figure
            for of in (energy, area)
            for figure in span(percent_less(of(a), of(b)) for a, b in halved)
        ),
    )
    stored = [
        (at[radix, scaling, "memory"], at[radix, scaling, "shift"])
        for radix, scaling in product((2, 4), ("grow", "half"))
    ]
    yield Text(
        words="save {:.0f} to {:.0f} % of energy for {:.0f} to {:.0f} % more area, and change "
        "speed by {:.0f} to {:+.0f} %.",
        values=(
            *span(percent_less(energy(a), energy(b)) for a, b in stored),
            *(
                f
                for of in (area, rate)
                for f in span(percent_more(of(a), of(b)) for a, b in stored)
            ),
        ),
    )
    turned = {
        scaling: [(at[4, scaling, lines], at[2, scaling, lines]) for lines in ("shift", "memory")]
        for scaling in ("grow", "half")
    }
    yield Text(
        words="saves {:.0f} to {:.0f} % of area (one multiplier of three). It saves a little "
        "energy, more together with scaling ({:.0f} to {:.0f} %; without scaling {:.0f} to {:.0f} "
        "%).",
        values=(
            *span(percent_less(area(a), area(b)) for pairs in turned.values() for a, b in pairs),
            *(
                figure
                for scaling in ("half", "grow")
                for figure in span(percent_less(energy(a), energy(b)) for a, b in turned[scaling])
            ),
        ),
    )


def fifo(runs: Runs) -> Iterator[Text]:
    """Move the words or the pointers."""

    def queue(organisation: str, depth: int, gates: int, load: float) -> Any:
        return runs.row(
            "fifo",
            **{"organisation": organisation, "depth": depth, "clock_gating": gates},
            **{"load": load, "vdd_v": 1.0},
        )

    kinds = {depth: ("ring", "prefetch", "shift") for depth in (4, 8, 16)}
    kinds = {2: ("ring", "shift")} | kinds
    for depth, organisations in kinds.items():
        for name in organisations:
            gated = queue(name, depth, 4, 0.3)
            yield line(
                f"{depth} | {name}",
                ("{:,.0f}", area(gated)),
                ("{:.0f}", f_max(gated)),
                *(
                    ("{}", energy(queue(name, depth, gates, load)))
                    for gates, load in product((0, 4), (0.3, 0.9))
                ),
            )
    spreads = [
        span(energy(queue(name, depth, 0, load)) for name in organisations)
        for depth, organisations in kinds.items()
        for load in (0.3, 0.9)
    ]
    yield Text(
        words="differ little** (by {:.0f} % at most)",
        values=(max(percent_more(high, low) for low, high in spreads),),
    )
    ring, prefetch, shift = (queue(name, 16, 4, 0.9) for name in kinds[16])
    yield Text(
        words="a shift queue takes {:.1f} times the energy of a ring",
        values=(energy(shift) / energy(ring),),
    )
    yield Text(
        words="(a shift queue takes {:.0f} % less energy at 16 words and a load of 0.3)",
        values=(
            percent_less(energy(queue("shift", 16, 4, 0.3)), energy(queue("ring", 16, 4, 0.3))),
        ),
    )
    yield Text(
        words="it is {:.0f} % faster at 16 words",
        values=(percent_more(f_max(prefetch), f_max(ring)),),
    )


def keccak(runs: Runs) -> Iterator[Text]:
    """How many rounds per cycle."""

    def core(rounds: int, buffered: bool, vdd_v: float = 1.8) -> Any:
        return runs.row("keccak", rounds_per_cycle=rounds, input_buffer=buffered, vdd_v=vdd_v)

    for rounds, buffered in product((1, 2, 3, 4), (False, True)):
        fast, low = core(rounds, buffered), core(rounds, buffered, 0.8)
        yield line(
            f"{rounds} | {'yes' if buffered else 'no'}",
            ("{:,.0f}", area(fast)),
            ("{:.0f}", f_max(fast)),
            ("{:.0f}", rate(fast)),
            ("{:.0f}", energy(fast)),
            ("{:.0f} %", share(fast, "glitch")),
            ("{:.1f}", rate(low)),
            ("{:.1f}", energy(low)),
        )
    first, fourth, buffered = core(1, False), core(4, False), core(1, True)
    yield Text(
        words="their share falls from {:.0f} to {:.0f} %",
        values=(share(first, "register"), share(fourth, "register")),
    )
    yield Text(
        words="with four rounds they are {:.0f} % of the power", values=(share(fourth, "glitch"),)
    )
    yield Text(
        words="it gives {:.0f} % more speed for {:.0f} % more area and {:.0f} % more energy per "
        "byte",
        values=tuple(percent_more(of(buffered), of(first)) for of in (rate, area, energy)),
    )


def multiplier(runs: Runs) -> Iterator[Text]:
    """Structures, gating and pipelining."""
    yield from _structures(runs)
    yield from _multiplier_gating(runs)
    yield from _pipelines(runs)


def choice(runs: Runs, block: str, *options: dict[str, Any]) -> dict[str, float]:
    """A result of `benchmarks/block_choices.py`: hardware, workload and synthesis options."""
    hardware, workload, synthesis = (*options, {}, {}, {})[:3]
    return runs.result(
        "block_choices", block=block, hardware=hardware, workload=workload, synthesis=synthesis
    )


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
    yield Text(words="(but {:.0f} % of area)", values=(percent_more(*areas),))


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

    def both(*points: Any) -> tuple[float, ...]:
        return tuple(figure for point in points for figure in (rate(point), energy(point)))

    yield Text(
        words="{} M/s take {:.2f} pJ without (1.6 V), and {} take {:.2f} with one (1.4 V). The "
        "highest speed without a register, {}, takes {:.2f} (1.8 V), and {} with one take {:.2f} "
        "(1.6 V)",
        values=both(
            *(at["none", 0, 1.6], at["none", 1, 1.4], at["none", 0, 1.8], at["none", 1, 1.6])
        ),
    )
    slow, staged = at["none", 0, 1.4], at["none", 1, 1.2]
    yield Text(
        words="{} M/s for {:.2f} pJ without (1.4 V), {} for {:.2f} with one (1.2 V).",
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


def noc_router(runs: Runs) -> Iterator[Text]:
    """How deep buffers should be."""

    def router(flow: str, arbitration: str, flits: int, load: float, gates: int = 4) -> Any:
        return runs.row(
            "noc_router",
            **{"flow": flow, "arbitration": arbitration, "buffer_flits": flits},
            **{"load": load, "clock_gating": gates},
        )

    kinds = [("ready", "round_robin", flits) for flits in (2, 4, 8)]
    kinds += [("ready", "fixed", flits) for flits in (2, 8)]
    kinds += [("credit", "round_robin", flits) for flits in (2, 4, 8)]
    for flow, arbitration, flits in kinds:
        light, medium, heavy = (router(flow, arbitration, flits, load) for load in (0.1, 0.3, 0.6))
        yield line(
            f"{flow} | {arbitration.replace('_', ' ')} | {flits}",
            ("{:,.0f}", area(light)),
            ("{:.0f}", f_max(light)),
            ("{:.1f}", energy(light)),
            *(("{:.2f}, {:.1f}", p["ops_per_cycle"], energy(p)) for p in (medium, heavy)),
        )
    two, four, eight = (
        {load: router("ready", "round_robin", flits, load) for load in (0.1, 0.3, 0.6)}
        for flits in (2, 4, 8)
    )
    yield Text(
        words="almost the same traffic ({:.0f} % less) as with eight places, for {:.0f} % less "
        "energy and {:.0f} % less area. At a load of 0.6, four places carry {:.0f} % more flits "
        "for {:.0f} % more energy per flit, and eight places another {:.0f} % for {:.0f} %.",
        values=(
            percent_less(two[0.3]["ops_per_cycle"], eight[0.3]["ops_per_cycle"]),
            percent_less(energy(two[0.3]), energy(eight[0.3])),
            percent_less(area(two[0.3]), area(eight[0.3])),
            *(
                percent_more(figure(deep[0.6]), figure(flat[0.6]))
                for deep, flat in ((four, two), (eight, four))
                for figure in (lambda point: point["ops_per_cycle"], energy)
            ),
        ),
    )
    yield Text(
        words="two, four and eight places carry {:.0f}, {:.0f} and {:.0f} million flits per "
        "*second*",
        values=tuple(rate(each[0.6]) for each in (two, four, eight)),
    )
    fixed = router("ready", "fixed", 2, 0.6)
    yield Text(
        words="**Fairness costs little**: {:.0f} % of area and {:.0f} % of frequency.",
        values=(
            percent_more(area(two[0.6]), area(fixed)),
            percent_less(f_max(two[0.6]), f_max(fixed)),
        ),
    )
    deep = router("ready", "fixed", 8, 0.6)
    yield Text(
        words="({:.2f} flits per cycle, against {:.2f})",
        values=(deep["ops_per_cycle"], eight[0.6]["ops_per_cycle"]),
    )
    bare = [energy(router("ready", "round_robin", flits, 0.1, 0)) for flits in (2, 4, 8)]
    middle = [energy(router("ready", "round_robin", flits, 0.3, 0)) for flits in (2, 8)]
    gated = [energy(each[0.1]) for each in (two, four, eight)]
    yield Text(
        words="{:.0f}, {:.0f} and {:.0f} pJ per flit for two, four and eight places at a load of "
        "0.1, and {:.0f} against {:.0f} at 0.3. Gates save a factor of {:.1f} to {:.1f} at the "
        "load of 0.1.",
        values=(*bare, *middle, *span(a / b for a, b in zip(bare, gated, strict=True))),
    )


def ntt(runs: Runs) -> Iterator[Text]:
    """How many butterflies, which reduction."""

    def block(butterflies: int, reduction: str, stages: int, vdd_v: float = 1.8) -> Any:
        return runs.row(
            "ntt",
            **{"butterflies": butterflies, "reduction": reduction},
            **{"pipeline_stages": stages, "vdd_v": vdd_v},
        )

    montgomery, barrett = "montgomery", "barrett"
    kinds = [(1, montgomery, 0), (1, barrett, 0), (1, montgomery, 1)]
    kinds += [(n, name, 2) for n in (1, 2, 4) for name in (montgomery, barrett)]
    kinds += [(8, montgomery, 0), (8, montgomery, 2), (8, barrett, 2)]
    for butterflies, reduction, stages in kinds:
        point = block(butterflies, reduction, stages)
        yield line(
            f"{butterflies} | {reduction} | {stages}",
            ("{:,.0f}", area(point)),
            ("{:.0f}", f_max(point)),
            ("{:.0f}", float(point["block_throughput_ops_per_s"]) * KILO),
            ("{:.0f}", energy(point) / PJ_PER_NJ),
            ("{:.0f} %", share(point, "glitch")),
        )
    one, two, four, eight = (block(n, montgomery, 2) for n in (1, 2, 4, 8))
    plain = block(1, montgomery, 0)
    yield Text(
        words="Two registers make it {:.1f} times as fast, save {:.0f} % of the energy and cost "
        "{:.0f} % of area.",
        values=(
            *(rate(one) / rate(plain), percent_less(energy(one), energy(plain))),
            percent_more(area(one), area(plain)),
        ),
    )
    yield Text(
        words="glitches run through all of these ({:.0f} % of the energy with Barrett's",
        values=(share(block(1, barrett, 0), "glitch"),),
    )
    yield Text(
        words="Two butterflies instead of one give {:.1f} times the transforms for {:.0f} % more "
        "area and {:.0f} % less energy, and four give {:.1f} times for {:.0f} % more area and "
        "{:.0f} % less energy",
        values=tuple(
            figure
            for point in (two, four)
            for figure in (
                rate(point) / rate(one),
                percent_more(area(point), area(one)),
                percent_less(energy(point), energy(one)),
            )
        ),
    )
    yield Text(
        words="({:.1f} times, for {:.0f} % more area)",
        values=(rate(eight) / rate(one), percent_more(area(eight), area(one))),
    )
    yield Text(
        words="(Barrett then takes {:.0f} % more energy)",
        values=(percent_more(energy(block(1, barrett, 0)), energy(plain)),),
    )
    pairs = [(block(n, barrett, 2), block(n, montgomery, 2)) for n in (1, 2, 4, 8)]
    yield Text(
        words="With two registers Barrett changes the frequency by {:.0f} to {:+.0f} %, is "
        "{:.0f} to {:.0f} % larger, and changes the energy by {:.0f} to {:+.0f} %.",
        values=tuple(
            figure
            for of in (rate, area, energy)
            for figure in span(percent_more(of(a), of(b)) for a, b in pairs)
        ),
    )
    low = block(4, montgomery, 2, 0.8)
    yield Text(
        words="four pipelined butterflies take {:.1f} nJ, at {:,.0f} transforms per second.",
        values=(energy(low) / PJ_PER_NJ, float(low["block_throughput_ops_per_s"])),
    )


def rv32(runs: Runs) -> Iterator[Text]:
    """What to leave out."""

    def core(
        registers: int, stages: int, shifter: str, program: str, gates: int, vdd_v: float = 1.8
    ) -> Any:
        return runs.row(
            "rv32",
            **{"registers": registers, "stages": stages, "shifter": shifter},
            **{"program": program, "clock_gating": gates, "vdd_v": vdd_v},
        )

    kinds = [*product((16, 32), (1, 2), ("parallel", "serial"))]
    for kind in kinds:
        crc = core(*kind, "crc32", 4)
        cells = []
        for program in ("crc32", "dot"):
            gated, bare = core(*kind, program, 4), core(*kind, program, 0)
            cells += [
                ("{:.0f}", rate(gated)),
                ("{:.0f}", energy(bare)),
                ("{:.1f}", energy(gated)),
            ]
        yield line(
            " | ".join(map(str, kind)), ("{:,.0f}", area(crc)), ("{:.0f}", f_max(crc)), *cells
        )
    saved = [
        percent_less(of(core(*kind, program, 4)), of(core(*kind, program, 0)))
        for of in (energy, area)
        for kind in kinds
        for program in ("crc32", "dot")
    ]
    half = len(saved) // 2
    yield Text(
        words="they save {:.0f} to {:.0f} % of the energy in these cores, and {:.0f} to {:.0f} % "
        "of the area",
        values=(*span(saved[:half]), *span(saved[half:])),
    )
    small = {gates: core(16, 1, "parallel", "crc32", gates) for gates in (0, 4)}
    large = {gates: core(32, 1, "parallel", "crc32", gates) for gates in (0, 4)}
    yield Text(
        words="Without gates half the registers save {:.0f} % of the energy",
        values=(percent_less(energy(small[0]), energy(large[0])),),
    )
    yield Text(
        words="with gates half the registers save {:.0f} %, and {:.0f} % of the rest is glitches "
        "in logic. **Leaving out the upper registers is second**: it saves {:.0f} % of the area",
        values=(
            percent_less(energy(small[4]), energy(large[4])),
            share(small[4], "glitch"),
            percent_less(area(small[4]), area(large[4])),
        ),
    )
    pairs = [
        (core(registers, stages, "serial", name, 4), core(registers, stages, "parallel", name, 4))
        for registers, stages, name in product((16, 32), (1, 2), ("crc32", "dot"))
    ]
    yield Text(
        words="the serial shifter saves at most {:.1f} % of the area, changes the energy by "
        "{:+.0f} to {:+.0f} %, and is {:.0f} to {:.0f} % slower",
        values=(
            max(percent_less(area(a), area(b)) for a, b in pairs),
            *span(percent_more(energy(a), energy(b)) for a, b in pairs),
            *span(percent_less(rate(a), rate(b)) for a, b in pairs),
        ),
    )
    staged = [
        percent_more(
            f_max(core(registers, 2, shifter, "crc32", 4)),
            f_max(core(registers, 1, shifter, "crc32", 4)),
        )
        for registers, shifter in product((16, 32), ("parallel", "serial"))
    ]
    yield Text(words="gains at most {:.0f} % of frequency here.", values=(max(staged),))
    low = core(16, 1, "parallel", "dot", 4, 0.8)
    yield Text(
        words="the parallel shifter takes {:.1f} pJ per instruction of `dot`, at {:.2f} million "
        "instructions per second.",
        values=(energy(low), rate(low)),
    )


def blocks(runs: Runs) -> Iterator[Text]:
    """The page of all blocks: array, filter and what saves energy."""
    yield from _array(runs)
    yield from _filter(runs)
    yield from _gating(runs)
    yield from _folding(runs)
    yield from _carry_save(runs)
    yield from _gates(runs)


def _choice_cells(point: dict[str, float], work: str) -> list[tuple[Any, ...]]:
    return [
        ("{:,.0f}", point["area_um2"]),
        ("{:.0f}", point["f_max_mhz"]),
        ("{:,.0f}", point["throughput_mops_per_s"]),
        (work, point["energy_pj_per_op"]),
        ("{:.0f} %", 100 * point["register_power_frac"]),
        ("{:.0f} %", 100 * point["glitch_power_frac"]),
    ]


def _array(runs: Runs) -> Iterator[Text]:
    rows = {
        "defaults": {},
        "`pipeline_stages=1`": {"pipeline_stages": 1},
        "`pipeline_stages=2`": {"pipeline_stages": 2},
        "`overlapped_drain=True`": {"overlapped_drain": True},
        "4 bits, sums of 16": {"operand_bits": 4, "accumulator_bits": 16},
        "16 bits, sums of 40": {"operand_bits": 16, "accumulator_bits": 40},
    }
    points = {label: choice(runs, "mac_array", hardware) for label, hardware in rows.items()}
    for label, point in points.items():
        yield line(label, *_choice_cells(point, "{:.1f}"))
    works: dict[str, dict[str, Any]] = {
        "Gaussian operands": {"values": "gaussian"},
        "half of A zero": {"sparsity": 0.5},
        "nine tenths of A zero": {"sparsity": 0.9},
    }
    for label, workload in works.items():
        point = choice(runs, "mac_array", {}, workload)
        yield line(f"{label} | as defaults | |", *_choice_cells(point, "{:.1f}")[3:])
    plain, one, two, _, narrow, wide = points.values()
    named = ("f_max_mhz", "area_um2", "energy_pj_per_op")
    yield Text(
        words="The first pipeline register makes the clock {:.0f} % faster for {:.0f} % more area",
        values=tuple(percent_more(one[name], plain[name]) for name in named[:2]),
    )
    yield Text(
        words="The second gives {:.0f} % more frequency for {:.0f} % more area and {:.0f} % more "
        "energy",
        values=tuple(percent_more(two[name], one[name]) for name in named),
    )
    yield Text(
        words="their share falls from {:.0f} to {:.0f} %.",
        values=tuple(100 * each["register_power_frac"] for each in (narrow, wide)),
    )
    sparse = choice(runs, "mac_array", {}, {"sparsity": 0.9})
    yield Text(
        words="Zeros save only {:.0f} % at nine tenths of A zero",
        values=(percent_less(sparse[named[2]], plain[named[2]]),),
    )


def _filter(runs: Runs) -> Iterator[Text]:
    fixed, staged = {"coefficients": "fixed"}, {"pipeline_stages": 1}
    transposed = {"form": "transposed"}
    rows: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "direct": ({}, {}),
        "transposed": (transposed, {}),
        "direct, `pipeline_stages=1`": (staged, {}),
        "transposed, `pipeline_stages=1`": (transposed | staged, {}),
        "direct, 2 samples per cycle": ({"samples_per_cycle": 2}, {}),
        "direct, fixed coefficients": (fixed, {}),
        "transposed, fixed coefficients": (transposed | fixed, {}),
        "direct, white noise": ({}, {"signal": "noise"}),
    }
    points = [choice(runs, "fir", *options) for options in rows.values()]
    for label, point in zip(rows, points, strict=True):
        yield line(label, *_choice_cells(point, "{:.0f}"))
    direct, turned, piped, turned_piped, two, constant, *_ = points
    joules, speed, size = "energy_pj_per_op", "f_max_mhz", "area_um2"
    yield Text(
        words="({:.0f} % more, {:.0f} % with a product register)",
        values=(
            percent_more(turned[joules], direct[joules]),
            percent_more(turned_piped[joules], piped[joules]),
        ),
    )
    yield Text(
        words="with the register, the direct form is {:.0f} % faster. One product register makes "
        "the direct form {:.0f} % faster for {:.0f} % less energy and {:.0f} % more area",
        values=(
            percent_more(piped[speed], turned_piped[speed]),
            percent_more(piped[speed], direct[speed]),
            percent_less(piped[joules], direct[joules]),
            percent_more(piped[size], direct[size]),
        ),
    )
    yield Text(
        words="cost slightly more than this saves (energy per sample: {:+.1f} %). Fixed "
        "coefficients save {:.0f} % of the area and {:.0f} % of the energy.",
        values=(
            percent_more(two[joules], direct[joules]),
            *(percent_less(constant[name], direct[name]) for name in (size, joules)),
        ),
    )


def _gating(runs: Runs) -> Iterator[Text]:
    zeros = (0.0, 0.25, 0.5, 0.75, 0.9)
    at = {
        (gating, part): runs.row("zero_gating", gating=gating, sparsity=part)
        for gating, part in product(("none", "zero", "isolate"), zeros)
    }
    for gating in ("none", "zero", "isolate"):
        yield line(
            gating,
            ("{:,.0f}", area(at[gating, 0.0])),
            *(("{:.1f}", energy(at[gating, part])) for part in zeros),
        )
    plain, isolated = at["none", 0.0], at["isolate", 0.0]
    yield Text(
        words="it costs {:.0f} % of area, and {:.0f} % of energy on dense operands. Without "
        "gating, nine tenths of zeros save {:.0f} %",
        values=(
            percent_more(area(isolated), area(plain)),
            percent_more(energy(isolated), energy(plain)),
            percent_less(energy(at["none", 0.9]), energy(plain)),
        ),
    )
    yield Text(
        words="Gated clocks alone save {:.0f} %, isolated multipliers {:.0f} %",
        values=tuple(
            percent_less(energy(at[gating, 0.9]), energy(at["none", 0.9]))
            for gating in ("zero", "isolate")
        ),
    )
    yield Text(
        words="The array here saves {:.0f} % at half zeros and {:.0f} % at three quarters",
        values=tuple(
            percent_less(energy(at["isolate", part]), energy(at["none", part]))
            for part in (0.5, 0.75)
        ),
    )
    stopped = [
        energy(at[gating, 0.9]) * share(at[gating, 0.9], "glitch") for gating in ("none", "isolate")
    ]
    saved = 100 * (energy(at["none", 0.9]) - energy(at["isolate", 0.9]))
    yield Text(
        words="Of the saving of isolation at nine tenths, {:.0f} % are glitches, which are {:.0f} "
        "to {:.0f} % of the energy of the ungated array.",
        values=(
            100 * (stopped[0] - stopped[1]) / saved,
            *span(share(at["none", part], "glitch") for part in zeros),
        ),
    )


def _gates(runs: Runs) -> Iterator[Text]:
    core = {"stages": 1, "shifter": "parallel", "program": "crc32", "vdd_v": 1.8}
    rows = {
        "[`fifo`](fifo.md), ring of 16 words of 16 bits, load 0.3": (
            "fifo",
            {"organisation": "ring", "depth": 16, "load": 0.3, "vdd_v": 1.0},
        ),
        "[`noc_router`](noc_router.md), four places per input, load 0.1": (
            "noc_router",
            {"flow": "ready", "arbitration": "round_robin", "buffer_flits": 4, "load": 0.1},
        ),
        "[`rv32`](rv32.md), 32 registers, crc32": (
            "rv32",
            core | {"registers": 32},
        ),
    }
    units = {"fifo": "word", "noc_router": "flit", "rv32": "instruction"}
    saved = []
    for label, (sweep, values) in rows.items():
        bare, gated = (
            energy(runs.row(sweep, **(values | {"clock_gating": gates}))) for gates in (0, 4)
        )
        saved.append(percent_less(gated, bare))
        yield line(label, (f"{{}} pJ per {units[sweep]}", bare), ("{}", gated))
    yield Text(words="The savings above are {:.0f}, {:.0f} and {:.0f} %", values=tuple(saved))
    cores = {
        (registers, gates): energy(
            runs.row("rv32", **(core | {"registers": registers, "clock_gating": gates}))
        )
        for registers, gates in product((16, 32), (0, 4))
    }
    yield Text(
        words="the upper half of the registers costs {:.0f} % more energy instead of {:.0f} %",
        values=tuple(percent_more(cores[32, gates], cores[16, gates]) for gates in (4, 0)),
    )
    yield Text(words="an SRAM macro pays only from {:.0f} words on", values=(boundary(runs),))


def _folding(runs: Runs) -> Iterator[Text]:
    supplies = SUPPLIES[:-1]
    at = {
        (folding, gating, vdd_v): runs.row(
            "fir_folding", folding=folding, gating=gating, vdd_v=vdd_v
        )
        for folding, gating, vdd_v in product((1, 2, 4, 8), ("none", "idle"), supplies)
    }
    for folding in (1, 2, 4, 8):
        points = [at[folding, "none", vdd_v] for vdd_v in supplies]
        yield line(
            f"{folding} | {8 // folding}",
            ("{:,.0f}", area(points[0])),
            *(("{}, {:.0f}", rate(point), energy(point)) for point in points),
        )
    yield Text(
        words="the energy is {:.1f} times as high.",
        values=(energy(at[8, "none", 1.8]) / energy(at[1, "none", 1.8]),),
    )
    slow = at[1, "none", 1.2], at[2, "none", 1.4], at[4, "none", 1.6]
    yield Text(
        words="{:.0f} Msample/s take {:.0f} pJ at 1.2 V without folding, {:.0f} take {:.0f} pJ "
        'folded by 2 (1.4 V), and {:.0f} take {:.0f} pJ folded by 4 (1.6 V). `gating="idle"` '
        "changes no energy by more than {:.0f} % without pauses.",
        values=(
            *(figure for point in slow for figure in (rate(point), energy(point))),
            max(
                abs(percent_more(energy(at[n, "idle", v]), energy(at[n, "none", v])))
                for n, v in product((1, 2, 4, 8), supplies)
            ),
        ),
    )


def _carry_save(runs: Runs) -> Iterator[Text]:
    small = {"rows": 2, "columns": 2}
    kinds: dict[str, dict[str, Any]] = {
        "carry_propagate": small,
        "carry_save": small | {"accumulation": "carry_save"},
    }
    at = {
        (name, stages): choice(runs, "mac_array", hardware | {"pipeline_stages": stages})
        for name, hardware in kinds.items()
        for stages in (0, 1, 2)
    }
    for (name, stages), point in at.items():
        yield line(
            f"{name}, {stages}",
            ("{:,.0f}", point["area_um2"]),
            ("{:.0f}", point["f_max_mhz"]),
            ("{:.1f}", point["energy_pj_per_op"]),
            ("{:.0f} %", 100 * point["glitch_power_frac"]),
        )
    speeds = {key: point["f_max_mhz"] for key, point in at.items()}
    yield Text(
        words="costs no energy and makes the clock {:.0f} % faster",
        values=(percent_more(speeds["carry_propagate", 1], speeds["carry_propagate", 0]),),
    )
    yield Text(words="the carry-save sum reaches {:.0f} MHz", values=(speeds["carry_save", 1],))


PAGES: dict[str, Callable[[Runs], Iterator[Text]]] = {
    "docs/blocks/adder.md": adder,
    "docs/blocks/aes_sbox.md": aes_sbox,
    "docs/blocks/ascon.md": ascon,
    "docs/blocks/cordic.md": cordic,
    "docs/blocks/d2d_link.md": d2d_link,
    "docs/blocks/dot_product.md": dot_product,
    "docs/blocks/fft.md": fft,
    "docs/blocks/fifo.md": fifo,
    "docs/blocks/keccak.md": keccak,
    "docs/blocks/multiplier.md": multiplier,
    "docs/blocks/noc_router.md": noc_router,
    "docs/blocks/ntt.md": ntt,
    "docs/blocks/rv32.md": rv32,
    "docs/blocks/blocks.md": blocks,
}

ITS_OWN = ("adder", "aes_sbox", "ascon", "cordic", "d2d_link", "dot_product", "fft", "fifo")
ITS_OWN += ("keccak", "multiplier", "noc_router", "ntt", "rv32")
SWEEPS: dict[str, tuple[str, ...]] = {
    **{f"docs/blocks/{name}.md": (name,) for name in ITS_OWN},
    "docs/blocks/blocks.md": (
        *("zero_gating", "fifo", "noc_router", "rv32", "fir_folding", "memory_boundary"),
    ),
}

BENCHMARKS: dict[str, tuple[str, ...]] = {
    "docs/blocks/d2d_link.md": ("link_coding",),
    "docs/blocks/multiplier.md": ("block_choices",),
    "docs/blocks/blocks.md": ("block_choices",),
}
