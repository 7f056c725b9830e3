"""Import results: a place-and-route flow's results of an exported point against the estimates.

Metric names are METRICS2.1 (J. Jung et al., ICCAD 2021) as LibreLane and OpenROAD-flow-scripts
write them: areas in µm², lengths in µm, power in W, slacks in the library's time unit.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chipdse.errors import DesignError
from chipdse.units import show

# Stages of a flow that name their metrics, the last first: its value counts.
_STAGES = ("finish", "detailedroute", "globalroute", "cts", "detailedplace", "globalplace")
_STAGE = re.compile(rf"({'|'.join(_STAGES)})__(.+)")
_CORNER = re.compile(r"(.+)__corner:(.+)")
# Of the same quantity the first name found counts.
DIRECT = {
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
# What stands where a number belongs is read, and refused if it is none.
_VALUE = r" ((?!max\b|min\b)\S*)[ \t]*$"
_REPORT = {
    "design__instance__area": re.compile(r"^[ \t]*design area (\S+) u", re.I | re.M),
    _SETUP: re.compile(rf"^[ \t]*(?:worst slack(?: max)?|wns(?: max)?){_VALUE}", re.I | re.M),
    _HOLD: re.compile(rf"^[ \t]*worst slack min{_VALUE}", re.I | re.M),
}
_POWER = re.compile(r"^Total" + r"[ \t]+(\S+)" * 4 + r"[ \t]+(?:100\.0|-?nan)%\s*$", re.M)
_NUMBER = re.compile(r"[+-]?(?>\d+(?:\.\d*)?|\.\d+)(e[+-]?\d+)?", re.I)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.I)
_ABSENT = ("N/A", "ERR")
"""What OpenROAD-flow-scripts write for a metric that they did not find."""
_ABOVE_ZERO = ("block_area_m2", "block_cell_count", "block_power_w", "f_max_hz")
_NO_PATH = 1e29
"""A slack as large is OpenSTA's "no path": 1e30, in files of other units 1e39, or INF."""
_MAY_BE_INFINITE = (_SETUP, _HOLD, "timing__fmax")
# Tables of Liberty files may have energies below 0.
_MAY_BE_NEGATIVE = (*_MAY_BE_INFINITE, "power__total", "power__internal__total")


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
        numbers = _from_json(path, text)
    elif path.suffix == ".csv":
        numbers = _numbers(path, _csv_rows(path, text))
    else:
        numbers = _from_report(path, text)
    stages = _last_stages(numbers)
    if not any(_is_known(name) for name in stages):
        raise DesignError(
            f"results {str(path)!r} hold no metric known here; give LibreLane's metrics.json or "
            "metrics.csv, OpenROAD's 6_report.json, or its report of power and slack"
        )
    return stages


def _plain(name: str) -> str:
    """A metric's name without its stage and its corner."""
    if match := _STAGE.fullmatch(name):
        name = match[2]
    match = _CORNER.fullmatch(name)
    return match[1] if match else name


def _is_known(name: str) -> bool:
    """Whether a metric is compared with one of ours."""
    known = {_SETUP, _HOLD, *(name for names, _ in DIRECT.values() for name in names)}
    return _plain(name) in known


def _csv_rows(path: Path, text: str) -> dict[str, object]:
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise DesignError(f"results {str(path)!r} are not CSV: {error}") from error
    for row in rows:
        if row and len(row) != 2 and _is_known(row[0]):
            raise DesignError(
                f"results {str(path)!r}: the line of {row[0]} has {len(row)} cells instead of 2; "
                "write a name and a number (without a comma in it)"
            )
    return _each_once(path, [(row[0], row[1]) for row in rows if len(row) == 2])


