"""Parts: a block with a contract, and what was measured of it at one operating point."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from chipdse_hdl.block import Block, Record
from chipdse_hdl.contract import ArrayContract

from chipdse.application.arrays import ArrayColumns
from chipdse.application.chips import ChipColumns
from chipdse.application.memories import Buffer, Dram
from chipdse.arrays import Floats, Int64s, Numbers
from chipdse.errors import DesignError

LAYER_ENERGY = "layer_{}_mac_energy_j"
"""Name of a metric of a part whose energy follows tensors, by the place of the layer."""
LAYER_ERROR = "layer_{}_standard_error_j"
"""Name of the standard error of this metric; 0 where all tiles of the layer were measured."""


def layer_energies(metrics: Mapping[str, float]) -> list[str]:
    """The names of energies of layers and of their errors among the metrics of a part."""
    return [name for name in metrics if name.startswith("layer_")]


def _of_layers(metrics: Mapping[str, float], name: str) -> tuple[float, ...]:
    """The figures of all layers, in their order; empty without tensors."""
    count = sum(name.startswith("layer_") and name.endswith("_mac_energy_j") for name in metrics)
    return tuple(metrics.get(name.format(at), 0.0) for at in range(count))


def typical_leakage_w(metrics: Mapping[str, float]) -> float:
    """Leakage of typical chips: energies are means over all chips, also at a guaranteed point."""
    guaranteed = metrics.get("guaranteed")
    return metrics["nominal_leakage_power_w" if guaranteed else "block_leakage_power_w"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Copies of a block; nan where nothing was measured.

    clock_hz : of all copies
    mac_j : dynamic energy of one multiply-accumulate, over the measured workload
    layer_mac_j : the same for each layer of a network, over its own operands; empty: not measured
    layer_error_j : its standard error, of layers of which tiles were drawn; 0 for the others
    leakage_w, area_m2 : of one copy; leakage of a typical chip
    """

    block: str
    contract: ArrayContract
    copies: int = 1
    clock_hz: float = math.nan
    mac_j: float = math.nan
    layer_mac_j: tuple[float, ...] = ()
    layer_error_j: tuple[float, ...] = ()
    leakage_w: float = math.nan
    area_m2: float = math.nan


def contract_of(block: Block, parameters: Record) -> ArrayContract:
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


def check_carriers(blocks: Mapping[str, Block], where: str) -> None:
    """Refuse a chip whose network no part, or more than one, can run.

    Parameters
    ----------
    blocks : of the parts by name
    where : the file or table that names the parts, for the message

    Raises
    ------
    DesignError : not exactly one block has a contract
    """
    able = [name for name, block in blocks.items() if block.contract is not None]
    if len(able) != 1:
        which = "no part has" if not able else "more than one part has"
        raise DesignError(
            f"{where}: {which} a contract, on which the network could run (parts: "
            f"{', '.join(able or blocks)}); exactly one part must be a mac_array or another block "
            "with a contract"
        )


def measured_part(
    block: str, contract: ArrayContract, metrics: Mapping[str, float], copies: int
) -> Part:
    """A part from the metrics of its block at one operating point, by their names.

    Energies of layers are among them where tensors were given, see `LAYER_ENERGY`.
    """
    dynamic_w = metrics["block_power_w"] - metrics["block_leakage_power_w"]
    return Part(
        block=block,
        contract=contract,
        copies=copies,
        clock_hz=metrics["clock_frequency_hz"],
        mac_j=dynamic_w / metrics["block_throughput_ops_per_s"],
        layer_mac_j=_of_layers(metrics, LAYER_ENERGY),
        layer_error_j=_of_layers(metrics, LAYER_ERROR),
        leakage_w=typical_leakage_w(metrics),
        area_m2=metrics["block_area_m2"],
    )


@dataclass(frozen=True, kw_only=True)
class Chip:
    """Copies of one part with a buffer, an outer memory and a link to it; None: not there.

    Without a buffer each operand is read once, and only its transfer from the outer memory takes
    energy.

    link_bits_per_s, link_j_per_bit : of the link between the outer memory and the buffer
    output_bits : width of results in the memories; None: that of an operand
    """

    part: Part
    buffer: Buffer | None = None
    outer: Dram | None = None
    link_bits_per_s: float = math.inf
    link_j_per_bit: float = 0.0
    output_bits: int | None = None


