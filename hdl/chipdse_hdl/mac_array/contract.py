"""Contract of `mac_array`: what one tile of a layer costs."""

from __future__ import annotations

from chipdse_hdl.contract import ArrayContract
from chipdse_hdl.mac_array.parameters import MacArrayParameters


def contract(parameters: MacArrayParameters) -> ArrayContract:
    """What a mapper may rely on; the block's tests hold it against the RTL."""
    drain = 2 * parameters.columns - 1
    return ArrayContract(
        rows=parameters.rows,
        columns=parameters.columns,
        operand_bits=parameters.operand_bits,
        result_bits=parameters.accumulator_bits,
        extra_cycles=0 if parameters.overlapped_drain else drain - 1,
        least_cycles=drain if parameters.overlapped_drain else 1,
        result_cycles=parameters.latency_cycles,
        row_cycles=1,
        column_cycles=2,
        exact_depth=parameters.exact_depth,
        signed=parameters.signed,
    )
