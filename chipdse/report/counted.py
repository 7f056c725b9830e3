"""What of layout is in a point's numbers, and how far each is from the next better one."""

from __future__ import annotations

from chipdse.metrics import BlockReport

_WIRES = {
    0: "no wires (routed designs take 1.3 to 2.3 times the power that is counted without any)",
    1: "wires by formula (their total against routed designs: median error 13 %, 90 % within 46 %)",
    2: "wires from a placement (their total within 5 % of a full placer's, routed wire 0 to 2 % "
    "longer; a single net is indicative only)",
}


def counted_text(report: BlockReport) -> str:
    """One line that says which physical effects are on, with the measured error of each."""
    glitches = (
        f"glitches (standard error of drawn cycles {report.toggle_error_frac:.1%} of all "
        "transitions; switched capacitance within 2 % of event simulation with the same delays)"
        if report.glitches_counted
        else "no glitches (arithmetic switches two to three times as often with them)"
    )
    tree = (
        "clock tree (buffers to 15-40 % of routed designs)"
        if report.clock_tree_counted
        else "no clock tree"
    )
    return f"Counted: {_WIRES[report.wire_level]}; {tree}; {glitches}."
