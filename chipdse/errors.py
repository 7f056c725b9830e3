"""The errors of chipdse, of three kinds. Only the command line turns them into exit codes.

ChipdseError
├── DesignError       your input is wrong                         exit 2
├── ToolError         an outside program failed; names its log    exit 1
│   └── MachineError      nothing can run here: missing program, full disk
│       └── KilledError       a signal ended the program; a retry may succeed
│           └── CrashedError      the program itself caused the signal
└── InfeasibleError   legal, but misses a limit; a sweep records it   exit 1
"""

from __future__ import annotations

from pathlib import Path


class ChipdseError(Exception):
    """Base of all errors. The text is one line: what was given, why it is wrong, what to write.

    Control characters, which a name in a damaged file may contain, are written as escapes.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if text.isprintable():
            return text
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class DesignError(ChipdseError):
    """The input is wrong, and the message says what to write instead."""


class ToolError(ChipdseError):
    """An outside program is missing or failed.

    Parameters
    ----------
    message : one line
    log : the tool's complete log, if it wrote one
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message if log is None else f"{message}; full log: {log}")
        self.log = log


class MachineError(ToolError):
    """This machine lacks something that every design needs; the design itself is not at fault."""


class KilledError(MachineError):
    """A signal from outside ended a program, most often because the memory is exhausted."""


class CrashedError(KilledError):
    """A program crashed by an illegal operation; if it crashes again, the design causes it."""


class InfeasibleError(ChipdseError):
    """The design is legal but cannot be built or misses a limit; the message states the amount."""
