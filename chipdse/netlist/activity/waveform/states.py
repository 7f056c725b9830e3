"""Joint states of cells from a trace: how long each cell spent in each state of its pins."""

from __future__ import annotations

import numpy as np

from chipdse.arrays import Bools, Floats, Int32s, Int64s
from chipdse.netlist.activity.waveform.vcd_changes import ONE, Changes
from chipdse.netlist.library.cells import Cell
from chipdse.netlist.library.logic import Not, Variable
from chipdse.netlist.netlist import CONSTANT_1, Netlist

MAX_VARIABLES = 10  # of a joint state; larger cells are taken as independent


class StateCounter:
    """Adds up the time of every cell in every state over blocks of changes.

    A cell counts when all its input nets, and an output that shows its state, are in the trace;
    kinds of cell with an instance that does not are left out. X and Z are taken as 0.
    """

    def __init__(self, netlist: Netlist, signal_of_net: Int64s, signals: int) -> None:
        self.kinds: list[tuple[int, int, int]] = []  # cell, first instance here, variables
        owners, bits, read = [], [], []
        codes: list[Int64s] = []
        count = 0
        for kind in netlist.instances_of:
            columns = _columns(netlist, kind)
            if columns is None:
                continue
            nets, inverted = columns
            moving = nets > CONSTANT_1
            known = ~moving | (signal_of_net[np.maximum(nets, 0)] >= 0)
            if not known.all() or (nets < 0).any():
                continue
            size, width = nets.shape
            bit = np.int64(1) << np.arange(width, dtype=np.int64)
            start = (nets == CONSTANT_1) ^ inverted
            codes.append((start * bit).sum(axis=1))
            row, column = np.nonzero(moving)
            owners.append(count + row)
            bits.append(bit[column])
            read.append(signal_of_net[nets[row, column]])
            self.kinds.append((kind, count, width))
            count += size
        none = np.zeros(0, dtype=np.int64)
        signal = np.concatenate([none, *read])
        order = np.argsort(signal, kind="stable")
        self.owner = np.concatenate([none, *owners])[order]
        self.bit = np.concatenate([none, *bits])[order]
        self.first = np.searchsorted(signal[order], np.arange(signals + 1))
        self.code = np.concatenate([none, *codes])
        self.since = np.zeros(count, dtype=np.int64)
        widths = [
            np.full(len(code), 1 << width)
            for code, (_, _, width) in zip(codes, self.kinds, strict=True)
        ]
        sizes = np.concatenate([none, *widths])
        self.place = np.cumsum(sizes) - sizes
        self.time = np.zeros(int(sizes.sum()))
        self.high = np.zeros(signals + 1, dtype=bool)
        self.begun = False

    def add(self, changes: Changes) -> None:
        """One more block; blocks come in the order of time."""
        if not self.begun and changes.first_time is not None:
            self.since[:] = changes.first_time
            self.begun = True
        signal, time = self._moves(changes)
        counts = self.first[signal + 1] - self.first[signal]
        total = int(counts.sum())
        if not total:
            return
        offset = np.repeat(self.first[signal] - np.cumsum(counts) + counts, counts)
        reader = offset + np.arange(total)
        owner, bit, time = self.owner[reader], self.bit[reader], np.repeat(time, counts)
        order = np.lexsort((time, owner))
        owner, bit, time = owner[order], bit[order], time[order]
        begins = np.flatnonzero(np.diff(owner, prepend=-1))
        lengths = np.diff(begins, append=total)
        # Code after each change: the changes so far within the cell, from its code before.
        after = np.bitwise_xor.accumulate(bit)
        head = owner[begins]
        base = self.code[head] ^ np.where(begins > 0, after[begins - 1], 0)
        after ^= np.repeat(base, lengths)
        before = np.empty_like(after)
        before[1:] = after[:-1]
        before[begins] = self.code[head]
        since = np.empty_like(time)
        since[1:] = time[:-1]
        since[begins] = self.since[head]
        self.time += np.bincount(self.place[owner] + before, time - since, len(self.time))
        last = begins + lengths - 1
        self.code[head], self.since[head] = after[last], time[last]

    def _moves(self, changes: Changes) -> tuple[Int64s, Int64s]:
        """Signals and times of changes to 1 or away from it."""
        key = (changes.signal.astype(np.int64) << 32) | np.arange(len(changes.signal))
        order = np.sort(key) & 0xFFFFFFFF
        signal = changes.signal[order].astype(np.int64)
        high, time = changes.value[order] == ONE, changes.time[order]
        begins = np.flatnonzero(np.diff(signal, prepend=-1))
        before = np.empty_like(high)
        before[1:] = high[:-1]
        before[begins] = self.high[signal[begins]]
        ends = np.append(begins[1:], len(signal)) - 1
        if len(signal):
            self.high[signal[ends]] = high[ends]
        moves = high != before
        return signal[moves], time[moves]

    def finish(self, first: int, last: int) -> dict[int, Floats]:
        """Part of the time in each state: by cell, [instances, 2**variables]."""
        np.add.at(self.time, self.place + self.code, last - self.since)
        result = {}
        if not self.kinds:
            return {}
        bounds = [start for _, start, _ in self.kinds[1:]] + [len(self.code)]
        for (kind, start, width), end in zip(self.kinds, bounds, strict=True):
            begin = int(self.place[start]) if start < len(self.place) else 0
            part = self.time[begin : begin + ((end - start) << width)]
            result[kind] = part.reshape(end - start, 1 << width) / (last - first)
        return result


def _columns(netlist: Netlist, kind: int) -> tuple[Int32s, Bools] | None:
    """Nets of a cell's state variables [n, k], and which are read inverted [k]."""
    cell = netlist.cells[kind]
    pins, inverted = list(cell.inputs), [False] * len(cell.inputs)
    if cell.sequential is not None:
        shown = _shows_state(cell, cell.sequential.state)
        if shown is None:
            return None
        pins.append(shown[0])
        inverted.append(shown[1])
    if cell.is_macro or not pins or len(pins) > MAX_VARIABLES:
        return None
    return netlist.pins_of_type(kind)[:, pins], np.array(inverted)


def _shows_state(cell: Cell, state: str) -> tuple[int, bool] | None:
    """An output that is the state or its complement."""
    for pin in cell.outputs:
        match cell.pins[pin].function:
            case Variable(name) if name == state:
                return pin, False
            case Not(Variable(name)) if name == state:
                return pin, True
    return None
