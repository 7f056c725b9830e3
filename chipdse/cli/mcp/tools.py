"""A tool for each verb that prints JSON: its schema and its command line, from the verb's parser.

Nothing is stated twice: what `chipdse VERB --help` says of an option is what an assistant reads.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chipdse.cli import build_parser, verb_parsers
from chipdse.errors import DesignError

READ_ONLY = (
    "blocks",
    "stages",
    "status",
    "front",
    "compare",
    "package",
    "sta",
    "power",
    "place",
    "library list",
    "library info",
    "cache info",
    "cache verify",
)
"""Verbs that read what is there. They may fill the cache of results, and write nothing else."""
RUNNING = (
    "eval",
    "sim",
    "sweep",
    "report",
    "plot",
    "export",
    "import-results",
    "map",
    "chip",
    "trace",
    "leakage",
    "new",
    "library export",
    "library characterise",
)
"""Verbs that evaluate designs or write files. None of them deletes a result."""
NOT_OFFERED = (
    # Servers, and text for a shell
    "explore",
    "completion",
    "mcp",
    # They change what others use
    "library get",
    "library add",
    "library remove",
    "cache prune",
)
WRITING = frozenset({"output", "to", "plot", "threedblox", "bibtex", "parquet", "junit"})
"""Options that name a file or folder to write; tools that only read do not have them."""
_LEFT_OUT = frozenset({"help", "json", "follow", "format", "markdown"})
"""Options about the form of the answer, which is JSON."""


_KINDS: Mapping[object, str] = {int: "integer", float: "number"}


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A verb as an assistant sees it.

    words : the verb, with the verb inside it if there is one
    summary : its help
    is_read_only : whether it writes nothing but the cache
    actions : its arguments, by name
    """

    words: tuple[str, ...]
    summary: str
    is_read_only: bool
    actions: Mapping[str, argparse.Action]

    def schema(self) -> dict[str, Any]:
        """The JSON schema of its arguments."""
        required = [name for name, action in self.actions.items() if _is_required(action)]
        return {
            "type": "object",
            "properties": {name: _property(action) for name, action in self.actions.items()},
            "required": required,
            "additionalProperties": False,
        }

    def description(self, name: str) -> dict[str, Any]:
        """Its name, summary, schema and whether it only reads, as JSON values."""
        return {
            "name": name,
            "description": self.summary,
            "read_only": self.is_read_only,
            "input_schema": self.schema(),
        }

    def command(self, arguments: Mapping[str, Any]) -> list[str]:
        """The words of its command line.

        Raises
        ------
        DesignError : an argument that it does not have, lacks, or of another type
        """
        for name in arguments.keys() - self.actions.keys():
            raise DesignError(f"{name!r} is not an argument; write {', '.join(self.actions)}")
        options: list[str] = []
        positional: list[str] = []
        for name, action in self.actions.items():
            value = arguments.get(name)
            if value is None or value is False:
                if _is_required(action):
                    raise DesignError(f"argument {name!r} is missing")
            elif not action.option_strings:
                positional += _texts(name, action, value)
            else:
                options += _option(name, action, value)
        return [*self.words, *positional, *options, "--json"]


def tools(*, allow_run: bool) -> dict[str, Tool]:
    """The tools to offer, by name; those that run something only if that is allowed."""
    offered = (*READ_ONLY, *RUNNING) if allow_run else READ_ONLY
    parsers = dict(_verbs(build_parser()))
    offered_tools = {}
    for verb in offered:
        summary, parser = parsers[verb]
        is_read_only = verb in READ_ONLY
        left_out = _LEFT_OUT | (WRITING if is_read_only else frozenset())
        offered_tools[verb.replace(" ", "_").replace("-", "_")] = Tool(
            words=tuple(verb.split()),
            summary=summary,
            is_read_only=is_read_only,
            actions={
                action.dest: action for action in parser._actions if action.dest not in left_out
            },
        )
    return offered_tools


def _verbs(
    parser: argparse.ArgumentParser, outer: str = ""
) -> Iterator[tuple[str, tuple[str, argparse.ArgumentParser]]]:
    """Each verb with its help and its parser; of verbs with verbs inside them only those."""
    summaries = {
        str(choice.dest): choice.help or ""
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for choice in action._choices_actions
    }
    for name, inner in verb_parsers(parser).items():
        if verb_parsers(inner):
            yield from _verbs(inner, f"{name} ")
        else:
            yield f"{outer}{name}", (summaries[name], inner)


def _is_flag(action: argparse.Action) -> bool:
    return action.nargs == 0


def _is_required(action: argparse.Action) -> bool:
    return action.required and action.nargs not in ("*", "?")


def _is_list(action: argparse.Action) -> bool:
    return action.nargs in ("+", "*") or isinstance(action, argparse._AppendAction)


def _property(action: argparse.Action) -> dict[str, Any]:
    """The JSON schema of one argument."""
    item: dict[str, Any]
    if _is_flag(action):
        item = {"type": "boolean"}
    elif action.choices is not None:
        item = {"type": "string", "enum": [str(choice) for choice in action.choices]}
    else:
        item = {"type": _KINDS.get(action.type, "string")}
    if _is_list(action):
        item = {"type": "array", "items": item}
    names = [action.metavar] if isinstance(action.metavar, str) else []
    text = " ".join([*names, (action.help or "").replace("%%", "%")])
    return {**item, "description": " ".join(text.split())}


def _option(name: str, action: argparse.Action, value: Any) -> list[str]:
    option = max(action.option_strings, key=len)
    if _is_flag(action):
        if value is not True:
            raise DesignError(f"argument {name!r} is {value!r}; write true or false")
        return [option]
    texts = _texts(name, action, value)
    if isinstance(action, argparse._AppendAction) or not _is_list(action):
        return [f"{option}={text}" for text in texts]
    return [option, *texts]


def _texts(name: str, action: argparse.Action, value: Any) -> Sequence[str]:
    """The words of an argument; none of them is taken for an option."""
    values = value if isinstance(value, list) else [value]
    if len(values) != 1 and not _is_list(action):
        raise DesignError(f"argument {name!r} is a list; write one value")
    for item in values:
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            raise DesignError(f"argument {name!r} has {item!r}; write texts or numbers")
        if isinstance(item, str) and (item.startswith("-") or "\0" in item):
            raise DesignError(f"argument {name!r} has {item!r}; write no hyphen at its start")
    return [str(item) for item in values]
