"""The page of rv32: what to leave out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from figure_values import area, energy, f_max, line, percent_less, percent_more, rate, share, span
from figures import Runs
from page_figures import Text


def _core(
    runs: Runs,
    registers: int,
    stages: int,
    shifter: str,
    program: str,
    gates: int,
    vdd_v: float = 1.8,
) -> Any:
    """A point of the sweep."""
    return runs.row(
        "rv32",
        **{"registers": registers, "stages": stages, "shifter": shifter},
        **{"program": program, "clock_gating": gates, "vdd_v": vdd_v},
    )


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
    core = functools.partial(_core, runs)
    yield from _table(core)
    yield from _sentences(core)
    yield from _programs(runs)


PROGRAMS = ("aes128", "fir", "quicksort", "sha256")


def _programs(runs: Runs) -> Iterator[Text]:
    """The table and sentences of compiled programs."""

    def point(program: str, registers: int = 16, shifter: str = "parallel", v: float = 1.8) -> Any:
        asked = {"program": program, "registers": registers, "shifter": shifter, "vdd_v": v}
        return runs.row("rv32_programs", **asked)

    def nj(row: Any) -> float:
        return float(row["block_energy_per_run_j"]) * 1e9

    for program in PROGRAMS:
        small, serial = point(program), point(program, shifter="serial")
        yield line(
            f"`{program}`",
            ("{:,.0f}", small["work_per_run"]),
            ("{:,.0f}", small["cycles_per_run"]),
            ("{:.1f}", small["time_per_run_s"] * 1e6),
            ("{:,.0f}", nj(small)),
            ("{:,.0f}", nj(point(program, 32))),
            ("{:,.0f}", serial["cycles_per_run"]),
            ("{:,.0f}", nj(serial)),
            ("{:,.0f}", nj(point(program, v=0.8))),
        )
    more = [percent_more(nj(point(name, 32)), nj(point(name))) for name in PROGRAMS]
    yield Text(words="32 registers cost {:.0f} to {:.0f} % more energy", values=span(more))
    aes, fir = (
        percent_more(nj(point(name, shifter="serial")), nj(point(name))) for name in PROGRAMS[:2]
    )
    yield Text(
        words="the serial shifter costs {:.0f} % more energy for `aes128` and {:.0f} % less for "
        "`fir`",
        values=(aes, -fir),
    )


def _table(core: Callable[..., Any]) -> Iterator[Text]:
    """The table of the page."""
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


def _sentences(core: Callable[..., Any]) -> Iterator[Text]:
    """The sentences of the page."""
    kinds = [*product((16, 32), (1, 2), ("parallel", "serial"))]
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
