"""Mismatch of one cell: how its delays and transitions follow each transistor's threshold voltage.

The wheel gives every transistor a standard deviation of threshold voltage, of oxide thickness and
of the offset voltage below threshold: a slope over the square root of its gate area. A delay's
standard deviation is the root of the sum of squares of what each transistor does. All transistors
are shifted one after the other in threshold voltage; what oxide thickness and offset voltage add
is measured on the inverter at each corner (`Shares`), in units of the threshold voltage's part.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from chipdse.characterise.bench import RAMP_PER_SLEW, Bench
from chipdse.characterise.combinational import Pulses, middle_slew_s
from chipdse.characterise.ngspice import SimulationError
from chipdse.characterise.sequential import Store

from . import settings
from .inputs import size_key
from .layout import Device
from .run import Characteriser

KINDS = ("n", "p")
# Which slews and loads of the seven: a fast slew at a small and a large load, a slow slew.
POINTS = ((1, 1), (1, 4), (4, 1))
# Shift of the threshold voltage [V] over the standard deviation of the inverter's: delays change
# by a few per cent, more than the simulator's steps and less than what is not linear.
SHIFT = 0.5
SCREEN = 1  # a transistor of no effect at this point is not tried at the others
NEGLIGIBLE = 0.03  # of the largest effect
STEPS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # deviations at which an effect is not exponential
_MICRON = 1e6

# From the wheel (`*__mismatch.corner.spice`, Apache-2.0): standard deviation of a transistor of
# one square micron; vth0 and voff [V], toxe as a fraction. The same in tt, ss and ff.
SLOPES = {
    "n": {"vth0": 3.356e-3, "toxe": 3.443e-3, "voff": 7.0e-3},
    "p": {"vth0": 5.50e-3, "toxe": 5.00e-3, "voff": 10.0e-3},
}


def deviation(device: Device, parameter: str) -> float:
    """Standard deviation of a parameter of a transistor: [V], or a fraction for toxe."""
    area_um2 = device.width_m * device.length_m * device.count * _MICRON**2
    return SLOPES[device.kind][parameter] / math.sqrt(area_um2)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A cell on the bench in one state, one of its inputs driven.

    edges : of the output: whether the input rises, whether the output rises
    side : levels of the other inputs of a combinational cell; None for a storing one
    measure : from slew [s] and load [F] to delay and transition [s] of each edge [edges, 2]
    """

    pin: str
    output: str
    edges: tuple[tuple[bool, bool], ...]
    side: dict[str, int] | None
    measure: Callable[[float, float], np.ndarray]


def arcs(
    characteriser: Characteriser, name: str, process: str, point: tuple[float, float]
) -> dict[str, Any]:
    """Mismatch of every arc of a cell at a supply [V] and temperature [°C].

    Returns slews and loads of `POINTS`, and of each arc its delays and transitions there with
    `gram_s2`: for n and p transistors the sums over transistors of products of what one standard
    deviation of threshold voltage does to these six numbers.
    """
    bench, slews, loads, results = cell_settings(characteriser, name, process, point)
    places = [(float(slews[row]), float(loads[column])) for row, column in POINTS]
    devices = characteriser.layouts[name].devices
    return {
        "fo4_s": bench.corner.fo4_s,
        "points": places,
        "arcs": [arc for setting in results for arc in _arcs(bench, devices, setting, places)],
    }


def cell_settings(
    characteriser: Characteriser, name: str, process: str, point: tuple[float, float]
) -> tuple[Bench, np.ndarray, np.ndarray, Iterator[Setting]]:
    """A cell on the bench, the slews [s] and loads [F] of its tables, and its arcs in turn."""
    corner = characteriser.corner(process, *point)
    slews = settings.SLEWS_S * (corner.fo4_s / characteriser.nominal().fo4_s)
    loads = settings.loads_f(characteriser.largest_load_f(name))
    bench = characteriser.bench(name, corner, settings.TIMING_MODELS[process])
    fastest = process in settings.FASTEST_STATE
    arcs_of_cell = (
        _gate_settings(bench, slews, loads, fastest)
        if bench.cell.sequential is None
        else _clocked_settings(bench, slews, loads)
    )
    return bench, slews, loads, arcs_of_cell


