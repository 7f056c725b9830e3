"""One corner of the characterised sky130 library as Liberty text."""

from __future__ import annotations

from collections.abc import Iterable

from chipdse.characterise import liberty_text
from chipdse.characterise.liberty_text import Head
from chipdse.characterise.tables import CellTables

LIBRARY = "sky130_fd_sc_hd_derived"
_SUPPLY_PINS = (
    ("VPWR", "primary_power"),
    ("VGND", "primary_ground"),
    ("VPB", "nwell"),
    ("VNB", "pwell"),
)


def library_text(
    cells: Iterable[CellTables], supply_v: float, temperature_c: float, comment: str
) -> str:
    """The complete file."""
    corner = f"tt_{temperature_c:.0f}C_{supply_v:.2f}V".replace("-", "m").replace(".", "p")
    head = Head(
        library=LIBRARY,
        corner=corner,
        supply_v=supply_v,
        temperature_c=temperature_c,
        comment=comment,
        supplies=_SUPPLY_PINS,
    )
    return liberty_text.library_text(list(cells), head)
