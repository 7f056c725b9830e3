"""Quantities as text: reads `10ns` and prints `1.23 ns`. All values in the program are SI."""

from __future__ import annotations

import math
import re

from chipdse.errors import DesignError

PREFIXES = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
}
_SHOWN = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T"]
_NUMBER = re.compile(r"\s*([-+]?(?>\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")
_EXAMPLES = {
    "s": "10ns",
    "Hz": "100MHz",
    "V": "1.2V",
    "F": "4fF",
    "°C": "25C",
    "m": "2mm",
    "W": "5W",
}

OPERATION = "op"
"""Stands for the block's unit of work in the units of metrics."""


def unit_in(unit: str, work: str) -> str:
    """A unit with the block's unit of work in place of "op": ``"op/s", "MAC"`` is "MAC/s"."""
    return "/".join(work if part == OPERATION else part for part in unit.split("/"))


def parse_quantity(text: str, unit: str, what: str = "quantity") -> float:
    """Read a quantity that carries its unit, e.g. ``parse_quantity("10ns", "s") == 1e-8``.

    Parameters
    ----------
    text : number, SI prefix and unit; a temperature is in °C and written `25C` or `25°C`
    unit : "s", "Hz", "V", "F", "W", "m" or "°C"
    what : the option or key, for the message

    Raises
    ------
    DesignError : the text has no number, no unit, another unit or an unknown prefix, or the number
        is not finite
    """
    match = _NUMBER.fullmatch(text)
    example = _EXAMPLES.get(unit, f"1{unit}")
    if match is None:
        raise DesignError(f"{what} {text!r} is not a number with a unit; write e.g. {example}")
    number, suffix = float(match[1]), match[2]
    if not math.isfinite(number):
        raise DesignError(f"{what} {text!r} is not finite; write e.g. {example}")
    if unit == "°C":
        if suffix in ("C", "°C", "degC"):
            return number
    elif suffix.endswith(unit) and suffix[: -len(unit)] in PREFIXES:
        return number * PREFIXES[suffix[: -len(unit)]]
    if not suffix:
        raise DesignError(f"{what} {text!r} has no unit; write e.g. {example}")
    raise DesignError(f"{what} {text!r} is not in {unit}; write e.g. {example}")


def show(value: float, unit: str, digits: int = 4) -> str:
    """A quantity as text: ``show(1.23e-9, "s") == "1.23 ns"``."""
    if unit == "°C":
        return f"{value:.{digits}g} °C"
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    power = min(max(math.floor(math.log10(abs(value)) / 3 + 1e-12), -5), 4)
    scaled = float(f"{value / 1000.0**power:.{digits}g}")
    if abs(scaled) >= 1000 and power < 4:
        power, scaled = power + 1, scaled / 1000
    return f"{scaled:.{digits}g} {_SHOWN[power + 5]}{unit}"
