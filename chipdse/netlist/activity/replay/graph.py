"""Collect Boolean operations over nodes, then order them into slots, level by level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Int32s, Int64s
from chipdse.errors import DesignError
from chipdse.netlist.activity.replay.plan import MAX_STATE_VARIABLES, NONE, Operation, Runs
from chipdse.netlist.library.logic import (
    Constant,
    Expression,
    Variable,
    substitute,
    truth_table,
    variables,
)
from chipdse.netlist.netlist import CONSTANT_0, CONSTANT_1


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """Operations in the order of evaluation.

    slot : of each node; NONE if it hangs on a node that nothing drives
    operation, place : of each slot: its kind, and its position among all of that kind
    """

    slot: Int32s
    operations: tuple[Operation, ...]
    runs: Runs
    operation: Int64s
    place: Int64s


class OperationGraph:
    """Operations over *nodes*: a row's bits, two constants, the nets, helpers without a net."""

    def __init__(self, row_bits: int, net_names: list[str]) -> None:
        self.net_names = net_names
        self.zero, self.one = row_bits, row_bits + 1
        self.base = row_bits + 2
        self.nodes = self.base + len(net_names)
        self.constants = {self.zero: False, self.one: True}  # nodes, as they are before an edge
        self.operations: dict[Operation, int] = {}
        self.kind: list[Int32s] = []
        self.target: list[Int32s] = []
        self.reads: list[Int32s] = []
        self._node_of: dict[tuple[Expression, tuple[int, ...]], int] = {}
        self._single: dict[
            tuple[Expression, tuple[str, ...]], list[tuple[tuple[int, ...], int]]
        ] = {}

    def net(self, net: int) -> int:
        """The node of a net; constants have their own, an open pin reads 0."""
        if net in (CONSTANT_0, NONE):
            return self.zero
        return self.one if net == CONSTANT_1 else self.base + net

    def net_array(self, nets: Int32s) -> Int32s:
        nodes = np.where(nets >= 2, nets + self.base, self.zero).astype(np.int32)
        nodes[nets == CONSTANT_1] = self.one
        return nodes

    def helpers(self, count: int) -> Int32s:
        self.nodes += count
        return np.arange(self.nodes - count, self.nodes, dtype=np.int32)

    def add(
        self,
        expression: Expression | None,
        names: tuple[str, ...],
        reads: Int32s,
        targets: Int32s,
        joint: bool = False,
    ) -> None:
        """One operation for each row of `reads`, whose columns are the values of `names`."""
        if expression is not None:
            used = names if joint else tuple(n for n in names if n in variables(expression))
            reads = reads[:, [names.index(name) for name in used]]
            positional = {name: Variable(f"i{i}") for i, name in enumerate(used)}
            expression = substitute(expression, positional)
        operation = Operation(expression=expression, inputs=reads.shape[1], joint=joint)
        number = self.operations.setdefault(operation, len(self.operations))
        self.kind.append(np.full(len(targets), number, dtype=np.int32))
        self.target.append(targets)
        self.reads.append(np.ascontiguousarray(reads, dtype=np.int32))

    def add_one(self, expression: Expression, values: Mapping[str, int]) -> int:
        """A node with one function of nodes; literals and constants need no operation."""
        if isinstance(expression, Variable) and values[expression.name] not in self.constants:
            return values[expression.name]
        names = variables(expression)
        reads = tuple(values[name] for name in names)
        known = self._node_of.get((expression, reads))
        if known is None:
            value = self.constant_value(expression, values)
            if value is not None:
                known = self.one if value else self.zero
            else:
                known = self.nodes
                self.nodes += 1
                self._single.setdefault((expression, names), []).append((reads, known))
            self._node_of[(expression, reads)] = known
        return known

    def _add_singles(self) -> None:
        """Operations asked for one by one, those of a kind together."""
        for (expression, names), uses in self._single.items():
            reads = np.array([reads for reads, _ in uses], dtype=np.int32)
            targets = np.array([target for _, target in uses], dtype=np.int32)
            self.add(expression, names, reads.reshape(len(uses), len(names)), targets)
        self._single.clear()

    def constant_value(self, expression: Expression, values: Mapping[str, int]) -> bool | None:
        """The function's value if the constants among its inputs settle it."""
        names = variables(expression)
        known = {
            n: Constant(self.constants[values[n]]) for n in names if values[n] in self.constants
        }
        if not known and names:
            return None
        rest = tuple(name for name in names if name not in known)
        if len(rest) > MAX_STATE_VARIABLES:
            return None
        table = truth_table(substitute(expression, known), rest)
        return bool(table[0]) if (table == table[0]).all() else None

    def order(self) -> Ordered:
        """Levelise and give out slots.

        Raises
        ------
        DesignError : a combinational loop; names nets of it
        """
        self._add_singles()
        operations = tuple(self.operations)
        kind = np.concatenate([np.zeros(0, np.int32), *self.kind])
        target = np.concatenate([np.zeros(0, np.int32), *self.target])
        widths = [reads.shape[1] for reads in self.reads]
        counts = np.concatenate(
            [
                np.zeros(0, np.int64),
                *(np.full(len(r), w) for r, w in zip(self.reads, widths, strict=True)),
            ]
        ).astype(np.int64)
        start = np.concatenate([[0], np.cumsum(counts)])
        reads = np.concatenate([np.zeros(0, np.int32), *(r.ravel() for r in self.reads)])
        level = self._levels(target, start, reads)
        order = np.lexsort((kind, level))
        order = order[level[order] >= 0]
        slot = np.full(self.nodes, NONE, dtype=np.int32)
        slot[: self.base] = np.arange(self.base)
        slot[target[order]] = self.base + np.arange(len(order), dtype=np.int32)
        key = level[order].astype(np.int64) * max(len(operations), 1) + kind[order]
        bounds = np.flatnonzero(np.diff(key, prepend=-1))
        run_kind = kind[order][bounds].astype(np.int64)
        run_count = np.diff(np.append(bounds, len(order)))
        place = np.zeros(len(order), dtype=np.int64)
        same = np.argsort(kind[order], kind="stable")
        first_of_kind = np.searchsorted(kind[order][same], np.arange(len(operations)))
        place[same] = np.arange(len(order)) - first_of_kind[kind[order][same]]
        widths_of = np.array([operation.inputs for operation in operations], dtype=np.int64)
        length = np.diff(start)[order]
        read_start = np.concatenate([[0], np.cumsum(length)])
        flat = np.repeat(start[:-1][order] - read_start[:-1], length) + np.arange(read_start[-1])
        runs = Runs(
            operation=run_kind,
            first=self.base + bounds,
            count=run_count,
            offset=place[bounds],
            start=read_start[bounds],
            reads=slot[reads[flat]],
        )
        assert (np.diff(start)[order] == widths_of[kind[order]]).all()
        place_of = np.zeros(self.base + len(order), dtype=np.int64)
        place_of[self.base :] = place
        kind_of = np.concatenate([np.full(self.base, NONE), kind[order]])
        return Ordered(
            slot=slot, operations=operations, runs=runs, operation=kind_of, place=place_of
        )

    def _levels(self, target: Int32s, start: Int64s, reads: Int32s) -> Int32s:
        """The level of each operation; -1 for those that hang on something unmapped."""
        count = len(target)
        level = np.full(count, -1, dtype=np.int32)
        by_read = np.argsort(reads, kind="stable")
        owner = np.repeat(np.arange(count), np.diff(start))[by_read]
        fan_start = np.searchsorted(reads[by_read], np.arange(self.nodes + 1))
        pending = np.diff(start) - np.bincount(
            np.repeat(np.arange(count), np.diff(start))[reads < self.base], minlength=count
        )
        ready = np.flatnonzero(pending == 0)
        depth = 0
        while len(ready):
            level[ready] = depth
            depth += 1
            done = target[ready]
            first, length = fan_start[done], fan_start[done + 1] - fan_start[done]
            total = int(length.sum())
            offset = np.repeat(first - np.concatenate([[0], np.cumsum(length)[:-1]]), length)
            hit = owner[np.arange(total) + offset]
            np.subtract.at(pending, hit, 1)
            hit = np.unique(hit)
            ready = hit[pending[hit] == 0]
        self._refuse_loops(level, target, start, reads)
        return level

    def _refuse_loops(
        self,
        level: Int32s,
        target: Int32s,
        start: Int64s,
        reads: Int32s,
    ) -> None:
        """Operations without a level hang on an undriven node, or on each other: a loop."""
        left = np.flatnonzero(level < 0)
        if not len(left):
            return
        driven = np.zeros(self.nodes, dtype=bool)
        driven[: self.base] = True
        driven[target] = True
        dead = ~driven
        while True:  # what an undriven node reaches
            hanging = [i for i in left.tolist() if dead[reads[start[i] : start[i + 1]]].any()]
            new = [i for i in hanging if not dead[target[i]]]
            if not new:
                break
            dead[target[new]] = True
        loop = [i for i in left.tolist() if not dead[target[i]]]
        if loop:
            names = [
                self.net_names[int(target[i]) - self.base]
                for i in loop[:5]
                if self.base <= target[i] < self.base + len(self.net_names)
            ]
            raise DesignError(
                f"combinational loop through {', '.join(names)}"
                f"{' and others' if len(loop) > 5 else ''}; replay needs logic without loops"
            )
