"""Verb `status`: prints the progress of a sweep, from another terminal."""

from __future__ import annotations

import argparse
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

from chipdse.cli.common import Verbs, add_verb, print_json
from chipdse.errors import DesignError
from chipdse.study.storage import layout

if TYPE_CHECKING:
    from chipdse.study.running.status import Status

FOLLOW_S = 1.0
"""Interval at which --follow reads the file [s]."""
REASONS = 5


def add(verbs: Verbs) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "status",
        "print the progress of a sweep, also while it runs",
        "chipdse status studies/mac_array --follow",
        _status,
    )
    parser.add_argument("study", type=Path, help="folder of the study")
    parser.add_argument("--follow", action="store_true", help="keep printing until the sweep ends")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def _status(arguments: argparse.Namespace) -> int:
    layout.status_text(arguments.study)

    from chipdse.study.running.status import read_status

    if arguments.json:
        if arguments.follow:
            raise DesignError("--json and --follow are both given; leave one out")
        status = read_status(arguments.study)
        print_json({**dataclasses.asdict(status), "running": status.is_under_way})
    elif arguments.follow:
        _follow(arguments.study)
    else:
        print(status_text(read_status(arguments.study)))
    return 0


def _follow(study: Path) -> None:
    """A text that renews itself; where stdout is no terminal, one line per change."""
    from rich.console import Console
    from rich.live import Live

    from chipdse.study.running.status import read_status

    console = Console()
    if not console.is_terminal:
        last = ""
        while (status := read_status(study)).is_under_way:
            line = f"{status.trials}/{status.budget} evaluations, front {status.front}"
            if line != last:
                print(line, flush=True)
                last = line
            time.sleep(FOLLOW_S)
        print(status_text(status))
        return
    with Live(console=console, auto_refresh=False) as live:
        while True:
            status = read_status(study)
            live.update(status_text(status), refresh=True)
            if not status.is_under_way:
                return
            time.sleep(FOLLOW_S)


def status_text(status: Status) -> str:
    """A few lines for people."""
    from chipdse.report.terminal.progress import duration_text, growth_text

    lines = [
        f"{status.state}: {status.trials} of {status.budget} evaluations, "
        f"{status.under_way} under way on {status.workers} workers",
        f"{status.feasible} feasible points, {status.infeasible} infeasible; front {status.front}"
        f"{growth_text(status)}",
    ]
    if status.seconds_per_trial is not None:
        rate = (
            f"{status.trials_per_hour:.0f} evaluations per hour, " if status.trials_per_hour else ""
        )
        lines.append(f"{rate}{duration_text(status.seconds_per_trial)} per evaluation")
    if status.left_s is not None:
        lines.append(f"about {duration_text(status.left_s)} left")
    if status.failures:
        lines.append(f"{status.failed} failed:")
        shown = list(status.failures.items())
        lines += [f"  {count} x {reason}" for reason, count in shown[:REASONS]]
        if len(shown) > REASONS:
            lines.append(f"  and {len(shown) - REASONS} more reasons")
    if status.version:
        lines.append(f"made by {status.version}")
    lines.append(f"began {status.began}, updated {status.updated}, by {status.driver}")
    return "\n".join(lines)
