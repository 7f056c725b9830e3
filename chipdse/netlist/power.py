"""Power of a netlist at K operating points from the activity of its nets.

Conventions are OpenSTA's: internal and switching power by transition density, leakage by state
probability. A net driven by an input port costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chipdse.errors import DesignError
from chipdse.netlist.activity import Activity
from chipdse.netlist.library import Floats
from chipdse.netlist.library_tables import Index, TableSet
from chipdse.netlist.netlist import CONSTANT_1, Netlist
from chipdse.netlist.power_cells import CellPower, EnergyBundle, PinEnergy, cell_power, joint_table
from chipdse.netlist.power_states import independent_probabilities
from chipdse.netlist.timing import MAX, MIN, Timing, library_pins, net_loads
from chipdse.units import show

GROUPS = ("sequential", "combinational", "clock", "macro")
MIN_ANNOTATED = 0.99


@dataclass(frozen=True, kw_only=True, eq=False)
class Power:
    """Power of every instance [K, cells] in watts.

    `clock_pin_w` is the internal power of registers' clock pins, part of `internal_w`.
    `limited_nets` counts nets whose density was cut to 1/slew; where it is zero, dynamic power
    is proportional to the clock frequency.
    """

    netlist: Netlist
    clock_period_s: Floats
    internal_w: Floats
    switching_w: Floats
    leakage_w: Floats
    clock_pin_w: Floats
    group: NDArray[np.int8]
    annotated_fraction: float
    limited_nets: NDArray[np.int64]
    state_probability: str

    @property
    def total_w(self) -> Floats:
        """[K]"""
        total: Floats = (self.internal_w + self.switching_w + self.leakage_w).sum(axis=1)
        return total

    @property
    def internal_energy_j(self) -> Floats:
        """Internal energy a clock cycle [K]."""
        energy: Floats = self.internal_w.sum(axis=1) * self.clock_period_s
        return energy

    @property
    def switching_energy_j(self) -> Floats:
        """Switching energy a clock cycle [K]."""
        energy: Floats = self.switching_w.sum(axis=1) * self.clock_period_s
        return energy

    def at_clock(self, clock_hz: Floats | float) -> Floats:
        """Total power [K] at another clock frequency: leakage plus energy a cycle times it."""
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
    """What power needs of a netlist whatever its activity and corner; reuse it in sweeps."""

    def __init__(self, netlist: Netlist) -> None:
        self.netlist = netlist
        self.cells: dict[int, CellPower] = {
            kind: cell_power(netlist.library, kind) for kind in netlist.instances_of
        }
        tables = [
            bundle.tables
            for cell in self.cells.values()
            for pin in cell.pins
            for bundle in pin.bundles
        ]
        self.tables = np.unique(np.concatenate(tables)) if tables else np.zeros(0, dtype=np.int64)

    @cached_property
    def joint_tables(self) -> dict[int, Floats | None]:
        """Truth tables over joint states by cell."""
        return {kind: joint_table(cell) for kind, cell in self.cells.items()}


def analyse_power(
    timing: Timing,
    activity: Activity,
    *,
    state_probability: str = "joint",
    allow_unannotated: bool = False,
    model: PowerModel | None = None,
) -> Power:
    """Power at the operating points and clock period of `timing`.

    Parameters
    ----------
    state_probability : "joint": exact where the activity has joint states; "independent": pins
        of a cell taken as independent, as OpenSTA does
    allow_unannotated : accept activity that covers less than 99 % of the nets

    Raises
    ------
    DesignError : wrong activity, too little of it, or it was taken at another clock period
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
    _check_period(timing, activity)
    run = _Evaluation(timing, activity, model or PowerModel(netlist), state_probability)
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
    )


def _check_period(timing: Timing, activity: Activity) -> None:
    """Refuse a waveform whose clock does not run at the period of the analysis."""
    clock = timing.graph.clock
    if clock is None or activity.origin == "propagated":
        return
    net = timing.netlist.port_of[clock.port].nets[0]
    toggles, expected = float(activity.toggles[net]), 2 * activity.cycles
    if activity.annotated[net] and abs(toggles - expected) > max(4.0, 0.01 * expected):
        period = 2 * activity.duration_s / toggles if toggles else float("inf")
        raise DesignError(
            f"clock {clock.port!r} of the waveform has a period of {show(period, 's')}, the "
            f"analysis assumes {show(activity.duration_s / activity.cycles, 's')}; give both the "
            "same period"
        )


