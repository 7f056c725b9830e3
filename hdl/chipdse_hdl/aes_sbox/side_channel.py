"""One operation of `aes_sbox` for tests of side channels: one word in an empty pipeline."""

from __future__ import annotations

from chipdse_hdl.aes_sbox.parameters import AesSboxParameters
from chipdse_hdl.side_channel import NOTHING, Operation


def operation(p: AesSboxParameters) -> Operation:
    """Text and key are the data; the operation ends in the cycle of the result."""
    bits, wait = 8 * p.bytes, [NOTHING] * p.latency_cycles
    return Operation(
        controls={"rst": [1, 0, *(0 for _ in wait)], "valid": [0, 1, *(0 for _ in wait)]},
        data={"text": [NOTHING, 0, *wait], "key": [NOTHING, bits, *wait]},
        widths={"rst": 1, "valid": 1, "text": bits, "key": bits},
        data_bits=2 * bits,
        shares=p.shares,
        random_bits=p.random_bits,
    )
