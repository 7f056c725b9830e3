"""What is uncertain in a package evaluation, and how a draw sets it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.technology.constants import Constant

DRAWS = 1024
"""Draws of every uncertain quantity together, unless another number is asked for."""
SEED = 20
"""Seed of the draws; with the same seed every point and every study has the same draws."""
LEAST, MOST = 64, 65_536
_NOT_DRAWN = ("thermal.", "materials.", "links.reach")
_NODE = re.compile(r"n\d+")


@dataclass(frozen=True, kw_only=True)
class Input:
    """One uncertain quantity; inputs are independent of each other.

    name : as results print it
    constants : uniform between their low and high, all at the same share of their ranges: the
        nodes of a table move together
    parameter : of the package instead; it has one of `choices`, all equally likely, or where there
        are none a number that is uniform between `low` and `high`
    block : relative error of the block's power instead, uniform between the bounds of each point
    """

    name: str
    constants: tuple[Constant, ...] = ()
    parameter: str = ""
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    block: bool = False

    def text(self) -> str:
        """Its distribution, for people."""
        if self.choices:
            return f"one of {', '.join(self.choices)}, equally likely"
        if self.constants:
            wide = max(self.constants, key=lambda c: (c.high - c.low) / max(abs(c.value), 1e-300))
            scale = wide.published / wide.value if wide.value else 1.0
            span = f"{wide.low * scale:.4g} to {wide.high * scale:.4g} {wide.unit}"
            return f"uniform, {span}" + (f" ({wide.key})" if len(self.constants) > 1 else "")
        if self.block:
            return "uniform between the errors measured on routed designs"
        return f"uniform, {self.low:g} to {self.high:g}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """Some draws: what replaces the nominal values, an array with one entry per draw each.

    constants : by key, the constant and its values
    names : of parameters of the package: the choices, and the place of the drawn one among them
    numbers : of the other parameters
    block_share : where the error of the block's power lies between its bounds, 0 to 1; None: no
        error
    """

    count: int
    constants: Mapping[str, tuple[Constant, Floats]] = field(default_factory=dict)
    names: Mapping[str, tuple[tuple[str, ...], Int64s]] = field(default_factory=dict)
    numbers: Mapping[str, Floats] = field(default_factory=dict)
    block_share: Floats | None = None

    def repeated(self, systems: int) -> Draws:
        """The draws row by row: each for a number of systems, one after another."""

        def rows(values: NDArray[Any]) -> NDArray[Any]:
            return np.repeat(values, systems)

        return Draws(
            count=self.count * systems,
            constants={k: (c, rows(v)) for k, (c, v) in self.constants.items()},
            names={k: (n, rows(v)) for k, (n, v) in self.names.items()},
            numbers={k: rows(v) for k, v in self.numbers.items()},
            block_share=None if self.block_share is None else rows(self.block_share),
        )


PARAMETERS = (
    Input(
        name="source of carbon per area",
        parameter="fab_carbon",
        choices=("act", "imec_netzero"),
    ),
    Input(
        name="source of yields and prices",
        parameter="cost_model",
        choices=("chiplet_actuary", "catch"),
    ),
    Input(name="gas abatement", parameter="gas_abatement", low=0.95, high=0.99),
)
"""Parameters of the package on which sources disagree or give a range."""
ALTERNATIVES = (("fab_carbon", "imec_netzero"), ("cost_model", "catch"))
"""The second sources by their parameter: they rest on constants that the first ones do not read."""


def inputs_of(
    used: Iterable[Constant], *, fixed: Collection[str] = (), block: bool = False
) -> tuple[Input, ...]:
    """The uncertain quantities of a result.

    Constants of the temperature model are left out, because each draw would need a new mesh, and
    the reach of links, whose range is that of its channels.

    Parameters
    ----------
    used : constants that it rests on, under every alternative
    fixed : parameters of the package that are not drawn, since the question states them
    block : whether errors of the block's power are known
    """
    groups: dict[str, list[Constant]] = {}
    for constant in sorted(used, key=lambda c: c.key):
        if constant.low < constant.high and not constant.key.startswith(_NOT_DRAWN):
            entry, _, variant = constant.key.rpartition(".")
            by_node = _NODE.fullmatch(variant) is not None
            groups.setdefault(entry if by_node else constant.key, []).append(constant)
    inputs = [Input(name=name, constants=tuple(group)) for name, group in groups.items()]
    inputs += [drawn_input for drawn_input in PARAMETERS if drawn_input.parameter not in fixed]
    if block:
        inputs.append(Input(name="layout estimate of the block's power", block=True))
    return tuple(inputs)


def sample(inputs: Sequence[Input], draws: int = DRAWS, seed: int = SEED) -> Floats:
    """Shares of the inputs' ranges, from 0 to 1, as a Latin hypercube [draws x inputs].

    Each input is stratified by itself: every interval of 1/draws has one draw. Points of a Sobol
    sequence would fill planes better, but as few as here they tie pairs of inputs to each other,
    and the share that each decides could not be told apart.

    Raises
    ------
    DesignError : the number of draws is too small or too large
    """
    if not LEAST <= draws <= MOST:
        raise DesignError(f"draws={draws} must be from {LEAST} to {MOST}; write e.g. {DRAWS}")
    if not inputs:
        return np.zeros((draws, 0))
    from scipy.stats import qmc  # half a second to load, and reports without ranges draw nothing

    cube = qmc.LatinHypercube(d=len(inputs), rng=np.random.default_rng(seed))
    return np.asarray(cube.random(draws), dtype=np.float64)


def draws_of(inputs: Sequence[Input], shares: Floats) -> Draws:
    """The draws of some rows of `sample`."""
    constants: dict[str, tuple[Constant, Floats]] = {}
    names: dict[str, tuple[tuple[str, ...], Int64s]] = {}
    numbers: dict[str, Floats] = {}
    block_share = None
    for each, share in zip(inputs, shares.T, strict=True):
        if each.choices:
            names[each.parameter] = each.choices, (share * len(each.choices)).astype(np.int64)
        elif each.parameter:
            numbers[each.parameter] = each.low + share * (each.high - each.low)
        elif each.block:
            block_share = share
        for constant in each.constants:
            values = constant.low + share * (constant.high - constant.low)
            constants[constant.key] = constant, values
    return Draws(
        count=len(shares),
        constants=constants,
        names=names,
        numbers=numbers,
        block_share=block_share,
    )
