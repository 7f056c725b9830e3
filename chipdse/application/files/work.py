"""What the parts of a chip do per task beside the layers of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Work:
    """Amounts per task, by the part's name.

    operations : in the block's unit of work
    runs : of the part's own workload, e.g. of a core's program
    """

    operations: Mapping[str, float] = field(default_factory=dict)
    runs: Mapping[str, float] = field(default_factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.operations or name in self.runs

    def __bool__(self) -> bool:
        return bool(self.operations or self.runs)
