"""Answers of the sweeps of single blocks, for docs/blocks/sweeps.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from figure_values import PJ
from figures import Runs

Answer = tuple[str, *tuple[float, ...]]
"""A sentence with places for figures, and the figures."""
Answers = dict[str, tuple[str, Callable[[Runs], Answer]]]
ENERGY, AREA, SPEED = "block_energy_per_op_j", "block_area_m2", "block_throughput_ops_per_s"


def more(first: float, second: float) -> float:
    """By how many percent the first is above the second."""
    return (first / second - 1) * 100


def least(table: Any, query: str, metric: str = ENERGY) -> Any:
    """The row with the least of a metric among those of a query."""
    chosen = table.query(query)
    return chosen.loc[chosen[metric].idxmin()]


def holds(row: Any, **values: Any) -> None:
    """Raise LookupError unless a row has these values, which an answer says in words."""
    for name, value in values.items():
        if row[name] != value:
            raise LookupError(f"{name} is {row[name]!r} and not {value!r}: word the answer anew")


def _adder(runs: Runs) -> Answer:
    table = runs.table("adder")
    fast = table[table[SPEED] >= 100e6]
    best, smallest = fast.loc[fast[ENERGY].idxmin()], fast.loc[fast[AREA].idxmin()]
    smallest = least(fast, f"structure == '{smallest['structure']}'")
    holds(best, structure="kogge_stone", vdd_v=1.2)
    holds(smallest, structure="brent_kung", vdd_v=1.4)
    ripple = runs.row("adder", structure="ripple", vdd_v=1.8)
    return (
        "Kogge-Stone at 1.2 V ({:.2f} pJ); Brent-Kung at 1.4 V takes {:.0f} % more energy in "
        "{:.0f} % less area. Ripple takes the least energy at every supply and reaches at most "
        "{:.0f}·10⁶/s.",
        best[ENERGY] * PJ,
        more(smallest[ENERGY], best[ENERGY]),
        -more(smallest[AREA], best[AREA]),
        ripple[SPEED] * 1e-6,
    )


def _aes_sbox(runs: Runs) -> Answer:
    table = runs.table("aes_sbox")
    plain, shared = (least(table, f"{SPEED} >= 100e6 and shares == {n}") for n in (1, 2))
    holds(plain, vdd_v=1.6)
    holds(shared, vdd_v=1.2)
    return (
        "{:.1f} times the area and {:.1f} times the energy per byte: {:.1f} pJ with one share at "
        "1.6 V, {:.1f} with two at 1.2 V, which their registers allow.",
        shared[AREA] / plain[AREA],
        shared[ENERGY] / plain[ENERGY],
        plain[ENERGY] * PJ,
        shared[ENERGY] * PJ,
    )


def _ascon(runs: Runs) -> Answer:
    def at(function: str, rounds: int) -> Any:
        given = {"function": function, "message_bytes": 128, "vdd_v": 1.8}
        return runs.row("ascon", rounds_per_cycle=rounds, **given)

    single, four, both = at("encrypt", 1), at("encrypt", 4), at("both", 1)
    return (
        "One round per cycle; four are {:.2f} times as fast and take {:.1f} times the energy (128 "
        "bytes, 1.8 V). Decryption costs {:.1f} % energy.",
        four[SPEED] / single[SPEED],
        four[ENERGY] / single[ENERGY],
        more(both[ENERGY], single[ENERGY]),
    )


def _cordic(runs: Runs) -> Answer:
    unrolled, iterative = (
        runs.row("cordic", architecture=name, iterations_per_cycle=1, vdd_v=1.8)
        for name in ("unrolled", "iterative")
    )
    return (
        "Unrolled with one iteration per cycle: {:.0f} % less energy and {:.1f} times the "
        "throughput of the iterative one at 1.8 V, in {:.1f} times the area.",
        -more(unrolled[ENERGY], iterative[ENERGY]),
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


def _fft(runs: Runs) -> Answer:
    table = runs.table("fft")
    best, worst = table.loc[table[ENERGY].idxmin()], table.loc[table[ENERGY].idxmax()]
    holds(best, radix=4, scaling="half", delay_lines="memory")
    holds(worst, radix=2, scaling="grow", delay_lines="shift")
    return (
        "Radix 2**2 with memories and scaled words ({:.0f} pJ per sample); radix 2 with shift "
        "registers and growing words takes {:.0f} % more.",
        best[ENERGY] * PJ,
        more(worst[ENERGY], best[ENERGY]),
    )


def _fifo(runs: Runs) -> Answer:
    def at(depth: int, organisation: str) -> float:
        given = {"load": 0.9, "clock_gating": 4, "organisation": organisation}
        return float(runs.row("fifo", depth=depth, **given)[ENERGY])

    for depth, group in runs.table("fifo").query("clock_gating == 4").groupby("depth"):
        holds(group.loc[group[ENERGY].idxmin()], depth=depth, organisation="ring")
    return (
        "Move the pointers: a ring takes the least energy at every depth. A shift queue of two "
        "words takes {:.0f} % more, one of sixteen words {:.1f} times the energy (load 0.9, clock "
        "gates).",
        more(at(2, "shift"), at(2, "ring")),
        at(16, "shift") / at(16, "ring"),
    )


def _fir(runs: Runs) -> Answer:
    table = runs.table("fir")
    best, fastest = table.loc[table[ENERGY].idxmin()], table.loc[table[SPEED].idxmax()]
    holds(best, form="direct", pipeline_stages=1)
    holds(fastest, form="direct", pipeline_stages=1)
    return (
        "Direct form with {:.0f} samples per cycle and a pipeline register at {:.1f} V ({:.1f} pJ "
        "per sample); with {:.0f} samples at {:.1f} V it is the fastest ({:.0f}·10⁶/s).",
        best["samples_per_cycle"],
        best["vdd_v"],
        best[ENERGY] * PJ,
        fastest["samples_per_cycle"],
        fastest["vdd_v"],
        fastest[SPEED] * 1e-6,
    )


def _keccak(runs: Runs) -> Answer:
    table = runs.table("keccak")
    best = table.loc[table[ENERGY].idxmin()]
    four = least(table, "vdd_v == 0.8 and rounds_per_cycle == 4")
    holds(best, input_buffer=False)
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
    joule, dollar = (
        table.loc[table["energy_per_op_j"].idxmin()],
        table.loc[table["speed_per_usd"].idxmax()],
    )
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


def _multiplier(runs: Runs) -> Answer:
    table = runs.table("multiplier")
    fast = table[table[SPEED] >= 150e6]
    staged, plain = least(fast, "index >= 0"), least(fast, "pipeline_stages == 0")
    booth = least(fast, "pipeline_stages == 0 and recoding == 'booth'")
    holds(staged, recoding="none", pipeline_stages=1, vdd_v=1.4)
    holds(plain, recoding="none", vdd_v=1.6)
    holds(booth, vdd_v=1.6)
    return (
        "Little: one register at 1.4 V takes {:.0f} % less energy than none at 1.6 V ({:.2f} and "
        "{:.2f} pJ), in {:.0f} % more area. Booth recoding without a register takes {:.0f} % more "
        "energy than without recoding, in {:.0f} % less area.",
        -more(staged[ENERGY], plain[ENERGY]),
        staged[ENERGY] * PJ,
        plain[ENERGY] * PJ,
        more(staged[AREA], plain[AREA]),
        more(booth[ENERGY], plain[ENERGY]),
        -more(booth[AREA], plain[AREA]),
    )


def _noc_router(runs: Runs) -> Answer:
    two, eight = (
        runs.row(
            "noc_router",
            buffer_flits=n,
            arbitration="fixed",
            flow="ready",
            load=0.6,
            clock_gating=4,
        )
        for n in (2, 8)
    )
    return (
        "{:.0f} flits: {:.1f} pJ per flit at a load of 0.6; eight flits take {:.0f} % more.",
        two["buffer_flits"],
        two[ENERGY] * PJ,
        more(eight[ENERGY], two[ENERGY]),
    )


def _ntt(runs: Runs) -> Answer:
    table = runs.table("ntt")
    best = table.loc[table[ENERGY].idxmin()]
    single = least(table, "vdd_v == 0.8 and butterflies == 1")
    holds(best, reduction="montgomery", pipeline_stages=2)
    return (
        "{:.0f} butterflies, Montgomery's reduction and two stages ({:.1f} nJ at {:.1f} V); one "
        "butterfly takes {:.1f} times the energy at the same supply.",
        best["butterflies"],
        best[ENERGY] * 1e9,
        best["vdd_v"],
        single[ENERGY] / best[ENERGY],
    )


def _rv32(runs: Runs) -> Answer:
    table = runs.table("rv32").query("vdd_v == 0.8 and program == 'crc32'")
    best = table.loc[table[ENERGY].idxmin()]
    holds(best, registers=16, stages=1, shifter="serial")
    wide = least(table, "registers == 32")
    staged = least(table, "stages == 2")
    return (
        "Half of the registers, the second stage and the parallel shifter: 32 registers take "
        "{:.0f} % more energy per instruction, two stages {:.0f} % more (checksum, 0.8 V).",
        more(wide[ENERGY], best[ENERGY]),
        more(staged[ENERGY], best[ENERGY]),
    )


BLOCK_ANSWERS: Answers = {
    "adder": ("adder.md", _adder),
    "aes_sbox": ("aes_sbox.md", _aes_sbox),
    "ascon": ("ascon.md", _ascon),
    "cordic": ("cordic.md", _cordic),
    "d2d_link": ("d2d_link.md", _d2d_link),
    "dot_product": ("dot_product.md", _dot_product),
    "fft": ("fft.md", _fft),
    "fifo": ("fifo.md", _fifo),
    "fir": ("../tutorial/mac_array.md", _fir),
    "keccak": ("keccak.md", _keccak),
    "mac_array": ("../tutorial/mac_array.md", _mac_array),
    "multiplier": ("multiplier.md", _multiplier),
    "noc_router": ("noc_router.md", _noc_router),
    "ntt": ("ntt.md", _ntt),
    "rv32": ("rv32.md", _rv32),
}
"""Of each sweep: the page that explains it, and its answer."""
