"""Logic as data: one-bit gates that can be counted, and built with registers across them.

Adders and multipliers differ in how they connect a few kinds of gates. Written down as a network,
before any hardware, their gates and levels can be counted and compared with the literature, and
pipeline registers can be put between any two levels.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value

from chipdse_hdl.gates.arithmetic import when


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a gate does, and how long it takes: in AND gates, so that an XOR is worth two."""

    levels: int
    function: Callable[..., Any]


KINDS = {
    "not": Kind(levels=0, function=operator.invert),
    "and": Kind(levels=1, function=lambda a, b: a & b),
    "or": Kind(levels=1, function=lambda a, b: a | b),
    "xor": Kind(levels=2, function=lambda a, b: a ^ b),
    # (generate, propagate, generate below): the carry of two neighbouring groups.
    "carry_out": Kind(levels=1, function=lambda g, p, below: g | (p & below)),
    "mux": Kind(levels=1, function=lambda choose, yes, no: (choose & yes) | (~choose & no)),
    # A full adder's two halves.
    "sum": Kind(levels=4, function=lambda a, b, c: a ^ b ^ c),
    "carry": Kind(levels=3, function=lambda a, b, c: (a & b) | (c & (a ^ b))),
}


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One gate of a network, or an input (kind "input").

    level : of its output; inputs are at level 0
    """

    kind: str
    inputs: tuple[int, ...]
    level: int
    name: str


@dataclass(kw_only=True)
class Network:
    """Gates in an order in which each follows what it reads. A bit is the number of its gate."""

    gates: list[Gate] = field(default_factory=list)

    ZERO = -1  # bits that are constant have no gate
    ONE = -2

    def inputs(self, name: str, count: int) -> list[int]:
        """The bits of an input word, the lowest first."""
        return [
            self._add(Gate(kind="input", inputs=(), level=0, name=f"{name}_{bit}"))
            for bit in range(count)
        ]

    def gate(self, kind: str, *inputs: int, name: str) -> int:
        """The output of a new gate; none is made where constant inputs decide."""
        if min(inputs) < 0:
            return self._simplified(kind, inputs, name)
        level = KINDS[kind].levels + max(self.gates[bit].level for bit in inputs)
        return self._add(Gate(kind=kind, inputs=inputs, level=level, name=name))

    def _add(self, gate: Gate) -> int:
        self.gates.append(gate)
        return len(self.gates) - 1

    def _simplified(self, kind: str, inputs: tuple[int, ...], name: str) -> int:
        zeros, ones = inputs.count(self.ZERO), inputs.count(self.ONE)
        open_ = tuple(bit for bit in inputs if bit >= 0)
        match kind:
            case "not":
                return self.ONE if zeros else self.ZERO
            case "and":
                return self.ZERO if zeros else (*open_, self.ONE)[0]
            case "or":
                return self.ONE if ones else (*open_, self.ZERO)[0]
            case "xor" | "sum":
                rest = self._xor(open_, name)
                return self.gate("not", rest, name=f"{name}_n") if ones % 2 else rest
            case "carry":
                if zeros == ones == 1:
                    return open_[0]
                if zeros >= 2 or ones >= 2:
                    return self.ONE if ones >= 2 else self.ZERO
                return self.gate("or" if ones else "and", *open_, name=name)
            case "carry_out":
                generate, propagate, below = inputs
                both = self.gate("and", propagate, below, name=f"{name}_p")
                return self.gate("or", generate, both, name=name)
            case "mux":
                choose, yes, no = inputs
                taken = self.gate("and", choose, yes, name=f"{name}_y")
                not_chosen = self.gate("not", choose, name=f"{name}_c")
                left = self.gate("and", not_chosen, no, name=f"{name}_n")
                return self.gate("or", taken, left, name=name)
        raise ValueError(f"{kind!r} is not a kind of gate")

    def _xor(self, bits: tuple[int, ...], name: str) -> int:
        if len(bits) < 2:
            return (*bits, self.ZERO)[0]
        return self.gate("xor", *bits, name=name)

    def level(self, bit: int) -> int:
        """Levels of gates between the inputs and a bit."""
        return 0 if bit < 0 else self.gates[bit].level

    def needed(self, outputs: Sequence[int]) -> list[int]:
        """The gates that have a part in some outputs, in order; inputs too."""
        wanted, marked = [bit for bit in outputs if bit >= 0], set()
        while wanted:
            bit = wanted.pop()
            if bit not in marked:
                marked.add(bit)
                wanted += self._reads(bit)
        return sorted(marked)

    def count(self, outputs: Sequence[int]) -> dict[str, int]:
        """How many gates of each kind some outputs need."""
        kinds = [self.gates[bit].kind for bit in self.needed(outputs)]
        return {kind: kinds.count(kind) for kind in sorted({*kinds} - {"input"})}

    def stages(self, outputs: Sequence[int], cuts: int) -> dict[int, int]:
        """How many registers precede each gate that some outputs need, cut in equal parts."""
        depth = max((self.level(bit) for bit in outputs), default=0)
        stage_of = {}
        for bit in self.needed(outputs):
            gate = self.gates[bit]
            levels = KINDS[gate.kind].levels if gate.kind in KINDS else 0
            # A gate stands where its middle is.
            middle = 2 * gate.level - levels
            stage_of[bit] = min(cuts, middle * (cuts + 1) // max(2 * depth, 1))
        return stage_of

    def build(
        self,
        m: Module,
        inputs: Mapping[str, Value],
        outputs: Sequence[int],
        enables: Sequence[Value | None] = (),
    ) -> list[Value]:
        """Make hardware of the gates that the outputs need; the outputs' values.

        Parameters
        ----------
        inputs : values of the input words, by name
        enables : one a pipeline stage: the level at which registers stand is chosen so that all
            stages are about equally deep. The registers of a stage load while its enable is high,
            with None always. The outputs come `len(enables)` cycles after the inputs
        """
        cuts = len(enables)
        stage_of = self.stages(outputs, cuts)
        signals = {
            bit: inputs[name][int(index)]
            for bit in stage_of
            for name, _, index in [self.gates[bit].name.rpartition("_")]
            if self.gates[bit].kind == "input"
        }
        signals |= {self.ZERO: Const(0, 1), self.ONE: Const(1, 1)}
        for stage in range(cuts + 1):
            for bit in (bit for bit in stage_of if stage_of[bit] == stage and bit not in signals):
                gate = self.gates[bit]
                signals[bit] = Signal(name=gate.name)
                operands = [signals[operand] for operand in gate.inputs]
                m.d.comb += signals[bit].eq(KINDS[gate.kind].function(*operands))
            if stage < cuts:
                later = {bit for bit in outputs if bit >= 0}
                later |= {i for bit in stage_of if stage_of[bit] > stage for i in self._reads(bit)}
                crossing = sorted(bit for bit in later if stage_of[bit] <= stage)
                register = Signal(len(crossing), name=f"stage_{stage + 1}", reset_less=True)
                with when(m, enables[stage]):
                    m.d.sync += register.eq(Cat(signals[bit] for bit in crossing))
                signals |= dict(zip(crossing, register, strict=True))
        return [signals[bit] for bit in outputs]

    def _reads(self, bit: int) -> list[int]:
        return [operand for operand in self.gates[bit].inputs if operand >= 0]
