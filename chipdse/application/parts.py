"""Parts: a block with a contract, and what was measured of it at one operating point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from chipdse_hdl.block import Block
from chipdse_hdl.contract import ArrayContract

from chipdse.application.arrays import ArrayColumns
from chipdse.application.chips import ChipColumns
from chipdse.application.memories import Buffer, Dram
from chipdse.arrays import Floats
from chipdse.errors import DesignError


@dataclass(frozen=True, kw_only=True)
class Part:
    """Copies of a block; nan where nothing was measured.

    clock_hz : of all copies
    mac_j : dynamic energy of one multiply-accumulate, over the measured workload
    leakage_w, area_m2 : of one copy
    """

    block: str
    contract: ArrayContract
    copies: int = 1
    clock_hz: float = math.nan
    mac_j: float = math.nan
    leakage_w: float = math.nan
    area_m2: float = math.nan


def contract_of(block: Block, parameters: Any) -> ArrayContract:
    """The contract of a block.

    Raises
    ------
    DesignError : the block has none, so it cannot carry a network
    """
    if block.contract is None:
        raise DesignError(
            f"block {block.name!r} has no contract (cycles, reads and writes of a tile), so no "
            "layer can run on it; use mac_array, or set `contract` in the Block record"
        )
    contract: ArrayContract = block.contract(parameters)
    return contract


def measured_part(
    block: str, contract: ArrayContract, metrics: Mapping[str, float], copies: int
) -> Part:
    """A part from the metrics of its block at one operating point, by their names."""
    dynamic_w = metrics["block_power_w"] - metrics["block_leakage_power_w"]
    return Part(
        block=block,
        contract=contract,
        copies=copies,
        clock_hz=metrics["clock_frequency_hz"],
        mac_j=dynamic_w / metrics["block_throughput_ops_per_s"],
        leakage_w=metrics["block_leakage_power_w"],
        area_m2=metrics["block_area_m2"],
    )


@dataclass(frozen=True, kw_only=True)
class Chip:
    """Copies of one part with a buffer, an outer memory and a link to it; None: not there.

    Without a buffer every operand passes once and costs nothing but its way from the outer memory.

    link_bits_per_s, link_j_per_bit : of the link between the outer memory and the buffer
    output_bits : width of results in the memories; None: that of an operand
    """

    part: Part
    buffer: Buffer | None = None
    outer: Dram | None = None
    link_bits_per_s: float = math.inf
    link_j_per_bit: float = 0.0
    output_bits: int | None = None

    @property
    def buffer_bits_per_s(self) -> float:
        """Bandwidth of the buffer: one access per macro and cycle, or slower than the clock."""
        if self.buffer is None:
            return math.inf
        return self.buffer.bits_per_access * self.buffer_hz

    @property
    def buffer_hz(self) -> float:
        """Accesses per second of a macro."""
        if self.buffer is None:
            return math.inf
        return min(self.part.clock_hz, 1 / self.buffer.access_s)


def chip_columns(chips: list[Chip]) -> ChipColumns:
    """Chips as columns; an idle power that is not known counts as 0."""

    def column(*values: float) -> Floats:
        return np.array(values, np.float64)

    def known(value: float) -> float:
        return 0.0 if math.isnan(value) else value

    outers = [chip.outer for chip in chips]
    buffers = [chip.buffer for chip in chips]
    parts = [chip.part for chip in chips]
    return ChipColumns(
        arrays=ArrayColumns.of([p.contract for p in parts], [p.copies for p in parts]),
        clock_hz=column(*(p.clock_hz for p in parts)),
        mac_j=column(*(p.mac_j for p in parts)),
        array_leakage_w=column(*(p.copies * p.leakage_w for p in parts)),
        buffer_bits=column(*(b.bits if b else math.inf for b in buffers)),
        buffer_bits_per_s=column(*(chip.buffer_bits_per_s for chip in chips)),
        buffer_read_j_per_bit=column(*(b.read_j_per_bit if b else 0.0 for b in buffers)),
        buffer_write_j_per_bit=column(*(b.write_j_per_bit if b else 0.0 for b in buffers)),
        buffer_leakage_w=column(*(b.leakage_w if b else 0.0 for b in buffers)),
        buffer_idle_w=column(
            *(
                chip.buffer.idle_j_per_cycle * chip.buffer_hz if chip.buffer else 0.0
                for chip in chips
            )
        ),
        outer_bits_per_s=column(*(d.bandwidth_bits_per_s if d else math.inf for d in outers)),
        outer_j_per_bit=column(*(d.energy_j_per_bit if d else 0.0 for d in outers)),
        outer_idle_w=column(*(known(d.idle_w) if d else 0.0 for d in outers)),
        link_bits_per_s=column(*(chip.link_bits_per_s for chip in chips)),
        link_j_per_bit=column(*(chip.link_j_per_bit for chip in chips)),
        output_bits=column(
            *(chip.output_bits or chip.part.contract.operand_bits for chip in chips)
        ),
    )
