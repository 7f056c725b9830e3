"""Descriptions of the program's own objects as Markdown: docstrings, signatures and options."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

import page_text

Parser = argparse.ArgumentParser


def described(name: str, thing: Any, level: int = 2) -> list[str]:
    call = [] if inspect.isclass(thing) else [page_text.fence("python", signature_of(name, thing))]
    return [f"{'#' * level} {name}", *call, docstring_of(inspect.getdoc(thing) or "")]


def signature_of(name: str, function: Callable[..., Any]) -> str:
    """A function's signature as written, on one line or with one parameter per line."""
    signature = inspect.signature(function)
    given, starred = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            given.append("*")
            starred = True
        default = parameter.default
        shown = "..." if callable(default) and default is not parameter.empty else f"{default!r}"
        value = "" if default is parameter.empty else f" = {shown}".replace("'", '"')
        given += (
            [] if parameter.name == "self" else [f"{parameter.name}: {parameter.annotation}{value}"]
        )
    line = f"{name}({', '.join(given)}) -> {signature.return_annotation}"
    if len(line) <= 96:
        return line
    body = "".join(f"    {parameter},\n" for parameter in given)
    return f"{name}(\n{body}) -> {signature.return_annotation}"


def docstring_of(text: str) -> str:
    """A docstring in the house's form as Markdown: sections become headed lists."""
    text = text.replace("``", "`")
    text = re.sub(r"^>>> .*", lambda match: page_text.fence("pycon", match[0]), text, flags=re.M)
    parts = re.split(r"^(Parameters|Returns|Raises|Notes)\n-+\n", text, flags=re.M)
    lines = [listed(parts[0].strip())]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        lines += [f"**{title}**", listed(body.strip())]
    return "\n\n".join(lines)


def listed(text: str) -> str:
    """``name : meaning`` as a list; other lines as they are."""
    lines = []
    for entry in re.split(r"\n(?=\S)", text):
        name, colon, what = entry.partition(" : ")
        shown = f"- `{name}`: {' '.join(what.split())}" if colon and "`" not in name else entry
        lines.append(shown)
    return "\n".join(lines)


def documented(record: type) -> dict[str, str]:
    """The description of each field, from its metadata or from the docstring of the class."""
    meanings = {
        name.strip(): " ".join(text.split())
        for names, text in re.findall(
            r"^(\w[\w, ]*) : (.*(?:\n    .*)*)", inspect.getdoc(record) or "", flags=re.M
        )
        for name in names.split(",")
    }
    fields = {f.name: f.metadata.get("doc", "") for f in dataclasses.fields(record)}
    return {name: doc or meanings.get(name, "") for name, doc in fields.items()}


def spelling_of(action: argparse.Action) -> str:
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    if isinstance(value, tuple):
        value = " ".join(value)
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    if action.choices and not action.metavar:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    return ", ".join(
        f"`{name} {value}`" if value else f"`{name}`" for name in action.option_strings
    )


def help_of(action: argparse.Action) -> str:
    return (action.help or "") % {"default": action.default, "prog": "chipdse"}


def description_of(parser: Parser) -> str:
    return page_text.plain(parser.description or "")
