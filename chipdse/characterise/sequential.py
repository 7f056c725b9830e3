"""Flip-flops, latches and clock gates: delays, energies, input capacitance."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipdse.characterise.bench import (
    HIGH,
    LOW,
    MIDDLE,
    POINTS_PER_WINDOW,
    RAMP_PER_SLEW,
    Bench,
    Waves,
)
from chipdse.characterise.combinational import middle_slew_s
from chipdse.characterise.ngspice import SimulationError

SETTLE, SETTLE_HELD = 40, 150  # inverter delays between the steps that lead into a state


class Store:
    """A cell with memory on the bench; a state is (levels of the inputs, stored bit)."""

    def __init__(self, bench: Bench, largest_load_f: float, slew_limit_s: float) -> None:
        self.bench, self.cell = bench, bench.cell
        assert bench.cell.sequential is not None
        self.rule = bench.cell.sequential
        self._largest_load_f, self._slew_limit_s = largest_load_f, slew_limit_s
        self.fo4_s = bench.corner.fo4_s
        self.idle = {
            pin: 1
            for pin in self.cell.inputs
            if pin in (self.rule.set_low, self.rule.reset_low, self.rule.enable)
        }
        self._known: dict[tuple[object, ...], dict[str, float]] = {}
        self._now: tuple[object, ...] | None = None

    @property
    def output(self) -> str:
        return self.cell.outputs[0]

    def steps(self, levels: dict[str, int], stored: int) -> list[dict[str, int]]:
        """Input levels, one after the other, that end in a state."""
        rule = self.rule
        clock, data = rule.clock, rule.data
        # writes the bit: transparent or clocked with the data at `stored`
        write = [{**self.idle, clock: level, data: stored} for level in (0, 1)]
        if rule.kind == "clock_gate":  # transparent while the clock is low
            write = write[:1]
        if levels[clock] == 0 and rule.kind != "clock_gate":
            write.append({**self.idle, clock: 0, data: stored})
        if rule.kind == "clock_gate" and levels[clock] == 1:
            write.append({**self.idle, clock: 1, data: stored})
        return [*write, levels]

    def enter(self, levels: dict[str, int], stored: int) -> None:
        """Start the next transients in a state."""
        key = (*sorted(levels.items()), stored)
        if key == self._now:
            return
        if key not in self._known:
            self.bench.start_from({})
            settle = SETTLE_HELD if self.bench.held else SETTLE
            self._known[key] = self.bench.settle(
                self.steps(levels, stored), settle * self.fo4_s, self.fo4_s / 8
            )
        self.bench.start_from(self._known[key])
        for pin, level in levels.items():
            self.bench.hold(pin, level)
        self._now = key

    def forget(self) -> None:
        """The deck was reloaded with other options: enter states anew."""
        self._known.clear()
        self._now = None

    def static_a(self, levels: dict[str, int], stored: int) -> float:
        self.enter(levels, stored)
        return self.bench.static_a(levels)[0]

    def window_s(self, slew_s: float, load_f: float) -> float:
        heaviest = load_f / self._largest_load_f
        follow_s = 4 * self._slew_limit_s * heaviest + 30 * self.fo4_s
        return slew_s * RAMP_PER_SLEW + self.bench.patience * follow_s

    def run(
        self,
        levels: dict[str, int],
        stored: int,
        edges: dict[str, list[tuple[float, float]]],
        stop_s: float,
        load_f: float,
        watch: tuple[str, ...] = (),
        points: int = POINTS_PER_WINDOW,
    ) -> Waves:
        """A transient from a state; `edges` are (start, slew) of each driven input."""
        self.enter(levels, stored)
        for pin, level in levels.items():
            self.bench.drive(pin, level, edges.get(pin, []))
        self.bench.load(self.output, load_f)
        return self.bench.transient(stop_s, stop_s / points, watch)

    def edge(self, waves: Waves, rises: bool, after_s: float) -> tuple[float, float] | None:
        """When the output passes 50 % and its transition; None without a full edge."""
        v = self.bench.corner.supply_v
        at = [
            waves.crossing_s(self.output, level * v, rises, after_s)
            for level in (LOW, MIDDLE, HIGH)
        ]
        if None in at:
            return None
        return at[1], abs(at[2] - at[0])  # type: ignore[operator, return-value]


def energy_and_charge(
    store: Store, levels: dict[str, int], stored: int, pin: str, slew_s: float, load_f: float
) -> tuple[Waves, float, float]:
    """One edge of one input from a state: waves, supply energy over leakage, pin charge."""
    after = {**levels, pin: 1 - levels[pin]}
    rest = store.static_a(after, next_bit(store, levels, after, stored))
    window_s = store.window_s(slew_s, load_f)
    start_s = 0.02 * window_s
    waves = store.run(
        levels, stored, {pin: [(start_s, slew_s)]}, start_s + window_s, load_f, (pin,)
    )
    end_s = start_s + window_s
    charge = waves.charge_c(waves.supply_a, start_s, end_s) - rest * window_s
    return (
        waves,
        charge * store.bench.corner.supply_v,
        waves.charge_c(waves.pin_a[pin], start_s, start_s + slew_s * RAMP_PER_SLEW),
    )


def next_bit(store: Store, before: dict[str, int], after: dict[str, int], stored: int) -> int:
    """The stored bit after the inputs went from one assignment to another."""
    rule = store.rule
    if rule.reset_low and not after[rule.reset_low]:
        return 0
    if rule.set_low and not after[rule.set_low]:
        return 1
    rises = not before[rule.clock] and after[rule.clock]
    if rule.kind == "flip_flop":
        if not rises:
            return stored
        return after[rule.data] if after.get(rule.enable or "", 1) else stored
    open_ = after[rule.clock] == (0 if rule.kind == "clock_gate" else 1)
    return after[rule.data] if open_ else stored


def output_level(store: Store, levels: dict[str, int], stored: int) -> int:
    return stored & levels[store.rule.clock] if store.rule.kind == "clock_gate" else stored


def characterise(
    bench: Bench,
    slews_s: np.ndarray,
    loads_f: np.ndarray,
    slew_limit_s: float,
) -> dict[str, Any]:
    """Arcs, energies and input capacitance of one storing cell."""
    store = Store(bench, float(loads_f[-1]), slew_limit_s)
    hidden = _input_energies(store, slews_s, float(loads_f[0]))
    arcs = [
        _clock_arc(store, slews_s, loads_f, hidden["energy_j"][store.rule.clock]),
        *(
            [_data_arc(store, slews_s, loads_f, hidden["energy_j"][store.rule.data])]
            if store.rule.kind == "latch"
            else []
        ),
    ]
    return {
        "arcs": arcs,
        "quiet_energy_j": hidden["energy_j"],
        "capacitance_f": hidden["capacitance_f"],
    }


def _states(store: Store, pin: str) -> list[tuple[dict[str, int], int]]:
    """States in which neither edge of a pin reaches the output.

    Data: with the clock high for a flip-flop, as in the official file, so the energy of its master
    is left out; with the latch closed; with the clock low (the latch follows) for a clock gate.
    """
    rule, chosen = store.rule, []
    base = {**store.idle, rule.clock: 0, rule.data: 0}
    closed = 1 if rule.kind == "flip_flop" else 0
    for stored in (0, 1):
        if pin == rule.clock:
            if rule.kind == "clock_gate" and stored:
                continue
            chosen.append(({**base, rule.data: stored}, stored))
        elif pin == rule.data and rule.kind == "clock_gate":
            if not stored:  # the bit follows the data
                chosen.append((base, stored))
        elif pin == rule.data:
            chosen.append(({**base, rule.clock: closed}, stored))
        elif pin == rule.enable:
            chosen.append(({**base, rule.clock: 1, rule.data: stored, pin: 0}, stored))
        elif stored == (0 if pin == rule.reset_low else 1):
            chosen.append(({**base, rule.data: stored, pin: 0}, stored))
    return chosen


def _input_energies(store: Store, slews_s: np.ndarray, load_f: float) -> dict[str, Any]:
    """Energy and charge of input edges the output does not follow, and master energy of data."""
    chosen = [float(slews_s[0]), middle_slew_s(slews_s), float(slews_s[-1])]
    energy: dict[str, Any] = {}
    capacitance: dict[str, Any] = {}
    for pin in store.cell.inputs:
        energy[pin] = {"slew_s": chosen, "rise": [], "fall": []}
        charges: dict[str, list[float]] = {"rise": [], "fall": []}
        for slew in chosen:
            for name, level in (("rise", 0), ("fall", 1)):
                values = []
                for levels, stored in _states(store, pin):
                    start = {**levels, pin: level}
                    if store.rule.kind == "clock_gate" and pin == store.rule.data:
                        stored = level
                    _, joule, charge = energy_and_charge(store, start, stored, pin, slew, load_f)
                    values.append(joule)
                    if slew == chosen[1]:
                        charges[name].append(abs(charge))
                energy[pin][name].append(float(np.mean(values)))
        capacitance[pin] = {
            name: float(np.mean(values)) / store.bench.corner.supply_v
            for name, values in charges.items()
        }
    return {"energy_j": energy, "capacitance_f": capacitance}


def _clock_arc(
    store: Store, slews_s: np.ndarray, loads_f: np.ndarray, hidden: dict[str, list[float]]
) -> dict[str, Any]:
    """Clock to output. Energy: of the edge that moves the output, less the hidden clock energy."""
    rule = store.rule
    tables = _empty(slews_s, loads_f)
    gate = rule.kind == "clock_gate"
    for rises in (True, False):
        name = "rise" if rises else "fall"
        if gate:  # both edges pass while enabled
            levels, stored = {**store.idle, rule.clock: int(not rises), rule.data: 1}, 1
            hidden_j = np.interp(slews_s, hidden["slew_s"], hidden[name])
        else:
            levels = {**store.idle, rule.clock: 0, rule.data: int(rises)}
            stored = int(not rises)
            hidden_j = np.interp(slews_s, hidden["slew_s"], hidden["rise"])
        _fill(store, tables, rises, levels, stored, rule.clock, hidden_j, slews_s, loads_f)
    return {
        "pin": rule.clock,
        "output": store.output,
        "sense": "positive_unate" if gate else "non_unate",
        "timing_type": "combinational" if gate else "rising_edge",
        **{key: value.tolist() for key, value in tables.items()},
    }


def _data_arc(
    store: Store, slews_s: np.ndarray, loads_f: np.ndarray, hidden: dict[str, list[float]]
) -> dict[str, Any]:
    """Data to output of a transparent latch, less the energy counted at the data pin."""
    rule = store.rule
    tables = _empty(slews_s, loads_f)
    for rises in (True, False):
        name = "rise" if rises else "fall"
        levels = {**store.idle, rule.clock: 1, rule.data: int(not rises)}
        hidden_j = np.interp(slews_s, hidden["slew_s"], hidden[name])
        _fill(store, tables, rises, levels, int(not rises), rule.data, hidden_j, slews_s, loads_f)
    return {
        "pin": rule.data,
        "output": store.output,
        "sense": "positive_unate",
        "timing_type": "combinational",
        **{key: value.tolist() for key, value in tables.items()},
    }


def _empty(slews_s: np.ndarray, loads_f: np.ndarray) -> dict[str, np.ndarray]:
    return {
        f"{edge}_{quantity}": np.empty((len(slews_s), len(loads_f)))
        for edge in ("rise", "fall")
        for quantity in ("delay_s", "transition_s", "energy_j")
    }


def _fill(
    store: Store,
    tables: dict[str, np.ndarray],
    rises: bool,
    levels: dict[str, int],
    stored: int,
    pin: str,
    hidden_j: np.ndarray,
    slews_s: np.ndarray,
    loads_f: np.ndarray,
) -> None:
    """One edge of the output after an edge of `pin`, at every slew and load.

    Parameters
    ----------
    hidden_j : energy that is counted at the pin, by slew
    """
    name = "rise" if rises else "fall"
    supply_v = store.bench.corner.supply_v
    for i, slew in enumerate(map(float, slews_s)):
        for j, load in enumerate(map(float, loads_f)):
            waves, joule, _ = energy_and_charge(store, levels, stored, pin, slew, load)
            start_s = 0.02 * store.window_s(slew, load)
            edge = store.edge(waves, rises, start_s)
            if edge is None:
                raise SimulationError(f"{store.cell.name}: no {name} of {store.output} at {(i, j)}")
            tables[f"{name}_delay_s"][i, j] = edge[0] - start_s - slew * RAMP_PER_SLEW / 2
            tables[f"{name}_transition_s"][i, j] = edge[1]
            into_load_j = load * supply_v**2 if rises else 0.0
            tables[f"{name}_energy_j"][i, j] = joule - hidden_j[i] - into_load_j


def largest_load_f(bench: Bench, slew_limit_s: float) -> float:
    """The load at which the slower clocked output edge takes `slew_limit_s`, from two loads."""
    store = Store(bench, 100e-15, slew_limit_s)
    loads = np.array([50e-15, 150e-15])
    off = {"slew_s": [0.0, 1.0], "rise": [0.0, 0.0], "fall": [0.0, 0.0]}
    arc = _clock_arc(store, np.array([10e-12]), loads, off)
    worst = np.inf
    for edge in ("rise", "fall"):
        low, high = arc[f"{edge}_transition_s"][0]
        worst = min(worst, 50e-15 + (slew_limit_s - low) / (high - low) * 100e-15)
    return float(worst)
