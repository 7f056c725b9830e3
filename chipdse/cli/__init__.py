"""The command line: each verb parses, calls one function and prints.

A verb is a module in this folder with `add(verbs)`, which declares its parser and sets `run`:
a function from the parsed arguments to an exit code. Results go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import errno
import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from chipdse import __version__
from chipdse.errors import ChipdseError, DesignError
from chipdse.secret_names import without_url_secrets

_MODULE_OF = {
    "blocks": "blocks",
    "new": "new",
    "sim": "simulate",
    "eval": "design",
    "sweep": "sweep",
    "front": "front",
    **dict.fromkeys(("report", "explore", "plot"), "report"),
    "status": "status",
    "cache": "cache",
    "trace": "traces.trace",
    "leakage": "traces.leakage",
    "stages": "stages",
    "export": "export",
    "import-results": "results",
    "compare": "compare",
    **dict.fromkeys(("sta", "power"), "netlist"),
    "place": "place",
    "package": "package",
    "map": "application.map",
    "chip": "application.chip",
    "library": "library.verbs",
    "completion": "completion",
    "mcp": "mcp.verb",
}


def _line(message: str) -> str:
    """A message as one printable line without passwords: it can quote a file's name or content."""
    text = "; ".join(without_url_secrets(message).splitlines())
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, exit code 2.

    A word that begins like a negative number is a value, as in Python 3.14: `--temperature -40C`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._negative_number_matcher = re.compile(r"-\.?\d")

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {_line(message)} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def build_parser(verb: str = "") -> argparse.ArgumentParser:
    """The command line, one sub-parser per verb; for a known `verb` only its module is loaded."""
    parser = OneLineParser(
        prog="chipdse",
        description="Design-space exploration of energy-efficient chips.",
        epilog="example: chipdse sweep sweeps/mac_array.toml",
    )
    parser.add_argument("--version", action="version", version=f"chipdse {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    modules = [_MODULE_OF[verb]] if verb in _MODULE_OF else dict.fromkeys(_MODULE_OF.values())
    for name in modules if verb != "--version" else ():
        importlib.import_module(f"chipdse.cli.{name}").add(verbs)
    return parser


def verb_parsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of a parser's verbs, by name."""
    actions = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return {name: inner for action in actions for name, inner in action.choices.items()}


def _meant(word: str, known: Sequence[str]) -> str:
    """A suggestion for a mistyped word; empty if none is near."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _check_verb(word: str) -> None:
    """Leave with one line if a word is not a verb."""
    if word and not word.startswith("-") and word not in _MODULE_OF:
        meant = _meant(word, list(_MODULE_OF))
        print(
            f"chipdse: {_line(repr(word))} is not a verb{meant} (see chipdse --help)",
            file=sys.stderr,
        )
        raise SystemExit(2)


def _check_options(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Leave with one line for the first option that a verb does not have."""
    verbs: Any = verb_parsers(parser)
    for word in words:
        if word == "--":
            return
        if word in verbs:
            parser, verbs = verbs[word], verb_parsers(verbs[word])
            continue
        option = word.partition("=")[0]
        known = list(parser._option_string_actions)
        if option.startswith("--") and not any(name.startswith(option) for name in known):
            parser.error(f"{option!r} is not an option{_meant(option, known)}")


def _discard_output() -> None:
    """Connect stdout to nothing, so that the end of the process does not fail to write the rest."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 0 done, 1 it ran and failed, 2 wrong input."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if not words:
        build_parser().print_help(sys.stderr)
        print("chipdse: no verb is given (see chipdse --help)", file=sys.stderr)
        raise SystemExit(2)
    _check_verb(words[0])
    parser = build_parser(words[0])
    _check_options(parser, words)
    arguments = parser.parse_args(words)
    try:
        code: int = arguments.run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except ChipdseError as error:
        print(f"chipdse {arguments.verb}: {_line(str(error))}", file=sys.stderr)
        return 2 if isinstance(error, DesignError) else 1
    except MemoryError as error:
        amount = f" ({_line(str(error))})" if str(error) else ""
        print(
            f"chipdse {arguments.verb}: this machine has too little free memory{amount}; end other "
            "programs, or evaluate a smaller design",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        _discard_output()
        print(
            f"chipdse {arguments.verb}: the output cannot be written ({error.strerror}); free some "
            "space, or write it elsewhere",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        again = "; run the same command again to go on" if arguments.verb == "sweep" else ""
        print(f"chipdse {arguments.verb}: interrupted{again}", file=sys.stderr)
        return 130
    return code
