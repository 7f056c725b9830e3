"""Buffers for nets with more load than one cell should drive: which, how many, how slow.

The best buffer and load are those of a chain that gains most load in the least time; they are
found once a library, by timing chains of every buffer it has.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.library import CellLibrary, OperatingLibrary
from chipdse.netlist.library.logic import Variable
from chipdse.netlist.netlist import Netlist, Port
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.records import Wires
from chipdse.netlist.timing.timing import MAX, analyse_timing

GAINS = (3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
"""Load over input capacitance that is tried for each buffer."""
_CHAIN = 4
_NEAR_BEST = 1.1


@dataclass(frozen=True, kw_only=True)
class Repeater:
    """A buffer and the load [F] it drives best."""

    cell: str
    input_f: float
    load_f: float

    def tree(self, load_f: Floats) -> tuple[Floats, Floats]:
        """Levels and number of buffers between a driver and each load.

        Levels divide a load until a driver sees no more than `load_f`.
        """
        needed = load_f > self.load_f
        ratio = np.where(needed, load_f / self.load_f, 1.0)
        gain = self.load_f / self.input_f
        levels = np.where(needed, np.ceil(numerics.log(ratio) / numerics.log_of(gain) - 1e-9), 0.0)
        levels = np.where(needed, np.maximum(levels, 1.0), 0.0)
        # Each level has `gain` times fewer buffers than the one after it.
        count = np.where(needed, ratio * (1 - numerics.power(gain, -levels)) / (1 - 1 / gain), 0.0)
        return levels, count


def stage_delay_s(repeater: Repeater, library: OperatingLibrary) -> float:
    """Delay [s] of one buffer of a chain, each with its best load, at one operating point."""
    cell = library.library.index[repeater.cell]
    delays = chain_delays(library.library, library, [cell], np.array([[repeater.load_f]]))
    return float(delays[0, 0])


@functools.lru_cache(maxsize=8)
def repeaters(library: CellLibrary) -> Repeater | None:
    """A buffer and load for trees, at the library's first corner; None if it has no buffer.

    Of all buffers and loads that are within a tenth of the least delay for each e-fold gain in
    load, ``delay / ln(load / input)``, the one with the smallest load, which helps most nets.
    """
    known = [i for i, cell in enumerate(library.cells) if is_buffer(cell)]
    if not known:
        return None
    at = library.at(library.supply_v[:1], library.temperature_c[:1])
    inputs = np.array([buffer_input_f(library, at, cell) for cell in known])
    loads = inputs[:, None] * np.array(GAINS)[None, :]
    delays = chain_delays(library, at, known, loads)
    cost = delays / numerics.log(np.array(GAINS))[None, :]
    good = np.where(cost <= _NEAR_BEST * cost.min(), loads, np.inf)
    row, column = np.unravel_index(int(np.argmin(good)), cost.shape)
    return Repeater(
        cell=library.cells[known[int(row)]].name,
        input_f=float(inputs[row]),
        load_f=float(loads[row, column]),
    )


def is_buffer(cell: Cell) -> bool:
    """Whether a cell only repeats its one input."""
    if cell.sequential is not None or cell.is_macro or cell.dont_use or len(cell.pins) != 2:
        return False
    outputs = [pin for pin in cell.pins if pin.direction == "output"]
    inputs = [pin for pin in cell.pins if pin.direction == "input"]
    if len(outputs) != 1 or len(inputs) != 1 or outputs[0].three_state is not None:
        return False
    return outputs[0].function == Variable(inputs[0].name)


def buffer_input_f(library: CellLibrary, at: OperatingLibrary, cell: int) -> float:
    """Capacitance [F] of the input of a buffer, by its number, at one operating point."""
    pins = library.cells[cell].pins
    position = next(i for i, pin in enumerate(pins) if pin.direction == "input")
    return float(at.pin_capacitance_f[0, library.pin_start[cell] + position].max())


def buffer_chains(library: CellLibrary, chains: Sequence[Sequence[int]]) -> tuple[Netlist, Int64s]:
    """Chains of buffers, each behind an input of its own, as a netlist.

    Parameters
    ----------
    chains : cell numbers of the stages of each chain, from its input on

    Returns
    -------
    The netlist, whose cells are the stages of the first chain, then those of the second, and so
    on; and the net that each cell drives.
    """
    kinds = np.array([kind for chain in chains for kind in chain], dtype=np.int32)
    chain_of = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
    # Net 2 + i is the input of chain i; every cell then has one net.
    outputs = 2 + len(chains) + np.arange(len(kinds))
    is_first = np.diff(chain_of, prepend=-1) > 0
    inputs = np.where(is_first, 2 + chain_of, outputs - 1)
    is_input = [[pin.direction == "input" for pin in library.cells[int(k)].pins] for k in kinds]
    pin_net = np.where(np.array(is_input), inputs[:, None], outputs[:, None])
    count = 2 + len(chains) + len(kinds)
    netlist = Netlist(
        top="chains",
        library=library,
        cell_names=[f"b{i}" for i in range(len(kinds))],
        cell_types=kinds,
        net_names=[f"n{i}" for i in range(count)],
        pin_start=(2 * np.arange(len(kinds) + 1)).astype(np.int32),
        pin_net=pin_net.ravel().astype(np.int32),
        ports=(Port(name="in", direction="input", nets=tuple(range(2, 2 + len(chains)))),),
    )
    return netlist, outputs


def chain_delays(
    library: CellLibrary, at: OperatingLibrary, cells: list[int], loads_f: Floats
) -> Floats:
    """Delay of the middle stages of chains of one buffer with one load [cells, loads]."""
    tried = loads_f.shape[1]
    chains = len(cells) * tried
    netlist, numbers = buffer_chains(library, [[cell] * _CHAIN for cell in np.repeat(cells, tried)])
    outputs = numbers.reshape(chains, _CHAIN)
    input_f = np.array([buffer_input_f(library, at, cell) for cell in cells])
    extra = np.zeros(netlist.net_count)
    behind = np.repeat(loads_f.reshape(-1), _CHAIN).reshape(chains, _CHAIN)
    behind[:, :-1] -= np.repeat(input_f, tried)[:, None]
    extra[outputs.ravel()] = np.maximum(behind.ravel(), 0.0)
    timing = analyse_timing(
        build_timing_graph(netlist),
        at,
        1.0,
        wires=Wires(net_capacitance_f=extra, pin_delay_s=np.zeros(len(netlist.pin_net))),
    )
    late: Floats = timing.arrival_s[MAX, 0, 0].reshape(-1, 2).max(axis=1)
    delays: Floats = (late[outputs[:, -1]] - late[outputs[:, 0]]) / (_CHAIN - 1)
    return delays.reshape(len(cells), tried)
