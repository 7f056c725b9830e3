"""The circuit of one cell from its layout: transistors with stress and contacts, wires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chipdse.characterise.deck import OPTIONS as OPTIONS

from .layout import CellLayout

SUPPLY_NETS = {"VPWR": "vpwr", "VGND": "0", "VPB": "vpwr", "VNB": "0"}


@dataclass(frozen=True, kw_only=True)
class LayoutCircuit:
    """A cell's layout as a circuit.

    Parameters
    ----------
    model_card : gives the flat model of a size, from its name, kind, width and length [m]
    stress_inset_m : taken off the drawn distance from gate to diffusion edge
    """

    layout: CellLayout
    model_card: Callable[[str, str, float, float], str]
    stress_inset_m: float

    @property
    def title(self) -> str:
        return self.layout.name

    @property
    def nets(self) -> set[str]:
        return {net(n) for d in self.layout.devices for n in (d.drain, d.gate, d.source)}

    def lines(self) -> list[str]:
        lines: list[str] = []
        models: dict[tuple[str, int, int], str] = {}
        for index, d in enumerate(self.layout.devices):
            size = (d.kind, round(d.width_m * 1e9), round(d.length_m * 1e9))
            if size not in models:
                models[size] = f"{d.kind}_{size[1]}_{size[2]}"
                lines += self.model_card(models[size], d.kind, d.width_m, d.length_m).splitlines()
            bulk = "vpwr" if d.kind == "p" else "0"
            lines.append(
                f"m{index} {net(d.drain)} {net(d.gate)} {net(d.source)} {bulk} {models[size]}"
                f" w={d.width_m:.6e} l={d.length_m:.6e} m={d.count}"
                f" ad={d.area_drain_m2:.6e} as={d.area_source_m2:.6e}"
                f" pd={d.perimeter_drain_m:.6e} ps={d.perimeter_source_m:.6e}"
                f" sa={d.stress_source_m - self.stress_inset_m:.6e}"
                f" sb={d.stress_drain_m - self.stress_inset_m:.6e}"
                f" nrd={d.contact_drain_ohm:.6g} nrs={d.contact_source_ohm:.6g}"
            )
        for index, ((node, other), value) in enumerate(sorted(self.layout.wire_f.items())):
            lines.append(f"cw{index} {net(node)} {net(other)} {value:.6e}")
        return lines


def net(name: str) -> str:
    """A net's name in the deck."""
    return SUPPLY_NETS.get(name, name.lower())
