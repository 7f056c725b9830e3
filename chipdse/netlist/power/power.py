"""Power of a netlist at K operating points from the activity of its nets.

Conventions are OpenSTA's: internal and switching power by transition density, leakage by state
probability. A net driven by an input port has no power.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Int8s, Int32s, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.library.library import LeakagePoints
from chipdse.netlist.library.tables import TableSet, bilinear
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.power.cells import CellPower, EnergyBundle, cell_power
from chipdse.netlist.power.nets import annotated_fraction, check_period, net_activity
from chipdse.netlist.power.propagate import fill_unannotated
from chipdse.netlist.power.states import independent_probabilities
from chipdse.netlist.timing.timing import MAX, Timing, net_loads

GROUPS = ("sequential", "combinational", "clock", "macro")
MIN_ANNOTATED = 0.99
_BLOCK = 1 << 22  # numbers in memory per batch


@dataclass(frozen=True, kw_only=True, eq=False)
class Power:
    """Power of every instance [K, cells] in watts.

    `clock_pin_w` is the internal power of registers' clock pins, part of `internal_w`.
    `limited_nets` counts nets whose density was cut to 1/slew; where it is zero, dynamic power
    is proportional to the clock frequency. `leakage_elsewhere_w` is the leakage of
    the netlist [L] at the further operating points `leakage_at` of `analyse_power`.
    """

    netlist: Netlist
    clock_period_s: Floats
    internal_w: Floats
    switching_w: Floats
    leakage_w: Floats
    clock_pin_w: Floats
    group: Int8s
    annotated_fraction: float
    limited_nets: Int64s
    state_probability: str
    leakage_elsewhere_w: Floats

    @property
    def total_w(self) -> Floats:
        """Total power of the netlist [K]."""
        total: Floats = (self.internal_w + self.switching_w + self.leakage_w).sum(axis=1)
        return total

    @property
    def internal_energy_j(self) -> Floats:
        """Internal energy per clock cycle [K]."""
        energy: Floats = self.internal_w.sum(axis=1) * self.clock_period_s
        return energy

    @property
    def switching_energy_j(self) -> Floats:
        """Switching energy per clock cycle [K]."""
        energy: Floats = self.switching_w.sum(axis=1) * self.clock_period_s
        return energy

    def at_clock(self, clock_hz: Floats | float) -> Floats:
        """Total power [K] at another clock frequency: leakage plus energy per cycle times
        frequency."""
        dynamic = self.internal_energy_j + self.switching_energy_j
        total: Floats = self.leakage_w.sum(axis=1) + dynamic * clock_hz
        return total

    def by_group(self) -> dict[str, dict[str, Floats]]:
        """Internal, switching and leakage power of each group [K]."""
        return {
            name: {
                kind: getattr(self, kind)[:, self.group == number].sum(axis=1)
                for kind in ("internal_w", "switching_w", "leakage_w")
            }
            for number, name in enumerate(GROUPS)
        }


class PowerModel:
    """The part of a power analysis that depends only on the netlist; reuse it in sweeps."""

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.cells: dict[int, CellPower] = {
            kind: cell_power(netlist.library, kind) for kind in netlist.instances_of
        }
        bundles = [bundle for cell in self.cells.values() for bundle in cell.bundles]
        none = np.zeros(0, dtype=np.int64)
        self.tables = np.unique(np.concatenate([none, *(bundle.tables for bundle in bundles)]))
        self.row_axes = sorted({bundle.row_axis for bundle in bundles if bundle.row_axis >= 0})


def analyse_power(
    timing: Timing,
    activity: Activity,
    *,
    state_probability: str = "joint",
    allow_unannotated: bool = False,
    model: PowerModel | None = None,
    leakage_at: LeakagePoints | None = None,
) -> Power:
    """Power at the operating points and clock period of `timing`.

    Parameters
    ----------
    state_probability : "joint": exact where the activity has joint states; "independent": pins
        of a cell taken as independent, as OpenSTA does
    leakage_at : more operating points, at which only the leakage of the netlist is computed
    allow_unannotated : accept activity that covers less than 99 % of the nets

    Raises
    ------
    DesignError : the activity is of another netlist, covers too few nets, or has another clock
        period
    """
    netlist = timing.netlist
    if state_probability not in ("joint", "independent"):
        raise DesignError(f"state probability {state_probability!r}; use 'joint' or 'independent'")
    if len(activity.toggles) != netlist.net_count:
        raise DesignError("the activity belongs to another netlist")
    fraction = annotated_fraction(timing, activity)
    if fraction < MIN_ANNOTATED and not allow_unannotated:
        raise DesignError(
            f"only {fraction:.1%} of the nets have activity; power needs {MIN_ANNOTATED:.0%} "
            "(--allow-unannotated accepts it)"
        )
    check_period(timing, activity)
    activity = fill_unannotated(timing.graph, activity)
    model = model or PowerModel(netlist)
    run = _Evaluation(timing, activity, model, state_probability, leakage_at)
    run.evaluate()
    return Power(
        netlist=netlist,
        clock_period_s=timing.clock_period_s,
        internal_w=run.internal,
        switching_w=run.switching,
        leakage_w=run.leakage,
        clock_pin_w=run.clock_pins,
        group=_groups(timing),
        annotated_fraction=fraction,
        limited_nets=run.limited,
        state_probability=state_probability,
        leakage_elsewhere_w=run.leakage_elsewhere,
    )


def _groups(timing: Timing) -> Int8s:
    netlist = timing.netlist
    group = np.ones(netlist.cell_count, dtype=np.int8)
    clock = timing.graph.clock
    for kind, instances in netlist.instances_of.items():
        cell = netlist.cells[kind]
        if cell.is_macro:
            group[instances] = GROUPS.index("macro")
        elif cell.sequential is not None:
            group[instances] = GROUPS.index("sequential")
        if clock is not None and not cell.is_macro and cell.outputs:
            nets = netlist.pins_of_type(kind)[:, list(cell.outputs)]
            carries = np.where(nets >= 0, clock.polarity[nets] != 0, False)
            group[instances[carries.all(axis=1)]] = GROUPS.index("clock")
    return group


class _Evaluation:
    def __init__(
        self,
        timing: Timing,
        activity: Activity,
        model: PowerModel,
        state_probability: str,
        elsewhere: LeakagePoints | None,
    ) -> None:
        self.activity, self.model = activity, model
        self.joint = state_probability == "joint"
        netlist, library = timing.netlist, timing.library
        self.netlist, self.library = netlist, library
        points = library.count
        self.tables = TableSet.of(library, model.tables)
        loads, _ = net_loads(
            netlist, library, timing.output_load_f, timing.wires, include_drivers=True
        )
        self.load = loads.reshape(points, netlist.net_count, 2).max(axis=2)
        self.density, self.high, self.limited = net_activity(timing, activity)
        # The position of every net edge's slew on every slew axis [K, 2 * nets].
        self.rows = {axis: self._locate(axis, timing.slew_s[MAX]) for axis in model.row_axes}
        shape = (points, netlist.cell_count)
        self.internal, self.switching = np.zeros(shape), np.zeros(shape)
        self.leakage, self.clock_pins = np.zeros(shape), np.zeros(shape)
        self.elsewhere = elsewhere
        self.leakage_elsewhere = np.zeros(0 if elsewhere is None else elsewhere.count)

    def evaluate(self) -> None:
        for kind, instances in self.netlist.instances_of.items():
            power = self.model.cells[kind]
            nets = self.netlist.pins_of_type(kind).astype(np.int64)
            groups = max(1, len(power.pin)) * self.library.count
            step = max(1, _BLOCK // groups)
            for begin in range(0, len(instances), step):
                part = slice(begin, begin + step)
                self._type(kind, power, instances[part], nets[part], part)

    def _type(
        self, kind: int, power: CellPower, instances: Int32s, nets: Int64s, part: slice
    ) -> None:
        """Add the power of some instances of a cell; `part` is their range among all its
        instances."""
        cell = power.cell
        safe = np.maximum(nets, 0)
        is_open = nets < 0
        high = np.where(is_open, 0.5, self.high[safe])
        density = self.density[:, safe]  # [K, n, pins]
        load = self.load[:, safe]
        load[:, :, [i for i, pin in enumerate(cell.pins) if pin.direction == "input"]] = 0.0
        if is_open.any():
            density[:, is_open] = 0.0
            load[:, is_open] = 0.0
        chance = self._probabilities(kind, power, high, part)
        if is_open.any():
            _open_outputs(power, is_open, density, chance)
        weight = (chance[:, power.condition] * power.factor)[None] * density[:, :, power.related]
        for group_columns in power.shares:
            total = weight[:, :, group_columns].sum(axis=2, keepdims=True)
            share = weight[:, :, group_columns] / np.where(total > 0, total, 1.0)
            weight[:, :, group_columns] = share * density[:, :, power.pin[group_columns]]
        for bundle in power.bundles:
            energy = self._energies(bundle, safe, load)
            energy *= weight[:, :, bundle.groups]
            # Rise and fall are equally frequent: half of each.
            self.internal[:, instances] += 0.5 * energy.sum(axis=2)
            if bundle.clock.any():
                self.clock_pins[:, instances] += 0.5 * energy[:, :, bundle.clock].sum(axis=2)
        outputs = list(cell.outputs)
        if outputs:
            first = int(self.netlist.library.pin_start[kind])
            volts = self.library.pin_supply_v[:, None, first + np.array(outputs)]
            charge = 0.5 * load[:, :, outputs] * numerics.square(volts) * density[:, :, outputs]
            self.switching[:, instances] = charge.sum(axis=2)
        self.leakage[:, instances] = self._leakage(kind, power, chance, self.library.leakage)
        if self.elsewhere is not None:
            self.leakage_elsewhere += self._leakage(kind, power, chance, self.elsewhere).sum(axis=1)

    def _probabilities(self, kind: int, power: CellPower, high: Floats, part: slice) -> Floats:
        states = self.activity.states.get(kind) if self.joint else None
        table = power.joint_table if states is not None else None
        if states is None or table is None:
            return independent_probabilities(power, high)
        count = len(self.netlist.instances_of[kind])
        if states.shape != (count, len(table)):
            raise DesignError(
                f"joint states of {power.cell.name} have shape {states.shape}; "
                f"{(count, len(table))} is expected"
            )
        return numerics.matmul(states[part], table)

    def _energies(self, bundle: EnergyBundle, safe: Int64s, load: Floats) -> Floats:
        """Energy of one transition [K, n, tables of the bundle]."""
        points, _, height, width = self.tables.values.shape
        places = np.searchsorted(self.model.tables, bundle.tables)
        corner = (np.arange(points) * self.tables.values[0].size)[:, None, None]
        address = corner + places * (height * width)
        u = v = np.zeros((1, 1, 1))
        if bundle.row_axis >= 0:
            row, part = self.rows[bundle.row_axis]
            edges = 2 * safe[:, bundle.slew_pin] + bundle.slew_edge
            address = address + row[:, edges] * width
            u = part[:, edges]
        if bundle.column_axis >= 0:
            column, part = self._locate(bundle.column_axis, load)
            address = address + column[:, :, bundle.load_pin]
            v = part[:, :, bundle.load_pin]
        address = np.broadcast_to(address, (points, len(safe), len(places)))
        return bilinear(self.tables.values.reshape(-1), address, width, u, v)

    def _locate(self, axis: int, value: Floats) -> tuple[Int64s, Floats]:
        """Interval on a library axis of values [K, ...], and how far into it."""
        tables = self.netlist.library.tables
        axes = self.library.axes[:, tables.axis_start[axis] : tables.axis_start[axis + 1]]
        index = np.zeros(value.shape, dtype=np.int64)
        size = axes.shape[1]
        if size == 1:
            return index, np.zeros(value.shape)
        flat = value.reshape(len(value), -1)
        flat_index = index.reshape(len(value), -1)
        for point in range(1, size - 1):
            flat_index += flat > axes[:, point, None]
        low = np.take_along_axis(axes, flat_index, axis=1)
        part = (flat - low) / (np.take_along_axis(axes, flat_index + 1, axis=1) - low)
        return index, part.reshape(value.shape)

    @staticmethod
    def _leakage(kind: int, power: CellPower, chance: Floats, points: LeakagePoints) -> Floats:
        """Leakage [points, n] of n instances of one cell."""
        result = np.zeros((points.count, len(chance)))
        if len(power.leakage_rows):
            values = points.groups_w(power.leakage_rows)
            result += numerics.matmul(values, chance[:, power.leakage_conditions].T)
        if power.uncovered >= 0:
            cell_w = np.nan_to_num(points.cells_w()[:, kind])
            result += cell_w[:, None] * chance[:, power.uncovered]
        return result


def _open_outputs(power: CellPower, is_open: Bools, density: Floats, chance: Floats) -> None:
    """Density of output pins without a connection: from the other output, or the inputs."""
    cell = power.cell
    for pin in cell.outputs:
        rows = np.flatnonzero(is_open[:, pin])
        if not len(rows):
            continue
        if cell.sequential is not None:
            other_outputs = [output for output in cell.outputs if output != pin]
            if other_outputs:
                density[:, rows, pin] = density[:, rows][:, :, other_outputs].max(axis=2)
            continue
        for source, column in power.differences.get(pin, []):
            density[:, rows, pin] += density[:, rows, source] * chance[rows, column]
