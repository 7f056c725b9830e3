"""Figures of docs/concepts/guarantee.md: what a guarantee costs, from `benchmarks/guarantee.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from figure_values import MHZ, PJ, span
from figures import Runs
from page_figures import Text

BLOCKS = {
    "mac_array": "`mac_array` (2 x 2)",
    "adder": "`adder`",
    "fir": "`fir`",
    "ascon": "`ascon`",
}
SUPPLIES_V = (0.8, 1.0, 1.2, 1.4, 1.6, 1.8)
NOT_KNOWN = "-"
VIEWS = {
    "typical": "typical",
    "guaranteed": "guaranteed, without mismatch",
    "mismatch": "guaranteed, with mismatch",
}
Cell = tuple[str, *tuple[float, ...]]


def guarantee(runs: Runs) -> Iterator[Text]:
    """Mismatch of the adder, the tables of the blocks, the sentences, the sweep in each view."""
    run = runs.benchmark("guarantee")
    yield from _adder_cells(run["adder_cells"])
    for name, title in BLOCKS.items():
        yield _block(title, run[name], run["supply_v"], with_supplies=name == "mac_array")
    yield from _sentences(run)
    yield from _sweep(run["sweep"])
    yield from _tutorial(run["tutorial_adder"], run["supply_v"])


def _table(title: str, heads: list[str], rows: list[tuple[str, list[Cell]]]) -> Text:
    """A table as one text, because its rows have the words of other tables' rows."""
    lines = [f"| {title} | {' | '.join(heads)} |", "|" + "---|" * (len(heads) + 1)]
    values: list[float] = []
    for label, cells in rows:
        lines.append(" | ".join([f"| {label}", *(words for words, *_ in cells)]) + " |")
        values += [value for _, *figures in cells for value in figures]
    return Text(words="\n".join(lines), values=tuple(values))


def _at(values: list[float], supplies_v: list[float]) -> dict[float, float]:
    """The values at the supplies of the page."""
    known = dict(zip(supplies_v, values, strict=True))
    return {supply_v: known[supply_v] for supply_v in SUPPLIES_V}


def _ratio(value: float) -> str:
    return "{:.0f}" if value >= 19.95 else "{:.1f}"


def _block(
    title: str, run: dict[str, Any], supplies_v: list[float], *, with_supplies: bool
) -> Text:
    """The table of a block."""
    mhz = {
        view: {at: hz * MHZ for at, hz in _at(run[f"{view}_f_max_hz"], supplies_v).items()}
        for view in VIEWS
    }
    rows: dict[str, list[Cell]] = {
        "highest frequency, typical [MHz]": [("{}", value) for value in mhz["typical"].values()],
        "guaranteed, without mismatch [MHz]": [
            ("{}", value) for value in mhz["guaranteed"].values()
        ],
        "guaranteed, with mismatch [MHz]": [("{}", value) for value in mhz["mismatch"].values()],
    }
    rows["typical over guaranteed: without, with mismatch"] = [
        (f"{_ratio(without)}, {_ratio(with_it)}", without, with_it)
        for without, with_it in zip(
            *(
                [mhz["typical"][at] / mhz[view][at] for at in SUPPLIES_V]
                for view in ("guaranteed", "mismatch")
            ),
            strict=True,
        )
    ]
    energy_pj = [value * PJ for value in _at(run["typical_energy_per_op_j"], supplies_v).values()]
    rows["energy per operation, all three [pJ]"] = [("{}", value) for value in energy_pj]
    equal = [_equal_speed(run[part]) for part in ("at_equal_speed", "mismatch_at_equal_speed")]
    if with_supplies:
        rows["typical supply voltage for the guaranteed frequency: without, with mismatch [V]"] = [
            _pair("{:.2f}, {:.2f}", equal, at, "typical_supply_v", 1.0) for at in SUPPLIES_V
        ]
    rows["more energy per operation at equal frequency: without, with mismatch"] = [
        _pair("{:.0f}, {:.0f} %", equal, at, "more_energy_frac", 100.0) for at in SUPPLIES_V
    ]
    return _table(
        f"{title}, supply voltage [V]", [f"{at:.1f}" for at in SUPPLIES_V], list(rows.items())
    )


Speeds = dict[float, dict[str, float]]


def _equal_speed(rows: list[dict[str, float]]) -> Speeds:
    """By supply of the guaranteed design."""
    return {row["supply_v"]: row for row in rows}


def _pair(words: str, equal: list[Speeds], at: float, name: str, unit: float) -> Cell:
    """Without and with mismatch; no figures where no typical chip is as slow."""
    if not all(at in each for each in equal):
        return (NOT_KNOWN,)
    return (words, *(each[at][name] * unit for each in equal))


def _adder_cells(run: dict[str, Any]) -> Iterator[Text]:
    """`adder` of cells alone."""
    yield _table(
        "supply voltage [V]",
        [f"{at:g}" if at != 1.0 else "1.0" for at in run["supply_v"]],
        [("slower by mismatch", [("{:.2f}", value) for value in run["slower_by_mismatch"]])],
    )
    least_v = run["least_energy_supply_v"]
    yield Text(
        words="is {:.2f} V or less for typical chips, {:.2f} V for guaranteed ones without "
        "mismatch, and {:.2f} V with it",
        values=tuple(least_v[view] for view in VIEWS),
    )


