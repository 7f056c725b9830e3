"""Rules between parameters: conditions that every point of a search space meets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chipdse.blocks.expressions import Expression, parse_expression
from chipdse.errors import DesignError


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A condition that every point of a search space meets."""

    expression: Expression

    @property
    def names(self) -> frozenset[str]:
        """The parameters it speaks of."""
        return self.expression.names

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether a point meets the rule; `values` has every name of it."""
        return bool(self.expression.value(values, "rule"))


def parse_rule(text: str) -> Rule:
    """Read a rule; raises DesignError for anything but arithmetic and comparisons."""
    expression = parse_expression(text, "rule")
    if not expression.is_condition:
        raise DesignError(f"rule {text!r} is not a condition; write e.g. 'a >= 2*b'")
    return Rule(expression=expression)
