"""The SPICE deck of one cell: its transistors and wires, a source an input, a load an output."""

from __future__ import annotations

from collections.abc import Callable

from .layout import CellLayout

# trtol=1: with the default of 7, edges much shorter than a slow input ramp come out 10 to 40 %
# long.
OPTIONS = (
    ".options gmin={gmin:g} abstol={abstol:g} chgtol=1e-18 vntol=1e-6 reltol=1e-3"
    " method=trap trtol=1 noacct"
)


SUPPLY_NETS = {"VPWR": "vpwr", "VGND": "0", "VPB": "vpwr", "VNB": "0"}


def deck(
    layout: CellLayout,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    model_card: Callable[[str, str, float, float], str],
    supply_v: float,
    temperature_c: float,
    stress_inset_m: float,
    gmin: float = 1e-15,
    nodes_v: dict[str, float] | None = None,
    *,
    held: bool = False,
) -> str:
    """Sources are `v_<pin>` (lower case) and `v_supply`, loads `c_<pin>`; nets are lower case.

    `nodes_v` guesses the internal voltages of the first operating point.
    `stress_inset_m` is taken off the drawn distance from gate to diffusion edge.
    `model_card(name, kind, width_m, length_m)` gives the flat model of one size.
    """
    lines = [
        f"* {layout.name}",
        OPTIONS.format(gmin=gmin, abstol=min(1e-14, 10 * gmin)),
        f".temp {temperature_c:g}",
    ]
    models: dict[tuple[str, int, int], str] = {}
    for index, d in enumerate(layout.devices):
        size = (d.kind, round(d.width_m * 1e9), round(d.length_m * 1e9))
        if size not in models:
            models[size] = f"{d.kind}_{size[1]}_{size[2]}"
            lines += model_card(models[size], d.kind, d.width_m, d.length_m).splitlines()
        bulk = "vpwr" if d.kind == "p" else "0"
        lines.append(
            f"m{index} {net(d.drain)} {net(d.gate)} {net(d.source)} {bulk} {models[size]}"
            f" w={d.width_m:.6e} l={d.length_m:.6e} m={d.count}"
            f" ad={d.area_drain_m2:.6e} as={d.area_source_m2:.6e}"
            f" pd={d.perimeter_drain_m:.6e} ps={d.perimeter_source_m:.6e}"
            f" sa={d.stress_source_m - stress_inset_m:.6e}"
            f" sb={d.stress_drain_m - stress_inset_m:.6e}"
            f" nrd={d.contact_drain_ohm:.6g} nrs={d.contact_source_ohm:.6g}"
        )
    for index, ((one, other), value) in enumerate(sorted(layout.wire_f.items())):
        lines.append(f"cw{index} {net(one)} {net(other)} {value:.6e}")
    for pin in inputs:
        lines.append(f"v_{net(pin)} {net(pin)} 0 dc 0 pwl(0 0 1 0)")
    lines.append(f"v_supply vpwr 0 dc {supply_v:g}")
    for pin in outputs:
        lines.append(f"c_{net(pin)} {net(pin)} 0 1e-15")
    for name, value_v in (nodes_v or {}).items():
        lines.append(f".nodeset v({name})={value_v:.6e}")
        if held:  # `.nodeset` only guides the first point of a transient, `.ic` holds it
            lines.append(f".ic v({name})={value_v:.6e}")
    return "\n".join([*lines, ".end"])


def net(name: str) -> str:
    """A net's name in the deck."""
    return SUPPLY_NETS.get(name, name.lower())
