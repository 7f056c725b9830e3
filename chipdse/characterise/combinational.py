"""Delay, transition, energy and input capacitance of combinational cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from chipdse.characterise.bench import (
    HIGH,
    LOW,
    MIDDLE,
    POINTS_PER_WINDOW,
    RAMP_PER_SLEW,
    SETTLED,
    Bench,
    Waves,
)
from chipdse.characterise.ngspice import SimulationError


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One edge of the pulsed input and what it did."""

    input_rises: bool
    energy_j: float  # from the supply, leakage taken off, nothing else
    pin_charge_c: float  # into the pin while it moves
    delay_s: dict[str, float]  # by output that toggled
    transition_s: dict[str, float]
    output_rises: dict[str, bool]


class Pulses:
    """Applies a rising and a falling edge to one input, the others at rest."""

    def __init__(self, bench: Bench, largest_load_f: float, slew_limit_s: float) -> None:
        self.bench = bench
        self._largest_load_f, self._slew_limit_s = largest_load_f, slew_limit_s
        self._static: dict[tuple[tuple[str, int], ...], float] = {}
        self._stretch = 1.0

    def static_a(self, levels: dict[str, int]) -> float:
        key = tuple(sorted(levels.items()))
        if key not in self._static:
            self._static[key] = self.bench.static_a(levels)[0]
        return self._static[key]

    def pulse(
        self, pin: str, side: dict[str, int], slew_s: float, loads_f: dict[str, float]
    ) -> tuple[Edge, Edge]:
        """The rising and the falling edge of an input, the other inputs at the levels `side`."""
        bench, cell = self.bench, self.bench.cell
        low, high = (
            {out: cell.value(out, {**side, pin: level}) for out in cell.outputs} for level in (0, 1)
        )
        for level in (1, 0):  # kept for `_edge`; the loads are not connected yet
            self.static_a({**side, pin: level})
        for other, level in side.items():
            bench.hold(other, level)
        for out in cell.outputs:
            bench.load(out, loads_f[out])
        heaviest = max(loads_f.values()) / self._largest_load_f
        guess_s = slew_s * RAMP_PER_SLEW + 3.5 * self._slew_limit_s * heaviest
        window_s = (guess_s + 10 * bench.corner.fo4_s) * self._stretch
        for _ in range(6):
            start_s = 0.01 * window_s
            times_s = (start_s, start_s + window_s, start_s + 2 * window_s)
            bench.drive(pin, 0, [(s, slew_s) for s in times_s[:2]])
            waves = bench.transient(times_s[2], window_s / POINTS_PER_WINDOW, (pin,))
            if self._is_settled(waves, times_s[1], high) and self._is_settled(
                waves, times_s[2], low
            ):
                break
            window_s *= 1.7
        else:
            raise SimulationError(f"{cell.name} {pin} {side}: the output does not settle")
        return (
            self._edge(waves, pin, True, slew_s, times_s[:2], (low, high), side),
            self._edge(waves, pin, False, slew_s, times_s[1:], (high, low), side),
        )

    def _is_settled(self, waves: Waves, time_s: float, levels: dict[str, int]) -> bool:
        """Whether every output is close to its level at a time."""
        supply_v = self.bench.corner.supply_v
        wrong = max(
            abs(waves.at_v(out, time_s) - level * supply_v) for out, level in levels.items()
        )
        return bool(wrong <= SETTLED * supply_v)

    def _edge(
        self,
        waves: Waves,
        pin: str,
        rises: bool,
        slew_s: float,
        window_s: tuple[float, ...],
        levels: tuple[dict[str, int], dict[str, int]],
        side: dict[str, int],
    ) -> Edge:
        """An edge of the input that begins with a window.

        levels : of the outputs before and after it
        """
        cell, supply_v = self.bench.cell, self.bench.corner.supply_v
        (begin_s, end_s), (old, new) = window_s, levels
        static_a = self.static_a({**side, pin: int(rises)})  # simulated before the transient
        ramp_s = slew_s * RAMP_PER_SLEW
        toggled = [out for out in cell.outputs if old[out] != new[out]]
        middle_s = begin_s + ramp_s / 2
        delay, transition = {}, {}
        for out in toggled:
            at = [
                waves.crossing_s(out, level * supply_v, bool(new[out]), begin_s)
                for level in (LOW, MIDDLE, HIGH)
            ]
            if None in at:
                raise SimulationError(f"{cell.name} {pin}->{out}: no clean edge")
            delay[out] = at[1] - middle_s  # type: ignore[operator]
            transition[out] = abs(at[2] - at[0])  # type: ignore[operator]
        charge = waves.charge_c(waves.supply_a, begin_s, end_s)
        return Edge(
            input_rises=rises,
            energy_j=(charge - static_a * (end_s - begin_s)) * supply_v,
            pin_charge_c=waves.charge_c(waves.pin_a[pin], begin_s, begin_s + ramp_s),
            delay_s=delay,
            transition_s=transition,
            output_rises={out: bool(new[out]) for out in toggled},
        )


