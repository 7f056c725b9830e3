"""Progress of a sweep on the terminal: evaluations, failures, the front, hypervolume, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from chipdse.study.running.status import Status

if TYPE_CHECKING:
    from chipdse.study.running.engine import Listener

_PLAIN_INTERVAL_S = 10.0


@contextmanager
def shown_progress() -> Iterator[Listener]:
    """A bar on stderr; plain lines now and then where stderr is no terminal."""
    from chipdse.study.running.engine import Listener  # `status` needs only the texts of this file

    console = Console(stderr=True)
    if not console.is_terminal:
        plain = Console(stderr=True, width=10_000)
        yield Listener(
            status=_plain_lines(plain),
            say=lambda text: plain.print(text, markup=False, highlight=False),
        )
        return
    columns = (
        TextColumn("{task.completed:.0f}/{task.total:.0f} evaluations"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=console, refresh_per_second=2) as bar:
        task = bar.add_task("", total=1, counts="starting", left="")

        def tell(status: Status) -> None:
            bar.update(
                task,
                completed=status.trials,
                total=status.budget,
                counts=counts_line(status),
                left=left_text(status),
            )

        def say(text: str) -> None:
            bar.console.print(text, style="yellow", markup=False)

        yield Listener(status=tell, say=say)


def _plain_lines(console: Console) -> Callable[[Status], None]:
    last = time.monotonic()

    def tell(status: Status) -> None:
        nonlocal last
        now = time.monotonic()
        if not status.is_under_way or now - last > _PLAIN_INTERVAL_S:
            last = now
            parts = (f"{status.trials}/{status.budget} evaluations", counts_line(status))
            text = ", ".join((*parts, left_text(status) or status.state))
            console.print(text, markup=False, highlight=False)

    return tell


def counts_line(status: Status) -> str:
    """Failures, the front and its hypervolume, in one line."""
    return (
        f"{status.failed} failed, {status.infeasible} infeasible points, front {status.front}"
        f"{growth_text(status)}"
    )


def growth_text(status: Status) -> str:
    """The growth of the hypervolume since the first points; empty while unknown."""
    growth = status.hypervolume_growth
    if growth is None:
        return ""
    times = "" if growth <= 1 else f"{growth:.3g} times "
    return f", hypervolume {times}that of the first points"


def left_text(status: Status) -> str:
    """The expected time, where there is one."""
    return f"about {duration_text(status.left_s)} left" if status.left_s is not None else ""


def duration_text(seconds: float) -> str:
    """A duration for people: "45 s", "12 min", "3 h 20 min", "2 d 4 h"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"
