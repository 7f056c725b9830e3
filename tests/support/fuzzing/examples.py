"""How many examples Hypothesis tries: all in a complete run, fewer where cases are left out."""

from __future__ import annotations

from hypothesis import settings

STEADY, FEW, FEWEST = "steady", "few", "fewest"
"""Profiles: of a run with every case (`make test-all`, a file alone), of `make test`, and of `make
check`."""
_MOST, _FEW, _FEWEST = 100, 25, 15

# The same examples every time, and no time limit for one: a slow machine is no fault.
settings.register_profile(STEADY, deadline=None, derandomize=True, max_examples=_MOST)
settings.register_profile(FEW, parent=settings.get_profile(STEADY), max_examples=_FEW)
settings.register_profile(FEWEST, parent=settings.get_profile(STEADY), max_examples=_FEWEST)


def examples(most: int) -> settings:
    """Settings of a test whose example takes long: so many in a complete run, 25 % of them in `make
    test`."""
    return settings(max_examples=max(2, most * settings().max_examples // _MOST))
