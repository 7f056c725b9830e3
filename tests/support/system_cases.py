"""A measured block, and layers of a stack, that the tests of chipdse.system share."""

from __future__ import annotations

from collections.abc import Sequence

from chipdse.records import BlockMetrics
from chipdse.system.thermal.stack import Layer, Material, Rectangle, centred

SILICON = Material(name="silicon", conductivity_w_per_mk=130.0, heat_capacity_j_per_m3k=1.63e6)
COPPER = Material(name="copper", conductivity_w_per_mk=400.0, heat_capacity_j_per_m3k=3.55e6)
GREASE = Material(name="grease", conductivity_w_per_mk=4.0, heat_capacity_j_per_m3k=4e6)


def block(**changes):
    """0.02 mm² on 130 nm that does a billion operations per second."""
    values = {
        "area_m2": 0.02e-6,
        "dynamic_power_w": 2e-3,
        "leakage_power_w": 1e-5,
        "temperature_c": 25.0,
        "throughput_ops_per_s": 1e9,
        "io_bits_per_op": 0.5,
        "node_nm": 130.0,
    }
    return BlockMetrics(**(values | changes))


def layer(
    name: str,
    thickness: float,
    side: float,
    material: Material = SILICON,
    sources: Sequence[Rectangle] = (),
    **more,
):
    """A square layer, its sources on it."""
    return Layer(
        name=name,
        thickness_m=thickness,
        outline=centred(name, side, side),
        material=material,
        sources=tuple(sources),
        **more,
    )
