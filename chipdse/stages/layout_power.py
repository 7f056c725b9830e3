"""What wires and the cells that layout adds do to energy and leakage, and a map of power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats
from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.layout.expected_cells import ExpectedCells
from chipdse.netlist.layout.placer.arrays import sums
from chipdse.netlist.layout.wires import Routes, WireLoads
from chipdse.netlist.netlist import Netlist


def wire_energy_j(
    loads: WireLoads | None,
    netlist: Netlist,
    activity: Activity,
    vdd_v: float,
    driving: Bools | None = None,
) -> float:
    """Energy per cycle [J] to charge wires and the buffers on them: ``C V^2 / 2`` per transition.

    A net driven by an input port costs the block nothing.

    Parameters
    ----------
    driving : [cells] whose output nets count; None for all
    """
    if loads is None:
        return 0.0
    driven = np.flatnonzero(netlist.net_driver_pin >= 0)
    if driving is not None:
        driven = driven[driving[netlist.pin_cell[netlist.net_driver_pin[driven]]]]
    charge = numerics.dot(loads.power_f[driven], activity.toggles[driven])
    return float(0.5 * (vdd_v * vdd_v) * charge / activity.cycles)


@dataclass(frozen=True, kw_only=True)
class LeakageAfterLayout:
    """Leakage of a netlist after layout by group [W], and the whole's growth by layout."""

    by_group_w: dict[str, float]
    growth: float


def after_layout(added: ExpectedCells | None, by_group_w: dict[str, float]) -> LeakageAfterLayout:
    """Leakage by group as it is expected after layout; macros stay as they are.

    Parameters
    ----------
    by_group_w : of the netlist before layout
    """
    if added is None:
        return LeakageAfterLayout(by_group_w=by_group_w, growth=1.0)
    grown = {
        name: watts * (1.0 if name == "macro" else added.leakage_growth)
        for name, watts in by_group_w.items()
    }
    before_w = sum(by_group_w.values())
    growth = sum(grown.values()) / before_w if before_w else 1.0
    return LeakageAfterLayout(by_group_w=grown, growth=growth)


def added_energy_j(added: ExpectedCells | None, data_j: float) -> float:
    """Energy per cycle [J] that data take in the cells that layout adds or enlarges.

    Parameters
    ----------
    data_j : in the combinational cells of the netlist, without wires
    """
    return 0.0 if added is None else (added.data_growth - 1.0) * data_j


def power_map_w(routes: Routes, cell_power_w: Floats, bins: int) -> Floats:
    """Power of the placed cells on a square grid over the core [bins, bins], x first."""
    if not len(routes.cell_x_m):
        raise DesignError('without a placement there is no map of power; set wires="placed"')
    column = np.clip((routes.cell_x_m / routes.core_width_m * bins).astype(np.int64), 0, bins - 1)
    row = np.clip((routes.cell_y_m / routes.core_height_m * bins).astype(np.int64), 0, bins - 1)
    return sums(column * bins + row, cell_power_w, bins * bins).reshape(bins, bins)
