"""What a single point is waiting for, on the terminal: the stages that have to run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ABOUT = {
    "elaborate": "RTL from the parameters",
    "memories": "SRAM macros for its memories",
    "simulate": "the bench against its reference",
    "verilator-runtime": "Verilator's runtime, once a machine",
    "synthesise": "RTL to the library's cells",
    "measure": "timing and power",
    "wires": "placement and wires",
    "glitches": "replay with delays",
}


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


def _text(stage: str) -> str:
    return f"{stage}: {_ABOUT[stage]}"
