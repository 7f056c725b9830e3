"""The page of d2d_link: whether inversion pays, and what everything costs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from figure_values import area, energy, f_max, line, span
from figures import Runs
from page_figures import Text


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""
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
