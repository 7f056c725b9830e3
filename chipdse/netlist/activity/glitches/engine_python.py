"""The timed replay without a compiler: lanes as the bits of one integer.

A cell sees a few dozen changes of 512 lanes each. At that size Python's integers are quicker than
NumPy's arrays of eight words; NumPy packs, unpacks and counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Int32s, Int64s, UInt64s
from chipdse.netlist.activity.glitches.cubes import BOTH, DIFFER, EITHER, INVERT, ONE, ZERO
from chipdse.netlist.activity.glitches.plan import TimedPlan
from chipdse.netlist.activity.replay.lanes import LANES, WORDS

_ALL = (1 << LANES) - 1
_Changes = list[tuple[int, int]]  # (time, lanes)
_Entry = tuple[int, int, int, int, int]  # pin, edge, care, value, key


@dataclass(frozen=True, kw_only=True)
class _Cell:
    """One operation of a plan, unpacked."""

    output: int
    function: Callable[[list[int]], int]
    nets: list[int]
    shifts: list[int]
    entries: list[_Entry]
    fallback: list[int]


class PythonLanes:
    """Replays 512 cycles a call, with the compiled engine's results, bit for bit."""

    def __init__(self, plan: TimedPlan) -> None:
        self.plan = plan
        bounds = plan.program_start.tolist()
        code = plan.program.tobytes()
        self.functions = [
            _function(code[a:b]) for a, b in zip(bounds[:-1], bounds[1:], strict=True)
        ]

    def replay(
        self,
        value: UInt64s,
        goal: UInt64s,
        counts: Int64s,
        latest: Int32s,
    ) -> UInt64s:
        """Add up one cycle in each lane; returns each net's settled value.

        See `timed_compiled.CompiledLanes.replay`.
        """
        before = [int.from_bytes(row.tobytes(), "little") for row in value]
        settled = list(before)
        changes: list[_Changes] = [[] for _ in before]
        goals = [int.from_bytes(row.tobytes(), "little") for row in goal]
        times = self.plan.source_time.tolist()
        for net, aim, (rise, fall) in zip(self.plan.source.tolist(), goals, times, strict=True):
            up, down = aim & ~before[net], before[net] & ~aim
            entries = sorted([(rise, up), (fall, down)])
            if rise == fall:
                entries = [(rise, up | down)]
            changes[net] = [entry for entry in entries if entry[1]]
            settled[net] = aim
        for cell in self._cells():
            moving = [(net, changes[net]) for net in cell.nets if net > 1 and changes[net]]
            if moving:
                out, settled[cell.output] = _through(cell, before, changes)
                changes[cell.output] = out
        for net, net_changes in enumerate(changes):
            if net_changes:
                latest[net] = max(int(latest[net]), net_changes[-1][0])
                packed = b"".join(lanes.to_bytes(LANES // 8, "little") for _, lanes in net_changes)
                words = np.frombuffer(packed, dtype=np.uint64).reshape(-1, WORDS)
                counts[net] += np.bitwise_count(words).sum(axis=0, dtype=np.int64)
        packed = b"".join(lanes.to_bytes(LANES // 8, "little") for lanes in settled)
        return np.frombuffer(packed, dtype=np.uint64).reshape(-1, WORDS)

    def _cells(self) -> list[_Cell]:
        plan = self.plan
        pins, entries = plan.pin_start.tolist(), plan.entry_start.tolist()
        nets, shifts = plan.pin_net.tolist(), plan.pin_shift.tolist()
        columns = (
            plan.entry_pin,
            plan.entry_edge,
            plan.entry_care,
            plan.entry_value,
            plan.entry_key,
        )
        lists: list[list[int]] = [column.tolist() for column in columns]
        table = list(zip(*lists, strict=True))
        fallback = plan.fallback_key.tolist()
        return [
            _Cell(
                output=output,
                function=self.functions[function],
                nets=nets[pins[i] : pins[i + 1]],
                shifts=shifts[pins[i] : pins[i + 1]],
                entries=table[entries[i] : entries[i + 1]],
                fallback=fallback[i],
            )
            for i, (output, function) in enumerate(
                zip(plan.output.tolist(), plan.function.tolist(), strict=True)
            )
        ]


def _through(cell: _Cell, before: list[int], changes: list[_Changes]) -> tuple[_Changes, int]:
    """Changes of a cell's output, and the value it settles at."""
    now = [_ALL if net == 1 else 0 if net < 1 else before[net] for net in cell.nets]
    queue: dict[int, list[tuple[int, int]]] = {}
    for pin, (net, shift) in enumerate(zip(cell.nets, cell.shifts, strict=True)):
        if net > 1:
            for time, lanes in changes[net]:
                queue.setdefault(time + shift, []).append((pin, lanes))
    aim = shown = before[cell.output]  # what the inputs ask for, and the output's value
    pending: dict[int, int] = {}
    out: _Changes = []
    for time in sorted(queue):
        for moved in _rounds(queue[time]):
            shown = _mature(pending, 2 * time, aim, shown, out)
            for pin, lanes in moved.items():
                now[pin] ^= lanes
            target = cell.function(now)
            change = target ^ aim
            if not change:
                continue
            aim = target
            _schedule(cell, now, target, change, moved, 2 * time, pending)
    _mature(pending, None, aim, shown, out)
    return out, aim


def _rounds(changes: list[tuple[int, int]]) -> list[dict[int, int]]:
    """Changes at one time: one of each pin at once, a pin's second after it."""
    rounds: list[dict[int, int]] = []
    for pin, lanes in changes:
        place = sum(pin in round_pins for round_pins in rounds)
        if place == len(rounds):
            rounds.append({})
        rounds[place][pin] = lanes
    return rounds


def _schedule(
    cell: _Cell,
    now: list[int],
    target: int,
    change: int,
    moved: dict[int, int],
    start: int,
    pending: dict[int, int],
) -> None:
    for pin, edge, care, value, key in cell.entries:
        if pin not in moved:
            continue
        chosen = change & moved[pin] & (~target if edge else target)
        place = 0
        while care and chosen:
            if care & 1:
                chosen &= now[place] if value >> place & 1 else ~now[place]
            care >>= 1
            place += 1
        if chosen:
            pending[start + key] = pending.get(start + key, 0) | chosen
            change &= ~chosen
            if not change:
                return
    for edge, key in enumerate(cell.fallback):
        chosen = change & (~target if edge else target)
        if chosen:
            pending[start + key] = pending.get(start + key, 0) | chosen


def _mature(pending: dict[int, int], until: int | None, aim: int, shown: int, out: _Changes) -> int:
    """Apply the scheduled values that are due to the output; returns its value then."""
    for key in sorted(key for key in pending if until is None or key <= until):
        due = pending.pop(key) & (aim ^ shown)
        if not due:
            continue
        shown ^= due
        if out and out[-1][0] == key >> 1 and not out[-1][1] & due:
            out[-1] = (key >> 1, out[-1][1] | due)
        else:
            out.append((key >> 1, due))
    return shown


def _function(code: bytes) -> Callable[[list[int]], int]:
    """Python for a stack machine's code; its only names are the list of inputs."""
    stack: list[str] = []
    words = {BOTH: "&", EITHER: "|", DIFFER: "^"}
    for byte in code:
        if byte in words:
            last = stack.pop()
            stack[-1] = f"({stack[-1]} {words[byte]} {last})"
        elif byte == INVERT:
            stack[-1] = f"({_ALL} ^ {stack[-1]})"
        elif byte in (ZERO, ONE):
            stack.append(str(_ALL if byte == ONE else 0))
        else:
            stack.append(f"i[{int(byte)}]")
    function: Callable[[list[int]], int] = eval(f"lambda i: {stack[0]}", {"__builtins__": {}})
    return function
