"""Which sampler proposes the points, by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler

from chipdse.errors import DesignError
from chipdse.study.question.sampler_names import SAMPLERS
from chipdse.study.question.space import Space
from chipdse.study.search.unrepeated import InOrder, OneEach, Unrepeated

SLOW_SUGGESTIONS = 2
"""Proposals by Optuna's Gaussian process before a point is drawn: each takes a fit, and repeated
fits seldom propose another point."""


def _tpe(space: Space, seed: int) -> BaseSampler:
    startup = min(10, max(4, space.size // 10))
    return OneEach(TPESampler(seed=seed, n_startup_trials=startup), space, seed)


def _nsga2(space: Space, seed: int) -> BaseSampler:
    return Unrepeated(NSGAIISampler(seed=seed, population_size=20), space, seed)


def _gp(space: Space, seed: int) -> BaseSampler:
    check_sampler("gp")  # Optuna imports torch at the first suggestion
    return OneEach(GPSampler(seed=seed), space, seed, SLOW_SUGGESTIONS)


def _lattice(space: Space, seed: int) -> BaseSampler:
    from chipdse.study.search.lattice import Lattice  # scikit-learn takes a second to import

    return Lattice(space, seed)


_SAMPLERS: dict[str, Callable[[Space, int], BaseSampler]] = {
    "gp": _gp,
    "grid": lambda space, seed: InOrder(space),
    "lattice": _lattice,
    "nsga2": _nsga2,
    "random": lambda space, seed: Unrepeated(None, space, seed),
    "tpe": _tpe,
}


def check_sampler(name: str) -> None:
    """Refuse a sampler that lacks a package.

    Raises
    ------
    DesignError : it does
    """
    if name == "gp" and importlib.util.find_spec("torch") is None:
        raise DesignError(
            "sampler 'gp' is Optuna's and needs torch: pip install 'chipdse[gp]'; "
            "or use sampler 'lattice', which needs nothing more"
        )


def choose_sampler(space: Space, trials: int) -> str:
    """What "auto" stands for: every point if the budget covers the space, else "lattice"."""
    count = space.size if space.every is None else len(space.every)
    return "grid" if count <= trials else "lattice"


def make_sampler(name: str, space: Space, trials: int, seed: int) -> BaseSampler:
    """The sampler of that name; "auto" is what `choose_sampler` says.

    Samplers read the study afresh at every trial, so one made anew for each trial, with a seed of
    its own, continues an interrupted study exactly where it stopped.

    Raises
    ------
    DesignError : no such sampler, or it lacks a package
    """
    if name == "auto":
        name = choose_sampler(space, trials)
    if name not in _SAMPLERS:
        raise DesignError(f"sampler {name!r} is unknown; use one of {', '.join(SAMPLERS)}")
    return _SAMPLERS[name](space, seed)
