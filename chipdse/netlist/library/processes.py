"""Process corners by name: which transistors a library was characterised with."""

from __future__ import annotations

import re

TYPICAL = "typical"  # where nothing says
# Process corners by the words that libraries use for them.
_WORDS = {
    TYPICAL: {"tt", "typ", "typical", "nom", "nominal"},
    "slow": {"ss", "slow", "worst", "wc"},
    "fast": {"ff", "fast", "best", "bc"},
    "slow-fast": {"sf"},
    "fast-slow": {"fs"},
}


def process_of(words: str) -> str:
    """The process corner in the names of a library; "" if they contain none or several."""
    processes = {
        process
        for process, names in _WORDS.items()
        for word in re.split(r"[^A-Za-z]+", words.lower())
        if word in names
    }
    return processes.pop() if len(processes) == 1 else ""
