"""Parts of which the pages are made: files beside this one, escaped text, tables."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from chipdse.report.page.data import as_script
from chipdse.report.page.plotly_local import plotly_library


def filled(page: str, parts: Mapping[str, str]) -> str:
    """A page with the part of that name in place of each ``{{name}}``.

    In one pass: text that was filled in may contain ``{{``.
    """
    pieces = page.split("{{")
    texts = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        texts += [parts[name], rest]
    return "".join(texts)


def framed(content: str, parts: Mapping[str, str], *, asks_server: bool) -> str:
    """A whole page: a file of the pages within `frame.html`, which has its head and its end.

    Parameters
    ----------
    content : name of the file, without ``.html``
    asks_server : the page may ask the program that serves it, as `chipdse explore` does; no page
        asks another place
    """
    frame = {
        "style": asset("page.css"),
        "connections": "connect-src 'self'; " if asks_server else "",
        "content": filled(asset(f"{content}.html"), parts),
    }
    return filled(asset("frame.html"), {**parts, **frame})


def loader(data: Any, scripts: Sequence[str]) -> str:
    """The end of a page: its data, Plotly, and its script, which run once the text is painted.

    Parameters
    ----------
    scripts : names of the files that make up the script, without ``.js``
    """
    parts = {
        "data": as_script(data),
        "plotly": plotly_library(),
        "script": "\n".join(asset(f"{name}.js") for name in scripts),
    }
    return filled(asset("loader.html"), parts)


def asset(name: str) -> str:
    """The text of a file of the pages."""
    return resources.files("chipdse.report").joinpath("page", name).read_text("utf-8")


def escaped(value: object) -> str:
    """Text that a page shows as it is."""
    return html.escape(str(value))


def html_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of texts, which scrolls sideways if it is wider than the page."""
    head = "".join(f'<th class="text">{escaped(h)}</th>' for h in heads)
    body = "".join(
        "<tr>" + "".join(f'<td class="text">{escaped(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return (
        '<div class="scroll" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
