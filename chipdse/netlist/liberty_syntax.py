"""Liberty files as text: groups, attributes and their places, at tens of megabytes a second."""

from __future__ import annotations

import gc
import re
from pathlib import Path
from typing import NoReturn

from chipdse.errors import DesignError

# Possessive throughout: a bad file fails at once instead of backtracking.
_SKIP = r"(?:\s++|\\|/\*(?:[^*]|\*(?!/))*+\*/|//[^\n]*+)*+"
_ARGUMENTS = r"[^()\"]*+(?:\"[^\"]*+\"[^()\"]*+)*+"
_STATEMENT = re.compile(
    rf"{_SKIP}(?:"
    rf"([A-Za-z_][\w.]*+){_SKIP}(?:"
    rf"\(({_ARGUMENTS})\){_SKIP}([;{{]?)"
    r"|:[ \t\\]*+(\"[^\"]*+\"|[^;\n{}\"]*+)[ \t]*+;?)"
    r"|(\});?"
    r"|(;)"
    r"|(\Z))"
)
_LIST = re.compile(r"\"[^\"]*\"|[^\s,\"\\]+")


class Group:
    """One ``kind (arguments) { ... }``: simple attributes, complex ones, sub-groups."""

    __slots__ = ("arguments", "complex", "groups", "kind", "offset", "simple")

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
        return [group for group in self.groups if group.kind in kinds]

    def text(self, attribute: str) -> str | None:
        """A simple attribute without quotes, None when absent."""
        value = self.simple.get(attribute)
        return None if value is None else value.strip(' \t\r"')

    def values(self, attribute: str) -> str | None:
        """The arguments of a complex attribute, None when absent; the last one counts."""
        for name, arguments, _ in reversed(self.complex):
            if name == attribute:
                return arguments
        return None


def split_list(text: str) -> list[str]:
    """``"A", "B"`` or ``A B`` as a list of strings."""
    return [each.strip('" \t') for each in _LIST.findall(text)]


class LibertyFile:
    """One file's text and what is in it; knows how to point at a line."""

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        self.path = path

    def fail(self, message: str, offset: int) -> NoReturn:
        """Raise with file and line."""
        line = self.text.count("\n", 0, offset) + 1
        raise DesignError(f"{self.path}:{line}: {message}")

    def library(self) -> Group:
        """The file's `library` group, parsed completely."""
        collecting = gc.isenabled()
        gc.disable()  # nothing here is cyclic garbage; collecting costs a third of the time
        try:
            return self._parse()
        finally:
            if collecting:
                gc.enable()

    def _parse(self) -> Group:
        text, match = self.text, _STATEMENT.match
        root = Group("", "", 0)
        group, stack = root, []
        position = 0
        while True:
            found = match(text, position)
            if found is None:
                self._unexpected(position, group)
            name, arguments, mark, value, close, _, end = found.groups()
            if value is not None:
                group.simple[name] = value
            elif arguments is not None:
                if mark == "{":
                    child = Group(name, arguments, found.start(1))
                    group.groups.append(child)
                    stack.append(group)
                    group = child
                    if len(stack) > 50:
                        self.fail("groups nested deeper than 50 levels", found.start(1))
                else:
                    group.complex.append((name, arguments, found.start(1)))
            elif close is not None:
                if not stack:
                    self.fail("'}' without a group to close", found.start(5))
                group = stack.pop()
            elif end is not None:
                break
            position = found.end()
        if stack:
            line = text.count("\n", 0, group.offset) + 1
            self.fail(
                f"the file ends inside group '{group.kind}' opened in line {line}; expected '}}'",
                len(text),
            )
        libraries = root.of_kind("library")
        if len(libraries) != 1:
            found_kind = root.groups[0].kind if root.groups else "nothing"
            self.fail(
                f"expected one group 'library (name) {{ ... }}', found {found_kind!r}"
                if not libraries
                else "a second group 'library' in one file",
                libraries[1].offset if libraries else 0,
            )
        for name, arguments, offset in (*root.complex, *libraries[0].complex):
            if name == "include_file":
                self.fail(
                    f"include_file ({arguments}) is not followed; put that file's text here", offset
                )
        return libraries[0]

    def _unexpected(self, position: int, group: Group) -> NoReturn:
        skipped = re.compile(_SKIP).match(self.text, position)
        at = skipped.end() if skipped else position
        shown = self.text[at : at + 20].split("\n")[0]
        if not group.kind:
            self.fail(f"expected 'library (name) {{', found {shown!r}; not a Liberty file", at)
        if self.text.startswith("/*", at):
            self.fail("a comment is not closed; expected '*/'", at)
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
