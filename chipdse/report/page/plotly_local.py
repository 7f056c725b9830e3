"""Plotly for pages that never send anything away: its library, and how charts are set up.

Since version 7 every chart has a button, "Share chart", that uploads it to a cloud unless
`showSendToCloud` says otherwise; the address it would go to is taken out of the library as well.
"""

from __future__ import annotations

import re
from functools import cache

from plotly.offline import get_plotlyjs

CONFIG: dict[str, object] = {"displaylogo": False, "responsive": True, "showSendToCloud": False}
"""Settings of every chart; `page/page.js` has the same."""

# The settings that name a server, with their default values, as the minified library writes them.
_SERVER = re.compile(r'(plotlyServerURL:\{[^{}]*?dflt:)"[^"]*"')


@cache
def plotly_library() -> str:
    """The text of Plotly's library without the address of its upload."""
    return _SERVER.sub(r'\1""', get_plotlyjs())
