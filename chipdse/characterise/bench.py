"""One cell on the bench: set its inputs, run a transient, measure as Liberty defines it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.characterise.cells import Cell
from chipdse.characterise.deck import Circuit, Corner, Start, deck, net
from chipdse.characterise.ngspice import Ngspice, SimulationError
from chipdse.characterise.ngspice_process import NgspiceProcess

# Liberty thresholds of the official sky130 files: delay at 50 %, transition 20 to 80 %.
LOW, MIDDLE, HIGH = 0.2, 0.5, 0.8
RAMP_PER_SLEW = 1 / (HIGH - LOW)
POINTS_PER_WINDOW = 100
SETTLED = 0.005  # of the supply
LOOSER_GMIN = (1e-15, 1e-14, 1e-13, 1e-12)


@dataclass(frozen=True, kw_only=True)
class Waves:
    """One transient: node voltages, current out of the supply, current into each watched pin."""

    time_s: np.ndarray
    voltage_v: dict[str, np.ndarray]
    supply_a: np.ndarray
    pin_a: dict[str, np.ndarray]

    def crossing_s(self, pin: str, level_v: float, rising: bool, after_s: float) -> float | None:
        """When a pin first crosses a level after a time, linear between points."""
        v, t = self.voltage_v[pin], self.time_s
        hit = (
            (v[:-1] < level_v) & (v[1:] >= level_v)
            if rising
            else (v[:-1] > level_v) & (v[1:] <= level_v)
        )
        crossings = np.flatnonzero(hit & (t[1:] > after_s))
        if not len(crossings):
            return None
        k = crossings[0]
        return float(t[k] + (level_v - v[k]) / (v[k + 1] - v[k]) * (t[k + 1] - t[k]))

    def charge_c(self, current_a: np.ndarray, begin_s: float, end_s: float) -> float:
        """Integral of a current between two times that are points of the transient."""
        inside = np.clip(self.time_s, begin_s, end_s)
        values = np.interp(inside, self.time_s, current_a)
        return float(np.trapezoid(values, inside))

    def at_v(self, pin: str, time_s: float) -> float:
        return float(np.interp(time_s, self.time_s, self.voltage_v[pin]))


class Bench:
    """A loaded deck. Pins are given by their Liberty names."""

    def __init__(
        self,
        simulator: Ngspice | NgspiceProcess,
        cell: Cell,
        circuit: Circuit,
        corner: Corner,
        held: bool = False,
        patience: float = 1.0,
    ) -> None:
        self.simulator, self.cell, self.corner = simulator, cell, corner
        self._circuit = circuit
        self.held, self.patience = held, patience
        self._gmin = LOOSER_GMIN[0]
        self._nodes: dict[str, float] = {}
        self._inputs: dict[str, str] = {}
        self._loads: dict[str, float] = {}
        self.runs = 0
        self._load_deck()

    def _load_deck(self) -> None:
        start = Start(gmin=self._gmin, nodes_v=self._nodes, held=self.held)
        self.simulator.load(deck(self._circuit, self.cell, self.corner, start))
        for text in self._inputs.values():
            self.simulator.command(text)
        for pin, load_f in self._loads.items():
            self.simulator.command(f"alter c_{net(pin)} = {load_f:.9e}")

    @property
    def nodes(self) -> list[str]:
        """Nets between transistors that no source fixes."""
        fixed = {"vpwr", "0", *(net(pin) for pin in self.cell.inputs)}
        return sorted(set(self._circuit.nets) - fixed)

    def start_from(self, nodes_v: dict[str, float]) -> None:
        """Reload with a first guess of the internal voltages: it selects the stored state."""
        self._nodes = nodes_v
        self._load_deck()

    def hold(self, pin: str, level: int) -> None:
        """Keep an input at a level."""
        value = level * self.corner.supply_v
        self._set(pin, f"[ 0 {value} 1 {value} ]")

    def drive(self, pin: str, first: int, edges: list[tuple[float, float]]) -> None:
        """An input that starts at a level and ramps to the other at each (start, slew)."""
        v, level = self.corner.supply_v, first
        points = [(0.0, level * v)]
        for start_s, slew_s in edges:
            points += [(start_s, level * v), (start_s + slew_s * RAMP_PER_SLEW, (1 - level) * v)]
            level = 1 - level
        points.append((max(1.0, 2 * points[-1][0]), level * v))
        self._set(pin, "[ " + " ".join(f"{t:.9e} {x:.6e}" for t, x in points) + " ]")

    def _set(self, pin: str, values: str) -> None:
        text = f"alter @v_{net(pin)}[pwl] = {values}"
        if self._inputs.get(pin) != text:
            self._inputs[pin] = text
            self.simulator.command(text)

    def load(self, pin: str, load_f: float) -> None:
        if self._loads.get(pin) != load_f:
            self._loads[pin] = load_f
            self.simulator.command(f"alter c_{net(pin)} = {load_f:.9e}")

    def transient(self, stop_s: float, step_s: float, watch: tuple[str, ...] = ()) -> Waves:
        """Run; on trouble with the time step, again with a larger gmin."""
        pins = [*self.cell.outputs, *watch]
        currents = [f"i(v_{net(pin)})" for pin in watch]
        wanted = ["time", "i(v_supply)", *currents, *(net(pin) for pin in pins)]
        for gmin in (g for g in LOOSER_GMIN if g >= self._gmin):
            if gmin != self._gmin:
                self._gmin = gmin
                self._load_deck()
            self.runs += 1
            try:
                got = self.simulator.run(f"tran {step_s:.6e} {stop_s:.6e} 0 {step_s:.6e}", wanted)
            except SimulationError:
                continue
            if got["time"][-1] < stop_s * (1 - 1e-6):
                continue
            if gmin != LOOSER_GMIN[0]:
                self._gmin = LOOSER_GMIN[0]
                self._load_deck()
            return Waves(
                time_s=got["time"],
                voltage_v={pin: got[net(pin)] for pin in pins},
                supply_a=-got["i(v_supply)"],
                pin_a={pin: -got[f"i(v_{net(pin)})"] for pin in watch},
            )
        raise SimulationError(f"{self.cell.name}: no transient of {stop_s:g} s converges")

    def use_gmin(self, gmin: float) -> None:
        self._gmin = gmin
        self._load_deck()

    def settle(
        self, steps: list[dict[str, int]], pause_s: float, slew_s: float
    ) -> dict[str, float]:
        """Apply levels one after the other; the internal voltages at the end."""
        for pin in self.cell.inputs:
            level, edges = steps[0][pin], []
            for k, step in enumerate(steps[1:], 1):
                if step[pin] != level:
                    edges.append((k * pause_s, slew_s))
                    level = step[pin]
            self.drive(pin, steps[0][pin], edges)
        stop_s = len(steps) * pause_s
        got = self.simulator.run(
            f"tran {pause_s / 50:.6e} {stop_s:.6e} 0 {pause_s / 50:.6e}", self.nodes
        )
        return {name: float(values[-1]) for name, values in got.items()}

    def static_a(self, levels: dict[str, int]) -> tuple[float, dict[str, int]]:
        """Supply current with the inputs at rest, and the outputs' levels."""
        for pin, level in levels.items():
            self.hold(pin, level)  # for the next transient; an operating point reads `dc`
            self.simulator.command(f"alter v_{net(pin)} dc = {level * self.corner.supply_v:g}")
        wanted = ["i(v_supply)", *(net(pin) for pin in self.cell.outputs)]
        point = self.simulator.operating_point(wanted)
        half = self.corner.supply_v / 2
        return -point["i(v_supply)"], {p: int(point[net(p)] > half) for p in self.cell.outputs}