def annotated_fraction(timing: Timing, activity: Activity) -> float:
    """Part of the nets on cell pins that have activity; constants and the clock need none."""
    netlist = timing.netlist
    used = np.zeros(netlist.net_count, dtype=bool)
    used[netlist.pin_net[netlist.pin_net >= 0]] = True
    known = activity.annotated | (timing.graph.constant >= 0)
    if timing.graph.clock is not None:
        known = known | (free_clock(timing) != 0)
    return float(known[used].mean()) if used.any() else 1.0


def free_clock(timing: Timing) -> NDArray[np.int8]:
    """Nets the clock reaches without a clock gate: 1, or -1 inverted; 0 elsewhere."""
    clock = timing.graph.clock
    if clock is None:
        return np.zeros(timing.netlist.net_count, dtype=np.int8)
    return np.where(clock.gated, np.int8(0), clock.polarity)


def _groups(timing: Timing) -> NDArray[np.int8]:
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
        self, timing: Timing, activity: Activity, model: PowerModel, state_probability: str
    ) -> None:
        self.timing, self.activity, self.model = timing, activity, model
        self.joint = state_probability == "joint"
        netlist, library = timing.netlist, timing.library
        self.netlist, self.library = netlist, library
        points = library.count
        self.slew = timing.slew_s[MAX].reshape(points, netlist.net_count, 2)
        self.tables = TableSet.of(library, model.tables)
        loads, _ = net_loads(
            netlist, library, timing.output_load_f, timing.wires, include_drivers=True
        )
        self.load = loads.reshape(points, netlist.net_count, 2).max(axis=2)
        self.density, self.high, self.limited = _net_activity(timing, activity)
        self.pins = library_pins(netlist)
        shape = (points, netlist.cell_count)
        self.internal, self.switching = np.zeros(shape), np.zeros(shape)
        self.leakage, self.clock_pins = np.zeros(shape), np.zeros(shape)

    def evaluate(self) -> None:
        for kind in self.netlist.instances_of:
            self._type(kind)

    def _type(self, kind: int) -> None:
        netlist, power = self.netlist, self.model.cells[kind]
        cell, instances = power.cell, netlist.instances_of[kind]
        nets = netlist.pins_of_type(kind).astype(np.int64)
        safe = np.where(nets >= 0, nets, 0)
        high = np.where(nets >= 0, self.high[safe], 0.5)
        density = np.where(nets >= 0, self.density[:, safe], 0.0)  # [K, n, pins]
        chance = self._probabilities(kind, power, high)
        self._open_outputs(power, nets, density, high, chance)
        clock = cell.sequential is not None and any(pin.is_clock for pin in cell.pins)
        for pin in power.pins:
            spent = self._pin_energy(pin, safe, nets, density, chance) * density[:, :, pin.pin]
            self.internal[:, instances] += spent
            if clock and cell.pins[pin.pin].is_clock:
                self.clock_pins[:, instances] += spent
        swing = self.library.pin_supply_v
        first = int(netlist.library.pin_start[kind])
        for pin_number in cell.outputs:
            load = np.where(nets[:, pin_number] >= 0, self.load[:, safe[:, pin_number]], 0.0)
            volts = swing[:, first + pin_number, None]
            self.switching[:, instances] += 0.5 * load * volts**2 * density[:, :, pin_number]
        self.leakage[:, instances] = self._leakage(kind, power, chance)

    def _probabilities(self, kind: int, power: CellPower, high: Floats) -> Floats:
        states = self.activity.states.get(kind) if self.joint else None
        table = self.model.joint_tables[kind] if states is not None else None
        if states is None or table is None:
            return independent_probabilities(power, high)
        if states.shape != (len(high), len(table)):
            raise DesignError(
                f"joint states of {power.cell.name} have shape {states.shape}; "
                f"{(len(high), len(table))} is expected"
            )
        return states @ table

    def _open_outputs(
        self, power: CellPower, nets: Index, density: Floats, high: Floats, chance: Floats
    ) -> None:
        """Density of output pins nobody is connected to: from the other output, or the inputs."""
        cell = power.cell
        for pin in cell.outputs:
            rows = np.flatnonzero(nets[:, pin] < 0)
            if not len(rows):
                continue
            if cell.sequential is not None:
                others = [each for each in cell.outputs if each != pin]
                for other in others:
                    density[:, rows, pin] = np.maximum(
                        density[:, rows, pin],
                        np.where(nets[rows, other] >= 0, density[:, rows, other], 0.0),
                    )
                continue
            for source, column in power.differences.get(pin, []):
                density[:, rows, pin] += density[:, rows, source] * chance[rows, column]

    def _pin_energy(
        self, pin: PinEnergy, safe: Index, nets: Index, density: Floats, chance: Floats
    ) -> Floats:
        """Energy of one transition of a pin [K, n], averaged over its edges and groups."""
        weight = (chance[:, pin.condition] * pin.factor)[None]  # [K or 1, n, groups]
        if pin.is_output:
            weight = weight * density[:, :, pin.related]
            share = np.zeros_like(weight)
            for supply in np.unique(pin.supply):
                own = pin.supply == supply
                total = weight[:, :, own].sum(axis=2, keepdims=True)
                share[:, :, own] = np.divide(
                    weight[:, :, own], total, out=np.zeros_like(weight[:, :, own]), where=total > 0
                )
            weight = share
        result = np.zeros(density.shape[:2])
        for bundle in pin.bundles:
            energy = self._energies(bundle, safe, nets)
            result += 0.5 * (energy * weight[:, :, bundle.groups]).sum(axis=2)
        return result

    def _energies(self, bundle: EnergyBundle, safe: Index, nets: Index) -> Floats:
        """Table values [K, n, groups of the bundle]: weights of the grid points times tables."""
        points = self.library.count
        places = np.searchsorted(self.model.tables, bundle.tables)
        values = self.tables.values[:, places]  # [K, groups, rows, columns]
        basis: Floats | None = None
        slew = self.slew[:, safe[:, bundle.slew_pin], bundle.slew_edge]
        load = np.where(nets[:, bundle.pin] >= 0, self.load[:, safe[:, bundle.pin]], 0.0)
        if bundle.row_axis >= 0:
            basis = self._basis(bundle.row_axis, slew)
            values = values[:, :, : basis.shape[2]]
        else:
            values = values[:, :, :1]
        if bundle.column_axis >= 0:
            columns = self._basis(bundle.column_axis, load)
            values = values[..., : columns.shape[2]]
            basis = (
                columns
                if basis is None
                else (basis[..., :, None] * columns[..., None, :]).reshape(*columns.shape[:2], -1)
            )
        else:
            values = values[..., :1]
        flat = values.reshape(points, len(places), -1)
        if basis is None:
            return np.broadcast_to(flat[:, None, :, 0], (points, len(safe), len(places)))
        return basis @ flat.transpose(0, 2, 1)

    def _basis(self, axis: int, value: Floats) -> Floats:
        """Weight of each point of an axis [K, n, points]: linear interpolation, extended."""
        tables = self.netlist.library.tables
        axes = self.library.axes[:, tables.axis_start[axis] : tables.axis_start[axis + 1]]
        size = axes.shape[1]
        if size == 1:
            return np.ones((*value.shape, 1))
        index = np.zeros(value.shape, dtype=np.int64)
        for point in range(1, size - 1):
            index += value > axes[:, point, None]
        low = np.take_along_axis(axes, index, axis=1)
        part = (value - low) / (np.take_along_axis(axes, index + 1, axis=1) - low)
        basis = np.zeros((*value.shape, size))
        np.put_along_axis(basis, index[..., None], (1 - part)[..., None], axis=2)
        np.put_along_axis(basis, index[..., None] + 1, part[..., None], axis=2)
        return basis

    def _leakage(self, kind: int, power: CellPower, chance: Floats) -> Floats:
        library = self.netlist.library
        result = np.zeros((self.library.count, len(chance)))
        if len(power.leakage_rows):
            values = self.library.interpolate(library.leakages.value_w[:, power.leakage_rows])
            result += values @ chance[:, power.leakage_conditions].T
        if power.uncovered >= 0:
            own = np.nan_to_num(library.cell_leakage_w[:, kind])
            result += self.library.interpolate(own)[:, None] * chance[:, power.uncovered]
        return result


def _net_activity(timing: Timing, activity: Activity) -> tuple[Floats, Floats, Index]:
    """Density [K, nets] and probability of 1 [nets] as power uses them; nets cut short [K]."""
    netlist = timing.netlist
    cycles_hz = 1.0 / timing.clock_period_s
    per_cycle = activity.toggles / activity.cycles
    high = activity.high_fraction.copy()
    clock = free_clock(timing)
    constant = timing.graph.constant
    per_cycle = np.where(constant >= 0, 0.0, np.where(clock != 0, 2.0, per_cycle))
    high = np.where(constant >= 0, constant == 1, np.where(clock != 0, 0.5, high))
    density = cycles_hz[:, None] * per_cycle[None, :]
    slew = timing.slew_s[MIN].reshape(len(cycles_hz), netlist.net_count, 2).min(axis=2)
    with np.errstate(divide="ignore"):
        most = np.where(slew > 0, 1.0 / np.maximum(slew, 1e-300), np.inf)
    limited = (density > most).sum(axis=1)
    high[CONSTANT_1] = 1.0
    return np.minimum(density, most), high, limited
