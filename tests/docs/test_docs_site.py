"""The site builds without a warning, its reference is complete, its notebooks run.

`make test` runs the code of the notebooks as programs; `make test-all` lets the site run them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from chipdse_hdl import BLOCKS

from chipdse.metrics import METRICS
from chipdse.system.parameters import PackageParameters
from tests.docs.test_docs_commands import VERBS, options
from tests.support import programs
from tests.support.docs_pages import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "tutorial" / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def site(
    request: pytest.FixtureRequest, docs_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The built site; every warning is an error."""
    for name in ("sphinx", "furo", "myst_nb", "ipykernel"):
        pytest.importorskip(name, reason=f"the site needs {name}: the dependency group 'docs'")
    target = tmp_path_factory.mktemp("site")
    notebooks = "off" if "not exhaustive" in request.config.option.markexpr else "force"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q"]
        + ["-d", str(target / "doctrees"), str(ROOT / "docs"), str(target / "html")],
        env=os.environ | {"CHIPDSE_CACHE": str(docs_store), "CHIPDSE_DOCS_NOTEBOOKS": notebooks},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return target / "html"


def text_of(page: Path) -> str:
    """What a reader sees."""
    body = re.sub(r"<(script|style).*?</\1>", "", page.read_text(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", "", body)).split())


@pytest.mark.tools
def test_the_reference_has_all_there_is(site: Path) -> None:
    """Every verb, option, metric, block and parameter is on the pages, with what is said of it."""
    page = text_of(site / "reference" / "command_line.html")
    for verb, parser in VERBS.items():
        assert f"chipdse {verb}" in page
        for one in options(parser):
            if one.dest == "help":
                continue
            for name in one.option_strings or [one.metavar or one.dest]:
                assert str(name) in page, f"chipdse {verb} {name}"
            words = " ".join((one.help or "").replace("%%", "%").split())
            assert words in page, f"chipdse {verb}: {words}"
    page = text_of(site / "reference" / "metrics.html")
    for name, about in METRICS.items():
        assert f"{name} {about['unit']} {about['evidence']}" in page
    page = text_of(site / "reference" / "blocks.html")
    for block in BLOCKS.values():
        for record in (block.parameters, block.workload):
            assert all(name in page for name in record.__dataclass_fields__)
    page = text_of(site / "reference" / "sweep_file.html")
    assert all(name in page for name in PackageParameters.__dataclass_fields__)


@pytest.mark.tools
def test_every_page_can_be_reached(site: Path) -> None:
    """From the first page, by links; and no link within the site leads nowhere."""
    waiting, seen = [site / "index.html"], set()
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".html":
            continue
        seen.add(page)
        for address in re.findall(r'href="([^"#]+)', page.read_text()):
            if re.match(r"\w+:", address):
                continue
            target = (page.parent / address.partition("?")[0]).resolve()
            assert target.exists(), f"{page.name}: {address}"
            waiting.append(target)
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in written_pages()}
    assert pages <= {path.relative_to(site).with_suffix("") for path in seen}


def written_pages() -> list[Path]:
    return [*(ROOT / "docs").rglob("*.md"), *NOTEBOOKS]


def test_no_page_is_overwritten_by_one_of_the_generator() -> None:
    names = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert not names & {"search", "genindex", "py-modindex"}


@pytest.mark.tools
def test_links_that_leave_the_site_are_listed(site: Path) -> None:
    lines = (site / "external_links.txt").read_text().splitlines()
    assert any(line.startswith("https://amaranth-lang.org") for line in lines)
    assert all(re.fullmatch(r"https?://\S+  \(\S+\)", line) for line in lines)


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_code_of_a_notebook_runs(path: Path, docs_store: Path, tmp_path: Path) -> None:
    cells = json.loads(path.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    environment = os.environ | {"CHIPDSE_CACHE": str(docs_store), "MPLBACKEND": "agg"}
    done = programs.run("-c", code, cwd=tmp_path, environment=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.exhaustive
@pytest.mark.tools
def test_notebooks_ran_while_the_site_was_built(site: Path) -> None:
    page = text_of(site / "tutorial" / "notebooks" / "first_sweep.html")
    assert "feasible 18" in page
    assert "never extrapolated" in text_of(
        site / "tutorial" / "notebooks" / "supply_and_temperature.html"
    )
    assert "constants; for example" in text_of(
        site / "tutorial" / "notebooks" / "packaging_study.html"
    )


def outputs(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text())["cells"]
    return [one for cell in cells for one in cell.get("outputs", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_keep_what_they_showed(path: Path) -> None:
    """For those who read them in the repository: outputs, a figure, and nothing of one machine."""
    shown = outputs(path)
    assert len(shown) >= 4
    assert any("image/png" in one.get("data", {}) for one in shown)
    assert not [
        one for one in shown if one["output_type"] == "error" or one.get("name") == "stderr"
    ]
    text = path.read_text()
    assert not re.search(r"/(home|work|root|tmp|usr)/", text)
