"""Which sentences and tables of the pages on chips hold which figures of `edge_classifier`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from figure_values import percent_more
from figures import Runs
from page_figures import Text

MICRO, MILLI, NANO_GRAMS, PERCENT = 1e6, 1e3, 1e12, 100.0
SWEEP = "edge_classifier"
KIB = 1024


def _chip(runs: Runs, rows: int, count: int, vdd_v: float, kib: int) -> Any:
    """A chip of arrays that are as wide as high."""
    return runs.row(
        SWEEP,
        array_rows=rows,
        array_columns=rows,
        array_count=count,
        array_vdd_v=vdd_v,
        buffer_bytes=kib * KIB,
    )


def _best(runs: Runs) -> list[Any]:
    """The chips with the least energy and carbon, latency, and cost."""
    return [_chip(runs, 8, 16, 1.4, 64), _chip(runs, 8, 16, 1.8, 256), _chip(runs, 4, 1, 1.4, 16)]


def tutorial(runs: Runs) -> Iterator[Text]:
    """The second chapter; its other listings are compared with what the commands print."""
    energy, latency, cost = _best(runs)
    knee = _chip(runs, 8, 4, 1.4, 64)
    four = (energy, latency, cost, knee)
    yield Text(
        words="energy per task {:.4g} µJ {:.4g} µJ {:.4g} µJ {:.4g} µJ",
        values=tuple(float(each["energy_per_task_j"]) * MICRO for each in four),
    )
    yield Text(
        words="latency {:.4g} µs {:.4g} µs {:.4g} ms {:.4g} µs",
        values=tuple(
            float(each["latency_s"]) * (MILLI if each is cost else MICRO) for each in four
        ),
    )
    yield Text(
        words="recurring cost {:.4g} USD {:.4g} USD {:.4g} USD {:.4g} USD",
        values=tuple(float(each["cost_usd"]) for each in four),
    )
    yield Text(
        words="carbon per task {:.4g} ngCO2e {:.4g} ngCO2e {:.4g} ngCO2e {:.4g} ngCO2e",
        values=tuple(float(each["carbon_per_task_kgco2e"]) * NANO_GRAMS for each in four),
    )
    use = float(energy["use_per_task_kgco2e"]) / float(energy["carbon_per_task_kgco2e"])
    fast = _chip(runs, 8, 16, 1.8, 64)
    yield Text(
        words="with 64 KiB take {:.1f} µJ and {:.1f} ng CO₂e per image. At 1.8 V the same chip "
        "takes {:.1f} µJ: energy follows the square of the supply. Use is {:.0f} % of the carbon",
        values=(
            float(energy["energy_per_task_j"]) * MICRO,
            float(energy["carbon_per_task_kgco2e"]) * NANO_GRAMS,
            float(fast["energy_per_task_j"]) * MICRO,
            use * PERCENT,
        ),
    )
    yield Text(
        words="with 256 KiB take {:.1f} µs. With 64 KiB they take {:.1f} µs",
        values=tuple(float(each["latency_s"]) * MICRO for each in (latency, fast)),
    )
    yield Text(
        words="with 16 KiB costs {:.2f} USD, but takes {:.1f} ms",
        values=(float(cost["cost_usd"]), float(cost["latency_s"]) * MILLI),
    )
    yield Text(
        words="with 64 KiB take {:.1f} µJ and {:.0f} µs at {:.2f} USD: {:.1f} % more energy",
        values=(
            float(knee["energy_per_task_j"]) * MICRO,
            float(knee["latency_s"]) * MICRO,
            float(knee["cost_usd"]),
            percent_more(float(knee["energy_per_task_j"]), float(energy["energy_per_task_j"])),
        ),
    )


def how_to(runs: Runs) -> Iterator[Text]:
    """Both answers: of the chip file, whose chips the sweep has too, and of the sweep."""
    energy, latency, cost = _best(runs)
    single = _chip(runs, 8, 1, 1.4, 16)
    for words, chip, seconds in (
        ("energy, carbon | 16 arrays at 1.4 V, 64 KiB | **{:.1f}** | {:.1f} | {:.2f} | **{:.1f}**",
         energy, MICRO),
        ("latency | 16 arrays at 1.8 V, 256 KiB | {:.1f} | **{:.1f}** | {:.2f} | {:.1f}",
         latency, MICRO),
        ("cost | 1 array at 1.4 V, 16 KiB | {:.1f} | {:.0f} | **{:.2f}** | {:.1f}",
         single, MICRO),
        ("energy, carbon | 16 arrays of 8 x 8 at 1.4 V, 64 KiB | **{:.4g}** | {:.3g} | {:.4g} "
         "| **{:.4g}**", energy, MILLI),
        ("latency | 16 arrays of 8 x 8 at 1.8 V, 256 KiB | {:.4g} | **{:.3g}** | {:.4g} | {:.4g}",
         latency, MILLI),
        ("cost | 1 array of 4 x 4 at 1.4 V, 16 KiB | {:.4g} | {:.4g} | **{:.3g}** | {:.4g}",
         cost, MILLI),
    ):  # fmt: skip
        yield Text(
            words=f"| {words} |",
            values=(
                float(chip["energy_per_task_j"]) * MICRO,
                float(chip["latency_s"]) * seconds,
                float(chip["cost_usd"]),
                float(chip["carbon_per_task_kgco2e"]) * NANO_GRAMS,
            ),
        )
    fast = float(_chip(runs, 8, 16, 1.8, 64)["latency_s"])
    yield Text(words="the 16 arrays at 1.8 V need {:.1f} µs", values=(fast * MICRO,))


PAGES: dict[str, Callable[[Runs], Iterator[Text]]] = {
    "docs/tutorial/chips.md": tutorial,
    "docs/howto/chips.md": how_to,
}
SWEEPS = dict.fromkeys(PAGES, (SWEEP,))