def _sentences(run: dict[str, Any]) -> Iterator[Text]:
    """What follows from the tables."""
    supplies_v, blocks = run["supply_v"], [run[name] for name in BLOCKS]

    def ratios(view: str, at: float) -> list[float]:
        place = supplies_v.index(at)
        return [
            each["typical_f_max_hz"][place] / each[f"{view}_f_max_hz"][place] for each in blocks
        ]

    yield Text(
        words="costs speed, not energy: {:.1f} to {:.1f} times at 1.8 V, {:.0f} times at 1.2 V, "
        "{:.0f} to {:.0f} times at 0.8 V, and with mismatch {:.0f} to {:.0f} times there.",
        values=(
            *span(ratios("guaranteed", 1.8)),
            sum(ratios("guaranteed", 1.2)) / len(blocks),
            *span(ratios("guaranteed", 0.8)),
            *span(ratios("mismatch", 0.8)),
        ),
    )
    parts = run["adder_parts"]
    yield Text(
        words="of the adder consists of {:.2f} (slow transistors), {:.2f} (0 instead of 25 °C) and "
        "{:.2f} (5 % less supply voltage)",
        values=(parts["slow_transistors"], parts["temperature"], parts["supply_tolerance"]),
    )
    more = [
        span(
            100 * row["more_energy_frac"]
            for each in blocks
            for row in each[part]
            if row["supply_v"] in SUPPLIES_V
        )
        for part in ("at_equal_speed", "mismatch_at_equal_speed")
    ]
    yield Text(
        words="it costs {:.0f} to {:.0f} % more energy, with mismatch {:.0f} to {:.0f} %",
        values=(*more[0], *more[1]),
    )
    lost = {
        at: span(
            100 * (1 - a / b) for a, b in zip(*_frequencies(blocks, supplies_v, at), strict=True)
        )
        for at in (1.8, 1.0, 0.8)
    }
    yield Text(
        words="costs {:.0f} to {:.0f} % of the frequency at 1.8 V, {:.0f} to {:.0f} % at 1.0 V, "
        "{:.0f} to {:.0f} % at 0.8 V",
        values=(*lost[1.8], *lost[1.0], *lost[0.8]),
    )
    array = _at(run["mac_array"]["mismatch_f_max_hz"], supplies_v)
    yield Text(
        words="`mac_array` is only {:.2f} MHz at 0.8 V, and {:.1f} MHz at 1 V.",
        values=(array[0.8] * MHZ, array[1.0] * MHZ),
    )
    yield Text(
        words="from 0.8 V by {:.0f} to {:.0f} %",
        values=span(
            100 * (1 - each[f"{view}_energy_per_op_j"][0] / each[f"{view}_energy_per_op_j"][1])
            for each in blocks
            for view in VIEWS
        ),
    )
    yield Text(
        words="is {:.0f} to {:.0f} times that of a typical one at 25 °C, and {:.1f} % (`adder`) "
        "to {:.1f} % (`fir`) of the power at full clock at 1.8 V",
        values=(
            *span(
                ratio
                for each in blocks
                for ratio in _at(each["leakage_ratio"], supplies_v).values()
            ),
            *(
                100 * _at(run[name]["leakage_power_frac"], supplies_v)[1.8]
                for name in ("adder", "fir")
            ),
        ),
    )


def _frequencies(
    blocks: list[dict[str, Any]], supplies_v: list[float], at: float
) -> tuple[list[float], list[float]]:
    """Guaranteed frequencies with and without mismatch."""
    place = supplies_v.index(at)
    return (
        [each["mismatch_f_max_hz"][place] for each in blocks],
        [each["guaranteed_f_max_hz"][place] for each in blocks],
    )


def _sweep(run: dict[str, list[dict[str, Any]]]) -> Iterator[Text]:
    """The points of least energy of `sweeps/supply.toml` in each view."""
    rows: list[tuple[str, list[Cell]]] = []
    for view, label in VIEWS.items():
        points = [point if "energy_per_op_j" in point else None for point in run[view]]
        energies = [("{:.1f}", p["energy_per_op_j"] * PJ) if p else (NOT_KNOWN,) for p in points]
        designs = [
            (f"{p['supply_v']:.1f}, {p['rows']} x {p['pipeline_stages']}" if p else NOT_KNOWN,)
            for p in points
        ]
        rows += [(f"{label} [pJ]", energies), ("supply voltage [V], design", designs)]
    more = {
        view: [
            100 * (guaranteed["energy_per_op_j"] / typical["energy_per_op_j"] - 1)
            for guaranteed, typical in zip(run[view], run["typical"], strict=True)
            if "energy_per_op_j" in guaranteed
        ]
        for view in ("guaranteed", "mismatch")
    }
    missing: list[Cell] = [(NOT_KNOWN,)] * (len(run["typical"]) - len(more["mismatch"]))
    shares: list[Cell] = [("{:.0f} %", value) for value in more["mismatch"]]
    rows.append(("more energy with mismatch", shares + missing))
    heads = [f"{point['at_least_ops_per_s'] / 1e6:g}" for point in run["typical"]]
    yield _table("throughput, at least [million operations/s]", heads, rows)
    yield Text(
        words="At equal throughput a guarantee costs {:.0f} to {:.0f} % more energy",
        values=span([*more["guaranteed"], *more["mismatch"]]),
    )


def _tutorial(run: dict[str, Any], supplies_v: list[float]) -> Iterator[Text]:
    """The adder of the tutorial."""
    typical, mismatch, energy_j = (
        _at(run[name], supplies_v)
        for name in ("typical_f_max_hz", "mismatch_f_max_hz", "typical_energy_per_op_j")
    )
    yield Text(
        words="runs at {:.0f} MHz as a typical chip and at {:.0f} MHz guaranteed with mismatch at "
        "1.4 V, for {:.2f} pJ per addition either way; at 0.8 V at {:.1f} and {:.2f} MHz, for "
        "{:.2f} pJ",
        values=(
            *(each[1.4] * MHZ for each in (typical, mismatch)),
            energy_j[1.4] * PJ,
            *(each[0.8] * MHZ for each in (typical, mismatch)),
            energy_j[0.8] * PJ,
        ),
    )
