"""A mapped netlist in many runs at once, with its own next state, and what its nets leak.

Plain NumPy, 64 runs per word as in `chipdse_hdl.side_channel`, without delays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.netlist.library.cells import Cell, FlipFlop
from chipdse.netlist.library.logic import And, Constant, Expression, Not, Or, Variable
from chipdse.netlist.netlist import Netlist

_ONES = np.uint64(2**64 - 1)


@dataclass(frozen=True, kw_only=True)
class _Step:
    """What a pin takes: a formula in Python of the nets of the cell's variables."""

    formula: Any
    nets: Mapping[str, int]
    target: int


def run_lanes(netlist: Netlist, stimuli: Mapping[str, np.ndarray]) -> Iterator[np.ndarray]:
    """The value of every net in every cycle, uint64[net, word], before the edge that ends it.

    Parameters
    ----------
    stimuli : of each input port but the clock, uint64[cycle, bit, word]
    """
    words = next(iter(stimuli.values())).shape[2]
    values = np.zeros((netlist.net_count, words), np.uint64)
    values[1] = _ONES
    logic, registers = _logic(netlist), _registers(netlist)
    for cycle in range(len(next(iter(stimuli.values())))):
        for name, bits in stimuli.items():
            values[list(netlist.port_of[name].nets)] = bits[cycle]
        for step in logic:
            values[step.target] = _evaluated(step, values)
        yield values
        following = [_evaluated(step, values) for step, _ in registers]
        for (_, outputs), state in zip(registers, following, strict=True):
            for net, inverted in outputs:
                values[net] = ~state if inverted else state


def scores(netlist: Netlist, stimuli: Mapping[str, np.ndarray], is_fixed: np.ndarray) -> np.ndarray:
    """How clearly the changes of each net tell fixed from random data: float[cycle, net].

    The difference of both probabilities of a change in units of its standard deviation, which is
    a Welch test of the net's Hamming distance.
    """
    fixed = int(np.bitwise_count(is_fixed).sum())
    random = 64 * len(is_fixed) - fixed
    rows = []
    before = np.zeros((netlist.net_count, len(is_fixed)), np.uint64)
    for values in run_lanes(netlist, stimuli):
        changed = values ^ before
        before = values.copy()
        in_fixed = np.bitwise_count(changed & is_fixed).sum(axis=1, dtype=np.int64)
        in_random = np.bitwise_count(changed & ~is_fixed).sum(axis=1, dtype=np.int64)
        both = (in_fixed + in_random) / (fixed + random)
        deviation = np.sqrt(both * (1 - both) * (1 / fixed + 1 / random))
        difference = in_fixed / fixed - in_random / random
        rows.append(np.divide(difference, deviation, out=0 * deviation, where=deviation > 0))
    return np.array(rows)


def _evaluated(step: _Step, values: np.ndarray) -> np.ndarray:
    result: np.ndarray = eval(step.formula, {}, {n: values[net] for n, net in step.nets.items()})
    return result


def _formula(expression: Expression) -> str:
    if isinstance(expression, Variable):
        return f"{expression.name}_"
    if isinstance(expression, Constant):
        return "ones" if expression.value else "zeros"
    if isinstance(expression, Not):
        return f"(~{_formula(expression.operand)})"
    sign = "&" if isinstance(expression, And) else "|" if isinstance(expression, Or) else "^"
    return f"({sign.join(map(_formula, expression.operands))})"


def _step(
    netlist: Netlist, instance: int, expression: Expression, target: int, **also: int
) -> _Step:
    cell, start = _cell(netlist, instance), netlist.pin_start[instance]
    nets = {f"{cell.pins[n].name}_": int(netlist.pin_net[start + n]) for n in cell.inputs}
    formula = compile(_formula(expression), cell.name, "eval")
    return _Step(formula=formula, nets={"zeros": 0, "ones": 1, **nets, **also}, target=target)


def _cell(netlist: Netlist, instance: int) -> Cell:
    return netlist.cells[netlist.cell_types[instance]]


def _logic(netlist: Netlist) -> list[_Step]:
    """The combinational outputs, each after all that it reads."""
    waiting = []
    for instance in range(netlist.cell_count):
        cell = _cell(netlist, instance)
        if cell.sequential is None:
            for position in cell.outputs:
                net = int(netlist.pin_net[netlist.pin_start[instance] + position])
                function = cell.pins[position].function
                assert function is not None
                waiting.append(_step(netlist, instance, function, net))
    unsettled = {step.target for step in waiting}
    ordered: list[_Step] = []
    while waiting:
        later = []
        for step in waiting:
            if unsettled.isdisjoint(step.nets.values()):
                ordered.append(step)
                unsettled.discard(step.target)
            else:
                later.append(step)
        assert len(later) < len(waiting), "a combinational loop"
        waiting = later
    return ordered


def _registers(netlist: Netlist) -> list[tuple[_Step, Sequence[tuple[int, bool]]]]:
    """The next state of each flip-flop, and the nets of its outputs, inverted ones marked."""
    registers = []
    for instance in range(netlist.cell_count):
        cell = _cell(netlist, instance)
        if not isinstance(cell.sequential, FlipFlop):
            continue
        flip_flop = cell.sequential
        assert flip_flop.clear is None and flip_flop.preset is None, cell.name
        outputs = []
        for position in cell.outputs:
            net = int(netlist.pin_net[netlist.pin_start[instance] + position])
            if net >= 0:
                function = cell.pins[position].function
                assert isinstance(function, Variable)
                outputs.append((net, function.name != flip_flop.state))
        net, inverted = outputs[0]
        assert not inverted
        step = _step(netlist, instance, flip_flop.next_state, net, **{f"{flip_flop.state}_": net})
        registers.append((step, outputs))
    return registers
