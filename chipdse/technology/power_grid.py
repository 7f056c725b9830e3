"""The supply grid of a process: straps in two directions, and rails at the rows of cells."""

from __future__ import annotations

from dataclasses import dataclass

from chipdse.errors import DesignError
from chipdse.technology.constants import Sources, variants


@dataclass(frozen=True, kw_only=True)
class PowerGrid:
    """One supply's grid over a core.

    across_ohm, along_ohm : resistance of a square of core in x and in y, through the straps
    rail_ohm_per_m : of one rail, in x
    rail_length_m : of a rail between two vertical straps
    rail_pitch_m : height of the cells that one rail supplies
    """

    across_ohm: float
    along_ohm: float
    rail_ohm_per_m: float
    rail_length_m: float
    rail_pitch_m: float


def power_grid(process: str | None, sources: Sources) -> PowerGrid:
    """The usual grid of a process.

    Raises
    ------
    DesignError : none is known
    """
    if process not in variants("power_grid.rail_width"):
        known = ", ".join(variants("power_grid.rail_width"))
        raise DesignError(f"no supply grid is known for process {process}; known: {known}")

    def value(name: str) -> float:
        return sources(f"power_grid.{name}.{process}")

    return PowerGrid(
        across_ohm=value("strap_resistance_across")
        * value("strap_pitch_across")
        / value("strap_width_across"),
        along_ohm=value("strap_resistance_along")
        * value("strap_pitch_along")
        / value("strap_width_along"),
        rail_ohm_per_m=value("rail_resistance") / value("rail_width"),
        rail_length_m=value("strap_pitch_along"),
        rail_pitch_m=value("rail_pitch"),
    )
