"""Replicates: one point under several synthesis and workload seeds, its spread, and what is tied.

Synthesis is full of ties broken by chance, and a workload is a sample: two designs may differ by
less than either differs from itself under other seeds. Objectives are then means over replicates,
a point is feasible if every replicate is; `chipdse.study.results.ties` says which cannot be told
apart.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from chipdse.design import Design
from chipdse.metrics import MetricColumns
from chipdse.study.harvest.cheap import CheapPoints


def replicated(design: Design, number: int) -> Design:
    """A design with the seeds of a replicate; the first is the design itself."""
    synthesis = dataclasses.replace(design.synthesis, seed=design.synthesis.seed + number)
    workload = design.workload
    if hasattr(workload, "seed"):
        workload = dataclasses.replace(workload, seed=workload.seed + number)
    return dataclasses.replace(design, synthesis=synthesis, workload=workload)


def average(replicates: Sequence[CheapPoints]) -> CheapPoints:
    """The same cheap points of several replicates, as one.

    Metrics and objectives are means; of every constraint the worst; the spread is the standard
    deviation of the objectives (divided by the number of replicates less one).
    """
    first = replicates[0]
    if len(replicates) == 1:
        return first
    objectives = np.stack([replicate.objectives for replicate in replicates])
    return CheapPoints(
        numbers=first.numbers,
        metrics=MetricColumns.combined(
            lambda *columns: np.mean(columns, axis=0),
            [r.metrics for r in replicates if isinstance(r.metrics, MetricColumns)],
        ),
        constraints={
            name: np.max([replicate.constraints[name] for replicate in replicates], axis=0)
            for name in first.constraints
        },
        estimated=np.any([replicate.estimated for replicate in replicates], axis=0),
        objectives=objectives.mean(axis=0),
        spread=objectives.std(axis=0, ddof=1),
        derived={
            name: np.mean([replicate.derived[name] for replicate in replicates], axis=0)
            for name in first.derived
        },
    )
