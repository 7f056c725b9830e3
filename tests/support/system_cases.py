"""A measured block and packages that the tests of chipdse.system share."""

from __future__ import annotations

from chipdse.records import BlockMetrics


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