def _arcs(
    bench: Bench, devices: tuple[Device, ...], setting: Setting, places: list[tuple[float, float]]
) -> Iterator[dict[str, Any]]:
    base = np.array([setting.measure(*place) for place in places])  # [places, edges, 2]
    changes = {kind: [np.zeros_like(base)] for kind in KINDS}
    order = sorted(range(len(places)), key=lambda place: place != SCREEN)
    largest = 0.0
    for number, device in enumerate(devices):
        shift_v = SHIFT * deviation(device, "vth0")
        # A p transistor's threshold voltage is negative: less is weaker.
        with_sign = shift_v if device.kind == "n" else -shift_v
        bench.simulator.command(f"alter @m{number}[delvto] = {with_sign:.9e}")
        change = np.zeros_like(base)
        for place in order:
            change[place] = (setting.measure(*places[place]) - base[place]) / SHIFT
            effect = float(np.abs(change[place] / base[place]).max())
            largest = max(largest, effect)
            if place == SCREEN and effect < NEGLIGIBLE * largest:
                break
        bench.simulator.command(f"alter @m{number}[delvto] = 0")
        changes[device.kind].append(change)
    for number, (input_rises, rises) in enumerate(setting.edges):
        flat = {
            kind: np.array([change[:, number].T.ravel() for change in changes[kind]])
            for kind in KINDS
        }
        yield {
            "pin": setting.pin,
            "output": setting.output,
            "input_rises": input_rises,
            "rises": rises,
            "delays_s": base[:, number, 0].tolist(),
            "transitions_s": base[:, number, 1].tolist(),
            "gram_s2": {kind: (flat[kind].T @ flat[kind]).tolist() for kind in KINDS},
        }


def _gate_settings(
    bench: Bench, slews: np.ndarray, loads: np.ndarray, fastest: bool
) -> Iterator[Setting]:
    """Arcs of a combinational cell, each in the state that its table is of."""
    cell = bench.cell
    pulses = Pulses(bench, float(loads[-1]), float(slews[-1]))

    def loads_f(output: str, load_f: float) -> dict[str, float]:
        return dict.fromkeys(cell.outputs, float(loads[0])) | {output: load_f}

    for pin, output in itertools.product(cell.inputs, cell.outputs):
        seen: dict[tuple[bool, bool], list[tuple[float, int]]] = {}
        sides = cell.states(pin)
        for number, side in enumerate(sides):
            if cell.value(output, {**side, pin: 0}) == cell.value(output, {**side, pin: 1}):
                continue
            middle = loads_f(output, float(loads[settings.MIDDLE_LOAD]))
            for edge in pulses.pulse(pin, side, middle_slew_s(slews), middle):
                key = (edge.input_rises, edge.output_rises[output])
                seen.setdefault(key, []).append((edge.delay_s[output], number))
        chosen: dict[int, list[tuple[bool, bool]]] = {}
        for key, states in seen.items():
            chosen.setdefault((min if fastest else max)(states)[1], []).append(key)
        for number, keys in chosen.items():

            def measure(
                slew_s: float,
                load_f: float,
                pin: str = pin,
                side: dict[str, int] = sides[number],
                output: str = output,
                keys: tuple[tuple[bool, bool], ...] = tuple(keys),
            ) -> np.ndarray:
                edges = pulses.pulse(pin, side, slew_s, loads_f(output, load_f))
                return np.array(
                    [
                        (edge.delay_s[output], edge.transition_s[output])
                        for edge in (edges[0 if input_rises else 1] for input_rises, _ in keys)
                    ]
                )

            yield Setting(
                pin=pin, output=output, edges=tuple(keys), side=sides[number], measure=measure
            )