def largest_load_f(bench: Bench, slew_limit_s: float) -> float:
    """The load at which the slowest output edge of the cell takes `slew_limit_s`.

    Two loads give the line transition = a + b * load; edges through every input are tried.
    """
    pulses = Pulses(bench, 100e-15, slew_limit_s)
    cell = bench.cell
    worst = np.inf
    for out in cell.outputs:
        for pin in cell.inputs:
            side = next(
                s
                for s in cell.states(pin)
                if cell.value(out, {**s, pin: 0}) != cell.value(out, {**s, pin: 1})
            )
            seen = []
            for load in (50e-15, 150e-15):
                loads = dict.fromkeys(cell.outputs, 0.5e-15) | {out: load}
                edges = pulses.pulse(pin, side, 10e-12, loads)
                seen.append([edge.transition_s[out] for edge in edges])
            low, high = np.array(seen)
            per_farad = (high - low) / 100e-15
            worst = min(worst, float(np.min(50e-15 + (slew_limit_s - low) / per_farad)))
    return worst


def middle_slew_s(slews_s: np.ndarray) -> float:
    """The middle of the range in the logarithm, the same on a coarse and a full grid."""
    return float(np.sqrt(slews_s[0] * slews_s[-1]))


def characterise(
    bench: Bench,
    slews_s: np.ndarray,
    loads_f: np.ndarray,
    slew_limit_s: float,
    middle_load_f: float,
    *,
    sparse: bool = False,
    fastest: bool = False,
) -> dict[str, Any]:
    """Arcs of every (output, input, sense), energies, quiet input energy, input capacitance.

    Input capacitance: the charge into the pin while it moves, at the middle slew, mean over the
    states in which an output follows. Charge that the output pushes back later does not load the
    driver's edge; counting it too makes falling edges 8 % larger than the official file has them.
    Delay and transition: of the states of the other inputs, the slowest for each edge at the middle
    of the grid, as in the official file (`default_arc_mode : worst_edges`). Energy: the mean over
    the states, by adding the difference seen at the middle of the grid.

    Parameters
    ----------
    middle_load_f : the load of the middle of the grid
    sparse : simulate quiet input edges of every state at the middle slew alone
    fastest : delay and transition of the fastest state instead of the slowest
    """
    cell = bench.cell
    pulses = Pulses(bench, float(loads_f[-1]), slew_limit_s)
    middle = (middle_slew_s(slews_s), middle_load_f)
    small = float(loads_f[0])
    arcs: list[dict[str, Any]] = []
    quiet: dict[str, dict[str, list[float]]] = {}
    charge: dict[str, dict[str, list[float]]] = {
        pin: {"rise": [], "fall": []} for pin in cell.inputs
    }
    for pin in cell.inputs:
        active: dict[tuple[str, bool], list[tuple[dict[str, int], tuple[Edge, Edge]]]] = {}
        still: list[dict[str, int]] = []
        for side in cell.states(pin):
            toggles = [
                out
                for out in cell.outputs
                if cell.value(out, {**side, pin: 0}) != cell.value(out, {**side, pin: 1})
            ]
            if not toggles:
                still.append(side)
            for out in toggles:
                loads = dict.fromkeys(cell.outputs, small) | {out: middle[1]}
                edges = pulses.pulse(pin, side, middle[0], loads)
                active.setdefault((out, edges[0].output_rises[out]), []).append((side, edges))
                for edge in edges:
                    charge[pin]["rise" if edge.input_rises else "fall"].append(edge.pin_charge_c)
        for (out, positive), seen in active.items():
            arcs.append(_arc(pulses, pin, out, positive, seen, slews_s, loads_f, fastest))
        if still:
            quiet[pin] = _quiet(pulses, pin, still, slews_s, small, sparse)
    return {
        "arcs": arcs,
        "quiet_energy_j": quiet,
        "capacitance_f": {
            pin: {
                edge: float(np.mean(np.abs(values))) / bench.corner.supply_v
                for edge, values in edges.items()
            }
            for pin, edges in charge.items()
        },
    }


