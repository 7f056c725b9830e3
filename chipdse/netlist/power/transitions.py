"""Energy of one transition of each net, so that a sum over transitions is the power analysis.

A power analysis multiplies an energy by how often each pin switches. Here both are separate:
the energy that a pin adds per transition of its net, with conditions and slews as in the analysis.
Where the analysis weighs a state by its probability, a transition has the mean energy.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int32s, Int64s
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.power.cells import CellPower
from chipdse.netlist.power.nets import free_clock
from chipdse.netlist.power.power import PowerModel, _Evaluation, _groups, _open_outputs
from chipdse.netlist.power.propagate import fill_unannotated
from chipdse.netlist.timing.timing import Timing

RARELY = 1e-9
"""Transitions per cycle, and probability of a condition, that are assumed where an analysis has
seen none: the energy of such a transition is then known, and the power is changed by less than
1e-8."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TransitionEnergies:
    """What a netlist consumes per transition of its nets, at one operating point.

    internal_j, switching_j : [pins] energy that a pin's cell takes per transition of the pin's net
    rest_w : [cells] dynamic power that belongs to no net, e.g. of outputs without a connection
    leakage_w : [cells]
    group : [cells] position in `power.GROUPS`
    per_cycle : [nets] transitions per cycle that the analysis has seen
    """

    internal_j: Floats
    switching_j: Floats
    rest_w: Floats
    leakage_w: Floats
    group: Int32s
    per_cycle: Floats


def transition_energies(
    timing: Timing, activity: Activity, *, model: PowerModel | None = None
) -> TransitionEnergies:
    """Energies per transition at the only operating point of `timing`.

    Parameters
    ----------
    activity : gives the probabilities of conditions, and the shares of inputs in the transitions
        of an output

    Notes
    -----
    ``sum(energy · transitions) / time + rest + leakage`` over the cycles of `activity` is the power
    of `analyse_power`, within 1e-8.
    """
    if timing.library.count != 1:
        raise ValueError(f"{timing.library.count} operating points; energies are of one")
    netlist = timing.netlist
    seen = fill_unannotated(timing.graph, activity)
    raised = np.maximum(seen.toggles, RARELY * seen.cycles)
    run = _ByPin(timing, dataclasses.replace(seen, toggles=raised), model or PowerModel(netlist))
    run.evaluate()
    constant, clock = timing.graph.constant, free_clock(timing)
    per_cycle = raised / seen.cycles
    per_cycle = np.where(constant >= 0, 0.0, np.where(clock != 0, 2.0, per_cycle))
    has_net = netlist.pin_net >= 0
    rate_hz = np.where(has_net, per_cycle[netlist.pin_net], 0.0) / float(timing.clock_period_s[0])
    counted = rate_hz > 0

    def per_transition(power_w: Floats) -> Floats:
        return np.where(counted, power_w / np.where(counted, rate_hz, 1.0), 0.0)

    rest_w = np.zeros(netlist.cell_count)
    np.add.at(rest_w, netlist.pin_cell[~counted], (run.pin_internal + run.pin_switching)[~counted])
    return TransitionEnergies(
        internal_j=per_transition(run.pin_internal),
        switching_j=per_transition(run.pin_switching),
        rest_w=rest_w,
        leakage_w=run.leakage[0],
        group=_groups(timing).astype(np.int32),
        per_cycle=per_cycle,
    )


class _ByPin(_Evaluation):
    """A power analysis that keeps the power of every pin."""

    def __init__(self, timing: Timing, activity: Activity, model: PowerModel) -> None:
        super().__init__(timing, activity, model, "joint", None)
        self.pin_internal = np.zeros(len(self.netlist.pin_net))
        self.pin_switching = np.zeros(len(self.netlist.pin_net))

    def _probabilities(self, kind: int, power: CellPower, high: Floats, part: slice) -> Floats:
        seen = super()._probabilities(kind, power, high, part)
        return np.maximum(seen, RARELY)

    def _type(
        self, kind: int, power: CellPower, instances: Int32s, nets: Int64s, part: slice
    ) -> None:
        cell = power.cell
        safe, is_open = np.maximum(nets, 0), nets < 0
        outputs = list(cell.outputs)
        pins = self.netlist.pin_start[instances][:, None] + np.arange(len(cell.pins))
        high = np.where(is_open, 0.5, self.high[safe])
        density, load = self.density[:, safe], self.load[:, safe]
        load[:, :, [i for i, pin in enumerate(cell.pins) if pin.direction == "input"]] = 0.0
        density[:, is_open], load[:, is_open] = 0.0, 0.0
        chance = self._probabilities(kind, power, high, part)
        if is_open.any():
            _open_outputs(power, is_open, density, chance)
        weight = (chance[:, power.condition] * power.factor)[None] * density[:, :, power.related]
        for columns in power.shares:
            total = weight[:, :, columns].sum(axis=2, keepdims=True)
            share = weight[:, :, columns] / np.where(total > 0, total, 1.0)
            weight[:, :, columns] = share * density[:, :, power.pin[columns]]
        for bundle in power.bundles:
            energy = self._energies(bundle, safe, load) * weight[:, :, bundle.groups]
            for column, group in enumerate(bundle.groups.tolist()):
                # Rise and fall are equally frequent: half of each.
                self.pin_internal[pins[:, power.pin[group]]] += 0.5 * energy[0, :, column]
        if outputs:
            first = int(self.netlist.library.pin_start[kind])
            volts = self.library.pin_supply_v[:, None, first + np.array(outputs)]
            charge = 0.5 * load[:, :, outputs] * numerics.square(volts) * density[:, :, outputs]
            self.pin_switching[pins[:, outputs]] += charge[0]
        self.leakage[:, instances] = self._leakage(kind, power, chance, self.library.leakage)
