"""The grammar of Liberty files: groups, attributes and their positions in the file.

Every reader of Liberty goes through `LibertyFile`: the full reader, the reader of the head, and the
writer of the reduced library for synthesis. They differ only in which groups they ask for; the
others are passed over by the same lexical rules (strings, escapes, comments, braces).
"""

from __future__ import annotations

import gc
import re
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn

from chipdse.errors import DesignError
from chipdse.reading import many

# Possessive or atomic throughout: a bad file fails at once instead of backtracking.
_COMMENT = r"/\*[^*]*+" + many(r"\*(?!/)[^*]*+") + r"\*/|//[^\r\n]*+"
_SKIP = many(rf"\s++|\\|{_COMMENT}")
_NEST = 5  # levels of groups that one match passes over; cells have four


class _Grammar:
    """The regular expressions of Liberty, given that of a string.

    statement : the next attribute, the start or the end of a group
    inside : what stands inside a group, with `_NEST` levels of groups nested in it
    words : the words of a list, with their quotes
    strings_or_comments : strings as group 1, and comments
    """

    def __init__(self, string: str) -> None:
        # Nearly all arguments are strings alone; the second loop takes the others.
        rest = r"[^()\"/]*+"
        arguments = rest + many(string + rest) + many(rf"(?:{string}|{_COMMENT}|/(?!\*))" + rest)
        # A value without quotes ends at a semicolon, or with its line: several libraries write so.
        rest = r"[^;\r\n{}\"/\\]*+"
        value = rest + many(rf"(?:{_COMMENT}|/(?!\*)|\\\r?\n|\\)" + rest)
        self.statement = re.compile(
            rf"{_SKIP}(?:"
            rf"([A-Za-z_][\w.]*+){_SKIP}(?:"
            rf"\(({arguments})\){_SKIP}([;{{]?)"
            rf"|:{_SKIP}({string}|{value})[ \t]*+;?)"
            r"|(\});?"
            r"|(;)"
            r"|(\Z))"
        )
        plain = rf"[^{{}}\"/]++|{string}|{_COMMENT}|/(?!\*)"
        inside = many(plain)
        for _ in range(_NEST):
            inside = many(rf"{plain}|\{{{inside}\}}")
        self.inside = re.compile(inside)
        self.words = re.compile(rf"{string}|[^\s,\"\\]+")
        self.strings_or_comments = re.compile(rf"({string})|{_COMMENT}")


# Hardly a file has a quote inside a string (\"); without it, strings are found twice as fast.
_PLAIN = _Grammar(r"\"[^\"]*+\"")
_ESCAPED = _Grammar(r"\"[^\"\\]*+" + many(r"\\[\s\S][^\"\\]*+") + r"\"")


def _grammar(text: str) -> _Grammar:
    return _ESCAPED if '\\"' in text else _PLAIN


