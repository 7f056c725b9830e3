"""Derived metrics of a sweep file: expressions over metrics and numbers of a point.

    [derived]
    macs_per_usd = "throughput_ops_per_s / total_cost_usd"
    area_frac = { expression = "block_memory_area_m2 / block_area_m2", unit = "", doc = "..." }

A derived metric may be an objective, a limit, an axis and a column. Its evidence is the weakest
evidence of the metrics in its expression.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

from chipdse.arrays import Floats
from chipdse.blocks.expressions import FUNCTION_NAMES, Expression, parse_expression
from chipdse.design import suggest
from chipdse.errors import DesignError
from chipdse.metrics import Basis, evidence_of
from chipdse.records import EVIDENCE
from chipdse.study.question.toml_values import refuse_unknown, table_of

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_COLUMNS = frozenset(
    ("trial", "state", "on_front", "origin", "system_evidence", "violations", "failure")
    + ("tied_with",)
)
"""Columns of the table of points that are no metrics."""


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A metric that an expression computes from others.

    unit : as it is printed; "op" in it stands for the block's unit of work
    doc : its meaning
    constants : values of the names in the expression that are the same in every point
    """

    name: str
    expression: Expression
    unit: str
    doc: str
    constants: Mapping[str, float] = field(default_factory=dict)

    def column(self, values: Mapping[str, npt.ArrayLike]) -> Floats:
        """The metric of some points; nan where it has no finite value.

        Parameters
        ----------
        values : metrics and swept numbers by name, numbers or columns of equal length
        """
        return self.expression.column({**self.constants, **values})


def read_derived(
    data: Mapping[str, Any],
    metrics: Collection[str],
    swept: Iterable[str],
    constants: Mapping[str, object],
    path: Path,
) -> tuple[Derived, ...]:
    """The derived metrics of a sweep file, in its order; each may use those before it.

    Parameters
    ----------
    metrics : names of the metrics of a point
    swept : names of swept numbers
    constants : values of parameters that are not swept; those that are numbers may be used

    Raises
    ------
    DesignError : a name is taken or no name, or an expression is not one over known numbers
    """
    numbers = {
        name: float(value)
        for name, value in constants.items()
        if isinstance(value, int | float) and name not in metrics
    }
    known = {*metrics, *swept}
    derived: list[Derived] = []
    for name, given in table_of(data, "derived", path).items():
        where = f"{path}: derived.{name}"
        if name in known | numbers.keys() | _COLUMNS | FUNCTION_NAMES:
            raise DesignError(f"{where}: the name {name!r} is taken; choose another")
        if not _NAME.match(name):
            raise DesignError(
                f"{where}: {name!r} is not a name; use small letters, digits and _, a letter first"
            )
        metric = _read_one(name, given, numbers, where)
        for unknown in sorted(metric.expression.names - known - numbers.keys()):
            raise DesignError(
                f"{where}: {unknown!r} is not a metric or a number of this sweep; "
                f"{suggest(unknown, known | numbers.keys())}"
            )
        derived.append(metric)
        known.add(name)
    return tuple(derived)


def _read_one(name: str, given: object, numbers: Mapping[str, float], where: str) -> Derived:
    table = {"expression": given} if isinstance(given, str) else given
    if not isinstance(table, dict) or not isinstance(table.get("expression"), str):
        raise DesignError(
            f'{where} = {given!r} is not an expression; write e.g. "f_max_hz / total_cost_usd"'
        )
    refuse_unknown(table, ("expression", "unit", "doc"), where)
    for key in ("unit", "doc"):
        if not isinstance(table.get(key, ""), str):
            raise DesignError(f"{where}.{key} = {table[key]!r} must be text")
    expression = parse_expression(table["expression"], f"{where}: expression")
    if not expression.is_arithmetic:
        raise DesignError(
            f"{where}: {expression.text!r} is a condition or compares text; write a number, "
            'e.g. "f_max_hz / total_cost_usd"'
        )
    if not expression.names:
        raise DesignError(
            f"{where}: {expression.text!r} names no metric; it is the same everywhere"
        )
    try:
        expression.column(dict.fromkeys(expression.names, 1.0))
    except DesignError as error:
        raise DesignError(f"{where}: {error}") from error
    return Derived(
        name=name,
        expression=expression,
        unit=table.get("unit", ""),
        doc=table.get("doc", expression.text),
        constants={key: numbers[key] for key in expression.names & numbers.keys()},
    )


def derived_columns(
    derived: Sequence[Derived], values: Mapping[str, npt.ArrayLike]
) -> dict[str, Floats]:
    """Every derived metric of some points by name.

    Parameters
    ----------
    values : metrics and swept numbers by name, numbers or columns of equal length
    """
    columns: dict[str, Floats] = {}
    for metric in derived:
        columns[metric.name] = metric.column({**values, **columns})
    return columns


def evidence_in(
    derived: Sequence[Derived],
    name: str,
    system_evidence: str,
    basis: Basis | None = None,
    metrics: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Kind of evidence of a metric, a derived metric or a swept number.

    Parameters
    ----------
    derived : the derived metrics of the sweep
    system_evidence, basis, metrics : as of `chipdse.metrics.evidence_of`
    """
    for metric in derived:
        if metric.name == name:
            kinds = [
                evidence_in(derived, part, system_evidence, basis, metrics)
                for part in metric.expression.names
            ]
            known = [kind for kind in kinds if kind in EVIDENCE]
            return max(known, key=EVIDENCE.index, default="input")
    return evidence_of(name, system_evidence, basis, metrics)