def _clocked_settings(bench: Bench, slews: np.ndarray, loads: np.ndarray) -> Iterator[Setting]:
    """Clock to output of a storing cell, and data to output of a latch."""
    store = Store(bench, float(loads[-1]), float(slews[-1]))
    rule = store.rule
    for rises in (True, False):
        if rule.kind == "clock_gate":
            levels, stored = {**store.idle, rule.clock: int(not rises), rule.data: 1}, 1
            yield _clocked_setting(store, rule.clock, levels, stored, (rises, rises))
            continue
        levels, stored = {**store.idle, rule.clock: 0, rule.data: int(rises)}, int(not rises)
        yield _clocked_setting(store, rule.clock, levels, stored, (True, rises))
        if rule.kind == "latch":
            levels = {**store.idle, rule.clock: 1, rule.data: int(not rises)}
            yield _clocked_setting(store, rule.data, levels, stored, (rises, rises))


def _clocked_setting(
    store: Store, pin: str, levels: dict[str, int], stored: int, edge: tuple[bool, bool]
) -> Setting:
    store.enter(levels, stored)  # loads the circuit; shifts come after it

    def measure(slew_s: float, load_f: float) -> np.ndarray:
        window_s = store.window_s(slew_s, load_f)
        start_s = 0.02 * window_s
        drive = {pin: [(start_s, slew_s)]}
        waves = store.run(levels, stored, drive, start_s + window_s, load_f)
        results = store.edge(waves, edge[1], start_s)
        if results is None:
            raise SimulationError(f"{store.cell.name}: no edge of {store.output}")
        return np.array([(results[0] - start_s - slew_s * RAMP_PER_SLEW / 2, results[1])])

    return Setting(pin=pin, output=store.output, edges=(edge,), side=None, measure=measure)


def inverter(
    characteriser: Characteriser, process: str, point: tuple[float, float]
) -> dict[str, Any]:
    """The inverter's mismatch at a corner, of n transistors (its falling edge) and p (rising).

    Delays are exponential in threshold voltage near it, so every part is that of a delay's
    logarithm.

    Returns `fo4_s`, and by kind `deviation_s`: standard deviation of the delay by all three
    parameters; `relative`: that over the delay; `share`: over the threshold voltage's part;
    `spread`: of the logarithm of a delay that the transistor's current alone decides.
    """
    corner = characteriser.corner(process, *point)
    models = settings.TIMING_MODELS[process]
    bench = characteriser.bench("inv_1", corner, models)
    pulses = Pulses(bench, 150e-15, 20 * corner.fo4_s)
    devices = characteriser.layouts["inv_1"].devices
    results: dict[str, Any] = {"fo4_s": corner.fo4_s}
    # An edge as in a chain of inverters; a fast edge at a large load.
    places = ((corner.fo4_s, 8e-15), (corner.fo4_s / 8, 60e-15))

    def delays(kind: str) -> np.ndarray:
        edge = 0 if kind == "n" else 1  # n transistors: the output falls
        return np.array(
            [pulses.pulse("A", {}, slew, {"Y": load})[edge].delay_s["Y"] for slew, load in places]
        )

    for device in devices:
        kind, parts = device.kind, {}
        key = size_key(kind, device.width_m, device.length_m)
        base = delays(kind)
        for parameter in SLOPES[kind]:
            stated = float(_value(characteriser.models[models][key], parameter))
            step = SHIFT * deviation(device, parameter) * (stated if parameter == "toxe" else 1)
            # weaker: a p transistor's vth0 is negative
            value = stated - step if (kind, parameter) == ("p", "vth0") else stated + step
            model = f"{kind}_{key.split('_', 1)[1]}"
            bench.simulator.command(f"altermod {model} {parameter} = {value:.9e}")
            parts[parameter] = np.log(delays(kind) / base) / SHIFT
            bench.simulator.command(f"altermod {model} {parameter} = {stated:.9e}")
        total = np.sqrt(sum(part**2 for part in parts.values()))
        results[kind] = {
            "deviation_s": float(total[0] * base[0]),
            "relative": float(total[0]),
            "share": float(total[1] / abs(parts["vth0"][1])),
            "spread": float(total[1]),
        }
    return results


