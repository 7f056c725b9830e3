"""Measures the parts of a chip: one hardware point of each, at all its operating points."""

from __future__ import annotations

from collections.abc import Mapping

from chipdse.errors import ChipdseError
from chipdse.evaluate import evaluate
from chipdse.stages.layers import measure_layers
from chipdse.store.store import Store
from chipdse.study.question.chip import ChipQuestion
from chipdse.study.question.space import Value


def measure_parts(
    chip: ChipQuestion, point: Mapping[str, Value], store: Store
) -> dict[str, list[dict[str, float]]]:
    """Metrics of every part's hardware point by operating point; measured or from the store.

    Raises
    ------
    ChipdseError : as `chipdse.evaluate.evaluate`; the attribute `part` names the part
    """
    measured = {}
    for part in chip.parts:
        try:
            designs = part.designs(part.hardware_of(point))
            tensors = chip.application.tensors if part.carries else None
            measured[part.name] = [
                ({} if tensors is None else measure_layers(design, tensors, store))
                | evaluate(design, store).flat()
                for design in designs
            ]
        except ChipdseError as error:
            error.part = part.name  # type: ignore[attr-defined]
            raise
    return measured
