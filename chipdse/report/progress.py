"""Progress of a sweep on the terminal: trials, failures, the front's size, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from chipdse.study.engine import Progress

_PLAIN_INTERVAL_S = 10.0


@contextmanager
def shown_progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr; plain lines now and then where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines()
        return
    columns = (
        TextColumn("{task.completed:.0f}/{task.total:.0f} trials"),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, refresh_per_second=2) as bar:
        task = bar.add_task("", total=1, counts="starting")

        def tell(progress: Progress) -> None:
            bar.update(
                task, completed=progress.trials, total=progress.budget, counts=_counts(progress)
            )
            if progress.last_failure:
                bar.console.print(f"failed: {progress.last_failure}", style="yellow", markup=False)

        yield tell


def _plain_lines() -> Callable[[Progress], None]:
    start = last = time.monotonic()
    first: int | None = None

    def tell(progress: Progress) -> None:
        nonlocal last, first
        now = time.monotonic()
        console = Console(stderr=True, width=10_000)
        if progress.last_failure:
            console.print(f"failed: {progress.last_failure}", markup=False, highlight=False)
        first = progress.trials if first is None else first
        done = progress.trials >= progress.budget
        if done or now - last > _PLAIN_INTERVAL_S:
            last = now
            rate = (progress.trials - first) / max(now - start, 1e-9)
            rest = (progress.budget - progress.trials) / rate if rate else float("nan")
            left = "" if done or rest != rest else f", about {rest:.0f} s left"
            console.print(
                f"{progress.trials}/{progress.budget} trials, {_counts(progress)}{left}",
                highlight=False,
            )

    return tell


def _counts(progress: Progress) -> str:
    return f"{progress.failures} failed, {progress.infeasible} infeasible, front {progress.front}"
