"""The clock buffers of a library: which there are, and which of them drives a load."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats
from chipdse.netlist.layout.buffers import buffer_input_f, chain_delays, is_buffer
from chipdse.netlist.library.library import CellLibrary

# Names of buffers with balanced edges in the libraries of foundries: sky130 and gf180 clkbuf,
# nangate45 CLKBUF, commercial CKB, CLKBUF and CKBUF.
_BALANCED = re.compile(r"clkbuf|ckbuf|(?:^|_)ckb", re.IGNORECASE)
_SLOW = 1.5
"""Delay over that of the fastest buffer with the same relative load, from which on a buffer is a
delay cell or a level shifter."""
EFFORT = 5.0
"""Delay that the load of a clock buffer may add, over that of the smallest clock buffer with its
own input as load: routed trees have 2 to 6."""
_LOADS = (4.0, 8.0)
"""Loads over input capacitance at which buffers are timed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClockBuffers:
    """Buffers for clocks, by ascending area.

    cells : their numbers in the library
    input_f : [cells] capacitance of their input
    ohm : [cells] delay per load, at the library's first corner
    area : [cells] over that of the smallest
    """

    cells: tuple[int, ...]
    area: Floats
    input_f: Floats
    ohm: Floats

    def driving(self, load_f: float, usual_area: float) -> int:
        """Position of the buffer that drives a load.

        That of the usual size, or the smallest larger buffer whose delay by the load is at most
        `EFFORT` times that of the smallest buffer with its own input as load; the strongest buffer
        where none is strong enough.

        Parameters
        ----------
        usual_area : area of the buffers that flows take, over that of the smallest
        """
        usual = int(np.argmin(np.abs(numerics.log(self.area / usual_area))))
        strong = self.ohm * load_f <= EFFORT * self.ohm[0] * self.input_f[0]
        enough = usual + np.flatnonzero(strong[usual:])
        return int(enough[0]) if len(enough) else int(np.argmin(self.ohm))


@functools.lru_cache(maxsize=8)
def clock_buffers(library: CellLibrary) -> ClockBuffers | None:
    """The clock buffers of a library; None if it has no buffer.

    Buffers that are named as clock buffers if there are any, else all buffers; without those that
    are slow for their size (delay cells, level shifters).
    """
    known = [i for i, cell in enumerate(library.cells) if is_buffer(cell)]
    if not known:
        return None
    named = [i for i in known if _BALANCED.search(library.cells[i].name)]
    known = sorted(named or known, key=lambda i: _order(library, i))
    at = library.at(library.supply_v[:1], library.temperature_c[:1])
    inputs = np.array([buffer_input_f(library, at, cell) for cell in known])
    delays = chain_delays(library, at, known, inputs[:, None] * np.array(_LOADS)[None, :])
    ohm = (delays[:, 1] - delays[:, 0]) / (inputs * (_LOADS[1] - _LOADS[0]))
    fast = np.flatnonzero((delays[:, 0] <= _SLOW * delays[:, 0].min()) & (ohm > 0))
    if not len(fast):
        return None
    area: Floats = np.array([library.cells[known[i]].area_m2 for i in fast])
    if not area[0] > 0:  # a library without areas
        area = np.arange(1.0, 1.0 + len(fast))
    return ClockBuffers(
        cells=tuple(known[i] for i in fast),
        area=np.divide(area, area[0]),
        input_f=inputs[fast],
        ohm=ohm[fast],
    )


def _order(library: CellLibrary, cell: int) -> tuple[float, int, str]:
    """By area; of equal cells the one with the plainest name."""
    name = library.cells[cell].name
    return library.cells[cell].area_m2, len(name), name
