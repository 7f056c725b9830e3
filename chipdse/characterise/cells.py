"""A cell as the test bench drives it: its pins, its functions, how it stores a bit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import lru_cache

from chipdse.netlist.library.logic import Expression, evaluate, parse_function

STATE = "IQ"  # the stored bit in functions


@dataclass(frozen=True, kw_only=True)
class Sequential:
    """A flip-flop, latch or clock gate. Levels and edges are active high or rising.

    Parameters
    ----------
    kind : "flip_flop", "latch" or "clock_gate"
    data : the pin that is stored; of a clock gate, its enable
    next_state : function of a flip-flop's pins and `STATE`
    enable : pin without which a flip-flop keeps its bit
    set_low, reset_low : active-low preset and clear
    """

    kind: str
    clock: str
    data: str
    next_state: str
    enable: str | None = None
    set_low: str | None = None
    reset_low: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell.

    Parameters
    ----------
    functions : function of each output, as Liberty writes it
    prefix : of the name in Liberty files
    """

    name: str
    inputs: tuple[str, ...]
    functions: dict[str, str] = field(default_factory=dict)
    sequential: Sequential | None = None
    prefix: str = ""

    @property
    def full_name(self) -> str:
        """The name in Liberty files."""
        return self.prefix + self.name

    @property
    def base(self) -> str:
        """The name without its drive strength."""
        return self.name.rsplit("_", 1)[0]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the output pins."""
        return tuple(self.functions)

    def value(self, output: str, levels: dict[str, int]) -> int:
        """Level of an output for one assignment of the inputs (combinational cells)."""
        return int(evaluate(_parsed(self.functions[output]), levels, 1))

    def states(self, without: str | None = None) -> list[dict[str, int]]:
        """Every assignment of the inputs, `without` one of them."""
        pins = [pin for pin in self.inputs if pin != without]
        return [
            dict(zip(pins, levels, strict=True))
            for levels in itertools.product((0, 1), repeat=len(pins))
        ]


@lru_cache(maxsize=4096)
def _parsed(function: str) -> Expression:
    return parse_function(function)
