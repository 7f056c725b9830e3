"""A few points through every stage after the tools, printed to the last bit: run as a program.

    python -m tests.support.portable.points STORE

Simulation and synthesis are in the store already; placement, wires, replay, glitches, timing, power
and the system models are computed here, in this process, from what they left.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from chipdse.design import (
    Design,
    LibraryChoice,
    OperatingPoint,
    PhysicalOptions,
    find_block,
    make_record,
)
from chipdse.evaluate import evaluate
from chipdse.store.store import Store
from chipdse.system.parameters import PackageParameters
from tests.support.portable import arrays

PACKAGES = (
    PackageParameters(),
    PackageParameters(arrangement="silicon_interposer", tiles=4000, chiplets=4),
)


def designs() -> list[Design]:
    """One small block at two supplies, of which one lies between characterised corners."""
    block = find_block("adder")
    design = Design(
        block=block,
        parameters=make_record(block.parameters, {"bits": 8}, "adder"),
        workload=make_record(block.workload, {"length": 64}, "adder"),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(wires="placed"),
    )
    points = (OperatingPoint(vdd_v=1.8), OperatingPoint(vdd_v=1.33, temperature_c=61.0))
    return [
        dataclasses.replace(design, operating=point, package=package)
        for point, package in zip(points, PACKAGES, strict=True)
    ]


def computed(store: Path) -> dict[str, str]:
    """Every figure of every point, as a hexadecimal floating-point number."""
    found: dict[str, str] = {}
    with arrays.quick_placement():
        for number, design in enumerate(designs()):
            for name, value in evaluate(design, Store(root=store)).flat().items():
                exact: Any = value.hex() if isinstance(value, float) else repr(value)
                found[f"{number}.{name}"] = exact
    return found | arrays.computed()


def main() -> None:
    store = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        # What tools made and nothing else: the rest is computed anew.
        for stage in ("elaborate", "simulate", "synthesise"):
            if (store / stage).is_dir():
                shutil.copytree(store / stage, Path(scratch) / "store" / stage)
        print(json.dumps(computed(Path(scratch) / "store")))


if __name__ == "__main__":
    main()
