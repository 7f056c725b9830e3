"""The SPICE deck of one cell: the circuit, a source per input, a load per output."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from chipdse.characterise.cells import Cell

# trtol=1: with the default of 7, edges much shorter than a slow input ramp come out 10 to 40 %
# long.
OPTIONS = (
    ".options gmin={gmin:g} abstol={abstol:g} chgtol=1e-18 vntol=1e-6 reltol=1e-3"
    " method=trap trtol=1 noacct"
)


@dataclass(frozen=True, kw_only=True)
class Corner:
    """Where a cell is simulated.

    Parameters
    ----------
    fo4_s : delay of an inverter driving four: the time scale of windows and slews
    """

    supply_v: float
    temperature_c: float
    fo4_s: float


@dataclass(frozen=True, kw_only=True)
class Start:
    """How a simulation starts.

    Parameters
    ----------
    gmin : least conductance of a junction [S]
    nodes_v : guess of the internal voltages at the first operating point
    held : hold the nodes at the guess until the transient begins
    """

    gmin: float = 1e-15
    nodes_v: dict[str, float] = field(default_factory=dict)
    held: bool = False


class Circuit(Protocol):
    """Transistors and wires of a cell.

    Its nets are `vpwr`, `0`, one per pin by the pin's name in lower case, and others.
    """

    @property
    def title(self) -> str:
        """One line."""

    @property
    def nets(self) -> Iterable[str]:
        """Nets at the ends of transistors, in the deck's spelling."""

    def lines(self) -> list[str]:
        """Models, transistors and wires."""


def net(pin: str) -> str:
    """The net of a pin in the deck."""
    return pin.lower()


def deck(circuit: Circuit, cell: Cell, corner: Corner, start: Start) -> str:
    """Sources are `v_<pin>` (lower case) and `v_supply`, loads `c_<pin>`; nets are lower case."""
    lines = [
        f"* {circuit.title}",
        OPTIONS.format(gmin=start.gmin, abstol=min(1e-14, 10 * start.gmin)),
        f".temp {corner.temperature_c:g}",
        *circuit.lines(),
    ]
    for pin in cell.inputs:
        lines.append(f"v_{net(pin)} {net(pin)} 0 dc 0 pwl(0 0 1 0)")
    lines.append(f"v_supply vpwr 0 dc {corner.supply_v:g}")
    for pin in cell.outputs:
        lines.append(f"c_{net(pin)} {net(pin)} 0 1e-15")
    for name, value_v in start.nodes_v.items():
        lines.append(f".nodeset v({name})={value_v:.6e}")
        if start.held:  # `.nodeset` only guides the first point of a transient, `.ic` holds it
            lines.append(f".ic v({name})={value_v:.6e}")
    return "\n".join([*lines, ".end"])
