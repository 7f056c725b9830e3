"""Weights of changes as whole numbers, so that their sums are exact in every order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Bools, Floats, Int32s, Int64s, UInt8s
from chipdse.errors import DesignError

BITS = 28
"""Of the largest weight: rounding a smaller one changes a sum by less than 1e-8 of the largest."""
BLOCK = 128  # as in `chipdse/kernels/runs.c`


@dataclass(frozen=True, kw_only=True, eq=False)
class Weights:
    """What a change of a slot adds to the sum of a group.

    groups : names
    parts : sums per group: 1, or 2 if some weights are negative; part 1 of group g has number
        ``len(groups) + g`` and is subtracted
    group : number of the sum of each item, ascending
    slot : of each item
    is_level : an item counts the slot's value in the step before, not its change
    weight : of each item, above 0, in units of `unit`
    unit : value of a weight of 1, e.g. in joule
    """

    groups: tuple[str, ...]
    parts: int
    group: Int32s
    slot: Int32s
    is_level: Bools
    weight: Int64s
    unit: float

    @property
    def sum_count(self) -> int:
        """Number of sums that an engine computes."""
        return self.parts * len(self.groups)

    def of_groups(self, sums: Int64s) -> Int64s:
        """Sums of the groups [steps, groups, lanes] from an engine's [steps, sums, lanes]."""
        count = len(self.groups)
        return sums if self.parts == 1 else sums[:, :count] - sums[:, count:]


def weigh(
    groups: Sequence[str],
    group: Int32s,
    slot: Int32s,
    value: Floats,
    *,
    is_level: Bools | None = None,
    bits: int = BITS,
) -> Weights:
    """Weights of items; those of one slot and group are added first.

    Parameters
    ----------
    groups : names
    group, slot : of each item
    value : of each item, e.g. energy per transition [J]
    is_level : whether an item counts the slot's value in the step before; None is never
    bits : of the largest weight, 1 to 32

    Raises
    ------
    DesignError : a value is not finite
    """
    level = np.zeros(len(slot), dtype=bool) if is_level is None else is_level
    if not np.isfinite(value).all():
        raise DesignError("weights of changes must be finite")
    if not 1 <= bits <= 32:
        raise DesignError(f"{bits} bits of a weight; use 1 to 32")
    width = int(slot.max(initial=0)) + 1
    code = (group.astype(np.int64) * 2 + level) * width + slot
    unique, place = np.unique(code, return_inverse=True)
    total = np.bincount(place, value, len(unique)) if len(code) else np.zeros(0)
    largest = float(np.abs(total).max(initial=0.0))
    unit = largest / (2**bits - 1) if largest else 1.0
    weight = np.rint(total / unit).astype(np.int64)
    number = unique // (2 * width) + len(groups) * (weight < 0)
    order = np.argsort(number, kind="stable")
    order = order[weight[order] != 0]
    return Weights(
        groups=tuple(groups),
        parts=2 if (weight < 0).any() else 1,
        group=number[order].astype(np.int32),
        slot=(unique[order] % width).astype(np.int32),
        is_level=unique[order] // width % 2 == 1,
        weight=np.abs(weight[order]),
        unit=unit,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Blocks:
    """Items of each group in blocks, and by bit the items of a block whose weight has it.

    bits : of the largest weight
    block_start : [groups + 1] blocks of each group
    item_start : [blocks + 1] items of each block
    list_start, list : by block and bit, positions in the block
    """

    bits: int
    block_start: Int64s
    item_start: Int64s
    list_start: Int64s
    list: UInt8s


def blocks_of(weights: Weights) -> Blocks:
    """Items cut into blocks of at most `BLOCK`."""
    items = len(weights.slot)
    per_group = np.bincount(weights.group, minlength=weights.sum_count)
    block_count = -(-per_group // BLOCK)
    block_start = np.concatenate([[0], np.cumsum(block_count)]).astype(np.int64)
    first_item = np.concatenate([[0], np.cumsum(per_group)]).astype(np.int64)
    within = np.arange(items) - first_item[weights.group]
    block = block_start[weights.group] + within // BLOCK
    item_start = np.searchsorted(block, np.arange(block_start[-1] + 1)).astype(np.int64)
    bits = int(weights.weight.max(initial=1)).bit_length()
    bit, item = np.nonzero(weights.weight[None, :] >> np.arange(bits)[:, None] & 1)
    key = block[item] * bits + bit
    order = np.argsort(key, kind="stable")
    return Blocks(
        bits=bits,
        block_start=block_start,
        item_start=item_start,
        list_start=np.searchsorted(key[order], np.arange(block_start[-1] * bits + 1)).astype(
            np.int64
        ),
        list=(within[item[order]] % BLOCK).astype(np.uint8),
    )
