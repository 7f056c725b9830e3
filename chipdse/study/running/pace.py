"""How often something that only informs may be done, so that it never costs much."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

SHARE = 0.02
"""Of the time that passes, so much may go into it."""


@dataclass(kw_only=True)
class Pace:
    """Something that takes longer as a study grows, and is done less often then.

    least_s : between two times at least [s]
    """

    least_s: float = 0.0
    _ended: float = field(default_factory=time.monotonic)
    _took: float = 0.0

    def is_due(self) -> bool:
        """Whether it may be done again."""
        pause = max(self.least_s, self._took / SHARE)
        return time.monotonic() - self._ended >= pause

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Around doing it."""
        start = time.monotonic()
        yield
        self._ended = time.monotonic()
        self._took = self._ended - start
