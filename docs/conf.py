"""The site: `make docs` builds it into build/docs, every warning an error.

Pages are the Markdown files of this folder. Those of reference/ are written from the code, and the
notebooks are run, each time the site is built. Links within the site are checked; those that leave
it are listed in external_links.txt beside the pages, and never fetched.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import generate  # noqa: E402

import chipdse  # noqa: E402

project = "chipdse"
author = "the chipdse developers"
copyright = "the chipdse developers, Apache-2.0"
release = version = chipdse.__version__

extensions = ["myst_nb", "sphinx.ext.mathjax"]
exclude_patterns = ["**.ipynb_checkpoints"]
html_theme = "furo"
html_title = f"chipdse {release}"
html_show_sphinx = False
smartquotes = False  # they would turn the options of a command into dashes
templates_path: list[str] = []
nitpicky = True
# Listings of our own formats (sweep output, file trees) have no lexer; a typo in a language has.
highlight_language = "none"

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]

# Run, not trusted: outputs in the repository are for those who read them there.
nb_execution_mode = os.environ.get("CHIPDSE_DOCS_NOTEBOOKS", "force")
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_execution_in_temp = True
nb_merge_streams = True
nb_execution_show_tb = True
nb_output_stderr = "remove"

# A page named search would be overwritten by the site's own: docs/concepts/searching.md.
# Markdown outside this folder that is a page of the site.
INCLUDED = {
    "../../benchmarks/README.md": "../figures/measurements.md",
    "../../tools/characterise/README.md": "../concepts/characterising.md",
}

_external: set[str] = set()


def _collect(app: Any, doctree: Any, page: str) -> None:
    for node in doctree.findall():
        address = node.get("refuri", "") if hasattr(node, "get") else ""
        if address.startswith(("http://", "https://")):
            _external.add(f"{address}  ({page})")


def _write_external(app: Any, error: Exception | None) -> None:
    if error is None:
        (Path(app.outdir) / "external_links.txt").write_text("\n".join(sorted(_external)) + "\n")


def _inside(app: Any, page: str, source: list[str]) -> None:
    """Lead links to Markdown elsewhere in the repository to the page that includes it."""
    for elsewhere, name in INCLUDED.items():
        source[0] = source[0].replace(f"]({elsewhere}", f"]({name}")


def setup(app: Any) -> None:
    """Write the reference, then watch for links that leave the site."""
    generate.write_reference(HERE / "reference")
    app.connect("source-read", _inside)
    app.connect("doctree-resolved", _collect)
    app.connect("build-finished", _write_external)
