"""Figures of docs/concepts/searching.md: composed against whole-chip search."""

from __future__ import annotations

from collections.abc import Iterator

from figures import Runs
from page_figures import Text

BUDGETS = (5, 10, 15, 20, 27, 40)
NAMES = {"composed": "composed", "whole": "whole chips"}


def searching(runs: Runs) -> Iterator[Text]:
    """Share of the hypervolume after so many evaluations, and part points measured by then."""
    for sampler in ("lattice", "random"):
        for mode, name in NAMES.items():
            row = runs.result("composed", mode=mode, sampler=sampler)
            budgets = BUDGETS[:-1] if mode == "composed" else BUDGETS
            cells = " | ".join(["{:.3f} ({:.0f})"] * len(budgets))
            values = [
                value
                for budget in budgets
                for value in (row[f"after_{budget}"], row[f"part_points_{budget}"])
            ]
            yield Text(words=f"| {name}, `{sampler}` | {cells} |", values=tuple(values))
    composed, undivided = (
        runs.result("composed", mode=mode, sampler="lattice") for mode in ("composed", "whole")
    )
    yield Text(
        words="{:.0f} part points give {:.3f} in the composed search, and {:.0f} give {:.3f} in",
        values=(
            composed["part_points_10"],
            composed["after_10"],
            undivided["part_points_5"],
            undivided["after_5"],
        ),
    )
    yield Text(
        words="({:.3f} and {:.3f}, {:.3f} and {:.3f} with `lattice`)",
        values=tuple(
            row[f"worst_{budget}"] for budget in (15, 20) for row in (composed, undivided)
        ),
    )
    stored = runs.benchmark("composed")
    points = stored["points"]
    yield Text(
        words="{} arrays, {} filters and {} multipliers",
        values=tuple(points[name] for name in ("array", "filter", "scaler")),
    )
    yield Text(
        words="{:,.0f} chips, of which {} are on the front",
        values=(stored["chips"], stored["front"]),
    )
