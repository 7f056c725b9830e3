"""Options that several verbs of `chipdse library` have."""

from __future__ import annotations

import argparse


def add_process(parser: argparse.ArgumentParser) -> None:
    """Declare the option that selects a process corner."""
    parser.add_argument(
        "--process",
        metavar="NAME",
        help="transistors: typical, slow or fast, where the library has them; default typical",
    )
