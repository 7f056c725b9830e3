"""Durations as people write them: 90s, 30min, 2h, 1d."""

from __future__ import annotations

import re

from chipdse.errors import DesignError

_UNITS_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str, what: str = "time") -> float:
    """Seconds of a duration for people: ``parse_duration("2h") == 7200``.

    Raises
    ------
    DesignError : no number, or another unit than s, min, h, d
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\s*", text)
    if match is None or float(match[1]) == 0:
        raise DesignError(f"{what} {text!r} is not a duration; write e.g. 90s, 30min, 2h or 1d")
    return float(match[1]) * _UNITS_S[match[2]]
