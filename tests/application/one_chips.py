"""A chip with round figures, for the tests of what is shown of one chip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chipdse_hdl.mac_array import BLOCK, MacArrayParameters

from chipdse.api.chip import Chips
from chipdse.application.dies import DieSetting
from chipdse.application.files.chip_file import Application, DramChoices, Memories
from chipdse.application.files.dies import DieChoice, Layout, PartTraffic
from chipdse.application.files.work import Work
from chipdse.application.inside.one_chip import OneChip
from chipdse.application.layers import Layer, Network
from chipdse.application.measured import MeasuredPart, PartPoint
from chipdse.application.memories import dram, sram_buffer
from chipdse.application.parts import contract_of
from chipdse.system.parameters import PackageParameters
from chipdse.technology.constants import Sources


def same_chip(row: Mapping[str, Any], chips: Chips) -> dict[str, Any]:
    """The chip of `chipdse chip` that a point of a study of the same file is."""
    (same,) = (
        chip
        for chip in map(chips.row, range(len(chips.table)))
        if chip["parts"]["array"]["columns"] == row["array_columns"]
        and chip["parts"]["array"]["count"] == row["array_count"]
        and chip["buffer_bytes"] >= row["buffer_bytes"] > chip["buffer_bytes"] / 2
    )
    return same


LAYERS = (
    Layer(name="first", kind="gemm", m=64, n=48, k=80),
    Layer(name="second", kind="gemm", m=1, n=10, k=640),
)

LARGE = Layer(name="large", kind="gemm", m=500, n=500, k=20)
"""With 5,000 copies of the array its results do not fit into the buffer."""


def part_point(
    rows: int, vdd_v: float, *, contract: bool = True, late: bool = False, **settings: Any
) -> PartPoint:
    """A MAC per multiplier and cycle; clock and power grow with the supply, 1 mW of leakage."""
    clock_hz = 1e8 * (vdd_v - 0.8)
    return PartPoint(
        settings={"rows": rows, "vdd_v": vdd_v, **settings},
        metrics={
            "block_power_w": 1e-3 + 1e-3 * rows * vdd_v**2 * (vdd_v - 0.8),
            "block_leakage_power_w": 1e-3,
            "block_throughput_ops_per_s": rows * 8 * clock_hz,
            "clock_frequency_hz": clock_hz,
            "block_area_m2": rows * 1e-8,
            "block_core_area_m2": 0.0,
            "vdd_v": vdd_v,
            "timing_slack_s": -1e-9 if late else 0.0,
            "critical_path_s": 1e-8,
            "library_temperature_c": 25.0,
        },
        contract=contract_of(BLOCK, MacArrayParameters(rows=rows, columns=8)) if contract else None,
    )


ARRAY = MeasuredPart(
    name="array",
    counts=(1, 4),
    points=(
        part_point(8, 1.8),
        part_point(4, 1.8),
        part_point(8, 1.4),
        part_point(8, 1.6),
        part_point(8, 1.2, late=True),
        part_point(8, 1.7, clock_frac=0.5),
    ),
)
CONTROL = MeasuredPart(name="control", counts=(1,), points=(part_point(1, 1.5, contract=False),))


def make_chip(
    *,
    layers: tuple[Layer, ...] = LAYERS,
    copies: int = 4,
    operations: dict[str, float] | None = None,
    buffer_bytes: int | None = 16384,
    kind: str | None = "hbm2e",
    supplies: int = 6,
    dies: dict[str, Any] | None = None,
    traffic: float = 0.0,
    **package: Any,
) -> OneChip:
    """Copies of an array of 8 x 8 at 1.8 V, a control part if it has operations, and memories.

    Parameters
    ----------
    dies : of parts and memories, by name, and numbers of dies where there are several of a kind:
        ``{"array": "compute", "buffer": "host", "main": "host", "compute": 4}``
    traffic : between the array and the control part [bits per task]
    """
    array = MeasuredPart(name="array", counts=(1, 4), points=ARRAY.points[:supplies])
    parts = (array, CONTROL) if operations else (array,)
    network = Network(name="net", layers=layers) if layers else None
    stated = None
    if kind is not None:
        stated = DramChoices(
            kinds=(kind,), units=(1,), energy_j_per_bit=None, bandwidth_bits_per_s=None, idle_w=None
        )
    setting = None
    if dies is not None:
        setting = die_setting_of(dies, buffer_bytes is not None, network is not None, traffic)
    total = 1 if setting is None else setting.layout.total
    return OneChip(
        parts=parts,
        point={part.name: 0 for part in parts},
        count={part.name: copies if part is array else 1 for part in parts},
        buffer=None if buffer_bytes is None else sram_buffer(buffer_bytes, "ihp_1p"),
        outer=None if kind is None else dram(kind),
        application=Application(network=network, work=Work(operations=operations or {})),
        memories=Memories(
            buffer_bytes=() if buffer_bytes is None else (buffer_bytes,),
            dram=stated,
            names=("buffer", "main"),
        ),
        package=PackageParameters(chiplets=total, tiles=total, **package),
        node_nm=130.0,
        sources=Sources(),
        dies=setting,
    )


def die_setting_of(
    dies: dict[str, Any], buffer: bool = True, network: bool = True, traffic: float = 0.0
) -> DieSetting:
    """Dies of 130 nm; see `make_chip`."""
    places = {name: die for name, die in dies.items() if isinstance(die, str)}
    names = list(dict.fromkeys(places.values()))
    between = (PartTraffic(ends=("array", "control"), bits=traffic),) if traffic else ()
    layout = Layout(
        dies=tuple(DieChoice(name=name, count=dies.get(name, 1)) for name in names),
        places=places,
        traffic=between,
    )
    memories = ("buffer" if buffer else "", "main" if "main" in places else "")
    carrier = "array" if network else None
    return DieSetting(
        layout=layout,
        flows=layout.flows(carrier, *memories),
        carrier=carrier,
        buffer=memories[0],
        node_nm=(130.0,) * len(names),
        moved=(False,) * len(names),
    )
