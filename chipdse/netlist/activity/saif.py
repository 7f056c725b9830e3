"""Write activity as SAIF, for power tools: toggle counts and times at 0, 1 and X of every net."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chipdse import __version__
from chipdse.errors import DesignError, ToolError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.netlist import Netlist

_SPECIAL = re.compile(r"[^A-Za-z0-9_]")
_STEPS_S = (1e-9, 1e-12, 1e-15)
_STEP_NAMES = ("ns", "ps", "fs")
_RELATIVE_ERROR = 1e-9
_STEP_TOLERANCE = 1e-6  # a time of so much more or less than a whole step is that step


def write_saif(activity: Activity, netlist: Netlist, path: Path, instance: str = "") -> None:
    """Write a backward SAIF file (version 2.0) of a netlist's annotated nets.

    Parameters
    ----------
    instance : path of the netlist in the testbench, levels joined by ``/``; default the top alone

    Notes
    -----
    Times are whole steps: the coarsest of ns, ps and fs in which the duration and every net's time
    at 1 are whole numbers. Where not even fs does that (a third of a cycle), T1 is rounded to the
    nearest fs. T0 is the rest, so that T0 + T1 + TX is the duration; TX is 0, as activity does not
    distinguish unknown from low. Toggle counts are whole numbers; a half (a change to or from X) is
    rounded to even.

    Raises
    ------
    ToolError : the file cannot be written
    DesignError : no net is annotated
    """
    try:
        path.write_text("".join(f"{line}\n" for line in _lines(activity, netlist, instance)))
    except OSError as error:
        raise ToolError(f"cannot write {path}: {error.strerror}") from error


def _lines(activity: Activity, netlist: Netlist, instance: str) -> Iterator[str]:
    named = {net: name for name, net in netlist.nets_by_name.items()}
    named |= {net: name for net, name in enumerate(netlist.net_names) if net >= 2}
    known = [net for net in sorted(named) if net >= 2 and activity.annotated[net]]
    if not known:
        raise DesignError(f"no net of {netlist.top!r} has a known activity; nothing to write")
    unit, duration = _time_unit(activity.duration_s, activity.high_fraction[known])
    yield "(SAIFILE"
    yield '(SAIFVERSION "2.0")'
    yield '(DIRECTION "backward")'
    yield f'(DESIGN "{netlist.top}")'
    yield '(VENDOR "chipdse")'
    yield '(PROGRAM_NAME "chipdse")'
    yield f'(VERSION "{__version__}")'
    yield "(DIVIDER / )"
    yield f"(TIMESCALE 1 {unit})"
    yield f"(DURATION {duration})"
    levels = [level for level in instance.split("/") if level] or [netlist.top]
    for level in levels:
        yield f"(INSTANCE {escaped(level)}"
    yield "(NET"
    for net in known:
        high = round(activity.high_fraction[net] * duration)
        toggles = round(activity.toggles[net])
        yield (
            f"({escaped(named[net])}"
            f" (T0 {duration - high}) (T1 {high}) (TX 0) (TC {toggles}) (IG 0))"
        )
    yield ")" * (len(levels) + 2)


def escaped(name: str) -> str:
    """A name as SAIF writes it: a backslash before every character that is not in a word."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], name)


def _time_unit(duration_s: float, high_fraction: NDArray[np.float64]) -> tuple[str, int]:
    """The unit of the file's times, and the duration in it."""
    for step, name in zip(_STEPS_S, _STEP_NAMES, strict=True):
        steps = duration_s / step
        if steps < 1 or not math.isclose(steps, round(steps), rel_tol=_RELATIVE_ERROR):
            continue
        times = high_fraction * round(steps)
        if np.allclose(times, np.round(times), rtol=_RELATIVE_ERROR, atol=_STEP_TOLERANCE):
            return name, round(steps)
    return _STEP_NAMES[-1], max(1, round(duration_s / _STEPS_S[-1]))