def _arc(
    pulses: Pulses,
    pin: str,
    out: str,
    positive: bool,
    seen: list[tuple[dict[str, int], tuple[Edge, Edge]]],
    slews_s: np.ndarray,
    loads_f: np.ndarray,
    fastest: bool,
) -> dict[str, Any]:
    supply_v = pulses.bench.corner.supply_v
    outputs = pulses.bench.cell.outputs
    edge_of = {"rise": 0 if positive else 1, "fall": 1 if positive else 0}  # output edge -> index
    tables: dict[str, Any] = {}
    shape = (len(slews_s), len(loads_f))
    extreme = min if fastest else max

    def delay_s(number: int, edge: int) -> float:
        return seen[number][1][edge].delay_s[out]

    worst = {
        name: extreme(range(len(seen)), key=partial(delay_s, edge=edge))
        for name, edge in edge_of.items()
    }
    for index in sorted(set(worst.values())):
        side = seen[index][0]
        names = [name for name in worst if worst[name] == index]
        for name in names:
            for quantity in ("delay_s", "transition_s", "energy_j"):
                tables[f"{name}_{quantity}"] = np.empty(shape)
        for i, slew in enumerate(slews_s):
            for j, load in enumerate(loads_f):
                loads = dict.fromkeys(outputs, float(loads_f[0])) | {out: float(load)}
                edges = pulses.pulse(pin, side, float(slew), loads)
                for name in names:
                    moved = edges[edge_of[name]]
                    tables[f"{name}_delay_s"][i, j] = moved.delay_s[out]
                    tables[f"{name}_transition_s"][i, j] = moved.transition_s[out]
                    tables[f"{name}_energy_j"][i, j] = moved.energy_j - _stored_j(
                        moved, loads, supply_v
                    )
    for name, edge in edge_of.items():
        each = [edges[edge].energy_j for _, edges in seen]
        tables[f"{name}_energy_j"] += np.mean(each) - each[worst[name]]
    return {
        "pin": pin,
        "output": out,
        "sense": "positive_unate" if positive else "negative_unate",
        "side": {name: seen[index][0] for name, index in worst.items()},
        "worst": worst,  # index of that state in the two lists below
        "energies_j": [[edge.energy_j for edge in edges] for _, edges in seen],
        "others": [sorted(set(edges[0].output_rises) - {out}) for _, edges in seen],
        **{key: value.tolist() for key, value in tables.items()},
    }


def _stored_j(edge: Edge, loads_f: dict[str, float], supply_v: float) -> float:
    """What the loads of rising outputs take from the supply: C V² [J]; it is switching energy."""
    return sum(loads_f[out] * supply_v**2 for out, up in edge.output_rises.items() if up)


def _quiet(
    pulses: Pulses,
    pin: str,
    still: list[dict[str, int]],
    slews_s: np.ndarray,
    load_f: float,
    sparse: bool,
) -> dict[str, list[float]]:
    """Mean supply energy of an input edge that no output follows, at a few slews.

    Of a sparse grid, the change from the middle slew to the others is that of the state whose
    energies are nearest to the mean.
    """
    loads = dict.fromkeys(pulses.bench.cell.outputs, load_f)
    chosen = [float(slews_s[0]), middle_slew_s(slews_s), float(slews_s[-1])]

    def energies_j(slew_s: float, sides: list[dict[str, int]]) -> np.ndarray:
        """[states, edges]"""
        pulsed = [pulses.pulse(pin, side, slew_s, loads) for side in sides]
        return np.array([[edge.energy_j for edge in edges] for edges in pulsed])

    if sparse:
        middle_j = energies_j(chosen[1], still)
        mean_j = middle_j.mean(axis=0)
        usual = int(np.abs(middle_j - mean_j).sum(axis=1).argmin())
        change_j = [
            energies_j(slew, [still[usual]])[0] - middle_j[usual] for slew in (chosen[0], chosen[2])
        ]
        means = [mean_j + change_j[0], mean_j, mean_j + change_j[1]]
    else:
        means = [energies_j(slew, still).mean(axis=0) for slew in chosen]
    return {
        "slew_s": chosen,
        "rise": [float(mean[0]) for mean in means],
        "fall": [float(mean[1]) for mean in means],
    }
