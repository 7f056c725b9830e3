"""One operation of `ascon` for tests of side channels: a message of less than a word."""

from __future__ import annotations

from chipdse_hdl.ascon.parameters import AsconParameters
from chipdse_hdl.side_channel import NOTHING, Operation


def operation(p: AsconParameters) -> Operation:
    """AEAD: key, nonce and 15 bytes of text are the data; hash: 7 bytes of message.

    The last byte of the last word is data, too, though it does not count. The operation ends
    after the permutation that gives the tag, or the first word of the digest.
    """
    bits, size = 8 * p.block_bytes, p.block_bytes
    wait = [NOTHING] * p.long_cycles
    starts = [0, *wait] if p.hashes else [0, bits, *wait, 2 * bits, *wait]
    shown = [NOTHING, *starts, NOTHING]
    last = max(shown)
    # A nonce that is marked as the last word has no associated data behind it.
    ends = {last} if p.hashes else {bits, last}
    controls = {
        "rst": [1, *(0 for _ in shown[1:])],
        "in_valid": [int(start != NOTHING) for start in shown],
        "in_last": [int(start in ends) for start in shown],
        "in_bytes": [size - 1] * len(shown),
    }
    if p.function == "both":
        controls["decrypt"] = [0] * len(shown)
    widths = {name: 1 for name in controls}
    return Operation(
        controls=controls,
        data={"in_data": shown},
        widths=widths | {"in_bytes": (size - 1).bit_length(), "in_data": bits},
        data_bits=last + bits,
        shares=p.shares,
        random_bits=p.random_bits,
    )