def _each_once(path: Path, pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Values by name; a metric that is compared has one value."""
    values: dict[str, object] = {}
    for name, value in pairs:
        if name in values and values[name] != value and _is_known(name):
            raise DesignError(
                f"results {str(path)!r} have {name} twice, as {str(values[name])[:40]!r} and "
                f"{str(value)[:40]!r}; take one of them out"
            )
        values[name] = value
    return values


def _last_stages(numbers: Mapping[str, float]) -> dict[str, float]:
    """Names without their stage; of several stages the last, in any order of the file."""
    values = {name: value for name, value in numbers.items() if not _STAGE.fullmatch(name)}
    for stage in reversed(_STAGES):
        for name, value in numbers.items():
            match = _STAGE.fullmatch(name)
            if match and match[1] == stage:
                values[match[2]] = value
    return values


def _from_json(path: Path, text: str) -> dict[str, float]:
    try:
        data = json.loads(text, object_pairs_hook=lambda pairs: _each_once(path, pairs))
    except (ValueError, RecursionError) as error:
        raise DesignError(f"results {str(path)!r} are not JSON: {error}") from error
    if not isinstance(data, dict):
        raise DesignError(f"results {str(path)!r} must be one JSON object of metrics by name")
    return _numbers(path, data) | _period(path, data.get("constraints__clocks__details"))


def _period(path: Path, clocks: object) -> dict[str, float]:
    """The clock of a run of OpenROAD-flow-scripts, ``["clk: 10.0"]``, if it has one alone."""
    match clocks:
        case [str(clock)] if ":" in clock:
            return {_PERIOD: _number(path, "the clock's period", clock.rpartition(":")[2].strip())}
    return {}


def _numbers(path: Path, values: Mapping[str, object]) -> dict[str, float]:
    """The numbers of a file; what is compared must be one, other texts are passed over."""
    numbers = {}
    for name, value in values.items():
        text = "" if isinstance(value, bool) else str(value).strip()
        if _is_known(name) or _plain(name) == _PERIOD or "__class:" in name:
            if value is not None and text not in _ABSENT:
                numbers[name] = _number(path, name, text or str(value))
        elif _NUMBER.fullmatch(text) and math.isfinite(float(text)):
            numbers[name] = float(text)
    return numbers


def _number(path: Path, name: str, text: str) -> float:
    if _NUMBER.fullmatch(text) or _INFINITE.fullmatch(text):
        number = float(text)
        if number < 0 and _plain(name) not in _MAY_BE_NEGATIVE:
            raise DesignError(
                f"results {str(path)!r}: {name} is {text[:40]!r}, less than 0; correct it or take "
                "the line out"
            )
        if math.isfinite(number) or _plain(name) in _MAY_BE_INFINITE:
            return number
    raise DesignError(
        f"results {str(path)!r}: {name} is {text[:40]!r}, which is no finite number; correct it or "
        "take the line out"
    )


def _from_report(path: Path, text: str) -> dict[str, float]:
    numbers = {}
    for name, pattern in _REPORT.items():
        matches = pattern.findall(text)
        if matches:
            numbers[name] = _number(path, name, matches[-1])
    power = _POWER.findall(text)
    if power:
        kinds = ("internal__total", "switching__total", "leakage__total", "total")
        for kind, value in zip(kinds, power[-1], strict=True):
            numbers[f"power__{kind}"] = _number(path, f"power__{kind}", value)
    return numbers


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
    """Every metric that both have; what is left out of it `left_out` says.

    Parameters
    ----------
    clock_period_s : of their run; default what their results say, or ours
    corner : their timing corner; default the typical one where it is named so, else the worst
    time_unit_s : of their slacks [s]

    Raises
    ------
    DesignError : no such corner, or nothing to compare
    """
    reported, why_not = _theirs(ours, results, clock_period_s, corner, time_unit_s)
    both = [
        Compared(
            metric=name,
            ours=ours[name],
            theirs=number,
            error_frac=ours[name] / number - 1 if number else None,
        )
        for name, number in reported.items()
        if name in ours and (ours[name] or name not in _OFF_IS_ZERO)
    ]
    if not both:
        reasons = "".join(f"; {reason}" for reason in why_not)
        raise DesignError(f"the results and the point have no metric in common{reasons}")
    return both


def left_out(
    ours: Mapping[str, float],
    results: Mapping[str, float],
    *,
    clock_period_s: float | None = None,
    corner: str | None = None,
    time_unit_s: float = 1e-9,
) -> list[str]:
    """What of their results is no result, and why: a line for each metric that is not compared."""
    return _theirs(ours, results, clock_period_s, corner, time_unit_s)[1]


def _theirs(
    ours: Mapping[str, float],
    results: Mapping[str, float],
    clock_period_s: float | None,
    corner: str | None,
    time_unit_s: float,
) -> tuple[dict[str, float], list[str]]:
    """Their numbers under our names and in our units, and a line for each that is none."""
    corners = corners_of(results)
    if corner is not None and corner not in corners:
        raise DesignError(f"corner {corner!r} is not in the results; they have {corners or 'none'}")
    if corner is None:
        corner = next((name for name in corners if re.match(r"nom_(tt|typ)", name)), None)

    def value(names: tuple[str, ...]) -> float | None:
        for name in names:
            for full in (f"{name}__corner:{corner}", name):
                if full in results:
                    return results[full]
        return None

    why_not: list[str] = []

    def timed(name: str, metric: str) -> float | None:
        """A slack or a frequency; None with a line if it stands for no path."""
        number = value((name,))
        if number is None or abs(number) < _NO_PATH:
            return number
        why_not.append(
            f"{metric} is left out: their {name} of {number:g} says that no path is constrained"
        )
        return None

    reported: dict[str, float] = {}
    for metric, (names, unit) in DIRECT.items():
        number = timed(names[0], metric) if metric == "f_max_hz" else value(names)
        if number is not None:
            reported[metric] = number * unit
    _correct_cells(reported, results)
    why_not += _impossible(reported)
    period, whose = _period_s(ours, results, clock_period_s, time_unit_s)
    setup = timed(_SETUP, "critical_path_s")
    hold = timed(_HOLD, "worst_hold_slack_s")
    if setup is not None:
        path = period - setup * time_unit_s
        if path > 0:
            reported["critical_path_s"] = path
        else:
            why_not.append(
                f"critical_path_s is left out: their setup slack of "
                f"{show(setup * time_unit_s, 's')} is more than the clock period of "
                f"{show(period, 's')} ({whose}); give their period with --clock, the unit of "
                "their slacks with --time-unit"
            )
    if hold is not None:
        reported["worst_hold_slack_s"] = hold * time_unit_s
    return reported, why_not


def _correct_cells(reported: dict[str, float], results: Mapping[str, float]) -> None:
    """Leave fill and taps out of area and number of cells, and add the number of clock buffers."""
    for metric, quantity, unit in (
        ("block_area_m2", "area", 1e-12),
        ("block_cell_count", "count", 1.0),
    ):
        if metric in reported and f"design__instance__{quantity}__stdcell" in results:
            reported[metric] -= unit * _classes(results, quantity, _PHYSICAL_ONLY)
    if any(f"design__instance__count__class:{kind}" in results for kind in _TREE):
        reported["clock_buffer_count"] = _classes(results, "count", _TREE)


def _period_s(
    ours: Mapping[str, float],
    results: Mapping[str, float],
    clock_period_s: float | None,
    time_unit_s: float,
) -> tuple[float, str]:
    """The clock period of their results [s], and where it is from, for messages."""
    if clock_period_s is not None:
        return clock_period_s, "as given"
    if results.get(_PERIOD, 0) > 0:
        return results[_PERIOD] * time_unit_s, "as their results say"
    return 1 / ours["clock_frequency_hz"], "the point's, for want of theirs"


def _impossible(reported: dict[str, float]) -> list[str]:
    """Take out negative numbers, and a 0 where a design has none; a line for each."""
    wrong = [
        name
        for name, number in reported.items()
        if number < 0 or (number == 0 and name in _ABOVE_ZERO)
    ]
    return [
        f"{name} is left out: their value of {reported.pop(name):g} is impossible" for name in wrong
    ]


def _classes(results: Mapping[str, float], quantity: str, kinds: tuple[str, ...]) -> float:
    return sum(results.get(f"design__instance__{quantity}__class:{kind}", 0.0) for kind in kinds)
