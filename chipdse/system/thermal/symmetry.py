"""Mirror symmetry of a stack, which leaves a quarter or an eighth of the cells to solve."""

from __future__ import annotations

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Int64s
from chipdse.system.thermal.mesh import Fold
from chipdse.system.thermal.stack import Rectangle, Stack

_MIRRORS = {
    "x": np.array([[-1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    "y": np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    "diagonal": np.array([[0, 1.0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]),
}
"""What a mirror makes of a rectangle's middle (x, y) and size (x, y)."""


def fold_of(stack: Stack, kinds: tuple[int, ...]) -> Fold:
    """The mirrors under which a stack stays as it is and swaps only sources of one kind.

    Parameters
    ----------
    kinds : of each source in the stack's order; sources of a kind always have the same power

    Notes
    -----
    Where the regions of a layer differ in material, which covers which is not looked into: then
    nothing is folded.
    """
    everything = tuple(range(len(kinds)))
    none = Fold(sources=everything, copies=(1,) * len(kinds))
    if any(len({m for _, m in layer.regions}) > 1 for layer in stack.layers):
        return none
    boxes, labels = _labelled(stack, kinds)
    alike = labels[:, None] == labels[None, :]
    near = 1e-9 * np.abs(boxes).max()
    images = {}
    for name, mirror in _MIRRORS.items():
        image = numerics.matmul(boxes, mirror)
        pairs = alike & (np.abs(image[:, None] - boxes[None]).max(axis=2) < near)
        if pairs.any(axis=1).all():
            images[name] = pairs[: len(kinds), : len(kinds)]
    if not {"x", "y"} <= set(images) or not _isotropic(stack):
        images.pop("diagonal", None)  # an eighth is folded out of a quarter
    return _orbits(images, len(kinds))


def _labelled(stack: Stack, kinds: tuple[int, ...]) -> tuple[Floats, Int64s]:
    """Middle and size of every rectangle, sources first, and numbers: equal where alike."""
    layers = list(enumerate(stack.layers))
    sources = [(i, source) for i, layer in layers for source in layer.sources]
    items: list[tuple[Rectangle, tuple[int, int]]] = [
        (source, (i, kind)) for (i, source), kind in zip(sources, kinds, strict=True)
    ]
    items += [(layer.outline, (i, -1)) for i, layer in layers]
    items += [(region, (i, -2)) for i, layer in layers for region, _ in layer.regions]
    numbers = {label: n for n, label in enumerate(dict.fromkeys(label for _, label in items))}
    boxes = np.array(
        [
            (r.left_m + r.width_m / 2, r.bottom_m + r.height_m / 2, r.width_m, r.height_m)
            for r, _ in items
        ]
    )
    return boxes, np.array([numbers[label] for _, label in items])


def _isotropic(stack: Stack) -> bool:
    materials = {m for la in stack.layers for m in (la.material, *(m for _, m in la.regions))}
    return all(material.xyz[0] == material.xyz[1] for material in materials)


def _orbits(images: dict[str, Bools], count: int) -> Fold:
    """Sources that the mirrors swap, by the first of each."""
    first = np.arange(count)
    for _ in images:  # so often may a chain of mirrors lead on
        for pairs in images.values():
            first = np.minimum(first, np.where(pairs, first[None, :], count).min(axis=1))
    chosen, copies = np.unique(first, return_counts=True)
    return Fold(
        x="x" in images,
        y="y" in images,
        diagonal="diagonal" in images,
        sources=tuple(map(int, chosen)),
        copies=tuple(map(int, copies)),
    )
