"""Ctrl-C, and the SIGTERM by which a queue ends a job, only where nothing is half-done.

KeyboardInterrupt within a transaction leaves it open, and with it a lock that the next one, which
gives the trials under way back, would wait for.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Holds an interrupt back while it is entered, until the next `let_in`; a second comes at once.

    Only those that would raise KeyboardInterrupt, and only in the main thread, where they arrive.
    """

    def __init__(self) -> None:
        self._held: list[signal.Signals] = []
        self._came = self._open = False

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is signal.default_int_handler:
                    signal.signal(number, self._note)
                    self._held.append(number)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        for number in self._held:
            signal.signal(number, signal.default_int_handler)
        if self._came and error is None:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        again, self._came = self._came, True
        if again or self._open:
            raise KeyboardInterrupt

    @contextmanager
    def let_in(self) -> Iterator[None]:
        """While this waits, an interrupt that came or comes is raised."""
        if self._came:
            raise KeyboardInterrupt
        self._open = True
        try:
            yield
        finally:
            self._open = False
