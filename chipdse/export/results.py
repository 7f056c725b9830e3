"""Import results: what a place-and-route flow measured of an exported point, beside our numbers.

Metric names are METRICS2.1 (J. Jung et al., ICCAD 2021) as LibreLane and OpenROAD-flow-scripts
write them: areas in µm², lengths in µm, power in W, slacks in the library's time unit.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chipdse.errors import DesignError

# Stages of a flow that name their metrics, the last first: its value counts.
_STAGES = ("finish", "detailedroute", "globalroute", "cts", "detailedplace", "globalplace")
_STAGE = re.compile(rf"({'|'.join(_STAGES)})__(.+)")
_CORNER = re.compile(r"(.+)__corner:(.+)")
# Of the same quantity the first name found counts.
_DIRECT = {
    "block_area_m2": (("design__instance__area__stdcell", "design__instance__area"), 1e-12),
    "block_cell_count": (("design__instance__count__stdcell", "design__instance__count"), 1.0),
    "block_power_w": (("power__total",), 1.0),
    "block_internal_power_w": (("power__internal__total",), 1.0),
    "block_switching_power_w": (("power__switching__total",), 1.0),
    "block_leakage_power_w": (("power__leakage__total",), 1.0),
    "block_flip_flop_count": (("design__instance__count__class:sequential_cell",), 1.0),
    "f_max_hz": (("timing__fmax",), 1.0),
    "wire_length_m": (("route__wirelength", "route__wirelength__estimated"), 1e-6),
}
# What a layout adds and no netlist has: in the totals of standard cells, which leave out fill.
_PHYSICAL_ONLY = ("tap_cell", "endcap_cell", "antenna_cell")
_TREE = ("clock_buffer", "clock_inverter")
_PERIOD = "clock__period"
_OFF_IS_ZERO = ("wire_length_m", "clock_buffer_count")
"""Metrics of ours that are 0 where they are not counted: nothing to compare."""
_SETUP, _HOLD = "timing__setup__ws", "timing__hold__ws"
_REPORT = {
    "design__instance__area": re.compile(r"^\s*design area ([\d.]+) u", re.I | re.M),
    _SETUP: re.compile(r"^\s*(?:worst slack(?: max)?|wns(?: max)?) (-?[\d.]+)\s*$", re.I | re.M),
    _HOLD: re.compile(r"^\s*worst slack min (-?[\d.]+)\s*$", re.I | re.M),
}
_POWER = re.compile(r"^Total" + r"\s+(\d[\d.e+-]*)" * 4 + r"\s+100\.0%\s*$", re.M)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One metric, ours and theirs.

    error_frac : ours / theirs - 1; None where theirs is 0
    """

    metric: str
    ours: float
    theirs: float
    error_frac: float | None


