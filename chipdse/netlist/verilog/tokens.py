"""Tokens of Verilog: names, numbers and punctuation, without blanks, comments and attributes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from chipdse.errors import DesignError
from chipdse.reading import many

# Compiler directives that change nothing in a mapped netlist, with their arguments.
_DIRECTIVE = (
    r"`(?:(?:end)?celldefine|resetall|nounconnected_drive|end_keywords|(?:no)?suppress_faults"
    r"|(?:en|dis)able_portfaults|delay_mode_\w+|accelerate|noaccelerate)\b"
    r"|`(?:timescale|default_nettype|unconnected_drive|begin_keywords|line|pragma)\b[^\n]*+"
)
# Blanks, comments, attributes and such directives. Possessive or atomic, so that a bad file cannot
# make it backtrack; a comment or attribute without its end reaches to the end of the file, so that
# its beginning is searched only once.
_COMMENT = r"//[^\n]*+|/\*[^*]*+" + many(r"\*(?!/)[^*]*+") + r"(?:\*/|\Z)"
_STRING = r'"[^"\\]*+' + many(r'\\.[^"\\]*+') + r'(?:"|\Z)'
_ATTRIBUTE = r"\(\*(?!\))" + many(rf'[^*"]++|{_STRING}|\*(?!\))') + r"(?:\*\)|\Z)"
_SKIP = many(rf"\s++|{_COMMENT}|{_ATTRIBUTE}|{_DIRECTIVE}")
# Verilog allows printable characters only: a terminal obeys others, and those that turn the order
# of letters hide what stands there.
_ESCAPED = r"\\[^\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]++"
_NAME = rf"(?:[A-Za-z_][\w$]*+|{_ESCAPED}(?=\s))"
# What fits without nesting or comments.
_SIMPLE = rf"(?:[^(){{}}\\;/]*+|{_ESCAPED}\s[^(){{}}\\;/]*+)"
_CONNECTION = rf"\s*+\.{_NAME}\s*+\({_SIMPLE}\)\s*+"
_MORE = many(f",{_CONNECTION}")

_SKIPPED = re.compile(_SKIP)
_TOKEN = re.compile(
    _SKIP
    + rf"({_NAME}|`\w++|\d*\s*'[sS]?[bodhBODH]\s*[0-9a-fA-FxXzZ?_]++|'[01xXzZ]|\d++"
    + r'|"[^"\n]*+"|.|\Z)',
    re.DOTALL,
)
INSTANCE = re.compile(rf"{_SKIP}({_NAME})\s++({_NAME})\s*+\(({_CONNECTION}{_MORE})\)\s*+;")
PIN = re.compile(rf"\.({_NAME})\s*+\(({_SIMPLE})\)")
WIRE = re.compile(rf"{_SKIP}wire\s++(?:\[(-?\d++):(-?\d++)\]\s*+)?({_NAME})\s*+;")
HEAD = re.compile(rf"{_SKIP}({_NAME}|\Z)")
IDENTIFIER = re.compile(_NAME)


def unescape(name: str) -> str:
    """A Verilog identifier without its backslash."""
    return name[1:] if name.startswith("\\") else name


class VerilogText:
    """The text of one file, taken token by token from front to back."""

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        self.path = path
        self.position = 0

    def fail(self, message: str, offset: int | None = None) -> NoReturn:
        """Raise with file and line."""
        at = self.position if offset is None else offset
        at = _SKIPPED.match(self.text, at).end()  # type: ignore[union-attr]  # matches the empty
        line = self.text.count("\n", 0, at) + 1
        raise DesignError(f"{self.path}:{line}: {message}")

    def peek(self) -> str:
        """The next token without taking it; empty at the end."""
        match = _TOKEN.match(self.text, self.position)
        return match[1] if match else ""

    def take(self) -> str:
        """The next token; empty at the end."""
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match[1]

    def refuse_directive(self, token: str, offset: int | None = None) -> None:
        """Raise if a token is a directive or a macro, wherever it stands."""
        if token.startswith("`"):
            self.fail(
                f"directive or macro {token!r} is not read; preprocess the file first "
                "(for example with 'iverilog -E')",
                offset,
            )

    def expect(self, wanted: str, where: str) -> None:
        """Take one token that must be `wanted`."""
        before = self.position
        token = self.take()
        if token != wanted:
            self.refuse_directive(token, before)
            self.fail(f"expected {wanted!r} {where}, found {token or 'the end of file'!r}", before)

    def name(self, what: str) -> str:
        """Take an identifier."""
        before = self.position
        token = self.take()
        if IDENTIFIER.match(token + " ") is None:
            self.refuse_directive(token, before)
            self.fail(f"expected {what}, found {token or 'the end of file'!r}", before)
        return unescape(token)
