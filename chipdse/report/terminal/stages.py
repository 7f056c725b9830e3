"""What a single point is waiting for, on the terminal: the stages that have to run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def shown_stages() -> Iterator[Callable[[str], None]]:
    """What to call with each stage that begins; it is shown on stderr.

    A terminal shows the one that runs, with its time, and nothing once all is done; elsewhere each
    is a line. What the store already holds is not shown.
    """
    if not sys.stderr.isatty():
        yield lambda stage: print(_text(stage), file=sys.stderr, flush=True)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def begin(stage: str) -> None:
            for task in bar.task_ids:
                bar.remove_task(task)
            bar.add_task(_text(stage), total=None)

        yield begin


def _text(name: str) -> str:
    # Whoever runs a stage has imported them already; whoever finds all results stored need not.
    from chipdse.evaluate import STAGES

    does = {stage.name: stage.does for stage in STAGES}
    return f"{name}: {does[name]}"