def read_results(path: Path) -> dict[str, float]:
    """The numbers of a flow's metrics file (JSON or CSV) or OpenROAD report, by METRICS2.1 name.

    Raises
    ------
    DesignError : no such file, or no number known here in it
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise DesignError(f"results {str(path)!r} cannot be read: {reason}") from error
    if path.suffix == ".json":
        found = _from_json(path, text)
    elif path.suffix == ".csv":
        rows = [row for row in csv.reader(io.StringIO(text)) if len(row) == 2]
        found = _numbers(dict(rows))
    else:
        found = _from_report(text)
    stages = _last_stages(found)
    known = {_SETUP, _HOLD, *(name for names, _ in _DIRECT.values() for name in names)}
    if not any((m[1] if (m := _CORNER.fullmatch(name)) else name) in known for name in stages):
        raise DesignError(
            f"results {str(path)!r} hold no metric known here; give LibreLane's metrics.json or "
            "metrics.csv, OpenROAD's 6_report.json, or its report of power and slack"
        )
    return stages


def _last_stages(found: Mapping[str, float]) -> dict[str, float]:
    """Names without their stage; of several stages the last, in whatever order they are written."""
    values = {name: value for name, value in found.items() if not _STAGE.fullmatch(name)}
    for stage in reversed(_STAGES):
        for name, value in found.items():
            match = _STAGE.fullmatch(name)
            if match and match[1] == stage:
                values[match[2]] = value
    return values


def _from_json(path: Path, text: str) -> dict[str, float]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise DesignError(f"results {str(path)!r} are not JSON: {error}") from error
    if not isinstance(data, dict):
        raise DesignError(f"results {str(path)!r} must be one JSON object of metrics by name")
    return _numbers(data) | _period(data.get("constraints__clocks__details"))


def _period(clocks: object) -> dict[str, float]:
    """The clock of a run of OpenROAD-flow-scripts, ``["clk: 10.0"]``, if it has one alone."""
    match clocks:
        case [str(clock)] if found := re.fullmatch(r".*:\s*([\d.]+)\s*", clock):
            return {_PERIOD: float(found[1])}
    return {}


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    found = {}
    for name, value in values.items():
        try:
            number = float(str(value))
        except ValueError:
            continue
        if math.isfinite(number) and not isinstance(value, bool):
            found[name] = number
    return found


def _from_report(text: str) -> dict[str, float]:
    found = {}
    for name, pattern in _REPORT.items():
        matches = pattern.findall(text)
        if matches:
            found[name] = float(matches[-1])
    power = _POWER.findall(text)
    if power:
        kinds = ("internal__total", "switching__total", "leakage__total", "total")
        found |= {f"power__{k}": float(v) for k, v in zip(kinds, power[-1], strict=True)}
    return found


def corners_of(results: Mapping[str, float]) -> list[str]:
    """The timing corners that have values of their own."""
    return sorted({m[2] for name in results if (m := _CORNER.fullmatch(name))})


def compare(
    ours: Mapping[str, float],
    results: Mapping[str, float],
    *,
    clock_period_s: float | None = None,
    corner: str | None = None,
    time_unit_s: float = 1e-9,
) -> list[Compared]:
    """Every metric that both have.

    Parameters
    ----------
    clock_period_s : of their run; default what their results say, or ours
    corner : their timing corner; default the typical one where it is named so, else the worst
    time_unit_s : of their slacks [s]

    Raises
    ------
    DesignError : no such corner, or nothing to compare
    """
    there = corners_of(results)
    if corner is not None and corner not in there:
        raise DesignError(f"corner {corner!r} is not in the results; they have {there or 'none'}")
    if corner is None:
        corner = next((name for name in there if re.match(r"nom_(tt|typ)", name)), None)

    def value(names: tuple[str, ...]) -> float | None:
        for name in names:
            for full in (f"{name}__corner:{corner}", name):
                if full in results:
                    return results[full]
        return None

    theirs: dict[str, float] = {}
    for metric, (names, unit) in _DIRECT.items():
        found = value(names)
        if found is not None:
            theirs[metric] = found * unit
    for metric, quantity, unit in (
        ("block_area_m2", "area", 1e-12),
        ("block_cell_count", "count", 1.0),
    ):
        if metric in theirs and f"design__instance__{quantity}__stdcell" in results:
            theirs[metric] -= unit * _classes(results, quantity, _PHYSICAL_ONLY)
    if any(f"design__instance__count__class:{kind}" in results for kind in _TREE):
        theirs["clock_buffer_count"] = _classes(results, "count", _TREE)
    period = clock_period_s or results.get(_PERIOD, 0) * time_unit_s
    period = period or 1 / ours["clock_frequency_hz"]
    setup, hold = value((_SETUP,)), value((_HOLD,))
    if setup is not None:
        theirs["critical_path_s"] = period - setup * time_unit_s
    if hold is not None:
        theirs["worst_hold_slack_s"] = hold * time_unit_s
    both = [
        Compared(
            metric=name,
            ours=ours[name],
            theirs=number,
            error_frac=ours[name] / number - 1 if number else None,
        )
        for name, number in theirs.items()
        if name in ours and (ours[name] or name not in _OFF_IS_ZERO)
    ]
    if not both:
        raise DesignError("the results and the point have no metric in common")
    return both


def _classes(results: Mapping[str, float], quantity: str, kinds: tuple[str, ...]) -> float:
    return sum(results.get(f"design__instance__{quantity}__class:{kind}", 0.0) for kind in kinds)
