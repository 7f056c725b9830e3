"""A library cell as logic: its pins, their functions, and its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from chipdse.errors import DesignError
from chipdse.netlist.library.logic import Expression, Not, Variable

DIRECTIONS = ("input", "output", "inout")


@dataclass(frozen=True, kw_only=True, slots=True)
class CellPin:
    """A signal pin (supply pins and internal nodes are not pins here).

    Parameters
    ----------
    name : as in the library; a bit of a bus is ``BUS[i]``
    direction : input, output or inout
    function : an output's value from the cell's input pins and its state; None when unknown
    three_state : condition under which the output is not driven
    is_clock : the library marks it as a clock pin
    """

    name: str
    direction: str
    function: Expression | None = None
    three_state: Expression | None = None
    is_clock: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FlipFlop:
    """Edge-triggered state: on the rising edge of `clocked_on`, `state` becomes `next_state`.

    `clear` and `preset` force it to 0 and 1; when both are active, `state` becomes
    `both_active_state` (Liberty's clear_preset_var1: L, H, N, T or X) and its complement
    `both_active_inverted`.
    """

    state: str
    state_inverted: str
    clocked_on: Expression
    next_state: Expression
    clear: Expression | None = None
    preset: Expression | None = None
    both_active_state: str = "X"
    both_active_inverted: str = "X"


@dataclass(frozen=True, kw_only=True, slots=True)
class Latch:
    """Level-sensitive state: while `enable` is true, `state` is `data_in`."""

    state: str
    state_inverted: str
    enable: Expression
    data_in: Expression
    clear: Expression | None = None
    preset: Expression | None = None
    both_active_state: str = "X"
    both_active_inverted: str = "X"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockGate:
    """An integrated clock gate: a latch, transparent while `clock` is inactive, gates the clock.

    Parameters
    ----------
    state : the latch's name, as in the output's function
    clock : the clock pin
    transparent_high : the latch follows `enable` while the clock is 1 (gates falling edges)
    enable : the value that the latch stores, a function of the cell's other pins
    """

    state: str
    clock: str
    transparent_high: bool
    enable: Expression


Sequential = FlipFlop | Latch | ClockGate


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The logic function of one library cell.

    Parameters
    ----------
    area_m2 : footprint [m²]
    pins : signal pins in the library's order
    sequential : its state, None for a combinational cell
    is_macro : a block whose inside the library does not describe (a memory, a pad)
    buses : pins of each bus by position in `pins`, least significant (last declared) bit first
    supply_pins : names of the power and ground pins; a netlist may connect them or not
    dont_use : the library excludes the cell from synthesis
    """

    name: str
    area_m2: float
    pins: tuple[CellPin, ...]
    sequential: Sequential | None = None
    is_macro: bool = False
    buses: dict[str, tuple[int, ...]] = field(default_factory=dict)
    supply_pins: tuple[str, ...] = ()
    dont_use: bool = False

    @cached_property
    def pin_index(self) -> dict[str, int]:
        """Position of each pin by name."""
        return {pin.name: position for position, pin in enumerate(self.pins)}

    @cached_property
    def inputs(self) -> tuple[int, ...]:
        """Positions of the pins that read a net (inouts too)."""
        return tuple(i for i, pin in enumerate(self.pins) if pin.direction != "output")

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """Positions of the pins that drive a net (inouts too)."""
        return tuple(i for i, pin in enumerate(self.pins) if pin.direction != "input")

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """Names of the pins in `inputs`."""
        return tuple(self.pins[i].name for i in self.inputs)

    @cached_property
    def state_variables(self) -> tuple[str, ...]:
        """The variables of its output functions: the input pins in order, then the state."""
        state = () if self.sequential is None else (self.sequential.state,)
        return self.input_names + state

    def pin(self, name: str) -> CellPin:
        """A pin by its name."""
        try:
            return self.pins[self.pin_index[name]]
        except KeyError:
            raise DesignError(
                f"cell {self.name} has no pin {name!r}; it has "
                + ", ".join(pin.name for pin in self.pins)
            ) from None


def single_literal(expression: Expression) -> tuple[str, bool] | None:
    """A function of one variable as (its name, true when not inverted); None for any other."""
    match expression:
        case Variable(name):
            return name, True
        case Not(Variable(name)):
            return name, False
    return None


def clock_of(cell: Cell) -> tuple[str, bool] | None:
    """The clock pin of a flip-flop or latch, and whether it acts on rise (or while high).

    None when the cell has no state, or its clock is a function of several pins.
    """
    match cell.sequential:
        case FlipFlop(clocked_on=clocked_on):
            return single_literal(clocked_on)
        case Latch(enable=enable):
            return single_literal(enable)
        case ClockGate(clock=clock, transparent_high=transparent_high):
            return clock, not transparent_high
    return None
