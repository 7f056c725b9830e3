"""chipdse: from a parameterised Amaranth block to a Pareto front over energy, cost and carbon."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chipdse.api.point import evaluate_point
    from chipdse.api.study import Study, load_study, sweep

__version__ = "0.2.0.dev0"
__all__ = ["Study", "evaluate_point", "load_study", "sweep"]


def __getattr__(name: str) -> Any:
    # Imported on first use, because fast verbs of the command line do not use the search.
    if name in __all__:
        module = "chipdse.api.point" if name == "evaluate_point" else "chipdse.api.study"
        return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'chipdse' has no attribute {name!r}")
