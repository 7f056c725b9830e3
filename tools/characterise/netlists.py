"""The extracted cells as SPICE netlists and model files, as a user of a PDK has them.

`chipdse library characterise` reads them; its accuracy is measured with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from . import catalogue, inputs, settings
from .deck import SUPPLY_NETS
from .inputs import size_key
from .layout import CellLayout

SECTIONS = {"typical": ("tt", "tt_leak"), "slow": ("ss", "leak"), "fast": ("ff", "leak")}


def save(
    folder: Path,
    cells: Sequence[str],
    corners: Sequence[tuple[str, float, float]],
    slews: Sequence[str],
    template: Path,
    loads: int = 7,
) -> Path:
    """Write `cells.spice`, `models.spice` and `cells.toml`; the last one.

    Parameters
    ----------
    corners : process, supply voltage [V] and temperature [°C] of each
    template : a Liberty file with functions and areas
    """
    folder.mkdir(parents=True, exist_ok=True)
    layouts, models = inputs.load()
    texts = [_subcircuit(name, layouts[name]) for name in cells]
    (folder / "cells.spice").write_text("* sky130 cells from their layouts\n" + "".join(texts))
    sizes = {
        size_key(d.kind, d.width_m, d.length_m) for name in cells for d in layouts[name].devices
    }
    sections = []
    for name, cards in models.items():
        renamed = [cards[size].replace(" NAME ", f" {size} ", 1) for size in sorted(sizes)]
        sections.append("\n".join([f".lib {name}", *renamed, f".endl {name}\n"]))
    (folder / "models.spice").write_text("* sky130 models by size\n" + "".join(sections))
    lines = [
        'name = "sky130_again"',
        'netlists = ["cells.spice"]',
        f'template = "{template.absolute()}"',
        f"only = {_list(catalogue.cell(name).full_name for name in cells)}",
        'power = ["VPWR", "VPB"]',
        'ground = ["VGND", "VNB"]',
        "",
        "[grid]",
        f"slews = {_list(slews)}",
        f"load_count = {loads}",
    ]
    for process, supply_v, temperature_c in corners:
        timing, leakage = SECTIONS[process]
        lines += [
            "",
            "[[corners]]",
            f'process = "{process}"',
            f'supplies = ["{supply_v:g}V"]',
            f'temperatures = ["{temperature_c:g}C"]',
            f'models = [{{file = "models.spice", section = "{timing}"}}]',
            f'leakage_models = [{{file = "models.spice", section = "{leakage}"}}]',
        ]
    file = folder / "cells.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


def _subcircuit(name: str, layout: CellLayout) -> str:
    cell = catalogue.cell(name)
    ports = " ".join([*cell.inputs, *cell.outputs, *SUPPLY_NETS])
    lines = [f".subckt {cell.full_name} {ports}"]
    for number, d in enumerate(layout.devices):
        bulk = "VPB" if d.kind == "p" else "VNB"
        inset = settings.STRESS_INSET_M
        lines += [
            f"M{number} {d.drain} {d.gate} {d.source} {bulk} "
            f"{size_key(d.kind, d.width_m, d.length_m)}",
            f"+ w={d.width_m:.6e} l={d.length_m:.6e} m={d.count}"
            f" ad={d.area_drain_m2:.6e} as={d.area_source_m2:.6e}"
            f" pd={d.perimeter_drain_m:.6e} ps={d.perimeter_source_m:.6e}",
            f"+ sa={d.stress_source_m - inset:.6e} sb={d.stress_drain_m - inset:.6e}"
            f" nrd={d.contact_drain_ohm:.6g} nrs={d.contact_source_ohm:.6g}",
        ]
    for number, ((first, second), value) in enumerate(sorted(layout.wire_f.items())):
        lines.append(f"C{number} {first} {second} {value:.6e}")
    return "\n".join([*lines, f".ends {cell.full_name}\n"])
