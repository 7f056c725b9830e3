"""Which ngspice simulates, and the inverter delay that sets the scale of time."""

from __future__ import annotations

import ctypes.util
import functools

import numpy as np

from chipdse.characterise.bench import Bench
from chipdse.characterise.combinational import Pulses
from chipdse.characterise.ngspice import Ngspice
from chipdse.characterise.ngspice_process import NgspiceProcess


def simulator() -> Ngspice | NgspiceProcess:
    """ngspice in this process where its library is installed, else the program.

    Raises
    ------
    MachineError : neither is installed
    """
    return Ngspice() if ctypes.util.find_library("ngspice") else NgspiceProcess()


@functools.cache
def simulator_version() -> str:
    """Version of the ngspice that `simulator` starts, e.g. `ngspice-39`.

    Raises
    ------
    MachineError : none is installed
    """
    with simulator() as started:
        return started.version()


def settled_fo4_s(bench: Bench) -> float:
    """The delay of an inverter whose input has the slew of its own output, after five rounds."""
    (pin,), (output,) = bench.cell.inputs, bench.cell.outputs
    guess_s = bench.corner.fo4_s
    pulses = Pulses(bench, 150e-15, 10 * guess_s)
    slew, load, delay = guess_s, 10e-15, 0.0
    for _ in range(5):
        edges = pulses.pulse(pin, {}, slew, {output: load})
        delay = float(np.mean([edge.delay_s[output] for edge in edges]))
        slew = float(np.mean([edge.transition_s[output] for edge in edges]))
        charge_c = float(np.mean([abs(edge.pin_charge_c) for edge in edges]))
        load = 4 * charge_c / bench.corner.supply_v
    return delay
