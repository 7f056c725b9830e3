"""How fast the effect of a transistor's threshold voltage grows, of the arcs of gates.

Near threshold a current is exponential in the threshold voltage, so a delay is a constant plus
`A exp(b z)` of each transistor that carries the edge, where z counts standard deviations. Two in
series have exponents of their own bias, and a part of the delay each. `mismatch.py` measures the
slope `A b` by one small shift; here two large shifts, weaker and stronger, give `b`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.netlist.library.mismatch import excess, mean_shift, skewness

from .deck import SUPPLY_NETS
from .layout import CellLayout, Device
from .mismatch import NEGLIGIBLE, POINTS, SCREEN, SHIFT, Setting, cell_settings, deviation
from .run import Characteriser

# Standard deviations of the threshold voltage by which a transistor is shifted, both ways: with
# oxide thickness and offset voltage, one to one and a half deviations of its current.
SHIFTS = 2.0
SMALLEST = 1e-3  # exponent of a transistor whose effect does not grow


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What the transistors of a kind do together in one arc.

    linear : variance at small shifts by all parameters, over that which `mismatch.py` measures
    squared : variance of the logarithm of a current with the same excess of variance
    count : mean less median delay over that of one transistor with the same variance
    tail : skewness of the delay over that of one transistor with the same excess
    """

    linear: float
    squared: float
    count: float
    tail: float


def together(
    transistors: list[list[Any]], kind: str, spread_of: Callable[[float, float], float]
) -> Growth | None:
    """The transistors of one kind in an arc; None where they decide nothing.

    Parameters
    ----------
    spread_of : spread of a current by all parameters, from the width of its transistor [m] and the
        spread by the threshold voltage
    """
    rows = [
        (width_m, weaker, stronger)
        for its, width_m, weaker, stronger in transistors
        if its == kind and weaker > NEGLIGIBLE and stronger < 0
    ]
    if not rows:
        return None
    widths, weaker, stronger = (np.array(column) for column in zip(*rows, strict=True))
    exponent = np.maximum(np.log(weaker / -stronger) / SHIFTS, SMALLEST)
    part = weaker / np.expm1(SHIFTS * exponent)  # of the delay
    spread = np.array(list(map(spread_of, widths.tolist(), exponent.tolist())))
    slope = part * spread
    measured = part * np.expm1(SHIFT * exponent) / SHIFT
    variance = np.square(slope)
    ratio = float((variance * excess(np.square(spread))).sum() / variance.sum())
    squared = _with_excess(ratio)
    deviation_of_sum = np.sqrt(variance.sum() * ratio)
    shift = float((part * np.expm1(np.square(spread) / 2)).sum())
    alone = np.array([np.sqrt(squared)])
    cumulant = (variance * excess(np.square(spread))) ** 1.5 * skewness(spread)
    return Growth(
        linear=float(variance.sum() / np.square(measured).sum()),
        squared=squared,
        count=float(shift / (deviation_of_sum * mean_shift(alone)[0])),
        tail=float(cumulant.sum() / (deviation_of_sum**3 * skewness(alone)[0])),
    )


def _with_excess(ratio: float) -> float:
    """The variance of a logarithm whose `excess` is this."""
    low, high = 1e-6, 9.0
    for _ in range(60):
        half = (low + high) / 2
        low, high = (half, high) if float(excess(np.array([half]))[0]) < ratio else (low, half)
    return low


def growth(
    characteriser: Characteriser, name: str, process: str, point: tuple[float, float]
) -> list[dict[str, Any]]:
    """The transistors that decide the delay of each arc of a gate, at one slew and load.

    Returns for each arc its pin, output and edges, and `transistors`: kind, width [m], and what a
    weaker and a stronger threshold voltage add to the delay, over the delay. Storing cells have
    none.
    """
    bench, slews, loads, settings = cell_settings(characteriser, name, process, point)
    row, column = POINTS[SCREEN]
    place = float(slews[row]), float(loads[column])
    return list(
        itertools.chain.from_iterable(
            _arcs(bench.simulator, characteriser.layouts[name], setting, place)
            for setting in settings
            if setting.side is not None
        )
    )


def _arcs(
    simulator: Any, layout: CellLayout, setting: Setting, place: tuple[float, float]
) -> list[dict[str, Any]]:
    base = setting.measure(*place)[:, 0]
    arcs: list[dict[str, Any]] = [
        {
            "pin": setting.pin,
            "output": setting.output,
            "input_rises": input_rises,
            "rises": rises,
            "transistors": [],
        }
        for input_rises, rises in setting.edges
    ]
    numbers = set().union(
        *(carriers(layout.devices, setting, input_rises) for input_rises, _ in setting.edges)
    )
    for number in sorted(numbers):
        device = layout.devices[number]
        # A p transistor's threshold voltage is negative: less is weaker.
        weaker_v = SHIFTS * deviation(device, "vth0") * (1 if device.kind == "n" else -1)
        effects = []
        for shift_v in (weaker_v, -weaker_v):
            simulator.command(f"alter @m{number}[delvto] = {shift_v:.9e}")
            effects.append(setting.measure(*place)[:, 0] / base - 1)
            if (np.abs(effects[0]) < NEGLIGIBLE).all():
                break
        simulator.command(f"alter @m{number}[delvto] = 0")
        if len(effects) < 2:
            continue
        for arc, weaker, stronger in zip(arcs, *effects, strict=True):
            arc["transistors"].append([device.kind, device.width_m, float(weaker), float(stronger)])
    return arcs


def carriers(devices: tuple[Device, ...], setting: Setting, input_rises: bool) -> set[int]:
    """Numbers of the transistors that conduct after an input edge, to nets that it changes."""
    assert setting.side is not None
    before, after = (
        levels(devices, {**setting.side, setting.pin: level})
        for level in ((0, 1) if input_rises else (1, 0))
    )
    on = {number for number, device in enumerate(devices) if _conducts(device, after)}
    reached = {name for name in after if before.get(name) != after[name]}
    carrying: set[int] = set()
    while True:
        grown = {
            number
            for number in on - carrying
            if {devices[number].drain, devices[number].source} & reached
        }
        if not grown:
            return carrying
        carrying |= grown
        ends = {end for number in grown for end in (devices[number].drain, devices[number].source)}
        reached |= ends - SUPPLY_NETS.keys() - {setting.pin, *setting.side}


def levels(devices: tuple[Device, ...], inputs: dict[str, int]) -> dict[str, int]:
    """The nets of a gate that transistors connect to a supply, directly or in series."""
    known = {"VPWR": 1, "VGND": 0, **inputs}
    grown = True
    while grown:
        grown = False
        for device in devices:
            for first, other in (
                (device.drain, device.source),
                (device.source, device.drain),
            ):
                if _conducts(device, known) and first in known and other not in known:
                    known[other] = known[first]
                    grown = True
    return known


def _conducts(device: Device, known: dict[str, int]) -> bool:
    return known.get(device.gate) == (1 if device.kind == "n" else 0)
