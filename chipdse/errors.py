"""What can go wrong, as three kinds. Only the command line turns them into exit codes.

ChipdseError
├── DesignError       your input is wrong                         exit 2
├── ToolError         an outside program failed; names its log    exit 1
│   └── MachineError      nothing can run here: missing program, full disk
│       └── KilledError       a signal ended the program: worth another try
│           └── CrashedError      the signal was for a fault of its own
└── InfeasibleError   legal, but misses a limit; a sweep records it   exit 1
"""

from __future__ import annotations

from pathlib import Path


class ChipdseError(Exception):
    """One line for people: what was given, why it is wrong, what to write instead."""


class DesignError(ChipdseError):
    """The input is wrong, and the message says what to write instead."""


class ToolError(ChipdseError):
    """An outside program is missing or failed.

    Parameters
    ----------
    message : one line
    log : the tool's complete log, where there is one
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message if log is None else f"{message}; full log: {log}")
        self.log = log


class MachineError(ToolError):
    """This machine lacks what every design needs; no word about the design itself."""


class KilledError(MachineError):
    """A program was ended from outside, most often because the memory is used up."""


class CrashedError(KilledError):
    """A program ended itself by an illegal operation; if it does so again, the design causes it."""


class InfeasibleError(ChipdseError):
    """The design is legal but cannot be built or misses a limit; says by how much."""
