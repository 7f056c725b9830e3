"""The page of all blocks: array, filter and what saves energy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from concept_texts.memories import boundary
from figure_values import area, energy, line, percent_less, percent_more, rate, share, span
from figures import Runs
from page_figures import Text

from block_texts.common import SUPPLIES, choice


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
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
    plain, one_stage, two, _, narrow, wide = points.values()
    named = ("f_max_mhz", "area_um2", "energy_pj_per_op")
    yield Text(
        words="The first pipeline register makes the clock {:.0f} % faster for {:.0f} % more area",
        values=tuple(percent_more(one_stage[name], plain[name]) for name in named[:2]),
    )
    yield Text(
        words="The second gives {:.0f} % more frequency for {:.0f} % more area and {:.0f} % more "
        "energy",
        values=tuple(percent_more(two[name], one_stage[name]) for name in named),
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
