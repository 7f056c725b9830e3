"""Limits within which Yosys reads someone's Verilog.

A generate loop, a macro or an instance that repeats itself without end takes memory and time
without end. Processor time is limited, not elapsed time: a loaded machine refuses no design.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from chipdse.errors import DesignError, KilledError, ToolError
from chipdse.hardware import yosys_files
from chipdse.tools import run_tool
from chipdse.units import parse_quantity

TIME, MEMORY = "CHIPDSE_READING_TIME", "CHIPDSE_READING_MEMORY"
"""Environment variables that set the limits."""
_DEFAULTS = {TIME: "600s", MEMORY: "8GB"}
_LARGEST = 2**62


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """The limits of one run of a reader: processor time [s] and memory [bytes]."""

    time_s: int
    memory_bytes: int


def reading_limits() -> ReadingLimits:
    """The limits that the environment sets, or the defaults.

    Raises
    ------
    DesignError : a variable is no positive number of s or B
    """
    return ReadingLimits(time_s=_amount(TIME, "s"), memory_bytes=_amount(MEMORY, "B"))


def _amount(variable: str, unit: str) -> int:
    amount = parse_quantity(_text(variable), unit, variable)
    if not 1 <= amount <= _LARGEST:
        raise DesignError(
            f"{variable} = {_text(variable)!r} is no limit; write a positive amount such as "
            f"{_DEFAULTS[variable]}"
        )
    return round(amount)


def _text(variable: str) -> str:
    return os.environ.get(variable) or _DEFAULTS[variable]


def run_reader(name: str, script: list[str], folder: Path, listed: str = "") -> Path:
    """Run a Yosys script (kept as ``folder/NAME.ys``) that reads sources; returns its log.

    Parameters
    ----------
    listed : name of the file for the list of what Yosys read; "" writes none

    Raises
    ------
    ToolError : Yosys refuses the sources, or they need more than the limits
    """
    limits = reading_limits()
    (folder / f"{name}.ys").write_text("\n".join([*script, ""]))
    words = [f"{name}.ys", str(limits.time_s), str(limits.memory_bytes), listed]
    try:
        return run_tool(name, [sys.executable, yosys_files.__file__, *words], folder)
    except ToolError as error:
        if isinstance(error, KilledError) and "SIGXCPU" in str(error):
            over, variable = "processor time", TIME
        elif _is_over_memory(error, limits):
            over, variable = "memory", MEMORY
        else:
            raise
        log = error.log
    raise ToolError(
        f"{name} needs more than {_text(variable)} of {over}: a loop, macro or instance may repeat "
        f"itself without end; if the sources are that large, set {variable} to more",
        log,
    )


def _is_over_memory(error: ToolError, limits: ReadingLimits) -> bool:
    """Whether Yosys needed more than the limit: it says so, or found no memory even to say so."""
    if yosys_files.OVER_MEMORY in str(error):
        return True
    found_none = isinstance(error, KilledError) and "found no memory" in str(error)
    return found_none and yosys_files.limits_memory(limits.memory_bytes)
