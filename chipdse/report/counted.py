"""What of layout is in a point's numbers, and how far each is from the next better one."""

from __future__ import annotations

from collections.abc import Mapping

from chipdse.metrics import BlockReport
from chipdse.technology.calibration import MeasuredError

_WIRES = {
    0: "no wires (routed designs take 1.3 to 2.3 times the power that is counted without any)",
    1: "wires by formula (their total against routed designs: median error 13 %, 90 % within 46 %)",
    2: "wires from a placement (a single net is indicative only)",
}


def counted_text(report: BlockReport, errors: Mapping[str, MeasuredError] | None = None) -> str:
    """One line that states which physical effects are included, with the measured error of each.

    Parameters
    ----------
    errors : of metrics, against routed designs
    """
    glitches = (
        f"glitches (standard error of drawn cycles {report.toggle_error_frac:.1%} of all "
        "transitions; switched capacitance within 2 % of event simulation with the same delays)"
        if report.glitches_counted
        else "no glitches (arithmetic switches two to three times as often with them)"
    )
    known = errors or {}
    tree = _part("clock tree", report.clock_tree_counted, known.get("block_clock_tree_power_w"))
    cells = _part(
        "cells that layout adds", report.added_cells_counted, known.get("block_layout_area_m2")
    )
    return f"Counted: {_WIRES[report.wire_level]}; {tree}; {cells}; {glitches}."


def _part(name: str, is_counted: int, error: MeasuredError | None) -> str:
    if not is_counted:
        return f"no {name}"
    return f"{name} ({'no routed design compared' if error is None else error.text()})"
