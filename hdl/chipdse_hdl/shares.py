"""Names of values in shares: a masked value is the XOR of its shares, each on a wire of its own.

The names hold everywhere: ports, registers and what is left of them in a netlist. Whoever checks
masking finds both shares of a variable by them.
"""

from __future__ import annotations

RANDOM = "random"
"""The input port of fresh random bits, independent and uniform, new in every cycle."""


def share_name(name: str, share: int, shares: int) -> str:
    """The name of a share, e.g. ``lane_3_share_1``; of a value in one share its own name."""
    return name if shares == 1 else f"{name}_share_{share}"


def share_names(name: str, shares: int) -> list[str]:
    """The names of all shares of a value."""
    return [share_name(name, share, shares) for share in range(shares)]
