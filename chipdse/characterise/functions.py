"""What the test bench drives, from a library cell's logic: which pins, edges and states exist."""

from __future__ import annotations

from chipdse.characterise.cells import STATE, Cell, Sequential
from chipdse.errors import DesignError
from chipdse.netlist.library import cells as library
from chipdse.netlist.library.cells import ClockGate, FlipFlop, Latch, single_literal
from chipdse.netlist.library.logic import (
    Expression,
    Variable,
    substitute,
    truth_table,
    variables,
)


def bench_cell(cell: library.Cell) -> Cell:
    """A cell as the test bench drives it.

    Raises
    ------
    DesignError : the test bench has no measurement for such a cell
    """
    inputs = tuple(pin.name for pin in cell.pins if pin.direction == "input")
    outputs = [pin for pin in cell.pins if pin.direction == "output"]
    if cell.is_macro or any(pin.direction == "inout" or pin.three_state for pin in cell.pins):
        raise _unsupported(cell, "it has pins that are not driven at all times")
    if not inputs or not outputs:
        raise _unsupported(cell, "it has no inputs or no outputs")
    functions = {}
    for pin in outputs:
        if pin.function is None:
            raise DesignError(f"cell {cell.name}: output {pin.name} has no function; state it")
        functions[pin.name] = str(pin.function)
    state = cell.sequential
    if state is None:
        return Cell(name=cell.name, inputs=inputs, functions=functions)
    if len(outputs) != 1:
        raise _unsupported(cell, "it stores a bit and has several outputs")
    (output,) = functions
    match state:
        case FlipFlop():
            rule = _flip_flop(cell, state)
        case Latch():
            rule = _latch(cell, state)
        case ClockGate():
            rule = _clock_gate(cell, state)
    gate = rule.kind == "clock_gate"
    if not gate and outputs[0].function != Variable(state.state):
        raise _unsupported(cell, f"its output is {functions[output]}, not the stored bit")
    function = f"{STATE}&{rule.clock}" if gate else STATE
    return Cell(name=cell.name, inputs=inputs, functions={output: function}, sequential=rule)


def _unsupported(cell: library.Cell, why: str) -> DesignError:
    return DesignError(
        f"cell {cell.name} cannot be characterised: {why}; supported are gates, flip-flops of a "
        "rising edge, latches open while high, and clock gates; leave it out of `only`"
    )


def _pin(cell: library.Cell, expression: Expression, what: str, *, high: bool = True) -> str:
    literal = single_literal(expression)
    if literal is None or literal[1] != high:
        raise _unsupported(cell, f"its {what} is {expression}")
    return literal[0]


def _low_pin(cell: library.Cell, expression: Expression | None, what: str) -> str | None:
    return None if expression is None else _pin(cell, expression, what, high=False)


def _flip_flop(cell: library.Cell, state: FlipFlop) -> Sequential:
    clock = _pin(cell, state.clocked_on, "clock")
    next_state = substitute(state.next_state, {state.state: Variable(STATE)})
    data, enable = _data_and_enable(cell, next_state)
    return Sequential(
        kind="flip_flop",
        clock=clock,
        data=data,
        next_state=str(next_state),
        enable=enable,
        set_low=_low_pin(cell, state.preset, "preset"),
        reset_low=_low_pin(cell, state.clear, "clear"),
    )


def _data_and_enable(cell: library.Cell, next_state: Expression) -> tuple[str, str | None]:
    """The pin that is stored, and the pin that must be high for it, if there is one."""
    if isinstance(next_state, Variable) and next_state.name != STATE:
        return next_state.name, None
    names = variables(next_state)
    pins = [name for name in names if name != STATE]
    if len(pins) == 2 and STATE in names:
        order = (STATE, *pins)
        table = truth_table(next_state, order)
        for data, enable in (pins, pins[::-1]):
            wanted = [
                bit[data] if bit[enable] else bit[STATE]
                for bit in (
                    {name: row >> place & 1 for place, name in enumerate(order)} for row in range(8)
                )
            ]
            if table.astype(int).tolist() == wanted:
                return data, enable
    raise _unsupported(cell, f"its next state is {next_state}, not a pin or a pin with an enable")


def _latch(cell: library.Cell, state: Latch) -> Sequential:
    if state.clear is not None or state.preset is not None:
        raise _unsupported(cell, "it is a latch with clear or preset")
    data = _pin(cell, state.data_in, "data")
    return Sequential(
        kind="latch", clock=_pin(cell, state.enable, "enable"), data=data, next_state=data
    )


def _clock_gate(cell: library.Cell, state: ClockGate) -> Sequential:
    if state.transparent_high:
        raise _unsupported(cell, "it gates falling edges")
    data = _pin(cell, state.enable, "enable")
    return Sequential(kind="clock_gate", clock=state.clock, data=data, next_state=data)
