"""About how many gates a cell of RTLIL becomes, to compare modules before they are mapped."""

from __future__ import annotations

from collections.abc import Mapping

_REGISTERS = ("$dff", "$sdff", "$adff", "$aldff", "$dlatch", "$adlatch", "$sr", "$ff")
_SUMS = ("$add", "$sub", "$neg", "$alu", "$lt", "$le", "$gt", "$ge", "$fa", "$lcu")
_PRODUCTS = ("$mul", "$div", "$mod", "$divfloor", "$modfloor", "$pow")
_SHIFTS = ("$shl", "$shr", "$sshl", "$sshr", "$shift", "$shiftx")


def estimate_gates(kind: str, parameters: Mapping[str, str]) -> int:
    """Gates of two inputs of a cell, to a factor of about two; a register bit counts five.

    Parameters
    ----------
    kind : RTLIL type, `$add`
    parameters : by name with backslash, values as RTLIL writes them
    """

    def width(name: str) -> int:
        value = parameters.get(f"\\{name}", "0")
        return int(value.rpartition("'")[2], 2) if "'" in value else int(value)

    if not kind.startswith("$"):
        return 0  # a black box
    if kind == "$mem_v2":
        return 8 * width("SIZE") * width("WIDTH")
    widest = max(width(name) for name in ("WIDTH", "A_WIDTH", "B_WIDTH", "Y_WIDTH"))
    if kind.startswith(_REGISTERS):
        return 5 * widest
    if kind in _PRODUCTS:
        return 6 * width("A_WIDTH") * width("B_WIDTH")
    if kind in _SUMS:
        return 5 * widest
    if kind in _SHIFTS:
        return 3 * widest * max(1, min(width("B_WIDTH"), widest.bit_length()))
    if kind == "$pmux":
        return 2 * widest * width("S_WIDTH")
    return max(1, widest)
