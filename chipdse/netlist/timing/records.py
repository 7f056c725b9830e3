"""The inputs and results of a timing analysis, as arrays over operating points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats
from chipdse.netlist.library.library import OperatingLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.graph import TimingGraph

MAX, MIN = 0, 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Wires:
    """The effect of wires: capacitance of each net, delay to each input pin and output port.

    Parameters
    ----------
    net_capacitance_f : [nets]
    pin_delay_s : [pins]; without effect at a register's clock pin: the clock is ideal
    port_delay_s : [bits of `netlist.output_nets`]; None is no delay
    """

    net_capacitance_f: Floats
    pin_delay_s: Floats
    port_delay_s: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Timing:
    """Arrivals, slews and slacks; K operating points lead every array.

    Arrivals count from the launching clock edge, one set per launch class (0: the clock's rise
    and the input ports, 1: its fall). An edge that never arrives has -inf (max) or inf (min).

    Parameters
    ----------
    clock_period_s : [K]
    load_f : [K, net edges] pin, port and wire capacitance, maximum
    slew_s : [2, K, net edges] maximum and minimum
    opposite_slew_s : [2, K, net edges] the least slew of all arcs in the maximum analysis, the
        greatest in the minimum one; None where all delay thresholds are the same
    arrival_s : [2, classes, K, net edges]
    check_slack_s : [K, checks] of `graph.check_*`
    constraint_s : [K, checks] the setup or hold time itself
    output_slack_s : [2, K, output port bits] setup and hold slack of `netlist.output_nets`
    min_period_s : [K] the shortest clock period at which every setup slack is met
    """

    graph: TimingGraph
    library: OperatingLibrary
    clock_period_s: Floats
    input_slew_s: float
    output_load_f: float
    wires: Wires | None
    load_f: Floats
    slew_s: Floats
    opposite_slew_s: Floats | None
    arrival_s: Floats
    check_slack_s: Floats
    constraint_s: Floats
    output_slack_s: Floats
    min_period_s: Floats

    @property
    def netlist(self) -> Netlist:
        """The netlist that was analysed."""
        return self.graph.netlist

    @property
    def worst_setup_slack_s(self) -> Floats:
        """[K], inf where nothing is constrained."""
        slack_s = self.check_slack_s[:, self.graph.check_is_setup]
        return _worst(slack_s, self.output_slack_s[MAX])

    @property
    def worst_hold_slack_s(self) -> Floats:
        """[K], inf where nothing is constrained."""
        slack_s = self.check_slack_s[:, ~self.graph.check_is_setup]
        return _worst(slack_s, self.output_slack_s[MIN])

    @property
    def critical_path_s(self) -> Floats:
        """[K] clock period minus the worst setup slack; includes the setup time."""
        worst = self.worst_setup_slack_s
        return np.where(np.isfinite(worst), self.clock_period_s - worst, 0.0)

    @property
    def f_max_hz(self) -> Floats:
        """[K] highest clock frequency that meets every setup check; inf without any."""
        with np.errstate(divide="ignore"):
            return 1.0 / self.min_period_s


def _worst(checks: Floats, ports: Floats) -> Floats:
    worst: Floats = np.concatenate([checks, ports], axis=1).min(axis=1, initial=np.inf)
    return worst
