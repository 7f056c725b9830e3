"""The page of keccak: how many rounds per cycle."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from figure_values import area, energy, f_max, line, percent_more, rate, share
from figures import Runs
from page_figures import Text


def texts(runs: Runs) -> Iterator[Text]:
    """The sentences and tables of the page, as it words them."""

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