_CONTINUED = re.compile(r"\\\r?\n")
_NUMBER = re.compile(r"[-+]?(?>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_LONGEST_MESSAGE = 500
_MANY = 30  # from how many parts of a group on they are found by a dictionary
DEEPEST = 50
MOST_GROUPS = 2_000_000  # each takes half a kilobyte; the largest library read has 0.2 million


class Group:
    """One ``kind (arguments) { ... }``: simple attributes, complex ones, sub-groups."""

    __slots__ = (
        "_by_kind",
        "_values",
        "arguments",
        "complex",
        "groups",
        "kind",
        "offset",
        "simple",
    )
    _by_kind: dict[str, list[Group]]  # made when first needed: the bits of a bus share its group
    _values: dict[str, str]

    def __init__(self, kind: str, arguments: str, offset: int) -> None:
        self.kind = kind
        self.arguments = arguments
        self.offset = offset
        self.simple: dict[str, str] = {}
        self.complex: list[tuple[str, str, int]] = []
        self.groups: list[Group] = []

    def names(self) -> list[str]:
        """Its arguments as a list."""
        return split_list(self.arguments)

    def name(self) -> str:
        """Its first argument, empty when it has none."""
        names = self.names()
        return names[0] if names else ""

    def of_kind(self, *kinds: str) -> list[Group]:
        """Its sub-groups of these kinds, in file order."""
        if len(kinds) > 1 or len(self.groups) < _MANY:
            return [group for group in self.groups if group.kind in kinds]
        try:
            return self._by_kind.get(kinds[0], [])
        except AttributeError:
            self._by_kind = {}
            for group in self.groups:
                self._by_kind.setdefault(group.kind, []).append(group)
            return self._by_kind.get(kinds[0], [])

    def text(self, attribute: str) -> str | None:
        """A simple attribute without quotes, None when absent."""
        value = self.simple.get(attribute)
        return None if value is None else plain_text(value)

    def is_true(self, attribute: str) -> bool:
        """Whether a Boolean attribute is true; it may be quoted, and in any case."""
        return (self.text(attribute) or "").lower() == "true"

    def values(self, attribute: str) -> str | None:
        """The arguments of a complex attribute, None when absent; the last one counts."""
        if len(self.complex) < _MANY:
            for name, arguments, _ in reversed(self.complex):
                if name == attribute:
                    return arguments
            return None
        try:
            return self._values.get(attribute)
        except AttributeError:
            self._values = {name: arguments for name, arguments, _ in self.complex}
            return self._values.get(attribute)


def plain_text(written: str) -> str:
    """A value or a list's word without quotes, surrounding blanks and escapes of quotes."""
    text = written.strip(' \t\r\n"')
    return _CONTINUED.sub("", text).replace('\\"', '"') if "\\" in text else text


def list_words(text: str) -> list[str]:
    """``"A", "B"`` or ``A B`` as a list of words as they are written, with their quotes."""
    words: list[str] = _grammar(text).words.findall(text)
    return words


def split_list(text: str) -> list[str]:
    """``"A", "B"`` or ``A B`` as a list of strings."""
    return [plain_text(word) for word in list_words(text)]


class LibertyFile:
    """The text of one file and its groups; errors name file and line."""

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        self.path = path
        self.grammar = _grammar(text)

    def fail(self, message: str, offset: int) -> NoReturn:
        """Raise with file and line."""
        line = self.text.count("\n", 0, offset) + 1
        shown = " ".join(message.split())  # what it quotes may hold line ends, or megabytes
        if len(shown) > _LONGEST_MESSAGE:
            shown = shown[:_LONGEST_MESSAGE] + " ..."
        raise DesignError(f"{self.path}:{line}: {shown}")

    def library(self, kinds: Collection[str] | None = None) -> Group:
        """The file's `library` group.

        Parameters
        ----------
        kinds : which groups inside it are read; groups of other kinds are passed over and left
            out. None reads all of them.

        Raises
        ------
        DesignError : with file, line and what was expected
        """
        collecting = gc.isenabled()
        gc.disable()  # nothing here is cyclic garbage; collecting costs a third of the time
        try:
            root = self._parse(kinds)
        finally:
            if collecting:
                gc.enable()
        return self._only_library(root)

    def head(self, attributes: Collection[str]) -> Group:
        """The `library` group with its own attributes and `operating_conditions` only.

        Cells are passed over, all of them only if something that the head states may stand behind
        the first one.

        Parameters
        ----------
        attributes : parts of the names of what belongs to the head
        """
        root = self._parse({"operating_conditions"}, attributes)
        return self._only_library(root)

    def _parse(self, kinds: Collection[str] | None, until_cell: Collection[str] = ()) -> Group:
        text, match = self.text, self.grammar.statement.match
        root = Group("", "", 0)
        group = root
        stack: list[Group] = []
        position = count = 0
        while True:
            statement = match(text, position)
            if statement is None:
                self._unexpected(position, group)
            name, arguments, mark, value, close, _, end = statement.groups()
            position = statement.end()
            if value is not None:
                if value[:1] != '"' and ("/" in value or "\\" in value):
                    value = _CONTINUED.sub(" ", self._without_comments(value))
                group.simple[name] = value
            elif arguments is not None:
                if "/" in arguments:
                    arguments = self._without_comments(arguments)
                if mark == "{":
                    if kinds is not None and stack and name not in kinds:
                        if name == "cell" and until_cell:
                            if not any(
                                text.find(cell_name, position) >= 0 for cell_name in until_cell
                            ):
                                return root
                            until_cell = ()
                        position = self._pass_over(position, name, statement.start(1))
                        continue
                    child = Group(name, arguments, statement.start(1))
                    group.groups.append(child)
                    stack.append(group)
                    group = child
                    count += 1
                    if len(stack) > DEEPEST:
                        self.fail(f"groups nested deeper than {DEEPEST} levels", statement.start(1))
                    if count > MOST_GROUPS:
                        self.fail(f"more than {MOST_GROUPS} groups in one file", statement.start(1))
                elif name == "include_file":
                    self.fail(
                        f"include_file ({arguments}) is not followed; put that file's text here",
                        statement.start(1),
                    )
                else:
                    group.complex.append((name, arguments, statement.start(1)))
            elif close is not None:
                if not stack:
                    self.fail("'}' without a group to close", statement.start(5))
                group = stack.pop()
            elif end is not None:
                break
        if stack:
            self._not_closed(group.kind, group.offset)
        return root

    def _without_comments(self, text: str) -> str:
        return self.grammar.strings_or_comments.sub(lambda match: match[1] or " ", text)

    def _only_library(self, root: Group) -> Group:
        libraries = root.of_kind("library")
        if len(libraries) != 1:
            content = f"found {root.groups[0].kind!r}" if root.groups else "found no group"
            self.fail(
                f"expected one group 'library (name) {{ ... }}', {content}"
                if not libraries
                else "a second group 'library' in one file",
                libraries[1].offset if libraries else 0,
            )
        return libraries[0]

    def _pass_over(self, position: int, kind: str, offset: int) -> int:
        """Where the group ends whose opening brace stands before `position`."""
        depth = 1
        while depth:
            inside = self.grammar.inside.match(self.text, position)
            position = inside.end() if inside else position
            mark = self.text[position : position + 1]
            if mark == "}":
                depth -= 1
            elif mark == "{":
                depth += 1
                if depth > DEEPEST:
                    self.fail(f"groups nested deeper than {DEEPEST} levels", position)
            elif not mark:
                self._not_closed(kind, offset)
            else:
                self._unclosed(position)
            position += 1
        return position

    def _not_closed(self, kind: str, offset: int) -> NoReturn:
        line = self.text.count("\n", 0, offset) + 1
        self.fail(
            f"the file ends inside group '{kind}' opened in line {line}; expected '}}'",
            len(self.text),
        )

    def _unclosed(self, at: int) -> NoReturn:
        if self.text.startswith("/*", at):
            self.fail("a comment is not closed; expected '*/'", at)
        self.fail("a string is not closed; expected '\"'", at)

    def _unexpected(self, position: int, group: Group) -> NoReturn:
        skipped = re.compile(_SKIP).match(self.text, position)
        at = skipped.end() if skipped else position
        shown = self.text[at : at + 20].split("\n")[0]
        if not group.kind:
            self.fail(f"expected 'library (name) {{', found {shown!r}; not a Liberty file", at)
        if self.text.startswith("/*", at):
            self._unclosed(at)
        name = re.compile(r"[A-Za-z_][\w.]*").match(self.text, at)
        if name is None:
            self.fail(
                f"expected an attribute, a group or '}}' in '{group.kind}', found {shown!r}", at
            )
        after = self.text[name.end() : name.end() + 400].lstrip()[:1]
        if after == "(":
            self.fail(f"the arguments of '{name[0]}' are not closed; expected ')'", at)
        if after == ":":
            self.fail(f"the value of '{name[0]}' is not closed; expected '\"' or ';'", at)
        self.fail(f"expected ':' or '(' after '{name[0]}' in group '{group.kind}'", at)


def number(file: LibertyFile, group: Group, attribute: str, default: float) -> float:
    """A simple attribute as a number."""
    text = group.text(attribute)
    if text is None:
        return default
    return to_number(file, group.offset, attribute, text)


def to_number(file: LibertyFile, offset: int, what: str, text: str) -> float:
    """One finite number, or an error that names `what`."""
    value = float(text) if _NUMBER.fullmatch(text) else float("nan")
    if not abs(value) < float("inf"):
        file.fail(f"{what} is {text!r}; expected a number", offset)
    return value
