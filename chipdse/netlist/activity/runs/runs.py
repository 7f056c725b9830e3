"""Choose an engine of runs and drive it: the first state, then steps, with errors as sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Int32s, UInt64s
from chipdse.errors import DesignError, ToolError
from chipdse.kernels.build import compiler, kernels
from chipdse.netlist.activity.replay.lanes import WORDS
from chipdse.netlist.activity.replay.replay import Engine
from chipdse.netlist.activity.runs.engine_compiled import CompiledRuns
from chipdse.netlist.activity.runs.engine_numpy import NumpyRuns
from chipdse.netlist.activity.runs.plan import RunPlan
from chipdse.netlist.activity.runs.steps import Begun, Steps, Wanted
from chipdse.netlist.activity.runs.weights import Weights

_CACHE_BYTES = 1 << 18
_MOST_WORDS = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """Runs side by side: `lanes` of them, each with its own registers."""

    run_plan: RunPlan
    engine: CompiledRuns | NumpyRuns

    @property
    def lanes(self) -> int:
        """Number of runs."""
        return self.engine.lanes

    def begin(self, sources: UInt64s, state: UInt64s | None = None) -> None:
        """Settle every net before the first edge.

        Parameters
        ----------
        sources : [inputs, words] a bit per lane
        state : [registers, words] likewise; None where all registers are given

        Raises
        ------
        DesignError : a register is set or reset without a clock
        """
        if state is None:
            state = np.zeros((len(self.run_plan.registers), sources.shape[1]), dtype=np.uint64)
        self._check(self.engine.begin(sources, state), 1)

    def values(self, slots: Int32s) -> UInt64s:
        """Values [slots, words] after the last step, or before the first edge."""
        return self.engine.values(slots)

    def advance(self, sources: UInt64s) -> Steps:
        """Take every run through some cycles; step s is from one edge to the next.

        Parameters
        ----------
        sources : [steps, inputs, words] the inputs after each edge

        Raises
        ------
        DesignError : a register is set or reset without a clock
        """
        steps, begun = self.engine.advance(sources)
        self._check(begun, len(sources))
        return steps

    def _check(self, begun: Begun, steps: int) -> None:
        if begun.unsure < 0 and begun.steps == steps:
            return
        name = self.run_plan.registers[begun.unsure]
        raise DesignError(
            f"flip-flop {name} is set or reset without a clock in step {begun.steps} of a run; "
            "hold its asynchronous reset inactive"
        )


def start_runs(
    run_plan: RunPlan,
    weights: Weights,
    *,
    wanted: Wanted | None = None,
    words: int | None = None,
    engine: Engine = "auto",
) -> Runs:
    """Runs of a netlist; `begin` them, then `advance` them.

    Parameters
    ----------
    words : words of 512 runs; None is as many as fit the processor's cache, at most 16
    engine : "auto" compiles a kernel where a C compiler is present; results are equal
    """
    wanted = wanted or Wanted()
    if words is None:
        bytes_per_word = 2 * run_plan.plan.slots * 8 * WORDS
        words = max(1, min(_MOST_WORDS, _CACHE_BYTES // bytes_per_word))
    if engine == "numpy" or (engine == "auto" and compiler() is None):
        return Runs(run_plan=run_plan, engine=NumpyRuns(run_plan, weights, wanted, words))
    try:
        compiled = CompiledRuns(run_plan, weights, wanted, words, kernels())
    except ToolError:
        if engine == "compiled":
            raise
        return Runs(run_plan=run_plan, engine=NumpyRuns(run_plan, weights, wanted, words))
    return Runs(run_plan=run_plan, engine=compiled)
