"""Delays from the driver of a net to what reads the net: input pins and output ports.

Two things delay an edge between the two: the wire, and delay thresholds that differ between the
Liberty files of driver and reader. Readers are numbered like pins; bit i of
`netlist.output_nets` follows the pins. Edge e of reader r is numbered ``2 r + e``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.netlist.library.library import CellLibrary
from chipdse.netlist.netlist import Netlist
from chipdse.netlist.timing.records import MAX, MIN, Wires


@dataclass(frozen=True, kw_only=True, eq=False)
class ReaderDelays:
    """Delay to every edge of every reader, as a constant and a share of the slew.

    Parameters
    ----------
    net_edge : [reader edges] the edge of the net that is read; 0 where a pin is open
    wire_s : [reader edges] delay of the wire; None without wires
    per_slew : [reader edges] delay over slew; None where all files have the same delay thresholds
    """

    net_edge: Int64s
    wire_s: Floats | None
    per_slew: Floats | None

    def delay_s(
        self, readers: Int64s, slew_s: Floats, opposite_slew_s: Floats | None
    ) -> Floats | float:
        """Delay to some reader edges [K, edges] of one analysis, or without slews [edges].

        Parameters
        ----------
        slew_s, opposite_slew_s : [K, net edges] of that analysis, as in `Timing`
        """
        wire_s = 0.0 if self.wire_s is None else self.wire_s[readers]
        if self.per_slew is None or opposite_slew_s is None:
            return wire_s
        factor, edge = self.per_slew[readers], self.net_edge[readers]
        # A steep edge is the late one where the delay falls with the slew.
        decisive = np.where(factor >= 0, slew_s[:, edge], opposite_slew_s[:, edge])
        delay: Floats = wire_s + factor * decisive
        return delay

    def late_and_early_s(
        self, readers: Int64s, slew_s: Floats, opposite_slew_s: Floats | None
    ) -> tuple[Floats | float, Floats | float]:
        """Delay to some reader edges in the maximum and in the minimum analysis.

        Parameters
        ----------
        slew_s, opposite_slew_s : [2, K, net edges], as in `Timing`
        """
        opposite = (None, None) if opposite_slew_s is None else opposite_slew_s
        return (
            self.delay_s(readers, slew_s[MAX], opposite[MAX]),
            self.delay_s(readers, slew_s[MIN], opposite[MIN]),
        )


def reader_delays(netlist: Netlist, wires: Wires | None) -> ReaderDelays:
    """What delays edges behind the drivers of a netlist's nets."""
    nets = np.concatenate([netlist.pin_net, netlist.output_nets]).astype(np.int64)
    net_edge = np.repeat(2 * np.maximum(nets, 0), 2)
    net_edge[1::2] += 1
    wire_s = None
    if wires is not None:
        ports = np.zeros(len(netlist.output_nets))
        if wires.port_delay_s is not None:
            ports = wires.port_delay_s
        wire_s = np.repeat(np.concatenate([wires.pin_delay_s, ports]), 2)
    return ReaderDelays(net_edge=net_edge, wire_s=wire_s, per_slew=threshold_delays(netlist))


def threshold_delays(netlist: Netlist) -> Floats | None:
    """Delay over slew [reader edges] between the thresholds of driver and reader; None if all 0.

    OpenSTA's definition: where a net connects cells of two files, an edge with slew s reaches the
    reader ``s (input threshold of the reader - output threshold of the driver) / (upper - lower
    slew threshold of the driver)`` later if it rises, and that much earlier if it falls. Ports have
    the thresholds of the first file. Slews here are in the measure of the first file.
    """
    library = netlist.library
    if not library.file_thresholds:
        return None
    file_of = file_numbers(library)[netlist.cell_types].astype(np.int64)
    of_pin = file_of[netlist.pin_cell]
    drives = netlist.net_driver_pin
    of_net = np.where(drives >= 0, of_pin[np.maximum(drives, 0)], 0)
    nets = np.concatenate([netlist.pin_net, netlist.output_nets]).astype(np.int64)
    reader = np.concatenate([of_pin, np.zeros(len(netlist.output_nets), dtype=np.int64)])
    reads = np.concatenate([netlist.pin_is_load, np.ones(len(netlist.output_nets), dtype=bool)])
    driver = of_net[np.maximum(nets, 0)]
    result = np.zeros((len(nets), 2))
    for edge, sign in ((0, 1.0), (1, -1.0)):
        factor = sign * _factors(library, edge)[driver, reader]
        result[:, edge] = np.where(reads & (nets >= 0), factor, 0.0)
    return result.reshape(-1)


def _factors(library: CellLibrary, edge: int) -> Floats:
    """Delay of a rising edge over its slew in the first file's measure [driver, reader file]."""
    files = library.file_thresholds
    starts = np.array([file.output_frac[edge] for file in files])[:, None]
    ends = np.array([file.input_frac[edge] for file in files])[None, :]
    # slew of the driver's file = slew of the library x ratio of their slews of one ramp
    ratio = np.array(
        [file.slew_of_ramp(edge) / library.thresholds.slew_of_ramp(edge) for file in files]
    )
    span = np.array([file.upper_frac[edge] - file.lower_frac[edge] for file in files])
    factors: Floats = (ends - starts) * (ratio / span)[:, None]
    np.fill_diagonal(factors, 0.0)
    return factors


def file_numbers(library: CellLibrary) -> Int64s:
    """The file of each cell, into `library.file_thresholds`."""
    return np.repeat(np.arange(len(library.file_cells)), library.file_cells)
