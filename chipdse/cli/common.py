"""Functions that the verbs share: declare a parser, check file names, print JSON.

The modules of this folder import no library at their top: NumPy, pandas, Optuna and Amaranth take
seconds to load, which ``--help`` and a mistyped file name need not wait for. A verb imports what
it needs when it runs, after it has checked that the named files exist.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import library_names
from chipdse.reading import check_exist

if TYPE_CHECKING:
    from chipdse.api.study import Study
    from chipdse.technology.citations import Reference

    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Verbs = Any

DEFAULT_DRAWS = 1024


def write_bibtex(path: Path, references: Sequence[Reference]) -> None:
    """Write publications as a BibTeX file.

    Raises
    ------
    DesignError : the file cannot be written
    """
    from chipdse.store.files import write_whole
    from chipdse.technology.citations import bibtex_of

    try:
        write_whole(path, bibtex_of(references))
    except OSError as error:
        raise DesignError(f"--bibtex {str(path)!r}: {error.strerror}") from error


def range_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options that draw constants from their ranges and print intervals."""
    parser.add_argument(
        "--ranges",
        action="store_true",
        help="draw constants from the ranges that their sources give, and print intervals",
    )
    parser.add_argument(
        "--draws",
        type=int,
        metavar="N",
        help=f"number of draws of --ranges; default {DEFAULT_DRAWS}",
    )


def draws_of(arguments: argparse.Namespace) -> int | None:
    """Return the number of draws that `range_options` ask for; None without ``--ranges``.

    Raises
    ------
    DesignError : ``--draws`` without ``--ranges``
    """
    if arguments.ranges:
        return DEFAULT_DRAWS if arguments.draws is None else int(arguments.draws)
    if arguments.draws is not None:
        raise DesignError(f"--draws {arguments.draws} needs --ranges; add it, or leave --draws out")
    return None


def add_verb(
    verbs: Verbs, name: str, summary: str, example: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Declare a verb; `example` is the last part of ``chipdse VERB --help``."""
    parser = verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_liberty(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, text: str, *, required: bool = False
) -> None:
    """Declare ``--liberty FILE``, which may be repeated; `text` is its help."""
    parser.add_argument(
        "--liberty",
        type=Path,
        action="append",
        default=None if required else [],
        required=required,
        metavar="FILE",
        help=text,
    )


def add_objectives(parser: argparse.ArgumentParser) -> None:
    """Options that name the objectives of a table (.csv)."""
    for option in ("--minimize", "--maximize"):
        parser.add_argument(
            option,
            nargs="+",
            action="extend",
            default=[],
            metavar="COLUMN",
            help=f"column of a table (.csv) to {option[2:]}",
        )


def check_block_file(name: str) -> None:
    """Raise DesignError if a block is named by a description (.toml) that does not exist."""
    if not name.endswith(".toml"):
        return
    path = Path(name).absolute()
    try:
        path.stat()
    except OSError as error:
        raise DesignError(f"block {str(path)!r}: {error.strerror}") from None


def check_liberty(files: Sequence[Path]) -> None:
    """Raise DesignError if a Liberty file does not exist; the name of a library is accepted."""
    if len(files) == 1 and str(files[0]) in library_names():
        return
    check_exist(*files)


def tell_version(study: Study) -> None:
    """Print on stderr which version computed the points of a study, and what changed since."""
    from chipdse.study.storage.since import version_text

    print(f"{study.folder.path}: {version_text(study.folder)}", file=sys.stderr)


def command(*words: object) -> str:
    """A command that can be pasted into a shell."""
    return shlex.join(map(str, words))


def print_json(value: Any) -> None:
    """Print one JSON document on stdout; nan and infinity become null."""
    print(json.dumps(_plain(value), indent=1, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
