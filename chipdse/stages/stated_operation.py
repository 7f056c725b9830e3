"""Inputs of many runs for tests of side channels, from the operation that a block states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from chipdse_hdl.block import Block, Record
from chipdse_hdl.shares import RANDOM
from chipdse_hdl.side_channel import Operation, lane_data, stimuli

from chipdse.arrays import UInt64s
from chipdse.errors import DesignError

_FIXED = 2**32 - 1
"""Stream of the fixed data; batches of runs are numbered from 0 and stay far below it."""


def operation_of(block: Block, parameters: Record) -> Operation:
    """The operation on secret data that a block states.

    Raises
    ------
    DesignError : the block states none
    """
    operation = None if block.operation is None else block.operation(parameters)
    if not isinstance(operation, Operation):
        raise DesignError(
            f"block {block.name!r} states no operation on secret data; name the secret inputs, "
            "e.g. --secret in_data"
        )
    return operation


@dataclass(frozen=True, kw_only=True, eq=False)
class OperationStimuli:
    """Inputs of runs that perform a stated operation; all its data is secret.

    operation : of the block
    ports : rows of each input port among the inputs of a run
    inputs : number of inputs
    fixed : data of the runs of the fixed class
    rows : steps of the inputs; the first is before the first edge
    """

    operation: Operation
    ports: Mapping[str, slice]
    inputs: int
    fixed: int
    rows: int

    @property
    def cycles(self) -> int:
        """Clock cycles of a run: edges between the steps of the inputs."""
        return self.rows - 1

    def draw(
        self, random: np.random.Generator, is_fixed: UInt64s, *, masked: bool = True
    ) -> UInt64s:
        """Inputs [rows, inputs, words] of runs, 64 per word.

        Parameters
        ----------
        is_fixed : [words] runs of the fixed class
        masked : False shares nothing (the first share is the word) and holds random bits at 0
        """
        data = lane_data(self.operation, random, self.fixed, is_fixed)
        bits = stimuli(self.operation, data, random, masked=masked)
        sources = np.zeros((self.rows, self.inputs, len(is_fixed)), dtype=np.uint64)
        for name, part in self.ports.items():
            sources[:, part] = bits[name][: self.rows]
        return sources


def operation_stimuli(
    operation: Operation,
    ports: Mapping[str, slice],
    inputs: int,
    *,
    seed: int,
    cycles: int | None = None,
) -> OperationStimuli:
    """Stimuli of a stated operation; its fixed data is drawn with the seed.

    Parameters
    ----------
    ports : rows of each input port among the inputs of a run
    inputs : number of inputs of a run
    cycles : from the first of the operation; None is all of it

    Raises
    ------
    DesignError : an input port has no value in the operation, or the operation is shorter
    """
    available = operation.cycles - 1
    if cycles is not None and not 1 <= cycles <= available:
        raise DesignError(f"{cycles} cycles: the operation has {available}; use 1 to {available}")
    given = {
        *operation.controls,
        *(port for shares in operation.share_ports.values() for port in shares),
    }
    given |= {RANDOM} if operation.random_bits else set()
    if missing := sorted(ports.keys() - given):
        raise DesignError(
            f"the operation gives no value for input {missing[0]!r}; add it to its controls or data"
        )
    random = np.random.default_rng([seed, _FIXED])
    fixed = int.from_bytes(random.bytes(-(-operation.data_bits // 8)), "little")
    return OperationStimuli(
        operation=operation,
        ports=ports,
        inputs=inputs,
        fixed=fixed >> (-operation.data_bits % 8),
        rows=1 + (available if cycles is None else cycles),
    )
