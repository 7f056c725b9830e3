"""Accesses of a given loop nest on a given hierarchy of memories, for any mapping.

A nest is a list of levels, outermost first. Each level has loops and holds some operands; a level
that holds none spreads its loops over space. This is the way in which mappers of others state a
result, so their accesses and energies can be compared with ours for the same mapping.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chipdse.errors import DesignError


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A loop over a part of a dimension: in time, or over instances of everything inside."""

    dimension: str
    bound: int
    spatial: bool = False


@dataclass(frozen=True, kw_only=True)
class Operand:
    """An array that the nest reads, or sums up.

    coordinates : per axis of the array, the dimensions that are added up in its index, and factors
    extents : of the axes, where the nest also runs over padding, which is not stored
    is_output : results: read, added to and written
    """

    name: str
    coordinates: tuple[tuple[tuple[str, int], ...], ...]
    extents: tuple[int, ...] | None = None
    is_output: bool = False

    @property
    def dimensions(self) -> frozenset[str]:
        """Dimensions that select an element."""
        return frozenset(name for axis in self.coordinates for name, _ in axis)

    def words(self, sizes: Mapping[str, int]) -> int:
        """Elements that some consecutive values of every dimension touch.

        Per axis a range without gaps, or fewer elements where a stride leaves gaps.
        """
        words = 1
        for number, axis in enumerate(self.coordinates):
            reach = 1 + sum(factor * (sizes.get(name, 1) - 1) for name, factor in axis)
            reach = min(reach, math.prod(sizes.get(name, 1) for name, _ in axis))
            words *= reach if self.extents is None else min(reach, self.extents[number])
        return words


@dataclass(frozen=True, kw_only=True)
class Level:
    """A memory with the loops that run over its content, outermost first.

    holds : names of the operands that it keeps; the others bypass it
    """

    name: str
    loops: tuple[Loop, ...] = ()
    holds: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Accesses:
    """Words of one operand at one level, per instance of the level.

    tile_words : that it holds at once
    reads : towards the computation, for a sum also those that go on adding
    fills : written from the level outside
    updates : results written from inside
    instances : of the level that are in use
    """

    tile_words: int
    reads: int
    fills: int
    updates: int
    instances: int


@dataclass(frozen=True, kw_only=True)
class LevelEnergy:
    """Energy of a level.

    read_j, write_j, update_j : of one access
    words_per_access : words side by side in one access
    leakage_j_per_cycle : of one instance
    """

    read_j: float
    write_j: float
    update_j: float
    words_per_access: int = 1
    leakage_j_per_cycle: float = 0.0


def cycles_of(nest: Sequence[Level]) -> int:
    """Cycles of a nest: its loops in time, one computation per instance and cycle."""
    return math.prod(loop.bound for loop in _loops(nest) if not loop.spatial)


def computations_of(nest: Sequence[Level]) -> int:
    """Computations of a nest over all instances."""
    return math.prod(loop.bound for loop in _loops(nest))


def accesses_of(
    nest: Sequence[Level], operands: Sequence[Operand]
) -> dict[tuple[str, str], Accesses]:
    """Accesses by level and operand, for every level that holds the operand.

    Notes
    -----
    A tile of an operand stays at its level while the innermost loops outside it do not select
    other elements, and is loaded anew otherwise; neighbouring windows share nothing. Instances that
    need the same element get it by one read outside (multicast), and sums of instances that belong
    to the same element are added on their way (spatial reduction). The first addition to a
    result reads nothing.

    Raises
    ------
    DesignError : an operand that the outermost level does not hold
    """
    results = {}
    for operand in operands:
        held = [i for i, level in enumerate(nest) if operand.name in level.holds]
        if not held or held[0] != 0:
            raise DesignError(
                f"the outermost level {nest[0].name!r} must hold operand {operand.name!r}"
            )
        for place, index in enumerate(held):
            inside = held[place + 1] if place + 1 < len(held) else None
            results[nest[index].name, operand.name] = _accesses(nest, operand, index, inside)
    return results


def nest_energy_j(
    nest: Sequence[Level],
    operands: Sequence[Operand],
    table: Mapping[str, LevelEnergy],
    computation_j: float,
) -> dict[str, float]:
    """Energy by level name, and of the computations under "compute"."""
    energies = {"compute": computations_of(nest) * computation_j}
    cycles = cycles_of(nest)
    for (level, _), counts in accesses_of(nest, operands).items():
        energy = table[level]
        words = (
            counts.reads * energy.read_j
            + counts.fills * energy.write_j
            + counts.updates * energy.update_j
        )
        used = words / energy.words_per_access * counts.instances
        standing = energy.leakage_j_per_cycle * cycles * counts.instances
        energies[level] = energies.get(level, standing) + used
    return energies


def _accesses(nest: Sequence[Level], operand: Operand, index: int, inside: int | None) -> Accesses:
    """Accesses of a level that holds an operand; `inside` is the next level that does."""
    tile = operand.words(_sizes(nest[index:]))
    instances = math.prod(loop.bound for loop in _loops(nest[:index]) if loop.spatial)
    loads = tile * _residencies(nest, operand, index)
    if inside is None:
        # Every computation takes a word; instances share the words that are equal among them.
        below = list(_loops(nest[index:]))
        served = cycles_of(nest) * _distinct(below, operand)
    else:
        between = list(_loops(nest[index:inside]))
        inner_tile = operand.words(_sizes(nest[inside:]))
        served = inner_tile * _residencies(nest, operand, inside) * _distinct(between, operand)
    if not operand.is_output:
        fills = loads if index else 0
        return Accesses(tile_words=tile, reads=served, fills=fills, updates=0, instances=instances)
    # Results of one instance: each is begun once, without a read.
    distinct = _results(nest, operand, index)
    return Accesses(
        tile_words=tile,
        reads=served - distinct,
        fills=loads - distinct if index else 0,
        updates=served,
        instances=instances,
    )


def _residencies(nest: Sequence[Level], operand: Operand, index: int) -> int:
    """How often the tile of a level changes: loops in time outside, from the innermost that
    selects other elements."""
    outside = [loop for loop in _loops(nest[:index]) if not loop.spatial and loop.bound > 1]
    while outside and outside[-1].dimension not in operand.dimensions:
        outside.pop()
    return math.prod(loop.bound for loop in outside)


def _distinct(loops: Sequence[Loop], operand: Operand) -> int:
    """Instances among some spatial loops that need different elements."""
    return math.prod(
        loop.bound for loop in loops if loop.spatial and loop.dimension in operand.dimensions
    )


def _results(nest: Sequence[Level], operand: Operand, index: int) -> int:
    """Different results that one instance of a level works on."""
    sizes = _sizes(nest)
    for loop in _loops(nest[:index]):
        if loop.spatial:
            sizes[loop.dimension] //= loop.bound
    return operand.words(sizes)


def _sizes(nest: Sequence[Level]) -> dict[str, int]:
    """Size of every dimension within some levels."""
    sizes: dict[str, int] = {}
    for loop in _loops(nest):
        sizes[loop.dimension] = sizes.get(loop.dimension, 1) * loop.bound
    return sizes


def _loops(nest: Sequence[Level]) -> Iterator[Loop]:
    for level in nest:
        yield from level.loops
