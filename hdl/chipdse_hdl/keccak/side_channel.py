"""One operation of `keccak` for tests of side channels: a message of less than a word."""

from __future__ import annotations

from chipdse_hdl.keccak.parameters import KeccakParameters
from chipdse_hdl.side_channel import NOTHING, Operation


def operation(p: KeccakParameters) -> Operation:
    """The data is a word, all bytes of which but the last are the message.

    The operation ends with the first word of the digest, which is the only one taken.
    """
    wait = p.permutation_cycles + p.input_buffer
    shown = [NOTHING, 0, *[NOTHING] * (wait + 1)]
    accepted = [int(start != NOTHING) for start in shown]
    size = p.bus_bits // 8
    controls = {
        "rst": [1, *(0 for _ in shown[1:])],
        "in_valid": accepted,
        "in_last": accepted,
        "in_bytes": [size - 1] * len(shown),
        "out_ready": [1] * len(shown),
        "out_last": [1] * len(shown),
    }
    widths = {name: 1 for name in controls}
    return Operation(
        controls=controls,
        data={"in_data": shown},
        widths=widths | {"in_bytes": (size - 1).bit_length(), "in_data": p.bus_bits},
        data_bits=p.bus_bits,
        shares=p.shares,
        random_bits=p.random_bits,
    )
