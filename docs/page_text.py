"""Markdown for the generated reference pages."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Any


def slug(name: str) -> str:
    """The anchor of a heading."""
    return name.replace(" ", "-")


def code(value: Any) -> str:
    """A default value as Markdown code."""
    return "required" if value is dataclasses.MISSING else f"`{value!r}`".replace("'", '"')


def plain(text: str) -> str:
    """Text of the program for a Markdown page, with the special characters escaped."""
    parts = re.split(r"(`[^`]*`)", text.replace("``", "`"))
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_|<>\[\]{}$])", r"\\\1", part)
        for part in parts
    )


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("\n", " ") for cell in line) + " |" for line in lines
    )


def fence(language: str, text: str) -> str:
    """A Markdown code block."""
    return f"```{language}\n{text.strip()}\n```"


def page(parts: list[str]) -> str:
    """A generated page from its parts."""
    note = "% Written by docs/generate.py from the code; edit the code.\n\n"
    return note + "\n\n".join(part for part in parts if part) + "\n"


def limits(described: Any) -> str:
    """The values that a parameter may have, from the metadata of its field."""
    names = ("choices", "minimum", "above", "maximum")
    choices, low, above, high = (described.get(name) for name in names)
    if choices is not None:
        return ", ".join(f"`{choice}`" for choice in choices)
    if low is None and above is None:
        return "" if high is None else f"up to {bound(high)}"
    lowest = f"above {bound(above)}" if low is None else bound(low)
    if high is not None:
        return f"{lowest} to {bound(high)}"
    return lowest if low is None else f"at least {lowest}"


def bound(value: float) -> str:
    """A limit as a number."""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