def narrow_share(
    characteriser: Characteriser, process: str, point: tuple[float, float]
) -> dict[str, float]:
    """What oxide thickness and offset voltage add to the mismatch of narrow p transistors.

    These have another model (bin), in which the offset voltage counts earlier, and the more the
    weaker the transistor is: at 0.6 V one deviation of it adds 46 % to a delay, two add 175 %.
    Spreads are those of log-normal currents with the same variance. The transistors are the two in
    series that make the output of `mux2_1` fall; narrow n ones are as the others.

    Returns `share`: spread by all parameters over that by the threshold voltage; `added`: root of
    the difference of their squares.
    """
    corner = characteriser.corner(process, *point)
    models = settings.TIMING_MODELS[process]
    bench = characteriser.bench("mux2_1", corner, models)
    pulses = Pulses(bench, 150e-15, 20 * corner.fo4_s)
    devices = characteriser.layouts["mux2_1"].devices
    narrow = min((d for d in devices if d.kind == "p"), key=lambda d: d.width_m)
    key = size_key("p", narrow.width_m, narrow.length_m)

    def delay_s() -> float:
        edges = pulses.pulse("A1", {"A0": 0, "S": 1}, corner.fo4_s, {"X": 3e-15})
        return edges[1].delay_s["X"]

    base_s, effects = delay_s(), {}
    for parameter in SLOPES["p"]:
        stated = float(_value(characteriser.models[models][key], parameter))
        unit = deviation(narrow, parameter) * (stated if parameter == "toxe" else 1)
        weaker = -unit if parameter == "vth0" else unit
        values = []
        for count in STEPS:
            bench.simulator.command(f"altermod {key} {parameter} = {stated + count * weaker:.9e}")
            values.append(delay_s() / base_s - 1)
        bench.simulator.command(f"altermod {key} {parameter} = {stated:.9e}")
        effects[parameter] = np.array(values)
    return narrow_spreads(effects)


def narrow_spreads(effects: dict[str, np.ndarray]) -> dict[str, float]:
    """`share` and `added` of `narrow_share`, from relative changes of a delay at `STEPS`."""
    by_voltage = effects["vth0"]
    exponent = math.log(by_voltage[-2] / -by_voltage[0]) / STEPS[-2]
    part = by_voltage[-2] / math.expm1(STEPS[-2] * exponent)  # of the delay, by these transistors
    total = matched_spread([np.log1p(each / part) for each in effects.values()])
    alone = matched_spread([np.log1p(by_voltage / part)])
    return {"share": total / alone, "added": math.sqrt(total**2 - alone**2)}


def matched_spread(logarithms: list[np.ndarray]) -> float:
    """Spread of the log-normal variable of median 1 with the variance of a product of factors.

    Parameters
    ----------
    logarithms : of each factor at `STEPS` deviations of its normal variable
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    weights = weights / weights.sum()
    first = second = 1.0
    for values in logarithms:
        factor = np.exp(CubicSpline(STEPS, values, bc_type="natural")(nodes))
        first *= float(weights @ factor)
        second *= float(weights @ factor**2)
    # exp(s²) (exp(s²) - 1) is the variance.
    grown = (1 + math.sqrt(1 + 4 * (second - first**2))) / 2
    return math.sqrt(math.log(grown))


def _value(card: str, parameter: str) -> str:
    match = re.search(rf"\b{parameter}\s*=\s*(\S+)", card)
    if match is None:
        raise ValueError(f"the model has no {parameter}")
    return match[1]
