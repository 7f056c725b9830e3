"""What the pages of the documentation say: commands, listings and names, for the tests of them.

A block fenced as `console` is run as typed: lines that begin with `$ `. All other commands, also
those within sentences, are held against the program's parsers.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in [
        ROOT / "README.md",
        ROOT / "benchmarks" / "README.md",
        ROOT / "tools" / "characterise" / "README.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
    if page.parent != ROOT / "docs" / "reference"  # written from the code
)
SHELLS = ("", "sh", "bash", "shell", "console")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A block of code on a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command with its arguments; `whole` unless it stands within a sentence."""

    where: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.where}: {shlex.join(self.words)}"


@functools.cache
def tokens(page: Path) -> list[Token]:
    """A page as Markdown's parser sees it."""
    return MarkdownIt().enable("table").parse(page.read_text())


def listings(page: Path) -> Iterator[Listing]:
    """Fenced and indented blocks."""
    for token in tokens(page):
        if token.type in ("fence", "code_block"):
            line = token.map[0] + 1 if token.map else 0
            yield Listing(page=page, line=line, language=token.info.strip(), text=token.content)


def phrases(page: Path) -> Iterator[str]:
    """What stands in backquotes within sentences and tables."""
    for token in tokens(page):
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content


def typed(listing: Listing) -> list[str]:
    """The lines of a `console` block that someone types."""
    return [line[2:] for line in listing.text.splitlines() if line.startswith("$ ")]


def commands(program: str) -> Iterator[Command]:
    """Every use of a program on all pages."""
    for page in PAGES:
        for listing in listings(page):
            if listing.language in SHELLS:
                text = listing.text.replace("\\\n", " ")
                lines = typed(listing) if listing.language == "console" else text.splitlines()
                for line in lines:
                    yield from parts(line, program, str(listing), whole=True)
        for phrase in phrases(page):
            yield from parts(phrase, program, str(page.relative_to(ROOT)), whole=False)


def parts(line: str, program: str, where: str, *, whole: bool) -> Iterator[Command]:
    """The simple commands of a line that run `program`."""
    if not re.search(rf"(^|[\s&|;]){re.escape(program)}\s", line.strip()):
        return
    parser = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    parser.whitespace_split = True
    simple: list[list[str]] = [[]]
    for word in parser:
        if set(word) <= set("|&;"):
            simple.append([])
        else:
            simple[-1].append(word)
    wanted = program.split()
    for words in simple:
        plain = words[: next((i for i, w in enumerate(words) if w in (">", "<", ">>")), None)]
        if plain[: len(wanted)] == wanted and len(plain) > len(wanted):
            yield Command(where=where, words=tuple(plain[len(wanted) :]), whole=whole)