def chip_columns(chips: Sequence[Chip]) -> ChipColumns:
    """Chips as columns; an idle power that is not known counts as 0."""
    every = np.arange(len(chips))
    return composed(
        [chip.part for chip in chips],
        [chip.buffer for chip in chips],
        [chip.outer for chip in chips],
        Choices(
            part=every,
            copies=np.array([chip.part.copies for chip in chips]),
            buffer=every,
            outer=every,
        ),
        link_bits_per_s=np.array([chip.link_bits_per_s for chip in chips]),
        link_j_per_bit=np.array([chip.link_j_per_bit for chip in chips]),
        output_bits=np.array([chip.output_bits for chip in chips], dtype=np.float64),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices:
    """Many chips, one entry each: which part, how many copies, which buffer and outer memory."""

    part: Int64s
    copies: Int64s
    buffer: Int64s
    outer: Int64s


def composed(
    parts: Sequence[Part],
    buffers: Sequence[Buffer | None],
    outers: Sequence[Dram | None],
    choices: Choices,
    *,
    link_bits_per_s: Numbers = math.inf,
    link_j_per_bit: Numbers = 0.0,
    output_bits: Numbers = math.nan,
) -> ChipColumns:
    """Chips that combine parts, buffers and outer memories which are known, as columns.

    Parameters
    ----------
    choices : indices into the sequences; the copies of `parts` themselves do not count
    output_bits : width of results in the memories; NaN: that of an operand
    """

    def of_part(name: str) -> Floats:
        return np.array([getattr(part, name) for part in parts], np.float64)[choices.part]

    def of_buffer(name: str, without: float) -> Floats:
        values = [without if b is None else getattr(b, name) for b in buffers]
        return np.array(values, np.float64)[choices.buffer]

    def of_outer(name: str, without: float) -> Floats:
        values = [without if d is None else getattr(d, name) for d in outers]
        return np.array(values, np.float64)[choices.outer]

    clock_hz, shape = of_part("clock_hz"), choices.part.shape
    # A macro is accessed once per cycle, or as fast as it can be.
    accesses_hz = np.minimum(clock_hz, 1 / of_buffer("access_s", 1e-30))
    has_buffer = of_buffer("bits", 0.0) > 0
    arrays = ArrayColumns.of([part.contract for part in parts], [1] * len(parts))
    arrays = dataclasses.replace(arrays.take(choices.part), copies=choices.copies.astype(float))
    mac_j = of_part("mac_j")
    if all(part.layer_mac_j for part in parts):
        mac_j = np.array([part.layer_mac_j for part in parts], np.float64)[choices.part]
    stated = np.broadcast_to(np.asarray(output_bits, np.float64), shape)
    return ChipColumns(
        arrays=arrays,
        clock_hz=clock_hz,
        mac_j=mac_j,
        constant_mac_j=of_part("mac_j"),
        array_leakage_w=choices.copies * of_part("leakage_w"),
        buffer_bits=of_buffer("bits", math.inf),
        buffer_bits_per_s=np.where(
            has_buffer, of_buffer("bits_per_access", 1.0) * accesses_hz, math.inf
        ),
        buffer_read_j_per_bit=of_buffer("read_j_per_bit", 0.0),
        buffer_write_j_per_bit=of_buffer("write_j_per_bit", 0.0),
        buffer_leakage_w=of_buffer("leakage_w", 0.0),
        buffer_idle_w=np.where(has_buffer, of_buffer("idle_j_per_cycle", 0.0) * accesses_hz, 0.0),
        outer_bits_per_s=of_outer("bandwidth_bits_per_s", math.inf),
        outer_j_per_bit=of_outer("energy_j_per_bit", 0.0),
        outer_idle_w=np.nan_to_num(of_outer("idle_w", 0.0), nan=0.0),
        link_bits_per_s=np.broadcast_to(np.asarray(link_bits_per_s, np.float64), shape),
        link_j_per_bit=np.broadcast_to(np.asarray(link_j_per_bit, np.float64), shape),
        output_bits=np.where(np.isnan(stated), arrays.operand_bits, stated),
    )
